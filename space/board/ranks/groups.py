"""Comparison groups: which rows may be sorted, ranked and tied with each other.

Rows of one group agree in everything of `rows.comparison_key`, and were asked the same cells: at
least 95 % of all the (country, question) cells that either of two scored are scored by both.
"""

from __future__ import annotations

import sqlite3
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from space.board.columns import FULL_COVERAGE
from space.board.rows import NO_CHOICE

Grid = tuple[list[str], list[str], np.ndarray[Any, Any]]


class Group(NamedTuple):
    """Rows that may be compared, and what they were asked.

    Attributes:
        row_ids: the rows with the most cells first.
        leader: the row with the most cells, which says what the group was asked.
        countries: number of countries of the leader; 0 where it has scores per question only.
        questions: number of its questions.
    """

    row_ids: list[str]
    leader: str
    countries: int
    questions: int


def overlap(first: Grid, second: Grid) -> float:
    """Cells that both scored as a share of the cells that either scored; 0 where neither did."""
    if (first[0] == [""]) != (second[0] == [""]):
        return 0.0
    countries = {name: i for i, name in enumerate(second[0])}
    questions = {name: i for i, name in enumerate(second[1])}
    known, other = np.isfinite(first[2]), np.isfinite(second[2])
    rows = np.array([countries.get(name, -1) for name in first[0]], int)
    columns = np.array([questions.get(name, -1) for name in first[1]], int)
    if not known.size or not other.size:
        return 0.0
    there = other[np.ix_(rows, columns)] & (rows >= 0)[:, None] & (columns >= 0)[None, :]
    both = int((known & there).sum())
    either = int(known.sum()) + int(other.sum()) - both
    return both / either if either else 0.0


def divide(grids: Mapping[str, Grid]) -> list[Group]:
    """Divide rows of one comparison key by the cells that they were asked.

    The row with the most cells leads the first group; each further row, in falling order of its
    cells, joins the first group whose leader it overlaps by 95 %, or leads one of its own. A
    row that lacks more of its leader's cells than that, and has no others, stays apart.
    """
    sizes = {row_id: int(np.isfinite(grid[2]).sum()) for row_id, grid in grids.items()}
    groups: list[Group] = []
    for row_id in sorted(grids, key=lambda one: (-sizes[one], one)):
        grid = grids[row_id]
        for group in groups:
            if overlap(grids[group.leader], grid) >= FULL_COVERAGE:
                group.row_ids.append(row_id)
                break
        else:
            countries, questions = _asked(grid)
            groups.append(Group([row_id], row_id, countries, questions))
    return groups


def _asked(grid: Grid) -> tuple[int, int]:
    known = np.isfinite(grid[2])
    countries = 0 if grid[0] == [""] else int(known.any(axis=1).sum())
    return countries, int(known.any(axis=0).sum())


#: Rows whose thinking was left to the model say nothing of it.
_NO_CHOICE = (None, "", NO_CHOICE)


def condition_label(row: Mapping[str, Any]) -> str:
    """The condition of a row in words: steering, language, thinking."""
    steering = {"none": "Unsteered", "persona": "Persona", "few-shot": "Few-shot"}
    language = {"en": "in English", "own": "in the country's language"}
    steering_words = steering.get(row["steering"], str(row["steering"]))
    spoken = language.get(row["language"], f"in {row['language']}")
    thinking = f", thinking {row['thinking']}" if row["thinking"] not in _NO_CHOICE else ""
    return f"{steering_words}, {spoken}{thinking}"


#: What of a group is named only where it is not the usual.
_USUAL = {"mode": "corrected", "question_set": "alignment", "trained_on_wvs": "no"}
_SPOKEN = {"trained_on_wvs": "trained on WVS"}


def group_title(row: Mapping[str, Any], group: Group) -> str:
    """Heading of a group: condition, method, cells, class, and what is unusual about it."""
    places = f"{group.countries} countries, " if group.countries else ""
    questions = f"{group.questions} questions" if group.questions else "no scores by question"
    method = " ".join(text for text in (row["method"], row["variant"]) if text)
    parts = [condition_label(row), method, f"{places}{questions}"]
    parts += [_SPOKEN.get(key, str(row[key])) for key, usual in _USUAL.items() if row[key] != usual]
    parts += [str(row["wording"]), str(row["class"]), str(row["release"]), f"wave {row['wave']}"]
    if row["synthetic"]:
        parts.append("synthetic people")
    return " · ".join(part for part in parts if part not in ("", "unknown"))


#: Order of conditions among groups of one size.
_ORDER = {"none": 0, "persona": 1, "few-shot": 2}


def short_condition(row: Mapping[str, Any]) -> str:
    """The condition of a row as the title of a tab."""
    steering = {"none": "Unsteered", "persona": "Persona", "few-shot": "Few-shot"}
    steering_words = steering.get(row["steering"], str(row["steering"]))
    language = {"en": "", "own": "own language"}.get(row["language"], str(row["language"]))
    if steering_words == "Unsteered" and language == "own language":
        steering_words, language = "Own language", ""
    thinking = f"thinking {row['thinking']}" if row["thinking"] not in _NO_CHOICE else ""
    return ", ".join(part for part in (steering_words, language, thinking) if part)


def titles_apart(groups: Sequence[Mapping[str, Any]]) -> list[str]:
    """Titles of groups by condition; those of one condition are told apart by what else differs.

    Args:
        groups: each with `condition`, and the `method`, `class` and `countries` of its leader.
    """
    titles = [str(one["condition"]) for one in groups]
    for more in (
        lambda one: str(one["method"]).replace("_", " "),
        lambda one: str(one["class"]),
        lambda one: f"{one['countries']} countries",
    ):
        repeated = {title for title, times in Counter(titles).items() if times > 1}
        details = [more(one) for one in groups]
        for title in repeated:
            places = [at for at, one in enumerate(titles) if one == title]
            if len({details[at] for at in places}) > 1:
                for at in places:
                    titles[at] = f"{title}, {details[at]}"
    return titles


def write_groups(db: sqlite3.Connection, groups: Sequence[Group]) -> None:
    """Number the groups in the order in which the board shows them and write them down.

    Real people come first, then the groups over the most countries, the largest, and by title.
    """
    rows = {row["row_id"]: row for row in _named(db)}
    titled = [(group_title(rows[group.leader], group), group) for group in groups]

    def order(one: tuple[str, Group]) -> tuple[Any, ...]:
        title, group = one
        row = rows[group.leader]
        condition = (row["language"] != "en", _ORDER.get(row["steering"], len(_ORDER)))
        size = (-group.countries, -len(group.row_ids))
        return (row["synthetic"], *size, *condition, title, group.leader)

    db.execute("DELETE FROM groups")
    for number, (title, group) in enumerate(sorted(titled, key=order), start=1):
        row = rows[group.leader]
        db.execute(
            "INSERT INTO groups VALUES (?, ?, ?, ?, ?, ?, ?)",
            (
                number,
                title,
                short_condition(row),
                group.leader,
                group.countries,
                group.questions,
                len(group.row_ids),
            ),
        )
        db.executemany(
            "UPDATE rows SET group_number = ? WHERE row_id = ?",
            [(number, row_id) for row_id in group.row_ids],
        )


def _named(db: sqlite3.Connection) -> list[dict[str, Any]]:
    cursor = db.execute("SELECT * FROM rows")
    names = [one[0] for one in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]
