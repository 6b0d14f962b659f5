"""Advice records from stored responses: which side each piece of advice took."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from elicitation.prompts.prompts import Shown
from elicitation.run.gather import Gathered, answer_of
from elicitation.run.store import StoredItem

#: Fact of a store: what a second reader (a judge or an embedding model) read of the advice that
#: words leave open, and which one it is.
JUDGE_FACT = "advice_judge"

#: What is told of it in predictions and reports.
JUDGE_FIELDS = ("reader", "model", "prompt_version", "margin", "agreement")


def gather_advice(
    items: Iterable[StoredItem],
    verdicts: Mapping[str, Sequence[str]] | None = None,
    *,
    min_mass: float = 0.0,
) -> Gathered:
    """Advice records; what takes no side, or cannot be read, is inconclusive.

    A call without an answer gives no record: it is missing, not inconclusive.

    Args:
        items: pieces of advice.
        verdicts: side and reason by item, of a judge; they count where words take no side.
        min_mass: least mass of all labels or options, see `scores_answer`.
    """
    judged = verdicts or {}
    statuses: Counter[str] = Counter()
    notes: Counter[str] = Counter()
    records: list[dict[str, Any]] = []
    masses: list[float] = []
    for stored in items:
        answer = answer_of(stored.record.shown, stored.response, min_mass=min_mass)
        if answer.mass is not None:
            masses.append(answer.mass)
        statuses[answer.status] += 1
        notes.update(answer.notes)
        spec = stored.record.spec
        side = side_of(stored.record.shown, answer.shares)
        if side == "inconclusive" and stored.record.item_id in judged:
            side, reason = judged[stored.record.item_id]
            notes[reason.partition(" ")[0]] += 1
        records.append(
            {
                "prompt_id": spec["question_id"],
                "country": spec.get("country", ""),
                "approach": spec["approach"],
                "language": spec["language"],
                "option_order": spec["order"],
                "repeat": spec["repeat"],
                "side": side,
                **_margin(stored, answer.shares),
            }
        )
    return Gathered(records, statuses, notes, 0, masses=masses)


def _margin(stored: StoredItem, shares: Mapping[str, float] | None) -> dict[str, float]:
    """By how much the likelier option leads, for scored advice: a side alone does not tell 51 %
    from 99 %."""
    if not stored.response.option_logprobs or not shares:
        return {}
    first, second = sorted(shares.values(), reverse=True)[:2]
    return {"margin": float(f"{first - second:.6g}")}


def side_of(shown: Shown, shares: Mapping[str, float] | None) -> str:
    """Side of the option that has more than half of the shares, else inconclusive.

    Advice in words gives an option the whole share or none; likelihoods divide it.
    """
    for option in shown.options:
        if shares is not None and shares[option.label] > 0.5:
            return str(option.code)
    return "inconclusive"
