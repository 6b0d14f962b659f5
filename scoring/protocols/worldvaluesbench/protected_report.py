"""What of a report of ratings may be shown to others: a list of what stays, the rest goes.

Gone is what pairs a rating with its person (accuracy, mean error, demographic cells), what says
how many people or ratings a question has, and what compares people with fixed answers (uniform,
majority, floor): with it the people's own counts could be worked out.
"""

from __future__ import annotations

from typing import Any

from contracts.models import Notice
from contracts.report import GroupEntry, Interval, ProtocolResult, QuestionEntry, Report, Score
from contracts.specs import kind_spec, score_spec

#: Tables of the protocol that stay.
_TABLES = ("compared_with", "unsteered_samples", "sd", "category_curves")

#: Decimals of what is said of one question or category, and of all together.
QUESTION_DECIMALS, OVERALL_DECIMALS = 2, 3

#: Codes of the notices of a report that was made from protected counts, and of one that
#: something was taken out of.
PRIVATE_RELEASE, WITHHELD = "private-release", "ratings-withheld"

_NOTICE = Notice(
    code=WITHHELD,
    message="What would tell of single persons is not shown: scores that pair a rating with its "
    "person, counts by question, comparisons with fixed answers, demographic cells; the rest is "
    "rounded.",
)


def protected_report(report: Report) -> Report:
    """The report as others may see it; a report of another kind than ratings as it is.

    Doing it twice changes nothing more. A notice says so where something was taken out.
    """
    if not kind_spec(report.predictions.kind).individuals:
        return report
    shown = report.model_copy(
        update={
            "scores": _scores(report.scores),
            "countries": [],
            "questions": [_question(one) for one in report.questions],
            "groups": [_group(one) for one in report.groups if one.kind == "category"],
            "cells": [],
            "protocols": [_protocol(one) for one in report.protocols],
            "tests": [],
        }
    )
    noticed = any(one.code in (PRIVATE_RELEASE, WITHHELD) for one in report.warnings)
    if noticed or _holds_same(shown, report):
        return shown
    return shown.model_copy(update={"warnings": [*report.warnings, _NOTICE]})


def _may_stay(name: str) -> bool:
    spec = score_spec(name)
    return spec is not None and spec.protected


def _holds_same(shown: Report, report: Report) -> bool:
    """Whether nothing was taken out of a report; rounding alone needs no notice."""
    return _keys(shown.model_dump()) == _keys(report.model_dump())


def _keys(item: Any) -> Any:
    """JSON without its numbers: which of them are there at all."""
    if isinstance(item, dict):
        return {key: _keys(inner) for key, inner in item.items()}
    if isinstance(item, list):
        return [_keys(inner) for inner in item]
    return item is None


def _rounded(item: Any, decimals: int) -> Any:
    """JSON with all floats rounded."""
    if isinstance(item, float):
        return round(item, decimals)
    if isinstance(item, dict):
        return {key: _rounded(inner, decimals) for key, inner in item.items()}
    return [_rounded(inner, decimals) for inner in item] if isinstance(item, list) else item


def _interval(exact_interval: Interval, decimals: int) -> Interval:
    return Interval.model_validate(_rounded(exact_interval.model_dump(), decimals))


def _scores(scores: list[Score]) -> list[Score]:
    public_scores = (
        one.model_copy(update={"penalised": None}) for one in scores if _may_stay(one.name)
    )
    return [
        Score.model_validate(_rounded(one.model_dump(), OVERALL_DECIMALS)) for one in public_scores
    ]


def _distance(extra: dict[str, float | None]) -> dict[str, float | None]:
    wasserstein = extra.get("wasserstein")
    return {} if wasserstein is None else {"wasserstein": round(wasserstein, QUESTION_DECIMALS)}


def _question(entry: QuestionEntry) -> QuestionEntry:
    return QuestionEntry(
        question_id=entry.question_id,
        wave=entry.wave,
        category=entry.category,
        level=entry.level,
        alignment=_interval(entry.alignment, QUESTION_DECIMALS),
        extra=_distance(entry.extra),
    )


def _group(entry: GroupEntry) -> GroupEntry:
    return GroupEntry(
        kind=entry.kind,
        name=entry.name,
        alignment=_interval(entry.alignment, QUESTION_DECIMALS),
        questions=entry.questions,
        extra=_distance(entry.extra),
    )


def _protocol(result: ProtocolResult) -> ProtocolResult:
    tables = {name: result.tables[name] for name in _TABLES if name in result.tables}
    curves = result.tables.get("threshold_curves")
    if isinstance(curves, dict) and "model" in curves:
        tables["threshold_curves"] = {"model": curves["model"]}
    return ProtocolResult(
        protocol=result.protocol,
        applies=result.applies,
        reason=result.reason,
        scores=_scores(result.scores),
        tables=_rounded(tables, QUESTION_DECIMALS),
    )
