"""Batteries hold ordinal questions of one scale each, in order, none twice."""

from __future__ import annotations

import pytest

import codebook
from codebook.batteries import Battery, batteries


@pytest.mark.parametrize("battery", batteries().values(), ids=list(batteries()))
def test_battery_is_sound(battery: Battery) -> None:
    known = codebook.value_questions()
    assert len(battery.questions) >= 5
    assert battery.reversed < set(battery.questions)
    assert list(battery.questions) == sorted(battery.questions, key=lambda name: int(name[1:]))
    for name in battery.questions:
        scale = known[name].scale
        assert scale is not None
        assert scale.is_ordinal


def test_no_question_belongs_to_two_batteries() -> None:
    names = [name for battery in batteries().values() for name in battery.questions]
    assert len(names) == len(set(names))
