"""Personas: planted ones, none at all, groups, and the diagonal beside `report steering`."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import binom

from contracts.errors import ContractError
from contracts.predictions.read import Predictions
from contracts.release.read import Release
from opinion_atlas.app import main
from scoring import score
from scoring.studies.robustness.personas import diagonal_advantage, own_ranks, permutation_test
from scoring.studies.robustness.steerability import steerability_study
from scoring.studies.steering import steering_study

COUNTRIES = ("BRA", "DEU", "JPN", "USA")
QUESTIONS = tuple(f"Q{number}" for number in (1, 2, 3, 4, 5, 6, 7 + 20, 28, 29, 30))

#: Made-up shares of people by country: Dirichlet with a fixed seed, of 1,000 respondents.
SHARES = np.random.default_rng(1).dirichlet(np.ones(4), (len(COUNTRIES), len(QUESTIONS)))


def _counts(shares: np.ndarray) -> np.ndarray:
    counts = np.round(1000 * shares).astype(int)
    counts[-1] += 1000 - counts.sum()
    return counts


def _people(group: Mapping[str, np.ndarray] | None = None) -> dict[Any, Any]:
    named = {"": SHARES, **(group or {})}
    return {
        (7, country, name, question): _counts(shares[c, q])
        for name, shares in named.items()
        for c, country in enumerate(COUNTRIES)
        for q, question in enumerate(QUESTIONS)
    }


@pytest.fixture
def release(toy_release: Callable[..., Release]) -> Release:
    return toy_release(_people())


@pytest.fixture
def answers(
    toy_predictions: Callable[..., Predictions], record: Callable[..., Any]
) -> Callable[..., Predictions]:
    """Predictions from shares by country (C, Q, 4), or of one answer for all (Q, 4)."""

    def make(
        shares: np.ndarray, *, without: tuple[str, str] = ("", ""), **meta: Any
    ) -> Predictions:
        rows = [("", shares)] if shares.ndim == 2 else zip(COUNTRIES, shares, strict=True)
        records = [
            record(question, list(row[q]), country=country)
            for country, row in rows
            for q, question in enumerate(QUESTIONS)
            if (country, question) != without
        ]
        fields = {"model": "org/m", "method": "verbalized", "wording_digest": "x", **meta}
        return toy_predictions(records, **fields)

    return make


def _base() -> np.ndarray:
    return SHARES.mean(axis=0)


def test_a_faithful_persona_has_peoples_own_advantage(
    release: Release, answers: Callable[..., Predictions]
) -> None:
    people = np.array([[_counts(row) for row in country] for country in SHARES]) / 1000
    files = [answers(_base()), answers(people, steering="persona")]
    (found,) = steerability_study(files, release, questions=QUESTIONS).matrices
    assert np.diag(found.alignment) == pytest.approx(1)
    assert found.advantage.share_of_people == pytest.approx(1)
    # One of the 24 assignments, the true one, has an advantage as high.
    assert (found.advantage.exact, found.advantage.permutations) == (True, 24)
    assert found.advantage.p_value == pytest.approx(1 / 24)
    assert [row.rank for row in found.rows] == [1, 1, 1, 1]
    assert found.advantage_own == 4


def test_a_persona_that_moves_towards_everyone_has_none(
    release: Release, answers: Callable[..., Predictions]
) -> None:
    """Answers as every country are those of the average: closer to all, to none in particular."""
    away = np.full((len(QUESTIONS), 4), [0.97, 0.01, 0.01, 0.01])
    same = np.broadcast_to(_base(), SHARES.shape)
    files = [answers(away), answers(np.array(same), steering="persona")]
    (found,) = steerability_study(files, release, questions=QUESTIONS).matrices
    assert all(row.gain_own > 0.05 for row in found.rows if row.gain_own is not None)
    assert found.advantage.estimate == pytest.approx(0, abs=1e-12)
    assert found.advantage.p_value == 1


def test_the_advantage_is_free_of_rows_and_columns() -> None:
    rng = np.random.default_rng(2)
    matrix = rng.random((5, 5))
    moved = matrix + rng.random((5, 1)) + rng.random((1, 5))
    assert diagonal_advantage(moved) == pytest.approx(diagonal_advantage(matrix))
    # By double centring: the mean residual of the diagonal, times n / (n - 1).
    centred = matrix - matrix.mean(0) - matrix.mean(1)[:, None] + matrix.mean()
    assert diagonal_advantage(matrix) == pytest.approx(np.trace(centred) / 5 * 5 / 4)
    assert np.isnan(diagonal_advantage(np.ones((1, 1))))


@pytest.mark.parametrize("sizes", [(5,), (9,), (2, 3, 2, 4, 3)])
def test_chance_rejects_in_one_of_twenty(sizes: tuple[int, ...]) -> None:
    """Personas that have nothing to do with peoples: 200 seeds, 0.05 % quantiles."""
    rejected = 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        matrices = [rng.normal(size=(size, size)) for size in sizes]
        rejected += permutation_test(matrices, rng=rng, permutations=199).p_value <= 0.05
    low, high = binom.ppf([0.0005, 0.9995], 200, 0.05)
    assert low <= rejected <= high


def test_own_ranks_count_those_with_more_gain() -> None:
    gains = np.array([[0.1, 0.2, np.nan], [0.0, 0.3, 0.1], [0.1, 0.2, 0.2]])
    assert own_ranks(gains) == [2, 1, 1]


def test_the_diagonal_is_that_of_report_steering(
    release: Release, answers: Callable[..., Predictions]
) -> None:
    """With a cell that one persona lacks, and a condition that showed a question."""
    rng = np.random.default_rng(3)
    persona = 0.5 * SHARES + 0.5 * rng.dirichlet(np.ones(4), SHARES.shape[:2])
    few = 0.7 * SHARES + 0.3 * rng.dirichlet(np.ones(4), SHARES.shape[:2])
    files = [
        answers(_base(), prompt_version="1"),
        answers(persona, steering="persona", prompt_version="1", without=("JPN", "Q1")),
        answers(few, steering="few-shot", few_shot_questions=["Q3"], prompt_version="1"),
    ]
    reports = [score(f, release, questions=list(QUESTIONS), replicates=2) for f in files]
    rows = {
        (row.condition, row.country): row for row in steering_study(reports, permutations=9).rows
    }
    matrices = steerability_study(files, release, questions=QUESTIONS).matrices
    assert [one.condition for one in matrices] == ["persona", "few-shot"]
    for one in matrices:
        for place, country in enumerate(one.personas):
            row = rows[one.condition, country]
            assert one.alignment[place][place] == pytest.approx(row.alignment, abs=1e-6)
            lacking = 2 if country == "JPN" else 1
            assert one.questions[place] == row.questions == len(QUESTIONS) - lacking
            base = rows["none", country].alignment
            assert one.unsteered[place] == pytest.approx(base, abs=1e-6)


def test_groups_within_countries(
    toy_release: Callable[..., Release],
    toy_predictions: Callable[..., Predictions],
    record: Callable[..., Any],
    answers: Callable[..., Predictions],
) -> None:
    rng = np.random.default_rng(4)
    sides = {
        f"sex={name}": rng.dirichlet(np.ones(4), SHARES.shape[:2]) for name in ("female", "male")
    }
    release = toy_release(_people(sides))
    records = [
        record(question, list(_counts(shares[c, q]) / 1000), country=country, group=group)
        for group, shares in sides.items()
        for c, country in enumerate(COUNTRIES)
        for q, question in enumerate(QUESTIONS)
    ]
    steered = toy_predictions(
        records, model="org/m", method="verbalized", steering="persona", wording_digest="x"
    )
    (found,) = steerability_study([steered], release, questions=QUESTIONS).matrices
    assert (found.targets, found.personas) == ("sex", ["sex=female", "sex=male"])
    assert np.diag(found.alignment) == pytest.approx(1)
    assert found.advantage.share_of_people == pytest.approx(1)
    assert found.advantage.people == pytest.approx(1 - found.alignment[0][1], abs=1e-6)
    # Four countries: every other assignment of any of them is lower, one in sixteen is this one.
    assert found.advantage.p_value == pytest.approx(1 / 16, abs=0.01)


def test_countries_count_with_the_groups_that_they_have_people_of(
    toy_release: Callable[..., Release],
    toy_predictions: Callable[..., Predictions],
    record: Callable[..., Any],
) -> None:
    """Of three groups one has people in one country only; a variable without any is named."""
    rng = np.random.default_rng(5)
    names = [f"education={n}" for n in ("lower secondary", "primary or none", "tertiary")]
    sides = {name: rng.dirichlet(np.ones(4), SHARES.shape[:2]) for name in names}
    people = _people(sides)
    for key in list(people):
        if key[2] == names[1] and key[1] != "DEU":
            del people[key]
    release = toy_release(people)
    asked = {**sides, "sex=female": SHARES, "sex=male": SHARES}
    records = [
        record(question, list(shares[c, q]), country=country, group=group)
        for group, shares in asked.items()
        for c, country in enumerate(COUNTRIES)
        for q, question in enumerate(QUESTIONS)
    ]
    steered = toy_predictions(records, model="org/m", steering="persona")
    study = steerability_study([steered], release, questions=QUESTIONS)
    (found,) = study.matrices
    notice = next(one for one in study.notices if one.code == "no-groups")
    assert notice.message.endswith("in the release: sex.")
    assert found.personas == names
    assert np.diag(found.alignment) == pytest.approx(1, abs=2e-3)
    assert found.advantage.share_of_people == pytest.approx(1, abs=0.01)


def test_without_personas_there_is_no_study(
    release: Release, answers: Callable[..., Predictions]
) -> None:
    with pytest.raises(ContractError, match=r"(?s)answer as two countries.*--steer none,persona"):
        steerability_study([answers(_base())], release, questions=QUESTIONS)


def test_the_command_writes_the_matrix(
    release: Release, answers: Callable[..., Predictions], tmp_path: Path
) -> None:
    files = [answers(SHARES, steering="persona")]
    ids = tmp_path / "ids.txt"
    ids.write_text("\n".join(QUESTIONS))
    out = tmp_path / "s.json", tmp_path / "s.md"
    with pytest.raises(SystemExit, match=r"^0$"):
        main(["report", "steerability", *(str(file.source.path) for file in files), "--release",
              release.source, "--questions", str(ids), "--out", *map(str, out)])  # fmt: skip
    found = json.loads(out[0].read_text())
    assert found["notices"][-1]["code"] == "no-baseline"
    assert "| Germany |" in out[1].read_text()
