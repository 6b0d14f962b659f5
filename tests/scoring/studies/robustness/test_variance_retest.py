"""Analysis of variance and agreement of repeats, against other ways to the same numbers."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from planted import FORMS, QUESTIONS, Planted, planted_records

from contracts.predictions.read import Predictions
from contracts.release.read import Release
from scoring.studies.robustness.inputs import read_forms
from scoring.studies.robustness.retest import intraclass_correlation, retests
from scoring.studies.robustness.study import robustness_study
from scoring.studies.robustness.variance import complete_part, decompose, sums_of_squares


def test_sums_of_squares_are_those_of_nested_least_squares() -> None:
    """Each effect's sum of squares is the fall of the residual when its dummies are added."""
    rng = np.random.default_rng(0)
    grid = rng.normal(size=(3, 2, 4))
    found = sums_of_squares(grid, ("a", "b", "c"))
    assert sum(found.values()) == pytest.approx(((grid - grid.mean()) ** 2).sum())
    places = np.indices(grid.shape).reshape(3, -1)
    y = grid.ravel()

    def dummies(axes: tuple[int, ...]) -> np.ndarray:
        codes = np.zeros(y.size, int)
        for axis in axes:
            codes = codes * grid.shape[axis] + places[axis]
        return np.eye(codes.max() + 1)[codes]

    def residual(*terms: tuple[int, ...]) -> float:
        design = np.column_stack([np.ones(y.size), *map(dummies, terms)])
        return float(((y - design @ np.linalg.lstsq(design, y, rcond=None)[0]) ** 2).sum())

    assert found["a"] == pytest.approx(residual() - residual((0,)))
    before = residual((0,), (1,), (2,))
    assert found["a x c"] == pytest.approx(before - residual((0,), (1,), (2,), (0, 2)))


def test_an_additive_grid_has_no_interaction() -> None:
    model, form = np.array([0.0, 2.0]), np.array([0.0, 1.0, -1.0])
    grid = model[:, None, None, None] + form[None, :, None, None] + np.zeros((2, 3, 4, 5))
    shares = {share.source: share.share for share in decompose(grid).shares}
    # Variances 1 and 2/3 about the means.
    assert shares["model"] == pytest.approx(0.6)
    assert shares["form"] == pytest.approx(0.4)
    assert sum(shares.values()) == pytest.approx(1)
    flat = decompose(np.ones((2, 2, 2, 2)))
    assert [share.share for share in flat.shares if share.share] == [1.0]
    assert flat.shares[-1].source == "residual"


def test_the_complete_part_of_a_grid() -> None:
    present = np.ones((4, 5), bool)
    present[3] = [True, False, False, False, True]
    present[1, 2] = False
    rows, columns = complete_part(present)
    assert rows.tolist() == [0, 1, 2]
    assert columns.tolist() == [0, 1, 3, 4]
    assert complete_part(np.zeros((2, 2), bool))[0].size == 0


def test_the_form_that_moves_scores_takes_its_share(
    people: Release, planted: Callable[..., list[Predictions]]
) -> None:
    shift = {"letters": 0.08, "reversed-order+letters": 0.08}
    moved = Planted(form_shift=shift)
    files = [
        *planted(moved, forms=("default", "letters"), model="org/a"),
        *planted(moved, forms=("default", "letters"), model="org/b", truth=0),
    ]
    study = robustness_study(files, people, questions=QUESTIONS)
    means, cells = study.decompositions
    assert means.of == "means"
    shares = {share.source: share.share for share in means.shares}
    assert shares["form"] == pytest.approx(1)
    assert sum(share.share for share in cells.shares) == pytest.approx(1)
    (effect,) = study.effects
    assert (effect.factor, effect.reference, effect.level) == ("labels", "numbers", "letters")
    # The mean answer moves by 0.08 of the scale, away from the people.
    assert effect.effect.estimate == pytest.approx(-0.08, abs=1e-3)


def test_icc_of_shrout_and_fleiss() -> None:
    """Their table 2: six targets and four judges; ICC(2,1) is 0.29 in table 4."""
    ratings = np.array(
        [[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]],
        float,
    )
    assert intraclass_correlation(ratings) == pytest.approx(0.29, abs=0.005)
    with_gap = np.vstack([ratings, [np.nan, 1, 2, 3]])
    assert intraclass_correlation(with_gap) == intraclass_correlation(ratings)
    assert np.isnan(intraclass_correlation(np.ones((5, 2))))


def test_repeats_of_a_form(people: Release, toy_predictions: Callable[..., Predictions]) -> None:
    noisy, files = Planted(noise=0.05), []
    for repeat, seed in ((1, 10), (2, 20)):
        for form in ("default", "letters"):
            records, fields = planted_records(noisy, form, noise_seed=seed)
            fields["extra"] = {**fields["extra"], "repeat": repeat}
            files.append(toy_predictions(records, **fields))
    same = planted_records(Planted(), "shuffled")
    files.append(toy_predictions(same[0], **same[1]))
    found = list(retests(read_forms(files, people, questions=QUESTIONS)))
    assert [(one.form, one.repeats) for one in found] == [
        ("scale order, numbers", 2),
        ("scale order, letters", 2),
    ]
    one = found[0]
    assert one.cells == 3 * len(QUESTIONS)
    assert one.icc_answers is not None
    # By the definition: the variance of true answers over that with noise.
    assert 0.3 < one.icc_answers < 0.95
    first, second = (files[number].cells.column("shares").to_pylist() for number in (0, 2))
    gaps = [0.5 * np.abs(np.subtract(a, b)).sum() for a, b in zip(first, second, strict=True)]
    assert one.total_variation == pytest.approx(np.mean(gaps))


def test_every_form_of_a_planted_model_is_common(
    people: Release, planted: Callable[..., list[Predictions]]
) -> None:
    study = robustness_study(planted(Planted(noise=0.02)), people, questions=QUESTIONS)
    assert len(study.curve) == len(FORMS)
    assert study.factors == ["order", "labels", "direction"]
