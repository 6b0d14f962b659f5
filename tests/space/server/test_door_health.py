"""A busy server: its state is told from memory, and what many ask for is worked out once."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_until

from contracts.report import write_report
from space.board.cache import IndexCache
from space.board.store import Store, open_store
from space.server.health import Health

#: More than the server has worker threads (40).
VISITORS = 60


class Gate:
    """A function that counts its calls and lets none through until it is opened."""

    def __init__(self, work: Callable[..., Any]) -> None:
        self._work = work
        self.calls, self.entered, self.open = 0, threading.Event(), threading.Event()

    def __call__(self, *arguments: Any, **options: Any) -> Any:
        self.calls += 1
        self.entered.set()
        assert self.open.wait(timeout=120)
        return self._work(*arguments, **options)


@pytest.fixture
def root(sample_root: Path, tmp_path: Path) -> Path:
    """A copy of the sample store."""
    shutil.copytree(sample_root, tmp_path / "store")
    return tmp_path / "store"


def busy_workers(client: Any) -> int:
    """Worker threads of the server that have something to do."""
    from anyio.to_thread import current_default_thread_limiter

    async def count() -> int:
        return int(current_default_thread_limiter().borrowed_tokens)

    return int(client.portal.call(count))


@pytest.fixture
def crowd() -> Iterator[ThreadPoolExecutor]:
    """Visitors that all come at once."""
    with ThreadPoolExecutor(VISITORS) as pool:
        yield pool


def test_health_answers_while_all_workers_are_blocked(
    root, people, board_here, crowd, monkeypatch
) -> None:
    from space.server.static_site import board_payload

    gate = Gate(board_payload)
    monkeypatch.setattr("space.server.web.board_payload", gate)
    with board_here(root, people) as client:
        try:
            asked = [crowd.submit(client.get, "/board.json") for _ in range(VISITORS)]
            assert gate.entered.wait(timeout=60)
            wait_until(lambda: busy_workers(client) >= 40, "not all workers are blocked")
            state = client.get("/healthz").json()
            assert not any(one.done() for one in asked)
        finally:
            gate.open.set()
        answers = {one.result().content for one in asked}
    assert (state["status"], state["rows"]) == ("ok", 9)
    assert len(answers) == 1
    assert gate.calls == 1


def test_health_answers_while_visitors_load_the_question_page(
    root, people, board_here, crowd, monkeypatch
) -> None:
    from space.pages.question import question_html

    gate = Gate(question_html)
    monkeypatch.setattr("space.pages.question.question_html", gate)
    with board_here(root, people) as client:
        config = client.get("/config").json()
        shown = config["page"]["question"]["dependencies"]
        load = next(
            one["id"]
            for one in config["dependencies"]
            if one["id"] in shown and one["api_name"].startswith("restore")
        )

        def visit(number: int) -> Any:
            call = {"data": [], "fn_index": load, "session_hash": f"visit{number}"}
            return client.post("/gradio_api/run/predict", json=call)

        try:
            asked = [crowd.submit(visit, number) for number in range(30)]
            assert gate.entered.wait(timeout=60)
            state = client.get("/healthz").json()
            assert not any(one.done() for one in asked)
        finally:
            gate.open.set()
        bodies = {str(one.result().json()["data"]) for one in asked}
    assert state["rows"] == 9
    assert gate.calls == 1
    assert len(bodies) == 1


def test_health_reads_nothing(root, people, board_here, monkeypatch) -> None:
    def touched(*_: object, **__: object) -> None:
        raise AssertionError("the index was looked at")

    with board_here(root, people) as client, monkeypatch.context() as patch:
        patch.setattr(Store, "ensure_index", touched)
        patch.setattr("space.server.health.EVERY", 1000.0)
        patch.setattr("space.server.health.read_facts", touched)
        assert client.get("/healthz").json()["rows"] == 9


def test_health_sees_what_comes_and_says_when_it_cannot_look(root, samples, monkeypatch) -> None:
    store = open_store(root)
    store.look_every = 0.0
    health = Health(store)
    assert health.state()["rows"] == 9
    seen = samples.sample_people(["DEU", "JPN"], ["Q1", "Q46"])
    report = samples.sample_report("newcomer", seen, skill=0.5, seed=99)
    write_report(report, root / "reports" / "newcomer.json")
    store.ensure_index(force=True)
    health.look()
    assert health.state()["rows"] == 10

    def broken(_: Store) -> None:
        raise OSError("no disk")

    with monkeypatch.context() as patch:
        patch.setattr("space.server.health.read_facts", broken)
        health.look()
        assert (health.state()["status"], health.state()["rows"]) == ("failing", 10)
    health.look()
    assert health.state()["status"] == "ok"


def test_board_json_is_made_once_for_an_index(root, people, board_here, monkeypatch) -> None:
    from space.server.static_site import board_payload

    gate = Gate(board_payload)
    gate.open.set()
    monkeypatch.setattr("space.server.web.board_payload", gate)
    with board_here(root, people) as client:
        first = client.get("/board.json")
        assert client.get("/board.json").content == first.content
        assert gate.calls == 1
        (root / "reports" / "heron-8b.json").unlink()
        open_store(root).ensure_index(force=True)
        again = client.get("/board.json").json()
    assert gate.calls == 2
    assert len(again["rows"]) == len(first.json()["rows"]) - 1


# The cache.


@pytest.fixture
def store(root: Path) -> Store:
    """The copy, opened."""
    return open_store(root)


def test_concurrent_requests_are_computed_once(store, crowd) -> None:
    cache: IndexCache[int] = IndexCache(10)
    gate = Gate(lambda: 7)
    asked = [crowd.submit(cache.get, store, "key", gate) for _ in range(VISITORS)]
    assert gate.entered.wait(timeout=60)
    gate.open.set()
    assert {one.result() for one in asked} == {7}
    assert gate.calls == 1


def test_the_cache_is_bounded_and_drops_the_oldest(store) -> None:
    made: list[str] = []
    cache: IndexCache[str] = IndexCache(2)

    def look(key: str) -> str:
        return cache.get(store, key, lambda: made.append(key) or key)

    for key in ("a", "b", "a", "c", "a", "b"):
        assert look(key) == key
    assert made == ["a", "b", "c", "b"]


def test_an_error_is_passed_on_and_not_cached(store) -> None:
    cache: IndexCache[int] = IndexCache(2)

    def fail() -> int:
        raise OSError("no disk")

    with pytest.raises(OSError, match="no disk"):
        cache.get(store, "key", fail)
    assert cache.get(store, "key", lambda: 7) == 7


def test_another_index_is_another_answer(store, root: Path) -> None:
    cache: IndexCache[int] = IndexCache(2)
    assert cache.get(store, "key", lambda: 1) == 1
    assert cache.get(store, "key", lambda: 2) == 1
    (root / "reports" / "heron-8b.json").unlink()
    store.ensure_index(force=True)
    assert cache.get(store, "key", lambda: 2) == 2
