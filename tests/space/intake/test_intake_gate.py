"""Uploads that come too often, or find no room on the disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient

from space.intake.gate import SPARE_BYTES, UploadGate
from space.server.web import _gate_uploads


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_an_address_may_send_so_many_in_a_while() -> None:
    clock = Clock()
    gate = UploadGate(limited=True, uploads=2, seconds=600, clock=clock, free=lambda: SPARE_BYTES)
    assert [gate.refusal("a"), gate.refusal("a"), gate.refusal("b")] == ["", "", ""]
    clock.now = 300
    assert gate.refusal("a") == "too many uploads from this address; try again in 5 minutes"
    assert gate.refusal("b") == ""
    clock.now = 600
    assert gate.refusal("a") == ""


def test_refused_uploads_do_not_prolong_the_wait() -> None:
    clock = Clock()
    gate = UploadGate(limited=True, uploads=1, seconds=60, clock=clock, free=lambda: SPARE_BYTES)
    assert gate.refusal("a") == ""
    for clock.now in (10, 30, 59):
        assert gate.refusal("a")
    clock.now = 60
    assert gate.refusal("a") == ""


def test_at_home_only_the_disk_counts() -> None:
    free = [SPARE_BYTES]
    gate = UploadGate(limited=False, uploads=1, free=lambda: free[0])
    assert [gate.refusal("a") for _ in range(5)] == [""] * 5
    free[0] -= 1
    assert "no room" in gate.refusal("a")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_server_answers_429_before_it_reads_the_file(tmp_path: Path) -> None:
    server = FastAPI()
    gate = UploadGate(limited=True, uploads=1, free=lambda: SPARE_BYTES)
    taken: list[int] = []

    @server.post("/gradio_api/upload")
    async def upload(request: Request) -> dict[str, Any]:
        taken.append(len(await request.body()))
        return {}

    _gate_uploads(server, gate)
    with TestClient(server) as client:
        first = client.post("/gradio_api/upload", content=b"x")
        second = client.post("/gradio_api/upload", content=b"x")
    assert (first.status_code, second.status_code) == (200, 429)
    assert "try again" in second.json()["detail"]
    assert taken == [1]
