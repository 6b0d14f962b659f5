"""Caps that are checked before anything of an upload is expanded."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import ContractError, Problem, fail, invalid_json
from contracts.predictions.findings import Findings
from contracts.predictions.source import format_of
from space.intake.limits import MEGABYTE, Limits

if TYPE_CHECKING:
    import pyarrow.parquet as pq

#: First bytes of what is no text and no Parquet file.
_PACKED = {
    b"PK\x03\x04": "a zip archive",
    b"PK\x05\x06": "a zip archive",
    b"\x1f\x8b": "a gzip file",
    b"BZh": "a bzip2 file",
    b"\xfd7zXZ": "an xz file",
    b"7z\xbc\xaf": "a 7z archive",
    b"(\xb5/\xfd": "a zstd file",
    b"Rar!": "a rar archive",
    b"\x80\x04\x95": "a pickle",
    b"\x80\x05\x95": "a pickle",
    b"\x93NUMPY": "a numpy array",
    b"\x89HDF": "an HDF5 file",
}
_PARQUET = b"PAR1"


def check_upload(path: Path, limits: Limits) -> None:
    """Refuse a predictions file that is too large, packed, or not what its ending says.

    Raises:
        ContractError: every problem that can be told without expanding the file.
    """
    suffix = format_of(path)
    check_size(path, limits.file_bytes)
    _check_content(path, suffix)
    if suffix == ".parquet":
        _check_parquet(path, limits)
    else:
        _check_lines(path, limits)


def check_size(path: Path, allowed: int) -> None:
    """Refuse an empty file and one that is too large.

    Raises:
        ContractError: it is either, or it is no plain file.
    """
    if path.is_symlink() or not path.is_file():
        raise fail("no-file", "there is no such file", where=path.name)
    size = path.stat().st_size
    if size == 0:
        raise fail("empty-file", "the file is empty", where=path.name)
    if size > allowed:
        raise fail(
            "too-large",
            "the file is too large",
            where=path.name,
            found=f"{size / MEGABYTE:.1f} MB",
            allowed=f"{allowed / MEGABYTE:.1f} MB",
            hint="Larger files are scored on your own machine: opinion-atlas score FILE",
        )


def _check_content(path: Path, suffix: str) -> None:
    with path.open("rb") as handle:
        start = handle.read(8)
    packed = next((what for magic, what in _PACKED.items() if start.startswith(magic)), "")
    if not packed and suffix != ".parquet" and start.startswith(_PARQUET):
        packed = "a Parquet file"
    if packed:
        raise fail(
            "other-format",
            "the file is not what its ending says",
            where=path.name,
            found=packed,
            allowed="plain .jsonl, .csv, .tsv (UTF-8 text), or .parquet",
            hint="Unpack it; Parquet is packed in itself.",
        )


# Text


def _check_lines(path: Path, limits: Limits) -> None:
    """Lines: their number, their length, no NUL bytes; UTF-16 shows by its NUL bytes."""
    findings = Findings(path.name)
    for number, length, nul in _line_lengths(path):
        if nul:
            findings.add(
                "nul-byte",
                "the line holds a NUL byte, so this is no UTF-8 text",
                row=number,
                hint="Save the file as UTF-8.",
            )
        if length > limits.line_bytes:
            findings.add(
                "long-line",
                "the line is too long",
                row=number,
                found=f"{length} bytes",
                allowed=f"{limits.line_bytes} bytes",
            )
        if findings.count >= limits.problems:
            break
        if number > limits.rows + 2:  # a header record and column names are no rows
            findings.add(
                "too-many-rows", "the file has too many rows", allowed=f"at most {limits.rows}"
            )
            break
    findings.raise_if_any()
    if path.suffix.lower() != ".jsonl":
        _check_columns(path, limits)


def _line_lengths(path: Path) -> Iterator[tuple[int, int, bool]]:
    """(number, bytes, whether it holds NUL) of every line, in bounded memory."""
    number, length, nul = 1, 0, False
    with path.open("rb") as handle:
        while block := handle.read(MEGABYTE):
            pieces = block.split(b"\n")
            for piece in pieces[:-1]:
                yield number, length + len(piece), nul or b"\0" in piece
                number, length, nul = number + 1, 0, False
            length += len(pieces[-1])
            nul = nul or b"\0" in pieces[-1]
    if length:
        yield number, length, nul


def _check_columns(path: Path, limits: Limits) -> None:
    with path.open("rb") as handle:
        line = handle.readline()
        if line.lstrip(b"\xef\xbb\xbf \t").startswith(b"#"):
            line = handle.readline()
    columns = 1 + max(line.count(mark) for mark in (b",", b";", b"\t"))
    if columns > limits.columns:
        raise _too_many_columns(path, columns, limits)


def _too_many_columns(path: Path, columns: int, limits: Limits) -> ContractError:
    return fail(
        "too-many-columns",
        "the table has too many columns",
        where=path.name,
        row=1,
        found=str(columns),
        allowed=str(limits.columns),
    )


# Parquet


def _check_parquet(path: Path, limits: Limits) -> None:
    """The footer: its size, rows, columns, row groups, types and what it takes unpacked."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    _check_footer(path, limits)
    try:
        with pq.ParquetFile(path) as file:
            metadata, schema = file.metadata, file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise fail("not-parquet", f"the file is no Parquet ({error})", where=path.name) from None
    if metadata.num_columns > limits.columns:
        raise _too_many_columns(path, metadata.num_columns, limits)
    problems = _size_problems(path.name, metadata, limits)
    problems += _type_problems(path.name, schema)
    if problems:
        raise ContractError(problems, subject=path.name)


def _check_footer(path: Path, limits: Limits) -> None:
    with path.open("rb") as handle:
        start = handle.read(4)
        room = path.stat().st_size - 12
        handle.seek(max(room + 4, 0))
        end = handle.read(8)
    if room < 0 or start != _PARQUET or end[4:] != _PARQUET:
        raise fail("not-parquet", "the file is no Parquet", where=path.name)
    size = int.from_bytes(end[:4], "little")
    if size > min(limits.footer_bytes, room):
        raise fail(
            "large-footer",
            "the footer of the Parquet file is too large",
            where=path.name,
            found=f"{size} bytes",
            allowed=f"{min(limits.footer_bytes, room)} bytes",
        )


def _size_problems(name: str, metadata: pq.FileMetaData, limits: Limits) -> list[Problem]:
    groups = [metadata.row_group(i) for i in range(min(metadata.num_row_groups, limits.row_groups))]
    sizes_by_problem = {
        ("too-many-rows", "the file has too many rows"): (metadata.num_rows, limits.rows),
        ("too-many-rows", "its row groups have too many rows"): (
            sum(group.num_rows for group in groups),
            limits.rows,
        ),
        ("too-many-row-groups", "the file has too many row groups"): (
            metadata.num_row_groups,
            limits.row_groups,
        ),
        ("too-large-unpacked", "the file takes too much room when unpacked (bytes)"): (
            sum(group.total_byte_size for group in groups),
            limits.expanded_bytes,
        ),
    }
    return [
        Problem(code, message, where=name, found=str(size), allowed=f"at most {allowed}")
        for (code, message), (size, allowed) in sizes_by_problem.items()
        if not 0 <= size <= allowed
    ]


def _type_problems(name: str, schema: Any) -> list[Problem]:
    import pyarrow.types as types

    plain = (
        types.is_string,
        types.is_large_string,
        types.is_integer,
        types.is_floating,
        types.is_boolean,
        types.is_null,
    )
    problems = []
    for field in schema:
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if not any(check(kind) for check in plain):
            problems.append(
                Problem(
                    "column-type",
                    "a column is of a type that predictions never have",
                    where=name,
                    column=field.name[:60],
                    found=str(field.type)[:60],
                    allowed="text, whole numbers, floating-point numbers, truth values",
                )
            )
    return problems


# JSON


def read_json(path: Path, *, allowed_bytes: int, limits: Limits) -> Any:
    """JSON that holds no NaN, no key twice, no hidden characters, and is not nested deeply.

    Raises:
        ContractError: it is not like that.
    """
    check_size(path, allowed_bytes)
    _check_content(path, ".json")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise fail(
            "not-utf8", "the file is not UTF-8 text", where=path.name, hint="Save it as UTF-8."
        ) from None
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
    except RecursionError:
        raise too_deep(path.name, limits) from None
    except ValueError as error:
        raise fail("not-json", invalid_json(error), where=path.name) from None


def too_deep(name: str, limits: Limits) -> ContractError:
    """The error for JSON that is nested too deeply."""
    return fail(
        "too-deep",
        "the JSON is nested too deeply",
        where=name,
        allowed=f"{limits.depth} levels",
    )


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is no number of JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        (twice, _), *_ = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"the key {twice[:40]!a} occurs twice")
    return record
