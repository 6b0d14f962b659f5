"""What can be seen in a translated wording from its texts alone, without the notes of a review.

Each rule compares a text with the English one or with its siblings and returns what looks wrong:

- glossary: a label lacks the counterpart of a word of its English label (`data/wording_checks_*`)
- negation: the English text denies something, the translation does not
- reused: a label is also the label of another scale, where English has another meaning
- twin: two labels of a scale, or two questions, are the same
- country: a question or statement names a country
- fields: a template's fields are not those of the English one, or not as often
- frame: a question differs from its siblings in the part that they all share
- item: a text lacks what the meaning card of its item asks for (`data/wording_checks_*`)
- strength: a word such as "always" stands where the English has none
- length: a text is far shorter or longer than the language's texts are to English ones
- ending: a question or statement lacks its final mark

They find what is missing or misplaced, not what was added or is said badly: no review is spared.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from statistics import median
from string import Formatter
from typing import NamedTuple

from codebook.resources import read_toml, resource
from codebook.wordings.parse import WordingError
from codebook.wordings.templates import template_problem
from codebook.wordings.wording import wording

#: Labels that name countries because the question asks about countries.
_ABOUT_COUNTRIES = "label:un_seats3:"

#: A text is suspicious when its length to the English one is this many times the usual.
_LENGTH_FACTOR = 2.6

#: English texts shorter than this are too short to have a usual ratio.
_LENGTH_LEAST = 40

#: English words at the beginning or end that make questions siblings, and how many they must be.
_FRAME_WORDS = 6
_FRAME_MEMBERS = 4

#: Of the part that siblings usually share, the least that a question must share.
_FRAME_SHARE = 0.7

_ENDINGS = ("?", "？", ".", "。")

Texts = Mapping[str, str]


class Suspicion(NamedTuple):
    """A text that looks wrong: its key, the rule that says so, and what was seen."""

    key: str
    rule: str
    detail: str


@dataclass(frozen=True)
class LanguageRules:
    """What the rules need to know about a language; see `data/wording_checks_es.toml`.

    Attributes:
        frame: what every question of agreement says besides its statement.
        glossary: by English word, a pattern of which its translation holds a match.
        strength: pattern of words that make a statement stronger.
        items: by key of a text, a pattern that it must hold; a question id stands for its
            question and its statement.
        country_prefix: article or preposition before the name of a country.
        country_form: pattern of a country's name, made of `{name}`.
        country_cut: letters that other forms of a country's name lack at its end.
        synonyms: pairs of English labels that may share a translation.
        accepted: rules that a text may break, by key.
    """

    frame: re.Pattern[str]
    glossary: Mapping[str, re.Pattern[str]]
    strength: re.Pattern[str]
    items: Mapping[str, re.Pattern[str]]
    country_prefix: re.Pattern[str]
    country_form: str
    country_cut: int
    synonyms: frozenset[frozenset[str]]
    accepted: Mapping[str, str]


@cache
def language_rules(language: str) -> LanguageRules:
    """The packaged rules of a language.

    Raises:
        WordingError: the language has no file of rules yet.
    """
    name = f"data/wording_checks_{language}.toml"
    if not resource(name).is_file():
        raise WordingError([f"codebook/{name}: no such file; write it on the model of another's"])
    table = read_toml(name)
    glossary = {word: re.compile(p, re.IGNORECASE) for word, p in table["glossary"].items()}
    items = {key: re.compile(p, re.IGNORECASE) for key, p in table.get("items", {}).items()}
    return LanguageRules(
        frame=re.compile(table["frame"], re.IGNORECASE),
        glossary=glossary,
        strength=re.compile(table["strength"], re.IGNORECASE),
        items=items,
        country_prefix=re.compile(table["country_prefix"]),
        country_form=table["country_form"],
        country_cut=table["country_cut"],
        synonyms=frozenset(frozenset(pair) for pair in table.get("synonyms", [])),
        accepted=table.get("accepted", {}),
    )


def suspicions(texts: Texts, language: str) -> list[Suspicion]:
    """What looks wrong in the texts of a language, by rule and then in the order of the texts.

    Args:
        texts: texts by key, as `Wording.texts` returns them.
        language: their language; English itself has nothing to be compared with.

    Raises:
        WordingError: the language has no file of rules.
    """
    english = {key: text for key, text in wording("en").texts().items() if key in texts}
    rules = language_rules(language)
    all_suspicions = [seen for rule in _RULES for seen in rule(texts, english, rules)]
    return [seen for seen in all_suspicions if rules.accepted.get(seen.key) != seen.rule]


def _of_kind(texts: Texts, *kinds: str) -> Iterator[tuple[str, str]]:
    return ((key, text) for key, text in texts.items() if key.split(":", 1)[0] in kinds)


def _glossary(texts: Texts, english: Texts, rules: LanguageRules) -> Iterator[Suspicion]:
    for key, text in _of_kind(texts, "label"):
        for word, pattern in language_rules("en").glossary.items():
            if pattern.search(english[key]) and not rules.glossary[word].search(text):
                yield Suspicion(key, "glossary", f"{word!r} of {english[key]!r} not in {text!r}")


def _negation(texts: Texts, english: Texts, rules: LanguageRules) -> Iterator[Suspicion]:
    denies, source = rules.glossary["not"], language_rules("en")
    for key, text in _of_kind(texts, "stem", "statement"):
        if not source.glossary["not"].search(source.frame.sub("", english[key])):
            continue
        if not denies.search(rules.frame.sub("", text)):
            yield Suspicion(key, "negation", f"{english[key]!r} denies, {text!r} does not")


def _item(texts: Texts, _: Texts, rules: LanguageRules) -> Iterator[Suspicion]:
    for item, pattern in rules.items.items():
        for key in (item, f"stem:{item}", f"statement:{item}"):
            if key in texts and not pattern.search(texts[key]):
                yield Suspicion(key, "item", f"{pattern.pattern!r} not in {texts[key]!r}")


def _strength(texts: Texts, english: Texts, rules: LanguageRules) -> Iterator[Suspicion]:
    source = language_rules("en").strength
    for key, text in _of_kind(texts, "stem", "statement"):
        word = rules.strength.search(text)
        if word and not source.search(english[key]):
            yield Suspicion(key, "strength", f"{word.group()!r} has nothing in {english[key]!r}")


def _same(texts: Texts, _: Texts, __: LanguageRules) -> Iterator[Suspicion]:
    keys_of: dict[str, list[str]] = defaultdict(list)
    for key, text in _of_kind(texts, "stem"):
        keys_of[text].append(key)
    for keys in keys_of.values():
        if len(keys) > 1:
            yield from (Suspicion(key, "twin", f"the same as {keys}") for key in keys)


def _scale(key: str) -> str:
    return key.split(":")[1]


def _reused(texts: Texts, english: Texts, _: LanguageRules) -> Iterator[Suspicion]:
    synonyms = language_rules("en").synonyms
    keys_of: dict[str, list[str]] = defaultdict(list)
    for key, text in _of_kind(texts, "label"):
        keys_of[text].append(key)
    for keys in keys_of.values():
        for key in keys:
            for other in keys:
                pair = frozenset((english[key], english[other]))
                if _scale(key) == _scale(other) and key != other:
                    yield Suspicion(key, "twin", f"the same as {other}")
                elif len(pair) > 1 and pair not in synonyms:
                    yield Suspicion(key, "reused", f"the same as {other}, {english[other]!r}")


def country_pattern(name: str, rules: LanguageRules) -> str:
    """Pattern of the forms of a country's name, given as it stands in a sentence."""
    bare = rules.country_prefix.sub("", name)
    bare = bare[: len(bare) - rules.country_cut] if len(bare) > 2 + rules.country_cut else bare
    return rules.country_form.format(name=re.escape(bare))


def _country(texts: Texts, _: Texts, rules: LanguageRules) -> Iterator[Suspicion]:
    names = [name for _, name in _of_kind(texts, "country")]
    any_country = re.compile("|".join(country_pattern(name, rules) for name in names))
    for key, text in _of_kind(texts, "stem", "statement", "label", "template"):
        named = any_country.search(text)
        if named and not key.startswith(_ABOUT_COUNTRIES):
            yield Suspicion(key, "country", f"names {named.group()!r}")


def _field_counts(text: str) -> dict[str, int]:
    names = [field for _, field, _, _ in Formatter().parse(text) if field is not None]
    return {name: names.count(name) for name in names}


def _fields(texts: Texts, english: Texts, _: LanguageRules) -> Iterator[Suspicion]:
    for key, text in _of_kind(texts, "template"):
        problem = template_problem(key.split(":", 1)[1], text)
        if problem:
            yield Suspicion(key, "fields", problem)
        elif _field_counts(text) != _field_counts(english[key]):
            yield Suspicion(
                key, "fields", f"{_field_counts(text)}, not {_field_counts(english[key])}"
            )


def _shared(one: str, other: str) -> int:
    """Letters that two texts have in common at their beginnings and ends."""
    least = min(len(one), len(other))
    begin = next((i for i in range(least) if one[i] != other[i]), least)
    rest = least - begin
    return begin + next((i for i in range(rest) if one[-1 - i] != other[-1 - i]), rest)


def _siblings(english: Texts) -> list[list[str]]:
    """Keys of questions whose English begins or ends alike."""
    groups: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for key, text in _of_kind(english, "stem"):
        words = text.split()
        groups[("begin", *words[:_FRAME_WORDS])].append(key)
        groups[("end", *words[-_FRAME_WORDS:])].append(key)
    return [keys for keys in groups.values() if len(keys) >= _FRAME_MEMBERS]


def _frame(texts: Texts, english: Texts, _: LanguageRules) -> Iterator[Suspicion]:
    for keys in _siblings(english):
        best = {k: max(_shared(texts[k], texts[o]) for o in keys if o != k) for k in keys}
        usual = median(best.values())
        for key, shared in best.items():
            if shared < _FRAME_SHARE * usual:
                yield Suspicion(key, "frame", f"shares {shared} letters with its siblings")


def _length(texts: Texts, english: Texts, _: LanguageRules) -> Iterator[Suspicion]:
    compared = ("stem", "statement", "template")
    ratios = {key: len(text) / len(english[key]) for key, text in _of_kind(texts, *compared)}
    usual = median(ratios.values())
    for key, ratio in ratios.items():
        if (
            len(english[key]) >= _LENGTH_LEAST
            and not 1 / _LENGTH_FACTOR < ratio / usual < _LENGTH_FACTOR
        ):
            yield Suspicion(key, "length", f"{ratio:.2f} of the English length, usual {usual:.2f}")


def _ending(texts: Texts, _: Texts, __: LanguageRules) -> Iterator[Suspicion]:
    for key, text in _of_kind(texts, "stem", "statement"):
        if not text.endswith(_ENDINGS):
            yield Suspicion(key, "ending", f"ends with {text[-1:]!r}")


_RULES: tuple[Callable[[Texts, Texts, LanguageRules], Iterator[Suspicion]], ...] = (
    _glossary,
    _negation,
    _reused,
    _item,
    _strength,
    _same,
    _country,
    _fields,
    _frame,
    _length,
    _ending,
)
