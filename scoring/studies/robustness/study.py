"""The study of robustness: everything that several forms of the prompt tell."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from contracts.models import Notice
from contracts.release.read import Release
from contracts.robustness import Decomposition, RobustnessStudy
from contracts.studies import StudyRelease
from scoring.inputs.survey import Weights
from scoring.studies.robustness.biases import model_biases
from scoring.studies.robustness.curve import (
    Crossed,
    crossed_scores,
    curve_rows,
    factor_effects,
    model_rows,
    pair_rows,
    refusal_rows,
)
from scoring.studies.robustness.inputs import FormSet, read_forms
from scoring.studies.robustness.recall import wave_recall
from scoring.studies.robustness.retest import retests
from scoring.studies.robustness.variance import complete_part, decompose, decompose_means

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


def robustness_study(
    predictions: Sequence[Predictions],
    release: Release,
    *,
    questions: str | Sequence[str] | None = None,
    wave: int = 7,
    weights: Weights = "design",
) -> RobustnessStudy:
    """How far scores and rankings depend on the form of the prompt.

    Args:
        predictions: answer distributions of one or more models, each under two forms and more;
            several files of one form are repeats.
        release: the people.
        questions: a question set or ids; by default the sets that the files were made for.
        wave: wave of the people.
        weights: `design` or `none`.

    Raises:
        ContractError: see `read_forms` and `crossed_scores`.
    """
    forms = read_forms(predictions, release, questions=questions, wave=wave, weights=weights)
    crossed = crossed_scores(forms)
    return RobustnessStudy(
        release=StudyRelease(name=release.manifest.name, digest=release.digest),
        wave=wave,
        questions=forms.questions,
        factors=list(forms.factors),
        models=list(forms.models),
        common_cells=int(crossed.common.sum()),
        curve=curve_rows(forms, crossed),
        robustness=model_rows(crossed),
        pairs=pair_rows(crossed),
        decompositions=list(_decompositions(crossed)),
        effects=factor_effects(crossed),
        biases=[model_biases(forms, model) for model in forms.models],
        retests=list(retests(forms)),
        refusals=list(refusal_rows(forms)),
        recall=list(wave_recall(forms, release, wave=wave, weights=weights)),
        notices=[*forms.notices, *_notices(forms, crossed)],
    )


def _decompositions(crossed: Crossed) -> Iterator[Decomposition]:
    rows, columns = complete_part(crossed.common)
    if rows.size:
        grid = crossed.cells[:, :, rows][:, :, :, columns]
        yield decompose_means(grid)
        yield decompose(grid)


def _notices(forms: FormSet, crossed: Crossed) -> Iterator[Notice]:
    every = {form for model in forms.models for form in forms.forms_of(model)}
    alone = sorted(forms.name(form) for form in every - set(forms.common_forms))
    if alone:
        yield Notice(
            code="not-common",
            message="Forms that not every model was asked in count for biases, retests and "
            f"refusals only: {'; '.join(alone)}.",
            count=len(alone),
        )
    if crossed.set_aside:
        yield Notice(
            code="few-answers",
            message="Forms under which a model gave too few usable answers count for biases, "
            f"retests and refusals only: {'; '.join(crossed.set_aside)}.",
            count=len(crossed.set_aside),
        )
    unknown = [file.name for file in forms.files if file.form.order_seed is None]
    if unknown:
        yield Notice(
            code="unknown-order",
            message="Without a seed in the metadata the order of shuffled answers is not known; "
            f"position bias leaves them out: {', '.join(unknown)}.",
            count=len(unknown),
        )
    if np.any(forms.shown):
        yield Notice(
            code="shown-questions",
            message="Questions that prompts showed with answers are left out.",
            count=int(forms.shown.sum()),
        )
