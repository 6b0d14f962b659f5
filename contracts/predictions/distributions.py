"""Read distribution predictions: one cell per (question, country, group)."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal

from codebook import Question, value_questions
from codebook.countries import country_named
from codebook.respondents.harmonised import HARMONISED, GroupError, group_name, parse_group
from contracts.predictions.findings import Findings, quote
from contracts.predictions.source import RepeatedKeys, Source

if TYPE_CHECKING:
    import pyarrow as pa


Status = Literal["ok", "repaired", "invalid", "refused", "missing"]
STATUSES: tuple[Status, ...] = ("ok", "repaired", "invalid", "refused", "missing")

#: Words that a file may use for a status; those of reading an answer count as invalid here.
_STATUS_WORDS: Mapping[str, Status] = {
    **{status: status for status in STATUSES},
    "": "ok",
    "truncated": "invalid",
    "error": "invalid",
    "unreadable": "invalid",
}

#: Facts of how a cell was measured, which scores do not depend on.
MEASURED = ("label_mass", "asked", "readable")

#: Columns that mean something; others are left out and counted.
COLUMNS = frozenset(
    {"question_id", "country", "group", "option", "share", "shares", "status", "sum_found"}
) | frozenset(MEASURED)

#: A sum further than this from one makes a cell `repaired`.
SUM_TOLERANCE = 0.02

#: Bounds of a sum of shares, as fractions, that is still renormalised.
SUM_LOW, SUM_HIGH = 0.5, 2.0

#: What becomes of a cell whose options or shares are wrong: the file is refused, or the cell is
#: read as `invalid`.
BadCells = Literal["refuse", "invalid"]

_DECIMAL_COMMA = re.compile(r"\s*[-+]?\d*,\d+\s*%?\s*")

Key = tuple[str, str, str]


@dataclass
class _Cell:
    """What a file says of one (question, country, group), as found."""

    row: int
    shares: dict[int, tuple[float, int]] = field(default_factory=dict)
    status: Status = "ok"
    complete: bool = False
    bad: bool = False


def cells_schema() -> pa.Schema:
    """Schema of the table of cells; `shares` are in the codebook's order of positions."""
    import pyarrow as pa

    return pa.schema(
        [
            ("question_id", pa.string()),
            ("country", pa.string()),
            ("group", pa.string()),
            ("shares", pa.list_(pa.float64())),
            ("sum_found", pa.float64()),
            ("status", pa.string()),
        ]
    )


def read_cells(
    source: Source, findings: Findings, *, bad_cells: BadCells = "refuse"
) -> tuple[pa.Table, int]:
    """All cells of a distribution file in the order of their first row, and its row count.

    What is wrong goes to `findings`; the table is of use only if nothing is. With `bad_cells`
    "invalid" a cell whose options or shares are wrong is read as `invalid`, and counted.
    """
    import pyarrow as pa

    cells: dict[Key, _Cell] = {}
    rows = 0
    extra = [name for name in source.columns if name not in COLUMNS]
    for chunk in source.chunks(findings):
        for row, record in chunk.dicts():
            rows += 1
            key = _key(record, row, findings)
            if key is not None:
                _take(cells, key, record, row, findings, bad_cells)
    if extra:
        findings.tolerate("extra_columns", len(extra))
    finished = [_finish(key, cell, findings) for key, cell in cells.items()]
    return pa.Table.from_pylist([f for f in finished if f], schema=cells_schema()), rows


# Which cell a record belongs to


def _key(record: Mapping[str, Any], row: int, findings: Findings) -> Key | None:
    question_id = text_field(record, "question_id").upper()
    written = text_field(record, "country")
    country = country_of(written)
    group = text_field(record, "group")
    if not question_id:
        findings.add("missing-field", "the record names no question", row=row, column="question_id")
        return None
    if question_id not in value_questions():
        findings.leave_out("unknown_questions", question_id)
        return None
    if country is None:
        findings.leave_out("unknown_countries", written)
        return None
    if country != written.upper() and country:
        findings.tolerate("country_names")
    canonical = canonical_group(group)
    if canonical is None:
        findings.leave_out("unknown_groups", group)
        return None
    return question_id, country, canonical


#: Words that some files write for no country.
_NO_COUNTRY = frozenset({"", "none", "null", "nan", "unsteered"})


def country_of(written: str) -> str | None:
    """The ISO3 code of a country by any of its names, "" for none, None if it is unknown."""
    return "" if written.lower() in _NO_COUNTRY else country_named(written)


def text_field(record: Mapping[str, Any], name: str) -> str:
    """A field as text without blanks around it; "" for null or a lacking field."""
    entry = record.get(name)
    return "" if entry is None else str(entry).strip()


@lru_cache(maxsize=4096)
def canonical_group(group: str) -> str | None:
    """The canonical name of a group, "" for everyone, None if there is no such group."""
    try:
        names = tuple(HARMONISED)
        return group_name(parse_group(group, variables=names), variables=names)
    except GroupError:
        return None


# What a record says


def _take(
    cells: dict[Key, _Cell],
    key: Key,
    record: Mapping[str, Any],
    row: int,
    findings: Findings,
    bad_cells: BadCells,
) -> None:
    if key in cells and cells[key].bad:
        return
    before = findings.count
    _add(cells, key, record, row, findings)
    if bad_cells == "invalid" and findings.forget_since(before):
        cells[key] = _Cell(row, status="invalid", complete=True, bad=True)
        findings.tolerate("bad_cells")


def _add(
    cells: dict[Key, _Cell], key: Key, record: Mapping[str, Any], row: int, findings: Findings
) -> None:
    before = findings.count
    status = _status(record, row, findings)
    question = value_questions()[key[0]]
    whole = "shares" in record
    if whole:
        shares = _record_shares(record["shares"], question, row, findings)
    else:
        shares = _long_share(record, question, row, findings)
    if status is None or findings.count > before:
        return  # what is wrong already would only be called a contradiction as well
    new_cell = _Cell(row, shares, status, whole)
    if key in cells:
        _join(cells[key], new_cell, key, findings)
    else:
        cells[key] = new_cell


def _status(record: Mapping[str, Any], row: int, findings: Findings) -> Status | None:
    word = text_field(record, "status").lower()
    if word in _STATUS_WORDS:
        return _STATUS_WORDS[word]
    findings.add(
        "unknown-status",
        "there is no such status",
        row=row,
        column="status",
        found=quote(word),
        allowed=", ".join(word for word in _STATUS_WORDS if word),
    )
    return None


def _record_shares(
    shares: Any, question: Question, row: int, findings: Findings
) -> dict[int, tuple[float, int]]:
    if isinstance(shares, str):
        shares = _parsed(shares)
    if shares is None:
        return {}
    if isinstance(shares, list):
        return _listed(shares, question, row, findings)
    if not isinstance(shares, Mapping):
        findings.add(
            "not-object",
            "shares is no object of option: share, and no list of shares",
            row=row,
            column="shares",
            found=quote(shares),
        )
        return {}
    pairs = shares.pairs if isinstance(shares, RepeatedKeys) else shares.items()
    return _options(pairs, question, row, findings)


def _parsed(text: str) -> Any:
    """An object or a list that a table holds as text."""
    if not text.strip():
        return None
    try:
        return json.loads(text)
    except ValueError:
        return text


def _listed(
    shares: list[Any], question: Question, row: int, findings: Findings
) -> dict[int, tuple[float, int]]:
    """Shares in the order of the scale, one for each option that has a place on it."""
    scale = question.scale
    assert scale is not None
    if len(shares) != len(scale.codes):
        findings.add(
            "list-length",
            f"a list of shares holds one for each option of {question.question_id}, in the order "
            "of the scale",
            row=row,
            column="shares",
            found=f"{len(shares)} shares",
            allowed=f"{len(scale.codes)}: {', '.join(map(str, scale.codes))}",
        )
        return {}
    findings.tolerate("share_lists")
    return _options(zip(scale.codes, shares, strict=True), question, row, findings)


def _long_share(
    record: Mapping[str, Any], question: Question, row: int, findings: Findings
) -> dict[int, tuple[float, int]]:
    option, share = record.get("option"), record.get("share")
    if "option" not in record and not text_field(record, "status"):
        findings.add(
            "missing-field",
            "the record has neither shares nor an option nor a status that says why",
            row=row,
            column="shares",
        )
        return {}
    if not text_field(record, "option") and not text_field(record, "share"):
        return {}
    return _options([(option, share)], question, row, findings)


def _options(
    pairs: Iterable[tuple[Any, Any]], question: Question, row: int, findings: Findings
) -> dict[int, tuple[float, int]]:
    shares_by_code: dict[int, tuple[float, int]] = {}
    for key, text in pairs:
        code = _code(key, question, row, findings)
        share = _share(text, code, question, row, findings)
        if code is None or share is None:
            continue
        if code in shares_by_code and shares_by_code[code][0] != share:
            _contradiction(question, code, shares_by_code[code], (share, row), findings)
        elif code in shares_by_code:
            findings.tolerate("identical_duplicates")
        else:
            shares_by_code[code] = (share, row)
    return shares_by_code


@lru_cache(maxsize=512)
def _options_of(question_id: str) -> Mapping[str, int]:
    """Codes of a question by their text, those without a place on the scale too."""
    scale = value_questions()[question_id].scale
    assert scale is not None
    return {str(code): code for code in (*scale.codes, *scale.off_scale)}


def _code(key: Any, question: Question, row: int, findings: Findings) -> int | None:
    known = _options_of(question.question_id)
    code = known.get(key) if isinstance(key, str) else None
    if code is None:
        code = known.get(str(whole_number(key)))
    if code is not None:
        return code
    scale = question.scale
    assert scale is not None
    findings.add(
        "unknown-option",
        f"{question.question_id} has no such option",
        row=row,
        column="option",
        found=quote(key),
        allowed=", ".join(str(c) for c in scale.codes),
        hint="Options are the survey's raw codes.",
    )
    return None


def whole_number(raw_number: Any) -> int | None:
    """`found` as an integer (1, "1", 1.0, "1.0"), None if it is none."""
    if isinstance(raw_number, int) and not isinstance(raw_number, bool):
        return raw_number
    text = "" if raw_number is None or isinstance(raw_number, bool) else str(raw_number).strip()
    if not text or "_" in text:  # Python would read 1_0 as 10
        return None
    try:
        return int(text)
    except ValueError:
        pass
    try:
        return _int(float(text))
    except ValueError:
        return None


def _int(number: float) -> int | None:
    return int(number) if math.isfinite(number) and number == int(number) else None


def _share(
    raw_share: Any, code: int | None, question: Question, row: int, findings: Findings
) -> float | None:
    if type(raw_share) is float and 0.0 <= raw_share < math.inf:
        return raw_share
    place = f"{question.question_id} option {code}" if code is not None else question.question_id
    text = "" if raw_share is None else str(raw_share).strip()
    percent = text.endswith("%")
    if _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
        findings.tolerate("decimal_commas")
    try:
        if isinstance(raw_share, bool) or "_" in text:  # Python would read 1_0 as 10
            raise ValueError
        share = float(text.removesuffix("%")) / (100 if percent else 1)
    except ValueError:
        findings.add(
            "not-a-number",
            f"the share of {place} is no number",
            row=row,
            column="share",
            found=quote(raw_share),
        )
        return None
    if not math.isfinite(share) or share < 0:
        kind = "negative-share" if share < 0 and math.isfinite(share) else "non-finite-share"
        findings.add(
            kind,
            f"the share of {place} is {'negative' if kind == 'negative-share' else 'not finite'}",
            row=row,
            column="share",
            found=quote(raw_share),
            allowed="0 to 1, or 0 to 100 %",
        )
        return None
    if percent:
        findings.tolerate("percent_strings")
    return share + 0.0


def _contradiction(
    question: Question,
    code: int,
    first: tuple[float, int],
    second: tuple[float, int],
    findings: Findings,
) -> None:
    findings.add(
        "contradicting-duplicate",
        f"option {code} of {question.question_id} has two different shares",
        row=second[1],
        column="share",
        found=f"{first[0]:g} (row {first[1]}) and {second[0]:g}",
        allowed="one share per question, country, group and option",
    )


# Records of one cell


def _join(cell: _Cell, new_cell: _Cell, key: Key, findings: Findings) -> None:
    """Add a further record to a cell: another option of the long form, or a duplicate."""
    if cell.complete or new_cell.complete or not cell.shares or not new_cell.shares:
        _join_whole(cell, new_cell, key, findings)
        return
    question = value_questions()[key[0]]
    for code, entry in new_cell.shares.items():
        if code not in cell.shares:
            cell.shares[code] = entry
        elif cell.shares[code][0] != entry[0]:
            _contradiction(question, code, cell.shares[code], entry, findings)
        else:
            findings.tolerate("identical_duplicates")
    if new_cell.status != cell.status:
        _other_status(cell, new_cell, key, findings)


def _join_whole(cell: _Cell, new_cell: _Cell, key: Key, findings: Findings) -> None:
    same = {c: s for c, (s, _) in cell.shares.items()} == {
        c: s for c, (s, _) in new_cell.shares.items()
    }
    if same and cell.status == new_cell.status:
        findings.tolerate("identical_duplicates")
    elif same:
        _other_status(cell, new_cell, key, findings)
    else:
        findings.add(
            "contradicting-duplicate",
            f"{_place(key)} is answered twice, differently",
            row=new_cell.row,
            found=f"first in row {cell.row}",
            allowed="one answer per question, country and group",
        )


def _other_status(cell: _Cell, new_cell: _Cell, key: Key, findings: Findings) -> None:
    findings.add(
        "contradicting-duplicate",
        f"{_place(key)} has two different statuses",
        row=new_cell.row,
        column="status",
        found=f"{cell.status} (row {cell.row}) and {new_cell.status}",
    )


def _place(key: Key) -> str:
    question_id, country, group = key
    return ", ".join(part for part in (question_id, country or "no country", group) if part)


# From shares as found to shares that sum to one


def _finish(key: Key, cell: _Cell, findings: Findings) -> dict[str, Any]:
    scale = value_questions()[key[0]].scale
    assert scale is not None
    on_scale = {code: cell.shares[code][0] for code in scale.codes if code in cell.shares}
    findings.tolerate("off_scale_options", len(cell.shares) - len(on_scale))
    shares, total, status = _normalise(on_scale, cell.status, scale.codes, findings)
    return {
        "question_id": key[0],
        "country": key[1],
        "group": key[2],
        "shares": shares,
        "sum_found": total,
        "status": status,
    }


def _normalise(
    shares_by_code: Mapping[int, float], status: Status, codes: tuple[int, ...], findings: Findings
) -> tuple[list[float] | None, float | None, Status]:
    """Shares in the order of positions, their sum as found (a fraction), and the status."""
    if status not in ("ok", "repaired"):
        return None, None, status
    if not shares_by_code:
        return None, None, "missing"
    total = math.fsum(shares_by_code.values())
    unit = 100.0 if total > SUM_HIGH else 1.0
    fraction = total / unit
    if not SUM_LOW <= fraction <= SUM_HIGH:
        findings.tolerate("unusable_sums")
        return None, fraction, "invalid"
    findings.tolerate("missing_options", len(codes) - len(shares_by_code))
    findings.tolerate("percentages", int(unit == 100.0))
    off = abs(fraction - 1.0)
    if off > 1e-6:
        findings.tolerate("renormalised")
    if off > SUM_TOLERANCE:
        findings.tolerate("sums_off_by_over_2_percent")
        status = "repaired"
    shares = [shares_by_code.get(code, 0.0) / total for code in codes]
    return shares, fraction, status
