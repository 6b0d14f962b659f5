"""The pool: turns are fair, what hangs holds up nobody, limits hold."""

from __future__ import annotations

import dataclasses
import threading
import time

import pytest
from openai_server import Dialect, serving
from runs_house import (
    ANNA,
    BERT,
    HOME_QUICK,
    HOME_VISITOR,
    KEY,
    PUBLIC_QUICK,
    house,
    hub_choice,
    hub_opener,
    server_choice,
    started,
    wait_for,
)

from contracts.errors import ContractError
from elicitation.backends.mock import MockBackend
from space.runs.keys import Key, KeyRing
from space.runs.queue import FairQueue
from space.runs.rules import PUBLIC
from space.runs.service import Visitor

pytestmark = pytest.mark.usefixtures("no_keys_around")


def test_accounts_take_turns():
    queue = FairQueue(per_account=2)
    for run in ("a1", "a2", "a3"):
        queue.put("a", run)
    queue.put("b", "b1")
    queue.put("c", "c1")
    assert [queue.place(run) for run in ("a1", "b1", "c1", "a2", "a3")] == [0, 1, 2, 3, 4]
    assert [queue.take([]) for _ in range(6)] == ["a1", "b1", "c1", "a2", "a3", None]


def test_an_account_that_is_busy_lets_others_pass():
    queue = FairQueue(per_account=1)
    queue.put("a", "a1")
    queue.put("b", "b1")
    assert queue.take(["a"]) == "b1"
    assert queue.take(["a"]) is None
    assert queue.take([]) == "a1"


def test_a_run_that_is_taken_out_is_not_started():
    queue = FairQueue(per_account=1)
    queue.put("a", "a1")
    assert queue.remove("a1")
    assert not queue.remove("a1")
    assert (len(queue), queue.take([]), queue.place("a1")) == (0, None, -1)


def test_a_run_that_hangs_gives_its_place_to_the_next(tmp_path, reference):
    """A model that never answers and takes no notice of a stop."""
    release = threading.Event()

    class Hanging(MockBackend):
        def run(self, requests, *, on_response):
            release.wait(60)

    opened = []

    def opener(model, options):
        opened.append(model)
        return Hanging("steady") if len(opened) == 1 else MockBackend("steady")

    rules = dataclasses.replace(HOME_QUICK, workers=1, silent_seconds=25.0)
    runs = house(tmp_path, reference, rules=rules, opener=opener)
    first = started(runs, server_choice("http://localhost:1/v1"))
    second = started(runs, server_choice("http://localhost:1/v1", seed=1))
    assert wait_for(runs, second, "finished").whole
    hung = runs.book.read(first)
    assert (hung.state, hung.why) == ("stopped", "nothing happened for too long; resume to go on")
    runs.resume(first, Key(KEY), HOME_VISITOR)
    busy = wait_for(runs, first, "stopped")
    assert busy.why == "an earlier start of the run is still ending; resume in a minute"
    release.set()
    time.sleep(0.5)
    # What the first start says when it wakes changes nothing.
    assert runs.book.read(first).state == "stopped"
    runs.resume(first, Key(KEY), HOME_VISITOR)
    assert wait_for(runs, first, "finished").whole
    runs.close()


def test_a_stop_that_is_not_heard_is_carried_out(tmp_path, reference, monkeypatch):
    monkeypatch.setattr("space.runs.pool.STOP_SECONDS", 0.5)
    release = threading.Event()

    class Deaf(MockBackend):
        def run(self, requests, *, on_response):
            release.wait(60)

    runs = house(tmp_path, reference, opener=lambda *_: Deaf("steady"))
    run_id = started(runs, server_choice("http://localhost:1/v1"))
    wait_for(runs, run_id, "running")
    assert runs.stop(run_id, HOME_VISITOR).state == "stopping"
    assert wait_for(runs, run_id, "stopped").counts.made == 0
    assert len(runs.pool.keys) == 0
    release.set()
    runs.close()


def test_the_house_is_kept_on_whatever_goes_wrong(tmp_path, reference):
    runs = house(tmp_path, reference, opener=lambda *_: MockBackend("steady"))
    whole, failed = runs.pool.beat, []

    def faulty():
        if not failed:
            failed.append(True)
            raise OSError("the disk is full")
        whole()

    runs.pool.beat = faulty
    run_id = started(runs, server_choice("http://localhost:1/v1"))
    assert wait_for(runs, run_id, "finished").whole
    assert failed
    runs.close()


def test_a_fault_of_our_own_stops_one_run_and_tells_no_more_than_its_kind(tmp_path, reference):
    class Faulty(MockBackend):
        def run(self, requests, *, on_response):
            raise RuntimeError(f"secret {KEY}")

    runs = house(tmp_path, reference, opener=lambda *_: Faulty("steady"))
    record = wait_for(runs, started(runs, server_choice("http://localhost:1/v1")), "stopped")
    assert record.why == "the run failed (RuntimeError); resume to try again"
    runs.close()


def test_limits_hold_for_each_account(tmp_path, reference):
    rules = dataclasses.replace(PUBLIC_QUICK, waiting=1, calls_a_run=10, workers=1)
    with serving(Dialect(delay=0.5)) as server:
        runs = house(tmp_path, reference, rules=rules, opener=hub_opener(server.url))
        with pytest.raises(ContractError, match="too many calls"):
            runs.start(hub_choice(sample=11), Key(KEY), ANNA)
        first = started(runs, hub_choice(sample=10), ANNA)
        second = started(runs, hub_choice(sample=10, seed=1), ANNA)
        with pytest.raises(ContractError, match="too many runs of this account wait"):
            runs.start(hub_choice(), Key(KEY), ANNA)
        third = started(runs, hub_choice(sample=10, seed=2), BERT)
        wait_for(runs, first, "running")
        # Bert's first run comes before Anna's second: one worker, one run at a time.
        ended = [wait_for(runs, run, "finished", seconds=120).updated_at for run in (third, second)]
        assert ended == sorted(ended)
        runs.close()


def test_the_calls_of_a_day_are_counted_over_runs(tmp_path, reference):
    now = [1_800_000_000.0]
    rules = dataclasses.replace(PUBLIC_QUICK, calls_a_day=10)
    with serving() as server:
        runs = house(
            tmp_path, reference, rules=rules, opener=hub_opener(server.url), clock=lambda: now[0]
        )
        wait_for(runs, started(runs, hub_choice(sample=6), ANNA), "finished")
        assert (runs.calls_left(ANNA), runs.calls_left(BERT)) == (4, 10)
        cut = wait_for(runs, started(runs, hub_choice(sample=9, seed=1), ANNA), "stopped")
        assert cut.counts.made == 4
        assert cut.why == "the account's calls of the day are used up; resume tomorrow"
        with pytest.raises(ContractError, match="used up"):
            runs.resume(cut.id, Key(KEY), ANNA)
        now[0] += 2 * 86400
        runs.resume(cut.id, Key(KEY), ANNA)
        assert wait_for(runs, cut.id, "finished").whole
        runs.close()


def test_a_budget_ends_a_run(tmp_path, reference):
    with serving() as server:
        runs = house(tmp_path, reference)
        # The server counts 20 tokens a reply: at one unit a token, three replies are 60.
        choice = server_choice(server.url, sample=40, price_out=1e6, budget=60.0)
        record = wait_for(runs, started(runs, choice), "stopped")
        runs.close()
    assert record.why == "the budget of 60 is spent; resuming spends as much again"
    # Calls that were under way when the third came back are let come back.
    assert 3 <= record.counts.made <= 3 + HOME_QUICK.concurrency


def test_nobody_runs_without_login_or_token(tmp_path, reference):
    runs = house(tmp_path, reference, rules=PUBLIC_QUICK, opener=lambda *_: MockBackend("steady"))
    for stranger in (Visitor(), Visitor(at_home=True)):
        with pytest.raises(ContractError, match="needs a login"):
            runs.start(hub_choice(), Key(KEY), stranger)
    with pytest.raises(ContractError, match="needs a token"):
        runs.start(hub_choice(), Key(""), ANNA)
    runs.close()


def test_the_machines_own_token_is_never_a_visitors(tmp_path, reference, monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_ownerofthespace")
    runs = house(tmp_path, reference, rules=PUBLIC_QUICK, opener=lambda *_: MockBackend("steady"))
    with pytest.raises(ContractError, match="needs a token"):
        runs.start(hub_choice(), Key(" "), ANNA)
    runs.close()


def test_a_key_shows_itself_to_nobody():
    import pickle

    key, ring = Key(f" {KEY} "), KeyRing()
    ring.put("run", key)
    assert key.reveal() == KEY
    for text in (repr(key), str(key), f"{key}", repr(ring), str(vars(ring)), repr([key])):
        assert KEY not in text
    with pytest.raises(TypeError, match="never written"):
        pickle.dumps(key)
    ring.drop("run")
    ring.drop("run")
    assert ring.get("run") is None


def test_a_house_that_others_reach_holds_public_rules(tmp_path, reference):
    """As when a proxy sends others to a server that was started for its own machine."""
    runs = house(tmp_path, reference, opener=lambda *_: MockBackend("steady"))
    assert runs.quote(server_choice("http://localhost:1/v1"), HOME_VISITOR).estimate.calls
    runs.open_to_others()
    with pytest.raises(ContractError, match="at no address of a visitor's"):
        runs.quote(server_choice("http://localhost:1/v1"), HOME_VISITOR)
    assert runs.list(HOME_VISITOR) == []
    with pytest.raises(ContractError, match="needs a login"):
        runs.start(hub_choice(), Key(KEY), HOME_VISITOR)
    assert runs.pool.rules.workers == PUBLIC.workers
    runs.close()
