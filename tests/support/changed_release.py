"""Change a release as a mistaken builder would: a table, and the manifest with it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from contracts.digests import sha256_file
from contracts.release.write import table_row_digest
from dataset_builder.verifying.outcome import Verification

Change = Callable[[pa.Table], pa.Table]


def edit_manifest(folder: Path, change: Callable[[dict], object]) -> None:
    path = folder / "manifest.json"
    manifest = json.loads(path.read_text())
    change(manifest)
    path.write_text(json.dumps(manifest))


def rewrite(folder: Path, name: str, change: Change, split: str = "data") -> None:
    """Change a table and the manifest with it, as a mistaken builder would have written both."""
    path = sorted((folder / name).glob(f"{split}-00000-of-*.parquet"))[0]
    pq.write_table(change(pq.read_table(path)), path, store_schema=False)

    def settle(manifest: dict) -> None:
        entry = manifest["tables"][name]
        parts: dict[str, list[pa.Table]] = {}
        for file in entry["files"]:
            place = folder / file["path"]
            file["rows"] = pq.read_metadata(place).num_rows
            file["size"] = place.stat().st_size
            file["sha256"] = sha256_file(place)
            parts.setdefault(place.name.partition("-")[0], []).append(pq.read_table(place))
        entry["rows"] = sum(file["rows"] for file in entry["files"])
        entry["row_digest"] = table_row_digest(parts.items())

    edit_manifest(folder, settle)


def replace_column(name: str, change: Callable[[np.ndarray], object]) -> Change:
    def apply(table: pa.Table) -> pa.Table:
        kind = table.schema.field(name).type
        old = np.array(table.column(name).to_pylist(), dtype=object)
        new = pa.array(list(change(old)), kind)  # type: ignore[call-overload]
        return table.set_column(table.column_names.index(name), name, new)

    return apply


def codes(found: Verification) -> set[str]:
    return {problem.code for problem in found.problems}
