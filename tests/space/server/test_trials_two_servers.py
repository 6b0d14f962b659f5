"""Two servers over one store: what one does the other knows, and neither takes the other's."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
import urllib.request
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import pytest
from openai_server import Dialect, serving
from runs_house import HOME_QUICK, HOME_VISITOR, KEY, house, wait_for
from second_server import second
from waiting import wait_until

from contracts.errors import ContractError
from contracts.report import write_report
from space.board.facts import read_facts
from space.board.store import open_store
from space.intake.templates import write_template
from space.runs.keys import Key
from space.runs.watch import Watch, holder_name

# Runs.


@pytest.mark.slow
def test_a_run_of_one_server_is_seen_and_stopped_by_the_other(tmp_path, reference) -> None:
    with serving(Dialect(delay=0.3)) as model, second(tmp_path, model.url, "run") as (_, (run_id,)):
        here = house(tmp_path, reference)
        try:
            wait_until(lambda: here.book.read(run_id).counts.made > 3, "nothing was asked")
            assert here.view(run_id, HOME_VISITOR).record.state == "running"
            with pytest.raises(ContractError, match="the run is under way"):
                here.resume(run_id, Key(KEY), HOME_VISITOR)
            with pytest.raises(ContractError, match="Stop it first"):
                here.delete(run_id, HOME_VISITOR)
            assert here.stop(run_id, HOME_VISITOR).state == "stopping"
            stopped = wait_for(here, run_id, "stopped")
            assert stopped.why == "stopped by you"
            asked = len(model.asked)
            here.resume(run_id, Key(KEY), HOME_VISITOR)
            model.dialect.delay = 0.0
            record = wait_for(here, run_id, "finished")
        finally:
            here.close()
        assert record.whole
        assert record.counts.reused >= stopped.counts.made
        bodies = [str(body["messages"]) for body in model.asked]
        assert len(set(bodies)) == len(bodies) == 40
        assert asked < 40


@pytest.mark.slow
def test_a_run_that_waits_at_one_server_is_stopped_by_the_other(tmp_path, reference) -> None:
    with serving(Dialect(delay=0.5)) as model, second(tmp_path, model.url, "wait") as (_, names):
        here = house(tmp_path, reference)
        try:
            wait_until(
                lambda: sum(here.book.read(one).state == "running" for one in names) == 2,
                "two runs did not start",
            )
            (waits,) = [one for one in names if here.book.read(one).state == "waiting"]
            here.stop(waits, HOME_VISITOR)
            assert wait_for(here, waits, "stopped").why == "stopped by you"
        finally:
            here.close()
        assert here.book.read(waits).counts.made == 0


@pytest.mark.slow
def test_a_run_goes_on_while_other_servers_come_and_go(tmp_path, reference) -> None:
    with (
        serving(Dialect(delay=0.25)) as model,
        second(tmp_path, model.url, "run") as (_, (run_id,)),
    ):
        for _ in range(3):  # longer than a sign of life may be old, all together
            here = house(tmp_path, reference)
            here.pool.keep_house()
            time.sleep(HOME_QUICK.stale_seconds)
            here.close()
        here = house(tmp_path, reference)
        try:
            assert wait_for(here, run_id, "finished", "stopped").state == "finished"
        finally:
            here.close()


@pytest.mark.slow
def test_a_run_whose_server_was_killed_is_freed_by_the_other(tmp_path, reference) -> None:
    with (
        serving(Dialect(delay=0.3)) as model,
        second(tmp_path, model.url, "run") as (process, (run,)),
    ):
        here = house(tmp_path, reference)
        here.pool.keep_house()
        try:
            wait_until(lambda: here.book.read(run).counts.made > 3, "nothing was asked")
            process.kill()
            process.wait()
            stopped = wait_for(here, run, "stopped")
            assert stopped.why == "the server was restarted; resume with your key"
            model.dialect.delay = 0.0
            here.resume(run, Key(KEY), HOME_VISITOR)
            assert wait_for(here, run, "finished").whole
        finally:
            here.close()


def test_changes_of_many_processes_are_all_kept(tmp_path, reference) -> None:
    """None writes back an old value of a field that another has changed meanwhile."""
    from runs_house import server_choice

    here = house(tmp_path, reference)
    run_id = here.book.create(server_choice("http://127.0.0.1:9"), account="", holder="x").id
    script = (
        "import sys; from pathlib import Path; from space.runs.book import RunBook\n"
        "book = RunBook(Path(sys.argv[1]))\n"
        "for n in range(60):\n"
        "    book.change(sys.argv[2], {sys.argv[3]: str(n)})\n"
        "    assert getattr(book.read(sys.argv[2]), sys.argv[3]) == str(n)\n"
    )
    private, fields = tmp_path / "private", ("why", "holder", "account")
    others = [
        subprocess.Popen([sys.executable, "-c", script, str(private), run_id, field])
        for field in fields
    ]
    number = 0
    while any(one.poll() is None for one in others):
        number += 1
        here.book.change(run_id, {"attempt": number})
        assert here.book.read(run_id).attempt == number
    assert [one.returncode for one in others] == [0, 0, 0]
    found = here.book.read(run_id)
    assert [getattr(found, field) for field in fields] == ["59"] * 3
    here.close()


def test_a_holder_is_gone_once_its_machine_says_so_or_it_shows_nothing() -> None:
    own = holder_name()
    machine, number, _ = own.split(":")
    watch = Watch(own, seconds=1000)
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    assert watch.is_gone("run", f"{machine}:{ended.pid}:0", sign=1)
    assert watch.is_gone("run", f"{machine}:{number}:an-earlier-process", sign=1)
    assert not watch.is_gone("run", own, sign=1)
    assert not watch.is_gone("run", f"{machine}:1:0", sign=1)
    for strange in ("", "x", "1234-abcd", "elsewhere:1:0", f"{machine}:x:0", f"{machine}::"):
        assert not watch.is_gone(f"run-{strange}", strange, sign=1)
    impatient = Watch(own, seconds=-1)
    assert not impatient.is_gone("run", "elsewhere:1:0", sign=1)
    assert not impatient.is_gone("run", "elsewhere:1:0", sign=2)
    assert impatient.is_gone("run", "elsewhere:1:0", sign=2)


# The index.


def test_two_servers_build_one_index_at_the_same_time(tmp_path, sample_root, samples) -> None:
    shutil.copytree(sample_root, tmp_path / "store")
    script = (
        "import sys; from space.board.facts import read_facts\n"
        "from space.board.store import open_store\n"
        "store = open_store(sys.argv[1]); store.look_every = 0.0\n"
        "for _ in range(30):\n"
        "    store.ensure_index(force=True); read_facts(store)\n"
        "sys.stdin.read(); store.ensure_index(force=True); print(read_facts(store).reports)\n"
    )
    others = [
        subprocess.Popen(
            [sys.executable, "-c", script, str(tmp_path / "store")],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )
        for _ in range(2)
    ]  # fmt: skip
    store = open_store(tmp_path / "store")
    seen = samples.sample_people(["DEU", "JPN"], ["Q1", "Q46"])
    for number in range(10):
        report = samples.sample_report(f"new-{number}", seen, skill=0.5, seed=number)
        write_report(report, tmp_path / "store" / "reports" / f"new-{number}.json")
        store.ensure_index(force=True)
        assert read_facts(store).reports == 10 + number
    for other in others:
        said, wrong = other.communicate(timeout=120)
        assert (said.strip(), "Traceback" in wrong) == ("19", False)
    assert not list((tmp_path / "store").glob(".partial-*"))


# Whole servers.


def client_of(board: str) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from gradio_client import Client
    return Client(board, verbose=False)


def names_on(board: str) -> set[str]:
    with urllib.request.urlopen(board + "board.json", timeout=60) as answer:
        return {row["name"] for row in json.loads(answer.read())["rows"]}


@pytest.mark.browser
def test_what_is_submitted_at_one_server_is_a_row_of_both(
    sample_root, tmp_path, board_starting
) -> None:
    from gradio_client import handle_file

    shutil.copytree(sample_root, tmp_path / "store")
    header, *records = (
        write_template(tmp_path, kind="distribution", suffix=".jsonl").read_text().splitlines()
    )
    with ExitStack() as stack:
        boards = [
            stack.enter_context(board_starting(tmp_path / "store", tmp_path / f"log-{number}.txt"))
            for number in (1, 2)
        ]
        clients = [client_of(board) for board in boards]

        def send(number: int) -> dict[str, Any]:
            path = tmp_path / f"answers-{number}.jsonl"
            path.write_text("\n".join([header, *records[number : number + 3]]))
            return dict(
                clients[number % 2].predict(
                    file=handle_file(str(path)), sidecar=None, stated={"name": f"Row {number}"},
                    contact="", accepts_licence=True, api_name="/submit",
                )
            )  # fmt: skip

        with ThreadPoolExecutor(2) as pool:
            sent = list(pool.map(send, range(6)))
        assert [one["state"] for one in sent] == ["public"] * 6
        wanted = {f"Row {number}" for number in range(6)}
        wait_until(lambda: all(wanted <= names_on(board) for board in boards), "rows are missing")
        assert send(0)["id"] == sent[0]["id"]  # known, whichever server is asked
        gone = clients[1].predict(
            submission=sent[0]["id"], code=sent[0]["code"], why="", api_name="/withdraw"
        )
        assert gone["state"] == "withdrawn"
        wait_until(lambda: all("Row 0" not in names_on(board) for board in boards), "the row stays")
    for number in (1, 2):
        assert "Traceback" not in (tmp_path / f"log-{number}.txt").read_text()
