"""Persons in every language that has texts of them: complete, in one shape, with own countries."""

import re
from collections.abc import Mapping

import pytest

from codebook.countries import country_by_wvs_code
from codebook.resources import read_toml
from codebook.respondents.demographics import (
    demographic,
    demographic_languages,
    demographics,
    texts,
)
from codebook.respondents.describe import person_languages, person_texts
from codebook.respondents.harmonised import HARMONISED
from codebook.wordings.wording import wording

OTHERS = pytest.mark.parametrize("language", sorted({*person_languages()} - {"en"}))
#: Tables and texts that a language may have and English need not.
EXTRA = {"country", "male", "female"}
#: Names of shared tables, and words that another language may spell as English does.
SAME_WORDS = {
    *("birth_country", "employment", "isced", "occupation", "yes_no"),
    *("Hindu", "No", "Protestant", "Rural"),
}


def shape(texts_of: object) -> object:
    """Keys of nested tables, lengths of lists and fields of texts, without the words."""
    if isinstance(texts_of, Mapping):
        return {key: shape(entry) for key, entry in texts_of.items() if key not in EXTRA}
    if isinstance(texts_of, list):
        return len(texts_of)
    return sorted(re.findall(r"\{(\w+)\}", str(texts_of)))


def words(texts_of: object) -> set[str]:
    if isinstance(texts_of, Mapping):
        return {word for entry in texts_of.values() for word in words(entry)}
    return {texts_of} if isinstance(texts_of, str) else set()


def test_persons_and_demographics_have_the_same_languages() -> None:
    assert person_languages() == demographic_languages()


@OTHERS
def test_the_texts_have_the_shape_of_the_english_ones(language: str) -> None:
    for file in ("demographics", "demographics_persons"):
        english, other = (read_toml(f"data/{file}_{code}.toml") for code in ("en", language))
        assert shape(other) == shape(english)


@OTHERS
def test_the_words_are_not_english(language: str) -> None:
    english, other = (read_toml(f"data/demographics_{code}.toml") for code in ("en", language))
    assert words(english["question"]) & words(other["question"]) <= SAME_WORDS


@OTHERS
def test_answers_of_one_question_differ(language: str) -> None:
    for variable, known in demographics(language).items():
        if known.is_closed:
            said = list(known.code_texts.values())
            assert len(set(said)) == len(said), variable


@OTHERS
def test_every_country_has_a_name_of_its_own_language_in_a_list_and_in_a_sentence(
    language: str,
) -> None:
    codes = list(country_by_wvs_code())
    alone = texts("B_COUNTRY", codes, language=language).tolist()
    assert alone == [demographic("B_COUNTRY", language).code_texts[code] for code in codes]
    assert len(set(alone)) == len(codes)
    in_sentence = person_texts({"B_COUNTRY": codes}, form="sentence", language=language)
    for code, text in zip(codes, in_sentence, strict=True):
        assert wording(language).countries[country_by_wvs_code()[code].country] in text


@OTHERS
def test_a_country_of_birth_is_named_in_the_language(language: str) -> None:
    codes = [code for code in country_by_wvs_code() if code != 826]
    for variable in ("Q266", "Q267", "Q268"):
        born = texts(variable, codes, language=language).tolist()
        assert born == texts("B_COUNTRY", codes, language=language).tolist()
        kingdom = texts(variable, 826, language=language)
        assert kingdom != demographic(variable).code_texts[826]


@pytest.mark.parametrize(
    ("language", "sex", "state", "expected"),
    [
        ("ru", "male", "widowed", "вдовец"),
        ("ru", "female", "widowed", "вдова"),
        ("ru", "male", "single", "холост"),
        ("ru", "female", "single", "не замужем"),
        ("vi", "male", "widowed", "góa vợ"),
        ("vi", "female", "widowed", "góa chồng"),
        ("es", "female", "married", "casada"),
        ("pt", "male", "divorced", "divorciado"),
    ],
)
def test_a_marital_status_takes_the_form_of_the_sex(
    language: str, sex: str, state: str, expected: str
) -> None:
    columns = {"sex": [sex], "marital_status": [state]}
    said = person_texts(columns, form="sentence", language=language)[0]
    assert said.rstrip(".").endswith(expected)
    unknown = person_texts({"marital_status": [state]}, form="sentence", language=language)[0]
    assert unknown != said


def test_german_names_of_countries_carry_their_preposition() -> None:
    names = wording("de").countries
    assert names["PHL"] == "auf den Philippinen"
    assert names["IRN"] == "im Iran"
    persona = wording("de").templates["persona"].format(country=names["CYP"])
    assert "die auf Zypern lebt" in persona
    assert texts("B_COUNTRY", 196, language="de") == "Zypern"


@OTHERS
def test_every_category_is_told(language: str) -> None:
    for name, harmonised in HARMONISED.items():
        if harmonised.open_list or name in ("country", "continent", "age_years"):
            continue
        for form in ("list", "sentence"):
            told = person_texts(
                {name: list(harmonised.categories)},
                form=form,  # type: ignore[arg-type]
                on_request=("religion",),
                language=language,
            )
            silent = [c for c, t in zip(harmonised.categories, told, strict=True) if not t]
            assert silent == (["other"] if (name, form) == ("employment", "sentence") else [])


@pytest.mark.parametrize(
    ("language", "frame", "expected"),
    [
        (
            "es",
            "you",
            "Usted es una mujer de 34 años, que vive en una zona urbana de los Países Bajos, "
            "con ingresos bajos en su hogar.",
        ),
        (
            "de",
            "person",
            "Beschrieben wird eine Frau im Alter von 34 Jahren, mit Wohnsitz in einem "
            "städtischen Gebiet in den Niederlanden, mit niedrigem Haushaltseinkommen.",
        ),
        (
            "pt",
            "you",
            "Você é uma mulher de 34 anos, que mora em uma área urbana nos Países Baixos, "
            "com renda familiar baixa.",
        ),
        (
            "vi",
            "person",
            "Người được nói đến là một người phụ nữ 34 tuổi, sống ở khu vực thành thị của "
            "Hà Lan, có thu nhập hộ gia đình thấp.",
        ),
    ],
)
def test_a_person_in_one_sentence(language: str, frame: str, expected: str) -> None:
    columns = {
        "sex": ["female"],
        "age_years": [34],
        "country": ["NLD"],
        "settlement": ["urban"],
        "income_third": ["low"],
    }
    told = person_texts(columns, form="sentence", frame=frame, language=language)  # type: ignore[arg-type]
    assert told.tolist() == [expected]


@pytest.mark.parametrize(
    ("language", "expected"),
    [("es", "Países Bajos"), ("de", "Niederlande"), ("pt", "Países Baixos"), ("vi", "Hà Lan")],
)
def test_a_country_alone(language: str, expected: str) -> None:
    assert texts("B_COUNTRY", 528, language=language) == expected
