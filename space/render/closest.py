"""Which rows come closest to a country, or on a question."""

from __future__ import annotations

from space.board.store import Store
from space.render.table import plain_table
from space.render.text import badge, esc, link, notice, score

#: How many rows are listed.
SHOWN = 15


def closest_rows(
    store: Store, *, kind: str, name: str, limit: int = SHOWN
) -> list[dict[str, object]]:
    """Models by their alignment with one part of real people, best first.

    Baselines, people's own ceiling and further rows with the same answers are not among them.

    Args:
        store: the store.
        kind: `country`, `question`, `category`, `continent` or `group`.
        name: name of the part.
        limit: how many rows at most.
    """
    with store.connect() as db:
        found = db.execute(
            "SELECT r.row_id, r.name, r.kind, r.method, r.steering, r.language, r.wave, r.derived, "
            "p.estimate, p.low, p.high, p.coverage, p.questions "
            "FROM parts p JOIN rows r USING (row_id) "
            "WHERE p.kind = ? AND p.name = ? AND p.estimate IS NOT NULL "
            "AND r.kind = 'model' AND r.synthetic = 0 AND r.same_as = '' "
            "ORDER BY p.estimate DESC, r.name, r.row_id LIMIT ?",
            (kind, name, limit),
        ).fetchall()
    return [dict(row) for row in found]


def closest_html(store: Store, *, kind: str, name: str, title: str) -> str:
    """The closest rows as a table with a heading."""
    found = closest_rows(store, kind=kind, name=name)
    heading = f"<h2>Closest to {esc(title)}</h2>"
    if not found:
        return heading + notice("No row of the board was scored on it.")
    table = plain_table(
        ("Row", "Alignment", "Method", "Steering", "Language", "Wave"),
        [
            (
                (
                    esc(row["name"])
                    if row["derived"]
                    else link("model", row["name"], row=str(row["row_id"]))
                )
                + ("" if row["kind"] == "model" else " " + badge(str(row["kind"]))),
                score(row),
                esc(row["method"]),
                esc(row["steering"]),
                esc(row["language"]),
                esc(row["wave"]),
            )
            for row in found
        ],
        label=f"Closest to {title}",
        numeric=(1,),
    )
    return heading + table
