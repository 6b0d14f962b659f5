"""Uploads made by hand to hurt: each is a small file that is far more than it seems."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

MEGABYTE = 1 << 20
HEADER = '{"schema_version": "1.0", "kind": "predictions", "model": "ORG/NAME"}\n'
ROW = '{"question_id": "Q1", "country": "DEU", "shares": {"1": 0.5, "2": 0.5}}\n'
COLUMNS = "question_id,country,option,share\n"


def many_rows(path: Path) -> None:
    """200 million rows in less than a megabyte: one repeated entry of a dictionary."""
    rows, groups = 10_000_000, 20
    codes = pa.array(memoryview(bytes(rows)), pa.int8())
    names = pa.DictionaryArray.from_arrays(codes, pa.array(["Q1"]))
    table = pa.table(dict.fromkeys(("question_id", "option", "share"), names))
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(groups):
            writer.write_table(table, row_group_size=rows)


def large_entry(path: Path) -> None:
    """A million rows that all name one text of a megabyte: a terabyte when written out."""
    codes = pa.array(memoryview(bytes(900_000)), pa.int8())
    text = pa.DictionaryArray.from_arrays(codes, pa.array(["Q" * MEGABYTE]))
    ones = pa.DictionaryArray.from_arrays(codes, pa.array(["1"]))
    pq.write_table(pa.table({"question_id": text, "option": ones, "share": ones}), path)


def packed_zeros(path: Path) -> None:
    """Half a gigabyte of one letter, packed."""
    text = pa.array(["0" * MEGABYTE] * 520)
    table = pa.table({"question_id": text, "option": text, "share": text})
    pq.write_table(table, path, compression="zstd", use_dictionary=False)


def many_columns(path: Path) -> None:
    """Ten thousand columns."""
    pq.write_table(pa.table({f"c{i}": pa.array([1]) for i in range(10_000)}), path)


def odd_types(path: Path) -> None:
    """Nested, binary and time columns where text belongs."""
    table = pa.table(
        {
            "question_id": pa.array([b"Q1"]),
            "option": pa.array([[1]]),
            "share": pa.array([{"a": 1}]),
            "when": pa.array([0], pa.timestamp("ns")),
        }
    )
    pq.write_table(table, path)


def bad_parquet_header(path: Path) -> None:
    """A header record in the schema's metadata that is nested deeply."""
    key = b"opinion_atlas_predictions"
    table = pa.table({name: pa.array(["1"]) for name in ("question_id", "option", "share")})
    pq.write_table(table.replace_schema_metadata({key: b'{"extra":' * 50_000}), path)


def zip_bytes(content: bytes = b"0" * (20 * MEGABYTE)) -> bytes:
    """A zip archive of a large file."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("answers.jsonl", content)
    return out.getvalue()


class Runs:
    """Would make a file if someone unpickled it."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


PARQUET: Mapping[str, Callable[[Path], None]] = {
    "200 million rows": many_rows,
    "one large entry": large_entry,
    "packed zeros": packed_zeros,
    "ten thousand columns": many_columns,
    "odd types": odd_types,
    "deep parquet header": bad_parquet_header,
}


def texts(canary: Path) -> dict[str, tuple[str, bytes]]:
    """Bombs by name: (file name, content). `canary` would appear if a pickle were opened."""
    deep = "[" * 90_000
    shares = json.dumps({str(i): 0.001 for i in range(5_000)})
    options = f'{{"question_id": "Q1", "shares": {shares}}}\n'
    return {
        "zip": ("a.jsonl", zip_bytes()),
        "zip as parquet": ("a.parquet", zip_bytes()),
        "gzip": ("a.csv", gzip.compress(b"0" * (30 * MEGABYTE))),
        "pickle": ("a.jsonl", pickle.dumps(Runs(canary))),
        "pickle as parquet": ("a.parquet", pickle.dumps(Runs(canary))),
        "deep line": ("a.jsonl", (HEADER + deep + "\n").encode()),
        "deep first line": ("a.jsonl", deep.encode()),
        "deep objects": ("a.jsonl", (HEADER + '{"a":' * 15_000 + "\n").encode()),
        "deep header of a table": ("a.csv", b"# " + b'{"a":' * 15_000 + b"\n" + COLUMNS.encode()),
        "deep report": ("a.json", deep.encode()),
        "wide report": ("a.json", b'{"kind": "report", "cells": [' + b"0," * 2_000_000 + b"0]}"),
        "line of 50 MB": ("a.jsonl", b'{"question_id": "' + b"Q" * (50 * MEGABYTE)),
        "many lines": ("a.jsonl", b"{}\n" * 3_000_000),
        "many empty lines": ("a.jsonl", b"\n" * 20_000_000),
        "many rows of a table": ("a.csv", COLUMNS.encode() + b"Q1,,1,1\n" * 1_500_000),
        "half a million problems": ("a.csv", COLUMNS.encode() + b"Q1,,9,x\n" * 500_000),
        "open quote": ("a.csv", COLUMNS.encode() + b'"' + b"Q1,,1,1\n" * 700_000),
        "nul bytes": ("a.csv", COLUMNS.encode() + b"Q1,\0,1,1\n"),
        "utf-16": ("a.csv", (COLUMNS + "Q1,,1,1\n").encode("utf-16")),
        "latin-1": ("a.csv", (COLUMNS + "Q1,\xe9\xe8,1,1\n").encode("latin-1")),
        "lone surrogate": ("a.jsonl", b'{"question_id": "\\ud800", "shares": {"\\udfff": 1}}'),
        "surrogate name": ("a.jsonl", HEADER.replace("ORG", "\\ud800").encode() + ROW.encode()),
        "direction marks": ("a.jsonl", HEADER.replace("ORG", "\u202eGRO").encode() + ROW.encode()),
        "many options": (
            "a.jsonl",
            (options * 300).encode(),
        ),
        "huge number": ("a.jsonl", ROW.replace("0.5", "9" * 5_000).encode()),
        "huge exponent": ("a.jsonl", ROW.replace("0.5", "1e999999").encode()),
        "not a number": ("a.jsonl", ROW.replace("0.5", "NaN").encode()),
        "huge seed": ("a.jsonl", (HEADER[:-2] + f', "seed": {2**70}}}\n' + ROW).encode()),
        "key twice": ("a.jsonl", (HEADER + ROW.replace('"2"', '"1"')).encode()),
        "formula": ("a.jsonl", (HEADER.replace("ORG", "=cmd|' /C calc'!A0") + ROW).encode()),
        "markup": ("a.jsonl", (HEADER.replace("ORG", "<script>x</script>") + ROW).encode()),
        "column of 90 kB": ("a.csv", b"q" * 90_000 + b",option\n1,1\n"),
        "cells of 90 kB": ("a.csv", COLUMNS.encode() + (b"Q" * 90_000 + b",,1,1\n") * 600),
        "9,000 columns": ("a.csv", b"c," * 9_000 + b"c\n"),
        "empty": ("a.jsonl", b""),
        "no ending": ("passwd", b"root:x:0:0\n"),
        "path as a name": ("../../a.jsonl", (HEADER + ROW).encode()),
        "odd name": ("\u202egnp.\n.jsonl", (HEADER + ROW).encode()),
    }


def sidecars() -> dict[str, bytes]:
    """Sidecars by name; each goes with a good table."""
    return {
        "deep sidecar": b'{"extra":' * 20_000,
        "large sidecar": b'{"notes": "' + b"x" * MEGABYTE + b'"}',
        "long note": json.dumps({"notes": "x" * 50_000}).encode(),
        "list as sidecar": b"[]",
        "not a number in a sidecar": b'{"parameters": NaN}',
        "key twice in a sidecar": b'{"model": "a", "model": "b"}',
        "unknown fields": json.dumps({f"f{i}": i for i in range(5_000)}).encode(),
        "javascript link": b'{"link": "javascript:alert(1)"}',
        "link with a login": b'{"link": "https://user:word@example.org/"}',
        "other version": b'{"schema_version": "99.0"}',
        "deep extra": json.dumps({"extra": _nested(200)}).encode(),
        "baseline": b'{"baseline": true}',
        "utf-16 sidecar": '{"model": "a"}'.encode("utf-16"),
    }


def _nested(depth: int) -> dict[str, Any]:
    nested: dict[str, Any] = {}
    for _ in range(depth):
        nested = {"a": nested}
    return nested
