"""Harmonised demographics: recodes, groups, and the survey's own classes as a check."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebook.respondents.harmonised import (
    GROUP_VARIABLES,
    HARMONISED,
    MAIN_VARIABLES,
    ON_REQUEST_VARIABLES,
    GroupError,
    group_name,
    harmonised,
    parse_group,
)


def test_names_cover_main_group_and_on_request_variables() -> None:
    assert set(HARMONISED) == {*MAIN_VARIABLES, *ON_REQUEST_VARIABLES, "country", "continent"}
    assert set(GROUP_VARIABLES) <= set(MAIN_VARIABLES)


def test_only_on_request_variables_are_sensitive() -> None:
    assert {n for n, h in HARMONISED.items() if h.sensitive} == set(ON_REQUEST_VARIABLES)


@pytest.mark.parametrize("name", [n for n, h in HARMONISED.items() if not h.open_list])
def test_every_category_is_reached_and_int8_holds_it(name: str) -> None:
    known = HARMONISED[name]
    assert len(known.categories) <= 127
    assert len(set(known.categories)) == len(known.categories)
    codes = sorted(known.allowed_codes)
    index = known.recode(codes)
    assert index.dtype == np.int8
    assert set(index.tolist()) - {-1} == set(range(len(known.categories)))
    ungrouped = [c for c, i in zip(codes, index, strict=True) if i == -1]
    assert frozenset(ungrouped) == known.ungrouped_codes


@pytest.mark.parametrize("name", [n for n, h in HARMONISED.items() if not h.open_list])
def test_missing_and_unknown_codes_become_minus_one(name: str) -> None:
    known = HARMONISED[name]
    codes = [-5.0, -4.0, -3.0, -2.0, -1.0, np.nan, np.inf, 99999.0, 1.5]
    assert known.recode(codes).tolist() == [-1] * len(codes)
    assert known.unknown_codes(codes) == (1, 99999)


@pytest.mark.parametrize(
    ("name", "codes", "expected"),
    [
        ("sex", [1, 2], ["male", "female"]),
        # X003R2: 16-29, 30-49, 50 and over.
        ("age", [16, 29, 30, 49, 50, 103], ["16-29", "16-29", "30-49", "30-49", "50+", "50+"]),
        ("age", [0, 15], [None, None]),
        ("age_years", [0, 15, 103], ["0", "15", "103"]),
        (
            "education",
            [0, 1, 2, 3, 4, 5, 6, 7, 8],
            ["primary or none"] * 2
            + ["lower secondary"]
            + ["upper or post secondary"] * 3
            + ["tertiary"] * 3,
        ),
        ("settlement", [1, 2], ["urban", "rural"]),
        # Q288R: 1-3 low, 4-7 medium, 8-10 high.
        ("income_third", range(1, 11), ["low"] * 3 + ["medium"] * 4 + ["high"] * 3),
        ("country", [909, 76, 840], ["NIR", "BRA", "USA"]),
        ("continent", [909, 76, 840, 36], ["Europe", "South America", "North America", "Oceania"]),
    ],
)
def test_recode_of_single_codes(name: str, codes: list[int], expected: list[str | None]) -> None:
    known = HARMONISED[name]
    index = known.recode(list(codes))
    assert [known.categories[i] if i >= 0 else None for i in index] == expected


def test_recode_keeps_shape() -> None:
    assert HARMONISED["sex"].recode(np.array([[1, 2], [-1, 1]])).tolist() == [[0, 1], [-1, 0]]
    assert HARMONISED["sex"].recode([]).shape == (0,)


@pytest.mark.parametrize("name", ["ethnicity", "party"])
def test_open_lists_have_no_categories(name: str) -> None:
    assert HARMONISED[name].unknown_codes([51041]) == ()
    with pytest.raises(ValueError, match="open list without common categories"):
        HARMONISED[name].recode([1])


members = st.fixed_dictionaries(
    {}, optional={v: st.sampled_from(HARMONISED[v].categories) for v in GROUP_VARIABLES}
)


@given(members)
def test_group_names_round_trip(chosen: dict[str, str]) -> None:
    name = group_name(chosen)
    assert parse_group(name) == chosen
    assert list(parse_group(name)) == sorted(chosen)


def test_group_name_sorts_keys() -> None:
    assert group_name({"settlement": "urban", "age": "16-29"}) == "age=16-29;settlement=urban"
    assert group_name({}) == ""
    assert group_name(parse_group(" settlement=urban; age=16-29")) == "age=16-29;settlement=urban"


@pytest.mark.parametrize(
    ("group", "message"),
    [
        ("sex", "part 'sex' is not of the form variable=category"),
        ("sex=woman", "sex has no category 'woman'; there are: male, female"),
        ("gender=female", "no group variable 'gender'; there are: sex, age"),
        ("sex=male;sex=female", "variable 'sex' occurs twice"),
        ("sex=male;", "part '' is not of the form"),
        ("religion=none", "no group variable 'religion'"),
        ("sex=woman;age=old", "no category 'woman'.*age has no category 'old'"),
    ],
)
def test_bad_groups_are_named(group: str, message: str) -> None:
    with pytest.raises(GroupError, match=message):
        parse_group(group)


def test_bad_members_are_named() -> None:
    with pytest.raises(GroupError, match="age has no category '16-30'"):
        group_name({"age": "16-30"})


#: Wave 6's education: 1 none, 2 and 3 primary, 4 and 6 incomplete secondary (technical,
#: university-preparatory), 5 and 7 complete secondary, 8 some university, 9 degree.
EDUCATION_OF_WAVE_6 = {
    1: "primary or none",
    2: "primary or none",
    3: "primary or none",
    4: "lower secondary",
    5: "upper or post secondary",
    6: "lower secondary",
    7: "upper or post secondary",
    8: "upper or post secondary",
    9: "tertiary",
}


@pytest.mark.parametrize("wave", [5, 6])
def test_education_of_earlier_waves(wave: int) -> None:
    education = harmonised(wave)["education"]
    assert education.allowed_codes == frozenset(EDUCATION_OF_WAVE_6)
    index = education.recode(list(EDUCATION_OF_WAVE_6))
    assert [education.categories[i] for i in index] == list(EDUCATION_OF_WAVE_6.values())


def test_time_series_has_one_code_of_education_less() -> None:
    # X025 joins none and incomplete primary; all others move down by one.
    education = harmonised(timeseries=True)["education"]
    codes = list(range(1, 9))
    index = education.recode(codes)
    assert [education.categories[i] for i in index] == [
        EDUCATION_OF_WAVE_6[code + 1] for code in codes
    ]


@pytest.mark.parametrize(
    ("wave", "timeseries", "variables"),
    [
        (5, False, {"sex": "V235", "age": "V237", "income_third": "V253", "country": "V2"}),
        (6, False, {"sex": "V240", "age": "V242", "income_third": "V239", "country": "V2"}),
        (6, True, {"sex": "X001", "age": "X003", "income_third": "X047_WVS", "country": "S003"}),
        (7, False, {"sex": "Q260", "age": "Q262", "income_third": "Q288", "country": "B_COUNTRY"}),
    ],
)
def test_variables_of_each_file(wave: int, timeseries: bool, variables: dict[str, str]) -> None:
    found = harmonised(wave, timeseries=timeseries)
    assert {name: found[name].variable for name in variables} == variables


@pytest.mark.parametrize(("wave", "timeseries"), [(5, False), (6, False), (6, True)])
def test_earlier_files_have_the_categories_of_wave_7(wave: int, timeseries: bool) -> None:
    found = harmonised(wave, timeseries=timeseries)
    assert "settlement" not in found
    assert not [name for name, known in found.items() if known.sensitive]
    for name, known in found.items():
        assert known.categories == HARMONISED[name].categories
        if name != "education":
            assert known.code_categories == HARMONISED[name].code_categories


def test_unknown_wave() -> None:
    with pytest.raises(KeyError, match="wave 4 is not known; there are: 5, 6, 7"):
        harmonised(4)


def test_income_has_an_older_name_in_the_time_series() -> None:
    assert harmonised(timeseries=True)["income_third"].other_names == ("X047",)
    assert HARMONISED["income_third"].other_names == ()
