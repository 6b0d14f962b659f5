"""Test-retest agreement: the same form asked again."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations

import numpy as np

from contracts.robustness import Retest
from scoring.estimates import number, row_means
from scoring.inputs.geometry import Floats
from scoring.studies.robustness.inputs import FormFile, FormSet


def intraclass_correlation(ratings: Floats) -> float:
    """ICC(A,1): absolute agreement of single measurements, two-way model.

    Args:
        ratings: subjects by measurements, shape (N, k); rows with a NaN are left out.

    Returns:
        The coefficient; NaN with fewer than two rows or measurements, or without any variation.

    Formula: (MSR - MSE) / (MSR + (k - 1) MSE + k (MSC - MSE) / N), with the mean squares of rows,
    columns and the residual. Source: McGraw & Wong (1996), Psychol. Methods 1, 30-46; Shrout &
    Fleiss (1979), Psychol. Bull. 86, 420-428, as ICC(2,1).
    """
    known = ratings[np.isfinite(ratings).all(axis=1)]
    rows, columns = known.shape
    if rows < 2 or columns < 2:
        return float("nan")
    mean, by_row, by_column = known.mean(), known.mean(axis=1), known.mean(axis=0)
    of_rows = columns * ((by_row - mean) ** 2).sum() / (rows - 1)
    of_columns = rows * ((by_column - mean) ** 2).sum() / (columns - 1)
    rest = known - by_row[:, None] - by_column + mean
    of_rest = (rest**2).sum() / ((rows - 1) * (columns - 1))
    bottom = of_rows + (columns - 1) * of_rest + columns * (of_columns - of_rest) / rows
    return float((of_rows - of_rest) / bottom) if bottom > 1e-18 else float("nan")


def retests(forms: FormSet) -> Iterator[Retest]:
    """An entry for every model and form with two files and more."""
    for model in forms.models:
        for form in forms.forms_of(model):
            files = forms.of(model, form)
            if len(files) > 1:
                yield _retest(forms, model, forms.name(form), files)


def _retest(forms: FormSet, model: str, name: str, files: tuple[FormFile, ...]) -> Retest:
    answers = np.array([_mean_answers(forms, file) for file in files])
    scores = np.array([file.scores for file in files])
    return Retest(
        model=model,
        form=name,
        repeats=len(files),
        cells=int(np.isfinite(scores).all(axis=0).sum()),
        icc_answers=number(intraclass_correlation(answers.reshape(len(files), -1).T)),
        icc_scores=number(intraclass_correlation(scores.reshape(len(files), -1).T)),
        total_variation=number(_mean_distance(files)),
    )


def _mean_answers(forms: FormSet, file: FormFile) -> Floats:
    """Mean answers on [0, 1] of ordinal questions; an answer for everyone counts once."""
    geometry = forms.survey.geometry
    shares = file.answers.shares[:1] if file.answers.unsteered else file.answers.shares
    places = np.arange(geometry.width) / (geometry.sizes[:, None] - 1)
    means = (shares * places).sum(axis=-1)
    return np.where(geometry.ordinal, means, np.nan)


def _mean_distance(files: tuple[FormFile, ...]) -> Floats:
    gaps = [
        0.5 * np.abs(one.answers.shares - other.answers.shares).sum(axis=-1)
        for one, other in combinations(files, 2)
    ]
    return row_means(np.array(gaps).ravel())
