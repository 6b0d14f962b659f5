"""`opinion-atlas space admin`: what maintainers type, and what they are told."""

from __future__ import annotations

import csv
import json
import re
import shlex
import tarfile
from pathlib import Path

import pytest
from submission_samples import check_invariants, details, write_payload

from opinion_atlas.app import main
from space.board.store import open_store
from space.server.cli_admin import admin
from space.submissions import Quotas, Submissions, open_submissions

DOCS = Path(__file__).parents[3] / "docs"


@pytest.fixture
def book(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Submissions:
    """Submissions of a store in the working folder."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OPINION_ATLAS_PRIVATE", raising=False)
    store = open_store(tmp_path / "board-store", create=True)
    private = tmp_path / "board-store-private"
    private.mkdir()
    return Submissions(store, private, quotas=Quotas(private, limits={}))


def send(book: Submissions, name: str, *, contact: str = "", account: str = "ann") -> str:
    """Submit a sample; return its id."""
    payload = write_payload(book.store.root.parent / "payload", name)
    return book.submit(payload, details(name, contact=contact), account=account).id


def run(line: str) -> int:
    """Run a command line as typed; return its exit code."""
    try:
        found = main(["space", "admin", *shlex.split(line)])
    except SystemExit as stopped:
        found = stopped.code
    return int(found or 0)


def test_list_and_show(book: Submissions, capsys: pytest.CaptureFixture[str]) -> None:
    one = send(book, "heron", contact="ann@example.org")
    other = send(book, "ibis", account="")
    book.reject(other, by="mia", why="a copy of heron")
    assert run("list") == 0
    out = capsys.readouterr().out
    assert re.search(rf"{one}  pending +uploaded .* ann  heron", out)
    assert re.search(rf"{other}  rejected +uploaded .* \(no account\)  ibis", out)
    assert "2 submissions" in out
    run("list --state pending --json")
    (listed,) = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    assert (listed["id"], listed["class"], listed["account"]) == (one, "uploaded", "ann")
    assert "token_digest" not in listed
    run(f"show {other}")
    out = capsys.readouterr().out
    assert "reject by mia: a copy of heron" in out
    assert "ann@example" not in out
    run(f"show {one} --contact")
    assert "contact: ann@example.org" in capsys.readouterr().out


def test_every_decision(book: Submissions, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = send(book, "heron"), send(book, "ibis")
    assert run(f"approve {one} {other} --by mia") == 0
    assert capsys.readouterr().out.splitlines() == [
        f"approve {one}: pending -> public",
        f"approve {other}: pending -> public",
    ]
    assert book.status(one).events[-1].by == "mia"
    run(f"hide {one} --why 'under discussion'")
    assert book.status(one).events[-1].why == "under discussion"
    run(f"restore {one}")
    run(f"verify {one} --why 'run again'")
    assert (book.status(one).state, book.status(one).row_class) == ("public", "verified")
    run(f"verify {one} --undo")
    assert book.status(one).row_class == "uploaded"
    third = send(book, "crane", account="bob")
    run(f"reject {third} --why 'no model'")
    assert book.status(third).state == "rejected"
    check_invariants(book, expected={one: frozenset({"public"}), third: frozenset({"rejected"})})


@pytest.mark.parametrize("action", ["approve", "reject --why x", "delete", "verify"])
def test_a_dry_run_changes_nothing(
    book: Submissions, capsys: pytest.CaptureFixture[str], action: str
) -> None:
    one = send(book, "heron")
    before = book.status(one)
    assert run(f"{action} {one} --dry-run") == 0
    assert capsys.readouterr().out.startswith(f"would {action.split()[0]} {one}: pending -> ")
    assert book.status(one) == before


def test_either_all_ids_are_changed_or_none(
    book: Submissions, capsys: pytest.CaptureFixture[str]
) -> None:
    one, hidden = send(book, "heron"), send(book, "ibis")
    book.reject(hidden, by="mia", why="x")
    assert run(f"reject {one} {hidden} sub-{'a' * 16} --why x") == 2
    said = capsys.readouterr().err
    assert "is rejected: it is not possible to reject it" in said
    assert "there is no submission" in said
    assert "Traceback" not in said
    assert book.status(one).state == "pending"


def test_delete_asks_first(
    book: Submissions, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = send(book, "heron"), send(book, "ibis")
    assert run(f"delete {one}") == 2
    assert "nothing was deleted" in capsys.readouterr().err
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: "no")
    assert run(f"delete {one}") == 2
    monkeypatch.setattr("builtins.input", lambda question: "yes")
    assert run(f"delete {one}") == 0
    assert (book.status(one).state, book.status(one).account) == ("deleted", "ann")
    assert run(f"delete {other} --yes --forget") == 0
    assert book.status(other).account == ""


def test_a_backup_is_the_whole_store(
    book: Submissions, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = send(book, "heron", contact="ann@example.org"), send(book, "ibis")
    book.approve(one, by="mia")
    book.quotas.spend("submit", address="203.0.113.7")
    assert run("backup --out b.tar.gz --dry-run") == 0
    assert not (tmp_path / "b.tar.gz").exists()
    assert run("backup --out b.tar.gz") == 0
    assert "e-mail addresses" in capsys.readouterr().out
    assert (tmp_path / "b.tar.gz").stat().st_mode & 0o077 == 0
    with tarfile.open(tmp_path / "b.tar.gz") as archive:
        assert not any("quotas" in name or "index" in name for name in archive.getnames())
        archive.extractall(tmp_path / "new", filter="data")
    again = open_submissions(tmp_path / "new" / "store", tmp_path / "new" / "private")
    expected = {one: frozenset({"public"}), other: frozenset({"pending"})}
    check_invariants(again, expected=expected, contacts={one: "ann@example.org"})
    assert run("backup --out b.tar.gz") == 2
    run("backup --out c.tar.gz --no-contacts")
    with tarfile.open(tmp_path / "c.tar.gz") as archive:
        assert not any("contacts/" in name for name in archive.getnames())


def test_contacts_go_to_a_table_without_formulas(book: Submissions, tmp_path: Path) -> None:
    one = send(book, "heron", contact="=cmd@example.org")
    send(book, "ibis")
    assert run("export-contacts --out contacts.csv") == 0
    with (tmp_path / "contacts.csv").open(newline="") as handle:
        rows = list(csv.DictReader(handle))
    assert [(row["id"], row["contact"]) for row in rows] == [(one, "'=cmd@example.org")]
    assert (tmp_path / "contacts.csv").stat().st_mode & 0o077 == 0


def test_check_says_what_is_amiss(book: Submissions, capsys: pytest.CaptureFixture[str]) -> None:
    one = send(book, "heron")
    assert run("check") == 0
    assert "1 submissions, 0 inconsistencies" in capsys.readouterr().out
    book.files(one)["predictions"].unlink()
    assert run("check") == 1
    assert f"inconsistent: {one}: files are missing: {one}.csv" in capsys.readouterr().out


def test_check_names_rows_without_a_record(
    book: Submissions, capsys: pytest.CaptureFixture[str]
) -> None:
    one = send(book, "heron")
    book.approve(one, by="mia")
    book.layout.record(one).unlink()
    assert run("check") == 1
    assert f"inconsistent: {one}: it is on the board without a record" in capsys.readouterr().out


def test_check_mends_what_was_moved_by_hand(
    book: Submissions, capsys: pytest.CaptureFixture[str]
) -> None:
    one = send(book, "heron")
    held = book.files(one)["report"]
    held.rename(book.store.reports_folder / held.name)
    assert run("check") == 0
    assert "put its files where its state (pending) wants them" in capsys.readouterr().out
    assert held.exists()


@pytest.mark.parametrize(
    "line, match",
    [
        ("list --store nowhere", "there is no store at nowhere"),
        ("list --private nowhere", "there is no private folder at nowhere"),
        ("approve", "no submission is named"),
        ("push", "no repos on the Hub are named"),
    ],
)
def test_errors_say_what_to_do(
    book: Submissions, capsys: pytest.CaptureFixture[str], line: str, match: str
) -> None:
    assert run(line) == 2
    assert match in capsys.readouterr().err


def test_the_documents_name_options_that_exist() -> None:
    text = (DOCS / "moderation.md").read_text("utf-8").replace("\\\n", " ")
    lines = re.findall(r"opinion-atlas space admin ([a-z-]+)([^\n`]*)", text)
    assert {name for name, _ in lines} >= {"list", "approve", "hide", "delete", "backup", "check"}
    for name, rest in lines:
        known = {
            option
            for argument in admin[name].assemble_argument_collection()
            for option in argument.names
        }
        used = set(re.findall(r"--[a-z-]+", rest.split("#")[0]))
        assert used <= known, (name, used - known)
