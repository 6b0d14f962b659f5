"""Checks of a study of synthetic respondents, and of its options in other studies."""

from __future__ import annotations

from collections.abc import Iterator

from codebook.respondents.describe import person_languages
from contracts.errors import ContractError, Problem
from contracts.release.read import Release
from elicitation.study.conditions import OWN_LANGUAGE
from elicitation.study.methods import PERSONS_METHODS
from elicitation.study.options import StudyOptions
from elicitation.study.study import Study

#: Most synthetic respondents of a country.
MOST_PERSONS = 100_000


def check_persons(study: Study, options: StudyOptions, release: Release) -> None:
    """Refuse what does not go with synthetic respondents, and their options elsewhere.

    Args:
        study: the study.
        options: what it was made of.
        release: the release that personas are drawn from.

    Raises:
        ContractError: lists every problem.
    """
    if not study.personas:
        problems = list(_not_here(options))
    else:
        problems = [*_asking(study), *_drawing(study, release)]
    if problems:
        raise ContractError(problems, subject="study")


def _not_here(options: StudyOptions) -> Iterator[Problem]:
    given = {
        "--persons": options.persons is not None,
        "--personas": options.personas is not None,
        "--conversation": options.conversation,
    }
    for name, there in given.items():
        if there:
            yield Problem(
                "persons-only",
                "the option belongs to the protocol persons",
                column=name,
                found=f"--protocol {options.protocol}",
                allowed="--protocol persons",
            )


def _asking(study: Study) -> Iterator[Problem]:
    if study.method not in PERSONS_METHODS:
        yield Problem(
            "persons-method",
            "a person gives one answer to each question",
            column="--method",
            found=study.method,
            allowed=", ".join(PERSONS_METHODS),
        )
    if study.steering != ("persona",):
        yield Problem(
            "persons-steering",
            "a person is described in the prompt, without any answers of the survey",
            column="--steer",
            found=", ".join(study.steering),
            allowed="persona",
        )
    if study.groups != ("",):
        yield Problem(
            "persons-groups",
            "persons of all groups are drawn together",
            column="--groups",
            found=", ".join(study.groups),
            hint="Leave --groups out; --demographics sets the attributes that describe a person.",
        )
    if study.repeats != 1:
        yield Problem(
            "persons-repeats",
            "a person is asked each question once",
            column="--repeats",
            found=str(study.repeats),
            allowed="1",
            hint="For more answers take more persons: --persons",
        )
    spoken = set(study.languages) - {OWN_LANGUAGE} - set(person_languages())
    if spoken:
        yield Problem(
            "persons-language",
            "persons cannot be described in this language",
            column="--languages",
            found=", ".join(sorted(spoken)),
            allowed=", ".join(person_languages()),
        )


def _drawing(study: Study, release: Release) -> Iterator[Problem]:
    if not study.countries:
        yield Problem(
            "persons-country",
            "persons are drawn from the people of a country",
            column="--countries",
            found="none",
            hint="Name countries of the release, or take all.",
        )
    if not 1 <= study.persons <= MOST_PERSONS:
        yield Problem(
            "out-of-range",
            "the number of persons per country is out of range",
            column="--persons",
            found=str(study.persons),
            allowed=f"1 to {MOST_PERSONS:,}",
        )
    if study.demographics == "all":
        yield Problem(
            "persons-demographics",
            "persons are described in a sentence, which has no room for all demographics",
            column="--demographics",
            found="all",
            allowed="remote, main, none",
        )
    if study.personas == "respondents" and not release.has("respondents"):
        yield Problem(
            "no-people",
            "the release holds no respondents whose demographics could be taken",
            where=release.source,
            column="--personas",
            found="respondents",
            allowed="fitted",
            hint="Build a private release from survey files: opinion-atlas build",
        )
    if study.personas == "fitted" and study.on_request:
        yield Problem(
            "persons-on-request",
            "fitted personas have sex, age, education and settlement only",
            column="--on-request",
            found=", ".join(study.on_request),
            hint="Attributes on request need --personas respondents and a private release.",
        )
