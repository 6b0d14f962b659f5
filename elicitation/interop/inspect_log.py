"""Logs of inspect_ai."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from inspect_ai.log import EvalLog, EvalSample, read_eval_log

from contracts.errors import fail
from elicitation.interop.exported import RECORD_KEY, failed
from elicitation.interop.harness import HarnessRun, Log, harmless, text_digest
from elicitation.interop.inspect_side import answered_item, scored_item
from elicitation.run.store import StoredItem

_NAME = "inspect_ai"

#: Settings of inspect_ai's generation by the names that predictions have for them.
_DECODING = {"temperature": "temperature", "max_tokens": "max_tokens", "top_p": "top_p",
             "seed": "seed", "stop_seqs": "stop"}  # fmt: skip


def read_inspect(log: Path) -> Log:
    """Answers of a log of inspect_ai.

    Samples that failed are items without an answer.

    Raises:
        ContractError: the log cannot be read, or is of a foreign task.
    """
    try:
        eval_log = read_eval_log(str(log))
    except Exception as error:
        # The reader raises what its many formats raise.
        raise fail(
            "bad-log",
            "inspect_ai cannot read the log",
            where=str(log),
            found=f"{type(error).__name__}: {error}".splitlines()[0][:200],
        ) from None
    samples = eval_log.samples or []
    items = [_item(sample, f"{log.name}, sample {sample.id}") for sample in samples]
    about = (eval_log.eval.metadata or {}).get(RECORD_KEY)
    return Log(items, _run(eval_log), about, _expected(eval_log, about))


def _item(sample: EvalSample, where: str) -> StoredItem:
    metadata = sample.metadata or {}
    if sample.error is not None:
        return failed(metadata, sample.error.message.splitlines()[0][:200], where=where)
    score = next(iter((sample.scores or {}).values()), None)
    if score is not None and score.metadata:
        return scored_item(metadata, score.metadata, where=where)
    # Not scored, as with --no-score, or by another scorer: the output is there all the same.
    if "choices" not in metadata:
        return failed(metadata, "the log holds no answer", where=where)
    return answered_item(metadata, sample.output, None)


def _expected(eval_log: EvalLog, about: Mapping[str, Any] | None) -> int:
    """Items of the task, times the epochs."""
    named = about.get("items") if about else None
    return int(named or eval_log.eval.dataset.samples or 0) * (eval_log.eval.config.epochs or 1)


def _run(eval_log: EvalLog) -> HarnessRun:
    spec = eval_log.eval
    arguments = dict(spec.model_args)
    provider, _, name = spec.model.partition("/")
    settings = {**_given(spec.model_generate_config), **_given(eval_log.plan.config)}
    limit = spec.config.limit
    return HarnessRun(
        name=_NAME,
        version=spec.packages.get("inspect_ai", ""),
        model=str(arguments.get("model_path") or name or spec.model),
        revision=str(arguments.get("revision", "")),
        dtype=str(arguments.get("dtype") or arguments.get("torch_dtype", "")),
        is_chat=not provider.endswith("completions"),
        chat_template=_template(provider, arguments),
        system_instruction=_system(eval_log, settings),
        limit=f"{limit[0]}-{limit[1]}" if isinstance(limit, tuple) else limit,
        task=spec.task,
        task_version=str(spec.task_version),
        date=spec.created,
        decoding={
            ours: settings[theirs] for theirs, ours in _DECODING.items() if theirs in settings
        },
        arguments={"provider": provider, **spec.task_args, **harmless(arguments)},
        packages=dict(spec.packages),
    )


def _given(config: Any) -> dict[str, Any]:
    settings: dict[str, Any] = config.model_dump(exclude_none=True)
    return settings


def _template(provider: str, arguments: Mapping[str, Any]) -> str:
    """Which chat template was applied, as far as a log tells."""
    if provider.endswith("completions") or arguments.get("use_chat_template") is False:
        return ""
    own = arguments.get("chat_template")
    return text_digest(str(own)) if own else f"the model's own, by {provider}"


def _system(eval_log: EvalLog, settings: Mapping[str, Any]) -> str:
    """System messages before the prompts, of the settings or of the samples."""
    texts = [str(settings["system_message"])] if settings.get("system_message") else []
    first = next(iter(eval_log.samples or ()), None)
    for message in first.messages if first is not None else ():
        if message.role == "system" and message.text not in texts:
            texts.append(message.text)
    return "\n\n".join(texts)
