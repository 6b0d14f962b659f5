"""What a build can be told, checked before any work is done."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from codebook import countries, value_questions
from codebook.respondents.harmonised import ON_REQUEST_VARIABLES
from contracts.errors import ContractError, Problem
from dataset_builder.splits import DEFAULT_KEY, FRACTIONS

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


@dataclass(frozen=True)
class BuildOptions:
    """Options of `build_release`; see there."""

    split: Literal["hash", "worldvaluesbench"] = "hash"
    demographics: Literal["main", "all", "none"] = "main"
    include: tuple[str, ...] = ()
    hold_out_questions: tuple[str, ...] = ()
    hold_out_countries: tuple[str, ...] = ()
    public: bool = False
    cells: bool = False
    name: str = ""
    release_version: str = "1.0.0"
    seed: int = 0
    key: str = DEFAULT_KEY
    fractions: dict[str, float] = field(default_factory=lambda: dict(FRACTIONS))

    def check(self) -> None:
        """Whether the options make sense together.

        Raises:
            ContractError: they do not; every problem is listed.
        """
        problems = [*self._unknown_names(), *self._contradictions()]
        if problems:
            raise ContractError(problems, subject="options of build")

    def _unknown_names(self) -> list[Problem]:
        choices: dict[str, tuple[Sequence[str], Sequence[str]]] = {
            "--split": ([self.split], ["hash", "worldvaluesbench"]),
            "--demographics": ([self.demographics], ["main", "all", "none"]),
            "--include": (self.include, list(ON_REQUEST_VARIABLES)),
            "--hold-out-questions": (self.hold_out_questions, list(value_questions())),
            "--hold-out-countries": (self.hold_out_countries, list(countries())),
        }
        return [
            Problem(
                "unknown-option",
                f"{option} does not know {name!r}",
                allowed=", ".join(known) if len(known) < 20 else f"{known[0]} ... {known[-1]}",
            )
            for option, (names, known) in choices.items()
            for name in names
            if name not in known
        ]

    def _contradictions(self) -> list[Problem]:
        problems = []
        if self.public and (self.include or self.demographics == "all"):
            problems.append("a public release has no demographics of single persons")
        if self.public and self.cells:
            problems.append("a public release has no groups by several variables (--cells)")
        for text, what in ((self.name, "name"), (self.release_version, "version")):
            if text and not _NAME.match(text):
                problems.append(f"{what} {text!r} may hold letters, digits, dot, dash, underscore")
        return [Problem("options", text) for text in problems]
