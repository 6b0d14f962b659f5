"""Prompt sensitivity of several reports: variants of the prompt beside the default one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from contracts.errors import ContractError, Problem, fail
from contracts.models import Notice
from contracts.predictions.meta import PredictionsMeta
from contracts.report import Report
from contracts.studies import SensitivityGroup, SensitivityRow, SensitivityStudy, StudyRelease
from scoring.comparison.compare import check_comparable
from scoring.comparison.wordings import wording_notices
from scoring.estimates import number
from scoring.studies.sensitivity import cell_table, report_score, sensitivity

#: Variant of the prompt that the others are compared with, as metadata name it.
DEFAULT = "default"


def sensitivity_study(reports: Sequence[Report]) -> SensitivityStudy:
    """Every variant of a prompt beside the default prompt of the same way of asking.

    Reports belong together that have model, method, steering and language in common. Variants are
    named by the predictions' metadata (`extra.variant`); no name is the default prompt.

    Raises:
        ContractError: there is no report; releases or rules differ; a report has no scores by
            country and question; a group of reports has no default prompt, or several; or no
            group has a second prompt.
    """
    if not reports:
        raise fail("no-reports", "a study needs reports")
    for report in reports[1:]:
        check_comparable(reports[0], report)
    cell_table(reports)  # every report that has no cells is refused before anything is computed
    groups: dict[tuple[str, ...], list[Report]] = defaultdict(list)
    for report in reports:
        groups[_way(report.predictions.meta)].append(report)
    problems = [
        problem
        for way, group_reports in groups.items()
        for problem in _problems(way, group_reports)
    ]
    if problems:
        raise ContractError(problems, subject="study")
    first = reports[0]
    return SensitivityStudy(
        mode=first.settings.mode,
        release=StudyRelease(name=first.release.name, digest=first.release.digest),
        groups=[
            _group(way, group_reports)
            for way, group_reports in groups.items()
            if len(group_reports) > 1
        ],
        notices=_notices(
            reports,
            [group_reports[0] for group_reports in groups.values() if len(group_reports) == 1],
        ),
    )


def variant_of(meta: PredictionsMeta) -> str:
    """Name of the prompt's variant."""
    return str(meta.extra.get("variant") or DEFAULT)


def _way(meta: PredictionsMeta) -> tuple[str, ...]:
    return (meta.model, meta.method, meta.steering, meta.language)


def _problems(way: tuple[str, ...], reports: Sequence[Report]) -> list[Problem]:
    defaults = [one for one in reports if variant_of(one.predictions.meta) == DEFAULT]
    if len(defaults) == 1:
        return []
    code = "several-defaults" if defaults else "no-default"
    report_labels = ", ".join(_label(one) for one in defaults or reports)
    return [
        Problem(
            code,
            f"{'several reports have' if defaults else 'no report has'} the default prompt of "
            f"{', '.join(way)}",
            found=report_labels,
            allowed="one report with the default prompt for each way of asking",
            hint="Variants are asked with: opinion-atlas elicit MODEL --vary default,VARIANT",
        )
    ]


def _group(way: tuple[str, ...], reports: Sequence[Report]) -> SensitivityGroup:
    base = next(one for one in reports if variant_of(one.predictions.meta) == DEFAULT)
    model, method, steering, language = way
    return SensitivityGroup(
        model=model,
        method=method,
        steering=steering,
        language=language,
        default=_label(base),
        score=report_score(base, "alignment"),
        rows=[_row(base, other) for other in reports if other is not base],
    )


def _row(base: Report, other: Report) -> SensitivityRow:
    sensitivities = sensitivity(base, other)
    score, before = report_score(other, "alignment"), report_score(base, "alignment")
    return SensitivityRow(
        report=_label(other),
        variant=variant_of(other.predictions.meta),
        score=score,
        difference=None if score is None or before is None else number(score - before),
        countries=sensitivities.countries.count,
        countries_pearson=sensitivities.countries.pearson,
        questions=sensitivities.questions.count,
        questions_pearson=sensitivities.questions.pearson,
        mean_absolute_change=sensitivities.questions.mean_absolute_change,
    )


def _label(report: Report) -> str:
    return report.predictions.meta.name or report.predictions.name


def _notices(reports: Sequence[Report], alone: Sequence[Report]) -> list[Notice]:
    notices = []
    if any(report.release.synthetic for report in reports):
        notices.append(
            Notice(code="synthetic", message="The release is SYNTHETIC: made-up people.")
        )
    if alone:
        names = ", ".join(_label(report) for report in alone)
        notices.append(
            Notice(
                code="one-prompt",
                message=f"Without another prompt to compare with: {names}.",
                count=len(alone),
            )
        )
    return [*notices, *wording_notices(reports)]
