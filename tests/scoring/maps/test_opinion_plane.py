"""The opinion plane: planted planes, missing questions, ellipses against resampled respondents."""

from __future__ import annotations

import numpy as np
import pytest

import codebook
from contracts.errors import ContractError
from contracts.release.read import open_release
from scoring.inputs.geometry import Geometry, build_geometry
from scoring.inputs.survey import Survey, read_survey
from scoring.maps.ellipses import ellipse_of, place_covariance
from scoring.maps.opinion_plane import draw_plane, fit_plane, question_ellipse, vectors
from scoring.maps.rows import MapRow

QUESTIONS = tuple(
    name
    for name in codebook.question_set("alignment")
    if (scale := codebook.questions()[name].scale) is not None and scale.size == 4
)[:8]


@pytest.fixture(scope="module")
def geometry() -> Geometry:
    return build_geometry(QUESTIONS)


def _survey(geometry: Geometry, shares: np.ndarray, n: float = 1000.0) -> Survey:
    there = ~np.isnan(shares[..., 0])
    sizes = np.where(there, n, 0.0)
    names = ("ARG", "AUS", "BRA", "CHL", "DEU", "EGY", "JPN", "KOR", "MEX", "USA")
    return Survey(names[: len(shares)], geometry, shares, sizes, sizes, shares)


def _planted(geometry: Geometry, places: np.ndarray) -> np.ndarray:
    """Shares that move in two orthogonal directions of the vectors: last to first, 2nd to 3rd."""
    shares = np.full((len(places), *geometry.source.shape), 0.25)
    half = len(geometry.question_ids) // 2
    for row, (x, y) in enumerate(places):
        shares[row, :half, 0] += x
        shares[row, :half, 3] -= x
        shares[row, half:, 1] += y
        shares[row, half:, 2] -= y
    return shares


PLACES = np.random.default_rng(5).uniform(-0.2, 0.2, (10, 2)) * (1.0, 0.5)


def test_planted_plane_is_recovered(geometry) -> None:
    shares = _planted(geometry, PLACES)
    plane = fit_plane(_survey(geometry, shares))
    assert sum(plane.variance) == pytest.approx(1, abs=1e-12)
    # Distances on the plane are those between the vectors.
    placed = np.array([plane.place(row)[0] for row in shares])
    flat = vectors(geometry, shares).reshape(10, -1)
    for first in range(10):
        for second in range(first):
            expected = np.linalg.norm(flat[first] - flat[second])
            assert np.linalg.norm(placed[first] - placed[second]) == pytest.approx(expected)
    assert plane.place(shares[3])[1] == pytest.approx(0, abs=1e-7)


def test_share_outside_follows_pythagoras(geometry) -> None:
    shares = _planted(geometry, PLACES)
    plane = fit_plane(_survey(geometry, shares))
    centre = shares.mean(axis=0)
    odd = centre.copy()
    odd[0] += (-0.1, 0.1, 0.1, -0.1)  # first half of the scale up, symmetric: no planted direction
    offset = (vectors(geometry, odd) - vectors(geometry, centre)).ravel()
    axes = plane.axes.reshape(2, -1)
    inside = axes @ offset
    expected = np.sqrt(1 - (inside @ inside) / (offset @ offset))
    place, outside = plane.place(odd)
    assert place == pytest.approx(inside)
    assert outside == pytest.approx(expected)
    assert expected > 0.5


def test_missing_cells_of_a_planted_plane_change_nothing(geometry) -> None:
    shares = _planted(geometry, PLACES)
    whole = fit_plane(_survey(geometry, shares))
    holes = shares.copy()
    holes[0, 1] = holes[4, 6] = np.nan
    plane = fit_plane(_survey(geometry, holes))
    assert sum(plane.variance) == pytest.approx(1, abs=1e-6)
    for row in (0, 4, 7):
        assert plane.place(holes[row])[0] == pytest.approx(whole.place(shares[row])[0], abs=1e-5)


def test_too_few_countries_are_refused(geometry) -> None:
    shares = _planted(geometry, PLACES[:4])
    with pytest.raises(ContractError, match="half of its questions"):
        fit_plane(_survey(geometry, shares))


def test_country_ellipse_equals_resampled_respondents(geometry) -> None:
    """Respondents whose answers hang together, redrawn 4,000 times."""
    random = np.random.default_rng(11)
    people, count = 600, len(QUESTIONS)
    trait = random.normal(size=people)[:, None]
    cuts = np.array([-0.8, 0.1, 0.9])
    answers = (0.8 * trait + 0.6 * random.normal(size=(people, count)))[..., None] > cuts
    choices = answers.sum(axis=-1)
    ones = np.eye(4)[choices]
    shares = ones.mean(axis=0)
    plane = fit_plane(_survey(geometry, _planted(geometry, PLACES)))
    draws = random.integers(0, people, size=(4000, people))
    effects = plane.effects(np.ones(count, bool))
    person = np.einsum("mqk,nqk->nm", effects, ones)
    resampled = np.cov(person[draws].mean(axis=1).T)
    correlations = np.corrcoef(choices.T)
    sizes = np.full(count, float(people))
    ours = place_covariance(shares, effects, sizes, correlations)
    assert np.sqrt(np.diag(ours)) == pytest.approx(np.sqrt(np.diag(resampled)), rel=0.06)
    assert plane.place(shares)[0] == pytest.approx(
        person.mean(axis=0) - np.einsum("mqk,qk->m", plane.axes, plane.mean)
    )
    # As if different people answered each question, the long axis is far too short.
    apart = place_covariance(shares, effects, sizes)
    assert ellipse_of(apart).major < 0.75 * ellipse_of(ours).major


def test_ellipse_holds_95_percent() -> None:
    covariance = np.array([[2.0, 1.2], [1.2, 1.0]])
    ellipse = ellipse_of(covariance)
    draws = np.random.default_rng(1).multivariate_normal((0, 0), covariance, 200_000)
    angle = np.radians(ellipse.angle)
    along = draws @ (np.cos(angle), np.sin(angle))
    across = draws @ (-np.sin(angle), np.cos(angle))
    inside = (along / ellipse.major) ** 2 + (across / ellipse.minor) ** 2 <= 1
    assert inside.mean() == pytest.approx(0.95, abs=0.003)


def test_fewer_answers_make_wider_ellipses_and_under_half_no_mark(geometry) -> None:
    random = np.random.default_rng(3)
    shares = random.dirichlet(np.full(4, 2.0), (10, len(QUESTIONS)))
    survey = _survey(geometry, shares)
    plane = fit_plane(survey)
    answer = random.dirichlet(np.full(4, 2.0), len(QUESTIONS))
    whole = question_ellipse(plane, answer, np.random.default_rng(0))
    part = answer.copy()
    part[5:] = np.nan
    assert question_ellipse(plane, part, np.random.default_rng(0)).major > whole.major

    def row(name: str, count: int) -> MapRow:
        picked = zip(QUESTIONS[:count], answer[:count], strict=True)
        return MapRow(name, {question: {"": tuple(share)} for question, share in picked})

    rows = [row("five", 5), row("three", 3)]
    picture = draw_plane(plane, {7: survey}, rows, correlations={}, random=np.random.default_rng(0))
    assert [mark.name for mark in picture.marks if mark.kind == "model"] == ["five"]
    assert [one.reason for one in picture.not_placed] == [
        "answers to 3 of 8 questions; half of them are needed"
    ]


def test_steered_row_is_the_mean_of_its_answers(geometry) -> None:
    first, second = (0.4, 0.3, 0.2, 0.1), (0.2, 0.3, 0.4, 0.1)
    row = MapRow("steered", {QUESTIONS[0]: {"JPN": first, "USA": second}})
    shares = row.mean_shares(geometry)
    assert shares[0] == pytest.approx((0.3, 0.3, 0.3, 0.1))
    assert np.isnan(shares[1:]).all()


def test_regions_of_the_reference_lie_apart() -> None:
    survey = read_survey(
        open_release("reference"), build_geometry(codebook.question_set("alignment"))
    )
    plane = fit_plane(survey)
    assert len(plane.countries) == 57
    assert len(plane.geometry.question_ids) == 138
    assert plane.variance[0] == pytest.approx(0.36, abs=0.02)
    assert plane.variance[1] == pytest.approx(0.18, abs=0.02)
    columns = [survey.geometry.index[name] for name in plane.geometry.question_ids]
    places = {
        name: plane.place(survey.shares[row, columns])[0]
        for row, name in enumerate(survey.countries)
    }
    regions = {
        "Latin America": ("ARG", "BRA", "PER", "BOL", "COL", "MEX", "ECU"),
        "West": ("AUS", "NZL", "DEU", "AND"),
        "East Asia": ("JPN", "KOR", "MAC", "TWN"),
        "Middle East": ("EGY", "JOR", "TUN", "LBY", "IRQ"),
    }
    centres = {
        name: np.mean([places[one] for one in countries], axis=0)
        for name, countries in regions.items()
    }
    for name, countries in regions.items():
        for country in countries:
            nearest = min(centres, key=lambda one: np.linalg.norm(places[country] - centres[one]))
            assert nearest == name, country
