"""Logs of lm-evaluation-harness: samples, and the results beside them that say how they came."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from contracts.errors import fail
from elicitation.interop.harness import HarnessRun, Log, harmless, text_digest
from elicitation.interop.lm_eval_side import stored_item

_NAME = "lm-evaluation-harness"

#: Settings of a harness's generation by the names that predictions have for them.
_DECODING = {"temperature": "temperature", "max_gen_toks": "max_tokens", "until": "stop",
             "top_p": "top_p"}  # fmt: skip


def read_lm_eval(log: Path) -> Log:
    """Answers of a `samples_*.jsonl` of lm-evaluation-harness.

    Raises:
        ContractError: a line is no sample, or its answer none to an exported item.
    """
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
    return Log(items, _run(log), None)


def _lines(log: Path) -> Iterator[tuple[int, str]]:
    with log.open(encoding="utf-8") as handle:
        for row, line in enumerate(handle, 1):
            if line.strip():
                yield row, line


def _run(log: Path) -> HarnessRun:
    """How the harness asked, as the results beside the samples say."""
    task, _, _ = log.stem.removeprefix("samples_").rpartition("_")
    run_results = _results(log, task)
    config, own = run_results.get("config", {}), run_results.get("configs", {}).get(task, {})
    arguments = _arguments(config.get("model_args"))
    template = run_results.get("chat_template") or ""
    generation = own.get("generation_kwargs") or {}
    return HarnessRun(
        name=_NAME,
        version=str(run_results.get("lm_eval_version", "")),
        model=str(run_results.get("model_name") or ""),
        revision=str(config.get("model_sha") or config.get("model_revision") or ""),
        dtype=str(config.get("model_dtype") or arguments.get("dtype", "")).removeprefix("torch."),
        parameters=_positive(config.get("model_num_parameters")),
        is_chat=bool(template) if run_results else None,
        chat_template=text_digest(template),
        system_instruction=run_results.get("system_instruction") or "",
        limit=config.get("limit"),
        task=task if run_results else "",
        task_version=str(run_results.get("versions", {}).get(task, "")),
        date=_date(run_results.get("date")),
        decoding={ours: generation[theirs] for theirs, ours in _DECODING.items()
                  if theirs in generation},
        arguments=harmless(arguments),
        packages={"transformers": str(run_results["transformers_version"])}
        if run_results.get("transformers_version") else {},
    )  # fmt: skip


def _results(log: Path, task: str) -> Mapping[str, Any]:
    """The results of the run that wrote the samples: those of its time, else the only ones of
    its task; empty where there are none, or several that could be meant."""
    stamp = log.stem.rpartition("_")[2]
    beside = [path for path in sorted(log.parent.glob("*.json")) if path.is_file()]
    of_time = [path for path in beside if path.stem.endswith(f"_{stamp}")]
    parsed_results = [read for path in of_time or beside if (read := _read(path)) is not None]
    named = [one for one in parsed_results if task in one.get("configs", {task: None})]
    return named[0] if len(named) == 1 else {}


def _read(path: Path) -> dict[str, Any] | None:
    try:
        parsed = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError):
        return None
    return parsed if isinstance(parsed, dict) and "model_name" in parsed else None


def _arguments(given: Any) -> dict[str, Any]:
    """Arguments of the model; the harness logs them as it was given them."""
    if isinstance(given, Mapping):
        return dict(given)
    pairs = (part.partition("=") for part in str(given or "").split(","))
    return {name.strip(): setting for name, equals, setting in pairs if equals}


def _positive(number: Any) -> float | None:
    return float(number) if isinstance(number, int | float) and number > 0 else None


def _date(timestamp: Any) -> str:
    """Seconds since 1970 as a time in UTC."""
    from datetime import UTC, datetime

    if not isinstance(timestamp, int | float):
        return ""
    return datetime.fromtimestamp(timestamp, UTC).isoformat(timespec="seconds")
