"""The maps with the models of a board: countries as published, models by what the index keeps."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping

from scoring.maps.model import MapFile, Mark, NotPlaced
from space.board.placing import WAVE
from space.board.store import Store
from space.published.store import published_maps

#: Models that a map of the whole board shows.
MOST_MODELS = 30


def board_maps(store: Store) -> MapFile:
    """The maps with the models without steering, whoever ran them; marks are named by row."""
    return maps_with(board_marks(store))


def board_marks(
    store: Store, *, steering: str = "none", language: str = "en"
) -> Mapping[str, list[Mark | NotPlaced]]:
    """Marks of the board's models under one condition, by map."""
    with store.connect() as db:
        placed_rows = db.execute(
            "SELECT p.* FROM places p JOIN rows r USING (row_id) "
            "LEFT JOIN scores s ON s.row_id = r.row_id AND s.name = 'alignment' "
            "WHERE r.kind = 'model' AND r.synthetic = 0 AND r.same_as = '' "
            "AND r.steering = ? AND r.language = ? "
            "ORDER BY s.estimate IS NULL, s.estimate DESC, r.row_id, p.map LIMIT ?",
            (steering, language, 2 * MOST_MODELS),
        ).fetchall()
    return _marks(placed_rows)


def row_maps(store: Store, row_id: str) -> MapFile | None:
    """The maps with one row alone; None where it is placed on none of them."""
    with store.connect() as db:
        placed_rows = db.execute("SELECT * FROM places WHERE row_id = ?", (row_id,)).fetchall()
    return (
        maps_with(_marks(placed_rows)) if any(row["x"] is not None for row in placed_rows) else None
    )


def names_of(store: Store, row_ids: Iterable[str]) -> dict[str, str]:
    """Names of rows by id."""
    wanted = list(row_ids)
    marks = ", ".join("?" for _ in wanted)
    with store.connect() as db:
        return dict(
            db.execute(f"SELECT row_id, name FROM rows WHERE row_id IN ({marks})", wanted)  # noqa: S608
        )


def _marks(rows: Iterable[sqlite3.Row]) -> Mapping[str, list[Mark | NotPlaced]]:
    marks_by_map: dict[str, list[Mark | NotPlaced]] = {}
    for row in rows:
        about = {"kind": "model", "name": row["row_id"], "wave": WAVE}
        marks_by_map.setdefault(row["map"], []).append(
            NotPlaced.model_validate({**about, "reason": row["reason"]})
            if row["x"] is None
            else Mark.model_validate(
                {**about, **{key: row[key] for key in ("x", "y", "outside", "questions")}}
            )
        )
    return marks_by_map


def maps_with(models: Mapping[str, Iterable[Mark | NotPlaced]]) -> MapFile:
    """The published countries with these models, by map."""
    made = published_maps()
    pictures = []
    for picture in made.maps:
        ours = list(models.get(picture.map, ()))
        pictures.append(
            picture.model_copy(
                update={
                    "marks": [mark for mark in picture.marks if mark.kind == "country"]
                    + [one for one in ours if isinstance(one, Mark)],
                    "not_placed": [one for one in picture.not_placed if one.kind == "country"]
                    + [one for one in ours if isinstance(one, NotPlaced)],
                }
            )
        )
    return made.model_copy(update={"maps": pictures})
