"""Two hundred visitors at the same time, one session each: everybody gets what they asked for."""

from __future__ import annotations

import asyncio
import resource
import shutil
from pathlib import Path
from typing import Any

import httpx
import pytest

from elicitation.backends.coroutines import run_coroutine

pytestmark = pytest.mark.slow

VISITORS = 200

#: What 200 sessions may add to the server, in bytes: the framework alone would keep 170 million.
GROWTH = 60_000_000

QUESTIONS = ("Q1", "Q2", "Q46", "Q57", "Q106", "Q164", "Q171", "Q199", "Q240", "Q254")
COUNTRIES = ("DEU", "JPN", "USA", "BRA", "EGY", "NGA", "MEX", "AUS")


def resident_bytes(pid: int) -> int:
    """Memory that a process holds."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * resource.getpagesize()


class Visitor:
    """A visitor with a page open: the framework's line stays open as long as the page does."""

    def __init__(
        self, client: httpx.AsyncClient, name: str, number: int, config: dict[str, Any]
    ) -> None:
        self._client, self._config = client, config
        self.session = f"{name}{number}"
        self.question = QUESTIONS[number % len(QUESTIONS)]
        self.country = COUNTRIES[number % len(COUNTRIES)]

    def function(self, page: str, name: str) -> int:
        """Number of a function behind a page."""
        shown = self._config["page"][page]["dependencies"]
        return next(
            int(one["id"])
            for one in self._config["dependencies"]
            if one["id"] in shown and one["api_name"].startswith(name)
        )

    async def call(self, number: int, *data: Any, query: str = "") -> str:
        """What a function gives to this visitor."""
        body = {"data": list(data), "fn_index": number, "session_hash": self.session}
        answer = await self._client.post(f"/gradio_api/run/predict{query}", json=body)
        assert answer.status_code == 200, answer.text
        return str(answer.json()["data"])

    async def visit(self, here: asyncio.Event) -> None:
        """Look at the Question and the Country page, with the line open all the while."""
        line = f"/gradio_api/heartbeat/{self.session}"
        async with self._client.stream("GET", line) as open_line:
            assert open_line.status_code == 200
            await here.wait()
            assert (await self._client.get("/question")).status_code == 200
            load = self.function("question", "restore")
            first = await self.call(load, query=f"?question={self.question}")
            assert f"<h1>{self.question} " in first
            changed = await self.call(self.function("question", "changed"), "Q48", "7")
            assert "<h1>Q48 " in changed
            load = self.function("country", "restore")
            shown = await self.call(load, query=f"?country={self.country}&question={self.question}")
            assert f"country={self.country}" in shown
            assert f"question={self.question}" in shown


async def crowd(address: str, name: str) -> None:
    """All visitors at once."""
    # A line of its own for every request: a busy client might use one that was just closed.
    limits = httpx.Limits(max_connections=2 * VISITORS + 10, max_keepalive_connections=0)
    async with httpx.AsyncClient(base_url=address, timeout=300, limits=limits) as client:
        config = (await client.get("/config")).json()
        here = asyncio.Event()
        visits = [
            asyncio.create_task(Visitor(client, name, number, config).visit(here))
            for number in range(VISITORS)
        ]
        await asyncio.sleep(1)
        here.set()
        while not all(one.done() for one in visits):
            assert (await client.get("/healthz")).json()["status"] == "ok"
            await asyncio.sleep(0.2)
        await asyncio.gather(*visits)
        board = (await client.get("/board.json")).json()
        assert len(board["rows"]) == 9


def test_two_hundred_visitors_with_a_session_each(sample_root, tmp_path, board_starter) -> None:
    shutil.copytree(sample_root, tmp_path / "store")
    port, start_board = board_starter
    process = start_board(tmp_path / "store", tmp_path / "log.txt", port=port)
    address = f"http://127.0.0.1:{port}"
    try:
        run_coroutine(crowd(address, "early"))  # what is made once for everybody
        before = resident_bytes(process.pid)
        run_coroutine(crowd(address, "late"))
        assert resident_bytes(process.pid) - before < GROWTH
    finally:
        process.terminate()
        process.wait(timeout=30)
    log = (tmp_path / "log.txt").read_text()
    assert "Traceback" not in log
    assert '"status": 500' not in log
