"""What the index holds as a whole: names for the facets, counts, versions, dates."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from codebook.countries import countries
from codebook.questions import CATEGORIES
from space.board.columns import FACETS, PARTS, Column, all_columns, part_column
from space.board.store import Store


@dataclass(frozen=True)
class Facts:
    """What a board can be asked for.

    Attributes:
        known: names per facet and kind of part; `score` lists all score names.
        counts: number of rows per facet and name.
        columns: every column by key, parts left out.
        releases: name and version of each release, newest row first.
        scorers: scorer versions in the store, rising.
        updated: time of the newest report, seconds since 1970; 0 without reports.
        reports: number of reports that are rows.
        problems: reports that could not be read: id and message.
    """

    known: Mapping[str, tuple[str, ...]]
    counts: Mapping[str, Mapping[str, int]]
    columns: Mapping[str, Column]
    releases: tuple[str, ...]
    scorers: tuple[str, ...]
    updated: float
    reports: int
    problems: tuple[tuple[str, str], ...]

    def column(self, key: str) -> Column:
        """The column of a key, parts included."""
        if key in self.columns:
            return self.columns[key]
        return part_column(key, part_title(key))


def part_title(key: str) -> str:
    """Heading of a part: a country's or category's name."""
    kind, _, name = key.partition(":")
    if kind == "country" and name in countries():
        return countries()[name].name
    if kind == "category":
        return CATEGORIES.get(name, name)
    return name.replace(";", ", ").replace("=", ": ")


def read_facts(store: Store) -> Facts:
    """The facts of a store's index, cached until the index changes.

    Raises:
        ContractError: the index cannot be read; a new one is being built.
    """
    stamp = store.stamp()
    try:
        return _cached_facts(store.index_path, stamp)
    except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
        raise store.damaged(error) from None


@lru_cache(maxsize=4)
def _cached_facts(path: Path, stamp: tuple[int, int]) -> Facts:  # noqa: ARG001
    db = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        return _read(db)
    finally:
        db.close()


def _read(db: sqlite3.Connection) -> Facts:
    counts = {facet: _facet_counts(db, facet) for facet in FACETS}
    known = {facet: tuple(names) for facet, names in counts.items()}
    for kind in PARTS:
        part_rows = db.execute("SELECT DISTINCT name FROM parts WHERE kind = ?", (kind,))
        known[kind] = tuple(
            sorted((row[0] for row in part_rows), key=lambda n: part_title(f"{kind}:{n}"))
        )
    scores = tuple(
        row[0] for row in db.execute("SELECT name FROM scores GROUP BY name ORDER BY name")
    )
    known["score"] = scores
    updated = db.execute("SELECT value FROM meta WHERE key = 'updated'").fetchone()
    return Facts(
        known=known,
        counts=counts,
        columns=all_columns(scores),
        releases=_column(
            db, "SELECT release FROM rows GROUP BY release ORDER BY MAX(updated) DESC"
        ),
        scorers=_column(db, "SELECT DISTINCT scorer_version FROM rows ORDER BY 1"),
        updated=float(updated[0]) if updated else 0.0,
        reports=db.execute("SELECT COUNT(*) FROM rows WHERE derived = 0").fetchone()[0],
        problems=tuple(
            (row[0], row[1])
            for row in db.execute("SELECT row_id, problem FROM files WHERE problem != ''")
        ),
    )


def _column(db: sqlite3.Connection, query: str) -> tuple[str, ...]:
    return tuple(str(row[0]) for row in db.execute(query))


def _facet_counts(db: sqlite3.Connection, facet: str) -> dict[str, int]:
    column = "protocols" if facet == "protocol" else facet
    counts: dict[str, int] = {}
    query = f'SELECT "{column}", COUNT(*) FROM rows GROUP BY 1 ORDER BY 1'  # noqa: S608
    for names, number in db.execute(query):
        for name in str(names).split(" ") if facet == "protocol" else [str(names)]:
            counts[name] = counts.get(name, 0) + int(number)
    return counts
