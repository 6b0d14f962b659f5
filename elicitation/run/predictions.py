"""Write the predictions of a run from its store: one file for each condition."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from contracts.errors import fail
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import write_predictions
from elicitation.run.advice_records import JUDGE_FACT, JUDGE_FIELDS, gather_advice
from elicitation.run.gather import (
    Gathered,
    cell_order,
    gather_distributions,
    gather_persons,
    gather_ratings,
)
from elicitation.run.store import Store

#: Facts of a store that predictions are written from.
CONDITIONS_FACT = "conditions"

#: What no name of a file holds: folders, spaces and what shells read.
_UNSAFE = re.compile(r"[^\w.+=-]+")


class WrittenFile(NamedTuple):
    """A predictions file and what was read for it.

    Attributes:
        path: the file.
        condition: name of the condition.
        records: number of records.
        expected: number of calls that the plan has for it.
        statuses: answers by status.
        notes: repairs and reasons, counted.
        second_tries: answers taken from the second try.
        mass: mass of all labels or options together, see `mass_summary`; None where not scored.
        kind: kind of predictions.
    """

    path: Path
    condition: str
    records: int
    expected: int
    statuses: Counter[str]
    notes: Counter[str]
    second_tries: int
    mass: Mapping[str, Any] | None = None
    kind: str = "distribution"

    @property
    def is_mostly_unread(self) -> bool:
        """Whether under half of the answers that came back can be read."""
        return 2 * self.readable < sum(self.statuses.values())

    @property
    def readable(self) -> int:
        """Answers that say something: read, read after repairs, or a refusal; advice that takes
        no side is advice."""
        readable_statuses = [
            "ok",
            "repaired",
            "refused",
            *(["invalid"] if self.kind == "advice" else []),
        ]
        return sum(self.statuses[status] for status in readable_statuses)

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "path": str(self.path),
            "condition": self.condition,
            "records": self.records,
            "expected": self.expected,
            "asked": sum(self.statuses.values()),
            "answered": self.readable,
            "statuses": dict(sorted(self.statuses.items())),
            "notes": dict(self.notes.most_common()),
            "second_tries": self.second_tries,
            **({"label_mass": self.mass} if self.mass else {}),
        }


def write_run_predictions(
    store: Store, folder: Path, *, suffix: str = ".jsonl"
) -> list[WrittenFile]:
    """Read every answer of a store again, and write the predictions of each condition.

    Args:
        store: the store of a run.
        folder: folder for the files; made if needed.
        suffix: format of the files.

    Returns:
        What was written, in the order of the conditions; the same store gives the same files.

    Raises:
        ContractError: the store holds no study.
    """
    conditions = store.fact(CONDITIONS_FACT)
    if not conditions:
        raise fail("no-study", "the store holds no study yet", where=str(store.path))
    asked = set(store.conditions())
    folder.mkdir(parents=True, exist_ok=True)
    stems = file_stems({name: about["meta"]["name"] for name, about in conditions.items()})
    return [
        _write_one(store, folder / f"{stems[name]}{suffix}", name, about)
        for name, about in conditions.items()
        if name in asked
    ]


def file_stems(names: Mapping[str, str]) -> dict[str, str]:
    """Names of the files, by condition: those of the rows, which a user may state for all at once.

    Args:
        names: name of the row, by condition.
    """
    plain = {condition: _UNSAFE.sub("-", name).strip("-.") for condition, name in names.items()}
    uses = Counter(plain.values())
    return {
        condition: stem if stem and uses[stem] == 1 else f"{stem}_{condition}".lstrip("_")
        for condition, stem in plain.items()
    }


def _write_one(store: Store, path: Path, name: str, about: Mapping[str, Any]) -> WrittenFile:
    meta = PredictionsMeta.model_validate(about["meta"])
    gathered = _gather(store, name, about["kind"], meta)
    answers = {
        "expected": about["expected"],
        "statuses": dict(sorted(gathered.statuses.items())),
        "second_tries": gathered.second_tries,
    }
    if gathered.masses:
        answers["label_mass"] = mass_summary(gathered.masses, floor=_floor(meta))
    if gathered.scored_by:
        answers["scored_by"] = dict(sorted(gathered.scored_by.items()))
    extra = {**meta.extra, "answers": answers, **_judge(store, about["kind"])}
    final_meta = meta.model_copy(update={"extra": extra})
    path = write_predictions(
        path, cell_order(gathered.records), meta=final_meta, kind=about["kind"]
    )
    return WrittenFile(
        path,
        name,
        len(gathered.records),
        about["expected"],
        gathered.statuses,
        gathered.notes,
        gathered.second_tries,
        answers.get("label_mass"),
        about["kind"],
    )


def _floor(meta: PredictionsMeta) -> float:
    """Least mass of the labels that the study asked for."""
    return float(meta.decoding.get("min_label_mass", 0.0))


def mass_summary(masses: Sequence[float], *, floor: float) -> dict[str, Any]:
    """Median and least mass of all labels or options together, and how many answers lie below
    the floor."""
    return {
        "median": float(f"{median(masses):.6g}"),
        "min": float(f"{min(masses):.6g}"),
        "floor": floor,
        "below_floor": sum(mass < floor for mass in masses),
    }


def _judge(store: Store, kind: str) -> dict[str, Any]:
    """Who judged the advice that words leave open, and how far it agrees with them."""
    judged = store.fact(JUDGE_FACT) if kind == "advice" else None
    judge_facts = {name: judged[name] for name in JUDGE_FIELDS if name in judged} if judged else {}
    return {"judge": judge_facts} if judge_facts else {}


def _gather(store: Store, name: str, kind: str, meta: PredictionsMeta) -> Gathered:
    items = store.items(name)
    if kind == "rating":
        return gather_ratings(items, raw_codes=meta.coding == "raw")
    if kind == "persons":
        return gather_persons(items, min_mass=_floor(meta), seed=meta.seed or 0)
    if kind == "advice":
        verdicts = (store.fact(JUDGE_FACT) or {}).get("verdicts")
        return gather_advice(items, verdicts, min_mass=_floor(meta))
    return gather_distributions(items, min_mass=_floor(meta))
