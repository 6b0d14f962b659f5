"""A store of calls that came to harm, a full disk under it, shards that do not belong together."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from damage import DAMAGES, damage, refusal_of

from contracts.errors import ContractError
from elicitation.backends.mock import MockBackend
from elicitation.commands.elicit import read_runs
from elicitation.run.predictions import write_run_predictions
from elicitation.run.session import run_study
from elicitation.run.store import Store

QUESTIONS = ("Q1", "Q2", "Q3", "Q4", "Q241", "Q46")


@pytest.fixture
def plan(plan_of):
    return plan_of(countries=("DEU", "JPN"), questions=QUESTIONS)


@pytest.fixture
def calls(tmp_path: Path, plan) -> Path:
    """A store of a run that has finished, all of it in one file."""
    run_study(plan, MockBackend("steady"), tmp_path / "run")
    path = tmp_path / "run" / "calls.sqlite"
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


def read(path: Path) -> Any:
    with Store(path) as store:
        return [len(list(store.items())), store.counts(), store.unread(), store.conditions()]


def written(path: Path) -> Any:
    with Store(path) as store:
        return write_run_predictions(store, path.parent / "again")


def merged(path: Path) -> Any:
    with Store(path.parent / "merged" / "calls.sqlite") as store:
        store.merge(path)
        return store.counts()


@pytest.mark.parametrize("how", DAMAGES)
@pytest.mark.parametrize("use", [read, written, merged])
def test_damage_is_told_and_never_a_traceback(
    calls: Path, how: str, use: Callable[[Path], Any]
) -> None:
    damage(calls, how)
    refusal = refusal_of(lambda: use(calls))
    if refusal is None:  # what is damaged was not needed
        return
    assert {one.code for one in refusal.problems} <= {"damaged-store", "no-store"}
    assert str(calls) in str(refusal)
    assert all(one.hint for one in refusal.problems)


def test_most_damage_is_noticed_when_answers_are_read(calls: Path) -> None:
    whole, noticed = calls.read_bytes(), []
    for how in DAMAGES:
        calls.write_bytes(whole)
        damage(calls, how)
        noticed.append(refusal_of(lambda: written(calls)) is not None)
    assert sum(noticed) >= len(DAMAGES) - 2


@pytest.mark.parametrize("how", DAMAGES)
def test_a_run_does_not_go_on_in_a_damaged_store_without_a_word(calls, plan, how: str) -> None:
    damage(calls, how)
    refusal = refusal_of(lambda: run_study(plan, MockBackend("steady"), calls.parent))
    known = {"damaged-store", "no-store", "other-run", "store-version"}
    assert refusal is None or {one.code for one in refusal.problems} <= known


@pytest.mark.parametrize("how", DAMAGES)
def test_a_damaged_shard_leaves_the_others_as_they_were(calls, plan, tmp_path, how: str) -> None:
    run_study(plan, MockBackend("steady"), tmp_path / "two")
    damage(calls, how)
    with Store(tmp_path / "two" / "calls.sqlite") as store:
        before = [(one.record.item_id, one.response) for one in store.items()]
        refusal_of(lambda: store.merge(calls))
        after = [(one.record.item_id, one.response) for one in store.items()]
    assert after == before  # both hold the same answers


@pytest.mark.parametrize(
    ("statement", "value"),
    [
        ("UPDATE calls SET response = ?", "{"),
        ("UPDATE calls SET response = ?", "[]"),
        ("UPDATE calls SET response = ?", '{"unknown": 1}'),
        ("UPDATE calls SET response = ?", b"\xff\xfe"),
        ("UPDATE calls SET response = ?", "[" * 100_000),
        ("UPDATE items SET spec = ?", "no JSON"),
        ("UPDATE items SET shown = ?", "nothing"),
        ("UPDATE shown SET content = ?", "{}"),
        ("UPDATE shown SET content = ?", "[1]"),
        ("UPDATE facts SET content = ?", "{"),
    ],
)
def test_a_cell_that_holds_something_else(calls: Path, statement: str, value: Any) -> None:
    with closing(sqlite3.connect(calls)) as db:
        db.execute(statement, (value,))
        db.commit()
    with pytest.raises(ContractError, match="the store of calls is damaged"):
        written(calls)


def test_a_table_that_is_gone(calls: Path) -> None:
    with closing(sqlite3.connect(calls)) as db:
        db.execute("DROP TABLE calls")
        db.execute("CREATE TABLE calls (other TEXT)")
        db.commit()
    with pytest.raises(ContractError, match="the store of calls is damaged"):
        read(calls)


def test_a_folder_in_its_place(tmp_path: Path) -> None:
    (tmp_path / "calls.sqlite").mkdir()
    with pytest.raises(ContractError, match="cannot be written"):
        Store(tmp_path / "calls.sqlite")


def test_a_store_that_another_process_holds(calls: Path, monkeypatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(
        "sqlite3.connect", lambda path, **options: connect(path, **{**options, "timeout": 0.05})
    )
    with closing(connect(calls, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with (
            pytest.raises(ContractError, match="another process holds the store"),
            Store(calls) as store,
        ):
            store.set_fact("mine", 1)


def test_a_full_disk_keeps_what_was_answered_and_the_run_goes_on(
    plan, tmp_path: Path, monkeypatch
) -> None:
    full = True
    connect = sqlite3.connect

    def small(path, **options):
        db = connect(path, **options)
        if full:
            db.execute("PRAGMA max_page_count = 24")  # as if there were no more room
        return db

    monkeypatch.setattr("sqlite3.connect", small)
    with pytest.raises(ContractError, match="Make room, then start again") as told:
        run_study(plan, MockBackend("steady"), tmp_path / "run")
    assert told.value.problems[0].code == "no-room"
    full = False
    with closing(connect(tmp_path / "run" / "calls.sqlite")) as db:
        kept = db.execute("SELECT count(*) FROM calls").fetchone()[0]
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert kept > 0
    session = run_study(plan, MockBackend("steady"), tmp_path / "run")
    assert session.progress.reused > 0
    assert session.progress.made < session.progress.total
    expected = run_study(plan, MockBackend("steady"), tmp_path / "whole")
    for one, other in zip(session.files, expected.files, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()


# Shards of different studies.


@pytest.mark.parametrize(
    "other",
    [
        {"questions": (*QUESTIONS[:-1], "Q57")},
        {"countries": ("DEU",)},
        {"seed": 1},
        {"steer": ("none",)},
        {"method": "sampling"},
        {"languages": ("de",)},
    ],
)
def test_shards_of_different_studies_are_refused_before_any_is_taken(
    calls, plan, plan_of, tmp_path: Path, other: dict[str, Any]
) -> None:
    options = {"countries": ("DEU", "JPN"), "questions": QUESTIONS, **other}
    run_study(plan_of(**options), MockBackend("steady"), tmp_path / "other")
    target = tmp_path / "merged"
    sources = (calls.parent, tmp_path / "other")
    for order in (sources, sources[::-1]):
        with pytest.raises(ContractError, match="another study") as told:
            read_runs(order, out=None, merge_into=target, suffix=".jsonl", json=True)
        assert "Merge only stores that shards of one study wrote" in str(told.value)
        assert not (target / "calls.sqlite").exists()


def test_a_shard_of_another_study_does_not_touch_what_was_merged(
    calls, plan, plan_of, tmp_path: Path
) -> None:
    target = tmp_path / "merged"
    read_runs((calls.parent,), out=None, merge_into=target, suffix=".jsonl", json=True)
    before = read(target / "calls.sqlite")
    other = plan_of(countries=("DEU",), questions=("Q1",))
    run_study(other, MockBackend("steady"), tmp_path / "other")
    with pytest.raises(ContractError, match="another study"):
        read_runs((tmp_path / "other",), out=None, merge_into=target, suffix=".jsonl", json=True)
    assert read(target / "calls.sqlite") == before
