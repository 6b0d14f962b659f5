"""How another harness ran a task, and predictions' metadata that say so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from typing import Any, NamedTuple

from contracts.predictions.meta import PredictionsMeta
from elicitation.run.store import StoredItem


@dataclass(frozen=True)
class HarnessRun:
    """What a log says of its run; empty or None where it does not say.

    Attributes:
        name: lm-evaluation-harness or inspect_ai.
        version: of the harness.
        model: as the harness has it.
        revision: commit of the model.
        dtype: number type of its weights.
        parameters: their number.
        is_chat: whether the model was really asked by chat.
        chat_template: `sha256:...` of the template that was applied, or who applied it.
        system_instruction: what stood before every prompt.
        limit: most items that the harness was told to ask.
        task, task_version: as the harness has them.
        date: when it ran.
        decoding: settings of decoding that the run overrode.
        arguments: the model's further arguments.
        packages: versions of what the answers depend on.
    """

    name: str
    version: str = ""
    model: str = ""
    revision: str = ""
    dtype: str = ""
    parameters: float | None = None
    is_chat: bool | None = None
    chat_template: str = ""
    system_instruction: str = ""
    limit: float | str | None = None
    task: str = ""
    task_version: str = ""
    date: str = ""
    decoding: Mapping[str, Any] = field(default_factory=dict)
    arguments: Mapping[str, Any] = field(default_factory=dict)
    packages: Mapping[str, str] = field(default_factory=dict)


class Log(NamedTuple):
    """Answers of one log.

    Attributes:
        items: the answered items.
        run: how the harness asked.
        about: what the exported task says of itself; None where the log does not hold it.
        expected: number of items that the task holds; 0 where the log does not say.
    """

    items: list[StoredItem]
    run: HarnessRun
    about: Mapping[str, Any] | None
    expected: int = 0


def text_digest(text: str) -> str:
    """Digest of a text, as metadata state it; empty for none."""
    return f"sha256:{sha256(text.encode()).hexdigest()}" if text else ""


#: Arguments of a model that may hold a secret, by parts of their names.
_SECRET = ("key", "token", "auth", "secret", "password", "header")


def harmless(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of a model without those that may hold a secret."""
    return {
        name: argument
        for name, argument in arguments.items()
        if not any(part in name.lower() for part in _SECRET) or isinstance(argument, bool | int)
    }


def imported_meta(
    about: Mapping[str, Any], run: HarnessRun, *, model: str, notes: str, answers: Mapping[str, Any]
) -> PredictionsMeta:
    """Metadata of predictions made from a harness's log.

    A system instruction changes the prompt, so the prompt's version names it: boards rank only
    answers to equal prompts.

    Args:
        about: what the exported folder says of itself.
        run: how the harness ran it.
        model: name of the model.
        notes: remark.
        answers: how many answers were expected, and their statuses.
    """
    meta = PredictionsMeta.model_validate(about["meta"])
    short = model.rstrip("/").rsplit("/", 1)[-1]
    backend = {
        "backend": run.name, "model": model, "revision": run.revision, "dtype": run.dtype,
    }  # fmt: skip
    facts = {k: v for k, v in asdict(run).items() if v not in ("", None, {}, ())}
    changed: dict[str, Any] = {
        "model": model,
        "name": meta.name.replace("unknown", short, 1),
        "notes": notes,
        "revision": run.revision,
        "parameters": run.parameters or meta.parameters,
        "chat": meta.chat if run.is_chat is None else run.is_chat,
        # Of scored answers nothing is drawn, so settings of a draw say nothing.
        "decoding": meta.decoding
        | {name: setting for name, setting in run.decoding.items() if name in meta.decoding},
        "extra": {
            **meta.extra,
            "backend": {name: setting for name, setting in backend.items() if setting},
            "harness": facts,
            "answers": dict(answers),
        },
    }
    if run.system_instruction:
        system = text_digest(run.system_instruction).removeprefix("sha256:")
        changed["prompt_version"] = f"{meta.prompt_version}+system-{system[:8]}"
    return meta.model_copy(update=changed)
