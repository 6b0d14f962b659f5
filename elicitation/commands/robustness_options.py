"""Options of `elicit --robustness`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Group, Parameter

from contracts.command_line import flag, names

ROBUSTNESS = Group("Robustness", sort_key=22)


@Parameter(name="*", group=ROBUSTNESS)
@dataclass(frozen=True, kw_only=True)
class RobustnessOptions:
    """Whether a set of prompt forms is asked, and what the forms differ in."""

    robustness: Annotated[
        bool,
        flag(
            "Ask in a balanced set of prompt forms (a fractional factorial design), for `report "
            "robustness`. --dry-run prints the set; --max-calls limits it; --method, --languages "
            "and --steer may name several levels."
        ),
    ] = False
    factors: Annotated[
        tuple[str, ...],
        names(
            "With --robustness, what the forms differ in: method, order, labels, language, "
            "steering, persona, thinking, examples, retest. Default: all but thinking and examples."
        ),
    ] = ()
    forms: Annotated[
        int | None,
        Parameter(
            help="With --robustness, the number of forms. Default: 12, or what --max-calls allows."
        ),
    ] = None


NO_ROBUSTNESS = RobustnessOptions()
