"""Every way by which a visitor might reach another visitor's run: none leads there."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from public_space import be_a_space, login_cookie
from runs_house import ANNA, PUBLIC_QUICK, house, hub_choice, started, wait_for

from elicitation.backends.mock import MockBackend
from space.runs.service import Runs

#: Stands in everything that a page may show of Anna's runs.
SECRET_MODEL = "org/model-of-anna"


class Slow(MockBackend):
    """A model that answers once it may."""

    def __init__(self, go_on: threading.Event) -> None:
        super().__init__("steady")
        self._go_on = go_on

    def run(self, requests: Any, *, on_response: Any) -> None:
        self._go_on.wait(900)
        super().run(requests, on_response=on_response)


@pytest.fixture(scope="module")
def board(tmp_path_factory, reference, people, board_here) -> Iterator[tuple[Any, Runs, list[str]]]:
    """A public board, and Anna's runs: one finished, one under way, one stopped."""
    go_on = threading.Event()
    slow = False

    def opener(*_: Any) -> MockBackend:
        return Slow(go_on) if slow else MockBackend("steady")

    with pytest.MonkeyPatch.context() as patch:
        be_a_space(patch)
        root = tmp_path_factory.mktemp("runs")
        runs = house(root, reference, rules=PUBLIC_QUICK, opener=opener)
        choice = hub_choice().model_copy(update={"model": SECRET_MODEL})
        finished = started(runs, choice, ANNA)
        wait_for(runs, finished, "finished")
        stopped = started(runs, choice, ANNA)
        wait_for(runs, stopped, "finished")
        runs.book.change(stopped, {"state": "stopped", "whole": False, "why": "stopped by you"})
        slow = True
        running = started(runs, choice, ANNA)
        wait_for(runs, running, "running")
        with board_here(root / "store", people, runs=runs) as client:
            yield client, runs, [finished, stopped, running]
            go_on.set()


def functions(client: Any, page: str) -> list[dict[str, Any]]:
    """The functions behind a page, each with the labels of what it takes."""
    config = client.get("/config").json()
    labels = {one["id"]: one["props"].get("label", "") for one in config["components"]}
    shown = config["page"][page]["dependencies"]
    return [
        {**one, "labels": [labels[box] for box in one["inputs"]]}
        for one in config["dependencies"]
        # The framework's own look at a login is queued; all of ours can be called directly.
        if one["id"] in shown and one["backend_fn"] and not one["queue"]
    ]


def state_of(runs: Runs, run_ids: list[str]) -> list[tuple[Any, ...]]:
    """What nobody else may change."""
    found = [runs.book.read(run_id) for run_id in run_ids]
    return [
        (one.state, one.attempt, one.results, one.why, runs.book.path(one.id).is_dir())
        for one in found
    ]


def ask(client: Any, function: dict[str, Any], run_id: str, cookie: str, fill: Any) -> str:
    """What a function behind the page of runs says of a run."""
    data = [run_id if label == "Run" else fill for label in function["labels"]]
    call = {"data": data, "fn_index": function["id"], "session_hash": "somebody"}
    headers = {"Cookie": f"session={cookie}"} if cookie else {}
    answer = client.post(
        "/gradio_api/run/predict", params={"id": run_id}, json=call, headers=headers
    )
    assert answer.status_code in (200, 500)
    return str(json.dumps(answer.json()))


@pytest.mark.parametrize("who", ["bert", "", "ANNA", "anna "])
def test_no_function_of_the_page_shows_or_changes_another_visitors_run(board, who: str) -> None:
    client, runs, run_ids = board
    before = state_of(runs, run_ids)
    cookie = login_cookie(who, "token") if who else ""
    asked = functions(client, "run")
    assert sum("Run" in one["labels"] for one in asked) >= 6
    for function in asked:
        for run_id in run_ids:
            for fill in (None, "", "hub__none", [], True, 1):
                said = ask(client, function, run_id, cookie, fill)
                assert SECRET_MODEL not in said
                assert "of people" not in said
                assert ".zip" not in said
    assert state_of(runs, run_ids) == before


def test_the_owner_is_shown_hers(board) -> None:
    client, _, run_ids = board
    (restore,) = [one for one in functions(client, "run") if one["api_name"].startswith("restore")]
    for run_id in run_ids:
        said = ask(client, restore, run_id, login_cookie("anna", "token"), None)
        assert SECRET_MODEL in said
        assert run_id in said


def test_no_plain_address_leads_to_a_run(board) -> None:
    client, runs, run_ids = board
    private = runs.book.folder.parent
    files = [path for path in private.rglob("*") if path.is_file()]
    assert len(files) > 10
    for run_id in run_ids:
        for path in (
            f"/run?id={run_id}",
            f"/download/report/{run_id}.json",
            f"/static-board/rows/{run_id}.html",
            f"/model?row={run_id}",
            f"/receipt?id={run_id}",
            f"/download/board.json?q={run_id}",
            "/board.json",
            "/config",
        ):
            answer = client.get(path)
            assert SECRET_MODEL not in answer.text, path
    for file in files:
        for path in (f"/gradio_api/file={file}", f"/file={file}", f"/gradio_api/file/{file}"):
            answer = client.get(path)
            assert answer.status_code in (403, 404), path
            assert SECRET_MODEL not in answer.text


def test_a_submission_of_another_visitors_run_is_refused(board) -> None:
    client, runs, run_ids = board
    (submitted,) = [
        one for one in functions(client, "run") if one["api_name"].startswith("submitted")
    ]
    config = client.get("/config").json()
    result = runs.book.read(run_ids[0]).results[0].condition
    given = {"Run": run_ids[0], "Condition": result, "Name of the row": "Mine now"}
    licence = next(
        one["props"]["label"] for one in config["components"]
        if one["props"].get("elem_id") == "run-licence"
    )  # fmt: skip
    data = [
        True if label == licence else given.get(label, "" if "billions" not in label else None)
        for label in submitted["labels"]
    ]
    call = {"data": data, "fn_index": submitted["id"], "session_hash": "somebody"}
    for who, owner in (("bert", False), ("anna", True)):
        answer = client.post(
            "/gradio_api/run/predict",
            json=call,
            headers={"Cookie": f"session={login_cookie(who, 'token')}"},
        )
        assert ("there is no such run of yours" in answer.text) is not owner
    (one,) = runs.submissions.list()
    assert (one.account, one.name) == ("anna", "Mine now")


def test_names_that_are_paths_lead_nowhere(board, tmp_path: Path) -> None:
    client, runs, run_ids = board
    cookie = login_cookie("anna", "token")
    before = state_of(runs, run_ids)
    for name in (
        f"../runs/{run_ids[0]}", f"{run_ids[0]}/", f"{run_ids[0]}/../{run_ids[0]}", "..", ".",
        f"{run_ids[0]}\x00", str(runs.book.path(run_ids[0])), "run-" + "a" * 12, "run-*",
    ):  # fmt: skip
        for function in functions(client, "run"):
            if "Run" in function["labels"]:
                said = ask(client, function, name, cookie, None)
                assert str(runs.book.folder) not in said or name == str(runs.book.path(run_ids[0]))
                assert "of people" not in said
    assert state_of(runs, run_ids) == before
