"""The people whose ratings are asked for: those of a private release's probe."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from codebook.respondents.describe import DEMOGRAPHIC_SETS, ON_REQUEST_COLUMNS, person_texts
from contracts.errors import fail
from contracts.release.interview_ids import ambiguous_ids
from contracts.release.read import Release
from elicitation.study.conditions import Target
from elicitation.study.study import Study


class ProbePeople(NamedTuple):
    """Described people by language, and whom each question is asked about.

    Attributes:
        targets: language -> targets, one per person.
        people: question -> indices of the targets.
    """

    targets: Mapping[str, tuple[Target, ...]]
    people: Mapping[str, tuple[int, ...]]


def probe_people(release: Release, study: Study) -> ProbePeople:
    """Read the probe of a release: who is asked about which question, and who they are.

    Raises:
        ContractError: the release has no probe, or nobody of it was asked these questions.
    """
    if not release.has("probe") or not release.has("respondents"):
        raise fail(
            "no-people",
            "ratings as described persons need a release with single persons",
            where=release.source,
            hint="Build one from survey files (opinion-atlas build), or ask for samples of "
            "nobody in particular: --demographics none",
        )
    asked = _asked(release, study)
    if not asked:
        raise fail(
            "no-people",
            "nobody in the probe of the release was asked these questions",
            where=release.source,
            column="--questions",
        )
    order = sorted({person for people in asked.values() for person in people})
    place = {respondent: index for index, respondent in enumerate(order)}
    return ProbePeople(
        targets={
            language: _targets(release, study, order, language) for language in study.languages
        },
        people={
            question: tuple(place[person] for person in people)
            for question, people in asked.items()
        },
    )


def _asked(release: Release, study: Study) -> dict[str, list[int]]:
    """Question -> respondents; those whose interview id names several people are left out.

    Older releases have such rows in their probe; ratings of them could not be scored.
    """
    import pyarrow as pa
    import pyarrow.compute as pc

    named = release.table(
        "respondents", columns=["interview_id"], where=pc.field("wave") == study.wave
    )
    nameless = pa.array(ambiguous_ids(named["interview_id"].to_numpy()))
    where = pc.field("question_id").isin(list(study.questions))
    where &= pc.field("wave") == study.wave
    where &= ~pc.field("interview_id").isin(nameless)
    if study.countries:
        where &= pc.field("country").isin(list(study.countries))
    table = release.table("probe", columns=["question_id", "respondent_id"], where=where)
    people_by_question: dict[str, list[int]] = {}
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    for question, respondent in sorted(set(rows)):
        people = people_by_question.setdefault(question, [])
        if study.people is None or len(people) < study.people:
            people.append(respondent)
    return people_by_question


def _targets(
    release: Release, study: Study, respondents: list[int], language: str
) -> tuple[Target, ...]:
    import pyarrow as pa
    import pyarrow.compute as pc

    have = set(release.dataset("respondents").schema.names)
    columns = ["respondent_id", "interview_id", "country", *_person_columns(study, have)]
    where = pc.field("respondent_id").isin(pa.array(respondents))
    table = release.table("respondents", columns=list(dict.fromkeys(columns)), where=where)
    table = table.sort_by("respondent_id")
    texts = person_texts(
        {name: table.column(name) for name in table.column_names},
        demographics=study.demographics,  # type: ignore[arg-type]
        on_request=study.on_request,
        language=language,
    )
    ids = table.column("interview_id").to_pylist()
    countries = table.column("country").to_pylist()
    return tuple(
        Target(country=country, participant=interview, person=str(text))
        for country, interview, text in zip(countries, ids, texts, strict=True)
    )


def _person_columns(study: Study, have: set[str]) -> Iterator[str]:
    """Columns that may describe a person; which of them count is the renderer's matter."""
    if study.demographics == "all":
        yield from sorted(have - {"respondent_id", "interview_id", "weight", "split", "wave"})
    else:
        for names in DEMOGRAPHIC_SETS[study.demographics]:
            yield from (name for name in names if name in have)
    for request in study.on_request:
        for names in ON_REQUEST_COLUMNS[request]:
            yield from (name for name in names if name in have)
