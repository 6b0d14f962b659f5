"""Ratings on a server: compared with single persons, so only with care.

A release with single persons that a maintainer attached scores uploads; what leaves it is rounded,
stands for at least `MINIMUM_CELL` people, and needs most of the probe answered, so that no upload
asks about a few people only.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

from contracts.disclosure import MINIMUM_CELL
from contracts.errors import ContractError, Problem, fail
from contracts.release import Release
from contracts.report import (
    GroupEntry,
    Interval,
    Notice,
    ProtocolResult,
    QuestionEntry,
    Report,
    Score,
)

#: Share of the probe that an upload must answer.
LEAST_COVERAGE = 0.9

#: Decimals of what is said of one question, and of all: one person in a probe question's 240
#: moves its distance by less than one in the second decimal.
QUESTION_DECIMALS, OVERALL_DECIMALS = 2, 3

#: Code of the notice that marks a guarded report; what is scored anew is guarded again.
PRIVATE_RELEASE = "private-release"

NOTICE = Notice(
    code=PRIVATE_RELEASE,
    message="Compared with single persons of a release that is not public: scores are rounded, "
    f"and nothing is said of fewer than {MINIMUM_CELL} people.",
)


def no_release(*, public: bool) -> ContractError:
    """The error of a rating upload where no release with single persons is attached."""
    return fail(
        "needs-individuals",
        "ratings are compared with the answers of single persons, which this board does not hold",
        hint="Score them on your own machine, then submit the report: "
        "opinion-atlas build FILE --out RELEASE, then opinion-atlas score PREDICTIONS "
        "--release RELEASE --out report.json"
        + (". A maintainer can attach a private release (docs/running-a-space.md)" * public),
    )


def probe_questions(release: Release) -> tuple[str, ...]:
    """Questions of the probe that at least `MINIMUM_CELL` people answered there.

    Raises:
        ContractError: the release has no probe, or one too small.
    """
    found = tuple(sorted(one for one, n in _answers(release).items() if n >= MINIMUM_CELL))
    if not found:
        raise fail(
            "small-probe",
            "no question of the attached release's probe was answered by enough people",
            allowed=f"at least {MINIMUM_CELL}",
        )
    return found


def questions_to_score(release: Release) -> tuple[str, ...] | None:
    """Questions that uploads are scored on; None where nothing of the probe is left out."""
    kept = probe_questions(release)
    return None if len(kept) == len(_answers(release)) else kept


def _answers(release: Release) -> Counter[str]:
    """How many people of the probe answered each question."""
    if not release.has("probe"):
        raise no_release(public=True)
    return Counter(release.table("probe", columns=["question_id"])["question_id"].to_pylist())


def guarded_report(report: Report) -> Report:
    """The report of a rating upload without what would tell of single persons.

    Left out are demographic cells (five people each), hits and errors per question, and
    questions with fewer than `MINIMUM_CELL` ratings; the rest is rounded.

    Raises:
        ContractError: the upload answers too little of the probe, or a question for too few.
    """
    _check_coverage(report)
    protocols = [_guarded_protocol(result) for result in report.protocols]
    return report.model_copy(
        update={
            "scores": [_guarded_score(one) for one in report.scores],
            "questions": [_guarded_question(one) for one in report.questions],
            "groups": [_guarded_group(one) for one in report.groups if one.kind == "category"],
            "countries": [],
            "cells": [],
            "tests": [],
            "protocols": protocols,
            "warnings": [*report.warnings, NOTICE],
        }
    )


def _check_coverage(report: Report) -> None:
    problems = []
    share = report.coverage.share or 0.0
    whole = any(
        result.tables.get("compared_with") == "the probe"
        for result in report.protocols
        if result.applies
    )
    if share < LEAST_COVERAGE or not whole:
        problems.append(
            Problem(
                "low-coverage",
                "ratings are scored here only if they answer the release's probe, and nothing else",
                found=f"{share:.1%} of {'the probe' if whole else 'other pairs'}",
                allowed=f"at least {LEAST_COVERAGE:.0%}",
                hint="The probe's pairs of person and question stand in the release's table "
                "`probe`; anything else is scored locally with: opinion-atlas score",
            )
        )
    few = [
        one.question_id
        for one in report.questions
        if one.alignment.estimate is not None and (one.extra.get("ratings") or 0) < MINIMUM_CELL
    ]
    if few:
        problems.append(
            Problem(
                "few-people",
                "some questions are answered for too few people",
                found=", ".join(few[:20]),
                allowed=f"at least {MINIMUM_CELL} people each",
            )
        )
    if problems:
        raise ContractError(problems, subject="ratings")


def _rounded(item: Any, decimals: int) -> Any:
    """JSON with all floats rounded."""
    if isinstance(item, float):
        return round(item, decimals)
    if isinstance(item, dict):
        return {key: _rounded(inner, decimals) for key, inner in item.items()}
    return [_rounded(inner, decimals) for inner in item] if isinstance(item, list) else item


def _interval(value: Interval, decimals: int) -> Interval:
    return Interval.model_validate(_rounded(value.model_dump(), decimals))


def _guarded_score(score: Score) -> Score:
    return Score.model_validate(_rounded(score.model_dump(), OVERALL_DECIMALS))


def _guarded_question(entry: QuestionEntry) -> QuestionEntry:
    kept = {
        key: entry.extra.get(key)
        for key in ("wasserstein", "uniform", "majority", "ratings")
        if entry.extra.get(key) is not None
    }
    return entry.model_copy(
        update={
            "alignment": _interval(entry.alignment, QUESTION_DECIMALS),
            "floor": _rounded(entry.floor, QUESTION_DECIMALS),
            "extra": _rounded(kept, QUESTION_DECIMALS),
        }
    )


def _guarded_group(entry: GroupEntry) -> GroupEntry:
    return GroupEntry.model_validate(_rounded(entry.model_dump(), QUESTION_DECIMALS))


def _guarded_protocol(result: ProtocolResult) -> ProtocolResult:
    return ProtocolResult(
        protocol=result.protocol,
        applies=result.applies,
        reason=result.reason,
        scores=[_guarded_score(one) for one in result.scores],
        tables=_rounded(result.tables, QUESTION_DECIMALS),
    )
