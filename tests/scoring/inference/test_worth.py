"""Worth N people: the expected distance of draws, and its inverse."""

from __future__ import annotations

import numpy as np
import pytest

import codebook
import scoring
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import Report
from scoring.baselines.distributions import write_baselines
from scoring.inference.worth import MOST_PEOPLE, PEOPLE, expected_gap, people_worth, worth_curve
from scoring.inputs.geometry import build_geometry
from scoring.inputs.survey import Survey, read_survey


def test_expected_gap_by_hand() -> None:
    """n = 1: 2 z (1 - z). n = 2, z = 1/2: shares 0, 1/2, 1 at 1/4, 1/2, 1/4: mean gap 1/4.

    n = 3, z = 1/3: |Z - z| = 1/3, 0, 1/3, 2/3 at 8, 12, 6, 1 of 27: (8 + 6 + 2) / 81.
    """
    z = np.array([0.0, 0.1, 0.5, 0.9, 1.0])
    assert expected_gap(z, 1) == pytest.approx(2 * z * (1 - z))
    assert expected_gap(np.array(0.5), 2) == pytest.approx(1 / 4)
    assert expected_gap(np.array(1 / 3), 3) == pytest.approx(16 / 81)


def test_expected_gap_tends_to_the_normal_one() -> None:
    z = np.array([0.2, 0.5, 0.77])
    normal = np.sqrt(2 / np.pi * z * (1 - z) / 10_000)
    assert expected_gap(z, 10_000) == pytest.approx(normal, rel=1e-3)


def test_expected_gap_never_rises_with_people() -> None:
    z = np.linspace(0.001, 0.999, 97)
    gaps = np.stack([expected_gap(z, people) for people in range(1, 200)])
    assert (np.diff(gaps, axis=0) <= 1e-12).all()


@pytest.fixture(scope="module")
def survey() -> Survey:
    """Three countries of the reference and the alignment paper's questions."""
    geometry = build_geometry(codebook.question_set("alignment"))
    return read_survey(open_release("reference"), geometry).keep(("EGY", "JPN", "MEX"))


def test_worth_falls_with_distance_without_a_step(survey: Survey) -> None:
    curve = worth_curve(survey, survey.answered).distance
    assert (np.diff(curve, axis=1) < 0).all()
    distance = np.geomspace(1e-6, 0.9, 400)
    for own in curve:
        worth = people_worth(distance, own)
        assert (np.diff(worth) <= 0).all()
        assert people_worth(own, own) == pytest.approx(PEOPLE)
        assert worth[0] == pytest.approx(MOST_PEOPLE)
        assert 0 < worth[-1] < 1


def test_worth_is_unknown_where_the_distance_is(survey: Survey) -> None:
    nothing = worth_curve(survey, np.zeros_like(survey.answered)).distance
    assert np.isnan(people_worth(np.array([0.1]), nothing[0])).all()
    curve = worth_curve(survey, survey.answered).distance[0]
    assert np.isnan(people_worth(np.array([np.nan]), curve)).all()


@pytest.mark.parametrize("people", [1, 3, 10, 100, 1000])
def test_draws_of_people_are_worth_their_number(survey: Survey, people: int) -> None:
    """Two hundred draws of n people from each question score n within five per cent."""
    rng = np.random.default_rng(people)
    curve = worth_curve(survey, survey.answered).distance
    shares = np.where(survey.answered[..., None], survey.shares, 0.0)
    shares[..., 0] += ~survey.answered
    shares /= shares.sum(axis=-1, keepdims=True)
    found = []
    for _ in range(200):
        drawn = rng.multinomial(people, shares) / people
        gap = survey.geometry.distance(survey.shares, drawn)
        distance = np.nanmean(np.where(survey.answered, gap, np.nan), axis=1)
        found.append([people_worth(d, own) for d, own in zip(distance, curve, strict=True)])
    assert np.mean(found, axis=0) == pytest.approx(np.full(3, people), rel=0.05)


@pytest.fixture(scope="module")
def reports(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Report]:
    release = open_release("reference")
    folder = tmp_path_factory.mktemp("baselines")
    names = ("uniform", "world-average")
    return {
        name: scoring.score(read_predictions(path), release, mode="paper", replicates=50)
        for name, path, *_ in write_baselines(release, folder, names=names)
        if path is not None
    }


@pytest.mark.parametrize(("name", "people"), [("uniform", 2.0), ("world-average", 7.5)])
def test_reports_say_what_baselines_are_worth(
    reports: dict[str, Report], name: str, people: float
) -> None:
    """By the paper's rules uniform answers are worth two people, the world's average seven."""
    score = next(one for one in reports[name].scores if one.name == "worth_people")
    assert score.value.estimate == pytest.approx(people, rel=0.05)
    assert score.value.low is not None
    assert score.value.high is not None
    assert score.value.low < score.value.estimate < score.value.high
    by_country = [one.worth_people for one in reports[name].countries]
    assert all(one is not None and one.estimate is not None for one in by_country)
    middle = np.median([one.estimate for one in by_country if one is not None])
    assert middle == pytest.approx(score.value.estimate, rel=0.05)


def test_equal_shares_are_worth_the_most_people_that_are_named(survey: Survey) -> None:
    curve = worth_curve(survey, survey.answered).distance
    assert people_worth(np.zeros(1), curve[0]) == pytest.approx(MOST_PEOPLE)
