"""The cultural map: items by hand, the published scores, waves 5 and 6, models that lack items."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest

import codebook
from contracts.errors import ContractError
from contracts.release.read import open_release
from scoring.inputs.geometry import build_geometry
from scoring.inputs.survey import Survey, read_survey
from scoring.maps import MapRow, make_map
from scoring.maps.cultural_map import (
    fit_turn,
    items,
    map_questions,
    place,
    published_scores,
    reference_turn,
    sampling_covariance,
)
from scoring.maps.files import COLUMNS, map_csv, map_json, write_maps
from scoring.maps.model import MapFile
from scoring.maps.picture import map_svg


@pytest.fixture(scope="module")
def reference():
    return open_release("reference")


@pytest.fixture(scope="module")
def survey(reference) -> Survey:
    return read_survey(reference, items().geometry)


def test_published_scores_are_met(survey) -> None:
    turn = fit_turn(survey)
    assert len(turn.countries) >= 50
    assert min(turn.r) > 0.99
    # The same with numpy alone, country by country.
    published = published_scores()
    ours = np.array([place(survey.shares[survey.countries.index(c)]) for c in turn.countries])
    theirs = np.array([published[country][1:] for country in turn.countries])
    for axis in (0, 1):
        r = np.corrcoef(ours[:, axis], theirs[:, axis])[0, 1]
        assert r == pytest.approx(turn.r[axis])
    # In the units of the published map: no axis is stretched.
    slopes = [np.polyfit(theirs[:, axis], ours[:, axis], 1)[0] for axis in (0, 1)]
    assert slopes == pytest.approx([1, 1], abs=0.12)
    assert np.abs((ours - theirs).mean(axis=0)).max() < 1e-9


def test_items_by_hand() -> None:
    geometry = items().geometry
    shares = geometry.uniform.copy()

    def choose(question: str, **codes: float) -> None:
        row = geometry.index[question]
        shares[row] = 0
        for code, share in codes.items():
            shares[row, geometry.codes[row].index(int(code[1:]))] = share

    choose("Q154", _1=0.5, _2=0.2, _3=0.2, _4=0.1)  # 0.3 post-materialist first choices
    choose("Q155", _1=0.3, _2=0.3, _3=0.3, _4=0.1)  # 0.4 second ones
    for question, share in (("Q8", 0.6), ("Q14", 0.2), ("Q15", 0.3), ("Q17", 0.4)):
        choose(question, _1=share, _2=1 - share)
    choose("Q254", _1=0.5, _2=0.25, _3=0.125, _4=0.125)
    choose("Q57", _1=0.25, _2=0.75)
    means = dict(zip(items().names, items().item_means(shares), strict=True))
    assert means["Y2"] == pytest.approx(1.7)
    assert means["Y3"] == pytest.approx(0.6 + 0.2 - 0.3 - 0.4)
    assert means["Q254"] == pytest.approx(-1.875)
    assert means["Q57"] == pytest.approx(-1.75)
    assert means["Q164"] == pytest.approx(5.5)


def test_directions_make_sense(survey) -> None:
    where = dict(zip(survey.countries, place(survey.shares), strict=True))
    assert where["JPN"][1] > where["USA"][1] > where["ECU"][1]  # secular to traditional
    assert where["NZL"][0] > where["KOR"][0] > where["ZWE"][0]  # self-expression to survival


def test_country_ellipse_equals_resampled_answers(survey) -> None:
    """Independent respondents with correlated items, redrawn: items of one question alone."""
    row = survey.countries.index("MEX")
    covariance = sampling_covariance(survey.shares[row], np.full(14, 1500.0))
    # Items drawn as normal with the country's deviations and the respondents' correlations.
    parts = items()
    first = np.einsum("iqk,qk->iq", parts.values, survey.shares[row])
    second = np.einsum("iqk,qk->iq", parts.values**2, survey.shares[row])
    deviation = np.sqrt((second - first**2).sum(axis=1)) / np.sqrt(1500)
    random = np.random.default_rng(2)
    root = np.linalg.cholesky(parts.correlations)
    draws = random.normal(size=(100_000, 10)) @ root.T * deviation / parts.deviations
    placed = draws @ parts.loadings.T @ reference_turn().matrix
    assert np.cov(placed.T) == pytest.approx(covariance, rel=0.03, abs=2e-5)


def test_other_waves_use_the_same_turn(reference) -> None:
    found = make_map(reference, maps=["cultural_map"]).maps[0]
    places = {(mark.name, mark.wave): mark for mark in found.marks}
    for wave in (5, 6):
        japan = places["JPN", wave]
        assert japan.y > 1.5  # as secular as in wave 7
        colombia = places["COL", wave]
        assert colombia.y < -1.2
    reasons = {one.name: one.reason for one in found.not_placed if one.wave == 7}
    assert reasons["EGY"] == "no answers to Q182"


def test_model_without_an_item_is_not_placed(reference, survey) -> None:
    geometry = items().geometry
    row = survey.countries.index("JPN")
    shares = {
        name: {"": tuple(survey.shares[row, place_, : geometry.sizes[place_]])}
        for place_, name in enumerate(geometry.question_ids)
    }
    lacks = {name: answer for name, answer in shares.items() if name not in ("Q8", "Q209")}
    rows = [MapRow("copies Japan", shares), MapRow("lacks two", lacks)]
    found = make_map(reference, rows, maps=["cultural_map"], waves=[7]).maps[0]
    marks = {mark.name: mark for mark in found.marks}
    assert marks["copies Japan"].x == pytest.approx(marks["JPN"].x)
    assert marks["copies Japan"].y == pytest.approx(marks["JPN"].y)
    assert marks["copies Japan"].ellipse is None
    assert "lacks two" not in marks
    assert {one.name: one.reason for one in found.not_placed}["lacks two"] == (
        "no answers to Q8, Q209"
    )


def test_files_hold_the_same_places(reference, tmp_path) -> None:
    maps = make_map(reference, waves=[7])
    assert map_json(MapFile.model_validate(json.loads(map_json(maps)))) == map_json(maps)
    lines = list(csv.reader(map_csv(maps).splitlines()))
    assert tuple(lines[0]) == COLUMNS
    marks = [mark for picture in maps.maps for mark in picture.marks]
    assert len(lines) - 1 == len(marks)
    for line, mark in zip(lines[1:], marks, strict=True):
        assert line[2] == mark.name
        assert float(line[4]) == pytest.approx(mark.x, abs=1e-4)
        assert (line[6] == "") == (mark.outside is None)
    for name in ("m.json", "m.csv", "m.svg"):
        write_maps(maps, tmp_path / name)
        assert (tmp_path / name).stat().st_size > 1000
    svg = map_svg(maps)
    assert svg.count("<circle") == len(marks)
    with pytest.raises(ContractError, match="in which form the maps are written"):
        write_maps(maps, tmp_path / "m.png")


def test_unknown_map_is_refused(reference) -> None:
    with pytest.raises(ContractError, match="unknown value for --map"):
        make_map(reference, maps=["mercator"])  # type: ignore[list-item]


def test_map_questions_are_those_of_the_items() -> None:
    assert (
        map_questions()
        == codebook.question_set("cultural-map")
        == (
            *("Q8", "Q14", "Q15", "Q17", "Q45", "Q46", "Q57", "Q154", "Q155"),
            *("Q164", "Q182", "Q184", "Q209", "Q254"),
        )
    )
    assert build_geometry(map_questions()).question_ids == map_questions()
