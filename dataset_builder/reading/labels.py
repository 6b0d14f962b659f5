"""Answer labels of labelled exports, and the raw codes that they stand for.

`data/labels.csv` holds the value labels of the codebook of wave 7, version 5.0, as keys
(`label_key`): enough to recognise a label, whatever its apostrophes, suffixes and spaces.
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

_SUFFIX = re.compile(r"\{\d+\}\s*$")
_APOSTROPHES = str.maketrans(dict.fromkeys("´`’‘ʼ′", "'"))
_DASHES = str.maketrans(dict.fromkeys("–—‑−", "-"))
_SPACES = re.compile(r"\s+")

#: Applies to every variable in `data/labels.csv`.
_EVERY_VARIABLE = "*"


def label_key(label: str) -> str:
    """A label in the form in which labels are compared.

    Case, kinds of apostrophe and dash, runs of spaces, spaces around punctuation, a closing full
    stop or semicolon, and the suffix `{1}` of version 6 do not count.
    """
    text = _SUFFIX.sub("", label.translate(_APOSTROPHES).translate(_DASHES))
    text = _SPACES.sub(" ", text.replace("\u00a0", " ")).strip().casefold()
    text = re.sub(r"\s*([;:,/])\s*", r"\1", text)
    return text.rstrip(".;, ")


@cache
def _table() -> Mapping[str, Mapping[str, int]]:
    path = resources.files("dataset_builder.reading").joinpath("data/labels.csv")
    found: dict[str, dict[str, int]] = {}
    for row in csv.DictReader(path.read_text(encoding="utf-8").splitlines()):
        for variable in row["variables"].split():
            found.setdefault(variable, {})[row["label"]] = int(row["code"])
    return MappingProxyType(found)


@cache
def _country_names() -> Mapping[str, int]:
    names = {label_key(c.name): c.wvs_code for c in countries().values()}
    return names | {c.country.casefold(): c.wvs_code for c in countries().values()}


@cache
def label_codes(variable: str) -> Mapping[str, int]:
    """Raw code by label key, of one variable; those of missing answers included."""
    own = _table().get(variable, {})
    names = _country_names() if variable == "B_COUNTRY" else {}
    return MappingProxyType({**_table()[_EVERY_VARIABLE], **names, **own})


@cache
def listed_codes(variable: str) -> frozenset[int]:
    """Codes of zero or more that have a label of their own in the codebook of version 5.0."""
    return frozenset(code for code in _table().get(variable, {}).values() if code >= 0)


def code_of_label(variable: str, label: str) -> int | None:
    """Raw code of a label, None if the variable has no such label.

    `Don't -9:-2`, as version 1.5 of the USA writes it, counts as "don't know".
    """
    key = label_key(label)
    code = label_codes(variable).get(key)
    if code is None and variable == "A_WAVE" and (wave := re.search(r"wave\s*(\d)", key)):
        return int(wave.group(1))
    if code is None and re.fullmatch(r"don't(\s+know)?\s*-\d+:-\d+", key):
        return -1
    return code
