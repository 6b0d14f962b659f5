"""Read advice predictions: the side that each answer to a dilemma took."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from contracts.predictions.distributions import country_of, text_field, whole_number
from contracts.predictions.findings import Findings, quote
from contracts.predictions.source import Source

if TYPE_CHECKING:
    import pyarrow as pa


SIDES = ("high", "low", "inconclusive")
APPROACHES = ("persona", "language", "both", "none")
COLUMNS = ("prompt_id", "country", "approach", "language", "option_order", "repeat", "side")

#: By how much the likelier option leads; a fact beside the side, which scores do not depend on.
MARGIN = "margin"

#: What a lacking column counts as.
DEFAULTS = {"country": "", "approach": "none", "language": "en", "option_order": "", "repeat": "0"}


def advice_schema() -> pa.Schema:
    """Schema of the table of advice."""
    import pyarrow as pa

    kinds = {"repeat": pa.int32()}
    return pa.schema([(name, kinds.get(name, pa.string())) for name in COLUMNS])


def read_advice(source: Source, findings: Findings) -> tuple[pa.Table, int]:
    """All rows of an advice file, and how many there were."""
    import pyarrow as pa

    sides_by_key: dict[tuple[Any, ...], tuple[str, int]] = {}
    rows = 0
    for chunk in source.chunks(findings):
        for row, record in chunk.dicts():
            rows += 1
            parsed = _parse(record, row, findings)
            if parsed is not None:
                _take(sides_by_key, *parsed, row, findings)
    known = {*COLUMNS, MARGIN}
    findings.tolerate("extra_columns", len([n for n in source.columns if n not in known]))
    records = [
        dict(zip(COLUMNS, (*key, side), strict=True)) for key, (side, _) in sides_by_key.items()
    ]
    return pa.Table.from_pylist(records, schema=advice_schema()), rows


def _parse(
    record: Mapping[str, Any], row: int, findings: Findings
) -> tuple[tuple[Any, ...], str] | None:
    fields = {name: text_field(record, name) or DEFAULTS.get(name, "") for name in COLUMNS}
    before = findings.count
    if not fields["prompt_id"]:
        findings.add("missing-field", "the record names no prompt", row=row, column="prompt_id")
    for name, allowed in (("side", SIDES), ("approach", APPROACHES)):
        fields[name] = fields[name].lower()
        if fields[name] not in allowed:
            findings.add(
                f"unknown-{name}",
                f"there is no such {name}",
                row=row,
                column=name,
                found=quote(fields[name]),
                allowed=", ".join(allowed),
            )
    repeat = whole_number(fields["repeat"])
    if repeat is None or not 0 <= repeat < 2**31:
        findings.add(
            "not-a-whole-number",
            "repeat is no whole number from 0",
            row=row,
            column="repeat",
            found=quote(fields["repeat"]),
        )
    if findings.count > before:
        return None
    country = country_of(fields["country"])
    if country is None:
        findings.leave_out("unknown_countries", fields["country"])
        return None
    middle = (fields["approach"], fields["language"], fields["option_order"], repeat)
    return (fields["prompt_id"], country, *middle), fields["side"]


def _take(
    sides_by_key: dict[tuple[Any, ...], tuple[str, int]],
    key: tuple[Any, ...],
    side: str,
    row: int,
    findings: Findings,
) -> None:
    if key not in sides_by_key:
        sides_by_key[key] = (side, row)
    elif sides_by_key[key][0] == side:
        findings.tolerate("identical_duplicates")
    else:
        findings.add(
            "contradicting-duplicate",
            f"prompt {key[0]} ({key[1] or 'no country'}) has two different sides",
            row=row,
            column="side",
            found=f"{sides_by_key[key][0]} (row {sides_by_key[key][1]}) and {side}",
            allowed="one side per prompt, country, approach, language, option order and repeat",
        )
