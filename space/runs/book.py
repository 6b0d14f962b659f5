"""The folder of all runs: private, one folder a run; any number of processes may share it."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Collection, Hashable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from contracts.atomic import PARTIAL_PREFIX, write_text
from contracts.digests import pretty_json
from contracts.errors import ContractError, fail
from contracts.models import parse_model
from space.runs.choice import RunChoice
from space.runs.record import (
    BEATS,
    CALLS,
    RECORD_NAME,
    REPORTS,
    RUNS,
    STATES,
    Result,
    RunRecord,
    State,
    no_run,
    utc_day,
)

#: How long a writer waits for the others, in seconds.
LOCK_SECONDS = 30.0

_RUN_ID = re.compile(r"run-[a-z0-9]{12}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"


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
        self._files = FileLock(private_root / "runs.lock", timeout=LOCK_SECONDS)
        with self._writing():
            self._finish_deletions()

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Keep other threads and processes from changing a record between reading and writing."""
        with self._lock:
            try:
                self._files.acquire()
            except Timeout:
                raise fail(
                    "busy",
                    f"other processes have held the runs for {LOCK_SECONDS:g} seconds",
                    hint="Nothing was changed; try again in a minute.",
                ) from None
            try:
                yield
            finally:
                self._files.release()

    def _finish_deletions(self) -> None:
        """Remove what a process that was killed while it deleted or created a run left behind."""
        for folder in self.folder.glob("run-*"):
            if not (folder / RECORD_NAME).exists():
                with suppress(OSError):  # not empty: only the record is missing
                    for partial in folder.glob(f"{PARTIAL_PREFIX}*"):
                        partial.unlink()
                    folder.rmdir()
        for record in self.every(deleted=True):
            if record.state == "deleted":
                self._remove_contents(record.id)

    def create(self, choice: RunChoice, *, account: str, holder: str) -> RunRecord:
        """A new run, waiting."""
        run_id = "run-" + "".join(secrets.choice(_LETTERS) for _ in range(12))
        now = self.clock()
        record = RunRecord(
            id=run_id, account=account, choice=choice, created_at=now, updated_at=now, holder=holder
        )
        with self._writing():
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
            ContractError: there is no such run, or its record is damaged.
        """
        try:
            text = (self.path(run_id) / RECORD_NAME).read_text(encoding="utf-8")
        except FileNotFoundError:
            raise no_run() from None
        except UnicodeDecodeError:
            raise fail("damaged-record", "the record is no text", where=run_id) from None
        return parse_model(RunRecord, text, where=run_id)

    def every(self, *, account: str | None = None, deleted: bool = False) -> list[RunRecord]:
        """Records (of an account), the newest first; what cannot be read is left out.

        Args:
            account: whose; None for everybody's.
            deleted: whether those of deleted runs are among them.
        """
        records = []
        for folder in self.folder.glob("run-*"):
            try:
                record = self.look(folder.name)
            except (ContractError, OSError):
                continue
            if account in (None, record.account) and (deleted or record.state != "deleted"):
                records.append(record)
        return sorted(records, key=lambda record: (-record.created_at, record.id))

    def look(self, run_id: str) -> RunRecord:
        """A record, read only where its file has changed since the last look.

        Raises:
            ContractError: it is damaged.
            OSError: it is gone.
        """
        status = (self.path(run_id) / RECORD_NAME).stat()
        stamp = (status.st_mtime_ns, status.st_size, status.st_ino)
        known = self._seen.get(run_id)
        if known is None or known[0] != stamp:
            known = self._seen[run_id] = (stamp, self.read(run_id))
        return known[1]

    def change(
        self,
        run_id: str,
        update: Mapping[str, Any],
        *,
        attempt: int | None = None,
        states: Collection[State] = STATES,
    ) -> RunRecord | None:
        """Change a record.

        Args:
            run_id: the run.
            update: fields.
            attempt: the start that says so; None for whoever may say it always.
            states: states in which it may be changed.

        Returns:
            The record as it is now; None where an earlier start says so, or the run is in another
            state: that changes nothing.
        """
        with self._writing():
            record = self.read(run_id)
            if (attempt is not None and record.attempt != attempt) or record.state not in states:
                return None
            changed = record.model_copy(update={**update, "updated_at": self.clock()})
            self._write(changed)
            return changed

    def delete(self, run_id: str) -> None:
        """Remove a run's calls and reports; a bare record stays for the account's count."""
        with self._writing():
            record = self.read(run_id)
            self._write(record.model_copy(update={"state": "deleted", "results": (), "errors": ()}))
            self._remove_contents(run_id)

    def _remove_contents(self, run_id: str) -> None:
        for name in (CALLS, REPORTS):
            shutil.rmtree(self.path(run_id) / name, ignore_errors=True)
        self._beat_path(run_id).unlink(missing_ok=True)

    def beat(self, run_id: str, holder: str) -> None:
        """A sign of life of the process that has a run in hand."""
        content = {"holder": holder, "at": self.clock()}
        write_text(self._beat_path(run_id), json.dumps(content))

    def _beat_path(self, run_id: str) -> Path:
        return self._beats / f"{self.path(run_id).name}.json"

    def sign_of_life(self, record: RunRecord) -> Hashable:
        """What changes whenever the process that has a run in hand shows that it lives."""
        try:
            status = self._beat_path(record.id).stat()
        except OSError:
            return record.updated_at
        return record.updated_at, status.st_ino, status.st_mtime_ns

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
