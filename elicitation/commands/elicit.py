"""What `opinion-atlas elicit` and `opinion-atlas read` do."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from contracts.errors import fail
from contracts.predictions.source import format_of
from contracts.release.read import Release, open_release
from elicitation.advice.options import WORDING_ONLY, AdviceReading
from elicitation.advice.report import judge_advice, report_advice
from elicitation.backends.base import Backend
from elicitation.backends.registry import REMOTE_SCHEMES, open_backend, split_model
from elicitation.commands.options import ElicitOptions
from elicitation.commands.prices import with_prices
from elicitation.commands.terminal import (
    plan_json,
    progress_line,
    say_advice,
    say_files,
    say_json,
    say_left_out,
    say_plan,
    say_session,
)
from elicitation.prompts.plan import Plan
from elicitation.run.estimate import estimate
from elicitation.run.predictions import write_run_predictions
from elicitation.run.provenance import parse_stated
from elicitation.run.runner import OnProgress
from elicitation.run.session import InterruptedRunError, Session, run_study
from elicitation.run.store import (
    PREDICTIONS_FOLDER,
    Store,
    check_same_run,
    existing_store,
    store_path,
)
from elicitation.study.resolve import make_study


def is_remote(model: str) -> bool:
    """Whether prompts go to another machine."""
    return split_model(model)[0] in REMOTE_SCHEMES


def plan_of(
    model: str, options: ElicitOptions, *, chat: bool, release: Release | None = None
) -> Plan:
    """The plan of a command; of an opened release, where it is given."""
    release = release or open_release(options.release)
    study = make_study(
        options.study,
        release,
        chat=chat,
        remote=is_remote(model),
        allow_remote_microdata=options.allow_remote_microdata,
    )
    return Plan(study, release)


def dry(model: str, options: ElicitOptions, *, json: bool) -> None:
    """Show what would be asked; no model is opened, so `auto` prompts are shown as chats."""
    plan = plan_of(model, options, chat=options.prompts != "plain")
    options, source = with_prices(model, options)
    limits = options.limits
    estimated = estimate(
        plan,
        limits=limits,
        concurrency=options.backend.concurrency if is_remote(model) else None,
        shard=parse_shard(options.shard),
    )
    if json:
        say_json(plan_json(plan, estimated))
        return
    say_plan(plan, estimated, limits, shard=options.shard, prices=source)


def ask(model: str, options: ElicitOptions, out: Path, *, json: bool) -> int:
    """Ask, store, parse, write, and summarise; 1 where calls are left without an answer, or under
    half of the answers of a condition can be read."""

    def tell(session: Session) -> None:
        _say_session(session, model, options.release, out, json=json)

    return exit_code(ask_telling(model, options, out, tell=tell, json=json))


def ask_telling(
    model: str,
    options: ElicitOptions,
    out: Path,
    *,
    tell: Callable[[Session], None],
    json: bool,
) -> Session:
    """Ask as `ask_model` does, with a line of progress; `tell` sums up, after Ctrl-C as well."""

    def show_plan(plan: Plan) -> None:
        if plan.study.left_out and not json:
            say_left_out(plan.study)

    try:
        with progress_line(quiet=json) as show:
            session = ask_model(model, options, out, on_plan=show_plan, on_progress=show)
    except InterruptedRunError as interrupted:
        tell(interrupted.session)
        raise
    tell(session)
    return session


def exit_code(session: Session) -> int:
    """1 where calls are left without an answer, or under half of a condition's can be read."""
    unread = any(file.is_mostly_unread for file in session.files)
    return 1 if session.progress.statuses["error"] or unread else 0


def ask_model(
    model: str,
    options: ElicitOptions,
    out: Path,
    *,
    release: Release | None = None,
    on_plan: Callable[[Plan], None] | None = None,
    on_progress: OnProgress | None = None,
) -> Session:
    """Open the model, ask it, and write its predictions; see `elicitation.run.session.run_study`.

    Args:
        model: its name with its scheme, such as `hf:ORG/NAME`.
        options: what is asked, and how.
        out: the run's folder.
        release: an opened release; None opens the one that the options name.
        on_plan: called with the plan, before the first call to the model.
        on_progress: called whenever the progress changed.

    Raises:
        ContractError: an option is wrong, or the model cannot be reached or loaded.
        InterruptedRunError: after Ctrl-C, with what the run had done by then.
    """
    stated = parse_stated(options.meta)
    shard = parse_shard(options.shard)
    format_of(Path(f"predictions{options.ending}"))
    if options.limits.max_cost is not None:
        options = with_prices(model, options).options
    limits = options.limits
    if limits.max_cost is not None and not (limits.prompt_price or limits.completion_price):
        raise fail("no-prices", "--max-cost needs prices", hint="Give --price-in and --price-out.")
    release = release or open_release(options.release)
    # Everything that can be wrong with the study is found before a model is opened.
    plan_of(model, options, chat=options.prompts != "plain", release=release)
    backend = _open(model, options)
    try:
        chat = (
            backend.capabilities().chat if options.prompts == "auto" else options.prompts == "chat"
        )
        plan = plan_of(model, options, chat=chat, release=release)
        if on_plan:
            on_plan(plan)
        return run_study(
            plan,
            backend,
            out,
            limits=limits,
            shard=shard,
            stated=stated,
            suffix=options.ending,
            on_progress=on_progress,
        )
    finally:
        backend.close()


def _open(model: str, options: ElicitOptions) -> Backend:
    if options.engine == "ray":
        from importlib import import_module

        opened: Backend = import_module("elicitation.backends.ray").open_backend(
            model, options.backend
        )
        return opened
    return open_backend(model, options.backend)


def session_json(session: Session, out: Path) -> dict[str, Any]:
    """What a run did, as JSON types."""
    from elicitation.run.session import summary

    with Store(store_path(out)) as store:
        return summary(session, store)


def _say_session(session: Session, model: str, release: str, out: Path, *, json: bool) -> None:
    if json:
        say_json(session_json(session, out))
    else:
        say_session(session, model=model, release=release)


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
    advice: AdviceReading = WORDING_ONLY,
) -> None:
    """Write the predictions of runs again; several are merged first."""
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
    judge_advice(paths[0], advice)
    with Store(paths[0]) as store:
        folder = out or paths[0].parent / PREDICTIONS_FOLDER
        files = write_run_predictions(store, folder, suffix=suffix)
    advice_report = report_advice(paths[0], advice)
    if json:
        written = [file.to_json() for file in files]
        say_json({"files": written, "advice": advice_report} if advice_report else written)
        return
    say_files(files)
    if advice_report:
        say_advice(advice_report)
