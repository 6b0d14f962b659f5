"""Sessions: what visitors leave behind in memory is bounded, and no page needs it."""

from __future__ import annotations

import datetime
import gc
import resource
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from gradio.routes import App
from waiting import wait_until

from space.server.sessions import CLOSED_SECONDS, MOST_SESSIONS, bound_sessions

#: What a session may add to the process, in bytes. The framework alone keeps 420 to 870 thousand.
SESSION_BYTES = 100_000

VISITS = 300


@pytest.fixture(scope="module")
def board(sample_root: Path, people, board_here: Callable[..., Any]) -> Iterator[Any]:
    """A board that runs here."""
    with board_here(sample_root, people) as client:
        yield client


@pytest.fixture
def here(board) -> Any:
    """The same board, without sessions."""
    bound_sessions(app_of(board))
    return board


def app_of(client: Any) -> App:
    """The framework's app of a board."""
    apps = (getattr(route, "app", None) for route in client.app.routes)
    return next(one for one in apps if isinstance(one, App))


def calls_of(client: Any, page: str) -> dict[str, int]:
    """Numbers of the functions behind a page, by their names."""
    config = client.get("/config").json()
    shown = config["page"][page]["dependencies"]
    return {one["api_name"]: one["id"] for one in config["dependencies"] if one["id"] in shown}


def number_of(calls: dict[str, int], name: str) -> int:
    return next(number for key, number in calls.items() if key.startswith(name))


def call(client: Any, number: int, session: str, *data: Any) -> list[Any]:
    """What a function behind a page gives to a visitor."""
    body = {"data": list(data), "fn_index": number, "session_hash": session}
    answer = client.post("/gradio_api/run/predict", json=body)
    assert answer.status_code == 200, answer.text
    return list(answer.json()["data"])


def visit(client: Any, session: str, calls: dict[str, int], ask: str = "Q46") -> None:
    """Open the Question page, and look at another question."""
    assert client.get("/question").status_code == 200
    call(client, number_of(calls, "restore"), session)
    shown = call(client, number_of(calls, "changed"), session, ask, "7")
    assert f"<h1>{ask} " in str(shown)


@pytest.mark.slow
def test_300_visits_keep_little(here) -> None:
    sessions, calls = app_of(here).state_holder, calls_of(here, "question")
    assert sessions.capacity == MOST_SESSIONS
    for number in range(20):  # what is made once for everybody
        visit(here, f"early{number}", calls)
    gc.collect()
    before, kept = resident_bytes(), len(sessions.session_data)
    for number in range(VISITS):
        visit(here, f"visit{number}", calls)
    gc.collect()
    assert len(sessions.session_data) - kept == VISITS
    assert (resident_bytes() - before) / VISITS < SESSION_BYTES


def resident_bytes() -> int:
    """Memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def test_sessions_are_bounded_and_the_last_ones_stay(here) -> None:
    app, calls = app_of(here), calls_of(here, "question")
    bound_sessions(app, most=20)
    for number in range(60):
        visit(here, f"visit{number}", calls)
        assert len(app.state_holder.session_data) <= 20
    assert set(app.state_holder.session_data) == {f"visit{n}" for n in range(40, 60)}
    assert set(app.state_holder.time_last_used) == set(app.state_holder.session_data)


@pytest.mark.parametrize("page", ["", "question", "country", "model", "compare", "advice"])
def test_a_page_whose_session_went_still_works(here, page: str) -> None:
    app, calls = app_of(here), calls_of(here, page)
    shown = call(here, number_of(calls, "restore"), "mine")
    app.state_holder.session_data.clear()
    inputs = {
        "": None,
        "question": ["Q46", "7"],
        "country": ["JPN", "", "7", "Q46"],
        "model": ["heron-8b", "JPN", "Q46"],
        "compare": [["heron-8b", "ibis-small"]],
        "advice": ["heron-8b"],
    }[page]
    if inputs is None:  # the Board: search, sort, page, columns, synthetic rows, facets
        (changed,) = [
            one
            for one in here.get("/config").json()["dependencies"]
            if one["id"] == calls["changed"]
        ]
        facets = len(changed["inputs"]) - 5
        family = ["ibis"]  # a choice of the sixth facet, of the rows that there are
        inputs = ["", "", 1, [], "", *([[]] * 5), family, *([[]] * (facets - 6))]
    name = next(key for key in calls if key.startswith(("changed", "lambda")))
    again = call(here, calls[name], "mine", *inputs)
    assert shown
    assert again


def test_sessions_of_closed_pages_go_after_a_while(here) -> None:
    app, calls = app_of(here), calls_of(here, "question")
    sessions = app.state_holder
    for name in ("open", "closed", "closed-lately"):
        visit(here, name, calls)
    long_ago = datetime.datetime.now() - datetime.timedelta(seconds=CLOSED_SECONDS + 1)
    for name in ("open", "closed"):
        sessions.time_last_used[name] = long_ago
    for name in ("closed", "closed-lately"):
        sessions.session_data[name].is_closed = True
    sessions.delete_all_expired_state()
    assert set(sessions.session_data) == {"open", "closed-lately"}


def test_answers_that_nobody_fetches_are_bounded(here) -> None:
    app = app_of(here)
    bound_sessions(app, most=40, most_messages=15)
    queue = app.get_blocks()._queue
    (model,) = [
        one["id"]
        for one in here.get("/config").json()["dependencies"]
        if one["api_name"] == "model"
    ]
    for number in range(60):
        join = {"data": ["heron-8b"], "fn_index": model, "session_hash": f"greedy{number % 3}"}
        assert here.post("/gradio_api/queue/join", json=join).status_code == 200
        # Events are not fetched, only worked off.
        wait_until(lambda: not queue.event_ids_to_events, "the queue does not move", every=0.005)
    waiting = [box.qsize() for box in queue.pending_messages_per_session.values()]
    assert sum(waiting) <= 15
    assert len(waiting) == 3


def test_answers_that_are_fetched_come_whole(here) -> None:
    bound_sessions(app_of(here), most=40, most_messages=15)
    for _ in range(30):
        joined = here.post("/gradio_api/call/model", json={"data": ["heron-8b"]}).json()
        fetched = here.get(f"/gradio_api/call/model/{joined['event_id']}")
        assert "event: complete" in fetched.text
        assert "heron-8b" in fetched.text


def test_calls_that_wait_share_the_sessions_of_those_that_do_not(board) -> None:
    app = app_of(board)
    assert app.get_blocks().app is app
    # A thousand looks a second for waiting calls would take a twentieth of a core.
    assert app.get_blocks()._queue.sleep_when_free >= 0.1


def test_a_page_is_made_once_for_each_address_of_the_server(board) -> None:
    first, again = board.get("/about").text, board.get("/about").text
    assert first == again
    elsewhere = board.get("/about", headers={"X-Forwarded-Host": "atlas.example"}).text
    assert "atlas.example" in elsewhere
    assert "atlas.example" not in board.get("/about").text
    models = board.get("/model?row=heron-8b").text, board.get("/model?row=heron-70b").text
    titles = [one.split("<title>")[1].split("</title>")[0] for one in models]
    assert ["heron-8b" in one for one in titles] == [True, False]
