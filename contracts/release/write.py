"""Write the tables and the manifest of a release into a folder that nobody reads yet."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.atomic import write_text
from contracts.digests import RowDigest, sha256_file
from contracts.errors import ContractError, Problem
from contracts.release.manifest import MANIFEST_NAME, Manifest, TableEntry, TableFile, manifest_text
from contracts.release.tables import AGGREGATE_TABLES, schema_problems

#: Rows of a row group: far under the size at which readers of the Hub give up.
ROW_GROUP_ROWS = 500_000

#: Row groups of aggregates are small: readers filter by group, country and question.
AGGREGATE_ROW_GROUP_ROWS = 50_000

#: Aggregates are small and travel with the package: they are worth the time.
AGGREGATE_COMPRESSION = 12

#: Columns by which readers skip row groups and pages. Bounds of the others help nobody, and
#: finding those of texts takes a third of the writing.
FILTER_COLUMNS = ("respondent_id", "split", "wave", "country", "group", "question_id")


def table_path(name: str, split: str = "data", *, part: int = 0, parts: int = 1) -> str:
    """Path of one file of a table inside a release."""
    return f"{name}/{split}-{part:05d}-of-{parts:05d}.parquet"


class TableWriter:
    """Streams the batches of one table into one Parquet file per split.

    Every batch goes into the row digest in the order in which it is written.
    """

    def __init__(self, root: Path, name: str) -> None:
        self.root = root
        self.name = name
        self._writers: dict[str, pq.ParquetWriter] = {}
        self._rows: dict[str, int] = {}
        self._digests: dict[str, RowDigest] = {}

    def write(self, table: pa.Table, *, split: str = "data") -> None:
        """Add rows to the file of `split`."""
        if split not in self._writers:
            self._open(table.schema, split)
        size = AGGREGATE_ROW_GROUP_ROWS if self.name in AGGREGATE_TABLES else ROW_GROUP_ROWS
        self._writers[split].write_table(table, row_group_size=size)
        self._digests[split].update(table)
        self._rows[split] += table.num_rows

    def _open(self, schema: pa.Schema, split: str) -> None:
        problems = schema_problems(self.name, schema)
        if problems:
            raise ContractError([Problem("schema", p, where=self.name) for p in problems])
        path = self.root / table_path(self.name, split)
        path.parent.mkdir(parents=True, exist_ok=True)
        aggregate = self.name in AGGREGATE_TABLES
        # Standard errors hardly repeat: a dictionary of them is longer than the column.
        split_bytes = [name for name in ("se",) if aggregate and name in schema.names]
        self._writers[split] = pq.ParquetWriter(
            path,
            schema,
            compression="zstd",
            compression_level=AGGREGATE_COMPRESSION if aggregate else None,
            use_dictionary=[name for name in schema.names if name not in split_bytes],
            column_encoding=dict.fromkeys(split_bytes, "BYTE_STREAM_SPLIT") or None,
            write_statistics=[name for name in schema.names if name in FILTER_COLUMNS],
            write_page_index=True,
            use_content_defined_chunking=True,
            store_schema=False,
        )
        self._rows[split] = 0
        self._digests[split] = RowDigest()

    def close(self) -> TableEntry:
        """Close the files; returns what the manifest says of them."""
        files = []
        for split, writer in self._writers.items():
            writer.close()
            path = self.root / table_path(self.name, split)
            files.append(
                TableFile(
                    path=table_path(self.name, split),
                    rows=self._rows[split],
                    size=path.stat().st_size,
                    sha256=sha256_file(path),
                )
            )
        digest = "".join(f"{split}={d.hexdigest()};" for split, d in sorted(self._digests.items()))
        return TableEntry(rows=sum(self._rows.values()), row_digest=digest, files=files)


def write_tables(root: Path, tables: Mapping[str, pa.Table]) -> dict[str, TableEntry]:
    """Write whole tables, one file each."""
    entries = {}
    for name, table in tables.items():
        writer = TableWriter(root, name)
        writer.write(table)
        entries[name] = writer.close()
    return entries


def table_row_digest(splits: Iterable[tuple[str, Iterable[pa.Table | pa.RecordBatch]]]) -> str:
    """The row digest that `TableWriter.close` gives for the same rows, to verify a release by."""
    parts = []
    for split, batches in sorted(splits, key=lambda item: item[0]):
        digest = RowDigest()
        for batch in batches:
            digest.update(batch)
        parts.append(f"{split}={digest.hexdigest()};")
    return "".join(parts)


def write_manifest(root: Path, manifest: Manifest) -> None:
    """Write `manifest.json`; the last file of a release."""
    write_text(root / MANIFEST_NAME, manifest_text(manifest))
