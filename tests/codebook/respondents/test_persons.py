"""Described persons: every category in every form, missing answers, and vectorisation."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from codebook.countries import countries
from codebook.respondents import describe as persons
from codebook.respondents.demographics import demographic, demographics
from codebook.respondents.describe import PersonError, person_languages, person_texts
from codebook.respondents.harmonised import HARMONISED

RAW = {
    "B_COUNTRY": [840, 909, -1],
    "H_URBRURAL": [2, -5, -5],
    "Q260": [1, -2, -1],
    "Q262": [70, 20, -1],
    "Q275": [1, 3, -1],
    "Q273": [6, 2, -1],
    "Q279": [4, 8, -1],
    "Q288": [5, 9, -1],
    "Q289": [0, 5, -1],
    "Q290": [840001, 909003, -1],
    "N_TOWN": [840123, 909025, -4],
}


def test_list_numbers_what_was_answered() -> None:
    first, second, third = person_texts(RAW)
    assert first.splitlines() == [
        "1. Question: In which country or territory do you live?",
        "   Answer: United States",
        "2. Question: Do you live in an urban or a rural area?",
        "   Answer: Rural",
        "3. Question: What is your sex?",
        "   Answer: Male",
        "4. Question: How old are you?",
        "   Answer: 70 years",
        "5. Question: What is the highest level of education that you have completed?",
        "   Answer: Primary education",
        "6. Question: What is your marital status?",
        "   Answer: Single",
        "7. Question: What is your employment status?",
        "   Answer: Retired or on a pension",
        "8. Question: On which of ten income steps in your country is your household, "
        "from 1 (lowest) to 10 (highest)?",
        "   Answer: Step 5",
    ]
    assert second.startswith("1. Question: In which country or territory do you live?\n")
    assert "sex" not in second
    assert "6. " in second
    assert "7. " not in second
    assert third == ""


def test_remote_tells_country_settlement_and_education_only() -> None:
    assert person_texts(RAW, demographics="remote")[0].count("Question:") == 3
    assert person_texts(RAW, demographics="remote", form="sentence")[0] == (
        "You are a person living in a rural area of the United States, "
        "with primary education or none."
    )


def test_sentences() -> None:
    assert person_texts(RAW, form="sentence").tolist() == [
        "You are a man aged 70, living in a rural area of the United States, with primary "
        "education or none, single, retired, with a medium household income.",
        "You are a person aged 20, living in Northern Ireland, with upper secondary or "
        "post-secondary education, living with a partner, with a high household income.",
        "",
    ]


def test_sentence_about_a_person() -> None:
    told = person_texts({"sex": ["female"]}, form="sentence", frame="person")
    assert told.tolist() == ["This is about a woman."]


def test_sentence_about_a_group() -> None:
    told = person_texts(
        {"country": ["BRA"], "age": ["16-29"]}, form="sentence", frame="group", language="de"
    )
    assert told.tolist() == [
        "Alles Folgende betrifft nur Menschen, auf die diese Beschreibung zutrifft: eine Person im "
        "Alter von 16 bis 29 Jahren, mit Wohnsitz in Brasilien."
    ]


def test_country_form_is_the_persona_of_the_wording() -> None:
    told = person_texts({"country": ["NLD", None]}, form="country").tolist()
    assert "the Netherlands" in told[0]
    assert told[1] == ""
    assert person_texts(RAW, form="country")[0].count("the United States") == 1


def test_sensitive_answers_come_on_request_only() -> None:
    for chosen in ("main", "all", "remote"):
        for text in person_texts(RAW, demographics=chosen):
            assert "denomination" not in text
            assert "ethnic" not in text
    told = person_texts(RAW, demographics="remote", on_request=["religion", "ethnicity"])
    assert "Which religious denomination do you belong to, if any?\n   Answer: None" in told[0]
    assert "Which ethnic group do you belong to?\n   Answer: Irish" in told[1]
    sentence = person_texts(RAW, form="sentence", on_request=["religion", "ethnicity"])
    assert "without a religious denomination" in sentence[0]
    assert 'of the ethnic group "White, not Hispanic"' in sentence[0]
    assert ", Muslim, " in sentence[1]


def test_all_asks_every_demographic_question_that_has_a_column() -> None:
    codes = {name: [next(iter(d.code_texts), 2018)] for name, d in demographics().items()}
    text = person_texts(codes, demographics="all", on_request=["religion", "ethnicity"])[0]
    asked = [line.split("Question: ")[1] for line in text.splitlines() if "Question:" in line]
    # Towns have no labels in the source.
    assert sorted(asked) == sorted(d.question for n, d in demographics().items() if n != "N_TOWN")
    assert len(asked) == 41


def test_all_takes_categories_where_there_are_no_codes() -> None:
    categories = {n: [h.categories[0]] for n, h in HARMONISED.items() if h.categories}
    text = person_texts(categories, demographics="all")[0]
    assert text.count("Question:") == 8
    assert "Answer: 0 years" in text


@pytest.mark.parametrize(
    "name", [n for n, h in HARMONISED.items() if h.categories and n != "continent"]
)
def test_every_category_has_a_text_in_list_and_sentence(name: str) -> None:
    harmonised = HARMONISED[name]
    request = [name] if harmonised.sensitive else []
    column = {"country": ["BRA"] * len(harmonised.categories), name: list(harmonised.categories)}
    listed = person_texts(column, on_request=request)
    assert len(set(listed)) == len(harmonised.categories)
    assert all(text.count("Question:") == (1 if name == "country" else 2) for text in listed)
    told = person_texts(column, form="sentence", on_request=request)
    assert len(set(told)) == len(harmonised.categories)
    assert all(text.startswith("You are a") and text.endswith(".") for text in told)


def test_a_sentence_from_codes_equals_that_from_categories() -> None:
    rng = np.random.default_rng(7)
    raw, categories = {}, {}
    for name in ("country", "settlement", "sex", "age_years", "education", "employment"):
        harmonised = HARMONISED[name]
        codes = rng.choice([*sorted(harmonised.allowed_codes), -1, -2], size=300)
        raw[harmonised.variable] = codes
        index = harmonised.recode(codes)
        categories[name] = [harmonised.categories[i] if i >= 0 else None for i in index]
    one = person_texts(raw, form="sentence")
    assert one.tolist() == person_texts(categories, form="sentence").tolist()
    assert len(set(one)) > 200


def test_many_rows_equal_single_rows() -> None:
    grid = list(itertools.product([76, 840, -1], [1, 2, -5], [1, 2], [0, 6, -2]))
    names = ["B_COUNTRY", "H_URBRURAL", "Q260", "Q275"]
    columns = {n: np.array(c) for n, c in zip(names, zip(*grid, strict=True), strict=True)}
    together = person_texts(columns)
    alone = [person_texts({n: [c] for n, c in zip(names, row, strict=True)})[0] for row in grid]
    assert together.tolist() == alone


def test_each_combination_is_rendered_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    real = persons._renderer

    def counting(*arguments: object) -> object:
        render = real(*arguments)  # type: ignore[arg-type]
        return lambda entries: calls.append(1) or render(entries)

    monkeypatch.setattr(persons, "_renderer", counting)
    told = person_texts({"sex": ["female", "male"] * 5000})
    assert len(told) == 10000
    assert len(calls) == 2


@pytest.mark.parametrize(
    "wrap",
    [
        list,
        np.array,
        pa.array,
        lambda x: pa.chunked_array([x[:1], x[1:]]),
        lambda x: pa.array(x).dictionary_encode(),
        pd.Series,
        pl.Series,
        lambda x: pd.Series(x, dtype="category"),
        lambda x: pl.Series(x, dtype=pl.Categorical),
    ],
)
def test_columns_of_many_kinds(wrap: object) -> None:
    told = person_texts({"sex": wrap(["female", "male", "female"])}, form="sentence")  # type: ignore[operator]
    assert told.tolist() == ["You are a woman.", "You are a man.", "You are a woman."]


def test_floats_with_nan_count_as_codes() -> None:
    told = person_texts({"Q260": np.array([1.0, np.nan])}, form="sentence")
    assert told.tolist() == ["You are a man.", ""]


def test_ages_may_be_numbers() -> None:
    expected = ["You are a person aged 34.", ""]
    assert person_texts({"age_years": [34.0, np.nan]}, form="sentence").tolist() == expected
    assert person_texts({"age_years": [34, None]}, form="sentence").tolist() == expected


@pytest.mark.parametrize(("name", "entries"), [("Q260", [1, None]), ("sex", ["male", None])])
def test_nulls_inside_a_dictionary_are_missing(name: str, entries: list[object]) -> None:
    column = pa.DictionaryArray.from_arrays([0, 1], pa.array(entries))
    assert person_texts({name: column}, form="sentence").tolist() == ["You are a man.", ""]


def test_wide_columns_do_not_overflow() -> None:
    rng = np.random.default_rng(3)
    codes = {n: rng.integers(0, 3000, size=500) for n in demographics()}
    assert len(person_texts(codes, demographics="all")) == 500


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        ({"sex": ["woman"]}, {}, "sex: woman; allowed: male, female"),
        ({"country": ["XXX"]}, {}, "country: XXX; allowed: ALB, AND.*, \\.\\.\\."),
        ({"sex": ["male"], "country": ["BRA", "USA"]}, {}, "differ in length: country 2, sex 1"),
        ({"shoe_size": [42]}, {}, "no column of the demographics 'main' among shoe_size"),
        ({"sex": ["male"]}, {"form": "poem"}, "form='poem' is unknown; there are: list"),
        ({"sex": ["male"]}, {"demographics": "few"}, "demographics='few' is unknown"),
        ({"sex": ["male"]}, {"on_request": ["income"]}, "on_request='income' is unknown"),
    ],
)
def test_errors_say_what_is_allowed(
    columns: dict[str, list[object]], options: dict[str, object], message: str
) -> None:
    with pytest.raises(PersonError, match=message):
        person_texts(columns, **options)  # type: ignore[arg-type]


def test_unknown_language() -> None:
    assert "en" in person_languages()
    with pytest.raises(KeyError, match=r"in language 'xx'; there are: .*en"):
        person_texts({"sex": ["male"]}, form="sentence", language="xx")


def test_open_lists_of_categories_are_shown_as_they_are() -> None:
    told = person_texts(
        {"country": ["BRA"], "party": ["Workers' Party"]}, form="sentence", on_request=["party"]
    )
    assert "Workers' Party" in told[0]


def test_country_names_in_lists_are_those_of_the_countries_table() -> None:
    known = list(countries().values())
    told = person_texts({"country": [c.country for c in known]})
    for country, text in zip(known, told, strict=True):
        assert text.endswith(f"Answer: {country.name}")
    assert demographic("B_COUNTRY").question in told[0]
