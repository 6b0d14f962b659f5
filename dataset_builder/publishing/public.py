"""The public face of a release: its aggregates under disclosure control."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from contracts.atomic import atomic_folder
from contracts.errors import ContractError, Problem
from contracts.release.disclosure import round_count
from contracts.release.manifest import Disclosure, Manifest
from contracts.release.read import ProtectedRelease, Release
from contracts.release.tables import AGGREGATE_TABLES, REQUIRED_TABLES
from contracts.release.write import write_tables
from contracts.versions import RELEASE_SCHEMA_VERSION
from dataset_builder.build import write_descriptions
from dataset_builder.manifest import public_counts, public_split
from dataset_builder.tables.tasks import TABLE as TASKS
from dataset_builder.tables.tasks import tasks_table


def make_public(release: Release, out: Path) -> Manifest:
    """Write what may be public of a release into a folder of its own.

    The result is that of `build --public` on the same files: `questions`, `countries`,
    `distributions` and `correlations` under the disclosure rule, and the `tasks` made of them.

    Raises:
        ContractError: the release lacks a table, or the folder cannot be written.
    """
    lacking = [name for name in REQUIRED_TABLES if not release.has(name)]
    if lacking:
        raise ContractError(
            Problem(
                "no-table", "the release lacks tables", where=release.source, found=str(lacking)
            )
        )
    tables, disclosure = _public_tables(release)
    old = release.manifest
    with atomic_folder(out) as partial:
        entries = write_tables(partial, tables)
        manifest = old.model_copy(
            update={
                "schema_version": RELEASE_SCHEMA_VERSION,
                "name": old.name if old.public else f"{old.name}-public",
                "public": True,
                "tables": entries,
                "counts": public_counts(old.counts),
                "split": public_split(old.split),
                "demographics": "none",
                "unlisted_codes": [],
                "disclosure": disclosure,
            }
        )
        write_descriptions(partial, manifest)
    return manifest


def _public_tables(release: Release) -> tuple[dict[str, pa.Table], Disclosure]:
    """Tables of the public release, and what was held back of them."""
    view = release.protected()
    if not isinstance(view, ProtectedRelease):
        tables = {name: view.table(name) for name in AGGREGATE_TABLES if view.has(name)}
        return tables, view.manifest.disclosure
    tables = {
        "questions": view.table("questions"),
        "distributions": view.published.table,
        "countries": _rounded_countries(view.table("countries")),
    }
    tasks = tasks_table(view.published.table)
    if tasks.num_rows:
        tables[TASKS] = tasks
    if view.has("correlations") and view.correlations.num_rows:
        tables["correlations"] = view.correlations
    return tables, view.published.disclosure


def _rounded_countries(table: pa.Table) -> pa.Table:
    """`countries` with rounded numbers of respondents."""
    column = table.column("respondents").combine_chunks()
    exact = pc.list_flatten(column)
    rounded = pa.array(round_count(exact.to_numpy()).astype("int32"))
    lists = pa.ListArray.from_arrays(column.offsets, rounded)
    return table.set_column(table.column_names.index("respondents"), "respondents", lists)
