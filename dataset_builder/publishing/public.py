"""The public face of a release: its aggregates under disclosure control."""

from __future__ import annotations

from pathlib import Path

from contracts.atomic import atomic_folder
from contracts.disclosure import protect_distributions
from contracts.errors import ContractError, Problem
from contracts.manifest import Manifest
from contracts.release import Release
from contracts.release_writer import write_tables
from contracts.tables import AGGREGATE_TABLES
from dataset_builder.build import write_descriptions
from dataset_builder.manifest import RELEASE_COUNTS


def make_public(release: Release, out: Path) -> Manifest:
    """Write what may be public of a release into a folder of its own.

    The result is that of `build --public` on the same files: `questions`, `countries`, and the
    rows of `distributions` that pass the disclosure rule.

    Raises:
        ContractError: the release lacks a table, or the folder cannot be written.
    """
    lacking = [name for name in AGGREGATE_TABLES if not release.has(name)]
    if lacking:
        raise ContractError(
            Problem(
                "no-table", "the release lacks tables", where=release.source, found=str(lacking)
            )
        )
    protected = protect_distributions(release.table("distributions"))
    tables = {
        "questions": release.table("questions"),
        "distributions": protected.table,
        "countries": release.table("countries"),
    }
    old = release.manifest
    with atomic_folder(out) as partial:
        entries = write_tables(partial, tables)
        manifest = old.model_copy(
            update={
                "name": old.name if old.public else f"{old.name}-public",
                "public": True,
                "tables": entries,
                "counts": {k: n for k, n in old.counts.items() if k in RELEASE_COUNTS},
                "demographics": "none",
                "unlisted_codes": [],
                "disclosure": protected.disclosure,
            }
        )
        write_descriptions(partial, manifest)
    return manifest
