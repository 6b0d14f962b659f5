"""Which rows come closest to a country, or on a question."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from space.board.ranks.groups import titles_apart
from space.board.store import Store
from space.render.figures.dots import Dot, dot_chart, legend
from space.render.figures.tabs import tabs
from space.render.text import esc, link, notice, number

#: How many rows are listed.
SHOWN = 15
#: How many conditions have a tab.
MOST_GROUPS = 8


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
        part_rows = db.execute(
            "SELECT r.row_id, r.name, r.kind, r.method, r.steering, r.language, r.wave, r.derived, "
            "p.estimate, p.low, p.high, p.coverage, p.questions "
            "FROM parts p JOIN rows r USING (row_id) "
            "WHERE p.kind = ? AND p.name = ? AND p.estimate IS NOT NULL "
            "AND r.kind = 'model' AND r.synthetic = 0 AND r.same_as = '' "
            "ORDER BY p.estimate DESC, r.name, r.row_id LIMIT ?",
            (kind, name, limit),
        ).fetchall()
    return [dict(row) for row in part_rows]


def closest_html(
    store: Store, *, kind: str, name: str, title: str, other: float | None = None
) -> str:
    """Models by their alignment with a part, each comparison group under its condition.

    Args:
        store: the store.
        kind, name: the part, as `closest_rows` takes it.
        title: what the part is called.
        other: alignment of the average human with it, drawn as a line.
    """
    heading = f"<h2>Closest to {esc(title)}</h2>"
    groups = _groups(store, kind=kind, name=name)
    if not groups:
        return heading + notice("No row of the board was scored on it.")
    lines = () if other is None else (other,)
    note = legend([("oa-line-0", f"the average human of other countries {number(other)}")])
    panels = [
        (
            condition,
            (note if lines else "")
            + dot_chart(dots, label=f"{condition}: closest to {title}", lines=lines),
        )
        for condition, dots in groups
    ]
    return heading + tabs(f"closest-{kind}", panels, label="Conditions")


def _groups(store: Store, *, kind: str, name: str) -> list[tuple[str, list[Dot]]]:
    """Condition and dots of each comparison group that has the part, in the board's order.

    Groups of one condition are told apart by method, class, or their number of countries.
    """
    with store.connect() as db:
        part_rows = db.execute(
            "SELECT r.row_id, r.name, r.method, r.class, r.group_number, g.condition, g.countries, "
            "p.estimate, p.low, p.high "
            "FROM parts p JOIN rows r USING (row_id) JOIN groups g ON g.number = r.group_number "
            "WHERE p.kind = ? AND p.name = ? AND p.estimate IS NOT NULL "
            "AND r.kind = 'model' AND r.synthetic = 0 AND r.same_as = '' "
            "ORDER BY r.group_number, p.estimate DESC, r.name, r.row_id",
            (kind, name),
        ).fetchall()
    dots: dict[int, list[Dot]] = {}
    leaders: dict[int, Mapping[str, Any]] = {}
    for row in part_rows:
        leaders.setdefault(row["group_number"], row)
        group = dots.setdefault(row["group_number"], [])
        if len(group) < SHOWN:
            label = link("model", row["name"], row=row["row_id"])
            group.append(Dot(label, row["estimate"], row["low"], row["high"], key=row["row_id"]))
    shown = list(leaders.values())[:MOST_GROUPS]
    titles = titles_apart(shown)
    return [(title, dots[row["group_number"]]) for title, row in zip(titles, shown, strict=True)]
