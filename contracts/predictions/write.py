"""Write predictions as JSON lines, CSV, TSV or Parquet, in one step."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from contracts.atomic import atomic_file, write_text
from contracts.predictions.advice import MARGIN
from contracts.predictions.distributions import MEASURED
from contracts.predictions.meta import Kind, PredictionsMeta, sidecar_path
from contracts.predictions.source import CHUNK_ROWS, PARQUET_META_KEY, format_of

#: Columns of the tables by kind, as written.
TABLE_COLUMNS: Mapping[Kind, tuple[str, ...]] = {
    "distribution": ("question_id", "country", "group", "option", "share", "status"),
    "persons": ("person_id", "country", "group", "question_id", "code"),
    "rating": ("QUESTION_ID", "PARTICIPANT_ID", "SAMPLE", "SCORE"),
    "advice": (
        "prompt_id",
        "country",
        "approach",
        "language",
        "option_order",
        "repeat",
        "side",
    ),
}

#: Fields of a record by kind, in words.
RECORD_FIELDS: Mapping[Kind, str] = {
    "distribution": "question_id, shares (option code -> share); country, group, status if any",
    "rating": "question_id, participant or sample (whole numbers), score",
    "persons": ", ".join(TABLE_COLUMNS["persons"]),
    "advice": ", ".join(TABLE_COLUMNS["advice"]),
}

_FLOATS = frozenset({"share", "SCORE"})
_INTEGERS = frozenset({"PARTICIPANT_ID", "SAMPLE", "repeat", "code"})


def write_predictions(
    path: str | Path,
    records: Iterable[Mapping[str, Any]],
    *,
    meta: PredictionsMeta,
    kind: Kind,
) -> Path:
    """Write predictions; the records are taken one by one and not kept.

    Args:
        path: file ending in .jsonl, .csv, .tsv or .parquet. JSON lines begin with a header
            record, Parquet holds it in the schema's metadata, CSV and TSV get a sidecar.
        records: distribution: question_id, country, group, shares (option code -> share), and
            optionally status (ok, repaired, invalid, refused, missing). rating: question_id,
            participant or sample, score (None where it could not be read). persons:
            person_id, country, group, question_id, code (None where no answer was given). advice:
            prompt_id, country, approach, language, option_order, repeat, side.
        meta: metadata.
        kind: kind of predictions.

    Returns:
        The path written to.

    Raises:
        ContractError: the ending is unknown, or the place cannot be written to.
    """
    target = Path(path)
    suffix = format_of(target)
    if suffix == ".jsonl":
        _write_jsonl(target, records, meta, kind)
    elif suffix == ".parquet":
        _write_parquet(target, _rows(records, kind), meta, kind)
    else:
        _write_text_table(target, _rows(records, kind), kind, tab=suffix == ".tsv")
    sidecar = sidecar_path(target)
    if suffix in (".csv", ".tsv"):
        # Not the canonical form: a setting such as a temperature keeps all its digits.
        write_text(sidecar, json.dumps(_fields(meta), ensure_ascii=False, indent=1) + "\n")
    else:
        sidecar.unlink(missing_ok=True)  # one that another run left would contradict
    return target


def _fields(meta: PredictionsMeta) -> dict[str, Any]:
    return meta.model_dump(mode="json")


def _write_jsonl(
    path: Path, records: Iterable[Mapping[str, Any]], meta: PredictionsMeta, kind: Kind
) -> None:
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8") as handle:
        handle.write(json.dumps(_fields(meta), ensure_ascii=False) + "\n")
        for record in records:
            fields = _jsonl_record(record, kind)
            handle.write(json.dumps(fields, ensure_ascii=False, allow_nan=False) + "\n")


def _jsonl_record(record: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    if kind == "rating":
        return _rating_row(record)
    if kind == "advice":
        names = (*TABLE_COLUMNS["advice"], MARGIN)
        return {name: record[name] for name in names if name in record}
    if kind == "persons":
        return {name: record[name] for name in TABLE_COLUMNS["persons"] if name in record}
    fields = {
        "question_id": record["question_id"],
        "country": record.get("country") or "",
        "group": record.get("group") or "",
        "shares": {str(code): float(share) for code, share in (record.get("shares") or {}).items()},
    }
    fields |= {name: record[name] for name in MEASURED if record.get(name) is not None}
    status = record.get("status") or "ok"
    return fields if status == "ok" else {**fields, "status": status}


def _rating_row(record: Mapping[str, Any]) -> dict[str, Any]:
    row: dict[str, Any] = {"QUESTION_ID": record["question_id"]}
    for name, column in (("participant", "PARTICIPANT_ID"), ("sample", "SAMPLE")):
        if record.get(name) is not None:
            row[column] = record[name]
    return {**row, "SCORE": record.get("score")}


def _rows(records: Iterable[Mapping[str, Any]], kind: Kind) -> Iterator[dict[str, Any]]:
    """Records as rows of a table; a distribution becomes one row per option."""
    for record in records:
        if kind == "rating":
            yield _rating_row(record)
        elif kind in ("advice", "persons"):
            yield {name: record[name] for name in TABLE_COLUMNS[kind] if name in record}
        else:
            yield from _long_rows(record)


def _long_rows(record: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    base = {
        "question_id": record["question_id"],
        "country": record.get("country") or "",
        "group": record.get("group") or "",
        "status": record.get("status") or "ok",
    }
    shares = record.get("shares") or {}
    if not shares:
        yield {**base, "option": None, "share": None}
    for code, share in shares.items():
        yield {**base, "option": str(code), "share": float(share)}


def _write_text_table(
    path: Path, rows: Iterable[Mapping[str, Any]], kind: Kind, *, tab: bool
) -> None:
    with atomic_file(path) as partial, partial.open("w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(
            handle,
            TABLE_COLUMNS[kind],
            restval="",
            delimiter="\t" if tab else ",",
            lineterminator="\n",
        )
        writer.writeheader()
        writer.writerows(rows)


def _write_parquet(
    path: Path, rows: Iterable[Mapping[str, Any]], meta: PredictionsMeta, kind: Kind
) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    def kind_of(name: str) -> Any:
        if name in _FLOATS:
            return pa.float64()
        return pa.int64() if name in _INTEGERS else pa.string()

    schema = pa.schema(
        [(name, kind_of(name)) for name in TABLE_COLUMNS[kind]],
        metadata={PARQUET_META_KEY: json.dumps(_fields(meta), ensure_ascii=False)},
    )
    pending = iter(rows)
    with atomic_file(path) as partial, pq.ParquetWriter(partial, schema) as writer:
        while block := list(islice(pending, CHUNK_ROWS)):
            writer.write_table(pa.Table.from_pylist([dict(row) for row in block], schema=schema))
