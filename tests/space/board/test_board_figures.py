"""Distances between peoples, stacked bars, dots: numbers by hand, and what the pictures say."""

from __future__ import annotations

import re

import numpy as np
import pytest

from codebook.questions import questions
from space.board.figures.distances import between, from_world, mean_alignment, world_shares
from space.board.files.data_files import country_csv, question_csv
from space.board.placing import ModelAnswer
from space.render.country import differences_html
from space.render.figures.dots import Dot, Ends, dot_chart, ends_of_dots
from space.render.figures.stacked import Stack, colour_classes, stacked_bars
from space.render.question import ends_sentence, everybody


def shares_of(people, country: str, question: str) -> np.ndarray:
    """A country's shares in wave 7, summing to 1."""
    found = np.array(people.answers[(7, country, question)].shares, float)
    return found / found.sum()


def asked(people, country: str, question: str) -> bool:
    """Whether a country has shares for a question in wave 7."""
    found = people.answers.get((7, country, question))
    return found is not None and any(found.shares)


def test_distance_of_two_countries_by_hand(people) -> None:
    apart = {one.question_id: one for one in between(people, 7, "JPN", "EGY")}
    first, second = shares_of(people, "JPN", "Q164"), shares_of(people, "EGY", "Q164")
    by_hand = np.abs(np.cumsum(first)[:-1] - np.cumsum(second)[:-1]).sum() / 9
    assert apart["Q164"].distance == pytest.approx(by_hand)
    nominal = next(
        name for name in apart if questions()[name].scale and not questions()[name].scale.is_ordinal
    )
    total = np.abs(shares_of(people, "JPN", nominal) - shares_of(people, "EGY", nominal)).sum() / 2
    assert apart[nominal].distance == pytest.approx(total)
    turned = {one.question_id: one.distance for one in between(people, 7, "EGY", "JPN")}
    assert turned == pytest.approx({name: one.distance for name, one in apart.items()})
    assert mean_alignment(between(people, 7, "JPN", "JPN")) == 1


def test_the_world_is_the_mean_of_all_other_countries(people) -> None:
    apart = from_world(people, 7, "JPN")
    distances = [one.distance for one in apart]
    assert distances == sorted(distances, reverse=True)
    one = next(one for one in apart if one.question_id == "Q164")
    others = [
        shares_of(people, country, "Q164")
        for country in people.countries(7)
        if country != "JPN" and asked(people, country, "Q164")
    ]
    assert one.second == pytest.approx(tuple(np.mean(others, axis=0)))
    with_japan = [*others, shares_of(people, "JPN", "Q164")]
    assert world_shares(people, 7, "Q164") == pytest.approx(tuple(np.mean(with_japan, axis=0)))


def test_ten_questions_are_shown_with_both_sides(people) -> None:
    shown = differences_html(people, wave=7, country="JPN")
    assert shown.count('class="oa-difference"') == 10
    assert shown.count("oa-stack-row") == 20
    apart = between(people, 7, "JPN", "EGY")
    beside = differences_html(people, wave=7, country="JPN", other="EGY")
    asked = re.findall(r'data-question="(\w+)"', beside)
    assert asked == [one.question_id for one in apart[:10]]


def test_a_bar_is_as_wide_as_its_shares() -> None:
    shown = stacked_bars("Q1", [Stack("A", "A", (0.5, 0.25, 0.25, 0.0))])
    widths = [float(one) for one in re.findall(r"width:([\d.]+)%", shown)]
    assert widths == [50, 25, 25]
    assert 'data-shares="0.50000 0.25000 0.25000 0.00000"' in shown
    assert "1 Very important" in shown


def test_ordered_scales_have_a_ramp_and_others_hues() -> None:
    assert colour_classes("Q164", 10) == [f"oa-d{at}" for at in range(10)]
    assert colour_classes("Q1", 4) == ["oa-d0", "oa-d3", "oa-d6", "oa-d9"]
    assert colour_classes("Q149", 2) == ["oa-h0", "oa-h1"]


def test_everybody_stands_in_one_picture_and_names_are_no_markup(people) -> None:
    models = [ModelAnswer("row", "<b>sneaky</b>", (0.1,) * 10)]
    shown = everybody(people, models, wave=7, question_id="Q164")
    assert (
        shown.count('role="listitem"')
        == len([one for one in people.countries(7) if asked(people, one, "Q164")]) + 2
    )
    assert "<b>sneaky" not in shown
    means = [float(one) for one in re.findall(r'oa-stack-people[^>]*data-mean="([\d.]+)"', shown)]
    assert means == sorted(means)
    outside = [ModelAnswer("row", "Sure", (1.0, *([0.0] * 9)))]
    said = ends_sentence(people, outside, wave=7, question_id="Q164")
    assert "Sure lies beyond every country" in said


def test_dots_stand_where_their_scores_are() -> None:
    ends = Ends(0.0, 1.0)
    shown = dot_chart(
        [Dot("A", 0.25, 0.2, 0.3, other=0.5, key="a")], label="x", lines=(0.75,), ends=ends
    )
    assert 'cx="25.0%"' in shown
    assert 'x1="20.0%"' in shown
    assert 'cx="50.0%"' in shown
    assert 'x1="75.0%"' in shown
    assert "0.200 to 0.300" in shown
    found = ends_of_dots([Dot("A", 0.25, 0.2, 0.3, other=0.5)], [0.75])
    assert found.low < 0.2
    assert found.high > 0.75


def test_data_files_hold_every_option_of_people_and_models(people, sample_store) -> None:
    lines = country_csv(people, "JPN").splitlines()
    assert lines[0].startswith("question_id,code,label,who,name,row_id,country,wave,share")
    assert any(line.startswith("Q164,10,Very important,people,Japan,,JPN,7,") for line in lines)
    text = question_csv(sample_store, people, "Q164")
    assert text.count(",model,heron-70b,heron-70b,") == 10
    assert "persona" not in text  # steered rows have no single answer
