"""What `opinion-atlas elicit` and `opinion-atlas read` do."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contracts.errors import fail
from contracts.predictions.source import format_of
from contracts.release.read import open_release
from elicitation.advice.report import AdviceReading, judge_advice, report_advice
from elicitation.backends.base import Backend
from elicitation.backends.registry import (
    REMOTE_SCHEMES,
    BackendOptions,
    open_backend,
    split_model,
)
from elicitation.commands.terminal import (
    counted,
    plan_json,
    progress_line,
    say,
    say_advice,
    say_files,
    say_json,
    say_plan,
    say_session,
)
from elicitation.prompts.plan import Plan
from elicitation.reading.corpus import read_lines
from elicitation.run.estimate import estimate
from elicitation.run.predictions import write_run_predictions
from elicitation.run.provenance import parse_stated
from elicitation.run.runner import Limits
from elicitation.run.session import InterruptedRunError, Session, run_study
from elicitation.run.store import (
    PREDICTIONS_FOLDER,
    Store,
    check_same_run,
    existing_store,
    store_path,
)
from elicitation.study.methods import Reader
from elicitation.study.options import StudyOptions, make_study


@dataclass(frozen=True)
class Asked:
    """Everything that one `elicit` command says."""

    model: str
    release: str
    options: StudyOptions
    backend: BackendOptions
    limits: Limits
    prompts: Literal["auto", "chat", "plain"] = "auto"
    engine: Literal["local", "ray"] = "local"
    shard: str = "1/1"
    stated: tuple[str, ...] = ()
    allow_remote_microdata: bool = False

    @property
    def is_remote(self) -> bool:
        """Whether prompts go to another machine."""
        return split_model(self.model)[0] in REMOTE_SCHEMES


def plan_of(asked: Asked, *, chat: bool) -> Plan:
    """The plan of a command."""
    release = open_release(asked.release)
    study = make_study(
        asked.options,
        release,
        chat=chat,
        remote=asked.is_remote,
        allow_remote_microdata=asked.allow_remote_microdata,
    )
    return Plan(study, release)


def dry(asked: Asked, *, json: bool) -> None:
    """Show what would be asked; no model is opened, so `auto` prompts are shown as chats."""
    plan = plan_of(asked, chat=asked.prompts != "plain")
    limits = asked.limits
    estimated = estimate(
        plan,
        limits=limits,
        concurrency=asked.backend.concurrency if asked.is_remote else None,
        shard=parse_shard(asked.shard),
    )
    if json:
        say_json(plan_json(plan, estimated))
        return
    say_plan(plan, estimated, limits, shard=asked.shard)


def ask(asked: Asked, out: Path, *, suffix: str, json: bool) -> int:
    """Ask, keep, read, write, and say how it went; 1 where calls are left without an answer."""
    stated = parse_stated(asked.stated)
    shard = parse_shard(asked.shard)
    format_of(Path(f"predictions{suffix}"))
    if asked.limits.max_cost is not None and not (
        asked.limits.prompt_price or asked.limits.completion_price
    ):
        raise fail("no-prices", "--max-cost needs prices", hint="Give --price-in and --price-out.")
    # Everything that can be wrong with the study is found before a model is opened.
    plan_of(asked, chat=asked.prompts != "plain")
    backend = _open(asked)
    try:
        chat = backend.capabilities().chat if asked.prompts == "auto" else asked.prompts == "chat"
        plan = plan_of(asked, chat=chat)
        with progress_line(quiet=json) as show:
            session = run_study(
                plan,
                backend,
                out,
                limits=asked.limits,
                shard=shard,
                stated=stated,
                suffix=suffix,
                on_progress=show,
            )
    except InterruptedRunError as interrupted:
        _say_session(interrupted.session, asked, out, json=json)
        raise
    finally:
        backend.close()
    _say_session(session, asked, out, json=json)
    return 1 if session.progress.statuses["error"] else 0


def _open(asked: Asked) -> Backend:
    if asked.engine == "ray":
        from importlib import import_module

        opened: Backend = import_module("elicitation.backends.ray").open_backend(
            asked.model, asked.backend
        )
        return opened
    return open_backend(asked.model, asked.backend)


def _say_session(session: Session, asked: Asked, out: Path, *, json: bool) -> None:
    if json:
        from elicitation.run.session import summary

        with Store(store_path(out)) as store:
            say_json(summary(session, store))
    else:
        say_session(session, model=asked.model)


def parse_shard(text: str) -> tuple[int, int]:
    """(k, n) of a text such as `2/4`.

    Raises:
        ContractError: it is no such text, or k is not in 1..n.
    """
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if match is None or not 1 <= int(match[1]) <= int(match[2]):
        raise fail(
            "bad-shard",
            "a shard is written K/N",
            column="--shard",
            found=repr(text),
            allowed="K from 1 to N, for instance 2/4",
        )
    return int(match[1]), int(match[2])


def read_runs(
    sources: tuple[Path, ...],
    *,
    out: Path | None,
    merge_into: Path | None,
    suffix: str,
    json: bool,
    advice: AdviceReading | None = None,
) -> None:
    """Write the predictions of runs anew; several are merged first."""
    how = advice or AdviceReading()
    format_of(Path(f"predictions{suffix}"))
    paths = [existing_store(source) for source in sources]
    if len(paths) > 1 and merge_into is None:
        raise fail(
            "several-runs",
            "several runs are read together only after their stores are merged",
            hint="Say where to: --merge-into FOLDER",
        )
    if merge_into is not None:
        target = store_path(merge_into)
        check_same_run([*([target] if target.exists() else []), *paths])
        with Store(store_path(merge_into)) as merged:
            for path in paths:
                merged.merge(path)
        paths = [store_path(merge_into)]
    judge_advice(paths[0], how)
    with Store(paths[0]) as store:
        folder = out or paths[0].parent / PREDICTIONS_FOLDER
        files = write_run_predictions(store, folder, suffix=suffix)
    told = report_advice(paths[0], how)
    if json:
        written = [file.to_json() for file in files]
        say_json({"files": written, "advice": told} if told else written)
        return
    say_files(files)
    if told:
        say_advice(told)


def read_corpus(path: Path, *, reader: Reader, json: bool) -> None:
    """Read a file of answers, and print a status and shares for each."""
    import json as json_format
    from collections import Counter

    statuses: Counter[str] = Counter()
    for row in read_lines(path, reader=reader):
        statuses[str(row["status"])] += 1
        if json:
            say(json_format.dumps(row, ensure_ascii=False))
        else:
            shares = row["shares"] or {}
            shown = ", ".join(f"{label} {share:.1%}" for label, share in shares.items())
            notes = f" ({', '.join(row['notes'])})" if row["notes"] else ""
            say(f"{row['line']}: {row['status']}{notes} {shown}".rstrip())
    if not json:
        say(counted(statuses))
