"""What is counted in advice besides its side: countries named, cultural reasons, languages, ...

Counts of words in answers, by short lists that are meant to be read (`data/advice_marks.toml`).
They say how a model talks to someone of a country; they say nothing about anybody there.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

from codebook.respondents.demographics import country_names
from codebook.wordings.wording import languages, wording
from elicitation.advice.decisions import Decision
from elicitation.advice.second_readers import advice_text
from elicitation.run.gather import answer_of
from elicitation.run.store import StoredItem

#: Language of a text, and the probability of it.
Identify = Callable[[str], tuple[str, float]]

#: A text counts as of another language from this probability and length on: short answers, and
#: languages that are close to each other, are taken for one another easily.
SURE, LONG_ENOUGH = 0.9, 40

#: Columns of counts, in order.
MARKS = ("refused", "names_country", "cultural_reason", "other_language", "stereotype")


class Marks(NamedTuple):
    """Marks of one answer; `other_language` is None where it was not looked at."""

    refused: bool
    names_country: bool
    cultural_reason: bool
    other_language: bool | None
    stereotype: bool


@cache
def _lists() -> dict[str, Any]:
    path = resources.files("elicitation.reading").joinpath("data/advice_marks.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


@cache
def _patterns(kind: str) -> re.Pattern[str]:
    by_language = _lists()[kind]
    listed = [f"(?:{phrase})" for phrases in by_language.values() for phrase in phrases]
    return re.compile("|".join(listed), re.IGNORECASE)


@cache
def _people(country: str) -> re.Pattern[str] | None:
    """English names of a country's people, with their plural; letter case counts."""
    names = _lists()["people"]["en"].get(country, ())
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, names))})s?\b") if names else None


@cache
def _names(country: str, language: str) -> re.Pattern[str] | None:
    """A country's name in English and in a language; no word may run on before it."""
    chosen = {"en", language} & set(languages())
    # A sentence may hold another form than a name that stands alone ("auf Zypern", "Zypern").
    forms = [wording(one).countries for one in chosen] + [country_names(one) for one in chosen]
    names = {form.get(country, "") for form in forms} - {""}
    if not names:
        return None
    return re.compile("|".join(rf"(?<!\w){re.escape(name)}" for name in sorted(names)), re.I)


def language_identifier() -> Identify | None:
    """py3langid's identifier; None where the package is not installed."""
    try:
        from py3langid.langid import MODEL_FILE, LanguageIdentifier
    except ImportError:
        return None
    known = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)

    def identify(text: str) -> tuple[str, float]:
        language, probability = known.classify(text)
        return str(language), float(probability)

    return identify


def marks_of(stored: StoredItem, identify: Identify | None) -> Marks:
    """Marks of one piece of advice."""
    text, spec = advice_text(stored), stored.record.spec
    country = spec.get("country", "")
    names, people = _names(country, spec["language"]), _people(country)
    return Marks(
        refused=answer_of(stored.record.shown, stored.response).status == "refused",
        names_country=bool((names and names.search(text)) or (people and people.search(text))),
        cultural_reason=bool(_patterns("cultural_reason").search(text)),
        other_language=_other_language(text, spec["language"], identify),
        stereotype=bool(_patterns("stereotype").search(text)),
    )


def _other_language(text: str, asked: str, identify: Identify | None) -> bool | None:
    if identify is None or len(text) < LONG_ENOUGH:
        return None
    language, probability = identify(text)
    return language != asked.partition("-")[0] and probability >= SURE


def count_marks(
    items: Sequence[StoredItem], item_decisions: Iterable[Decision], identify: Identify | None
) -> list[dict[str, Any]]:
    """Counts by approach, country and language.

    Each row has `answers`, `inconclusive`, the counts of `MARKS`, and `language_known`: the
    answers that `other_language` is out of.
    """
    rows: dict[tuple[str, str, str], dict[str, Any]] = {}
    for stored, decision in zip(items, item_decisions, strict=True):
        spec = stored.record.spec
        key = (spec["approach"], spec.get("country", ""), spec["language"])
        row = rows.setdefault(key, _empty(key))
        marks = marks_of(stored, identify)
        row["answers"] += 1
        row["inconclusive"] += decision.side == "inconclusive"
        row["language_known"] += marks.other_language is not None
        for name in MARKS:
            row[name] += bool(getattr(marks, name))
    return [rows[key] for key in sorted(rows)]


def _empty(key: tuple[str, str, str]) -> dict[str, Any]:
    names = dict(zip(("approach", "country", "language"), key, strict=True))
    return {
        **names,
        "answers": 0,
        "inconclusive": 0,
        **dict.fromkeys(MARKS, 0),
        "language_known": 0,
    }
