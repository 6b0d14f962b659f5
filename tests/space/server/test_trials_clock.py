"""Clocks that jump an hour ahead or back: nothing is lost, nobody is locked out or let through."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time

import pytest
from openai_server import Dialect, serving
from runs_house import HOME_QUICK, HOME_VISITOR, KEY, house, server_choice, started, wait_for
from second_server import second
from submission_samples import details, write_payload
from waiting import wait_until

from contracts.atomic import PARTIAL_PREFIX, atomic_file
from contracts.errors import ContractError
from space.board.facts import read_facts
from space.board.store import open_store
from space.pages.running.show import ago, runs_html
from space.runs.keys import Key
from space.submissions import Quotas, open_submissions
from space.submissions.quotas import DAY, HOUR, Limit

JUMPS = [HOUR, -HOUR]


class Clock:
    """The time of day, as someone has set it."""

    def __init__(self, now: float | None = None) -> None:
        self._now, self.ahead = now, 0.0

    def __call__(self) -> float:
        return (time.time() if self._now is None else self._now) + self.ahead


# Submissions.


@pytest.mark.parametrize("jump", JUMPS)
def test_the_last_decision_counts_whatever_the_clock_says(tmp_path, jump: float) -> None:
    clock = Clock(1_800_000_000.0)
    (tmp_path / "store").mkdir()
    book = open_submissions(tmp_path / "store", tmp_path / "private", clock=clock)
    first = book.submit(write_payload(tmp_path, "one"), details("One"), account="ann")
    book.approve(first.id, by="keeper")
    clock.ahead = jump
    book.hide(first.id, by="keeper", why="no such model")
    again = book.submit(write_payload(tmp_path, "two"), details("Two"), account="ann")
    assert again.state == "pending"  # the account is not trusted any more
    clock.ahead = 0.0
    book.reject(again.id, by="keeper", why="no such model")
    third = book.submit(write_payload(tmp_path, "three"), details("Three"), account="ann")
    assert third.state == "pending"
    for one in book.list():
        times = [event.at for event in one.events]
        assert times == sorted(times)


@pytest.mark.parametrize("jump", [2 * DAY, 365 * DAY])
def test_a_clock_that_was_far_ahead_is_not_followed(tmp_path, jump: float) -> None:
    clock = Clock(1_800_000_000.0)
    (tmp_path / "store").mkdir()
    book = open_submissions(tmp_path / "store", tmp_path / "private", clock=clock)
    clock.ahead = jump
    book.submit(write_payload(tmp_path, "one"), details("One"), account="ann")
    clock.ahead = 0.0
    receipt = book.submit(write_payload(tmp_path, "two"), details("Two"), account="bob")
    assert book.status(receipt.id).submitted_at.startswith("2027-01-15")


@pytest.mark.parametrize("jump", JUMPS)
def test_a_file_that_is_being_written_is_nobodys_rubbish(tmp_path, monkeypatch, jump) -> None:
    (tmp_path / "store" / "reports").mkdir(parents=True)
    target = tmp_path / "store" / "reports" / "row.json"
    left = target.with_name(f"{PARTIAL_PREFIX}999999999-old.json")
    left.write_text("left by a process that is gone")
    real = time.time
    with atomic_file(target) as partial:
        partial.write_text("a report that takes a while")
        monkeypatch.setattr("time.time", lambda: real() + jump + 60)
        open_submissions(tmp_path / "store", tmp_path / "private")
        assert partial.exists()
    assert target.read_text() == "a report that takes a while"
    assert left.exists() == (jump < 0)


# Limits.


@pytest.mark.parametrize("jump", JUMPS)
def test_a_jump_of_the_clock_frees_no_daily_limit(tmp_path, jump: float) -> None:
    clock = Clock(1_800_000_000.0)
    limits = {"submit": {"account": (Limit(2, DAY),), "address": (Limit(2, DAY),)}}
    quotas = Quotas(tmp_path, limits=limits, clock=clock)
    for ahead in (0.0, jump):
        clock.ahead = ahead
        quotas.spend("submit", account=f"a{ahead}", address="203.0.113.7")
    for ahead in (jump, 0.0, -jump):
        clock.ahead = ahead
        with pytest.raises(ContractError, match="no more submissions are left for this address"):
            quotas.spend("submit", account="another", address="203.0.113.7")
    clock.ahead = DAY + abs(jump) + 1
    quotas.spend("submit", account="another", address="203.0.113.7")


@pytest.mark.parametrize("jump", JUMPS)
def test_a_wait_is_at_most_longer_by_the_jump(tmp_path, jump: float) -> None:
    clock = Clock(1_800_000_000.0)
    quotas = Quotas(tmp_path, limits={"check": {"account": (Limit(1, HOUR),)}}, clock=clock)
    clock.ahead = jump
    quotas.spend("check", account="ann")
    clock.ahead = 0.0
    if jump > 0:
        with pytest.raises(ContractError, match=r"Try again in 2 hours"):
            quotas.spend("check", account="ann")
        clock.ahead = 2 * HOUR
    quotas.spend("check", account="ann")


# Runs.


@pytest.mark.parametrize("jump", JUMPS)
def test_runs_go_on_when_the_clock_jumps(tmp_path, reference, jump: float) -> None:
    clock = Clock()
    with serving(Dialect(delay=0.15)) as model:
        runs = house(tmp_path, reference, clock=clock)
        try:
            names = [started(runs, server_choice(model.url, sample=12)) for _ in range(3)]
            while runs.view(names[0], HOME_VISITOR).record.counts.made < 3:
                time.sleep(0.05)
            clock.ahead = jump
            for name in names:  # the third waits while the clock jumps
                assert wait_for(runs, name, "finished", "stopped").state == "finished"
            assert "Your runs" in runs_html(runs.list(HOME_VISITOR))
        finally:
            runs.close()
    assert len({str(body["messages"]) for body in model.asked}) == 12


@pytest.mark.slow
@pytest.mark.parametrize("jump", JUMPS)
def test_a_server_whose_clock_jumps_ends_no_run_of_another(tmp_path, reference, jump) -> None:
    clock = Clock()
    with (
        serving(Dialect(delay=0.25)) as model,
        second(tmp_path, model.url, "wait") as (_, names),
    ):
        here = house(tmp_path, reference, clock=clock)
        here.pool.keep_house()
        try:
            wait_until(lambda: here.book.read(names[0]).counts.made > 2, "nothing was asked")
            clock.ahead = jump
            for name in names:
                assert wait_for(here, name, "finished", "stopped").state == "finished"
        finally:
            here.close()


@pytest.mark.parametrize("jump", JUMPS)
def test_a_run_of_a_dead_server_is_freed_whatever_its_clock_said(
    tmp_path, reference, jump: float
) -> None:
    before = house(tmp_path, reference, clock=Clock(time.time() + jump))
    choice = server_choice("http://127.0.0.1:9")
    ended = subprocess.run([sys.executable, "-c", "import os; print(os.getpid())"],
                           capture_output=True, text=True, check=True)  # fmt: skip
    machine = before.pool.holder.partition(":")[0]
    for holder in (f"{machine}:{int(ended.stdout)}:0", "another-machine:1:0"):
        record = before.book.create(choice, account="", holder=holder)
        before.book.change(record.id, {"state": "running"})
        before.book.beat(record.id, holder)
    before.close()
    after = house(tmp_path, reference)
    after.pool.keep_house()
    try:
        for one in after.list(HOME_VISITOR):
            stopped = wait_for(after, one.id, "stopped")
            assert stopped.why == "the server was restarted; resume with your key"
    finally:
        after.close()


@pytest.mark.parametrize("jump", JUMPS)
def test_calls_of_a_day_are_counted_when_the_clock_jumps(tmp_path, reference, jump) -> None:
    noon = 1_800_014_400.0
    clock = Clock(noon)
    runs = house(tmp_path, reference, clock=clock)
    record = runs.book.create(server_choice("http://127.0.0.1:9"), account="ann", holder="x")
    runs.book.change(record.id, {"spent": {time.strftime("%Y-%m-%d", time.gmtime(noon)): 100}})
    clock.ahead = jump
    assert runs.book.calls_in_a_day("ann") == 100
    runs.close()


def test_what_lies_in_the_future_was_just_now() -> None:
    assert ago(-HOUR) == "just now"
    assert HOME_QUICK.stale_seconds < HOUR


# The board.


@pytest.mark.parametrize("jump", JUMPS)
def test_a_report_that_a_jumping_clock_dates_is_indexed(tmp_path, sample_root, jump) -> None:
    shutil.copytree(sample_root, tmp_path / "store")
    store = open_store(tmp_path / "store")
    store.ensure_index(force=True)
    path = tmp_path / "store" / "reports" / "heron-8b.json"
    text = path.read_text(encoding="utf-8")
    assert '"heron-8b"' in text
    path.write_text(text.replace('"heron-8b"', '"HERON-8b"'), encoding="utf-8")
    os.utime(path, (time.time() + jump, time.time() + jump))
    store.ensure_index(force=True)
    with store.connect() as db:
        names = [row["name"] for row in db.execute("SELECT name FROM rows")]
    assert "HERON-8b" in names
    assert read_facts(store).reports == 9


def test_a_run_is_resumed_after_the_clock_was_set_back(tmp_path, reference) -> None:
    clock = Clock()
    clock.ahead = HOUR
    with serving(Dialect(delay=0.2)) as model:
        runs = house(tmp_path, reference, clock=clock)
        try:
            run_id = started(runs, server_choice(model.url, sample=20))
            while runs.view(run_id, HOME_VISITOR).record.counts.made < 3:
                time.sleep(0.05)
            runs.stop(run_id, HOME_VISITOR)
            wait_for(runs, run_id, "stopped")
            clock.ahead = 0.0
            model.dialect.delay = 0.0
            runs.resume(run_id, Key(KEY), HOME_VISITOR)
            assert wait_for(runs, run_id, "finished").whole
        finally:
            runs.close()
