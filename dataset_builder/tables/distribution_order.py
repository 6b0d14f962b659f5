"""Put rows of `distributions`, counted country by country, into the order of the schema."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.release.tables import DISTRIBUTION_TEXTS


class _Run(NamedTuple):
    """Rows of one split and group of one country, compressed in memory."""

    wave: int
    country: str
    reader: pa.ipc.RecordBatchFileReader
    number: int


class DistributionSorter:
    """Takes tables of whole countries, gives rows by split, group, wave and country.

    Rows wait compressed in memory (a fortieth of their size), cut at every split and group, so
    that no more than one split and group is expanded at a time.
    """

    def __init__(self) -> None:
        self._runs: dict[tuple[str, str], list[_Run]] = {}

    def add(self, table: pa.Table) -> None:
        """Add rows of one wave and country, sorted within each split and group."""
        if not table.num_rows:
            return
        table = _encoded(table)
        split, group = (table.column(name).chunk(0) for name in ("split", "group"))
        key = split.indices.to_numpy().astype(np.int64) * len(group.dictionary)
        key += group.indices.to_numpy()
        starts = np.flatnonzero(np.diff(key, prepend=-1)).tolist()
        wave, country = table["wave"][0].as_py(), table["country"][0].as_py()
        sink = pa.BufferOutputStream()
        options = pa.ipc.IpcWriteOptions(compression="lz4")
        batch = table.to_batches()[0]
        with pa.ipc.new_file(sink, table.schema, options=options) as writer:
            for start, stop in zip(starts, [*starts[1:], table.num_rows], strict=True):
                writer.write_batch(batch.slice(start, stop - start))
        reader = pa.ipc.open_file(sink.getvalue())
        for number, start in enumerate(starts):
            name = (split[start].as_py(), group[start].as_py())
            self._runs.setdefault(name, []).append(_Run(wave, country, reader, number))

    def tables(self, *, at_least: int) -> Iterator[pa.Table]:
        """All rows in order, in tables that end with a group and have `at_least` rows but last."""
        waiting: list[pa.RecordBatch] = []
        rows = 0
        for name in sorted(self._runs):
            for run in sorted(self._runs[name], key=lambda run: (run.wave, run.country)):
                waiting.append(run.reader.get_batch(run.number))
                rows += waiting[-1].num_rows
            if rows >= at_least:
                yield pa.Table.from_batches(waiting)
                waiting, rows = [], 0
        if waiting:
            yield pa.Table.from_batches(waiting)


def _encoded(table: pa.Table) -> pa.Table:
    """The table in one chunk with its texts as dictionaries."""
    for name in DISTRIBUTION_TEXTS:
        column = table.column(name)
        if not pa.types.is_dictionary(column.type):
            place = table.column_names.index(name)
            table = table.set_column(place, name, pc.dictionary_encode(column))
    return table.unify_dictionaries().combine_chunks()
