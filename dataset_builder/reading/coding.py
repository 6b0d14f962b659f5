"""From what a column holds (codes, floats, labels, blanks) to raw codes of wave 7."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from codebook import value_questions
from codebook.questions import MISSING_CODES, MissingKind
from codebook.respondents.demographics import demographic
from codebook.respondents.harmonised import HARMONISED
from dataset_builder.reading.blocks import BLANKS
from dataset_builder.reading.labels import code_of_label, label_codes, split_number

#: Counts that the codebook lists up to "7 or more", though files hold the exact number, too.
_COUNTS = {"Q270": frozenset(range(1, 8)), "Q274": frozenset(range(8))}

#: Stands for what is no code at all; no survey uses it.
UNKNOWN = np.int64(-(2**62))

_WHOLE = re.compile(r"[+-]?\d{1,15}(?:[.,]0*)?")
_NONE = "None"

#: Stata's extended missing values, in the order in which the survey's files use them.
STATA_MISSING = {".a": -1, ".b": -2, ".c": -3, ".d": -4, ".e": -5}
_DECIMAL = re.compile(r"[+-]?(?:\d+[.,]?\d*|[.,]\d+)(?:[eE][+-]?\d+)?")
#: Span of the lookup table; codes beyond it fall on its two ends, which are looked up apart.
_SMALLEST, _LARGEST = -6, 200


def _filled(column: pa.Array, blank: int) -> NDArray[np.int64]:
    """An integer column as numpy, with `blank` for null."""
    if column.null_count:
        column = pc.fill_null(column, pa.scalar(blank, column.type))
    return column.to_numpy(zero_copy_only=False)


@dataclass(frozen=True)
class Unlisted:
    """Codes and labels that a block holds and the codebook lacks.

    Attributes:
        rows: rows of the block that hold them, shape (m,).
        codes: raw codes of these rows, `UNKNOWN` where it is no code.
        texts: texts of the rows that hold no code, in the order of `rows`.
    """

    rows: NDArray[np.int64]
    codes: NDArray[np.int64]
    texts: tuple[str, ...]


@dataclass
class Coder:
    """Turns one variable's column into raw codes.

    Attributes:
        variable: name in wave 7.
        allowed: valid codes, the missing ones left out.
        strict: whether another code is an error.
        mirror: code by code of the file, where the scale runs against the questionnaire.
        numbers: whether every whole number is fine.
        largest: codes beyond it are no codes (a date counted in seconds); None for ids.
        label: code of a label that this variable alone has; asked before the codebook's labels.
        used_labels: whether a label was met.
        used_decimals: whether a number was written as `-3.0`.
    """

    variable: str
    allowed: frozenset[int]
    strict: bool
    mirror: Mapping[int, int] = field(default_factory=dict)
    numbers: bool = False
    largest: int | None = None
    label: Callable[[str], int | None] | None = None
    used_labels: bool = False
    used_decimals: bool = False
    _known: dict[str, int] = field(default_factory=dict, repr=False)
    _lookup: NDArray[np.bool_] | None = field(default=None, repr=False)

    def code(self, column: pa.Array) -> tuple[NDArray[np.int64], Unlisted | None]:
        """Raw codes of a column, and what is not listed in it.

        Blank is `MissingKind.MISSING`. A code that is not listed stands as it is; what is no
        whole number and no known label is `UNKNOWN`.
        """
        if pa.types.is_dictionary(column.type):
            codes = self._from_texts(column)
        elif pa.types.is_integer(column.type):
            codes = _filled(column, int(MissingKind.MISSING))
        else:
            codes = self._from_floats(column)
        if self.mirror:
            codes = self._mirrored(codes, column)
        if self.largest is not None and (np.abs(codes) > self.largest).any():
            codes = np.where(np.abs(codes) > self.largest, UNKNOWN, codes)
        return codes, self._unlisted(codes, column)

    def _from_floats(self, column: pa.Array) -> NDArray[np.int64]:
        number = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        blank = np.isnan(number)
        whole = blank | (number == np.floor(number))
        codes = np.where(whole & ~blank, number, 0).astype(np.int64)
        codes[blank] = MissingKind.MISSING
        codes[~whole] = UNKNOWN
        return codes

    def _from_texts(self, column: pa.DictionaryArray) -> NDArray[np.int64]:
        texts = column.dictionary.to_pylist()
        if _NONE in texts and all(_WHOLE.fullmatch(t.strip()) for t in texts if t and t != _NONE):
            # Among numbers it is what Python writes for a blank; among labels an answer.
            texts = [None if t == _NONE else t for t in texts]
        text_codes = [self.code_of_text(t) for t in texts]
        codes = np.array([*text_codes, int(MissingKind.MISSING)], np.int64)
        return codes[_filled(column.indices, len(text_codes))]

    def code_of_text(self, text: str | None) -> int:
        """Raw code of a text: a number, or a label; `UNKNOWN` if it is neither."""
        if text is None:
            return int(MissingKind.MISSING)
        code = self._known.get(text)
        if code is None:
            code = self._known[text] = self._decode(text.strip())
        return code

    def _decode(self, text: str) -> int:
        if text in BLANKS:
            return int(MissingKind.MISSING)
        if text in STATA_MISSING:
            return STATA_MISSING[text]
        if _WHOLE.fullmatch(bare := text.strip("'\"").replace("\u2212", "-")):
            text = bare
        if _WHOLE.fullmatch(text):
            self.used_decimals |= not text.lstrip("+-").isdigit()
            code = int(re.split(r"[.,]", text)[0])
            return self.mirror.get(code, code)
        label = self._code_of_label(text)
        if label is None:
            # The number is in the file's coding, the label in wave 7's: they must agree.
            number, rest = split_number(text)
            meant = self._code_of_label(rest) if number is not None else None
            label = meant if meant == self.mirror.get(number, number) else None  # type: ignore[arg-type]
        if label is None and text == _NONE:
            return int(MissingKind.MISSING)
        if label is not None:
            self.used_labels = True
            return label
        return int(UNKNOWN)

    def _code_of_label(self, text: str) -> int | None:
        own = self.label(text) if self.label is not None else None
        return code_of_label(self.variable, text) if own is None else own

    def _mirrored(self, codes: NDArray[np.int64], column: pa.Array) -> NDArray[np.int64]:
        """Codes of an inverted column; texts were mirrored one by one, labels never are."""
        if pa.types.is_dictionary(column.type):
            return codes
        turned = codes.copy()
        for old, new in self.mirror.items():
            turned[codes == old] = new
        return turned

    def _unlisted(self, codes: NDArray[np.int64], column: pa.Array) -> Unlisted | None:
        if self._lookup is None:
            listed = self.allowed | set(MISSING_CODES)
            self._lookup = np.isin(np.arange(_SMALLEST, _LARGEST + 1), list(listed))
            self._lookup[[0, -1]] = False
        if self.numbers:
            odd = np.flatnonzero(codes == UNKNOWN)
        else:
            place = np.clip(codes, _SMALLEST, _LARGEST).astype(np.intp) - _SMALLEST
            odd = np.flatnonzero(~self._lookup[place])
        if odd.size and not self.numbers and max(self.allowed, default=0) >= _LARGEST:
            odd = odd[~np.isin(codes[odd], list(self.allowed))]
        if not odd.size:
            return None
        odd_codes = codes[odd].astype(np.int64)
        no_code = odd[odd_codes == UNKNOWN]
        texts = tuple(str(column[row].as_py()) for row in no_code.tolist())
        return Unlisted(rows=odd, codes=odd_codes, texts=texts)


def question_coder(question_id: str, *, mirror: Mapping[int, int] | None = None) -> Coder:
    """The coder of a value question.

    Args:
        question_id: the question.
        mirror: code of the questionnaire by code of the file, where they differ.
    """
    scale = value_questions()[question_id].scale
    assert scale is not None
    return Coder(
        variable=question_id,
        allowed=frozenset(scale.codes) | frozenset(scale.off_scale),
        strict=True,
        mirror=mirror or {},
    )


def demographic_coder(variable: str, *, mirror: Mapping[int, int] | None = None) -> Coder:
    """The coder of a demographic: strict where harmonised variables are made of it.

    Args:
        variable: the demographic.
        mirror: code of wave 7 by code of the file, where they differ.
    """
    harmonised = [h for h in HARMONISED.values() if h.variable == variable and not h.open_list]
    if harmonised:
        allowed = frozenset().union(*(h.allowed_codes for h in harmonised))
        return Coder(variable=variable, allowed=allowed, strict=True, mirror=mirror or {})
    known = demographic(variable)
    return Coder(
        variable=variable,
        allowed=_COUNTS.get(variable, frozenset(known.code_texts)),
        strict=False,
        mirror=mirror or {},
        numbers=known.kind == "date",
        largest=2**31 - 1,
    )


def allowed_text(variable: str, allowed: frozenset[int]) -> str:
    """What a variable may hold, in words: codes, missing codes, and labels."""
    codes = sorted(allowed)
    listed = ", ".join(map(str, codes[:12])) + (", ..." if len(codes) > 12 else "")
    if len(codes) > 2 and codes == list(range(codes[0], codes[-1] + 1)):
        listed = f"{codes[0]} to {codes[-1]}"
    labels = [f"{c} = {k!r}" for k, c in label_codes(variable).items() if c in allowed][:4]
    ending = f" (labels: {'; '.join(labels)}{'; ...' if len(codes) > 4 else ''})" if labels else ""
    return f"{listed}; missing: -5 to -1{ending}"


def number_of_text(text: str | None) -> float:
    """A weight: a number with point or comma, `No weighting` (1); NaN if it is neither."""
    if text is None or not text.strip():
        return math.nan
    cleaned = text.strip()
    if _DECIMAL.fullmatch(cleaned):
        return float(cleaned.replace(",", "."))
    return 1.0 if cleaned.casefold() in ("no weighting", "no weight") else math.nan
