"""Countries and territories: codes, names, continents, languages, Hofstede scores."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import Literal

from codebook.resources import read_csv

#: Continents by the regions of the UN's M49 standard, the Americas split in two: North America
#: holds M49's Northern and Central America and the Caribbean. So Armenia, Azerbaijan, Cyprus,
#: Georgia and Turkey (Western Asia) and Kazakhstan count as Asia, Russia as Europe, Egypt as
#: Africa. M49 has no Taiwan of its own (Asia here) and no Northern Ireland (Europe).
CONTINENTS = ("Africa", "Asia", "Europe", "North America", "Oceania", "South America")

#: Waves of the survey for which the table tells who took part.
WAVES = (5, 6, 7)

#: Hofstede's dimensions as columns of `data/hofstede.csv`.
HOFSTEDE_DIMENSIONS = (
    "individualism",
    "mas",
    "uncertainty_avoidance",
    "power_distance",
    "long_term_orientation",
)


@dataclass(frozen=True)
class HofstedeScores:
    """Country scores (0-100) with the language and resource level of the advice study."""

    language: str
    resource_level: str
    scores: Mapping[str, int]


@dataclass(frozen=True)
class Country:
    """A country or territory of the survey.

    `country` is ISO 3166-1 alpha-3, save NIR (Northern Ireland), which is no ISO code;
    `wvs_code` is the survey's numeric code (ISO numeric, save 909 for NIR); `waves` are
    those of `WAVES` whose pooled file holds the country in any of its versions (Bahrain is in the
    first ones of wave 6 alone, Haiti in the later ones); `hofstede` is None outside the advice
    study. How a name stands in a sentence, in any language, is a matter of
    `codebook.wordings.wording`.
    """

    country: str
    iso2: str | None
    iso_numeric: int | None
    wvs_code: int
    name: str
    continent: str
    questionnaire_languages: tuple[str, ...]
    waves: frozenset[int]
    hofstede: HofstedeScores | None

    @property
    def in_wave7(self) -> bool:
        """Whether the country took part in wave 7."""
        return 7 in self.waves


def _hofstede() -> dict[str, HofstedeScores]:
    return {
        row["country"]: HofstedeScores(
            row["language"],
            row["resource_level"],
            MappingProxyType({name: int(row[name]) for name in HOFSTEDE_DIMENSIONS}),
        )
        for row in read_csv("data/hofstede.csv")
    }


@cache
def countries() -> Mapping[str, Country]:
    """All countries that the project knows, by ISO3 code."""
    hofstede = _hofstede()
    return MappingProxyType(
        {
            row["country"]: Country(
                country=row["country"],
                iso2=row["iso2"] or None,
                iso_numeric=int(row["iso_numeric"]) if row["iso_numeric"] else None,
                wvs_code=int(row["wvs_code"]),
                name=row["name"],
                continent=row["continent"],
                questionnaire_languages=tuple(row["questionnaire_languages"].split()),
                waves=frozenset(w for w in WAVES if row[f"wave{w}"] == "1"),
                hofstede=hofstede.get(row["country"]),
            )
            for row in read_csv("data/countries.csv")
        }
    )


@cache
def country_by_wvs_code() -> Mapping[int, Country]:
    """Countries by the survey's numeric code (B_COUNTRY, S003)."""
    return MappingProxyType({c.wvs_code: c for c in countries().values()})


#: Further names under which files call a country, folded as `country_named` folds them.
_OTHER_NAMES = {
    "uk": "GBR", "united kingdom": "GBR", "great britain": "GBR", "britain": "GBR",
    "usa": "USA", "us": "USA", "united states": "USA", "united states of america": "USA",
    "south korea": "KOR", "korea": "KOR", "republic of korea": "KOR", "korea south": "KOR",
    "russia": "RUS", "russian federation": "RUS", "iran": "IRN", "iran islamic republic": "IRN",
    "vietnam": "VNM", "viet nam": "VNM", "turkey": "TUR", "turkiye": "TUR", "czech republic": "CZE",
    "czechia": "CZE", "hong kong": "HKG", "hong kong sar": "HKG", "macau": "MAC", "macao": "MAC",
    "macao sar": "MAC", "taiwan": "TWN", "taiwan roc": "TWN", "bolivia": "BOL", "venezuela": "VEN",
    "tanzania": "TZA", "moldova": "MDA", "north macedonia": "MKD", "macedonia": "MKD",
    "netherlands": "NLD", "the netherlands": "NLD", "holland": "NLD", "palestine": "PSE",
    "northern ireland": "NIR", "kyrgyzstan": "KGZ", "kyrgyz republic": "KGZ", "slovakia": "SVK",
    "bosnia and herzegovina": "BIH", "bosnia herzegovina": "BIH", "bosnia": "BIH",
}  # fmt: skip


def _folded(name: str) -> str:
    plain = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(c if c.isalnum() else " " for c in plain if not unicodedata.combining(c))
    return " ".join(letters.split())


@cache
def _named() -> Mapping[str, str]:
    known = countries()
    codes_by_name: dict[str, str] = {n: c for n, c in _OTHER_NAMES.items() if c in known}
    for code, country in known.items():
        names = (country.name, country.iso2 or "", str(country.wvs_code), code)
        codes_by_name |= {_folded(name): code for name in names if name}
    codes_by_name.pop(
        "na", None
    )  # a lacking value in many files, and Namibia's code of two letters
    return MappingProxyType(codes_by_name)


@lru_cache(maxsize=4096)
def country_named(written: str) -> str | None:
    """The ISO3 code of a country by its code of three or two letters, the survey's number or its
    English name; None where there is no such country. Case, accents and punctuation do not count.
    """
    text = written.strip()
    if text.isdigit():
        text = str(int(text))
    return _named().get(_folded(text.removesuffix(".0")))


Direction = Literal["ltr", "rtl"]


@dataclass(frozen=True)
class Language:
    """A language.

    Attributes:
        language: ISO 639-1 code, or ISO 639-2/3 where there is none of two letters.
        name: English name.
        endonym: its name in itself.
        script: ISO 15924 code of the script that it is written in here.
        direction: `ltr` or `rtl`.
        wvs_code: code of wave 7's lists of languages (S_INTLANGUAGE, Q272), None where none.
        note: what one has to know about it.
    """

    language: str
    name: str
    endonym: str
    script: str
    direction: Direction
    wvs_code: int | None
    note: str = ""


@cache
def languages() -> Mapping[str, Language]:
    """All languages that the project knows, by code."""
    return MappingProxyType(
        {
            row["language"]: Language(
                language=row["language"],
                name=row["name"],
                endonym=row["endonym"],
                script=row["script"],
                direction="rtl" if row["direction"] == "rtl" else "ltr",
                wvs_code=int(row["wvs_code"]) if row["wvs_code"] else None,
                note=row["note"],
            )
            for row in read_csv("data/languages.csv")
        }
    )
