"""What every language has: texts by kind, and how many of them a second pass has reviewed."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from codebook.countries import countries
from codebook.languages import languages as known_languages
from codebook.person_sources import PERSON_FILES, missing_person_texts
from codebook.review import check, reviewed_texts
from codebook.wordings import languages, missing_texts, required_keys, wording

#: Kinds of texts of a wording, with what they are called.
WORDING_KINDS = {
    "stem": "Questions",
    "statement": "Statements",
    "label": "Labels",
    "template": "Templates",
    "country": "Countries",
    "missing": "Kinds of missing",
}


class LanguageCounts(NamedTuple):
    """Counts of one language.

    Attributes:
        language, name: its code and English name.
        wording: digest of its wording.
        present: texts of its wording by kind.
        people: texts that describe people, and how many of these it lacks.
        texts: texts that need a review; `unreviewed` of them have none.
        machine_drafted: whether its wording says so.
        asked_in: countries of wave 7 whose first questionnaire language with a wording it is.
    """

    language: str
    name: str
    wording: str
    present: dict[str, int]
    missing: int
    people: int
    people_missing: int
    texts: int
    unreviewed: int
    machine_drafted: bool
    asked_in: tuple[str, ...]


def required_counts() -> dict[str, int]:
    """Texts that a complete wording has, by kind."""
    return dict(Counter(key.split(":", 1)[0] for key in required_keys()))


def language_counts(language: str) -> LanguageCounts:
    """Counts of a language of the project."""
    texts = wording(language)
    needed = reviewed_texts(language)
    return LanguageCounts(
        language=language,
        name=known_languages()[language].name,
        wording=texts.digest,
        present=dict(Counter(key.split(":", 1)[0] for key in texts.texts())),
        missing=len(missing_texts(language)),
        people=sum(key.split(":", 1)[0] in PERSON_FILES for key in needed),
        people_missing=len(missing_person_texts(language)),
        texts=len(needed),
        unreviewed=len(check(language)),
        machine_drafted=texts.machine_drafted,
        asked_in=_asked_in(language),
    )


def _asked_in(language: str) -> tuple[str, ...]:
    found = []
    for country in countries().values():
        spoken = (code for code in country.questionnaire_languages if code in languages())
        if next(spoken, "") == language:
            found.append(country.country)
    return tuple(found)
