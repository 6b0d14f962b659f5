"""The book of submissions: every way in, every way out, each change all or nothing."""

from __future__ import annotations

import json
import logging
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from contracts.atomic import fsync_path, write_text
from contracts.digests import pretty_json, sha256_text
from contracts.errors import ContractError, fail
from contracts.predictions.meta import require_no_microdata
from contracts.report import Report, read_report
from scoring.protocols.worldvaluesbench.protected_report import protected_report
from space.board.seed import RowClass
from space.board.store import Store, open_store
from space.submissions.arrive import check_suffix, copy_in, payload_digest
from space.submissions.details import Details, check_details, check_reason, with_details
from space.submissions.layout import Layout, default_private_root
from space.submissions.quotas import Quotas
from space.submissions.receipts import is_owner, receipt_of
from space.submissions.record import (
    OWNER,
    Action,
    Event,
    Payload,
    Receipt,
    Role,
    State,
    Submission,
    utc_text,
)
from space.submissions.records import Records, new_id
from space.submissions.recovery import check_all, find_inconsistencies, finish_marked
from space.submissions.settle import settle
from space.submissions.transitions import is_trusted, next_state, other_changes

#: How long a writer waits for the others, in seconds.
LOCK_SECONDS = 30.0

#: How far a clock may have been ahead, in seconds.
AHEAD_SECONDS = 86_400.0

log = logging.getLogger("space.submissions")


class Submissions:
    """Submissions to a store.

    A change is committed by the rename of its record; the files follow the record, and what a
    kill leaves between the two is finished by the next writer or on opening. Any number of
    threads and processes may share a store and its private folder.

    Args:
        store: the public store.
        private_root: folder for records, contacts, quotas, and files that are not public; never
            inside the store.
        quotas: limits; by default those of `DEFAULT_LIMITS`.
        clock: seconds since 1970.
        moderated: whether the first upload of an account waits for a maintainer. False on one's
            own machine: everything is public at once.

    Raises:
        ContractError: the private folder lies in the store, or cannot be written to.
    """

    def __init__(
        self,
        store: Store,
        private_root: Path,
        *,
        quotas: Quotas | None = None,
        clock: Callable[[], float] = time.time,
        moderated: bool = True,
    ) -> None:
        self.store = store
        self.layout = Layout(store.root, private_root)
        self.layout.prepare()
        self.quotas = quotas or Quotas(private_root, clock=clock)
        self.moderated = moderated
        #: What was done on opening to recover from kills, a line each.
        self.recovered: tuple[str, ...] = ()
        self._clock = clock
        self._records = Records(self.layout.records)
        self._lock = FileLock(self.layout.lock, timeout=LOCK_SECONDS)
        self.recover()

    # In.

    def submit(
        self,
        payload: Payload,
        details: Details,
        *,
        account: str = "",
        address: str = "",
        row_class: RowClass | None = None,
    ) -> Receipt:
        """Take in a checked submission. Once this returns, nothing of it can be lost.

        Name, link and facts of `details` are written into the stored report; of a report of
        ratings only what others may see is stored.

        Args:
            payload: the files; they are copied.
            details: what the form says.
            account: name that the visitor logged in with; empty without a login.
            address: IP address, for the quotas only.
            row_class: by default `uploaded` with predictions, else `self-reported`.

        Returns:
            The receipt; that of the earlier submission where the account sent the same files
            and has not withdrawn them.

        Raises:
            ContractError: the details break a rule, a quota is reached, or the disk is full.
        """
        check_details(details)
        check_suffix(payload)
        report = read_report(payload.report)
        require_no_microdata(report.predictions.meta, where=payload.report.name)
        digest = payload_digest(payload, report)
        token = "" if account else secrets.token_urlsafe(24)
        with self._writing():
            earlier = self._earlier(account, digest)
            if earlier is not None:
                return receipt_of(earlier, duplicate=True)
            self.quotas.spend("submit", account=account, address=address)
            submission = Submission(
                id=self._free_id(),
                state=self._first_state(account),
                row_class=row_class or ("uploaded" if payload.predictions else "self-reported"),
                account=account,
                submitted_at=self._now(),
                name=details.name,
                link=details.link,
                facts=dict(details.facts),
                digest=digest,
                token_digest=sha256_text(token) if token else "",
                events=(Event(at=self._now(), by=OWNER, what="submit"),),
            )
            # What pairs ratings with single persons is not kept, whoever sends it.
            described = protected_report(with_details(report, submission.details))
            submission = self._take_in(submission, payload, described, contact=details.contact)
        self._refresh(submission)
        log.info("submitted", extra={"submission": submission.id, "state": submission.state})
        return receipt_of(submission, token=token)

    # Looks.

    def status(self, submission_id: str) -> Submission:
        """The record of a submission.

        Raises:
            ContractError: there is none of that id.
        """
        return self._records.read(submission_id)

    def list(
        self, *, state: State | None = None, account: str | None = None
    ) -> tuple[Submission, ...]:
        """Submissions, oldest first; of one state, of one account, or all."""
        return tuple(
            one
            for one in self._records.every()
            if state in (None, one.state) and account in (None, one.account)
        )

    def pending(self) -> tuple[Submission, ...]:
        """Submissions that wait for a maintainer, oldest first."""
        return self.list(state="pending")

    def files(self, submission_id: str) -> dict[Role, Path]:
        """Where the files of a submission lie now, on the board or held back; none if deleted."""
        submission = self.status(submission_id)
        if not submission.has_files:
            return {}
        places = {held.name: (held, public) for held, public in self.layout.places(submission)}
        paths = {role: places[file.name] for role, file in submission.files.items()}
        return {role: public if public.exists() else held for role, (held, public) in paths.items()}

    def contact(self, submission_id: str) -> str:
        """The contact that was given, for maintainers only; empty where there is none."""
        path = self.layout.contact(self.status(submission_id).id)
        try:
            return str(json.loads(path.read_text(encoding="utf-8"))["contact"])
        except FileNotFoundError:
            return ""

    # Out, by the owner.

    def withdraw(
        self, submission_id: str, *, account: str = "", token: str = "", why: str = ""
    ) -> Submission:
        """Take a submission back: row and contact go, a tombstone stays.

        Args:
            submission_id: its id.
            account: account of the visitor, by login.
            token: the receipt's token, where there was no login.
            why: reason, shown on the receipt's page.

        Raises:
            ContractError: there is none, it is not the visitor's, or it is gone already.
        """
        submission = self.status(submission_id)
        if not is_owner(submission, account=account, token=token):
            raise fail(
                "not-owner",
                f"{submission.id} belongs to another account",
                hint="Log in with the account that submitted it, or give the token of the receipt.",
            )
        return self._change(submission_id, "withdraw", by=OWNER, why=why)

    # By maintainers.

    def approve(self, submission_id: str, *, by: str, why: str = "") -> Submission:
        """Let a waiting (or rejected) submission onto the board; its account is trusted then."""
        return self._change(submission_id, "approve", by=by, why=why)

    def reject(self, submission_id: str, *, by: str, why: str) -> Submission:
        """Refuse a waiting submission; the reason is shown to the submitter."""
        return self._change(submission_id, "reject", by=by, why=why)

    def hide(self, submission_id: str, *, by: str, why: str) -> Submission:
        """Take a row off the board; `restore` brings it back."""
        return self._change(submission_id, "hide", by=by, why=why)

    def restore(self, submission_id: str, *, by: str, why: str = "") -> Submission:
        """Bring a hidden row back."""
        return self._change(submission_id, "restore", by=by, why=why)

    def verify(
        self, submission_id: str, *, by: str, why: str = "", undo: bool = False
    ) -> Submission:
        """Mark a submission as checked here (class `verified`); `undo` takes that back."""
        return self._change(submission_id, "unverify" if undo else "verify", by=by, why=why)

    def delete(
        self, submission_id: str, *, by: str, why: str = "", forget: bool = False
    ) -> Submission:
        """Erase files, contact, name, link and facts for good; a bare tombstone stays.

        `forget` erases the account as well, which someone may ask for; else it stays, so that
        the account's next upload waits for a maintainer.
        """
        return self._change(submission_id, "delete", by=by, why=why, forget=forget)

    # After a kill.

    def recover(self) -> tuple[str, ...]:
        """Finish what killed writers left, and put all files where their records say.

        Returns:
            What was done since this was opened, a line each.
        """
        with self._writing():
            self.recovered += tuple(check_all(self.layout, self._records))
        for line in self.inconsistencies():
            log.error("inconsistent", extra={"what": line})
        return self.recovered

    def inconsistencies(self) -> tuple[str, ...]:
        """What cannot be mended here, a line each: files that someone else removed."""
        return tuple(find_inconsistencies(self.layout, self._records))

    def exclusive(self) -> AbstractContextManager[None]:
        """Keep all writers out for the length of a block, for a copy of one moment."""
        return self._writing()

    # How it is done.

    def _now(self) -> str:
        """The time of a new event: never before another event, even if the clock was set back.

        What was decided last decides whether an account is trusted. A clock that was a day ahead
        and more is not followed.
        """
        now = self._clock()
        text, most = utc_text(now), utc_text(now + AHEAD_SECONDS)
        times = (event.at for one in self._records.every() for event in one.events)
        return max((at for at in times if text < at <= most), default=text)

    def _free_id(self) -> str:
        while True:
            candidate = new_id()
            if not self.layout.record(candidate).exists():
                return candidate

    def _first_state(self, account: str) -> State:
        if not self.moderated or is_trusted(account, self._records.every()):
            return "public"
        return "pending"

    def _earlier(self, account: str, digest: str) -> Submission | None:
        """What this account sent before with the same contents and has not withdrawn."""
        same = (one for one in self.list(account=account) if one.digest == digest)
        return next((one for one in same if one.state != "withdrawn"), None)

    def _take_in(
        self, submission: Submission, payload: Payload, report: Report, *, contact: str
    ) -> Submission:
        """Mark, files, contact, record: only the last makes it a submission."""
        arriving = self.layout.arriving(submission.id)
        held = self.layout.held(submission.id)
        try:
            files = copy_in(self.layout, submission.id, payload, report)
            submission = submission.model_copy(update={"files": files})
            self._mark(submission.id)
            if contact:
                text = pretty_json({"contact": contact})
                write_text(self.layout.contact(submission.id), text)
                fsync_path(self.layout.contacts)
            arriving.rename(held)
            fsync_path(held.parent)
            self._records.write(submission)
        except (OSError, ContractError) as error:
            shutil.rmtree(arriving, ignore_errors=True)
            finish_marked(self.layout, self._records)
            if isinstance(error, ContractError):
                raise
            raise fail(
                "cannot-store",
                f"the submission cannot be stored: {error.strerror or error}",
                hint="Nothing was kept of it; try again later.",
            ) from None
        self._settle(submission)
        return submission

    def _change(
        self, submission_id: str, action: Action, *, by: str, why: str, forget: bool = False
    ) -> Submission:
        check_reason(why)
        with self._writing():
            submission = self.status(submission_id)
            event = Event(at=self._now(), by=by, what=action, why=why)
            update = {
                "state": next_state(submission, action),
                "events": (*submission.events, event),
                **other_changes(submission, action),
                **({"account": ""} if forget else {}),
            }
            changed = submission.model_copy(update=update)
            self._mark(submission_id)
            self._records.write(changed)
            self._settle(changed)
        self._refresh(submission, changed)
        log.info("changed", extra={"submission": submission_id, "action": action})
        return changed

    def _mark(self, submission_id: str) -> None:
        self.layout.mark(submission_id).touch()
        fsync_path(self.layout.unsettled)

    def _settle(self, submission: Submission) -> None:
        """Move the files; where that fails the next writer does it, as after a kill."""
        try:
            settle(self.layout, submission)
            self.layout.mark(submission.id).unlink(missing_ok=True)
        except (OSError, ContractError):
            log.exception("the files of a submission could not be moved yet")

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the lock; first finish what a killed writer left."""
        try:
            self._lock.acquire()
        except Timeout:
            raise fail(
                "busy",
                f"other writers have held the store for {LOCK_SECONDS:g} seconds",
                hint="Nothing was changed; try again in a minute.",
            ) from None
        try:
            finish_marked(self.layout, self._records)
            yield
        finally:
            self._lock.release()

    def _refresh(self, *versions: Submission) -> None:
        """Bring the board's index up to date if the board has changed."""
        if not any(one.on_board for one in versions):
            return
        try:
            self.store.ensure_index(force=True)
        except (OSError, sqlite3.Error, ContractError):
            log.exception("the index could not be rebuilt")


def open_submissions(
    store: Store | str | Path,
    private_root: str | Path | None = None,
    *,
    quotas: Quotas | None = None,
    clock: Callable[[], float] = time.time,
    moderated: bool = True,
) -> Submissions:
    """Open the submissions of a store.

    Args:
        store: a store, or its folder.
        private_root: the private folder; by default OPINION_ATLAS_PRIVATE, or
            `<store>-private` beside the store.
        quotas: limits.
        clock: seconds since 1970.
        moderated: whether first uploads wait for a maintainer.
    """
    opened = store if isinstance(store, Store) else open_store(store)
    private = Path(private_root) if private_root else default_private_root(opened.root)
    return Submissions(opened, private, quotas=quotas, clock=clock, moderated=moderated)
