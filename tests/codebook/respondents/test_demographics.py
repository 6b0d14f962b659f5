"""Demographic questions: every question, every code, every missing code has a text."""

from __future__ import annotations

import numpy as np
import pytest

from codebook.countries import country_by_wvs_code, languages
from codebook.questions import MISSING_CODES
from codebook.resources import read_csv
from codebook.respondents.demographics import (
    OTHER_LISTS,
    demographic,
    demographic_languages,
    demographics,
    texts,
)
from codebook.respondents.harmonised import HARMONISED

#: The demographic questions as the WorldValuesBench construction lists them.
EXPECTED = (
    "A_YEAR B_COUNTRY J_INTDATE N_TOWN G_TOWNSIZE H_SETTLEMENT H_URBRURAL S_INTLANGUAGE "
    "E1_LITERACY X003R " + " ".join(f"Q{i}" for i in range(260, 291)) + " Q289CS9"
).split()

#: Numbers of valid codes in the codebook of wave 7, version 5.0.
CODE_COUNTS = {
    "G_TOWNSIZE": 8,
    "H_SETTLEMENT": 5,
    "H_URBRURAL": 2,
    "E1_LITERACY": 2,
    "X003R": 6,
    "Q260": 2,
    "Q263": 2,
    "Q264": 2,
    "Q265": 2,
    "Q269": 3,
    "Q271": 4,
    "Q273": 6,
    "Q275": 9,
    "Q276": 9,
    "Q277": 9,
    "Q278": 9,
    "Q279": 8,
    "Q280": 8,
    "Q281": 12,
    "Q282": 12,
    "Q283": 12,
    "Q284": 3,
    "Q285": 2,
    "Q286": 4,
    "Q287": 5,
    "Q288": 10,
    "Q289": 10,
}


def test_there_are_the_42() -> None:
    assert len(EXPECTED) == 42
    assert set(demographics()) == set(EXPECTED)


def test_closed_questions_have_all_codes() -> None:
    closed = {name: len(d.code_texts) for name, d in demographics().items() if d.is_closed}
    assert closed == CODE_COUNTS


@pytest.mark.parametrize("variable", [*EXPECTED, *OTHER_LISTS])
def test_every_code_and_missing_code_has_a_text_of_its_own(variable: str) -> None:
    known = demographic(variable)
    assert known.question.endswith("?")
    assert set(known.missing_texts) == set(MISSING_CODES)
    codes = [*known.code_texts, *MISSING_CODES]
    rendered = texts(variable, codes)
    assert all(isinstance(text, str) and text.strip() == text and text for text in rendered)
    assert "no label" not in " ".join(rendered)
    if known.is_closed:
        assert len(set(rendered)) == len(codes)


def test_texts_are_tidy() -> None:
    for row in read_csv("data/demographics_lists.csv"):
        assert row["text"] == " ".join(row["text"].split())
        assert ";" not in row["text"]
        assert "nfd" not in row["text"].split()


def test_open_lists_have_no_code_twice() -> None:
    rows = read_csv("data/demographics_lists.csv")
    assert len({(row["list"], row["code"]) for row in rows}) == len(rows)


def test_only_inferred_texts_are_marked() -> None:
    noted = {(r["list"], r["code"]) for r in read_csv("data/demographics_lists.csv") if r["note"]}
    assert noted == {("country", "462"), ("language", "1105"), ("ethnic_group", "203003")}


def test_harmonised_variables_point_back() -> None:
    for name, harmonised in HARMONISED.items():
        known = demographic(harmonised.variable)
        assert name in known.harmonised
        assert harmonised.sensitive == known.sensitive
        if known.is_closed:
            assert harmonised.allowed_codes == frozenset(known.code_texts)


def test_sensitive_questions() -> None:
    assert {n for n, d in demographics().items() if d.sensitive} == {"Q289", "Q289CS9", "Q290"}
    assert demographic("Q223").sensitive


def test_country_texts_are_the_names_of_the_countries_table() -> None:
    codes = list(country_by_wvs_code())
    assert texts("B_COUNTRY", codes).tolist() == [country_by_wvs_code()[c].name for c in codes]
    # The sample of wave 7 is Great Britain; a country of birth is the whole kingdom.
    assert texts("B_COUNTRY", 826) == "Great Britain"
    assert texts("Q266", 826) == "United Kingdom"


def test_language_codes_agree_with_the_languages_table() -> None:
    listed = demographic("Q272").code_texts
    for language in languages().values():
        if language.wvs_code is not None and language.language != "zh":
            assert listed[language.wvs_code] == language.name


@pytest.mark.parametrize(
    ("variable", "code", "expected"),
    [
        ("A_YEAR", 2018, "2018"),
        ("J_INTDATE", 20180314, "14 March 2018"),
        ("J_INTDATE", 201803, "March 2018"),
        ("J_INTDATE", 20180399, "March 2018"),
        ("J_INTDATE", 20181301, "code 20181301 (no label)"),
        ("Q261", 1984, "1984"),
        ("Q262", 34, "34 years"),
        ("Q270", 1, "1 person"),
        ("Q270", 7, "7 or more people"),
        ("Q270", 12, "12 people"),
        ("Q274", 0, "No children"),
        ("Q274", 1, "1 child"),
        ("Q274", 3, "3 children"),
        ("Q273", 5, "Widowed"),
        ("Q273", 9, "code 9 (no label)"),
        ("Q289", 0, "None"),
        ("Q290", 203003, "Czech"),
        ("Q223", 51041, "code 51041 (no label)"),
        ("N_TOWN", 909025, "code 909025 (no label)"),
        ("Q276", -3, "Not applicable: no spouse or partner"),
        ("Q279", -3, "Not applicable"),
        ("S_INTLANGUAGE", 1105, "Dhivehi"),
        ("Q275A", 32003, "Finished Primary school"),
    ],
)
def test_texts_of_single_codes(variable: str, code: int, expected: str) -> None:
    assert texts(variable, [code]).tolist() == [expected]


def test_texts_keep_shape_and_read_floats() -> None:
    found = texts("Q260", np.array([[1.0, 2.0], [np.nan, -2.0]]))
    assert found.tolist() == [
        ["Male", "Female"],
        ["Missing or not available (Australia: other)", "No answer"],
    ]
    assert texts("Q260", []).shape == (0,)
    assert texts("Q260", [1.5]).tolist() == ["code ? (no label)"]


def test_missing_can_have_one_text() -> None:
    assert texts("Q260", [1, -1, -5], missing="").tolist() == ["Male", "", ""]


def test_unknown_variables_and_languages_are_named() -> None:
    with pytest.raises(KeyError, match=r"'Q1' is no demographic question; there are: A_YEAR"):
        texts("Q1", [1])
    with pytest.raises(KeyError, match=r"no demographic texts in language 'xx'; there are: .*en"):
        texts("Q260", [1], language="xx")
    assert "en" in demographic_languages()
