"""The record of a run: what was chosen, how far it is, what came of it."""

from __future__ import annotations

import time
from typing import Literal, get_args

from pydantic import Field

from contracts.errors import ContractError, fail
from contracts.models import Strict
from contracts.versions import SCHEMA_VERSION
from space.runs.choice import RunChoice

#: waiting: in the queue; running; stopping: asked to end; stopped: ended early, can be resumed;
#: finished: everything was asked and scored; deleted: its calls are gone, the record stays for the
#: account's count of calls.
State = Literal["waiting", "running", "stopping", "stopped", "finished", "deleted"]
STATES: tuple[State, ...] = get_args(State)

#: States in which some process has the run in hand.
ACTIVE: frozenset[State] = frozenset({"waiting", "running", "stopping"})

RUNS = "runs"
RECORD_NAME = "record.json"
#: Signs of life lie apart from the runs: they change all the time, and no copy needs them.
BEATS = "beats"
CALLS = "calls"
REPORTS = "reports"


class Counts(Strict):
    """How far a run is.

    Attributes:
        planned: calls of the plan (second tries added as they come).
        reused: items whose answer was there already.
        made: calls made since the run was last started.
        statuses: their responses by status.
        prompt_tokens, completion_tokens: theirs, as the server counts them.
        rate: calls a second since then.
    """

    planned: int = 0
    reused: int = 0
    made: int = 0
    statuses: dict[str, int] = Field(default_factory=dict)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    rate: float = 0.0

    @property
    def done(self) -> int:
        """Calls that need not be made any more."""
        return min(self.reused + self.made, self.planned)


class Result(Strict):
    """What a condition came to.

    Attributes:
        condition: its name.
        predictions: name of the predictions file.
        report: name of the report; empty where it could not be scored, and `problem` says why.
        expected, answered: calls of the condition, and those with an answer.
        statuses: answers as read, by status.
        submission: id of the submission that it was handed to.
    """

    condition: str
    predictions: str
    report: str = ""
    problem: str = ""
    expected: int = 0
    answered: int = 0
    statuses: dict[str, int] = Field(default_factory=dict)
    submission: str = ""


class RunRecord(Strict):
    """What is kept of a run besides its calls. It never holds a key.

    Attributes:
        id: name of the run and its folder.
        account: who it belongs to; empty for the one user of a machine of one's own.
        state: see `State`.
        choice: what was chosen.
        created_at, updated_at: seconds since 1970.
        attempt: number of the start; what an earlier start still says is ignored.
        holder: the process that has it in hand.
        counts: how far it is.
        whole: whether every call has an answer.
        why: why it stopped, in a sentence.
        errors: the latest different errors, keys taken out.
        results: one for each condition, once it was scored.
        spent: calls made, by day (UTC).
    """

    schema_version: str = SCHEMA_VERSION
    id: str
    account: str = ""
    state: State = "waiting"
    choice: RunChoice
    created_at: float
    updated_at: float
    attempt: int = 1
    holder: str = ""
    counts: Counts = Field(default_factory=Counts)
    whole: bool = False
    why: str = ""
    errors: tuple[str, ...] = ()
    results: tuple[Result, ...] = ()
    spent: dict[str, int] = Field(default_factory=dict)

    @property
    def is_active(self) -> bool:
        """Whether a process has it in hand, or had when this was written."""
        return self.state in ACTIVE


def utc_day(seconds: float) -> str:
    """The day of a time, as 2026-01-31."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def no_run() -> ContractError:
    """The error for a run that is not there or is another account's, without saying which."""
    return fail(
        "no-run",
        "there is no such run of yours",
        hint="Your runs are listed on the page Run a model, once you are logged in.",
    )
