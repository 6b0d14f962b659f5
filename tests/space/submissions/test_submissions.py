"""States of a submission, who may change them, and what is shown of it."""

from __future__ import annotations

import errno
import json
import logging
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from submission_samples import details, tiny_report, write_payload

from contracts.digests import sha256_file
from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import read_report, write_report
from scoring.engine import score
from space.board.page import read_board
from space.board.query import BoardQuery
from space.board.store import open_store
from space.intake.answers import submission_fields
from space.pages.submission_html import status_html
from space.server.rescore import rescore
from space.server.static_pages import row_page
from space.submissions import (
    Details,
    Payload,
    Quotas,
    Receipt,
    Submission,
    Submissions,
    open_submissions,
)
from space.submissions.transitions import STEPS

Send = Callable[..., Receipt]


@pytest.fixture
def book(tmp_path: Path) -> Submissions:
    """Submissions of an empty store, without limits."""
    private = tmp_path / "private"
    store = open_store(tmp_path / "store", create=True)
    private.mkdir()
    return Submissions(store, private, quotas=Quotas(private, limits={}))


@pytest.fixture
def send(book: Submissions, tmp_path: Path) -> Send:
    """Submit a sample by name."""

    def submit(name: str, account: str = "ann", *, contact: str = "", **options: bool) -> Receipt:
        payload = write_payload(tmp_path / "payload", name, **options)
        return book.submit(payload, details(name, contact=contact), account=account)

    return submit


def rows(book: Submissions) -> list[str]:
    """Ids of the rows that the board shows."""
    with book.store.connect() as db:
        found = db.execute("SELECT row_id FROM rows WHERE derived = 0 ORDER BY row_id")
        return [row[0] for row in found]


def test_first_upload_waits_and_later_ones_appear_at_once(book: Submissions, send: Send) -> None:
    first = send("heron")
    assert first.state == "pending"
    assert "waits for a maintainer" in first.message
    assert rows(book) == []
    assert [one.id for one in book.pending()] == [first.id]
    book.approve(first.id, by="mia")
    assert rows(book) == [first.id]
    second = send("ibis")
    assert second.state == "public"
    assert rows(book) == sorted([first.id, second.id])
    assert send("crane", account="bob").state == "pending"


@pytest.mark.parametrize("decision", ["hide", "delete"])
def test_a_decision_against_an_account_makes_its_next_upload_wait(
    book: Submissions, send: Send, decision: str
) -> None:
    first = send("heron")
    book.approve(first.id, by="mia")
    getattr(book, decision)(first.id, by="mia", why="copied")
    assert send("ibis").state == "pending"


def test_visitors_without_an_account_always_wait(book: Submissions, send: Send) -> None:
    first = send("heron", account="")
    book.approve(first.id, by="mia")
    assert send("ibis", account="").state == "pending"


def test_nothing_waits_on_ones_own_machine(tmp_path: Path) -> None:
    book = open_submissions(open_store(tmp_path / "store", create=True), moderated=False)
    payload = write_payload(tmp_path / "payload", "heron")
    receipt = book.submit(payload, details("heron"))
    assert receipt.state == "public"
    assert rows(book) == [receipt.id]
    assert book.layout.private == tmp_path / "store-private"


def test_the_class_follows_from_the_files(book: Submissions, send: Send) -> None:
    assert book.status(send("heron").id).row_class == "uploaded"
    reported = send("ibis", predictions=False)
    assert book.status(reported.id).row_class == "self-reported"
    book.approve(reported.id, by="mia")
    book.verify(reported.id, by="mia", why="run again here")
    (file,) = book.store.report_files()
    assert file.row_class == "verified"
    book.verify(reported.id, by="mia", undo=True)
    (file,) = book.store.report_files()
    assert file.row_class == "self-reported"


def test_details_stand_in_the_stored_report(book: Submissions, tmp_path: Path) -> None:
    payload = write_payload(tmp_path / "payload", "heron")
    stated = Details(
        name="Heron, tuned",
        accepts_licence=True,
        link="https://example.org/heron",
        facts={"family": "heron", "parameters": 7e9, "open_weights": True},
    )
    receipt = book.submit(payload, stated, account="ann")
    meta = read_report(book.files(receipt.id)["report"]).predictions.meta
    assert (meta.name, meta.link, meta.family) == (stated.name, stated.link, "heron")
    assert (meta.parameters, meta.open_weights, meta.model) == (7e9, True, "org/heron")
    assert payload.predictions is not None
    assert sha256_file(book.files(receipt.id)["predictions"]) == sha256_file(payload.predictions)


def test_the_same_files_give_the_same_receipt(book: Submissions, send: Send) -> None:
    first = send("heron")
    again = send("heron")
    assert (again.id, again.duplicate, again.token) == (first.id, True, "")
    assert first.id in again.message
    other = send("heron", account="bob")
    assert other.id != first.id
    assert not other.duplicate
    book.withdraw(first.id, account="ann")
    assert send("heron").id != first.id


def test_a_report_alone_is_the_same_whatever_the_form_says(
    book: Submissions, tmp_path: Path
) -> None:
    payload = write_payload(tmp_path / "payload", "heron", predictions=False)
    first = book.submit(payload, details("heron"), account="ann")
    assert book.submit(payload, details("another name"), account="ann").id == first.id
    write_report(tiny_report("heron", score=0.6), tmp_path / "other.json")
    other = book.submit(Payload(tmp_path / "other.json"), details("heron"), account="ann")
    assert other.id != first.id


def test_a_deleted_upload_cannot_come_back_unseen(book: Submissions, send: Send) -> None:
    first = send("heron")
    book.delete(first.id, by="mia", why="not a model")
    again = send("heron")
    assert (again.id, again.state) == (first.id, "deleted")


# Withdrawal.


def test_the_owner_withdraws_and_a_tombstone_stays(book: Submissions, send: Send) -> None:
    receipt = send("heron", contact="ann@example.org")
    book.approve(receipt.id, by="mia")
    book.withdraw(receipt.id, account="ann", why="found a mistake")
    assert rows(book) == []
    assert book.status(receipt.id).state == "withdrawn"
    assert book.status(receipt.id).events[-1].why == "found a mistake"
    store = book.store.root
    left = {path.relative_to(store).as_posix() for path in store.rglob(f"*{receipt.id}*")}
    assert left == {f"entries/{receipt.id}.json"}
    tombstone = json.loads((store / "entries" / f"{receipt.id}.json").read_text())
    assert tombstone == {"class": "uploaded", "state": "withdrawn"}
    assert all(path.is_relative_to(book.layout.private) for path in book.files(receipt.id).values())
    assert book.contact(receipt.id) == ""


@pytest.mark.parametrize("account", ["bob", "", "Ann"])
def test_nobody_else_withdraws(book: Submissions, send: Send, account: str) -> None:
    receipt = send("heron")
    with pytest.raises(ContractError, match="belongs to another account"):
        book.withdraw(receipt.id, account=account)
    assert book.status(receipt.id).state == "pending"


def test_without_a_login_the_token_withdraws(book: Submissions, send: Send) -> None:
    receipt = send("heron", account="")
    assert len(receipt.token) >= 24
    for token in ("", "guess", receipt.token[:-1]):
        with pytest.raises(ContractError, match="belongs to another account"):
            book.withdraw(receipt.id, token=token)
    # An account that happens to be empty is no login.
    with pytest.raises(ContractError, match="belongs to another account"):
        book.withdraw(receipt.id, account="")
    assert receipt.token not in book.layout.record(receipt.id).read_text()
    assert book.withdraw(receipt.id, token=receipt.token).state == "withdrawn"


def test_a_login_is_given_no_token(send: Send) -> None:
    assert send("heron").token == ""


# Maintainers.


def test_hidden_and_back(book: Submissions, send: Send) -> None:
    receipt = send("heron")
    book.approve(receipt.id, by="mia")
    before = {role: sha256_file(path) for role, path in book.files(receipt.id).items()}
    book.hide(receipt.id, by="mia", why="under discussion")
    assert rows(book) == []
    book.restore(receipt.id, by="mia")
    assert rows(book) == [receipt.id]
    assert {role: sha256_file(path) for role, path in book.files(receipt.id).items()} == before


def test_a_report_that_was_scored_anew_survives_hiding(book: Submissions, send: Send) -> None:
    receipt = send("heron")
    book.approve(receipt.id, by="mia")
    public = book.files(receipt.id)["report"]
    archived = book.store.root / "archive" / f"{receipt.id}-1.0-abcdef01.json"
    archived.parent.mkdir()
    archived.write_bytes(public.read_bytes())
    write_report(tiny_report("heron", score=0.75), public)
    again = public.read_bytes()
    book.hide(receipt.id, by="mia", why="x")
    assert not archived.exists()
    book.restore(receipt.id, by="mia")
    assert public.read_bytes() == again
    assert archived.exists()


def test_delete_leaves_a_tombstone_without_contents(book: Submissions, send: Send) -> None:
    receipt = send("secret-heron", contact="ann@example.org")
    book.approve(receipt.id, by="mia")
    book.delete(receipt.id, by="mia", why="asked for", forget=True)
    record = book.status(receipt.id)
    assert (record.state, record.name, record.link, record.account) == ("deleted", "", "", "")
    assert book.files(receipt.id) == {}
    for root in (book.store.root, book.layout.private):
        for path in root.rglob("*"):
            if path.is_file():
                found = path.read_bytes()
                assert b"secret-heron" not in found, path
                assert b"ann@example" not in found, path


def test_every_action_in_every_state(book: Submissions, send: Send) -> None:
    """The table of transitions is what the book does: all other pairs are refused."""
    ways = {
        "pending": (),
        "public": ("approve",),
        "hidden": ("approve", "hide"),
        "withdrawn": ("withdraw",),
        "rejected": ("reject",),
        "deleted": ("delete",),
    }

    def do(submission_id: str, action: str) -> Submission:
        if action == "withdraw":
            return book.withdraw(submission_id, account="ann")
        if action == "unverify":
            return book.verify(submission_id, by="mia", undo=True)
        return getattr(book, action)(submission_id, by="mia", why="x")

    for state, way in ways.items():
        for action, step in STEPS.items():
            # A name of its own for each pair; the account is judged again each time.
            submission_id = send(f"{state}-{action}", account="ann").id
            if book.status(submission_id).state == "public":
                book.hide(submission_id, by="mia", why="so that all begin alike")
                continue
            for earlier in way:
                do(submission_id, earlier)
            if state in step.sources:
                assert do(submission_id, action).state == (step.target or state)
            else:
                with pytest.raises(ContractError, match=f"is {state}: it is not possible"):
                    do(submission_id, action)
                assert book.status(submission_id).state == state


# What is refused.


def test_all_problems_of_the_form_at_once(book: Submissions, tmp_path: Path) -> None:
    payload = write_payload(tmp_path / "payload", "heron")
    bad = Details(
        name="a\u202eb",
        link="javascript:alert(1)",
        contact="nobody",
        facts={"parameters": -1, "colour": "red", "family": "x" * 300},
    )
    with pytest.raises(ContractError, match="licence") as raised:
        book.submit(payload, bad, account="ann")
    columns = {problem.column for problem in raised.value.problems}
    assert columns >= {"name", "link", "contact", "facts", "parameters", "family"}
    assert "nobody" not in str(raised.value)
    assert book.list() == ()


@pytest.mark.parametrize("wrong", ["sub-aaaaaaaaaaaaaaaa", "../records/x", "", "sub-" + "a" * 500])
def test_an_unknown_id_is_a_clear_error(book: Submissions, wrong: str) -> None:
    with pytest.raises(ContractError, match="there is no submission"):
        book.status(wrong)


def test_a_report_that_is_none_leaves_nothing(book: Submissions, tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text("{}")
    with pytest.raises(ContractError, match="schema"):
        book.submit(Payload(bad), details("heron"), account="ann")
    assert book.list() == ()
    assert not list(book.layout.arrivals.iterdir())


def test_predictions_with_a_strange_ending_are_refused(book: Submissions, tmp_path: Path) -> None:
    payload = write_payload(tmp_path / "payload", "heron")
    strange = tmp_path / "x.pkl"
    strange.write_bytes(b"x")
    with pytest.raises(ContractError, match="another ending"):
        book.submit(Payload(payload.report, strange), details("heron"), account="ann")


def test_a_long_reason_is_refused(book: Submissions, send: Send) -> None:
    receipt = send("heron")
    with pytest.raises(ContractError, match="reason is too long"):
        book.hide(receipt.id, by="mia", why="x" * 501)


def test_a_full_disk_leaves_nothing(
    book: Submissions, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    real = os.fsync
    for calls_that_work in range(4):
        left = calls_that_work

        def fsync(handle: int) -> None:
            nonlocal left
            left -= 1
            real(handle) if left >= 0 else full()

        monkeypatch.setattr(os, "fsync", fsync)
        with pytest.raises(ContractError, match="No space left on device"):
            send("heron")
        monkeypatch.setattr(os, "fsync", real)
        assert book.list() == ()
        for folder in ("arriving", "held", "contacts", "unsettled"):
            assert not list((book.layout.private / folder).iterdir()), folder
    assert send("heron").state == "pending"


# Privacy.


@pytest.mark.parametrize("inside", ["store/private", "store", "."])
def test_a_private_folder_in_the_store_is_refused(tmp_path: Path, inside: str) -> None:
    store = open_store(tmp_path / "store", create=True)
    with pytest.raises(ContractError, match="may not lie in one another"):
        Submissions(store, tmp_path / inside)


def test_a_link_into_the_store_is_refused(tmp_path: Path) -> None:
    store = open_store(tmp_path / "store", create=True)
    (store.root / "hidden").mkdir()
    (tmp_path / "private").symlink_to(store.root / "hidden")
    with pytest.raises(ContractError, match="may not lie in one another"):
        Submissions(store, tmp_path / "private")


def test_contact_and_address_show_nowhere(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    book = open_submissions(open_store(tmp_path / "store", create=True))
    address, contact = "203.0.113.77", "ann@private.example"
    with caplog.at_level(logging.DEBUG):
        payload = write_payload(tmp_path / "payload", "heron")
        receipt = book.submit(
            payload, details("heron", contact=contact), account="ann", address=address
        )
        book.approve(receipt.id, by="mia")
        record = book.status(receipt.id)
    assert book.contact(receipt.id) == contact
    shown = json.dumps([record.model_dump(mode="json"), submission_fields(record)]) + caplog.text
    shown += status_html(record) + row_page(book.store, receipt.id)
    shown += "".join(str(vars(entry)) for entry in caplog.records)
    assert contact not in shown
    assert address not in shown
    for root, allowed in ((book.store.root, False), (book.layout.private, True)):
        for path in root.rglob("*"):
            if path.is_file():
                found = path.read_bytes()
                assert address.encode() not in found, path
                assert contact.encode() not in found or (allowed and path.parent.name == "contacts")
    assert book.layout.private.stat().st_mode & 0o077 == 0


def test_pages_do_not_learn_who_moderates(book: Submissions, send: Send) -> None:
    receipt = send("heron")
    book.approve(receipt.id, by="mia")
    record = book.status(receipt.id)
    shown = json.dumps(submission_fields(record)) + status_html(record)
    assert "mia" not in shown
    assert "a maintainer" in shown


# The board.


def test_a_public_submission_is_a_row_without_a_restart(book: Submissions, send: Send) -> None:
    receipt = send("heron")
    assert read_board(book.store, BoardQuery()).total == 0
    book.approve(receipt.id, by="mia")
    page = read_board(book.store, BoardQuery())
    assert [row["row_id"] for row in page.rows] == [receipt.id]


def test_a_rescore_keeps_what_the_submitter_said(book: Submissions, tmp_path: Path) -> None:
    answers = tmp_path / "heron.jsonl"
    answers.write_text('{"question_id": "Q1", "country": "DEU", "shares": {"1": 0.7, "2": 0.3}}\n')
    release = open_release("reference")
    report = score(read_predictions(answers), release, cells=True)
    write_report(report, tmp_path / "report.json")
    stated = Details(name="Heron, tuned", accepts_licence=True, facts={"family": "heron"})
    receipt = book.submit(Payload(tmp_path / "report.json", answers), stated, account="ann")
    book.approve(receipt.id, by="mia")
    (outcome,) = rescore(book.store, source="reference", everything=True)
    assert outcome.outcome == "new", outcome.detail
    again = read_report(book.files(receipt.id)["report"])
    assert (again.predictions.meta.name, again.predictions.meta.family) == (stated.name, "heron")
    assert again.scores == read_report(tmp_path / "report.json").scores
    book.hide(receipt.id, by="mia", why="x")
    assert not list((book.store.root / "archive").iterdir())
