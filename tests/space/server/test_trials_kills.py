"""kill -9 in the middle of what is written of a run, and of a whole server at work."""

from __future__ import annotations

import json
import shutil
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from dying import run_and_die
from openai_server import Dialect, serving
from runs_house import HOME_VISITOR, KEY, house, server_choice, started, wait_for
from second_server import second
from waiting import wait_until

from contracts.atomic import PARTIAL_PREFIX
from contracts.report import read_report
from elicitation.backends.mock import MockBackend
from space.runs.book import RunBook
from space.runs.keys import Key
from space.runs.service import Runs
from space.runs.submit import report_path, submit_run
from space.submissions import Details


@pytest.fixture(scope="module")
def finished(tmp_path_factory, reference) -> tuple[Path, str]:
    """A house with a run that has finished."""
    root = tmp_path_factory.mktemp("finished")
    runs = house(root, reference, opener=lambda *_: MockBackend("steady"))
    run_id = started(runs, server_choice("http://127.0.0.1:9"))
    wait_for(runs, run_id, "finished")
    runs.close()
    return root, run_id


def die_everywhere(
    root: Path,
    trial: Path,
    action: Callable[[Path], Callable[[], object]],
    check: Callable[[Path, bool], None],
) -> int:
    """Do something on copies of a folder, killed at step 1, 2, ... until it lives to its end."""
    step, died = 0, True
    while died:
        step += 1
        shutil.rmtree(trial, ignore_errors=True)
        shutil.copytree(root, trial)
        died = run_and_die(action, trial, step=step)
        check(trial, died)
    return step


def test_killed_at_every_step_of_making_a_run(finished, tmp_path: Path) -> None:
    root, before = finished
    choice = server_choice("http://127.0.0.1:9")

    def make(trial: Path) -> Callable[[], object]:
        return partial(RunBook(trial / "private").create, choice, account="", holder="x")

    def check(trial: Path, died: bool) -> None:
        book = RunBook(trial / "private")
        found = book.every()
        assert before in {one.id for one in found}
        assert len(found) in ((1, 2) if died else (2,))
        # What was never finished leaves nothing behind.
        assert {path.name for path in book.folder.iterdir()} == {one.id for one in found}
        assert book.create(choice, account="", holder="x").state == "waiting"

    assert die_everywhere(root, tmp_path / "trial", make, check) > 4


def test_killed_at_every_step_of_a_change_of_a_run(finished, tmp_path: Path) -> None:
    root, run_id = finished

    def change(trial: Path) -> Callable[[], object]:
        return partial(RunBook(trial / "private").change, run_id, {"why": "changed"})

    def check(trial: Path, died: bool) -> None:
        record = RunBook(trial / "private").read(run_id)
        assert record.why in (("", "changed") if died else ("changed",))
        assert (record.state, record.whole) == ("finished", True)

    assert die_everywhere(root, tmp_path / "trial", change, check) > 3


def test_killed_at_every_step_of_a_deletion(finished, tmp_path: Path) -> None:
    root, run_id = finished

    def delete(trial: Path) -> Callable[[], object]:
        return partial(RunBook(trial / "private").delete, run_id)

    def check(trial: Path, died: bool) -> None:
        book = RunBook(trial / "private")
        record, folder = book.read(run_id), book.path(run_id)
        if record.state == "finished":
            assert died
            assert (folder / "calls" / "calls.sqlite").exists()
            return
        # Once it counts as deleted, opening the folder again removes all that was left of it.
        assert record.state == "deleted"
        left = [path.name for path in folder.rglob("*") if path.is_file()]
        assert [one for one in left if not one.startswith(PARTIAL_PREFIX)] == ["record.json"]

    assert die_everywhere(root, tmp_path / "trial", delete, check) > 10


@pytest.mark.slow
def test_killed_at_every_step_of_handing_a_run_in(finished, tmp_path: Path, reference) -> None:
    root, run_id = finished
    details = Details(name="Handed in", accepts_licence=True)

    def runs_at(trial: Path) -> Runs:
        return house(trial, reference, opener=lambda *_: MockBackend("steady"))

    def hand_in(trial: Path) -> Callable[[], object]:
        runs = runs_at(trial)
        condition = runs.book.read(run_id).results[0].condition
        return partial(submit_run, runs, run_id, condition, details, HOME_VISITOR)

    def check(trial: Path, died: bool) -> None:
        runs = runs_at(trial)
        assert runs.submissions.inconsistencies() == ()
        assert len(runs.submissions.list()) in ((0, 1) if died else (1,))
        receipt = hand_in(trial)()
        assert len(runs.submissions.list()) >= 1
        assert receipt.state == "public"
        assert runs.book.read(run_id).results[0].submission == receipt.id
        runs.close()

    assert die_everywhere(root, tmp_path / "trial", hand_in, check) > 15


def answered_prompts(runs: Runs, run_id: str) -> set[str]:
    """Prompts whose answer a run's store holds."""
    path = runs.book.path(run_id) / "calls" / "calls.sqlite"
    if not path.exists():
        return set()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA integrity_check").fetchone() == ("ok",)
        rows = db.execute("SELECT request FROM calls").fetchall()
    return {json.loads(row[0])["messages"][0][1] for row in rows}


def scores_of(runs: Runs, run_id: str) -> Any:
    """What a run's report says, without its digests of files."""
    record = runs.book.read(run_id)
    report = read_report(report_path(runs, record, record.results[0]))
    return report.scores, report.countries, report.cells


@pytest.mark.slow
def test_a_server_that_is_killed_again_and_again_asks_nothing_twice(tmp_path, reference) -> None:
    with serving(Dialect(delay=0.15)) as model:
        with second(tmp_path, model.url, "run") as (process, (run_id,)):
            wait_until(lambda: len(model.asked) > 2, "nothing was asked")
            process.kill()
        known: set[str] = set()
        for wait in (0.1, 0.4, 0.9):
            with second(tmp_path, model.url, f"resume:{run_id}") as (process, _):
                begun = len(model.asked)
                wait_until(lambda: len(model.asked) > begun, "nothing was asked")  # noqa: B023
                time.sleep(wait)
                process.kill()
            after = house(tmp_path, reference)
            wait_for(after, run_id, "stopped", "finished")
            kept = answered_prompts(after, run_id)
            assert known <= kept  # what was answered stays answered
            known = kept
            after.close()
        begun = len(model.asked)
        here = house(tmp_path, reference)
        here.resume(run_id, Key(KEY), HOME_VISITOR)
        assert wait_for(here, run_id, "finished").whole
        asked = [body["messages"][0]["content"] for body in model.asked[begun:]]
        assert known.isdisjoint(asked)
        assert len(asked) == len(set(asked)) == 40 - len(known)
        undisturbed = started(here, server_choice(model.url, sample=40))
        wait_for(here, undisturbed, "finished")
        assert scores_of(here, run_id) == scores_of(here, undisturbed)
        here.close()
