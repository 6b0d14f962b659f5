"""The book of submissions: every way in, every way out, each change all or nothing."""

from __future__ import annotations

import hmac
import logging
import secrets
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

from filelock import FileLock, Timeout

from contracts.digests import pretty_json, sha256_text
from contracts.errors import fail
from contracts.report import Report, read_report, report_text
from space.seed import RowClass
from space.store import Store
from space.submissions.details import Details, check_details, with_details
from space.submissions.files import copy_hashed, sync_folder, write_durable
from space.submissions.layout import Layout, default_private_root
from space.submissions.quotas import Quotas
from space.submissions.record import (
    Action,
    Event,
    Payload,
    Receipt,
    Role,
    State,
    StoredFile,
    Submission,
    utc_text,
)
from space.submissions.records import Records, new_id
from space.submissions.settle import settle
from space.submissions.transitions import is_trusted, next_state

#: How long a writer waits for the others, in seconds.
LOCK_SECONDS = 30.0

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

        Name, link and facts of `details` are written into the stored report.

        Args:
            payload: the files; they are copied.
            details: what the form says.
            account: name that the visitor logged in with; empty without a login.
            address: IP address, for the quotas only.
            row_class: by default `uploaded` with predictions, else `self-reported`.

        Returns:
            The receipt; that of the earlier submission where the account sent the same files.

        Raises:
            ContractError: the details break a rule, a quota is reached, or the disk is full.
        """
        check_details(details)
        self.quotas.check("submit", account=account, address=address)
        report = read_report(payload.report)
        digest = payload_digest(payload, report)
        submission_id = new_id()
        try:
            files = self._copy_in(submission_id, payload, with_details(report, _stated(details)))
            with self._writing():
                earlier = self._earlier(account, digest)
                if earlier is not None:
                    return _receipt(earlier, duplicate=True)
                self.quotas.spend("submit", account=account, address=address)
                token = "" if account else secrets.token_urlsafe(24)
                submission = Submission(
                    id=submission_id,
                    state=self._first_state(account),
                    row_class=row_class or ("uploaded" if payload.predictions else "self-reported"),
                    account=account,
                    submitted_at=self._now(),
                    name=details.name,
                    link=details.link,
                    facts=dict(details.facts),
                    files=files,
                    digest=digest,
                    token_digest=sha256_text(token) if token else "",
                    events=(Event(at=self._now(), by="owner", what="submit"),),
                )
                self._commit_new(submission, contact=details.contact)
        finally:
            shutil.rmtree(self.layout.arriving(submission_id), ignore_errors=True)
        log.info("submitted", extra={"submission": submission.id, "state": submission.state})
        return _receipt(submission, token=token)

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
        """Where the files of a submission lie now, on the board or held back."""
        found = self.status(submission_id)
        places = {held.name: (held, public) for held, public in self.layout.places(found)}
        paths = {role: places[file.name] for role, file in found.files.items()}
        return {role: public if public.exists() else held for role, (held, public) in paths.items()}

    # Out, by the owner.

    def withdraw(
        self, submission_id: str, *, account: str = "", token: str = "", why: str = ""
    ) -> Submission:
        """Take a submission back: the row goes, a tombstone stays.

        Args:
            submission_id: its id.
            account: account of the visitor, by login.
            token: the receipt's token, where there was no login.
            why: reason, shown on the receipt's page.

        Raises:
            ContractError: there is none, it is not the visitor's, or it is gone already.
        """
        found = self.status(submission_id)
        if not is_owner(found, account=account, token=token):
            raise fail(
                "not-owner",
                f"{found.id} belongs to somebody else",
                hint="Log in with the account that submitted it, or give the token of the receipt.",
            )
        return self._change(submission_id, "withdraw", by="owner", why=why)

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

    def delete(self, submission_id: str, *, by: str, why: str = "") -> Submission:
        """Erase contents, contact, name, link and facts for good; a bare tombstone stays."""
        return self._change(submission_id, "delete", by=by, why=why)

    # After a kill.

    def recover(self) -> tuple[str, ...]:
        """Finish what killed writers left; return what was done, in words."""
        with self._writing():
            return ()

    # How it is done.

    def _now(self) -> str:
        return utc_text(self._clock())

    def _first_state(self, account: str) -> State:
        if not self.moderated or is_trusted(account, self._records.every()):
            return "public"
        return "pending"

    def _earlier(self, account: str, digest: str) -> Submission | None:
        """What this account sent before with the same contents and has not withdrawn."""
        same = (one for one in self.list(account=account) if one.digest == digest)
        return next((one for one in same if one.state != "withdrawn"), None)

    def _copy_in(
        self, submission_id: str, payload: Payload, report: Report
    ) -> dict[Role, StoredFile]:
        folder = self.layout.arriving(submission_id)
        folder.mkdir(mode=0o700)
        described = folder / ".report"
        described.write_text(report_text(report), encoding="utf-8")
        sources: dict[Role, tuple[Path, str]] = {"report": (described, ".json")}
        if payload.predictions is not None:
            sources["predictions"] = (payload.predictions, payload.predictions.suffix.lower())
        if payload.sidecar is not None:
            sources["meta"] = (payload.sidecar, ".meta.json")
        files: dict[Role, StoredFile] = {}
        for role, (source, suffix) in sources.items():
            name = f"{submission_id}{suffix}"
            size, digest = copy_hashed(source, folder / name)
            files[role] = StoredFile(name=name, size=size, sha256=digest)
        described.unlink()
        sync_folder(folder)
        return files

    def _commit_new(self, submission: Submission, *, contact: str) -> None:
        """Contact, files, record: only the last makes it a submission."""
        if contact:
            path = self.layout.contacts / f"{submission.id}.json"
            write_durable(path, pretty_json({"contact": contact}))
        self._mark(submission.id)
        held = self.layout.held(submission.id)
        self.layout.arriving(submission.id).rename(held)
        sync_folder(held.parent)
        self._records.write(submission)
        self._settle(submission)

    def _change(self, submission_id: str, action: Action, *, by: str, why: str) -> Submission:
        with self._writing():
            found = self.status(submission_id)
            event = Event(at=self._now(), by=by, what=action, why=why)
            update: dict[str, object] = {
                "state": next_state(found, action),
                "events": (*found.events, event),
            }
            if action == "verify":
                update["row_class"] = "verified"
            elif action == "unverify":
                update["row_class"] = (
                    "uploaded" if "predictions" in found.files else "self-reported"
                )
            elif action == "delete":
                update |= {"name": "", "link": "", "facts": {}, "token_digest": ""}
            changed = found.model_copy(update=update)
            self._mark(submission_id)
            self._records.write(changed)
            self._settle(changed)
        log.info("changed", extra={"submission": submission_id, "action": action})
        return changed

    def _mark(self, submission_id: str) -> None:
        (self.layout.unsettled / submission_id).touch()
        sync_folder(self.layout.unsettled)

    def _settle(self, submission: Submission) -> None:
        settle(self.layout, submission)
        (self.layout.unsettled / submission.id).unlink(missing_ok=True)

    @contextmanager
    def _writing(self) -> Iterator[None]:
        """Hold the lock; first finish what a killed writer left."""
        try:
            with self._lock:
                yield
        except Timeout:
            raise fail(
                "busy",
                f"other writers have held the store for {LOCK_SECONDS:g} seconds",
                hint="Nothing was changed; try again in a minute.",
            ) from None


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
    from space.store import open_store

    opened = store if isinstance(store, Store) else open_store(store)
    private = Path(private_root) if private_root else default_private_root(opened.root)
    return Submissions(opened, private, quotas=quotas, clock=clock, moderated=moderated)


def is_owner(submission: Submission, *, account: str = "", token: str = "") -> bool:
    """Whether a visitor submitted this: by the same login, or by the receipt's token."""
    if submission.account:
        return account == submission.account
    digest = sha256_text(token) if token else ""
    return bool(digest) and hmac.compare_digest(digest, submission.token_digest)


def payload_digest(payload: Payload, report: Report) -> str:
    """Digest that is equal for equal uploads, whatever the form says of them."""
    from contracts.digests import sha256_file

    if payload.predictions is not None:
        parts = [sha256_file(payload.predictions)]
        parts += [sha256_file(payload.sidecar)] if payload.sidecar else []
        return sha256_text("\n".join(parts))
    return report.digest


def _stated(details: Details) -> dict[str, object]:
    return {"name": details.name, "link": details.link, **details.facts}


_MESSAGES: dict[State, str] = {
    "pending": "It waits for a maintainer, as the first upload of every account does.",
    "public": "It is on the board.",
    "hidden": "A maintainer has taken it off the board; see the receipt.",
    "withdrawn": "It was withdrawn.",
    "rejected": "A maintainer has refused it; see the receipt.",
    "deleted": "It was deleted.",
}
assert set(_MESSAGES) == set(get_args(State))


def _receipt(submission: Submission, *, token: str = "", duplicate: bool = False) -> Receipt:
    message = _MESSAGES[submission.state]
    if duplicate:
        message = f"These files were submitted before, as {submission.id}. {message}"
    return Receipt(submission.id, submission.state, token, duplicate, message)
