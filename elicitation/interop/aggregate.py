"""Scores of answers that a harness collected, by a scorer that is named and loaded late."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import read_predictions, write_predictions
from contracts.release.read import open_release
from elicitation.interop.exported import min_label_mass
from elicitation.run.gather import answer_of, cell_order, gather_distributions
from elicitation.run.store import StoredItem

#: Who scores, as `module:function`; named by text, since asking does not depend on scoring.
SCORER = "scoring:score"

#: Scores that a harness shows. The second is there because the first alone misleads: an answer of
#: equal shares has an alignment of about 0.8, and a skill of 0.
SCORES = ("alignment", "uniform_skill")

#: Ending of a score's standard error, as lm-evaluation-harness names it.
STDERR = "_stderr"

#: Bootstrap replicates behind the standard errors.
_REPLICATES = 200

#: Half the width of a 95 % interval, in standard errors.
_NORMAL_QUANTILE = 1.959964


def write_answers(
    path: Path, items: Iterable[StoredItem], *, meta: PredictionsMeta, min_mass: float = 0.0
) -> int:
    """Write answered items as a predictions file.

    Args:
        path: the file.
        items: the items.
        meta: its metadata.
        min_mass: least probability that all labels of an item must hold together.

    Returns:
        The number of records.
    """
    records = gather_distributions(items, min_mass=min_mass).records
    write_predictions(path, cell_order(records), meta=meta, kind="distribution")
    return len(records)


def aggregate_scores(
    items: Iterable[StoredItem], about: Mapping[str, Any], *, scorer: str = SCORER
) -> dict[str, float]:
    """Scores of answered items, as `opinion-atlas score` gives them, with standard errors.

    The standard error of a score is the width of its 95 % bootstrap interval over 2 x 1.96.

    Args:
        items: answered items of one condition.
        about: what the exported folder says of itself.
        scorer: `module:function` of `score(predictions, release, ...)`.

    Returns:
        Estimates by name, those of `SCORES` always among them, and each one's standard error
        under its name with the ending `_stderr`; what could not be computed is not a number.
    """
    module, _, function = scorer.partition(":")
    score = getattr(import_module(module), function)
    items, least = list(items), min_label_mass(about)
    estimates = dict.fromkeys((*SCORES, *(f"{name}{STDERR}" for name in SCORES)), math.nan)
    if not any(answer_of(i.record.shown, i.response, min_mass=least).is_usable for i in items):
        return estimates
    with TemporaryDirectory() as folder:
        path = Path(folder) / "answers.jsonl"
        write_answers(
            path, items, meta=PredictionsMeta.model_validate(about["meta"]), min_mass=least
        )
        report = score(
            read_predictions(path),
            open_release(about["release"]),
            questions=sorted({item.record.spec["question_id"] for item in items}),
            replicates=_REPLICATES,
        )
    for entry in report.scores:
        value = entry.value
        estimates[entry.name] = math.nan if value.estimate is None else value.estimate
        known = value.low is not None and value.high is not None
        width = value.high - value.low if known else math.nan
        estimates[f"{entry.name}{STDERR}"] = width / (2 * _NORMAL_QUANTILE)
    return estimates


def scores_or_nothing(compute: Callable[[], dict[str, float]]) -> dict[str, float]:
    """Scores, or not-a-number with a warning whatever goes wrong.

    A harness writes its samples only after it has aggregated: an error here would cost every
    answer of the run, which can still be imported and scored elsewhere.
    """
    try:
        return compute()
    except Exception as error:
        warnings.warn(f"no scores: {error}", RuntimeWarning, stacklevel=2)
        return dict.fromkeys((*SCORES, *(f"{name}{STDERR}" for name in SCORES)), math.nan)
