"""What the index keeps of a report: one row of the board, its scores and its parts."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from contracts.digests import sha256_text
from contracts.report import Interval, Report
from space.columns import size_class

#: Reports name some scores by longer names; the board's columns are on the right.
SCORE_ALIASES = {
    "centred": "country_specific",
    "country_specific_score": "country_specific",
    "share_within_0.2": "share_w1_below_0.2",
    "judgments": "judgments_r",
    "advice": "advice_r",
}

PROTOCOL_OF_KIND = {"distribution": "alignment", "rating": "worldvaluesbench", "advice": "advice"}

#: Stands for all countries together in the grid of a report without single answers.
EVERYWHERE = "*"


class ScoreRow(NamedTuple):
    """A score of a row, as the index keeps it."""

    name: str
    estimate: float | None
    low: float | None
    high: float | None
    coverage: float | None
    questions: int | None


class PartRow(NamedTuple):
    """The score of one part of a row: a country, a question, a category, a group."""

    kind: str
    name: str
    estimate: float | None
    low: float | None
    high: float | None
    coverage: float | None
    questions: int | None


@dataclass(frozen=True)
class Grid:
    """Alignment per (country, question) cell, shape (countries, questions), NaN where missing."""

    countries: tuple[str, ...]
    questions: tuple[str, ...]
    alignment: NDArray[np.float32]


def row_fields(report: Report, *, row_id: str, row_class: str, updated: float) -> dict[str, Any]:
    """The columns of the index's table `rows`, without the ranks.

    Args:
        report: the report.
        row_id: name of its file, without suffix.
        row_class: `verified`, `uploaded` or `self-reported`.
        updated: time of the file, seconds since 1970.
    """
    meta, release = report.predictions.meta, report.release
    return {
        "row_id": row_id,
        "kind": row_kind(report),
        "name": meta.name or report.predictions.name,
        "model": meta.model,
        "family": meta.family or "unknown",
        "parameters": None if meta.parameters is None else meta.parameters / 1e9,
        "size": size_class(meta.parameters),
        "open_weights": {True: "open", False: "closed", None: "unknown"}[meta.open_weights],
        "protocols": " ".join(protocols_of(report)),
        "method": meta.method,
        "steering": meta.steering,
        "language": meta.language,
        "wave": str(report.settings.wave),
        "class": row_class,
        "question_set": report.settings.questions,
        "mode": report.settings.mode,
        "wording": meta.wording,
        "release": f"{release.name} {release.version}",
        "release_digest": release.digest,
        "synthetic": int(release.synthetic),
        "scorer_version": report.scorer_version,
        "trained_on_wvs": "yes" if meta.trained_on_wvs else "no",
        "warning_count": sum(notice.count for notice in report.warnings),
        "coverage": report.coverage.share,
        "expected": report.coverage.expected,
        "scored": report.coverage.scored,
        "link": meta.link,
        "updated": updated,
        "comparison": comparison_key(report, row_class=row_class),
    }


def row_kind(report: Report) -> str:
    """`model`, `baseline`, or `ceiling` for the agreement of people with themselves."""
    meta = report.predictions.meta
    if not meta.baseline:
        return "model"
    text = f"{meta.name} {meta.model} {report.predictions.name}".lower()
    return "ceiling" if "ceiling" in text else "baseline"


def protocols_of(report: Report) -> list[str]:
    """The protocols that apply; that of the predictions' kind where the report lists none."""
    applied = [result.protocol for result in report.protocols if result.applies]
    return list(applied) or [PROTOCOL_OF_KIND[report.predictions.kind]]


def comparison_key(report: Report, *, row_class: str) -> str:
    """Rows are ranked only among those with the same key; "" for rows that are never ranked."""
    if row_kind(report) != "model":
        return ""
    meta, settings = report.predictions.meta, report.settings
    same = (
        report.release.digest,
        report.scorer_version.split(".")[0],
        settings.questions,
        settings.questions_digest,
        settings.mode,
        settings.weights,
        settings.split,
        str(settings.wave),
        report.predictions.kind,
        meta.method,
        meta.steering,
        meta.language,
        meta.wording,
        row_class,
    )
    return sha256_text("\0".join(same))[:16]


def score_rows(report: Report) -> list[ScoreRow]:
    """All scores of a report, those of its protocols too; the first of a name counts."""
    every = [*report.scores, *(s for result in report.protocols for s in result.scores)]
    found: dict[str, ScoreRow] = {}
    for score in every:
        name = SCORE_ALIASES.get(score.name, score.name)
        cell = score.value
        row = ScoreRow(name, cell.estimate, cell.low, cell.high, score.coverage, score.questions)
        found.setdefault(name, row)
    return list(found.values())


def part_rows(report: Report) -> Iterator[PartRow]:
    """Scores by country, question, category, continent and group."""
    for country in report.countries:
        yield _part(
            "country", country.country, country.alignment, country.coverage, country.questions
        )
    for question in report.questions:
        yield _part("question", question.question_id, question.alignment, question.coverage, 1)
    for group in report.groups:
        kind = "group" if group.kind == "cell" else group.kind
        yield _part(kind, group.name, group.alignment, group.coverage, group.questions)


def _part(
    kind: str, name: str, cell: Interval, coverage: float | None, questions: int | None
) -> PartRow:
    return PartRow(kind, name, cell.estimate, cell.low, cell.high, coverage, questions)


def grid_of(report: Report) -> Grid | None:
    """Alignment per cell of everyone in a country.

    A report without single answers gives one row, `EVERYWHERE`, of its means per question; None
    where it has no questions either.
    """
    cells = [
        (cell.country, cell.question_id, cell.alignment)
        for cell in report.cells
        if cell.group == "" and cell.alignment is not None
    ] or [
        (EVERYWHERE, question.question_id, question.alignment.estimate)
        for question in report.questions
        if question.alignment.estimate is not None
    ]
    if not cells:
        return None
    countries = tuple(sorted({country for country, _, _ in cells}))
    questions = tuple(sorted({question_id for _, question_id, _ in cells}))
    at_country = {name: i for i, name in enumerate(countries)}
    at_question = {name: i for i, name in enumerate(questions)}
    alignment = np.full((len(countries), len(questions)), np.nan, np.float32)
    for country, question_id, score in cells:
        alignment[at_country[country], at_question[question_id]] = score
    return Grid(countries, questions, alignment)
