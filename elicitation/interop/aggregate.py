"""Scores of answers that a harness collected, by a scorer that is named and loaded late."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import read_predictions, write_predictions
from contracts.release.read import open_release
from elicitation.interop.exported import exported_meta
from elicitation.run.gather import answer_of, cell_order, gather_distributions
from elicitation.run.store import StoredItem

#: Who scores, as `module:function`; named by text, since asking does not depend on scoring.
SCORER = "scoring:score"

#: Bootstrap replicates: a harness shows no intervals of ours.
_REPLICATES = 20


def write_answers(path: Path, items: Iterable[StoredItem], *, meta: PredictionsMeta) -> int:
    """Write answered items as a predictions file.

    Returns:
        The number of records.
    """
    records = gather_distributions(items).records
    write_predictions(path, cell_order(records), meta=meta, kind="distribution")
    return len(records)


def aggregate_scores(
    items: Iterable[StoredItem], about: Mapping[str, Any], *, scorer: str = SCORER
) -> dict[str, float]:
    """Scores of answered items, as `opinion-atlas score` gives them.

    Args:
        items: answered items of one condition.
        about: what the exported folder says of itself.
        scorer: `module:function` of `score(predictions, release, ...)`.

    Returns:
        Estimates by name, `alignment` among them; those that could not be computed are not a
        number.
    """
    module, _, function = scorer.partition(":")
    score = getattr(import_module(module), function)
    items = list(items)
    if not any(answer_of(item.record.shown, item.response).is_usable for item in items):
        return {"alignment": float("nan")}
    with TemporaryDirectory() as folder:
        path = Path(folder) / "answers.jsonl"
        write_answers(path, items, meta=exported_meta(about, model="unknown", notes=""))
        predictions = read_predictions(path)
        report = score(
            predictions,
            open_release(about["release"]),
            questions=sorted({item.record.spec["question_id"] for item in items}),
            replicates=_REPLICATES,
        )
    return {
        found.name: float("nan") if found.value.estimate is None else found.value.estimate
        for found in report.scores
    }
