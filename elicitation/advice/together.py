"""All approaches of a run of advice in one predictions file, so that one report compares them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import write_predictions
from elicitation.run.advice_records import JUDGE_FACT, JUDGE_FIELDS, gather_advice
from elicitation.run.predictions import CONDITIONS_FACT
from elicitation.run.store import Store
from elicitation.study.conditions import OWN_LANGUAGE

#: Name of the file, without its ending.
TOGETHER_NAME = "all-approaches"


def write_together(store: Store, folder: Path, *, suffix: str = ".jsonl") -> Path | None:
    """Write the advice of all conditions of a run to one file; None where there is but one.

    Scored, it gives what single files cannot: the lean of advice to nobody beside the other
    approaches, and every two approaches compared.
    """
    asked = set(store.conditions())
    conditions: dict[str, Any] = {
        name: about
        for name, about in (store.fact(CONDITIONS_FACT) or {}).items()
        if name in asked and about["kind"] == "advice"
    }
    if len(conditions) < 2:
        return None
    metas = [PredictionsMeta.model_validate(about["meta"]) for about in conditions.values()]
    judged = store.fact(JUDGE_FACT) or {}
    gathered = gather_advice(store.items(), judged.get("verdicts"))
    languages = {meta.language for meta in metas}
    first = metas[0]
    judge_facts = {name: judged[name] for name in JUDGE_FIELDS if name in judged}
    answers = {
        "expected": sum(about["expected"] for about in conditions.values()),
        "statuses": dict(sorted(gathered.statuses.items())),
    }
    stem = first.name.removesuffix(f"_{first.extra['condition']}")
    meta = first.model_copy(
        update={
            "name": f"{stem}_{TOGETHER_NAME}",
            "language": first.language if len(languages) == 1 else OWN_LANGUAGE,
            "extra": {
                **first.extra,
                "condition": TOGETHER_NAME,
                "conditions": list(conditions),
                "answers": answers,
                **({"judge": judge_facts} if judge_facts else {}),
            },
        }
    )
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{TOGETHER_NAME}{suffix}"
    return write_predictions(path, iter(gathered.records), meta=meta, kind="advice")
