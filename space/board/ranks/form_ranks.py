"""Whether a row's rank holds when the models are asked in other forms.

A form is a comparison group of the same release, wave, rules, question set and class: another
steering, language, method, thinking or variant of the prompts. A row's rank holds in a form where
its model has the same place among the models that are ranked in both.
"""

from __future__ import annotations

import sqlite3
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from space.board.ranks.groups import condition_label

#: What the groups of one comparison over forms share.
_SHARED = (
    "release_digest", "wave", "mode", "question_set", "class", "synthetic", "trained_on_wvs",
)  # fmt: skip

#: Every ranked row of a model that is named.
_RANKED = (
    "SELECT * FROM rows WHERE rank IS NOT NULL AND kind = 'model' AND model != 'unknown' "
    "ORDER BY row_id"
)


class FormRank(NamedTuple):
    """A row's rank in one form.

    Attributes:
        row_id: the model's row there.
        label: the form in words.
        rank: place among the models of both forms.
        here: place among the same models in the row's own form.
        models: how many they are.
    """

    row_id: str
    label: str
    rank: int
    here: int
    models: int

    @property
    def holds(self) -> bool:
        """Whether the place is the same."""
        return self.rank == self.here


class FormScores(NamedTuple):
    """What the models score in one form.

    Attributes:
        row_id: the model's row there.
        label: the form in words.
        own: whether it is the form of the row that was asked about.
        estimate, low, high: the model's alignment with its interval.
        rank: place among the models of the form.
        models: how many they are.
        others: name and alignment of the other models.
    """

    row_id: str
    label: str
    own: bool
    estimate: float
    low: float | None
    high: float | None
    rank: int
    models: int
    others: tuple[tuple[str, float], ...]


def mark_forms(db: sqlite3.Connection) -> None:
    """Write into every ranked row in how many forms its rank holds, and of how many.

    The row's own form counts; rows of models that are ranked in one form only get neither.
    """
    db.execute("UPDATE rows SET holds = NULL, forms = NULL")
    rows = _ranked(db)
    for family in _families(rows):
        for row_id, other_ranks in _all_ranks(family).items():
            holds = 1 + sum(one.holds for one in other_ranks)
            db.execute(
                "UPDATE rows SET holds = ?, forms = ? WHERE row_id = ?",
                (holds, 1 + len(other_ranks), row_id),
            )


def form_ranks(db: sqlite3.Connection, row_id: str) -> list[FormRank]:
    """A row's rank in every other form, by the form's words; empty where there is none."""
    # Most rows were ranked in one form only, as the index says: the others need not be read.
    known = db.execute("SELECT forms FROM rows WHERE row_id = ?", (row_id,)).fetchone()
    if known is None or known[0] is None:
        return []
    rows = _ranked(db)
    own = next((row for row in rows if row["row_id"] == row_id), None)
    if own is None:
        return []
    family = [row for row in rows if _shared(row) == _shared(own)]
    return sorted(_all_ranks(family, only=row_id).get(row_id, []), key=lambda one: one.label)


def form_scores(db: sqlite3.Connection, row_id: str) -> list[FormScores]:
    """What a row's model and the others score in every form that the model is ranked in."""
    rows = _ranked(db)
    own = next((row for row in rows if row["row_id"] == row_id), None)
    if own is None:
        return []
    family = [row for row in rows if _shared(row) == _shared(own)]
    scores = {
        name: (estimate, low, high)
        for name, estimate, low, high in db.execute(
            "SELECT row_id, estimate, low, high FROM scores WHERE name = 'alignment' "
            "AND estimate IS NOT NULL"
        )
    }
    form_rows = []
    for form in _forms(family).values():
        mine = form.get(own["model"])
        if mine is None or mine["row_id"] not in scores:
            continue
        places = _places(form, form)
        others = tuple(
            (str(row["name"]), scores[row["row_id"]][0])
            for model, row in form.items()
            if model != own["model"] and row["row_id"] in scores
        )
        form_rows.append(
            FormScores(
                mine["row_id"],
                form_label(mine),
                mine["row_id"] == row_id,
                *scores[mine["row_id"]],
                places[own["model"]],
                len(form),
                others,
            )
        )
    return form_rows


def _ranked(db: sqlite3.Connection) -> list[dict[str, Any]]:
    cursor = db.execute(_RANKED)
    names = [one[0] for one in cursor.description]
    return [dict(zip(names, row, strict=True)) for row in cursor]


def _shared(row: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(row[name] for name in _SHARED)


def _families(rows: Iterable[dict[str, Any]]) -> list[list[dict[str, Any]]]:
    families: dict[tuple[Any, ...], list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        families[_shared(row)].append(row)
    return list(families.values())


def _forms(rows: Sequence[Mapping[str, Any]]) -> dict[int, dict[str, Mapping[str, Any]]]:
    """The rows of each form by model; of a model with several rows in a form the best counts."""
    forms: dict[int, dict[str, Mapping[str, Any]]] = defaultdict(dict)
    for row in sorted(rows, key=lambda one: (one["rank"], one["row_id"])):
        forms[row["group_number"]].setdefault(row["model"], row)
    return forms


def _all_ranks(
    rows: Sequence[Mapping[str, Any]], *, only: str | None = None
) -> dict[str, list[FormRank]]:
    """Ranks in other forms by row; of a model with several rows in a form the best counts."""
    forms = _forms(rows)
    ranks_by_row: dict[str, list[FormRank]] = defaultdict(list)
    for number, form in forms.items():
        if only is not None and only not in {row["row_id"] for row in form.values()}:
            continue
        for other_number, other in forms.items():
            common = form.keys() & other.keys()
            if number == other_number or len(common) < 2:
                continue
            here, there = _places(form, common), _places(other, common)
            for model in common:
                row = other[model]
                ranks_by_row[form[model]["row_id"]].append(
                    FormRank(
                        row["row_id"],
                        form_label(row),
                        there[model],
                        here[model],
                        len(common),
                    )
                )
    return ranks_by_row


def form_label(row: Mapping[str, Any]) -> str:
    """Condition, method and form of a row in words."""
    variant = f", {row['variant']}" if row["variant"] else ""
    return f"{condition_label(row)}, {row['method']}{variant}"


def _places(form: Mapping[str, Mapping[str, Any]], models: Iterable[str]) -> dict[str, int]:
    """Places of some of a form's models among each other, from 1."""
    order = sorted(models, key=lambda model: form[model]["rank"])
    return {model: place for place, model in enumerate(order, start=1)}


def mark_text(row: Mapping[str, Any]) -> str:
    """`holds in 5 of 6 forms`; "" for a row that was ranked in one form only."""
    if row.get("forms") is None:
        return ""
    return f"holds in {row['holds']} of {row['forms']} forms"
