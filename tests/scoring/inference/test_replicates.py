"""Noise of redrawn respondents: quick arithmetic against the plain formulas, shared or not."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import rankdata

import scoring
from contracts.report import report_text
from scoring.inference.folded import folded_excess
from scoring.inference.ranks import _ranks
from scoring.inference.replicates import RespondentNoise, respondent_noise
from scoring.inference.sampling import (
    coordinate_se,
    debiased_gap,
    folded_mean,
    redraw_question,
)
from scoring.inference.workspace import Workspace, digest
from scoring.inputs.average_human import (
    AVERAGE_HUMANS,
    AverageHuman,
    average_shares,
    country_weights,
)
from scoring.inputs.geometry import Geometry, build_geometry
from scoring.inputs.survey import Survey

#: Four ordinal, ten ordinal and three nominal options; raw codes as positions in paper mode.
NAMES = ("Q1", "Q164", "Q111", "Q46")
REPLICATES = 30


def some_people(mode: str, rng: np.random.Generator) -> tuple[Survey, np.ndarray, np.ndarray]:
    """A survey with gaps, a model and the cells that count."""
    geometry: Geometry = build_geometry(NAMES, mode=mode)  # type: ignore[arg-type]
    shape = (5, *geometry.source.shape)
    people, model = (rng.dirichlet(np.ones(geometry.width), shape[:2]) for _ in range(2))
    people, model = (np.where(geometry.source >= 0, one, 0.0) for one in (people, model))
    people, model = (one / one.sum(axis=-1, keepdims=True) for one in (people, model))
    model[1] = people[1]  # as close as can be: the bias matters
    n_eff = rng.uniform(30, 900, shape[:2])
    people[2, 0], n_eff[2, 0] = np.nan, 0
    people[:4, 3], n_eff[:4, 3] = np.nan, 0  # nobody else: there is no average of others
    people[0, 1, 2] += people[0, 1, 0]
    people[0, 1, 0] = 0  # a coordinate without a standard error
    pooled = np.nan_to_num(people) * n_eff[..., None]
    survey = Survey(tuple("ABCDE"), geometry, people, n_eff.copy(), n_eff, pooled)
    scored = survey.answered.copy()
    scored[4, 1] = False
    return survey, model, scored


def plain_noise(
    survey: Survey,
    model: np.ndarray,
    scored: np.ndarray,
    parts: np.ndarray,
    average: AverageHuman,
    rng: np.random.Generator,
) -> RespondentNoise:
    """The definition: redraw, score every contender, take the mean of the redraws off."""
    geometry, countries = survey.geometry, len(survey.countries)
    moved = {
        name: np.zeros((countries, scored.shape[1], REPLICATES))
        for name in ("model", "uniform", "average")
    }
    se = coordinate_se(geometry.coordinates(survey.shares), survey.n_eff)
    weights = country_weights(survey, average)
    for row in np.flatnonzero(scored.any(axis=0)):
        drawn = redraw_question(survey, int(row), replicates=REPLICATES, rng=rng)
        people = np.moveaxis(drawn, 1, 2).astype(np.float64)
        size = people.shape[-1]
        answers = {
            "model": model[:, row, None, :size],
            "uniform": geometry.uniform[row, :size],
            "average": average_shares(people, weights[:, row, None], average),
        }
        for name, one in answers.items():
            gap = geometry.row_coordinates(int(row), people) - geometry.row_coordinates(
                int(row), one
            )
            size_of_gap = (
                debiased_gap(gap, se[:, row, None, :size]) if name == "model" else np.abs(gap)
            )
            distance = size_of_gap @ geometry.weights[row, :size]
            moved[name][:, row] = distance.mean(axis=1, keepdims=True) - distance
    kept = {name: np.where(scored[..., None], np.nan_to_num(one), 0) for name, one in moved.items()}
    count = scored.sum(axis=1)[:, None]
    own = kept["model"]
    part = np.zeros((parts.max() + 1, REPLICATES))
    for number in range(len(part)):
        cells = scored & (parts == number)
        rows = cells.any(axis=1)
        sums = own[:, parts == number].sum(axis=1)[rows]
        part[number] = (sums / cells.sum(axis=1)[rows, None]).mean(axis=0)
    return RespondentNoise(
        {name: one.sum(axis=1) / count for name, one in kept.items()},
        own.sum(axis=0) / scored.sum(axis=0)[:, None],
        part,
    )


def assert_same(found: RespondentNoise, expected: RespondentNoise, tolerance: float) -> None:
    assert set(found.country) == set(expected.country)
    for name, one in expected.country.items():
        assert found.country[name] == pytest.approx(one, abs=tolerance), name
    assert found.question == pytest.approx(expected.question, abs=tolerance)
    assert found.part == pytest.approx(expected.part, abs=tolerance)


@pytest.mark.parametrize("mode", ["corrected", "paper"])
@pytest.mark.parametrize("average", AVERAGE_HUMANS)
def test_noise_is_that_of_the_definition(mode: str, average: AverageHuman) -> None:
    survey, model, scored = some_people(mode, np.random.default_rng(1))
    parts = np.array([0, 1, 1, 0])
    expected = plain_noise(survey, model, scored, parts, average, np.random.default_rng(2))
    found = respondent_noise(
        survey,
        model,
        scored,
        parts=parts,
        average=average,
        replicates=REPLICATES,
        rng=np.random.default_rng(2),
    )
    # Coordinates are held in single precision, the definition's in double.
    assert_same(found, expected, 2e-7)
    assert np.abs(expected.country["model"]).max() > 1e-3


def test_a_workspace_changes_no_digit_and_leaves_the_generator_alike() -> None:
    survey, model, scored = some_people("corrected", np.random.default_rng(3))
    other = np.roll(model, 1, axis=0)
    fewer = scored.copy()
    fewer[3, 0] = False
    workspace = Workspace()
    for answers, cells in ((model, scored), (other, scored), (model, fewer), (other, scored)):
        noises, ends = [], []
        for one in (None, workspace):
            rng = np.random.default_rng(4)
            noise = respondent_noise(
                survey,
                answers,
                cells,
                parts=np.zeros(4, int),
                average="leave-one-out",
                replicates=REPLICATES,
                rng=rng,
                workspace=one,
            )
            noises.append(noise)
            ends.append(rng.random())
        assert_same(noises[1], noises[0], 0)
        assert ends[0] == ends[1]


def test_redraws_are_made_once_for_many_models(monkeypatch: pytest.MonkeyPatch) -> None:
    from scoring.inference import replicates

    drawn = []

    def counted(*args: Any, **options: Any) -> Any:
        drawn.append(args[1])
        return redraw_question(*args, **options)

    monkeypatch.setattr(replicates, "redraw_question", counted)
    survey, model, scored = some_people("corrected", np.random.default_rng(5))
    workspace = Workspace()

    def run(seed: int, answers: np.ndarray = model) -> None:
        respondent_noise(
            survey,
            answers,
            scored,
            parts=np.zeros(4, int),
            average="leave-one-out",
            replicates=REPLICATES,
            rng=np.random.default_rng(seed),
            workspace=workspace,
        )

    run(1)
    run(1, np.roll(model, 1, axis=0))
    assert drawn == [0, 1, 2, 3]
    run(2)
    assert drawn == [0, 1, 2, 3] * 2


def test_excess_of_the_table_is_that_of_the_error_function() -> None:
    rng = np.random.default_rng(6)
    se = np.array([0.0, 1e-6, 0.01, 0.3])
    size = np.abs(rng.normal(0, 3, (4, 20_000)) * np.maximum(se, 0.01)[:, None])
    size[:, :3] = [0, 1e-9, 0.9]
    size[2, :30] = 0.01 * np.linspace(7.9, 8.1, 30)
    expected = folded_mean(size, se[:, None]) - size
    assert folded_excess(size, se) == pytest.approx(expected, abs=1e-11)
    far = folded_excess(np.full((2, 3), 0.9), np.array([0.01, 0.02]))
    assert (far == 0).all()


def test_redraws_vary_as_a_multinomial_of_the_effective_size() -> None:
    geometry = build_geometry(("Q1",))
    shares = np.array([[[0.5, 0.3, 0.2, 0.0]]])
    size = np.array([[120.5]])
    survey = Survey(("AND",), geometry, shares, size, size, shares * 120.5)
    drawn = redraw_question(survey, 0, replicates=200_000, rng=np.random.default_rng(7))[0]
    share = shares[0, 0]
    expected = (np.diag(share) - np.outer(share, share)) / 120.5
    assert np.cov(drawn, ddof=0) == pytest.approx(expected, abs=3e-5)
    assert (drawn[3] == 0).all()
    assert drawn.sum(axis=0) == pytest.approx(1, abs=1e-6)


def test_ranks_share_the_best_of_equals() -> None:
    draws = np.round(np.random.default_rng(8).random((12, 50)), 1)
    assert (_ranks(draws) == rankdata(-draws, method="min", axis=0)).all()
    assert _ranks(np.ones((1, 2))).tolist() == [[1, 1]]


def test_workspaces_forget_the_oldest_and_tell_inputs_apart() -> None:
    workspace, made = Workspace(), []

    def make(key: str) -> str:
        return workspace.get("letters", key, lambda: made.append(key) or key, most=2)

    assert [make(key) for key in "ababcba"] == list("ababcba")
    assert "".join(made) == "abca"
    keys = {
        digest(np.zeros(2)),
        digest(np.zeros((2, 1))),
        digest(np.zeros(2, np.float32)),
        digest(np.random.default_rng(1)),
        digest(np.random.default_rng(2)),
        digest("1"),
        digest(1),
    }
    assert len(keys) == 7


def test_reports_are_the_same_with_a_workspace(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    rng = np.random.default_rng(9)
    release = toy_release(
        {
            (7, country, "", question): rng.multinomial(300, [0.25] * 4)
            for country in ("DEU", "BRA", "JPN", "USA")
            for question in ("Q1", "Q2", "Q3", "Q4")
        }
    )
    workspace = Workspace()
    for asked in (4, 4, 3):
        file = toy_predictions(
            [record(f"Q{n}", rng.dirichlet(np.ones(4)).tolist()) for n in range(1, asked + 1)]
        )
        plain, shared = (
            scoring.score(file, release, replicates=50, workspace=one) for one in (None, workspace)
        )
        assert report_text(plain) == report_text(shared)
