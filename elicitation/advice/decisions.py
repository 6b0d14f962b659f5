"""Every piece of advice of a run with the side it was read to take, by whom, and why.

Words decide where they can (`reading.advice`). With a judge model, what the words leave open is
judged, and a sample of what they decide as well, so that the two readers can be compared.
"""

from __future__ import annotations

import csv
import io
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from contracts.atomic import write_text
from contracts.errors import ContractError, Problem, fail
from elicitation.advice.options import MARGIN
from elicitation.advice.second_readers import (
    EMBEDDING_VERSION,
    Verdict,
    advice_text,
    embed_items,
    judge_items,
    judge_prompt_version,
)
from elicitation.backends.base import Backend
from elicitation.backends.embedders import Embedder
from elicitation.prompts.advice import is_advice
from elicitation.prompts.prompts import BLOCK_SEPARATOR
from elicitation.run.advice_records import JUDGE_FACT, side_of
from elicitation.run.gather import answer_of
from elicitation.run.store import Store, StoredItem
from elicitation.study.advice import WITH_PERSONA

#: What a person writes for a piece of advice.
PERSON_LABELS = ("1", "2", "0")
_LABEL_COLUMNS = ("item_id", "situation", "option_1", "option_2", "advice", "label")


class Decision(NamedTuple):
    """A side and how it was come by.

    Attributes:
        item_id: the item.
        side: high, low or inconclusive.
        reader: `words`, `likelihood`, `judge` or `embedding`.
        reason: for words `exact`, or their notes and status; for a likelihood that of the high
            option, renormalised, as `high-0.7312`; for the others see their modules.
    """

    item_id: str
    side: str
    reader: str
    reason: str


def advice_items(store: Store) -> list[StoredItem]:
    """The answered pieces of advice of a run; those of other protocols are left out."""
    return [stored for stored in store.items() if is_advice(stored.record.shown)]


def decisions(items: Iterable[StoredItem], judged: dict[str, Any]) -> list[Decision]:
    """A decision for each item.

    Args:
        items: pieces of advice.
        judged: what `JUDGE_FACT` holds, or nothing.
    """
    verdicts, reader = judged.get("verdicts", {}), judged.get("reader", "judge")
    return [_decision(stored, verdicts, reader) for stored in items]


def _decision(stored: StoredItem, verdicts: dict[str, list[str]], reader: str) -> Decision:
    item_id = stored.record.item_id
    words = by_words(stored)
    if words.side == "inconclusive" and item_id in verdicts:
        return Decision(item_id, verdicts[item_id][0], reader, verdicts[item_id][1])
    return words


def by_words(stored: StoredItem) -> Decision:
    """What the words alone say, or the likelihood of the two options."""
    shown = stored.record.shown
    answer = answer_of(shown, stored.response)
    side = side_of(shown, answer.shares)
    reason = "+".join(answer.notes) or ("exact" if answer.status == "ok" else answer.status)
    if shown.reader != "scores":
        return Decision(stored.record.item_id, side, "words", reason)
    if answer.shares is not None:
        high = sum(answer.shares[one.label] for one in shown.options if one.code == "high")
        reason = f"high-{high:.4f}"
    return Decision(stored.record.item_id, side, "likelihood", reason)


def judge_run(
    store: Store, backend: Backend, path: Path, *, model: str, sample: int = 100, seed: int = 0
) -> Agreement:
    """Have a judge read what words leave open, and a sample of what they decide.

    The verdicts go to the run's store; predictions written from now on use those on advice that
    the words leave open. Refusals and empty answers are not judged.

    Returns:
        Agreement of judge and words on the sample of decided advice.
    """
    reader_facts = {
        "reader": "judge",
        "model": model,
        "backend": backend.describe(),
        "prompt_version": judge_prompt_version(),
    }
    return _second_reading(
        store,
        lambda items: judge_items(items, backend, path),
        judge_facts=reader_facts,
        sample=sample,
        seed=seed,
    )


def embed_run(
    store: Store,
    embedder: Embedder,
    *,
    model: str,
    margin: float = MARGIN,
    sample: int = 100,
    seed: int = 0,
) -> Agreement:
    """The same with an embedding model in place of the judge; see `advice_embedding`."""
    reader_facts = {
        "reader": "embedding",
        "model": model,
        "backend": embedder.describe(),
        "prompt_version": EMBEDDING_VERSION,
        "margin": margin,
    }
    return _second_reading(
        store,
        lambda items: embed_items(items, embedder, margin=margin),
        judge_facts=reader_facts,
        sample=sample,
        seed=seed,
    )


def _second_reading(
    store: Store,
    read: Callable[[list[StoredItem]], dict[str, Verdict]],
    *,
    judge_facts: dict[str, Any],
    sample: int,
    seed: int,
) -> Agreement:
    """Read what words leave open, and a sample of what they decide; note it in the store."""
    open_items, decided = [], []
    for stored in advice_items(store):
        if stored.record.shown.reader == "scores":
            continue  # a likelihood has no words to judge
        status = answer_of(stored.record.shown, stored.response).status
        if by_words(stored).side != "inconclusive":
            decided.append(stored)
        elif status != "refused" and advice_text(stored):
            open_items.append(stored)
    # A choice of pieces to read, not of numbers to report.
    chosen = random.Random(seed).sample(decided, min(sample, len(decided)))  # noqa: S311
    verdicts = read([*open_items, *chosen])
    agreed = cohen_kappa(
        [by_words(stored).side for stored in chosen],
        [verdicts[stored.record.item_id].side for stored in chosen],
    )
    store.set_fact(
        JUDGE_FACT,
        {
            **judge_facts,
            "agreement": agreed.to_json(),
            "verdicts": {name: list(verdict) for name, verdict in sorted(verdicts.items())},
        },
    )
    return agreed


def write_decisions(
    items: Sequence[StoredItem], item_decisions: Sequence[Decision], path: Path
) -> None:
    """Write every decision with its reason as CSV."""
    columns = ("question_id", "country", "approach", "language", "order", "repeat")
    rows = [
        [one.item_id, *(stored.record.spec.get(name, "") for name in columns), *one[1:]]
        for stored, one in zip(items, item_decisions, strict=True)
    ]
    header = ["item_id", "prompt_id", "country", "approach", "language", "option_order", "repeat"]
    write_text(path, csv_text([*header, "side", "reader", "reason"], rows))


def csv_text(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return text.getvalue()


def write_label_sample(store: Store, path: Path, *, size: int, seed: int) -> int:
    """Write a random sample for a person to label; who asked and what the readers said is not in
    it. Advice by likelihood has no words to label.

    Returns:
        The number of pieces written.

    Raises:
        ContractError: the file is there already; labels may have gone into it.
    """
    if path.exists():
        raise fail(
            "labels-exist",
            "there is a sample already, and it may hold labels",
            where=str(path),
            hint="Move it away, or give it back with --labels.",
        )
    items = [stored for stored in advice_items(store) if advice_text(stored)]
    chosen = random.Random(seed).sample(items, min(size, len(items)))  # noqa: S311
    rows = []
    for stored in chosen:
        situation = store.prompt_of(stored.record.item_id)
        if stored.record.spec["approach"] in WITH_PERSONA:
            situation = situation.partition(BLOCK_SEPARATOR)[2]
        options = [option.text for option in stored.record.shown.options]
        rows.append([stored.record.item_id, situation, *options, advice_text(stored), ""])
    write_text(path, csv_text(_LABEL_COLUMNS, rows))
    return len(rows)


def person_agreement(
    items: Iterable[StoredItem], item_decisions: Iterable[Decision], path: Path
) -> Agreement:
    """Agreement of a person's labels with the decisions; rows without a label are left out.

    Raises:
        ContractError: the file lacks a column, a label is none, or an item is unknown.
    """
    sides = {one.item_id: one.side for one in item_decisions}
    shown = {stored.record.item_id: stored.record.shown for stored in items}
    problems: list[Problem] = []
    side_pairs: list[tuple[str, str]] = []
    with path.open(encoding="utf-8-sig", newline="") as handle:
        reader = csv.DictReader(handle)
        lacking = [name for name in ("item_id", "label") if name not in (reader.fieldnames or ())]
        if lacking:
            raise fail("no-column", f"column {lacking[0]} is missing", where=str(path))
        for number, row in enumerate(reader, start=2):
            label, item_id = (row["label"] or "").strip(), row["item_id"]
            if not label:
                continue
            if label not in PERSON_LABELS or item_id not in sides:
                what = "label" if item_id in sides else "item_id"
                problems.append(
                    Problem(
                        f"bad-{what}",
                        f"{what} {row[what]!r} is not known",
                        where=f"{path}, line {number}",
                        allowed="1, 2 or 0 (neither)" if what == "label" else "items of the run",
                    )
                )
                continue
            options = shown[item_id].options
            side = "inconclusive" if label == "0" else str(options[int(label) - 1].code)
            side_pairs.append((side, sides[item_id]))
    if problems:
        raise ContractError(problems)
    return cohen_kappa([one for one, _ in side_pairs], [two for _, two in side_pairs])


class Agreement(NamedTuple):
    """Agreement of two readers.

    Attributes:
        readings: pieces that both read.
        agreement: share on which they agree; None without readings.
        kappa: Cohen's kappa; None without readings, or where both always say the same one thing.
    """

    readings: int
    agreement: float | None
    kappa: float | None

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        return self._asdict()


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> Agreement:
    """Cohen's kappa of two readers' labels of the same pieces, in the same order.

    Formula: (p_o - p_e) / (1 - p_e), p_e = sum_k p_1k p_2k.
    Source: Cohen (1960), Educational and Psychological Measurement 20, 37-46.

    Raises:
        ValueError: the readers labelled different numbers of pieces.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} labels of one reader, {len(second)} of the other")
    count = len(first)
    if not count:
        return Agreement(0, None, None)
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / count
    one, two = Counter(first), Counter(second)
    by_chance = sum(one[label] * two[label] for label in one) / count**2
    kappa = None if by_chance == 1 else (observed - by_chance) / (1 - by_chance)
    return Agreement(count, observed, kappa)
