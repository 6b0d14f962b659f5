"""The trend of several reports side by side: whose time do the answers speak for?

Each report holds its own trend (`scoring.protocols.alignment.waves`); here they stand in one table,
adjusted for their number, with what became of the questions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import numpy as np

from contracts.errors import ContractError, Problem, fail
from contracts.models import Notice
from contracts.report import Report
from contracts.report_tables.alignment import WaveTable
from contracts.studies import (
    StudyRelease,
    TrendChange,
    TrendQuestion,
    TrendReport,
    TrendRow,
    TrendStudy,
)
from scoring.comparison.compare import check_comparable
from scoring.comparison.wordings import wording_names, wording_notices
from scoring.estimates import number
from scoring.inference.tests import benjamini_hochberg, holm


def trend_study(reports: Sequence[Report]) -> TrendStudy:
    """Trends of reports.

    Returns:
        `rows`: report, wave, set of countries, mean over countries with its interval, sd over
        countries, the people of the wave before as a baseline, null with the reason where fewer
        than five countries remain. `changes`: last wave less first over questions by report, with
        how many questions are nearer to either. `questions`: the same question by question.
        `without`: reports that have no trend, and why.

    Raises:
        ContractError: there is no report, or they were scored on other people or by other rules.
    """
    if not reports:
        raise fail("no-reports", "a study needs reports")
    for report in reports[1:]:
        check_comparable(reports[0], report)
    _check_names(reports)
    tables = {_label(report): _waves(report) for report in reports}
    whole = {name: table for name, table in tables.items() if table.change is not None}
    first = reports[0]
    return TrendStudy(
        mode=first.settings.mode,
        release=StudyRelease(name=first.release.name, digest=first.release.digest),
        reports=[_about(report) for report in reports],
        rows=[
            TrendRow.model_validate({"report": name, **row.to_json()})
            for name, table in whole.items()
            for row in table.rows
        ],
        changes=_changes(whole),
        questions=[
            TrendQuestion.model_validate({"report": name, **row.to_json()})
            for name, table in whole.items()
            for row in table.questions
        ],
        left_out={name: table.left_out for name, table in whole.items()},
        without={
            name: table.reason or "the report was made before trends had tests; score it again"
            for name, table in tables.items()
            if name not in whole
        },
        notices=_notices(reports),
    )


def _label(report: Report) -> str:
    meta = report.predictions.meta
    return meta.name or report.predictions.name


def _about(report: Report) -> TrendReport:
    meta = report.predictions.meta
    return TrendReport(
        report=_label(report),
        model=meta.model,
        method=meta.method,
        steering=meta.steering,
        language=meta.language,
    )


def _check_names(reports: Sequence[Report]) -> None:
    twice = [name for name, count in Counter(map(_label, reports)).items() if count > 1]
    if twice:
        raise ContractError(
            [
                Problem(
                    "same-name",
                    f"two reports are named {name}",
                    hint="Name predictions by their metadata (name), or give one of them.",
                )
                for name in twice
            ],
            subject="study",
        )


def _waves(report: Report) -> WaveTable:
    waves_table = report.table("waves", WaveTable)
    if waves_table is None:
        raise fail(
            "no-waves",
            "the report has no scores by wave",
            where=_label(report),
            hint="Score a distribution file with the alignment protocol.",
        )
    return waves_table


def _changes(tables: Mapping[str, WaveTable]) -> list[TrendChange]:
    """Last wave less first, adjusted over the reports, with a count of questions."""
    rows = []
    for name, table in tables.items():
        assert table.change is not None
        count = Counter(row.nearer for row in table.questions)
        sides = {"nearer_first": count["first"], "nearer_last": count["last"]}
        rows.append(TrendChange.model_validate({"report": name, **table.change.to_json(), **sides}))
    p_values = [np.nan if row.p_value is None else row.p_value for row in rows]
    adjusted = zip(rows, holm(p_values), benjamini_hochberg(p_values), strict=True)
    return [
        row.model_copy(update={"p_holm": number(by_holm), "p_bh": number(by_bh)})
        for row, by_holm, by_bh in adjusted
    ]


def _notices(reports: Sequence[Report]) -> list[Notice]:
    notices = [
        Notice(code="synthetic", message="The release is SYNTHETIC: made-up people.")
        for _ in range(any(report.release.synthetic for report in reports))
    ]
    return [*notices, *wording_notices(reports), *wording_names(reports)]
