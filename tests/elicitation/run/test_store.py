"""The store and the runner: nothing is lost, nothing is asked twice, runs can be merged."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from openai_server import Dialect, serving

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from elicitation.backends.base import Message, Request, Response, Sampling
from elicitation.backends.call_key import CallKeys
from elicitation.backends.mock import MockBackend
from elicitation.prompts.prompts import Shown, ShownOption
from elicitation.run.predictions import write_run_predictions
from elicitation.run.runner import TooManyErrorsError, run_plan
from elicitation.run.session import run_study
from elicitation.run.store import ItemRecord, Store, locked

SHOWN = Shown("choice", (ShownOption("1", 1, "Yes"), ShownOption("2", 2, "No")))
CHAT = Request("id", messages=(Message("user", "?"),))


def record(name: str = "item") -> ItemRecord:
    """An item of a test."""
    return ItemRecord(name, "c", {"question_id": "Q1", "repeat": 0}, SHOWN)


def test_a_call_comes_back_as_it_was_saved(tmp_path):
    response = Response(
        "id",
        "ok",
        ("2", "é\ud800"),
        (-1.5, None),
        "censored",
        {"x": [1, {"y": None}]},
        3,
        4,
        "",
        0.5,
    )
    with Store(tmp_path / "s.sqlite") as store:
        store.save(b"k" * 16, CHAT, response, [record("a"), record("b")])
    with Store(tmp_path / "s.sqlite") as store:
        found = list(store.items())
    assert [item.record for item in found] == [record("a"), record("b")]
    assert found[0].response == response
    assert found[0].again is None


def test_an_error_is_no_answer_and_is_noted(tmp_path):
    with Store(tmp_path / "s.sqlite") as store:
        store.save(b"k" * 16, CHAT, Response("id", "error", error="gone"), [record()])
        assert store.finished_keys() == set()
        assert store.last_errors() == ["gone"]
        assert store.counts() == {"failures": 1}


def test_what_is_no_store_is_refused(tmp_path):
    path = tmp_path / "s.sqlite"
    path.write_text("no database " * 100)
    with pytest.raises(ContractError, match="no store of calls"):
        Store(path)
    other = tmp_path / "t.sqlite"
    with Store(other) as store:
        store.set_fact("store_version", 99)
    with pytest.raises(ContractError, match="another version"):
        Store(other)


BASE = Request("id", "generate", (Message("user", "a"),), sampling=Sampling())


@pytest.mark.parametrize(
    "other",
    [
        Request("id", "generate", (Message("user", "b"),)),
        Request("id", "generate", (Message("system", "a"),)),
        Request("id", "generate", (Message("user", "a"), Message("user", ""))),
        Request("id", "generate", prompt="a"),
        Request("id", "generate", (Message("user", "a"),), repeat=1),
        Request("id", "generate", (Message("user", "a"),), sampling=Sampling(max_tokens=9)),
        Request("id", "generate", (Message("user", "a"),), sampling=Sampling(temperature=0.5)),
        Request("id", "generate", (Message("user", "a"),), sampling=Sampling(top_p=0.5)),
        Request("id", "generate", (Message("user", "a"),), sampling=Sampling(seed=5)),
        Request("id", "generate", (Message("user", "a"),), sampling=Sampling(stop=("x",))),
        Request("id", "generate", (Message("user", "a"),), sampling=Sampling(n=2)),
        Request("id", "score_labels", (Message("user", "a"),), options=("x", "y")),
        Request("id", "score_options", (Message("user", "a"),), options=("x", "y")),
        Request("id", "score_options", (Message("user", "a"),), options=("xy",)),
        Request(
            "id", "score_options", (Message("user", "a"),), options=("x", "y"), terminator="none"
        ),
    ],
)
def test_all_that_decides_an_answer_is_in_the_key(other):
    keys = CallKeys({"model": "m"})
    assert keys.key(other) != keys.key(BASE)
    assert keys.key(other) != CallKeys({"model": "n"}).key(other)
    again = Request(**{**other.__dict__, "request_id": "another"})
    assert keys.key(again) == CallKeys({"model": "m"}).key(other)


def test_texts_do_not_run_together_in_keys():
    keys = CallKeys({})
    pairs = [("ab", "c"), ("a", "bc"), ("abc", ""), ("a\x00b", "c")]
    requests = [
        Request("i", messages=(Message("user", one), Message("user", two))) for one, two in pairs
    ]
    assert len({keys.key(request) for request in requests}) == len(pairs)


class Counting(MockBackend):
    """A mock that counts, and fails at will."""

    def __init__(self, character: str = "messy", *, fail: int = 0, stop_after: int | None = None):
        super().__init__(character)
        self.made = 0
        self.fail, self.stop_after = fail, stop_after

    def run(self, requests, *, on_response):
        for request in requests:
            if self.stop_after is not None and self.made >= self.stop_after:
                raise RuntimeError("power cut")
            self.made += 1
            if self.made <= self.fail:
                on_response(request, Response(request.request_id, "error", error="busy"))
            else:
                on_response(request, self._respond(request))


def test_a_run_goes_on_where_it_stopped_and_ends_the_same(tmp_path, plan_of):
    plan = plan_of(countries=("DEU", "USA"), questions=("Q1", "Q2", "Q3", "Q60", "Q241"))
    whole = Counting()
    expected = run_study(plan, whole, tmp_path / "whole")
    made = 0
    for stop_after in (1, 0, 4, 7, 100):
        backend = Counting(stop_after=stop_after)
        with contextlib.suppress(RuntimeError):
            session = run_study(plan, backend, tmp_path / "parts")
        made += backend.made
    assert made == whole.made
    for one, other in zip(session.files, expected.files, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()


def test_failed_calls_are_made_again_by_the_next_run(tmp_path, plan_of):
    plan = plan_of(steer=("none",), questions=("Q1", "Q2", "Q3"))
    first = run_study(plan, Counting("steady", fail=2), tmp_path)
    assert first.progress.statuses == {"error": 2, "ok": 1}
    assert first.errors == ["busy"]
    assert first.files[0].statuses == {"ok": 1}
    second = run_study(plan, Counting("steady"), tmp_path)
    assert second.progress.made == 2
    assert second.files[0].statuses == {"ok": 3}


def test_a_run_gives_up_when_nothing_works(tmp_path, plan_of):
    plan = plan_of(steer=("none",))
    with Store(tmp_path / "s.sqlite") as store, pytest.raises(TooManyErrorsError, match="busy"):
        run_plan(plan, Counting(fail=1000), store)
    session = run_study(plan, Counting(fail=1000), tmp_path / "run")
    assert "too many calls in a row failed" in session.progress.stopped


def test_equal_prompts_are_asked_once(tmp_path, plan_of):
    # With two answers, reversed and shuffled order are the same prompt.
    plan = plan_of(steer=("none",), questions=("Q149",), vary=("reversed-order", "shuffled"))
    backend = Counting("steady")
    session = run_study(plan, backend, tmp_path)
    assert backend.made == 1
    assert [sum(file.statuses.values()) for file in session.files] == [1, 1]
    rows = [file.path.read_text().splitlines()[1] for file in session.files]
    assert rows[0] == rows[1]


def test_unreadable_replies_are_asked_for_once_more(tmp_path, plan_of):
    plan = plan_of(steer=("none",), vary=("default", "letters", "shuffled"))
    with_second = run_study(plan, Counting(), tmp_path / "a")
    study = plan.study.model_copy(update={"reask": False})
    without = run_study(type(plan)(study, plan.release), Counting(), tmp_path / "b")
    tries = sum(file.second_tries for file in with_second.files)
    unread = [
        sum(f.statuses["invalid"] + f.statuses["truncated"] for f in s.files)
        for s in (without, with_second)
    ]
    assert tries > 0
    assert unread[1] == unread[0] - tries
    again = Counting()
    run_study(plan, again, tmp_path / "a")
    assert again.made == 0


def test_predictions_say_how_answers_were_scored(tmp_path, plan_of):
    for method, expected in (("label_likelihood", {"exact": 6}), ("verbalized", None)):
        plan = plan_of(method=method, steer=("none",), questions=("Q1", "Q2", "Q3"))
        (file,) = run_study(plan, Counting("steady"), tmp_path / method).files
        answers = read_predictions(file.path).meta.extra["answers"]
        assert answers.get("scored_by") == expected


class Learning(Counting):
    """Finds out something of its model while it answers, as local models do."""

    def environment(self):
        found = {"scorer_used": "tree"} if self.made else {}
        return {**super().environment(), **found}


def test_what_a_run_finds_out_stays_known(tmp_path, plan_of):
    plan = plan_of(method="label_likelihood", steer=("none",), questions=("Q1", "Q2"), orders=1)
    for made in (2, 0):
        backend = Learning("steady")
        (file,) = run_study(plan, backend, tmp_path).files
        assert backend.made == made
        environment = read_predictions(file.path).meta.extra["environment"]
        assert environment["scorer_used"] == "tree"


def test_shards_merge_to_what_one_run_gives(tmp_path, plan_of):
    plan = plan_of(countries=("DEU",), questions=("Q1", "Q2", "Q3", "Q4", "Q241"))
    expected = run_study(plan, Counting(), tmp_path / "one")
    for number in (1, 2, 3):
        run_study(plan, Counting(), tmp_path / f"shard{number}", shard=(number, 3))
    with Store(tmp_path / "merged" / "calls.sqlite") as merged:
        for number in (3, 1, 2, 2):
            merged.merge(tmp_path / f"shard{number}" / "calls.sqlite")
        files = write_run_predictions(merged, tmp_path / "merged" / "predictions")
    for one, other in zip(files, expected.files, strict=True):
        assert one.path.read_bytes() == other.path.read_bytes()


def test_stores_of_different_studies_are_not_mixed(tmp_path, plan_of):
    run_study(plan_of(steer=("none",), questions=("Q1",)), Counting(), tmp_path / "a")
    run_study(plan_of(steer=("none",), questions=("Q2",)), Counting(), tmp_path / "b")
    refused = pytest.raises(ContractError, match="another study")
    with Store(tmp_path / "a" / "calls.sqlite") as store, refused:
        store.merge(tmp_path / "b" / "calls.sqlite")
    run_study(plan_of(steer=("none",), questions=("Q1",)), MockBackend("steady"), tmp_path / "c")
    refused = pytest.raises(ContractError, match="another backend")
    with Store(tmp_path / "a" / "calls.sqlite") as store, refused:
        store.merge(tmp_path / "c" / "calls.sqlite")
    other = plan_of(steer=("none",), questions=("Q3",))
    with pytest.raises(ContractError, match="another study"):
        run_study(other, Counting(), tmp_path / "a")
    same = plan_of(steer=("none",), questions=("Q1",))
    with pytest.raises(ContractError, match="another backend"):
        run_study(same, MockBackend("steady"), tmp_path / "a")


def test_a_folder_takes_one_run_at_a_time(tmp_path):
    refused = pytest.raises(ContractError, match="another process is writing")
    with locked(tmp_path), refused, locked(tmp_path):
        pass
    with locked(tmp_path):
        pass


RUN = """
import sys
from elicitation.commands.elicit import ask
from elicitation.commands.options import ElicitOptions
from elicitation.backends.registry import BackendOptions
from elicitation.study.options import StudyOptions
from pathlib import Path
options = ElicitOptions(
    study=StudyOptions(steer=("none", "persona"), countries=("DEU",)),
    backend=BackendOptions(base_url=sys.argv[1]),
)
ask("openai:tiny", options, Path(sys.argv[2]), json=True)
"""


def start(url: str, out: Path) -> subprocess.Popen[bytes]:
    """A run in a process of its own."""
    root = Path(__file__).parents[3]
    return subprocess.Popen(
        [sys.executable, "-c", RUN, url, str(out)],
        env={**os.environ, "PYTHONPATH": str(root)}, stdout=subprocess.DEVNULL,
    )  # fmt: skip


def finished_prompts(out: Path) -> set[str]:
    """Prompts of the calls that the store holds an answer to."""
    database = sqlite3.connect(out / "calls.sqlite")
    try:
        assert database.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = database.execute("SELECT request FROM calls").fetchall()
    finally:
        database.close()
    return {json.loads(row[0])["messages"][0][1] for row in rows}


@pytest.mark.slow
def test_killed_anywhere_a_run_asks_nothing_twice(tmp_path):
    """kill -9 at several moments: what was answered is never asked for again."""
    out = tmp_path / "run"
    with serving(Dialect(delay=0.3)) as server:
        for wait in (0.05, 0.7, 1.3):
            begun = len(server.asked)
            process = start(server.url, out)
            deadline = time.monotonic() + 90
            while len(server.asked) == begun and time.monotonic() < deadline:
                time.sleep(0.02)
            time.sleep(wait)
            process.send_signal(signal.SIGKILL)
            process.wait()
            known, before = finished_prompts(out), len(server.asked)
        assert len(known) < 2 * 148
        process = start(server.url, out)
        assert process.wait(timeout=200) == 0
        after = [body["messages"][0]["content"] for body in server.asked[before:]]
    assert known.isdisjoint(after)
    assert len(set(after)) == len(after) == 2 * 148 - len(known)
    assert len(finished_prompts(out)) == 2 * 148
