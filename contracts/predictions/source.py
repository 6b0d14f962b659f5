"""Open a predictions file of any format: its header record, its columns, its rows in chunks."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from contracts.errors import fail, invalid_json
from contracts.predictions.findings import Findings, quote

if TYPE_CHECKING:
    import pyarrow as pa


FORMATS = (".jsonl", ".csv", ".tsv", ".parquet")

#: Key of the header record in the schema metadata of a Parquet file.
PARQUET_META_KEY = b"opinion_atlas_predictions"

#: Most rows that a file may have: five times all answers of a full survey wave would be 100
#: million, but a small Parquet file can claim billions.
MAX_ROWS = 50_000_000

CHUNK_ROWS = 65_536

#: Longest first line looked at for a header record, in bytes.
_HEADER_LIMIT = 1 << 20


class RepeatedKeys(dict[str, Any]):
    """A JSON object that held a key twice; `pairs` has all of them."""

    def __init__(self, pairs: Sequence[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        self.pairs = list(pairs)


@dataclass(frozen=True)
class Chunk:
    """Some rows of a file.

    Attributes:
        rows: row number of each record (lines of a JSON lines file; else records, the header
            line counted as a row).
        records: a mapping per record (JSON lines), else None.
        batch: columns of text, empty for null (tables), else None.
    """

    rows: Sequence[int]
    records: list[dict[str, Any]] | None = None
    batch: pa.RecordBatch | None = None

    def dicts(self) -> Iterator[tuple[int, dict[str, Any]]]:
        """(row number, record) of every row."""
        if self.records is not None:
            yield from zip(self.rows, self.records, strict=True)
        elif self.batch is not None:
            yield from zip(self.rows, self.batch.to_pylist(), strict=True)


@dataclass(frozen=True)
class Source:
    """An opened predictions file.

    Attributes:
        path: the file.
        suffix: its format, one of `FORMATS`.
        header: fields of the header record, None if there is none.
        columns: names of the columns (keys of the first record), in lower case.
        skip_lines: lines before the first record or the line of column names.
        delimiter: separator of a text table.
    """

    path: Path
    suffix: str
    header: dict[str, Any] | None
    columns: tuple[str, ...]
    skip_lines: int = 0
    delimiter: str = ","

    def chunks(self, findings: Findings) -> Iterator[Chunk]:
        """All rows in chunks; rows that cannot be parsed are noted in `findings`."""
        if self.suffix == ".jsonl":
            yield from _jsonl_chunks(self, findings)
        elif self.suffix == ".parquet":
            yield from _parquet_chunks(self)
        else:
            yield from _text_chunks(self, findings)


def format_of(path: Path) -> str:
    """The ending of a predictions file, one of `FORMATS`.

    Raises:
        ContractError: it has another ending.
    """
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        raise fail(
            "unknown-format",
            "the file's format is told by its ending",
            where=str(path),
            found=quote(path.suffix),
            allowed=", ".join(FORMATS),
        )
    return suffix


def _refuse_report(path: Path) -> None:
    """Tell a report, which is easily taken for the predictions that it was made from."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return
    try:
        parsed = json.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return
    if isinstance(parsed, dict) and parsed.get("kind") == "report":
        raise fail(
            "is-report",
            "this is a report, which scoring has made already; predictions are what is scored",
            where=str(path),
            allowed=", ".join(FORMATS),
            hint="Show it with `opinion-atlas report html`, or compare two with `opinion-atlas "
            "compare`.",
        )


def open_source(path: str | Path) -> Source:
    """Open a predictions file and read its header and column names.

    Raises:
        ContractError: the file is missing, empty, of another format, or unreadable.
    """
    target = Path(path)
    _refuse_report(target)
    suffix = format_of(target)
    if not target.is_file():
        raise fail("no-file", "there is no such file", where=str(target))
    if target.stat().st_size == 0:
        raise fail("empty-file", "the file is empty", where=str(target))
    if suffix == ".jsonl":
        return _open_jsonl(target)
    if suffix == ".parquet":
        return _open_parquet(target)
    return _open_text(target, suffix)


def lower_columns(names: Sequence[str], *, where: str) -> tuple[str, ...]:
    """Column names in lower case without blanks around them.

    Raises:
        ContractError: two columns have the same name then.
    """
    lowered = tuple(str(name).strip().lower() for name in names)
    twice = sorted({name for name in lowered if lowered.count(name) > 1})
    if twice:
        raise fail(
            "duplicate-column",
            "a column name occurs twice (upper and lower case are the same)",
            where=where,
            found=", ".join(quote(name) for name in twice),
        )
    return lowered


# JSON lines


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    return record if len(record) == len(pairs) else RepeatedKeys(pairs)


def _is_header(record: dict[str, Any]) -> bool:
    return record.get("kind") == "predictions" or (
        "schema_version" in record and "question_id" not in record
    )


def _open_jsonl(path: Path) -> Source:
    header: dict[str, Any] | None = None
    skip = 0
    with path.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            record = _first_object(line)
            if record is None:
                if line.strip():
                    break
                continue
            if header is None and _is_header(record):
                header, skip = record, number
                continue
            columns = lower_columns(list(record), where=str(path))
            return Source(path, ".jsonl", header, columns, skip)
    return Source(path, ".jsonl", header, (), skip)


def _first_object(line: bytes) -> dict[str, Any] | None:
    try:
        record = json.loads(line.decode("utf-8-sig"))
    except ValueError:
        return None
    return record if isinstance(record, dict) else None


def _jsonl_chunks(source: Source, findings: Findings) -> Iterator[Chunk]:
    rows: list[int] = []
    records: list[dict[str, Any]] = []
    with source.path.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            if number <= source.skip_lines or not line.strip():
                continue
            record = _parse_line(line, number, findings)
            if record is None:
                continue
            rows.append(number)
            records.append(record)
            if len(rows) == CHUNK_ROWS:
                yield Chunk(rows, records=records)
                rows, records = [], []
    if rows:
        yield Chunk(rows, records=records)


def _parse_line(line: bytes, number: int, findings: Findings) -> dict[str, Any] | None:
    try:
        record = json.loads(line.decode("utf-8-sig"), object_pairs_hook=_object)
    except UnicodeDecodeError:
        findings.add("not-utf8", "the line is not UTF-8 text", row=number)
        return None
    except (ValueError, RecursionError) as error:
        findings.add("not-json", invalid_json(error, line=number), row=number)
        return None
    if not isinstance(record, dict):
        findings.add("not-object", "the line is no JSON object", row=number, found=quote(record))
        return None
    pairs = record.pairs if isinstance(record, RepeatedKeys) else list(record.items())
    lowered = {key.strip().lower(): item for key, item in pairs}
    if len(lowered) != len(pairs):
        findings.add("duplicate-column", "the record has a field twice", row=number)
        return None
    return lowered


# Tables of text


def _open_text(path: Path, suffix: str) -> Source:
    with path.open("rb") as handle:
        header, skip = _text_header(handle, path)
        line = _decode(handle.readline(_HEADER_LIMIT), path)
    delimiter = "\t" if suffix == ".tsv" else ","
    if suffix == ".csv" and "," not in line and ";" in line:
        delimiter = ";"
    names = next(csv.reader([line], delimiter=delimiter), [])
    columns = lower_columns(names, where=str(path))
    return Source(path, suffix, header, columns, skip, delimiter)


def _decode(line: bytes, path: Path) -> str:
    try:
        return line.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise fail(
            "not-utf8",
            "the file is not UTF-8 text",
            where=str(path),
            hint="Save it as UTF-8.",
        ) from None


def _text_header(handle: BinaryIO, path: Path) -> tuple[dict[str, Any] | None, int]:
    """The header record in a first line `# {...}`; leaves `handle` at the column names."""
    line = handle.readline(_HEADER_LIMIT)
    text = _decode(line, path).strip()
    if not text.startswith("#"):
        handle.seek(0)
        return None, 0
    try:
        header = json.loads(text[1:])
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise fail(
            "bad-header",
            "the first line starts with # but holds no JSON object",
            where=str(path),
            row=1,
            found=quote(text),
        )
    return header, 1


def _text_chunks(source: Source, findings: Findings) -> Iterator[Chunk]:
    import pyarrow as pa
    from pyarrow import csv as pacsv

    def ragged(row: Any) -> str:
        findings.add(
            "wrong-cell-count",
            "the row has another number of cells than there are columns",
            row=source.skip_lines + row.number if row.number else None,
            found=str(row.actual_columns),
            allowed=str(row.expected_columns),
        )
        return "skip"

    names = list(source.columns)
    with source.path.open("rb") as handle:
        for _ in range(source.skip_lines):
            handle.readline()
        try:
            reader = pacsv.open_csv(
                handle,
                read_options=pacsv.ReadOptions(
                    use_threads=False, column_names=names, skip_rows=1, block_size=4 << 20
                ),
                parse_options=pacsv.ParseOptions(
                    delimiter=source.delimiter,
                    newlines_in_values=True,
                    invalid_row_handler=ragged,
                ),
                convert_options=pacsv.ConvertOptions(
                    column_types={name: pa.string() for name in names}, strings_can_be_null=False
                ),
            )
            yield from _numbered(reader, first=source.skip_lines + 2, findings=findings)
        except pa.ArrowInvalid as error:
            code = "not-utf8" if "UTF8" in str(error) else "not-csv"
            findings.add(code, f"the table cannot be read ({error})")


def _numbered(reader: Any, *, first: int, findings: Findings) -> Iterator[Chunk]:
    for batch in reader:
        if first > MAX_ROWS:
            findings.add("too-many-rows", "the file has too many rows", allowed=str(MAX_ROWS))
            return
        yield Chunk(range(first, first + batch.num_rows), batch=batch)
        first += batch.num_rows


# Parquet


def _open_parquet(path: Path) -> Source:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (pa.ArrowException, OSError) as error:
        raise fail("not-parquet", f"the file is no Parquet ({error})", where=str(path)) from None
    if rows > MAX_ROWS:
        raise fail(
            "too-many-rows",
            "the file has too many rows",
            where=str(path),
            found=str(rows),
            allowed=str(MAX_ROWS),
        )
    nested = [field.name for field in schema if pa.types.is_nested(field.type)]
    if nested:
        raise fail(
            "nested-column",
            "a Parquet file holds the long form: question_id, country, group, option, share",
            where=str(path),
            found=", ".join(quote(name) for name in nested),
        )
    columns = lower_columns(schema.names, where=str(path))
    return Source(path, ".parquet", _parquet_header(schema, path), columns)


def _parquet_header(schema: pa.Schema, path: Path) -> dict[str, Any] | None:
    text = (schema.metadata or {}).get(PARQUET_META_KEY)
    if text is None:
        return None
    try:
        header = json.loads(text)
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise fail(
            "bad-header",
            f"schema metadata {PARQUET_META_KEY.decode()} holds no JSON object",
            where=str(path),
        )
    return header


def _parquet_chunks(source: Source) -> Iterator[Chunk]:
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    first = 1
    with pq.ParquetFile(source.path) as file:
        try:
            for batch in file.iter_batches(batch_size=CHUNK_ROWS, use_threads=False):
                arrays = [
                    pc.fill_null(pc.cast(column, pa.string()), "") for column in batch.columns
                ]
                text = pa.RecordBatch.from_arrays(arrays, names=list(source.columns))
                yield Chunk(range(first, first + batch.num_rows), batch=text)
                first += batch.num_rows
        except (pa.ArrowException, OSError) as error:
            raise fail(
                "not-parquet",
                f"the file cannot be read ({error})",
                where=str(source.path),
            ) from None
