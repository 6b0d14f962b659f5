"""Where a run stops."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from cyclopts import Parameter

from contracts.command_line import RUN


@Parameter(name="*", group=RUN)
@dataclass(frozen=True, kw_only=True)
class Limits:
    """Calls and money that a run may use; prices and costs are in one currency of your choice."""

    max_calls: Annotated[int | None, Parameter(help="Stop after this number of calls.")] = None
    max_cost: Annotated[
        float | None,
        Parameter(
            help="Stop when the estimated cost reaches this amount; requires --price-in and "
            "--price-out, or a hub: model with prices in the router's catalogue."
        ),
    ] = None
    prompt_price: Annotated[
        float, Parameter(name="--price-in", help="Price per million prompt tokens.")
    ] = 0.0
    completion_price: Annotated[
        float, Parameter(name="--price-out", help="Price per million completion tokens.")
    ] = 0.0


#: No limits.
UNLIMITED = Limits()
