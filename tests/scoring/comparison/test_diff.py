"""Differences of reports: everything that differs, and nothing else."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.errors import ContractError
from scoring.comparison.diff import ABSENT, Difference, diff_files, differences

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-1, 1) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=12,
)


@given(JSON)
def test_a_thing_differs_in_nothing_from_itself(item: Any) -> None:
    assert list(differences(item, json.loads(json.dumps(item)))) == []


@given(JSON, JSON)
def test_the_order_of_the_two_only_turns_the_differences_round(first: Any, second: Any) -> None:
    there = list(differences(first, second, tolerance=0.0))
    back = [Difference(d.path, d.second, d.first) for d in differences(second, first, tolerance=0)]
    assert sorted(map(str, there)) == sorted(map(str, back))


@pytest.mark.parametrize(
    ("first", "second", "equal"),
    [
        (0.5, 0.5 + 0.9e-8, True),
        (0.5, 0.5 + 1.1e-8, False),
        (1e6, 1e6 + 0.009, True),  # relative above 1
        (1e6, 1e6 + 0.02, False),
        (1, 1.0, True),
        (0, False, False),
        (None, 0.0, False),
        ("0", 0, False),
    ],
)
def test_tolerance(first: object, second: object, equal: bool) -> None:
    assert (list(differences(first, second, tolerance=1e-8)) == []) is equal


def test_entries_are_matched_by_their_names_not_their_places() -> None:
    first = [{"country": "ARG", "x": 1}, {"country": "BRA", "x": 2}, {"country": "CHL", "x": 3}]
    second = [{"country": "CHL", "x": 3}, {"country": "ARG", "x": 9}]
    found = list(differences({"countries": first}, {"countries": second}))
    assert found == [
        Difference("countries[ARG].x", 1, 9),
        Difference("countries[BRA]", {"country": "BRA", "x": 2}, ABSENT),
    ]
    assert str(found[1]) == 'countries[BRA]: {"country": "BRA", "x": 2} | (absent)'


def test_plain_lists_are_matched_by_place() -> None:
    assert list(differences({"x": [1, 2]}, {"x": [1, 3, 4]})) == [
        Difference("x[1]", 2, 3),
        Difference("x[2]", ABSENT, 4),
    ]


@pytest.mark.parametrize("tolerance", [-1e-9, math.nan, math.inf])
def test_a_tolerance_that_is_none_is_refused(tolerance: float) -> None:
    with pytest.raises(ContractError, match="bad-tolerance"):
        list(differences(1, 2, tolerance=tolerance))


def test_a_file_that_is_no_report_is_refused(tmp_path) -> None:
    (tmp_path / "a.json").write_text('{"schema_version": "1.0"}', encoding="utf-8")
    with pytest.raises(ContractError, match=r"scorer_version: Field required"):
        diff_files(tmp_path / "a.json", tmp_path / "a.json")
