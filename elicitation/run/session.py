"""One run from model and study to predictions files: what the command and Python both call."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from threading import Event
from typing import Any, NamedTuple

from contracts.atomic import write_text
from contracts.digests import pretty_json
from contracts.errors import fail
from elicitation.backends.base import Backend, Capabilities
from elicitation.backends.thinking import REMEDY
from elicitation.prompts.plan import Plan
from elicitation.run.first_token import check_first_token
from elicitation.run.limits import Limits
from elicitation.run.predictions import CONDITIONS_FACT, WrittenFile, write_run_predictions
from elicitation.run.provenance import condition_meta
from elicitation.run.runner import (
    STOPPED,
    OnProgress,
    Progress,
    TooManyErrorsError,
    TooManyTruncatedError,
    run_plan,
)
from elicitation.run.store import PREDICTIONS_FOLDER, SUMMARY_NAME, Store, locked, store_path
from elicitation.study.study import Study, study_json


class Session(NamedTuple):
    """What a run did.

    Attributes:
        progress: calls made and reused, statuses, tokens, why it stopped early.
        files: predictions files written.
        errors: the latest different errors.
    """

    progress: Progress
    files: list[WrittenFile]
    errors: list[str]


def run_study(
    plan: Plan,
    backend: Backend,
    out: Path,
    *,
    limits: Limits | None = None,
    shard: tuple[int, int] = (1, 1),
    stated: Mapping[str, str] | None = None,
    suffix: str = ".jsonl",
    on_progress: OnProgress | None = None,
    stop: Event | None = None,
) -> Session:
    """Ask, keep, read and write; started again, it goes on where it was stopped.

    Args:
        plan: what is asked.
        backend: who answers; the caller closes it.
        out: the run's folder.
        limits: where to stop.
        shard: (k, n): only every n-th call from the k-th.
        stated: facts about the model, see `provenance.STATED`.
        suffix: format of the predictions files.
        on_progress: called whenever the progress changed.
        stop: see `run_plan`.

    Raises:
        ContractError: the folder holds another study or model, another process writes to it, or
            the backend cannot do what the method needs.
        KeyboardInterrupt: after everything that came back was kept and written.
    """
    able = backend.capabilities()
    check_capabilities(plan.study, able)
    # Whatever is wrong is found before there is a folder that holds another study.
    condition_facts(plan, backend, backend.environment(), stated or {})
    with locked(out), Store(store_path(out)) as store:
        note_facts(store, plan, backend, stated or {})
        if able.first_token and plan.study.how.request_kind != "generate":
            check_first_token(plan, backend, store)
        last_progress = Progress()

        def keep(progress: Progress) -> None:
            nonlocal last_progress
            last_progress = progress
            if on_progress is not None:
                on_progress(progress)

        interrupted: BaseException | None = None
        try:
            last_progress = run_plan(
                plan, backend, store, limits=limits, shard=shard, on_progress=keep, stop=stop
            )
        except KeyboardInterrupt as error:
            last_progress.stopped, interrupted = STOPPED, error
        except TooManyErrorsError as error:
            last_progress.stopped = f"too many calls in a row failed; the last one: {error}"
        except TooManyTruncatedError as error:
            last_progress.stopped = str(error)
        # Once more: which scorer is right for a model is known only after its first items.
        note_environment(store, plan, backend, stated or {})
        session = _finish(store, out, last_progress, suffix)
        if interrupted is not None:
            raise InterruptedRunError(session) from interrupted
        return session


class InterruptedRunError(KeyboardInterrupt):
    """Ctrl-C, with what the run had done by then."""

    def __init__(self, session: Session) -> None:
        super().__init__("stopped by the user")
        self.session = session


def _finish(store: Store, out: Path, progress: Progress, suffix: str) -> Session:
    files = write_run_predictions(store, out / PREDICTIONS_FOLDER, suffix=suffix)
    session = Session(progress, files, store.last_errors())
    write_text(out / SUMMARY_NAME, pretty_json(summary(session, store)))
    return session


def summary(session: Session, store: Store) -> dict[str, Any]:
    """What `summary.json` says of a run."""
    progress = session.progress
    return {
        "stopped": progress.stopped,
        "calls": {
            "planned": progress.total,
            "reused": progress.reused,
            "made": progress.made,
            "statuses": dict(sorted(progress.statuses.items())),
        },
        "tokens": {
            "prompt": progress.prompt_tokens,
            "completion": progress.completion_tokens,
        },
        "store": store.counts(),
        "errors": session.errors,
        "files": [file.to_json() for file in session.files],
    }


def note_facts(store: Store, plan: Plan, backend: Backend, stated: Mapping[str, str]) -> None:
    """Note in a store what is asked and who answers, or check that it is the same as before.

    Raises:
        ContractError: the store holds another study or model.
    """
    for name, content in (("study", study_json(plan.study)), ("backend", backend.describe())):
        _same_or_new(store, name, content)
    if plan.study.how.request_kind == "score_labels":
        _same_or_new(store, "scoring", backend.scoring())
    note_environment(store, plan, backend, stated)


def note_environment(store: Store, plan: Plan, backend: Backend, stated: Mapping[str, str]) -> None:
    """Note what predictions will say of how they came about; what an earlier run found out of the
    model and this one has not (yet) stays."""
    environment = {**(store.fact("environment") or {}), **backend.environment()}
    store.set_fact(CONDITIONS_FACT, condition_facts(plan, backend, environment, stated))
    store.set_fact("environment", environment)


def condition_facts(
    plan: Plan, backend: Backend, environment: Mapping[str, Any], stated: Mapping[str, str]
) -> dict[str, Any]:
    """What predictions are written from, by condition, in the order of the files.

    Raises:
        ContractError: a condition cannot be asked, or a stated fact has the wrong form.
    """
    description = backend.describe()
    return {
        condition.name: {
            "kind": plan.predictions_kind,
            "expected": plan.size(condition),
            "meta": condition_meta(
                plan, condition, backend=description, environment=environment, stated=stated
            ).model_dump(mode="json"),
        }
        for condition in plan.conditions
    }


def _same_or_new(store: Store, name: str, content: Any) -> None:
    before = store.fact(name)
    if before is None:
        store.set_fact(name, content)
        return
    if before != content:
        changed = sorted(k for k in {*before, *content} if before.get(k) != content.get(k))
        raise fail(
            "other-run",
            f"the folder holds a run with another {name}",
            where=str(store.path),
            found=", ".join(changed),
            hint="Choose another --out; answers of different runs are never mixed.",
        )


def check_capabilities(study: Study, able: Capabilities) -> None:
    """Refuse a method that a backend cannot serve.

    Raises:
        ContractError: it lacks log-probabilities or replies that the method needs.
    """
    kind = study.how.request_kind
    lacking: Callable[[str, str], Exception] = lambda what, instead: fail(  # noqa: E731
        "backend-cannot",
        f"this model gives no {what}, which the method {study.method} needs",
        column="--method",
        hint=instead,
    )
    if kind == "generate" and not able.generate:
        raise lacking("replies", "Take a method that scores options.")
    if kind == "score_options" and able.option_logprobs == "none":
        raise lacking(
            "probabilities of whole options", "Take --method verbalized, or the model with hf:."
        )
    if kind == "score_labels" and able.label_logprobs == "none":
        raise lacking("probabilities of labels", "Take --method sampling or verbalized.")
    if kind != "generate" and study.chat and able.thinks:
        raise fail(
            "thinks-first",
            "this model may think before it answers, so the first token that is scored belongs "
            f"to its thoughts, while the method {study.method} needs the answer there",
            column="--thinking",
            hint=REMEDY,
        )
    if study.chat and not able.chat:
        raise lacking("chat", "Ask with --prompts plain.")
    if not study.chat and not able.plain:
        raise lacking("completion of plain text", "Ask with --prompts chat.")
