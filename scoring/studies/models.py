"""Models side by side: trends over size and training, base beside chat, countries by models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import numpy as np

from contracts.errors import ContractError, Problem, fail
from contracts.models import Notice
from contracts.report import Report
from contracts.report_tables.alignment import AlignmentTables
from contracts.studies import (
    ModelRow,
    ModelsStudy,
    StudyRelease,
)
from scoring.comparison.compare import check_comparable
from scoring.comparison.wordings import wording_notices
from scoring.studies.sensitivity import chat_pairs, country_model_matrix, training_trends


def models_study(
    reports: Sequence[Report], *, score: str = "alignment", seed: int = 0
) -> ModelsStudy:
    """One report of each model, side by side.

    Args:
        reports: of one condition; baselines among them are left out.
        score: the score that trends and pairs are about.
        seed: seed of the permutations.

    Raises:
        ContractError: there is no report of a model; releases or rules differ; a model has
            several reports; or none has the score.
    """
    chosen = [one for one in reports if not one.predictions.meta.baseline]
    if not chosen:
        raise fail("no-reports", "a study of models needs reports of models, not of baselines")
    for report in chosen[1:]:
        check_comparable(chosen[0], report)
    _check_models(chosen)
    _check_score(chosen, score)
    first = chosen[0]
    whole = all(one.tables_of(AlignmentTables).question_scores for one in chosen)
    rng = np.random.default_rng(seed)
    return ModelsStudy(
        mode=first.settings.mode,
        release=StudyRelease(name=first.release.name, digest=first.release.digest),
        score=score,
        rows=sorted((_row(one, score) for one in chosen), key=_best_first),
        trends=training_trends(chosen, score=score, rng=rng),
        pairs=chat_pairs(chosen, score=score),
        matrix=country_model_matrix(chosen) if whole else None,
        notices=_notices(reports, chosen),
    )


def _row(report: Report, name: str) -> ModelRow:
    meta, score_entry = report.predictions.meta, report.score(name)
    value = score_entry.value if score_entry else None
    return ModelRow(
        model=meta.model,
        report=meta.name or report.predictions.name,
        parameters=meta.parameters,
        training_tokens=meta.training_tokens,
        chat=meta.chat,
        score=value.estimate if value else None,
        low=value.low if value else None,
        high=value.high if value else None,
    )


def _best_first(row: ModelRow) -> tuple[bool, float, str]:
    return (row.score is None, -(row.score or 0.0), row.model)


def _check_models(reports: Sequence[Report]) -> None:
    counts = Counter(report.predictions.meta.model for report in reports)
    problems = [
        Problem(
            "same-model",
            f"{count} reports are of the model {model}",
            found=model,
            allowed="one report of each model",
            hint="Give the reports of one condition; report steering compares conditions.",
        )
        for model, count in counts.items()
        if count > 1
    ]
    if problems:
        raise ContractError(problems, subject="study")


def _check_score(reports: Sequence[Report], name: str) -> None:
    if any(report.score(name) for report in reports):
        return
    there = dict.fromkeys(score.name for report in reports for score in report.scores)
    raise fail(
        "unknown-score",
        "no report has this score",
        column="--score",
        found=name,
        allowed=", ".join(there),
    )


def _notices(reports: Sequence[Report], chosen: Sequence[Report]) -> list[Notice]:
    notices = []
    if any(report.release.synthetic for report in chosen):
        notices.append(
            Notice(code="synthetic", message="The release is SYNTHETIC: made-up people.")
        )
    left = len(reports) - len(chosen)
    if left:
        notices.append(
            Notice(code="baselines", message="Baselines are left out of trends.", count=left)
        )
    return [*notices, *wording_notices(chosen)]
