"""What `opinion-atlas read` does besides for a run of advice."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contracts.atomic import write_text
from contracts.errors import fail
from elicitation.advice.counts import MARKS, count_marks, language_identifier
from elicitation.advice.decisions import (
    Agreement,
    advice_items,
    csv_text,
    decisions,
    embed_run,
    judge_run,
    person_agreement,
    write_decisions,
    write_label_sample,
)
from elicitation.advice.options import AdviceReading
from elicitation.advice.together import write_together
from elicitation.backends.embedders import open_embedder
from elicitation.backends.registry import BackendOptions, open_backend
from elicitation.run.advice_records import JUDGE_FACT, JUDGE_FIELDS
from elicitation.run.store import Store, existing_store

#: Folder within that of a run.
ADVICE_FOLDER = "advice"


def judge_advice(source: Path, how: AdviceReading) -> Agreement | None:
    """Have the judge or the embedder read a run; predictions written afterwards use it.

    Raises:
        ContractError: both are named, or the margin is no distance of similarities.
    """
    if how.judge and how.embedder:
        raise fail(
            "two-readers",
            "either a judge or an embedding model decides what words leave open",
            column="--embedder",
            hint="Give one of them; each tells its agreement with the words.",
        )
    if not 0 <= how.margin <= 2:
        raise fail(
            "out-of-range",
            "cosine similarities differ by 0 to 2",
            column="--margin",
            found=str(how.margin),
        )
    if how.embedder:
        return _embed(existing_store(source), how)
    if not how.judge:
        return None
    path = existing_store(source)
    backend = open_backend(how.judge, BackendOptions(base_url=how.judge_url))
    try:
        with Store(path) as store:
            return judge_run(
                store,
                backend,
                path.with_name("judge.sqlite"),
                model=how.judge,
                sample=how.judge_sample,
                seed=how.seed,
            )
    finally:
        backend.close()


def _embed(path: Path, how: AdviceReading) -> Agreement:
    embedder = open_embedder(how.embedder, BackendOptions(base_url=how.embedder_url))
    try:
        with Store(path) as store:
            return embed_run(
                store,
                embedder,
                model=how.embedder,
                margin=how.margin,
                sample=how.judge_sample,
                seed=how.seed,
            )
    finally:
        embedder.close()


def report_advice(source: Path, how: AdviceReading) -> dict[str, Any]:
    """Write decisions, counts and, if asked for, a sample to label; give back what was found.

    Empty for a run that holds no advice.
    """
    path = existing_store(source)
    folder = path.parent / ADVICE_FOLDER
    with Store(path) as store:
        items, judged = advice_items(store), store.fact(JUDGE_FACT) or {}
    if not items:
        return {}
    item_decisions = decisions(items, judged)
    folder.mkdir(parents=True, exist_ok=True)
    write_decisions(items, item_decisions, folder / "decisions.csv")
    identify = language_identifier()
    rows = count_marks(items, item_decisions, identify)
    write_text(folder / "counts.csv", csv_text(list(rows[0]), ([*row.values()] for row in rows)))
    total = {name: sum(row[name] for row in rows) for name in ("answers", "inconclusive", *MARKS)}
    report: dict[str, Any] = {"folder": str(folder), "counts": total}
    if identify is None:
        total.pop("other_language")
        report["not_counted"] = "other_language: the package py3langid is not installed"
    with Store(path) as store:
        together = write_together(store, folder)
    if together is not None:
        report["together"] = str(together)
    if judged:
        report["judge"] = {name: judged[name] for name in JUDGE_FIELDS if name in judged}
    if how.labels is not None:
        report["person"] = person_agreement(items, item_decisions, how.labels).to_json()
    if how.label_sample:
        sample = folder / "labels.csv"
        with Store(path) as store:
            write_label_sample(store, sample, size=how.label_sample, seed=how.seed)
        report["label_sample"] = str(sample)
    return report
