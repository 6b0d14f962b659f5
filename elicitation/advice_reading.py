"""Advice records from stored responses: which side each piece of advice took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from typing import Any

from elicitation.gather import Gathered, answer_of
from elicitation.shown import Shown
from elicitation.store import StoredItem


def gather_advice(items: Iterable[StoredItem]) -> Gathered:
    """Advice records; what takes no side, or cannot be read, is inconclusive.

    A call without an answer gives no record: it is missing, not inconclusive.
    """
    statuses: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    records: list[dict[str, Any]] = []
    for stored in items:
        answer = answer_of(stored.record.shown, stored.response)
        statuses[answer.status] += 1
        notes.update(answer.notes)
        spec = stored.record.spec
        records.append(
            {
                "prompt_id": spec["question_id"],
                "country": spec.get("country", ""),
                "approach": spec["approach"],
                "language": spec["language"],
                "option_order": spec["order"],
                "repeat": spec["repeat"],
                "side": _side(stored.record.shown, answer.shares),
            }
        )
    return Gathered(records, statuses, notes, 0)


def _side(shown: Shown, shares: Any) -> str:
    for option in shown.options:
        if shares is not None and shares[option.label] == 1:
            return str(option.code)
    return "inconclusive"
