"""The work of one run: ask, keep, read, score; in a thread of the pool."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from contracts.errors import ContractError
from contracts.release.read import Release
from elicitation.backends.base import Backend
from elicitation.backends.registry import BackendOptions
from elicitation.run.limits import Limits
from elicitation.run.predictions import WrittenFile
from elicitation.run.runner import STOPPED, Progress
from elicitation.run.session import run_study
from space.runs.choice import RunChoice, plan_of
from space.runs.keys import Key
from space.runs.record import CALLS, REPORTS, Result
from space.runs.rules import Rules
from space.runs.score import score_file

Opener = Callable[[str, BackendOptions], Backend]


class Task(NamedTuple):
    """What the work needs.

    Attributes:
        run_id, folder, choice: the run.
        key: the visitor's.
        release: asked about and scored against.
        rules: limits.
        max_calls: calls that the account has left.
        stop: set to end it.
        sign: called with the progress whenever something happened.
        opener: opens the model.
    """

    run_id: str
    folder: Path
    choice: RunChoice
    key: Key
    release: Release
    rules: Rules
    max_calls: int
    stop: threading.Event
    sign: Callable[[Progress], None]
    opener: Opener


class Outcome(NamedTuple):
    """What the work came to.

    Attributes:
        finished: whether every call was tried and everything was scored.
        whole: whether every call has an answer.
        why: why not, in a sentence; or what else is to be said.
        results: one for each condition.
        errors: the latest different errors.
    """

    finished: bool
    whole: bool
    why: str
    results: tuple[Result, ...]
    errors: tuple[str, ...]


def work(task: Task) -> Outcome:
    """Do the work of a run, from where it was left.

    Raises:
        ContractError: the model cannot be reached, takes no key, or cannot do what is asked.
    """
    plan = plan_of(task.choice, task.release)
    backend = task.opener(task.choice.backend_name, backend_options(task))
    choice = task.choice
    limits = Limits(
        max_calls=task.max_calls,
        max_cost=choice.budget,
        prompt_price=choice.price_in,
        completion_price=choice.price_out,
    )
    try:
        session = run_study(
            plan,
            backend,
            task.folder / CALLS,
            limits=limits,
            on_progress=task.sign,
            stop=task.stop,
        )
    finally:
        backend.close()
    why = stopped_text(session.progress.stopped, limits)
    if why:
        results = tuple(_unscored(file) for file in session.files)
        return Outcome(False, False, why, results, tuple(session.errors))
    results = tuple(_scored(task, file, session.progress) for file in session.files)
    if task.stop.is_set():
        return Outcome(False, False, stopped_text(STOPPED, limits), results, ())
    missing = len(plan) - sum(result.answered for result in results)
    if missing:
        why = f"{missing:,} calls are left without an answer; resume to make them again"
    return Outcome(True, not missing, why, results, tuple(session.errors) if missing else ())


def backend_options(task: Task) -> BackendOptions:
    """How the model is opened: with the visitor's key, following no redirect."""
    rules = task.rules
    return BackendOptions(
        base_url=task.choice.base_url,
        provider=task.choice.provider,
        concurrency=rules.concurrency,
        timeout=rules.timeout,
        attempts=rules.attempts,
        key=task.key.reveal(),
        redirects=False,
        thinking=task.choice.thinking,
        stop=task.stop,
        extra={"first_wait": rules.first_wait},
    )


def stopped_text(stopped: str, limits: Limits) -> str:
    """Why a run ended early, in words of the page; empty where it did not."""
    if not stopped:
        return ""
    if stopped == STOPPED:
        return "stopped by you"
    if stopped.startswith("--max-calls"):
        return "the account's calls of the day are used up; resume tomorrow"
    if stopped.startswith("--max-cost"):
        return f"the budget of {limits.max_cost:g} is spent; resuming spends as much again"
    return stopped


def _unscored(file: WrittenFile) -> Result:
    return Result(
        condition=file.condition,
        predictions=file.path.name,
        expected=file.expected,
        answered=sum(file.statuses.values()),
        statuses=dict(file.statuses),
    )


def _scored(task: Task, file: WrittenFile, progress: Progress) -> Result:
    """A condition's predictions, scored; a file that cannot be scored says why."""
    task.sign(progress)
    plain = _unscored(file)
    if task.stop.is_set():
        return plain
    target = task.folder / REPORTS / f"{file.path.stem}.json"
    try:
        score_file(file.path, task.release, target, replicates=task.rules.replicates)
    except ContractError as error:
        return plain.model_copy(update={"problem": str(error)})
    return plain.model_copy(update={"report": target.name})
