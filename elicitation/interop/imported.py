"""Predictions from the logs of other harnesses."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from contracts.errors import fail
from elicitation.interop.aggregate import write_answers
from elicitation.interop.exported import exported_meta, read_about, read_items
from elicitation.run.gather import answer_of
from elicitation.run.store import StoredItem

#: Endings of the logs that can be read.
LOG_SUFFIXES = (".jsonl", ".eval", ".json")


class Log(NamedTuple):
    """Answers of one log.

    Attributes:
        items: the answered items.
        model: name of the model as the harness has it; empty where the log does not say.
        about: what the exported task says of itself; None where the log does not hold it.
        expected: number of items that the harness was to ask; 0 where the log does not say.
    """

    items: list[StoredItem]
    model: str
    about: Mapping[str, Any] | None
    expected: int = 0


class Imported(NamedTuple):
    """A predictions file made from a log.

    Attributes:
        path: the file.
        records: its number of records.
        answers: number of answers in the log.
        expected: number of items that the task asks; 0 where the log does not say.
    """

    path: Path
    records: int
    answers: int
    expected: int = 0


def import_log(
    log: Path, out: Path, *, task: Path | None = None, model: str = "", notes: str = ""
) -> Imported:
    """Write the predictions that a log holds.

    Args:
        log: `samples_*.jsonl` of lm-evaluation-harness, or an `.eval` or `.json` log of
            inspect_ai.
        out: predictions file.
        task: the exported folder; needed for lm-evaluation-harness, whose logs do not hold
            which study the task was made for.
        model: name of the model; by default the one that the log names.
        notes: remark for the metadata.

    Raises:
        ContractError: the log cannot be read, or is of another task.
    """
    read = _reader(log)
    found = read(log)
    about = read_about(task) if task is not None else found.about
    if about is None:
        raise fail(
            "task-missing",
            "the log does not hold which study its task was made for",
            where=str(log),
            hint="Name the exported folder: --task FOLDER",
        )
    name = model or found.model
    if not name:
        raise fail(
            "model-missing",
            "the log does not name the model",
            where=str(log),
            hint="Name it: --model ORG/NAME",
        )
    others = {item.record.condition for item in found.items} - {about["condition"]}
    if others:
        raise fail(
            "other-task",
            "the log answers another task than the folder holds",
            where=str(log),
            found=", ".join(sorted(others)),
            allowed=str(about["condition"]),
        )
    meta = exported_meta(about, model=name, notes=notes or f"imported from {log.name}")
    expected = found.expected
    if task is not None:
        expected = sum(1 for _ in read_items(task))
    statuses = Counter(answer_of(i.record.shown, i.response).status for i in found.items)
    counts = {"expected": expected or len(found.items), "statuses": dict(sorted(statuses.items()))}
    meta = meta.model_copy(update={"extra": {**meta.extra, "answers": counts}})
    records = write_answers(out, found.items, meta=meta)
    return Imported(out, records, len(found.items), expected)


def _reader(log: Path) -> Callable[[Path], Log]:
    if not log.is_file():
        raise fail("no-log", "there is no such log", where=str(log))
    if log.suffix == ".jsonl":
        return read_lm_eval
    if log.suffix in (".eval", ".json"):
        return read_inspect
    raise fail(
        "unknown-log",
        "the log's kind is told by its ending",
        where=str(log),
        found=repr(log.suffix),
        allowed=", ".join(LOG_SUFFIXES),
    )


def read_lm_eval(log: Path) -> Log:
    """Answers of a `samples_*.jsonl` of lm-evaluation-harness."""
    from elicitation.interop.lm_eval_side import stored_item

    items = []
    for row, line in _lines(log):
        where = f"{log.name}, row {row}"
        try:
            sample = json.loads(line)
            doc, results = sample["doc"], sample["filtered_resps"]
        except (ValueError, KeyError, TypeError):
            raise fail(
                "bad-log",
                "the line is no sample of lm-evaluation-harness",
                where=str(log),
                row=row,
                hint="Run the task with --log_samples and take its samples_*.jsonl.",
            ) from None
        items.append(stored_item({"choices": [], **doc}, results, where=where))
    return Log(items, _lm_eval_model(log), None)


def _lines(log: Path) -> Iterator[tuple[int, str]]:
    with log.open(encoding="utf-8") as handle:
        for row, line in enumerate(handle, 1):
            if line.strip():
                yield row, line


def _lm_eval_model(log: Path) -> str:
    """Model named by the results beside the samples."""
    stamp = log.stem.rsplit("_", 1)[-1]
    for path in (
        log.with_name(f"results_{stamp}.json"),
        *sorted(log.parent.glob("results_*.json")),
    ):
        if path.is_file():
            found = json.loads(path.read_text(encoding="utf-8")).get("model_name", "")
            if found:
                return str(found)
    return ""


def read_inspect(log: Path) -> Log:
    """Answers of a log of inspect_ai."""
    try:
        from inspect_ai.log import read_eval_log
    except ImportError:
        raise fail(
            "no-inspect",
            "reading this log needs inspect_ai",
            where=str(log),
            hint="Install it with: pip install inspect-ai",
        ) from None
    from elicitation.interop.exported import RECORD_KEY
    from elicitation.interop.inspect_side import kept_item

    try:
        found = read_eval_log(str(log))
    except Exception as error:
        # The reader raises what its many formats raise.
        raise fail(
            "bad-log",
            "inspect_ai cannot read the log",
            where=str(log),
            found=f"{type(error).__name__}: {error}".splitlines()[0][:200],
        ) from None
    items = []
    for sample in found.samples or []:
        kept = next(iter((sample.scores or {}).values()), None)
        if kept is not None:
            where = f"{log.name}, sample {sample.id}"
            items.append(kept_item(sample.metadata or {}, kept.metadata or {}, where=where))
    about = (found.eval.metadata or {}).get(RECORD_KEY)
    asked = found.results.total_samples if found.results else 0
    dataset = found.eval.dataset.samples if found.eval.dataset else 0
    return Log(items, str(found.eval.model), about, max(asked or 0, dataset or 0))
