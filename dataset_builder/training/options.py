"""What training data hold: one dataclass for the command line and Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, get_args

from cyclopts import Parameter

from codebook import MEMBERSHIPS, countries, question_set, value_questions
from codebook.render.question import Labels
from codebook.respondents.harmonised import GROUP_VARIABLES, HARMONISED
from codebook.wordings.wording import languages
from contracts.command_line import CONTENTS, SPLITS, names
from contracts.errors import ContractError, Problem, unknown_values

Form = Literal["soft", "sft", "preference", "grpo"]
Respondents = Literal["train", "all"]

FORMS: tuple[Form, ...] = get_args(Form)


@Parameter(name="*", group=CONTENTS)
@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """What training rows are made of, and what is held out of them."""

    languages: Annotated[
        tuple[str, ...],
        names("Languages of the prompts. Rows of respondents get one of them each, drawn."),
    ] = ("en",)
    questions: Annotated[
        tuple[str, ...], names("Question ids (Q1) or question sets (alignment, all, ...).")
    ] = ("alignment",)
    countries: Annotated[
        tuple[str, ...],
        names("Countries, as ISO 3166-1 alpha-3 codes. Default: every country of the release."),
    ] = ()
    groups: Annotated[
        tuple[str, ...],
        names(
            "Subgroups besides everyone of a country: sex=female, or a variable (sex) for all of "
            "its groups. Default: everyone alone."
        ),
    ] = ()
    labels: Annotated[
        Labels, Parameter(help="Labels of the answers on offer, as elicit shows them.")
    ] = "letters"
    limit: Annotated[
        int | None,
        Parameter(
            help="Maximum number of rows, drawn evenly over countries and questions. Default: all "
            "cells for soft and grpo; 100,000 rows for sft and preference."
        ),
    ] = None
    seed: Annotated[
        int, Parameter(help="Random seed of the sample and the order; it is recorded.")
    ] = 0
    wave: Annotated[int | None, Parameter(help="Survey wave. Default: the release's latest.")] = (
        None
    )
    respondents: Annotated[
        Respondents,
        Parameter(
            help="For soft and grpo: shares of the train split, or of all respondents. A release "
            "without splits, such as the reference, has the latter only.",
            group=SPLITS,
        ),
    ] = "train"
    hold_out_questions: Annotated[
        tuple[str, ...],
        names("Questions to leave out, besides those that the release holds out.", group=SPLITS),
    ] = ()
    hold_out_countries: Annotated[
        tuple[str, ...],
        names("Countries to leave out, besides those that the release holds out.", group=SPLITS),
    ] = ()
    hold_out_groups: Annotated[
        tuple[str, ...],
        names("Groups (sex=female) or group variables (sex) to leave out.", group=SPLITS),
    ] = ()

    def check(self) -> None:
        """Whether every name is known.

        Raises:
            ContractError: one is not; every problem is listed.
        """
        groups = [*GROUP_VARIABLES, *all_groups()]
        known: dict[str, tuple[Sequence[str], Sequence[str]]] = {
            "--languages": (self.languages, languages()),
            "--questions": (self.questions, ["all", *MEMBERSHIPS, *value_questions()]),
            "--countries": (self.countries, list(countries())),
            "--groups": (self.groups, groups),
            "--labels": ([self.labels], ["letters", "numbers"]),
            "--respondents": ([self.respondents], ["train", "all"]),
            "--hold-out-questions": (self.hold_out_questions, list(value_questions())),
            "--hold-out-countries": (self.hold_out_countries, list(countries())),
            "--hold-out-groups": (self.hold_out_groups, groups),
        }
        problems = [
            unknown_values(option, name, allowed, code="unknown-option")
            for option, (given, allowed) in known.items()
            for name in given
            if name not in allowed
        ]
        if self.limit is not None and self.limit < 1:
            problems.append(Problem("options", "--limit is at least 1", found=str(self.limit)))
        if not self.languages:
            problems.append(Problem("options", "--languages names no language"))
        if problems:
            raise ContractError(problems, subject="options of training data")

    @property
    def question_ids(self) -> tuple[str, ...]:
        """The questions asked for, in the order of the questionnaire."""
        wanted: set[str] = set()
        for name in self.questions:
            wanted.update([name] if name in value_questions() else question_set(name))
        return tuple(key for key, question in value_questions().items()
                     if key in wanted and question.scale is not None)  # fmt: skip


def all_groups() -> tuple[str, ...]:
    """Every group by one variable, as `sex=female`."""
    return tuple(
        f"{name}={category}" for name in GROUP_VARIABLES for category in HARMONISED[name].categories
    )


def expanded_groups(given: Sequence[str]) -> frozenset[str]:
    """Groups by name; a variable stands for all of its groups."""
    return frozenset(
        group for group in all_groups() if group in given or group.partition("=")[0] in given
    )
