"""`distributions` laid out on disk country by country, so that one country at a time is in memory.

The table of a full release takes 350 MiB, whatever the number of respondents; rows of one country
stand in hundreds of places of its files.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from codebook import value_questions
from contracts.release.distributions import SORT_COLUMNS, sort_keys
from contracts.release.read import Release
from contracts.release.tables import DISTRIBUTION_TEXTS
from contracts.release.text_column import index_of

#: Rows that are laid out at a time.
_ROWS = 1 << 18


@dataclass
class Scattered:
    """The table, country by country.

    Attributes:
        folder: where the countries' rows lie, as Arrow streams.
        rows: number of rows.
        backwards: rows that come before their predecessor in the order of the schema.
        texts: values of the columns `split`, `group` and `question_id`, in order of appearance.
    """

    folder: Path
    rows: int = 0
    backwards: int = 0
    texts: dict[str, dict[str, None]] = field(
        default_factory=lambda: {name: {} for name in ("split", "group", "question_id")}
    )

    def by_country(self) -> Iterator[pa.Table]:
        """All rows of one country after the other, in their order."""
        for path in sorted(self.folder.glob("*.arrows")):
            with pa.ipc.open_stream(path) as stream:
                yield stream.read_all().unify_dictionaries().combine_chunks()


@contextmanager
def scattered(release: Release) -> Iterator[Scattered]:
    """Lay the table of a release out in a temporary folder, which goes when the block ends."""
    folder = Path(tempfile.mkdtemp(prefix="opinion-atlas-verify-"))
    try:
        yield lay_out(_parts(release), folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def lay_out(parts: Iterator[pa.Table], folder: Path) -> Scattered:
    """Write the rows of all parts into one file per country.

    Args:
        parts: the table in order, its texts dictionary-encoded.
        folder: an empty folder.
    """
    scattered = Scattered(folder)
    streams: dict[str, Any] = {}
    before: tuple[Any, ...] | None = None
    options = pa.ipc.IpcWriteOptions(compression="lz4")
    with ExitStack() as stack:
        for part in parts:
            scattered.rows += part.num_rows
            for name, seen in scattered.texts.items():
                seen.update(dict.fromkeys(index_of(part.column(name))[1]))
            scattered.backwards += int((np.diff(sort_keys(part)) < 0).sum())
            scattered.backwards += before is not None and _key(part, 0) < before
            before = _key(part, part.num_rows - 1)
            for country, rows in _countries(part):
                if country not in streams:
                    path = folder / f"{len(streams):03d}.arrows"
                    writer = pa.ipc.new_stream(path, part.schema, options=options)
                    streams[country] = stack.enter_context(writer)
                streams[country].write_table(rows)
    return scattered


def _parts(release: Release) -> Iterator[pa.Table]:
    if release.schema_major == 1:
        table = release.table("distributions", encoded=True).unify_dictionaries()
        yield from (table.slice(start, _ROWS) for start in range(0, table.num_rows, _ROWS))
        return
    for path in release.files("distributions"):
        file = pq.ParquetFile(path, read_dictionary=DISTRIBUTION_TEXTS)
        for batch in file.iter_batches(batch_size=_ROWS):
            if batch.num_rows:
                yield pa.Table.from_batches([batch])


def _countries(part: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    """The rows of each country of a part, in their order."""
    index, countries = index_of(part.column("country"))
    order = np.argsort(index, kind="stable")
    together = part.take(pa.array(order)).combine_chunks()
    ends = np.cumsum(np.bincount(index, minlength=len(countries)))
    for country, start, end in zip(countries, [0, *ends[:-1]], ends, strict=True):
        if end > start:
            yield country, together.slice(start, end - start)


def _key(part: pa.Table, row: int) -> tuple[Any, ...]:
    """What a row is sorted by, comparable between parts."""
    asked = list(value_questions())
    key = [part.column(name)[row].as_py() for name in SORT_COLUMNS]
    place = SORT_COLUMNS.index("question_id")
    key[place] = asked.index(key[place]) if key[place] in asked else len(asked)
    return tuple(key)
