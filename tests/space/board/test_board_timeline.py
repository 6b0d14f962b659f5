"""A country over waves: what is comparable, means and intervals."""

from __future__ import annotations

import math

import pytest

from codebook.crosswalk import crosswalk
from contracts.release.read import open_release
from space.board.figures.timeline import ALIKE, SHOWN, read_timeline
from space.board.survey_answers import People
from space.render.timeline import timeline_html


@pytest.fixture(scope="module")
def people() -> People:
    """The people of the reference."""
    return People(open_release("reference"))


def test_only_questions_asked_alike_in_every_wave_are_compared(people) -> None:
    found = read_timeline(people, "JPN")
    assert found.waves == (5, 6, 7)
    assert len(found.lines) == SHOWN < found.compared
    for line in found.lines:
        grades = crosswalk()[line.question_id].comparability
        assert {grades[5].grade, grades[6].grade} <= set(ALIKE)
        assert [point.wave for point in line.first] == [5, 6, 7]
    moved = [abs(line.first[-1].mean - line.first[0].mean) for line in found.lines]
    assert moved == sorted(moved, reverse=True)


def test_a_point_is_the_mean_position_with_its_interval(people) -> None:
    line = read_timeline(people, "JPN").lines[0]
    point = line.first[-1]
    answers = people.answers[(7, "JPN", line.question_id)]
    top = len(answers.shares) - 1
    total = sum(answers.shares)
    mean = sum(at / top * share / total for at, share in enumerate(answers.shares))
    square = sum((at / top) ** 2 * share / total for at, share in enumerate(answers.shares))
    half = 1.96 * math.sqrt((square - mean**2) / answers.n_eff)
    assert point.mean == pytest.approx(mean)
    assert (point.low, point.high) == pytest.approx((mean - half, mean + half))


def test_a_country_of_one_wave_has_no_lines(people) -> None:
    assert read_timeline(people, "DEU") is None
    assert timeline_html(people, country="DEU") == ""


def test_two_countries_stand_in_one_picture(people) -> None:
    page = timeline_html(people, country="JPN", other="USA")
    assert "Japan over time" in page
    assert page.count("oa-wave-other") == SHOWN
    assert "United States, wave 7" in page
    alone = timeline_html(people, country="JPN", other="DEU")
    assert "Germany took no part in waves 5 and 6." in alone
