"""Predictions from the logs of other harnesses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from contracts.errors import fail
from elicitation.interop.aggregate import write_answers
from elicitation.interop.exported import min_label_mass, read_about
from elicitation.interop.harness import HarnessRun, Log, imported_meta
from elicitation.run.gather import answer_of

#: Endings of the logs that can be read.
LOG_SUFFIXES = (".jsonl", ".eval", ".json")


class Imported(NamedTuple):
    """A predictions file made from a log.

    Attributes:
        path: the file.
        records: its number of records.
        answers: number of answers in the log.
        expected: number of items that the task asks; 0 where neither log nor task says.
        run: how the harness asked.
        asked_otherwise: what the run did otherwise than the task was exported for; empty if
            nothing.
    """

    path: Path
    records: int
    answers: int
    expected: int
    run: HarnessRun
    asked_otherwise: tuple[str, ...] = ()


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
    parsed_log = _reader(log)(log)
    about = read_about(task) if task is not None else parsed_log.about
    if about is None:
        raise fail(
            "task-missing",
            "the log does not hold which study its task was made for",
            where=str(log),
            hint="Name the exported folder: --task FOLDER",
        )
    name = model or parsed_log.run.model
    if not name:
        raise fail(
            "model-missing",
            "the log does not name the model",
            where=str(log),
            hint="Name it: --model ORG/NAME",
        )
    others = {item.record.condition for item in parsed_log.items} - {about["condition"]}
    if others:
        raise fail(
            "other-task",
            "the log answers another task than the folder holds",
            where=str(log),
            found=", ".join(sorted(others)),
            allowed=str(about["condition"]),
        )
    least = min_label_mass(about)
    expected = parsed_log.expected or int(about.get("items", 0))
    statuses = Counter(
        answer_of(i.record.shown, i.response, min_mass=least).status for i in parsed_log.items
    )
    answers = {
        "expected": expected or len(parsed_log.items),
        "in_log": len(parsed_log.items),
        "statuses": dict(sorted(statuses.items())),
    }
    meta = imported_meta(
        about,
        parsed_log.run,
        model=name,
        notes=notes or f"imported from {log.name}",
        answers=answers,
    )
    records = write_answers(out, parsed_log.items, meta=meta, min_mass=least)
    otherwise = _asked_otherwise(about["meta"]["chat"], about.get("version", ""), parsed_log.run)
    return Imported(out, records, len(parsed_log.items), expected, parsed_log.run, otherwise)


def _asked_otherwise(chat: bool | None, version: str, run: HarnessRun) -> tuple[str, ...]:
    """In what a run departs from the task as it was exported."""
    departures = []
    if run.is_chat is not None and chat is not None and run.is_chat != chat:
        asked, meant = ("a chat", "plain text") if run.is_chat else ("plain text", "a chat")
        departures.append(f"Asked as {asked}; the task was exported for {meant}.")
    if run.system_instruction:
        departures.append("Asked with a system instruction; the prompt's version names it.")
    if version and run.task_version and run.task_version != version:
        departures.append(f"Asked with version {run.task_version} of the task; this is {version}.")
    return tuple(departures)


def _reader(log: Path) -> Callable[[Path], Log]:
    if not log.is_file():
        raise fail("no-log", "there is no such log", where=str(log))
    if log.suffix == ".jsonl":
        from elicitation.interop.lm_eval_log import read_lm_eval

        return read_lm_eval
    if log.suffix not in LOG_SUFFIXES:
        raise fail(
            "unknown-log",
            "the log's kind is told by its ending",
            where=str(log),
            found=repr(log.suffix),
            allowed=", ".join(LOG_SUFFIXES),
        )
    try:
        from elicitation.interop.inspect_log import read_inspect
    except ImportError:
        raise fail(
            "no-inspect",
            "reading this log needs inspect_ai",
            where=str(log),
            hint="Install it with: pip install inspect-ai",
        ) from None
    return read_inspect
