"""Answer labels of labelled exports, and the raw codes that they stand for.

`data/labels.csv` holds the value labels of the codebook of wave 7, version 5.0, and variants found
in other releases, as keys (`label_key`): enough to recognise a label, whatever its apostrophes,
suffixes and spaces.
Source: World Values Survey, Round Seven, doi:10.14281/18241.20.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType

from codebook import countries
from dataset_builder.reading.own_labels import own_labels

_SUFFIX = re.compile(r"\{\d+\}\s*$")
_APOSTROPHES = str.maketrans(dict.fromkeys("´`’‘ʼ′", "'"))
_DASHES = str.maketrans(dict.fromkeys("–—‑−", "-"))
_SPACES = re.compile(r"\s+")
#: Invisible marks that word processors and web pages leave, and the soft hyphen.
_INVISIBLE = str.maketrans(dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff\u00ad"))
_QUOTES = '"“”„«»'
_AROUND = re.compile(r"\s*([;:,/-])\s*")
_ARTICLE = re.compile(r"^(?:the|an?) ")
_DEGREE = re.compile(r"\b((?:dis)?agree) (strongly|completely|somewhat|slightly)\b")

#: "10 Completely satisfied", "[1] Very important" and "1. Very important" name their own code.
_NUMBERED = re.compile(
    r"(?:\[(-?\d{1,9})\]\s*(?=\S)|(-?\d{1,3})(?:\s*[.:=)-]\s*|\s+)(?=[^\W\d]))(.+)", re.DOTALL
)

#: "Very important (1)" and "Very important [1]" do so, too.
_NUMBERED_BEHIND = re.compile(r"(.*\S)\s*[(\[](-?\d{1,9})[)\]]", re.DOTALL)

#: SPSS and others cut labels, at 60 bytes say; from this length on a beginning names its label.
_SHORTEST_BEGINNING = 40

#: First year of fieldwork that is no longer of a wave: "2010-2014" is wave 6.
_WAVE_ENDS = ((1985, 1), (1994, 2), (1999, 3), (2005, 4), (2010, 5), (2017, 6))

#: Applies to every variable in `data/labels.csv`.
_EVERY_VARIABLE = "*"


def label_key(label: str) -> str:
    """A label in the form in which labels are compared.

    Case, kinds of apostrophe and dash, runs of spaces, spaces around punctuation, quotation marks
    around it, invisible marks, a closing full stop, ellipsis or semicolon, and the suffix `{1}` of
    version 6 do not count.
    """
    text = label.translate(_INVISIBLE).translate(_APOSTROPHES).translate(_DASHES)
    text = _SUFFIX.sub("", text.strip().strip(_QUOTES))
    text = _SPACES.sub(" ", text.replace("\u00a0", " ")).strip().casefold()
    text = _AROUND.sub(r"\1", text)
    return text.rstrip(".…;, ")


def loose_key(key: str) -> str:
    """A label key without a leading article and with the adverb of degree in front.

    "disagree strongly" and "strongly disagree" are one answer, as are "the government should"
    and "government should".
    """
    return _DEGREE.sub(r"\2 \1", _ARTICLE.sub("", key))


@cache
def _table() -> Mapping[str, Mapping[str, int]]:
    path = resources.files("dataset_builder.reading").joinpath("data/labels.csv")
    codes_by_label: dict[str, dict[str, int]] = {}
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        for variable in row["variables"].split():
            codes_by_label.setdefault(variable, {})[label_key(row["label"])] = int(row["code"])
    return MappingProxyType(codes_by_label)


@cache
def _country_names() -> Mapping[str, int]:
    names = {label_key(c.name): c.wvs_code for c in countries().values()}
    letters = {c.iso2.casefold(): c.wvs_code for c in countries().values() if c.iso2}
    return letters | names | {c.country.casefold(): c.wvs_code for c in countries().values()}


@cache
def label_codes(variable: str) -> Mapping[str, int]:
    """Raw code by label key, of one variable; those of missing answers included.

    The survey's labels come before the project's own words.
    """
    words = {label_key(text): code for code, text in own_labels(variable).items()}
    names = _country_names() if variable == "B_COUNTRY" else {}
    everywhere = _table()[_EVERY_VARIABLE]
    return MappingProxyType({**words, **everywhere, **names, **_table().get(variable, {})})


@cache
def _loose_codes(variable: str) -> Mapping[str, int]:
    """Raw code by loose key, where all labels with this key mean the same code."""
    codes_by_key: dict[str, set[int]] = {}
    for key, code in label_codes(variable).items():
        codes_by_key.setdefault(loose_key(key), set()).add(code)
    return MappingProxyType(
        {key: codes.pop() for key, codes in codes_by_key.items() if len(codes) == 1}
    )


@cache
def listed_codes(variable: str) -> frozenset[int]:
    """Codes of zero or more that have a label of their own in the codebook of version 5.0."""
    return frozenset(code for code in _table().get(variable, {}).values() if code >= 0)


def code_of_label(variable: str, label: str) -> int | None:
    """Raw code of a label, None if the variable has no such label.

    Known are also labels with the words in another order (`loose_key`), labels cut short
    (`_SHORTEST_BEGINNING`), labels with their own code ("10 Completely satisfied"), and
    `Don't -9:-2`, as version 1.5 of the USA writes "don't know".
    """
    key = label_key(label)
    code = label_codes(variable).get(key)
    if code is None:
        code = _loose_codes(variable).get(loose_key(key))
    if code is None and variable == "A_WAVE":
        code = _wave_of_label(key)
    if code is None and re.fullmatch(r"don't(\s+know)?\s*-\d+:\s*-\d+", key):
        return -1
    if code is None:
        code = _code_of_beginning(variable, label)
    return _code_of_numbered(variable, label) if code is None else code


def split_number(label: str) -> tuple[int | None, str]:
    """Number and text of "10 Completely satisfied" or "Very important (1)"; else (None, label)."""
    match = _NUMBERED.fullmatch(label.strip())
    if match is None:
        behind = _NUMBERED_BEHIND.fullmatch(label.strip())
        return (int(behind[2]), behind[1]) if behind else (None, label)
    bracketed, bare, text = match.groups()
    return int(bracketed or bare), text


def _code_of_beginning(variable: str, label: str) -> int | None:
    """Code of the one label that begins like this; a letter cut in half at the end is left out."""
    label = label.rstrip("\ufffd")
    key = label_key(label)
    # A label may have been cut behind a space.
    if len(key) + label.endswith(" ") < _SHORTEST_BEGINNING:
        return None
    start = loose_key(key)
    labels = label_codes(variable).items()
    codes = {code for full, code in labels if loose_key(full).startswith(start)}
    return codes.pop() if len(codes) == 1 else None


def _code_of_numbered(variable: str, label: str) -> int | None:
    """Code of a label that stands behind the same code."""
    number, text = split_number(label)
    code = None if number is None else code_of_label(variable, text)
    return code if code == number else None


def _wave_of_label(key: str) -> int | None:
    """Wave of "WVS wave 7 (2017-2022)" or, where no wave is named, of "2010-2014"."""
    if named := re.search(r"wave\s*(\d)", key):
        return int(named.group(1))
    if years := re.match(r"((?:19|20)\d\d)\s*-", key):
        return next((w for end, w in _WAVE_ENDS if int(years.group(1)) < end), 7)
    return None
