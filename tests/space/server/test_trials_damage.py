"""Files of a board that came to harm: the index, reports, the quota book, records, runs."""

from __future__ import annotations

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from damage import DAMAGES, damage, refusal_of
from runs_house import HOME_QUICK, HOME_VISITOR, house, server_choice, started, wait_for
from submission_samples import details, write_payload
from waiting import wait_until

from contracts.errors import ContractError
from elicitation.backends.mock import MockBackend
from space.board.facts import read_facts
from space.board.page import read_board
from space.board.query import BoardQuery
from space.board.store import Store, open_store
from space.server.serve import prepare_store
from space.submissions import Quotas, open_submissions


@pytest.fixture
def root(sample_root: Path, tmp_path: Path) -> Path:
    """A copy of the sample store, its index built."""
    shutil.copytree(sample_root, tmp_path / "store")
    open_store(tmp_path / "store").ensure_index(force=True)
    return tmp_path / "store"


def rows(store: Store) -> int:
    """How many rows the board shows, read in every way that pages use."""
    with store.connect() as db:
        db.execute("SELECT * FROM parts").fetchall()
        db.execute("SELECT * FROM scores").fetchall()
        db.execute("SELECT alignment FROM grids").fetchall()
    total = read_board(store, BoardQuery()).total
    assert read_facts(store).reports == 9
    return total


def settled(store: Store, whole: int) -> None:
    """Wait until the board shows everything again; meanwhile it says so, and nothing else."""
    found: list[int] = []

    def is_whole() -> bool:
        refusal = refusal_of(lambda: found.append(rows(store)))
        assert refusal is None or refusal.problems[0].code == "index-damaged"
        return refusal is None

    wait_until(is_whole, "the board does not come back")
    assert found == [whole]


# The index.


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_index_is_rebuilt_on_starting(root: Path, how: str) -> None:
    whole = rows(open_store(root))
    damage(root / "index.sqlite", how)
    store = prepare_store(str(root), release="reference", fill=False)
    assert rows(store) == whole


@pytest.mark.parametrize("how", [*DAMAGES, "gone", "empty"])
def test_a_damaged_index_is_rebuilt_while_the_board_is_open(root: Path, how: str) -> None:
    store = open_store(root)
    whole = rows(store)
    if how == "gone":
        store.index_path.unlink()
    elif how == "empty":
        store.index_path.write_bytes(b"")
    else:
        damage(store.index_path, how)
    store._looked = time.monotonic() + 1000  # no look at the reports mends it by chance
    settled(store, whole)


def test_many_visitors_of_a_damaged_index_make_one_new_one(root: Path, monkeypatch) -> None:
    import space.board.store

    built: list[bool] = []
    build = space.board.store.build_index
    go_on = threading.Event()

    def counted(*arguments: Any, **options: Any) -> None:
        built.append(True)
        assert go_on.wait(timeout=60)
        build(*arguments, **options)

    store = open_store(root)
    whole = rows(store)
    monkeypatch.setattr("space.board.store.build_index", counted)
    damage(store.index_path, "noise")
    store._looked = time.monotonic() + 1000
    for _ in range(50):
        with pytest.raises(ContractError, match=r"being rebuilt.*Try again in a minute"):
            rows(store)
    go_on.set()
    settled(store, whole)
    assert len(built) == 1


def test_the_server_says_so_and_comes_back(root: Path, people, board_here) -> None:
    with board_here(root, people) as client:
        before = client.get("/board.json").json()
        damage(root / "index.sqlite", "noise")
        details = set()

        def is_back() -> bool:
            answer = client.get("/download/board.json")
            assert client.get("/healthz").status_code == 200
            if answer.status_code == 200:
                return bool(client.get("/board.json").json() == before)
            details.add(answer.json().get("detail", ""))
            return False

        wait_until(is_back, "the board does not come back", every=0.02)
    assert all("being rebuilt" in one for one in details if one)


# Reports.

STRANGE: dict[str, Callable[[str], bytes]] = {
    "nested": lambda _: b"[" * 100_000 + b"]" * 100_000,
    "a nested field": lambda text: text.replace("{", '{"x":' + "[" * 50_000, 1).encode(),
    "large number": lambda _: b'{"a":' + b"9" * 10_000 + b"}",
    "null": lambda _: b"null",
    "half of a surrogate pair": lambda text: text.replace('"Heron', '"\\ud800', 1).encode(),
    "no number": lambda text: text.replace("0.", "NaN,0.", 1).encode(),
    "of the future": lambda text: text.replace('version": "1', 'version": "9').encode(),
}


@pytest.mark.parametrize("how", [*DAMAGES, *STRANGE])
def test_a_damaged_report_is_left_out_and_all_others_stay(root: Path, how: str) -> None:
    path = root / "reports" / "heron-8b.json"
    if how in DAMAGES:
        damage(path, how)
    else:
        path.write_bytes(STRANGE[how](path.read_text(encoding="utf-8")))
    store = open_store(root)
    store.ensure_index(force=True)
    facts = read_facts(store)
    if not facts.problems:  # the change did not matter to a reader
        assert facts.reports == 9
        return
    ((name, problem),) = facts.problems
    assert (name, facts.reports) == ("heron-8b", 8)
    assert str(root) not in problem
    assert "Traceback" not in problem
    with pytest.raises(ContractError, match="the report of row 'heron-8b' cannot be read") as told:
        store.report("heron-8b")
    assert str(root) not in str(told.value)


def test_a_report_that_no_page_can_show_is_left_out(root: Path, monkeypatch) -> None:
    def strange(report: Any, **_: Any) -> dict[str, Any]:
        if report.predictions.name == "heron-8b":
            raise ZeroDivisionError("as no report of ours")
        return real(report, **_)

    from space.board.rows import row_fields as real

    monkeypatch.setattr("space.board.index.row_fields", strange)
    store = open_store(root)
    store.index_path.unlink()
    store.ensure_index(force=True)
    facts = read_facts(store)
    assert facts.reports == 8
    assert facts.problems == (
        ("heron-8b", "the board cannot show this report (ZeroDivisionError)"),
    )


# The quota book.


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_quota_book_lets_nobody_through_uncounted(tmp_path: Path, how: str) -> None:
    quotas = Quotas(tmp_path)
    for number in range(300):
        quotas.spend("submit" if number < 5 else "check", account=f"a{number % 100}")
    path = tmp_path / "quotas.sqlite"
    damage(path, how)
    kept = path.read_bytes()
    refusal = refusal_of(lambda: Quotas(tmp_path).spend("submit", account="a1"))
    if refusal is None:
        return  # what is damaged was not needed
    assert refusal.problems[0].code == "no-quota-book"
    assert path.read_bytes() == kept  # a maintainer may save what can be read
    path.unlink()
    Quotas(tmp_path).spend("submit", account="a1")


def test_a_damaged_quota_book_stops_no_page_and_keeps_submissions(root: Path, tmp_path) -> None:
    book = open_submissions(root, tmp_path / "private")
    payload = write_payload(tmp_path, "one")
    receipt = book.submit(payload, details("One"), account="ann")
    damage(tmp_path / "private" / "quotas.sqlite", "noise")
    with pytest.raises(ContractError, match="cannot keep count of it"):
        book.submit(write_payload(tmp_path, "two"), details("Two"), account="ann")
    assert [one.id for one in book.list()] == [receipt.id]
    assert book.withdraw(receipt.id, account="ann").state == "withdrawn"
    assert open_submissions(root, tmp_path / "private").inconsistencies() == ()


# Records.


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_record_of_a_submission_stops_no_other(root: Path, tmp_path, how: str) -> None:
    book = open_submissions(root, tmp_path / "private")
    one = book.submit(write_payload(tmp_path, "one"), details("One"), account="ann")
    two = book.submit(write_payload(tmp_path, "two"), details("Two"), account="bob")
    damage(tmp_path / "private" / "records" / f"{one.id}.json", how)
    again = open_submissions(root, tmp_path / "private")
    if how == "pages of noise":  # it is shorter than a page
        assert {found.id for found in again.list()} == {one.id, two.id}
        return
    assert [found.id for found in again.list()] == [two.id]
    (line,) = again.inconsistencies()
    assert line.startswith(f"{one.id}: its record cannot be read")
    assert again.approve(two.id, by="keeper").state == "public"
    with pytest.raises(ContractError, match=one.id):
        again.status(one.id)


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_record_of_a_run_stops_no_other(tmp_path, reference, how: str) -> None:
    runs = house(tmp_path, reference, rules=HOME_QUICK, opener=lambda *_: MockBackend("steady"))
    try:
        first, second = (started(runs, server_choice("http://127.0.0.1:9")) for _ in range(2))
        for run in (first, second):
            wait_for(runs, run, "finished")
        damage(runs.book.path(first) / "record.json", how)
        listed = {one.id for one in runs.list(HOME_VISITOR)}
        assert second in listed
        refusal = refusal_of(lambda: runs.view(first, HOME_VISITOR))
        assert (refusal is None) == (first in listed)  # a small change may do no harm
        assert how in ("pages of noise", "flipped bits") or first not in listed
        assert runs.view(second, HOME_VISITOR).record.state == "finished"
    finally:
        runs.close()


@pytest.mark.parametrize("how", DAMAGES)
def test_a_run_whose_calls_are_damaged_says_what_is_wrong(tmp_path, reference, how: str) -> None:
    runs = house(tmp_path, reference, rules=HOME_QUICK, opener=lambda *_: MockBackend("steady"))
    try:
        run = started(runs, server_choice("http://127.0.0.1:9"))
        record = wait_for(runs, run, "finished")
        runs.book.change(run, {"state": "stopped", "whole": False})
        path = runs.book.path(run) / "calls" / "calls.sqlite"
        damage(path, how)
        for beside in path.parent.glob("calls.sqlite-*"):
            beside.unlink()
        from space.runs.keys import Key

        runs.resume(run, Key("x"), HOME_VISITOR)
        again = wait_for(runs, run, "finished", "stopped")
        assert "Error" not in again.why
        assert str(tmp_path) not in again.why
        if again.state == "stopped":
            assert "store of calls" in again.why
        assert len(again.results) == len(record.results) or again.state == "stopped"
        runs.delete(run, HOME_VISITOR)
        assert runs.list(HOME_VISITOR) == []
    finally:
        runs.close()


@pytest.mark.parametrize("how", DAMAGES)
def test_a_run_whose_report_is_damaged_still_opens(
    tmp_path, reference, how: str, people, board_here
) -> None:
    runs = house(tmp_path, reference, rules=HOME_QUICK, opener=lambda *_: MockBackend("steady"))
    run = started(runs, server_choice("http://127.0.0.1:9"))
    wait_for(runs, run, "finished")
    (report,) = (runs.book.path(run) / "reports").glob("*.json")
    damage(report, how)
    with board_here(tmp_path / "store", people, runs=runs) as client:
        config = client.get("/config").json()
        shown = config["page"]["run"]["dependencies"]
        load = next(
            one["id"]
            for one in config["dependencies"]
            if one["id"] in shown and one["api_name"].startswith("restore")
        )
        call = {"data": [], "fn_index": load, "session_hash": "look"}
        answer = client.post(f"/gradio_api/run/predict?id={run}", json=call)
        assert answer.status_code == 200, answer.text
        said = json.dumps(answer.json())
        assert "the run has finished" in said
        assert "cannot be read" in said or how in ("flipped bits", "pages of noise")
        assert str(tmp_path) not in said
