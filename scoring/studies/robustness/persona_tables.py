"""The study of steerability as tables of text."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.robustness import PersonaMatrix, SteerabilityStudy
from scoring.presentation.summary import country_name, number, p_value, percent
from scoring.studies.text_table import TextTable, signed

#: Models and conditions whose whole matrices are shown; the JSON holds all.
SHOWN_MATRICES = 12


def steerability_tables(study: Mapping[str, Any]) -> Iterator[TextTable]:
    """The advantage of every model and condition, then the matrices."""
    parsed_study = SteerabilityStudy.model_validate(study)
    rows = [_summary(one) for one in parsed_study.matrices]
    columns = ["Model", "Condition", "Personas", "Own", "Others", "Advantage", "p"]
    columns += ["People's", "Share of people's", "Nearest to their own", "Questions"]
    yield TextTable("Diagonal advantage", columns, rows, left=3)
    for one in parsed_study.matrices[:SHOWN_MATRICES]:
        yield _whole(one)


def _summary(one: PersonaMatrix) -> list[str]:
    known = [row for row in one.rows if row.own is not None and row.others is not None]
    return [
        one.model,
        one.condition,
        one.targets if one.targets != "countries" else f"{len(one.personas)} countries",
        number(sum(row.own or 0.0 for row in known) / len(known) if known else None),
        number(sum(row.others or 0.0 for row in known) / len(known) if known else None),
        signed(one.advantage.estimate),
        p_value(one.advantage.p_value),
        signed(one.advantage.people),
        percent(one.advantage.share_of_people),
        f"{one.advantage_own} of {len(one.personas)}",
        str(one.advantage.questions),
    ]


def _whole(one: PersonaMatrix) -> TextTable:
    rows = [
        [_name(persona), *map(number, values), "–" if row.rank is None else str(row.rank)]
        for persona, values, row in zip(one.personas, one.alignment, one.rows, strict=True)
    ]
    if any(value is not None for value in one.unsteered):
        rows.append(["without steering", *map(number, one.unsteered), "–"])
    title = f"{one.model}, {one.condition}"
    if one.targets != "countries":
        title += f", {one.targets}: mean over countries"
    note = (
        "Rows: personas; columns: the people compared with. Place: of its own people "
        "among all, by gain over the answers without steering where there are any."
    )
    return TextTable(title, ["Persona", *map(_name, one.peoples), "Place"], rows, note)


def _name(target: str) -> str:
    return country_name(target) if "=" not in target else target


def steerability_legend(study: Mapping[str, Any]) -> list[str]:
    """What the columns mean."""
    del study
    return [
        "Advantage: mean alignment of personas with their own people less that with the others', "
        "on the questions that every persona answered; p: one-sided permutation test over "
        "assignments of personas to peoples, not adjusted for their number. People's: the "
        "advantage of people's own answers, the most that a faithful persona has."
    ]
