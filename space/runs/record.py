"""The record of a run, and the folder of all of them: private, one folder a run."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field

from contracts.atomic import write_text
from contracts.digests import pretty_json
from contracts.errors import ContractError, fail
from contracts.manifest import Strict, parse_model
from contracts.versions import SCHEMA_VERSION
from space.runs.choice import RunChoice

#: waiting: in the queue; running; stopping: asked to end; stopped: ended early, can be resumed;
#: finished: everything was asked and scored; deleted: its calls are gone, the record stays for the
#: account's count of calls.
State = Literal["waiting", "running", "stopping", "stopped", "finished", "deleted"]
STATES: tuple[State, ...] = get_args(State)

#: States in which some process has the run in hand.
ACTIVE = frozenset({"waiting", "running", "stopping"})

RUNS = "runs"
RECORD_NAME = "record.json"
#: Signs of life lie apart from the runs: they change all the time, and no copy needs them.
BEATS = "beats"
CALLS = "calls"
REPORTS = "reports"

_RUN_ID = re.compile(r"run-[a-z0-9]{12}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


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


class RunBook:
    """Records of runs under a private folder.

    Args:
        private_root: the private folder of a store.
        clock: seconds since 1970.
    """

    def __init__(self, private_root: Path, *, clock: Callable[[], float] = time.time) -> None:
        self.folder = private_root / RUNS
        self.clock = clock
        self._lock = threading.RLock()
        self._seen: dict[str, tuple[tuple[int, int, int], RunRecord]] = {}
        self._beats = private_root / BEATS
        for folder in (self.folder, self._beats):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)

    def create(self, choice: RunChoice, *, account: str, holder: str) -> RunRecord:
        """A new run, waiting."""
        run_id = "run-" + "".join(secrets.choice(_LETTERS) for _ in range(12))
        now = self.clock()
        record = RunRecord(
            id=run_id, account=account, choice=choice, created_at=now, updated_at=now, holder=holder
        )
        self.path(run_id).mkdir(mode=0o700)
        self._write(record)
        return record

    def path(self, run_id: str) -> Path:
        """Folder of a run.

        Raises:
            ContractError: this is no name of a run.
        """
        if not _RUN_ID.fullmatch(run_id):
            raise no_run()
        return self.folder / run_id

    def read(self, run_id: str) -> RunRecord:
        """A record.

        Raises:
            ContractError: there is no such run.
        """
        try:
            text = (self.path(run_id) / RECORD_NAME).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise no_run() from None
        return parse_model(RunRecord, text, where=run_id)

    def every(self, *, account: str | None = None, deleted: bool = False) -> list[RunRecord]:
        """Records (of an account), the newest first; what cannot be read is left out.

        Args:
            account: whose; None for everybody's.
            deleted: whether those of deleted runs are among them.
        """
        found = []
        for folder in self.folder.glob("run-*"):
            try:
                record = self._read_changed(folder.name)
            except (ContractError, OSError):
                continue
            if account in (None, record.account) and (deleted or record.state != "deleted"):
                found.append(record)
        return sorted(found, key=lambda record: (-record.created_at, record.id))

    def _read_changed(self, run_id: str) -> RunRecord:
        """A record, read only where its file has changed since the last look."""
        status = (self.path(run_id) / RECORD_NAME).stat()
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        known = self._seen.get(run_id)
        if known is None or known[0] != stamp:
            known = self._seen[run_id] = (stamp, self.read(run_id))
        return known[1]

    def change(
        self, run_id: str, update: Mapping[str, Any], *, attempt: int | None = None
    ) -> RunRecord | None:
        """Change a record.

        Args:
            run_id: the run.
            update: fields.
            attempt: the start that says so; None for whoever may say it always.

        Returns:
            The record as it is now; None where an earlier start says so, which changes nothing.
        """
        with self._lock:
            record = self.read(run_id)
            if attempt is not None and record.attempt != attempt:
                return None
            changed = record.model_copy(update={**update, "updated_at": self.clock()})
            self._write(changed)
            return changed

    def delete(self, run_id: str) -> None:
        """Remove a run's calls and reports; a bare record stays for the account's count."""
        with self._lock:
            record = self.read(run_id)
            self._write(record.model_copy(update={"state": "deleted", "results": (), "errors": ()}))
            for name in (CALLS, REPORTS):
                shutil.rmtree(self.path(run_id) / name, ignore_errors=True)
            self._beat_path(run_id).unlink(missing_ok=True)

    def beat(self, run_id: str, holder: str) -> None:
        """A sign of life of the process that has a run in hand."""
        content = {"holder": holder, "at": self.clock()}
        write_text(self._beat_path(run_id), json.dumps(content))

    def _beat_path(self, run_id: str) -> Path:
        return self._beats / f"{self.path(run_id).name}.json"

    def last_beat(self, record: RunRecord) -> float:
        """Time of the last sign of life of a run."""
        try:
            text = self._beat_path(record.id).read_text(encoding="utf-8")
            found: Mapping[str, Any] = json.loads(text)
            return max(float(found["at"]), record.updated_at)
        except (OSError, ValueError, KeyError, TypeError):
            return record.updated_at

    def calls_in_a_day(self, account: str) -> int:
        """Calls that an account's runs made today and yesterday evening, by UTC days.

        Days are counted whole, so that a record needs no list of all calls: what was made
        yesterday counts by the part of that day which is less than 24 hours ago.
        """
        now = self.clock()
        today, yesterday = utc_day(now), utc_day(now - 86400)
        left = 1 - (now % 86400) / 86400
        records = self.every(account=account, deleted=True)
        whole = sum(record.spent.get(today, 0) for record in records)
        return whole + round(sum(record.spent.get(yesterday, 0) for record in records) * left)

    def _write(self, record: RunRecord) -> None:
        text = pretty_json(record.model_dump(mode="json"))
        write_text(self.path(record.id) / RECORD_NAME, text)

    def reports(self, record: RunRecord) -> Iterator[tuple[Result, Path]]:
        """Results that were scored, with their reports."""
        for result in record.results:
            if result.report:
                yield result, self.path(record.id) / REPORTS / result.report


def utc_day(seconds: float) -> str:
    """The day of a time, as 2026-01-31."""
    return time.strftime("%Y-%m-%d", time.gmtime(seconds))


def no_run() -> ContractError:
    """The error for a run that is not there, or is somebody else's: which of them is not told."""
    return fail(
        "no-run",
        "there is no such run of yours",
        hint="Your runs are listed on the page Run a model, once you are logged in.",
    )
