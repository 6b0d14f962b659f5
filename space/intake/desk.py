"""The desk: where uploads are checked, submitted, looked up and withdrawn."""

from __future__ import annotations

import logging
import os
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from contracts.errors import ContractError, Problem, fail
from contracts.predictions.distributions import BadCells
from contracts.release.read import Release
from space.board.store import Store
from space.intake.attached import attached_release
from space.intake.form import Form
from space.intake.ratings import no_login, no_quota_book, no_release
from space.intake.reader import Job, Outcome, Reader
from space.submissions import Payload, Receipt, Submission, Submissions, open_submissions
from space.submissions.details import check_details
from space.visitors.visitor import Visitor, is_public

#: Rating files whose scores were given out lately: asking again tells nothing new.
_REMEMBERED = 1000

log = logging.getLogger("space.intake")


@dataclass(frozen=True)
class Upload:
    """What was dropped.

    Attributes:
        path: the file, None where none was.
        sidecar: its metadata, where it came apart.
        name: the name it was uploaded under; by default that of `path`.
        bad_cells: what becomes of cells with unknown options.
    """

    path: Path | None
    sidecar: Path | None = None
    name: str = ""
    bad_cells: BadCells = "refuse"


class Desk:
    """Takes uploads in.

    Args:
        store: the board's store.
        release: release that distributions are compared with.
        reader: reads uploads in children.
        book: submissions; None where the store takes none in.
        people: release with single persons for ratings, if there is one.
        rows: the private release that `release` is the public one of; ratings are compared with
            it where no strangers use this server.
        public: whether strangers use this server: then quotas hold, and ratings are guarded.
    """

    def __init__(
        self,
        store: Store,
        release: Release,
        *,
        reader: Reader,
        book: Submissions | None,
        people: Release | None = None,
        rows: Release | None = None,
        public: bool = False,
    ) -> None:
        self.store, self.release, self.people, self.rows = store, release, people, rows
        self.reader, self.book, self.public = reader, book, public
        self._scored: OrderedDict[tuple[str, str], None] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def takes_ratings(self) -> bool:
        """Whether rating files can be scored here."""
        return self._people() is not None and (self.book is not None or not self.public)

    def open_to_others(self) -> None:
        """From now on hold the rules of a server that others than its owner use."""
        self.public = True
        if self.book is not None:
            self.book.moderated = True

    def _people(self) -> Release | None:
        """Persons to compare ratings with: attached ones; at home also those of the release."""
        if self.people is not None:
            return self.people
        return None if self.public else self.rows

    @contextmanager
    def dry_run(self, upload: Upload, form: Form, visitor: Visitor) -> Iterator[Outcome]:
        """Read and score an upload, and keep nothing of it.

        Its files last until the block ends. What is wrong with it is in the outcome.
        """
        with self._read(upload, form, visitor, board=False, check=True) as outcome:
            yield outcome

    def submit(self, upload: Upload, form: Form, visitor: Visitor) -> Receipt:
        """Read, score and keep an upload.

        On a public server it counts as a check before it is read, for reading is what costs; as a
        submission it counts once it is stored.

        Raises:
            ContractError: every problem of the form and of the file, or a limit is reached.
        """
        book = self._open_book()
        if self.public:
            book.quotas.check("submit", account=visitor.account, address=visitor.address)
        problems = self._form_problems(upload, form)
        with self._read(
            upload, form, visitor, board=True, score=not problems, check=True
        ) as outcome:
            problems += [one for one in outcome.problems if one not in problems]
            if problems or outcome.report_path is None:
                raise ContractError(problems, subject="submission")
            return book.submit(
                Payload(report=outcome.report_path, predictions=outcome.predictions_path),
                form.details(outcome.meta),
                account=visitor.account,
                address=visitor.address if self.public else "",
            )

    def status(self, submission_id: str) -> Submission:
        """What became of a submission.

        Raises:
            ContractError: there is none of that id.
        """
        return self._open_book().status(submission_id.strip()[:80])

    def withdraw(
        self, submission_id: str, visitor: Visitor, *, code: str = "", why: str = ""
    ) -> Submission:
        """Take a submission back, by its owner's login or by the code of its receipt.

        Raises:
            ContractError: there is none, it belongs to another account, or it is gone already.
        """
        return self._open_book().withdraw(
            submission_id.strip()[:80], account=visitor.account, token=code.strip(), why=why.strip()
        )

    def _open_book(self) -> Submissions:
        if self.book is None:
            raise fail(
                "closed",
                "this board takes no submissions: its store cannot be written to",
                hint="Checks work here; submit to a board with a store of its own.",
            )
        return self.book

    def _form_problems(self, upload: Upload, form: Form) -> list[Problem]:
        """What is wrong with the form, as far as it can be told without the file."""
        problems = form.unknown()
        named = {"name": upload.name or (upload.path.stem if upload.path else "")}
        try:
            check_details(form.details(named))
        except ContractError as error:
            problems += error.problems
        return problems

    @contextmanager
    def _read(
        self,
        upload: Upload,
        form: Form,
        visitor: Visitor,
        *,
        board: bool,
        score: bool = True,
        check: bool = False,
    ) -> Iterator[Outcome]:
        """Read an upload once what the visitor may do allows it; refusals are problems too."""
        refused: Outcome | None = None
        try:
            if upload.path is None:
                raise fail("no-file", "no file was given", hint="Drop one first.")
            if check:
                self._spend("check", visitor)
            score = score and self._may_score(upload, form, visitor)
        except ContractError as error:
            refused = Outcome(problems=error.problems, problem_count=len(error.problems))
        if refused is not None:
            yield refused
            return
        with self.reader.read(self._job(upload, form, board=board, score=score)) as outcome:
            yield outcome

    def _job(self, upload: Upload, form: Form, *, board: bool, score: bool) -> Job:
        assert upload.path is not None
        people = self._people()
        return Job(
            upload.path,
            name=upload.name or upload.path.name,
            sidecar=upload.sidecar,
            release=str(self.release.root),
            people=str(people.root) if people is not None else "",
            public=self.public,
            stated=form.metadata(),
            score=score,
            board=board,
            bad_cells=upload.bad_cells,
        )

    # What a public server allows.

    def _spend(self, kind: str, visitor: Visitor) -> None:
        if self.public and self.book is not None:
            self.book.quotas.spend(kind, account=visitor.account, address=visitor.address)

    def _may_score(self, upload: Upload, form: Form, visitor: Visitor) -> bool:
        """Use up an attempt where ratings are compared with a private release.

        The same file asked about again tells nothing new and costs nothing.

        Raises:
            ContractError: no attempt is left or can be counted, nobody is logged in, or no release
                with single persons is attached.
        """
        if not self.public:
            return True
        with self.reader.read(self._job(upload, form, board=False, score=False)) as outcome:
            if outcome.kind != "rating":
                return outcome.ok
            if self._people() is None:
                raise no_release(public=True)
            if self.book is None:
                raise no_quota_book()
            if not visitor.account:
                raise no_login()
            key = (visitor.account, outcome.sha256 + repr(form.metadata()))
        with self._lock:
            known = key in self._scored
        if not known:
            self._spend("ratings", visitor)
            with self._lock:
                self._scored[key] = None
                while len(self._scored) > _REMEMBERED:
                    self._scored.popitem(last=False)
        return True


def open_desk(
    store: Store, release: Release, *, rows: Release | None = None, public: bool | None = None
) -> Desk:
    """The desk of a server.

    Args:
        store: the board's store; one that cannot be written to takes no submissions in.
        release: public release that distributions are compared with.
        rows: the private release that it was made of, if there is one.
        public: whether strangers use this server; by default as the environment says.
    """
    strangers = is_public() if public is None else public
    return Desk(
        store,
        release,
        reader=Reader(),
        book=_book_of(store, moderated=strangers),
        people=attached_release(),
        rows=rows,
        public=strangers,
    )


def _book_of(store: Store, *, moderated: bool) -> Submissions | None:
    if not os.access(store.root, os.W_OK):
        return None
    try:
        return open_submissions(store, moderated=moderated)
    except (ContractError, OSError) as error:
        log.error("submissions are closed", extra={"why": str(error)[:300]})
        return None
