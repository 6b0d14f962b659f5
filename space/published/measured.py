"""Answers of a small model that this project asked itself, whole: predictions as they were written.

`measured/<row>.jsonl.gz` is the predictions file of one condition; its header names the weights
(`extra.measured`: package, file, sha256, date) in addition to what every run records.
"""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

from contracts.atomic import atomic_file
from space.published.answers import folder

SUFFIX = ".jsonl.gz"


@cache
def measured_rows() -> tuple[str, ...]:
    """Ids of the rows, sorted."""
    return tuple(sorted(file.name.removesuffix(SUFFIX) for file in _folder().glob(f"*{SUFFIX}")))


def write_measured_predictions(row_id: str, path: Path) -> None:
    """Write a row's predictions file."""
    with atomic_file(path) as partial:
        partial.write_bytes(gzip.decompress(measured_path(row_id).read_bytes()))


def measured_path(row_id: str) -> Path:
    """Where a row's predictions lie, packed."""
    return _folder() / f"{row_id}{SUFFIX}"


def _folder() -> Path:
    return folder() / "measured"
