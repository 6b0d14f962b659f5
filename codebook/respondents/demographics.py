"""The 42 demographic questions: how they are put to a person, and the text of every code.

Codes and what they stand for: codebook of World Values Survey wave 7, version 5.0. The
questions and the texts of the answers are the project's own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal

from codebook.countries import country_by_wvs_code
from codebook.questions import MISSING_CODES
from codebook.resources import read_csv, read_toml, resource
from codebook.respondents.harmonised import NO_CODE, whole_codes
from codebook.wordings.wording import wording

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


Kind = Literal["closed", "open", "count", "date"]

#: Open lists of wave 7 that are no part of the 42, yet have texts: variable -> list.
OTHER_LISTS: Mapping[str, str] = MappingProxyType(
    {
        "Q223": "party",
        "Q275A": "national_education",
        "Q276A": "national_education",
        "Q277A": "national_education",
        "Q278A": "national_education",
    }
)


#: The list whose texts are names of countries, which every language has its own of.
_COUNTRY_LIST = "country"


@dataclass(frozen=True)
class Demographic:
    """One demographic question in one language.

    Attributes:
        variable: name in the file, for instance `Q273`.
        title: short title.
        question: the question as one would put it to a person.
        kind: `closed` (every code has a text), `open` (a long list that countries add to),
            `count` or `date`.
        code_texts: valid code -> text; for a count, only the codes whose text is no plain number.
        missing_texts: the five missing codes -> text.
        harmonised: names of the harmonised variables that are made of it.
        sensitive: whether it is given out on request only.
        note: what one has to know about it.
    """

    variable: str
    title: str
    question: str
    kind: Kind
    code_texts: Mapping[int, str] = field(repr=False)
    missing_texts: Mapping[int, str] = field(repr=False)
    count_text: str = field(default="", repr=False)
    harmonised: tuple[str, ...] = ()
    sensitive: bool = False
    note: str = ""

    @property
    def is_closed(self) -> bool:
        """Whether a code without a text is an error rather than an addition of a country."""
        return self.kind == "closed"


@cache
def _lists() -> Mapping[str, Mapping[int, str]]:
    texts_by_list: dict[str, dict[int, str]] = {}
    for row in read_csv("data/demographics_lists.csv"):
        texts_by_list.setdefault(row["list"], {})[int(row["code"])] = row["text"]
    return texts_by_list


@cache
def _language_texts(language: str) -> Mapping[str, Any]:
    path = f"data/demographics_{language}.toml"
    if not resource(path).is_file():
        raise KeyError(
            f"no demographic texts in language {language!r}; there are: "
            f"{', '.join(demographic_languages())}. Add codebook/{path} to have them"
        )
    return read_toml(path)


def demographic_languages() -> tuple[str, ...]:
    """Codes of the languages that have texts of the demographic questions and answers."""
    known = {row["language"] for row in read_csv("data/languages.csv")}
    return tuple(
        sorted(code for code in known if resource(f"data/demographics_{code}.toml").is_file())
    )


def _code_texts(
    entry: Mapping[str, Any], list_name: str, texts: Mapping[str, Any], language: str
) -> dict[int, str]:
    """Texts of the codes: of the list first, then of the language, those of the question last."""
    texts_by_code = dict(_lists()[list_name]) if list_name else {}
    if list_name == _COUNTRY_LIST:
        texts_by_code.update(_country_texts(language))
    for source in (texts["shared"].get(entry.get("shared", ""), {}), entry.get("codes", {})):
        texts_by_code.update({int(code): text for code, text in source.items()})
    return texts_by_code


@cache
def country_names(language: str = "en") -> Mapping[str, str]:
    """The name of each country where it stands alone, by ISO3 code.

    Other languages take the names of their wording, save those that stand in a sentence in
    another form: these are in the table `country` of the language's demographic texts.

    Raises:
        KeyError: there are no demographic texts in this language.
    """
    own = {c.country: c.name for c in country_by_wvs_code().values()}
    if language == "en":
        return MappingProxyType(own)
    named = {**wording(language).countries, **_language_texts(language).get("country", {})}
    return MappingProxyType({country: named.get(country, name) for country, name in own.items()})


def _country_texts(language: str) -> dict[int, str]:
    """`country_names` by survey code."""
    names = country_names(language)
    return {code: names[c.country] for code, c in country_by_wvs_code().items()}


def _demographic(variable: str, facts: Mapping[str, Any], language: str) -> Demographic:
    texts = _language_texts(language)
    entry = texts["question"][variable]
    code_texts = _code_texts(entry, facts.get("list", ""), texts, language)
    missing = {int(code): text for code, text in texts["missing"].items()}
    missing.update({int(code): text for code, text in entry.get("missing", {}).items()})
    return Demographic(
        variable=variable,
        title=facts["title"],
        question=entry["text"],
        kind=facts["kind"],
        code_texts=MappingProxyType(code_texts),
        missing_texts=MappingProxyType(missing),
        count_text=entry.get("many", ""),
        harmonised=tuple(facts.get("harmonised", ())),
        sensitive=facts.get("sensitive", False),
        note=facts.get("note", ""),
    )


@cache
def demographics(language: str = "en") -> Mapping[str, Demographic]:
    """The 42 demographic questions by variable, in the order of the file.

    Raises:
        KeyError: there are no texts in this language; the message lists those there are.
    """
    return MappingProxyType(
        {
            variable: _demographic(variable, facts, language)
            for variable, facts in read_toml("data/demographics.toml").items()
        }
    )


@cache
def demographic(variable: str, language: str = "en") -> Demographic:
    """One of the 42 demographic questions, or one of `OTHER_LISTS`.

    Raises:
        KeyError: there is no such demographic question, or no texts in this language.
    """
    listed_question = demographics(language).get(variable)
    if listed_question is not None:
        return listed_question
    if variable not in OTHER_LISTS:
        raise KeyError(
            f"{variable!r} is no demographic question; there are: "
            f"{', '.join([*demographics(language), *OTHER_LISTS])}"
        )
    facts = {
        "title": OTHER_LISTS[variable].replace("_", " ").capitalize(),
        "kind": "open",
        "list": OTHER_LISTS[variable],
        "harmonised": ["party"] if variable == "Q223" else [],
        "sensitive": variable == "Q223",
    }
    return _demographic(variable, facts, language)


def texts(
    variable: str,
    codes: ArrayLike,
    *,
    language: str = "en",
    missing: str | None = None,
    no_label: str | None = None,
) -> NDArray[np.object_]:
    """The text of each code; every distinct code is rendered once.

    Args:
        variable: one of the 42 demographic questions, or of `OTHER_LISTS`.
        codes: raw codes, any shape; whole floats count, NaN is read as missing (-5).
        language: language of the texts.
        missing: text for all missing codes; None names the kind of each.
        no_label: text for codes that have none; None shows the number and says so.

    Returns:
        Array of str (dtype object) of the same shape. Codes without a text are for instance
        all towns, or a party that the survey's codebook lacks.

    Raises:
        KeyError: no such demographic question, or no texts in this language.
    """
    import numpy as np

    known = demographic(variable, language)
    number = np.asarray(codes)
    if number.dtype.kind == "f":
        number = np.where(np.isnan(number), MISSING_CODES[-1], number)
    distinct, place = np.unique(whole_codes(number), return_inverse=True)
    rendered = [_text(known, int(code), language) for code in distinct]
    for i, code in enumerate(int(c) for c in distinct):
        if missing is not None and code in known.missing_texts:
            rendered[i] = missing
        elif not rendered[i]:
            rendered[i] = _no_label(code, language) if no_label is None else no_label
    return np.array(rendered, dtype=object)[place.reshape(number.shape)]


def _text(known: Demographic, code: int, language: str) -> str:
    """The text of a code, "" where it has none."""
    for listed in (known.missing_texts, known.code_texts):
        if code in listed:
            return listed[code]
    if code >= 0 and known.kind in _NUMBER_TEXTS:
        return _NUMBER_TEXTS[known.kind](known, code, _language_texts(language))
    return ""


def _no_label(code: int, language: str) -> str:
    shown = "?" if code == NO_CODE else str(code)
    return str(_language_texts(language)["no_label"]).format(code=shown)


def _count_text(known: Demographic, code: int, words: Mapping[str, Any]) -> str:  # noqa: ARG001
    return known.count_text.format(count=code)


def _date_text(known: Demographic, code: int, words: Mapping[str, Any]) -> str:  # noqa: ARG001
    """A year (2018), a month (201803) or a day (20180314); "" where it is none of them."""
    digits = str(code)
    if len(digits) == 4:
        return digits
    if len(digits) not in (6, 8) or not 1 <= int(digits[4:6]) <= 12:
        return ""
    parts = {"year": digits[:4], "month": words["months"][int(digits[4:6]) - 1]}
    day = int(digits[6:] or 0)
    if 1 <= day <= 31:
        return str(words["date"]).format(day=day, **parts)
    return str(words["month_only"]).format(**parts)


_NUMBER_TEXTS: Mapping[str, Callable[[Demographic, int, Mapping[str, Any]], str]] = {
    "count": _count_text,
    "date": _date_text,
}
