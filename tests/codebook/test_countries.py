"""Countries and languages: codes against ISO, counts against the survey, Hofstede's table."""

from __future__ import annotations

import pycountry
import pytest

from codebook.countries import (
    CONTINENTS,
    HOFSTEDE_DIMENSIONS,
    Country,
    countries,
    country_by_wvs_code,
    languages,
)

NORTHERN_IRELAND = "NIR"
ISO_COUNTRIES = [c for c in countries().values() if c.country != NORTHERN_IRELAND]


def test_counts_of_the_waves() -> None:
    # Wave 7: 66 countries and territories of version 6.0. Wave 5 has 58, wave 6 has 60 in its last
    # version; its first versions have Bahrain, too, and its later ones have Haiti.
    by_wave = {w: sum(w in c.waves for c in countries().values()) for w in (5, 6, 7)}
    assert by_wave == {5: 58, 6: 61, 7: 66}
    assert sum(c.in_wave7 for c in countries().values()) == 66


def test_countries_outside_the_waves_are_hofstede_countries() -> None:
    assert all(c.hofstede for c in countries().values() if not c.waves)


@pytest.mark.parametrize("country", ISO_COUNTRIES, ids=lambda c: c.country)
def test_codes_are_those_of_iso_3166(country: Country) -> None:
    known = pycountry.countries.get(alpha_3=country.country)
    assert known is not None
    assert country.iso2 == known.alpha_2
    assert country.iso_numeric == int(known.numeric) == country.wvs_code


def test_northern_ireland_is_no_iso_country() -> None:
    nir = countries()[NORTHERN_IRELAND]
    assert (nir.iso2, nir.iso_numeric, nir.wvs_code) == (None, None, 909)
    assert country_by_wvs_code()[909] is nir


def test_names_and_codes_are_unique() -> None:
    known = countries().values()
    assert len({c.name for c in known}) == len(known)
    assert len(country_by_wvs_code()) == len(known)
    assert list(countries()) == sorted(countries())


def test_every_wave_7_country_has_questionnaire_languages() -> None:
    for country in countries().values():
        assert bool(country.questionnaire_languages) == country.in_wave7
        assert set(country.questionnaire_languages) <= set(languages())


#: The alignment paper's steering countries with the language of the questionnaire.
STEERING = {
    "ARG": "es",
    "BRA": "pt",
    "CHL": "es",
    "CHN": "zh",
    "DEU": "de",
    "JPN": "ja",
    "KOR": "ko",
    "RUS": "ru",
    "URY": "es",
    "VNM": "vi",
}


def test_steering_countries_have_one_language() -> None:
    for country, language in STEERING.items():
        assert countries()[country].questionnaire_languages == (language,)


@pytest.mark.parametrize(
    ("country", "continent"),
    [
        ("CYP", "Asia"),
        ("TUR", "Asia"),
        ("GEO", "Asia"),
        ("ARM", "Asia"),
        ("AZE", "Asia"),
        ("KAZ", "Asia"),
        ("RUS", "Europe"),
        ("EGY", "Africa"),
        ("MEX", "North America"),
        ("GTM", "North America"),
        ("NIC", "North America"),
        ("PRI", "North America"),
        ("TTO", "North America"),
        ("HTI", "North America"),
        ("COL", "South America"),
        ("AUS", "Oceania"),
        ("NIR", "Europe"),
        ("TWN", "Asia"),
    ],
)
def test_continents_follow_m49(country: str, continent: str) -> None:
    assert countries()[country].continent == continent


def test_only_the_six_continents_occur() -> None:
    assert {c.continent for c in countries().values()} == set(CONTINENTS)


def test_36_hofstede_countries_with_a_language_each() -> None:
    found = [c.hofstede for c in countries().values() if c.hofstede is not None]
    assert len(found) == 36
    assert len({h.language for h in found}) == 36
    assert {h.language for h in found} <= set(languages())
    assert all(set(h.scores) == set(HOFSTEDE_DIMENSIONS) for h in found)
    assert all(0 <= score <= 100 for h in found for score in h.scores.values())
    levels = [h.resource_level for h in found]
    assert {level: levels.count(level) for level in set(levels)} == {
        "high": 12,
        "mid": 12,
        "low": 12,
    }


@pytest.mark.parametrize(
    ("country", "scores"),
    [
        # Table 4 of the advice paper: individualism, MAS, uncertainty avoidance, power
        # distance, long-term orientation.
        ("USA", (60, 62, 46, 40, 50)),
        ("JPN", (62, 95, 92, 54, 100)),
        ("NLD", (100, 14, 53, 38, 67)),
        ("MYS", (27, 50, 36, 100, 47)),
        ("LKA", (35, 10, 45, 80, 45)),
        ("GRC", (59, 57, 100, 60, 51)),
        ("ZAF", (23, 63, 49, 49, 18)),
    ],
)
def test_hofstede_scores_of_the_table(country: str, scores: tuple[int, ...]) -> None:
    found = countries()[country].hofstede
    assert found is not None
    assert tuple(found.scores[name] for name in HOFSTEDE_DIMENSIONS) == scores


def test_the_united_states_are_less_individualistic_than_japan_here() -> None:
    # The advice paper's own remark (its appendix B) on these revised scores.
    usa, japan = countries()["USA"].hofstede, countries()["JPN"].hofstede
    assert usa is not None
    assert japan is not None
    assert usa.scores["individualism"] < japan.scores["individualism"]


def test_languages_have_iso_codes_and_a_direction() -> None:
    for language in languages().values():
        known = pycountry.languages.get(
            **{f"alpha_{len(language.language)}": language.language}
        ) or pycountry.languages.get(alpha_3=language.language)
        assert known is not None or language.language == "bik", language.language
        assert pycountry.scripts.get(alpha_4=language.script) is not None
        assert (language.direction == "rtl") == (language.script in {"Arab", "Hebr", "Thaa"})
        assert language.name
        assert language.endonym


def test_every_language_is_used() -> None:
    used = {lang for c in countries().values() for lang in c.questionnaire_languages}
    used |= {c.hofstede.language for c in countries().values() if c.hofstede}
    assert used == set(languages())
