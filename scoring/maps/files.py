"""Map files: JSON with everything, CSV with one line per mark, SVG to look at."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path

from contracts.atomic import write_text
from contracts.digests import pretty_json
from contracts.errors import fail
from scoring.maps.model import MapFile
from scoring.maps.picture import map_svg

#: Columns of the CSV file.
COLUMNS = ("map", "kind", "name", "wave", "x", "y", "outside")


def map_json(maps: MapFile) -> str:
    """Everything that is known of the maps."""
    return pretty_json(maps.model_dump(mode="json"))


def map_csv(maps: MapFile) -> str:
    """One line per mark; cultural map: x survival to self-expression, y traditional to secular."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for picture in maps.maps:
        for mark in picture.marks:
            outside = "" if mark.outside is None else f"{mark.outside:.4f}"
            place = (f"{mark.x:.4f}", f"{mark.y:.4f}")
            writer.writerow((picture.map, mark.kind, mark.name, mark.wave, *place, outside))
    return out.getvalue()


_FORMS: dict[str, Callable[[MapFile], str]] = {
    ".json": map_json,
    ".csv": map_csv,
    ".svg": map_svg,
}


def check_ending(path: Path) -> None:
    """Refuse a file name whose ending names no form.

    Raises:
        ContractError: the ending is not one of .json, .csv and .svg.
    """
    if path.suffix.lower() not in _FORMS:
        raise fail(
            "unknown-ending",
            "the ending of the file says in which form the maps are written",
            where=str(path),
            found=path.suffix or "no ending",
            allowed=", ".join(_FORMS),
        )


def write_maps(maps: MapFile, path: Path) -> None:
    """Write maps in the form that the file's ending names, in one step."""
    check_ending(path)
    write_text(path, _FORMS[path.suffix.lower()](maps))
