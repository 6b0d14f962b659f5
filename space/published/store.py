"""Put the published answers into a store: reports at once, cells when someone looks at them."""

from __future__ import annotations

import gzip
import io
from functools import cache
from pathlib import Path

from contracts.atomic import atomic_file, write_text
from contracts.digests import pretty_json
from contracts.errors import ContractError
from contracts.report import Report, report_text
from scoring.maps.model import MapFile
from scoring.maps.opinion_plane import OpinionPlane
from scoring.maps.plane_file import read_plane
from space.published.answers import (
    PublishedRow,
    folder,
    published_answer_rows,
    write_published_predictions,
)
from space.published.measured import measured_rows, write_measured_predictions

#: Class of the rows.
PUBLISHED = "published"


def pack_report(report: Report, path: Path) -> None:
    """Write a report packed, the same bytes for the same report."""
    pack_text(report_text(report), path)


def pack_text(text: str, path: Path) -> None:
    """Write a text packed, the same bytes for the same text."""
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0, filename="") as file:
        file.write(text.encode())
    with atomic_file(path) as partial:
        partial.write_bytes(packed.getvalue())


def published_maps() -> MapFile:
    """The maps of the reference with all published rows; their marks are named by row."""
    return _published_maps()


@cache
def _published_maps() -> MapFile:
    packed = folder() / "maps.json.gz"
    return MapFile.model_validate_json(gzip.decompress(packed.read_bytes()))


@cache
def published_plane() -> OpinionPlane:
    """The opinion plane of the reference, on which every model of a board is placed."""
    packed = folder() / "plane.json.gz"
    return read_plane(gzip.decompress(packed.read_bytes()).decode())


def _rows() -> dict[str, PublishedRow]:
    return {row.row_id: row for row in published_answer_rows()}


def predictions_on_demand(row_id: str, folder: Path) -> Path | None:
    """Write the predictions of a published row into `folder` when someone needs them.

    Returns:
        Where they lie; None where this is no published row, or the folder takes none.
    """
    row = _rows().get(row_id)
    if row is None:
        return None
    path = folder / f"{row_id}.jsonl"
    try:
        write_published_predictions(row, path)
    except (OSError, ContractError):
        return None
    return path


def add_published(root: Path) -> list[str]:
    """Put all rows, the measured ones with their predictions, and the baselines of the reference
    into the store at `root`.

    Returns:
        Ids of the rows.
    """
    for name in ("reports", "predictions", "entries"):
        (root / name).mkdir(parents=True, exist_ok=True)
    rows = _rows()
    for name in measured_rows():
        write_measured_predictions(name, root / "predictions" / f"{name}.jsonl")
    made = []
    for packed in sorted((folder() / "reports").glob("*.json.gz")):
        name = packed.name.removesuffix(".json.gz")
        row_class = PUBLISHED if name in rows else "verified"
        write_text(root / "entries" / f"{name}.json", pretty_json({"class": row_class}))
        with atomic_file(root / "reports" / f"{name}.json") as partial:
            partial.write_bytes(gzip.decompress(packed.read_bytes()))
        made.append(name)
    return made
