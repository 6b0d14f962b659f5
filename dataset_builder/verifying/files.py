"""Manifest against disk: every file is there, unchanged, with the columns and rows it says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from contracts.digests import sha256_file
from contracts.errors import Problem
from contracts.release.manifest import MANIFEST_NAME, TableEntry
from contracts.release.read import Release
from contracts.release.tables import TABLES, schema_problems
from contracts.release.write import table_row_digest
from dataset_builder.describing.card import CARD_NAME, card_configs, configs, title
from dataset_builder.verifying.outcome import Check, gathered

_REBUILD = "Build or download the release again."

#: Files besides the tables that a release may hold.
OTHER_FILES = (MANIFEST_NAME, CARD_NAME, "croissant.json", "eval.yaml", ".gitattributes")

#: Told of every batch of a table as it is read: table, split, batch.
Visitor = Callable[[str, str, pa.RecordBatch], None]


def check_files(release: Release) -> Check:
    """Files of the manifest are there with their size and sha256, and no others are."""
    problems = []
    listed = set()
    for name, entry in release.manifest.tables.items():
        for file in entry.files:
            listed.add(file.path)
            path = release.root / file.path
            if _leaves(file.path) or not path.is_file():
                problems.append(Problem("file-gone", "the file is missing", where=file.path))
            elif path.stat().st_size != file.size or sha256_file(path) != file.sha256:
                problems.append(
                    Problem(
                        "file-changed",
                        "the bytes are not those of the manifest",
                        where=file.path,
                        hint=_REBUILD,
                    )
                )
        if name not in TABLES:
            problems.append(Problem("unknown-table", f"no table is named {name!r}", where=name))
    disk_paths = {p.relative_to(release.root).as_posix() for p in _data_files(release.root)}
    problems += [
        Problem("stray-file", "the manifest does not list this file", where=path)
        for path in sorted(disk_paths - listed - set(OTHER_FILES))
    ]
    return Check("files and their sha256", tuple(problems), f"{len(listed)} files")


def _leaves(path: str) -> bool:
    """Whether a path of the manifest points out of the release."""
    return PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts


def _data_files(root: Path) -> Iterator[Path]:
    for path in root.rglob("*"):
        parts = path.relative_to(root).parts
        if path.is_file() and not any(part.startswith(".") for part in parts[:-1]):
            yield path


def read_batches(release: Release, entry: TableEntry, split: str) -> Iterator[pa.RecordBatch]:
    """The batches of one split of a table, file by file, in order."""
    for file in entry.files:
        if split_of(file.path) == split:
            yield from pq.ParquetFile(release.root / file.path).iter_batches(batch_size=1 << 16)


def split_of(path: str) -> str:
    """Split in the name of a file: `responses/train-00000-of-00001.parquet` -> `train`."""
    return PurePosixPath(path).name.partition("-")[0]


def check_schemas(release: Release) -> Check:
    """Every file has the columns of its table."""
    problems = []
    for name, entry in release.manifest.tables.items():
        for file in entry.files:
            schema = pq.read_schema(release.root / file.path)
            problems += [
                Problem("schema", text, where=file.path)
                for text in schema_problems(name, schema, major=release.schema_major)
            ]
    return Check("columns", tuple(problems), f"{len(release.manifest.tables)} tables")


def check_rows(release: Release, visit: Visitor) -> Check:
    """Rows and their digests are those of the manifest; `visit` sees every batch on the way."""
    problems = []
    total = 0
    for name, entry in release.manifest.tables.items():
        rows: dict[str, int] = {}
        splits = dict.fromkeys(split_of(file.path) for file in entry.files)

        def watched(
            split: str, table: str = name, seen: dict[str, int] = rows
        ) -> Iterator[pa.RecordBatch]:
            for batch in read_batches(release, release.manifest.tables[table], split):
                seen[split] = seen.get(split, 0) + batch.num_rows
                visit(table, split, batch)
                yield batch

        digest = table_row_digest((split, watched(split)) for split in splits)
        problems += _row_problems(name, entry, rows, digest)
        total += sum(rows.values())
    return Check("rows and row digests", tuple(problems), f"{total:,} rows")


def _row_problems(name: str, entry: TableEntry, rows: dict[str, int], digest: str) -> list[Problem]:
    problems = []
    if sum(rows.values()) != entry.rows or entry.rows != sum(file.rows for file in entry.files):
        problems.append(
            Problem(
                "rows",
                "the number of rows is not that of the manifest",
                where=name,
                found=f"{sum(rows.values()):,}",
                allowed=f"{entry.rows:,}",
                hint=_REBUILD,
            )
        )
    if digest != entry.row_digest:
        problems.append(
            Problem(
                "row-digest", "the rows are not those of the manifest", where=name, hint=_REBUILD
            )
        )
    return problems


def check_card(release: Release) -> Check:
    """The card's configs are the release's tables, and both say when people are made up."""
    path = release.root / CARD_NAME
    if not path.is_file():
        return Check("dataset card", (Problem("no-card", f"{CARD_NAME} is missing"),))
    text = path.read_text(encoding="utf-8")
    problems = []
    if card_configs(text) != configs(release.manifest):
        problems.append(
            Problem(
                "card-configs",
                "the card's configs are not those of the tables",
                where=CARD_NAME,
                hint=_REBUILD,
            )
        )
    return Check("dataset card", gathered(problems, _label_problems(release, text)))


def _label_problems(release: Release, card: str) -> list[Problem]:
    """SYNTHETIC stands in manifest, source version and card, or in none of them."""
    marked_synthetic = {
        "manifest": release.manifest.synthetic is not None,
        "source version": any(
            "SYNTHETIC" in source.survey_version.upper() for source in release.manifest.sources
        ),
        "card": "SYNTHETIC" in card or "SYNTHETIC" in title(release.manifest),
    }
    if len(set(marked_synthetic.values())) == 1:
        return []
    return [
        Problem(
            "synthetic-label",
            "not all places agree on whether the people are made up",
            found=", ".join(
                f"{place}: {'yes' if yes else 'no'}" for place, yes in marked_synthetic.items()
            ),
            hint=_REBUILD,
        )
    ]
