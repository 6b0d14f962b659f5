"""The pool: runs take turns, each in a thread of its own; nothing that hangs holds up the rest.

One thread keeps house. It starts what may start, writes signs of life, notices runs that ended,
runs that went silent, and runs of processes that are gone; whatever goes wrong with one run is
written into that run's record, and housekeeping goes on.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback

from contracts.errors import ContractError
from contracts.release.read import Release
from elicitation.backends.registry import open_backend
from elicitation.backends.secrets import without_keys
from elicitation.run.runner import Progress
from space.runs.book import RunBook
from space.runs.keys import Key, KeyRing
from space.runs.live import STOPPED_BY_OWNER, Live, counts_of
from space.runs.queue import FairQueue
from space.runs.record import ACTIVE, RECORD_NAME, RunRecord, utc_day
from space.runs.rules import Rules
from space.runs.watch import Watch, holder_name
from space.runs.work import Opener, Outcome, Task, work

#: Seconds between two rounds of the housekeeper.
ROUND_SECONDS = 0.25

#: Seconds between two words about the same trouble of the housekeeper.
WORD_SECONDS = 60.0

#: A run that was asked to stop and does not is given up after so many seconds.
STOP_SECONDS = 60.0

RESTARTED = "the server was restarted; resume with your key"
SERVER_STOPPED = "the server was stopped; resume with your key"

log = logging.getLogger("space.runs")


class Pool:
    """Workers over the runs of a book.

    Args:
        book: the records.
        release: asked about and scored against.
        rules: limits.
        opener: opens models.
    """

    def __init__(
        self, book: RunBook, release: Release, rules: Rules, *, opener: Opener = open_backend
    ) -> None:
        self.book, self.rules = book, rules
        self.holder = holder_name()
        self._watch = Watch(self.holder, rules.stale_seconds)
        self._beaten: dict[str, float] = {}
        self._unwritten: dict[str, tuple[Live, dict[str, object], int]] = {}
        self.keys = KeyRing()
        self._release, self._opener = release, opener
        self._queue = FairQueue(per_account=rules.per_account)
        self._live: dict[str, Live] = {}
        self._lock = threading.RLock()
        self._ending = threading.Event()
        self._keeper: threading.Thread | None = None

    # From outside.

    def obey(self, rules: Rules) -> None:
        """Hold other rules from now on; runs under way keep those that they began with."""
        with self._lock:
            self.rules = rules
            self._queue.limit(rules.per_account)

    def enqueue(self, record: RunRecord, key: Key) -> None:
        """Let a waiting run take its turn; the key is held until it ends."""
        with self._lock:
            self.keys.put(record.id, key)
            self.book.beat(record.id, self.holder)
            self._queue.put(record.account, record.id)
        self.keep_house()

    def stop(self, run_id: str) -> RunRecord:
        """End a run in good order; one that waits here ends at once, one that another process of
        the server has in hand soon after."""
        with self._lock:
            live = self._live.get(run_id)
            if live is not None:
                live.ask_to_stop()
                self.book.change(
                    run_id, {"state": "stopping"}, attempt=live.record.attempt, states=ACTIVE
                )
            elif self._queue.remove(run_id):
                self._end(run_id, why=STOPPED_BY_OWNER)
            else:  # the process that has it in hand watches its record
                self.book.change(run_id, {"state": "stopping"}, states=ACTIVE)
        return self.book.read(run_id)

    def live(self, run_id: str) -> Live | None:
        """A run under way in this process, None where it is not."""
        return self._live.get(run_id)

    def place(self, run_id: str) -> int:
        """How many runs start before one that waits; -1 if it does not wait here."""
        with self._lock:
            return self._queue.place(run_id)

    def keep_house(self) -> None:
        """Start the housekeeper where it does not run."""
        with self._lock:
            if self._ending.is_set() or (self._keeper is not None and self._keeper.is_alive()):
                return
            self._keeper = threading.Thread(target=self._keep, name="runs", daemon=True)
            self._keeper.start()

    def close(self, *, wait: float = 10.0) -> None:
        """End all runs in good order; what is left then can be resumed."""
        self._ending.set()
        with self._lock:
            lives = list(self._live.values())
            for live in lives:
                live.ask_to_stop(SERVER_STOPPED)
        deadline = time.monotonic() + wait
        for live in lives:
            if live.thread is not None:
                live.thread.join(max(deadline - time.monotonic(), 0))
        self.write_ends()
        for record in self.book.every():
            if record.is_active and record.holder == self.holder:
                self._end(record.id, why=SERVER_STOPPED)

    # Housekeeping.

    def _keep(self) -> None:
        last_look, last_word = 0.0, float("-inf")
        while not self._ending.wait(ROUND_SECONDS):
            try:
                self.obey_stops()
                self.write_ends()
                self.start_next()
                self.beat()
                if time.monotonic() - last_look > self.rules.stale_seconds / 4:
                    last_look = time.monotonic()
                    self.end_stale()
            except Exception:
                # Once a minute: what fills a disk must not be the log of it.
                if time.monotonic() - last_word > WORD_SECONDS:
                    last_word = time.monotonic()
                    log.exception("housekeeping of the runs failed this time")

    def obey_stops(self) -> None:
        """Stop what another process of the server was asked to stop."""
        with self._lock:
            held = self.keys.runs()
        for run_id in held:
            try:
                asked = self.book.look(run_id).state == "stopping"
            except (ContractError, OSError):  # its record cannot be read: the run goes on
                continue
            with self._lock:
                live = self._live.get(run_id)
                if asked and live is not None and not live.stop.is_set():
                    live.ask_to_stop()
                elif asked and live is None and self._queue.remove(run_id):
                    self._end(run_id, why=STOPPED_BY_OWNER)

    def start_next(self) -> None:
        """Start what may start."""
        while True:
            with self._lock:
                if len(self._live) >= self.rules.workers:
                    return
                run_id = self._queue.take(live.record.account for live in self._live.values())
                if run_id is None:
                    return
                self._start(run_id)

    def _start(self, run_id: str) -> None:
        try:
            update = {"state": "running", "why": "", "holder": self.holder}
            record = self.book.change(run_id, update)
        except (ContractError, OSError):  # its folder went away while it waited
            self.keys.drop(run_id)
            log.exception("a run could not be started", extra={"run": run_id})
            return
        assert record is not None
        live = Live(record)
        live.thread = threading.Thread(
            target=self._run, args=(live,), name=f"runs-{run_id}", daemon=True
        )
        self._live[run_id] = live
        live.thread.start()

    def beat(self) -> None:
        """Write signs of life and progress; give up what went silent."""
        now = time.monotonic()
        for run_id, live in list(self._live.items()):
            longest = STOP_SECONDS if live.stop.is_set() else self.rules.silent_seconds
            if now - live.last_sign > min(longest, self.rules.silent_seconds):
                self._abandon(run_id, live)
            elif now - live.last_beat >= self.rules.beat_seconds:
                live.last_beat = now
                self.book.beat(run_id, self.holder)
                self._tell(live)
        for run_id in self._waiting():
            if now - self._beaten.get(run_id, float("-inf")) >= self.rules.beat_seconds:
                self._beaten[run_id] = now
                self.book.beat(run_id, self.holder)

    def _waiting(self) -> list[str]:
        """Runs that wait here."""
        with self._lock:
            waiting = [run_id for run_id in self.keys.runs() if run_id not in self._live]
            for run_id in set(self._beaten).difference(waiting):
                del self._beaten[run_id]
        return waiting

    def end_stale(self) -> None:
        """End the runs of processes that are gone: their keys went with them."""
        for record in self.book.every():
            if not record.is_active or self._is_here(record.id):
                self._watch.forget(record.id)
            elif self._watch.is_gone(record.id, record.holder, self.book.sign_of_life(record)):
                self._watch.forget(record.id)
                self._end(record.id, why=RESTARTED)

    def _is_here(self, run_id: str) -> bool:
        with self._lock:
            waits = self._queue.place(run_id) >= 0
            return waits or run_id in self._live or run_id in self._unwritten

    def _abandon(self, run_id: str, live: Live) -> None:
        """Free the place of a run that hangs. Its thread may wake later: nobody listens then."""
        live.stop.set()
        log.error("a run went silent and was given up", extra={"run": run_id})
        with self._lock:
            self._live.pop(run_id, None)
            self._tell(live)
            self._end(run_id, why="nothing happened for too long; resume to go on")

    def _end(self, run_id: str, *, why: str) -> None:
        """Note that a run stopped. The number of the start rises, so that a thread which is still
        at it can say nothing more."""
        self.keys.drop(run_id)
        record = self.book.read(run_id)
        update = {"state": "stopped", "why": why, "attempt": record.attempt + 1}
        self.book.change(run_id, update)

    def _tell(self, live: Live) -> None:
        """Write how far a run is into its record."""
        with self._lock:
            counts, spent = counts_of(live.progress), dict(live.record.spent)
            day = utc_day(self.book.clock())
            spent[day] = spent.get(day, 0) + counts.made - live.counted
            changed = self.book.change(
                live.record.id, {"counts": counts, "spent": spent}, attempt=live.record.attempt
            )
            if changed is not None:
                live.record, live.counted = changed, counts.made

    # One run, in its thread.

    def _run(self, live: Live) -> None:
        run_id, attempt = live.record.id, live.record.attempt
        update: dict[str, object]
        try:
            outcome = work(self._task(live))
            update = _outcome_update(outcome)
            if not outcome.finished and live.stop.is_set():
                update["why"] = live.why_stopped
        except ContractError as error:
            update = {"state": "stopped", "why": self._clean(run_id, error)}
        except Exception as error:
            # No message and no values: whatever failed may have held the key.
            where = [f"{f.filename}:{f.lineno}" for f in traceback.extract_tb(error.__traceback__)]
            named = {"run": run_id, "kind": type(error).__name__, "where": where}
            log.error("a run failed", extra=named)
            why = f"the run failed ({type(error).__name__}); resume to try again"
            update = {"state": "stopped", "why": why}
        finally:
            with self._lock:
                if self._live.get(run_id) is live:
                    self._live.pop(run_id)
                    self.keys.drop(run_id)
        with self._lock:
            self._unwritten[run_id] = (live, update, attempt)
        self.write_ends()

    def write_ends(self) -> None:
        """Write how runs ended; what cannot be written now (a full disk) is tried again."""
        with self._lock:
            for run_id, (live, update, attempt) in list(self._unwritten.items()):
                try:
                    self._tell(live)
                    self.book.change(run_id, update, attempt=attempt)
                except (ContractError, OSError) as error:
                    if not live.end_failed:  # once, not at every try
                        live.end_failed = True
                        why = {"run": run_id, "why": str(error)[:300]}
                        log.error("the end of a run cannot be written yet", extra=why)
                    if (self.book.path(run_id) / RECORD_NAME).exists():
                        continue
                del self._unwritten[run_id]

    def _task(self, live: Live) -> Task:
        record = live.record
        key = self.keys.get(record.id)

        def sign(progress: Progress) -> None:
            live.progress, live.last_sign = progress, time.monotonic()

        used = self.book.calls_in_a_day(record.account)
        return Task(
            run_id=record.id,
            folder=self.book.path(record.id),
            choice=record.choice,
            key=key or Key(""),
            release=self._release,
            rules=self.rules,
            max_calls=max(self.rules.calls_a_day - used, 0),
            stop=live.stop,
            sign=sign,
            opener=self._opener,
        )

    def _clean(self, run_id: str, error: ContractError) -> str:
        """An error as the page may show it: without the key, without paths of this machine."""
        if any(problem.code == "run-locked" for problem in error.problems):
            return "an earlier start of the run is still ending; resume in a minute"
        key = self.keys.get(run_id)
        text = without_keys(str(error), extra=(key.reveal(),) if key else ())
        return text.replace(f"{self.book.path(run_id)}", run_id)


def _outcome_update(outcome: Outcome) -> dict[str, object]:
    return {
        "state": "finished" if outcome.finished else "stopped",
        "whole": outcome.whole,
        "why": outcome.why,
        "results": outcome.results,
        "errors": outcome.errors,
    }
