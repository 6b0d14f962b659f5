"""Options of a build: one dataclass for the command line and Python, checked before any work."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, Literal

from cyclopts import Parameter

from codebook import countries, value_questions
from codebook.respondents.harmonised import ON_REQUEST_VARIABLES
from contracts.command_line import CONTENTS, RUN, SPLITS, flag, names
from contracts.errors import ContractError, Problem, unknown_values

#: Shares of the respondents in each split.
FRACTIONS = {"train": 0.70, "validation": 0.15, "test": 0.15}

#: Key of the hash; another key gives another split of the same respondents.
DEFAULT_KEY = "opinion-atlas"

#: Version of a release unless another is given.
DEFAULT_VERSION = "1.0.0"

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


@Parameter(name="*", group=CONTENTS)
@dataclass(frozen=True, kw_only=True)
class BuildOptions:
    """What a release holds, and how it is split.

    Attributes:
        key: key of the hash that splits; another one gives another split.
        fractions: shares of the respondents in each split.
    """

    public: Annotated[
        bool,
        flag(
            "Write aggregates only, under disclosure control: no individual rows, no cell with "
            "fewer than 30 valid answers, and none that could be derived by subtraction."
        ),
    ] = False
    demographics: Annotated[
        Literal["main", "all", "none"],
        Parameter(
            help="Demographics in each row of `responses`: main (sex, age group, education, ... "
            "as text), all (also the raw codes of all demographic questions) or none. "
            "`respondents` holds them in any case."
        ),
    ] = "main"
    include: Annotated[
        tuple[str, ...],
        names("Sensitive demographics to include: religion, ethnicity, party."),
    ] = ()
    cells: Annotated[
        bool,
        flag(
            "Also tabulate by the combination of sex, age, education and settlement; makes "
            "`distributions` many times larger. Never in a public release."
        ),
    ] = False
    name: Annotated[
        str, Parameter(help="Name of the release. Default: derived from its sources.")
    ] = ""
    release_version: Annotated[str, Parameter(help="Version of the release.")] = DEFAULT_VERSION
    split: Annotated[
        Literal["hash", "worldvaluesbench"],
        Parameter(
            help="hash: 70/15/15 in every country, by a keyed hash of each respondent's id, so "
            "that a new version of the file moves nobody. worldvaluesbench: that benchmark's own "
            "split, which depends on the row order of the pooled file; without Uruguay.",
            group=SPLITS,
        ),
    ] = "hash"
    hold_out_questions: Annotated[
        tuple[str, ...],
        names("Ids of questions whose answers go into the test split only.", group=SPLITS),
    ] = ()
    hold_out_countries: Annotated[
        tuple[str, ...],
        names(
            "Countries whose respondents go into the test split only, as ISO 3166-1 alpha-3 codes.",
            group=SPLITS,
        ),
    ] = ()
    seed: Annotated[int, Parameter(help="Random seed of the probe's sample.", group=SPLITS)] = 0
    allow_unknown: Annotated[
        bool,
        flag(
            "Set answers whose codes are not in the codebook to missing and list them, instead of "
            "stopping. Where they are more than 2 % of a question's answers in a country, all its "
            "answers there are left out: flag unknown-codes, never scored.",
            group=RUN,
        ),
    ] = False
    key: Annotated[str, Parameter(parse=False)] = DEFAULT_KEY
    fractions: Annotated[dict[str, float], Parameter(parse=False)] = field(
        default_factory=lambda: dict(FRACTIONS)
    )

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
            unknown_values(option, name, known, code="unknown-option")
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


#: The options with all defaults.
DEFAULT_BUILD = BuildOptions()
