"""Who a visitor is behind proxies, and when a server counts as public."""

from __future__ import annotations

import shutil
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI, Request
from fastapi.testclient import TestClient
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from contracts.errors import ContractError
from space.intake.gate import SPARE_BYTES, UPLOADS, UploadGate
from space.server.serve import serve
from space.server.web import _gate_uploads, _watch_for_others
from space.visitors.proxies import (
    PROXIES_VARIABLE,
    SPACE_PROXIES,
    from_elsewhere,
    is_loopback,
    trusted_proxies,
)
from space.visitors.visitor import address_of

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(autouse=True)
def at_home(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPACE_ID", "OPINION_ATLAS_PUBLIC", PROXIES_VARIABLE):
        monkeypatch.delenv(name, raising=False)


def test_no_proxy_is_believed_unless_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert trusted_proxies() == ()
    assert trusted_proxies(["10.0.0.1", " 192.0.2.0/24 "]) == ("10.0.0.1", "192.0.2.0/24")
    monkeypatch.setenv("SPACE_ID", "org/board")
    assert trusted_proxies() == SPACE_PROXIES
    monkeypatch.setenv(PROXIES_VARIABLE, "203.0.113.1, 2001:db8::/32")
    assert trusted_proxies() == ("203.0.113.1", "2001:db8::/32")
    assert trusted_proxies(["10.0.0.1"]) == ("10.0.0.1",)
    # Set to nothing, the variable takes the default of a Space away.
    monkeypatch.setenv(PROXIES_VARIABLE, "")
    assert trusted_proxies() == ()


def test_what_is_no_network_is_refused_all_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PROXIES_VARIABLE, "10.0.0.0/8,*,nginx,10.0.0.1/8")
    with pytest.raises(ContractError, match="neither an address nor a network") as caught:
        trusted_proxies()
    assert [problem.found for problem in caught.value.problems] == [
        "'*'", "'nginx'", "'10.0.0.1/8'",
    ]  # fmt: skip


def seen_address(peer: str, header: str, proxies: list[str]) -> str:
    """The address that the server sees for a request of `peer`."""
    server = FastAPI()

    @server.get("/")
    def address(request: Request) -> dict[str, Any]:
        return {"address": address_of(request.client)}

    server.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(trusted_proxies(proxies)))
    with TestClient(server, client=(peer, 50_000)) as client:
        headers = {"X-Forwarded-For": header} if header else {}
        return client.get("/", headers=headers).json()["address"]


@pytest.mark.parametrize(
    ("peer", "header", "proxies", "expected"),
    [
        ("10.0.0.1", "", ["10.0.0.0/8"], "10.0.0.1"),
        ("10.0.0.1", "8.8.8.8", ["10.0.0.0/8"], "8.8.8.8"),
        # The left one is what the visitor wrote themselves.
        ("10.0.0.1", "1.2.3.4, 8.8.8.8", ["10.0.0.0/8"], "8.8.8.8"),
        ("10.0.0.1", "1.2.3.4, 8.8.8.8, 10.1.1.1", ["10.0.0.0/8"], "8.8.8.8"),
        ("10.0.0.1", "2606:4700::1111", ["10.0.0.0/8"], "2606:4700::1111"),
        # A proxy that was not named, a private address included: the header counts for nothing.
        ("10.0.0.1", "8.8.8.8", [], "10.0.0.1"),
        ("127.0.0.1", "8.8.8.8", [], "127.0.0.1"),
        ("192.168.0.9", "8.8.8.8", ["10.0.0.0/8"], "192.168.0.9"),
        ("9.9.9.9", "8.8.8.8", ["10.0.0.0/8"], "9.9.9.9"),
        # A public proxy that was.
        ("198.51.100.7", "8.8.8.8", ["198.51.100.7"], "8.8.8.8"),
    ],
)
def test_the_address_behind_a_proxy(
    peer: str, header: str, proxies: list[str], expected: str
) -> None:
    assert seen_address(peer, header, proxies) == expected


@pytest.mark.parametrize(
    ("headers", "host", "expected"),
    [
        ({}, "127.0.0.1", False),
        ({}, "::1", False),
        ({}, "testclient", False),
        ({}, "", False),
        ({}, "192.168.1.7", True),
        ({}, "203.0.113.7", True),
        ({"x-forwarded-for": "127.0.0.1"}, "127.0.0.1", True),
        ({"forwarded": "for=8.8.8.8"}, "127.0.0.1", True),
        ({"x-real-ip": "8.8.8.8"}, "127.0.0.1", True),
    ],
)
def test_what_comes_from_elsewhere(headers: dict[str, str], host: str, expected: bool) -> None:
    assert from_elsewhere(headers, host) is expected


def test_addresses_of_this_machine() -> None:
    assert [is_loopback(host) for host in ("127.0.0.1", "127.8.0.1", "::1", "localhost")] == [
        True
    ] * 4
    assert [is_loopback(host) for host in ("0.0.0.0", "::", "", "192.168.1.2", "board")] == [
        False
    ] * 5


class Rules:
    """Counts who was told that others use the server."""

    def __init__(self) -> None:
        self.public, self.times = False, 0

    def open_to_others(self) -> None:
        self.public, self.times = True, self.times + 1


def watched(peer: str) -> tuple[TestClient, Rules, Rules, UploadGate]:
    """A server with the gate and the watch of the real one."""
    server = FastAPI()
    desk, runs = Rules(), Rules()
    gate = UploadGate(limited=False, uploads=1, free=lambda: SPARE_BYTES)

    @server.post("/upload")
    async def upload() -> dict[str, bool]:
        return {"public": desk.public}

    _gate_uploads(server, gate)
    _watch_for_others(server, desk, gate, runs)
    return TestClient(server, client=(peer, 50_000)), desk, runs, gate


def test_at_home_nothing_is_limited() -> None:
    client, desk, runs, gate = watched("127.0.0.1")
    assert [client.post("/upload").json() for _ in range(3)] == [{"public": False}] * 3
    assert (desk.public, runs.public, gate.limited) == (False, False, False)


@pytest.mark.parametrize(
    ("peer", "headers"),
    [("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}), ("192.168.1.7", {})],
)
def test_a_request_from_elsewhere_makes_a_server_public_for_good(
    peer: str, headers: dict[str, str]
) -> None:
    client, desk, runs, gate = watched(peer)
    assert client.post("/upload", headers=headers).json() == {"public": True}
    assert client.post("/upload", headers=headers).status_code == 429
    assert (desk.times, runs.times, gate.limited) == (1, 1, True)


def upload(board: str, forwarded: str) -> int:
    """Status of an upload to a running board."""
    head = b'Content-Disposition: form-data; name="files"; filename="a.csv"'
    body = b"--b\r\n" + head + b"\r\n\r\nx\r\n--b--\r\n"
    headers = {"Content-Type": "multipart/form-data; boundary=b", "X-Forwarded-For": forwarded}
    request = urllib.request.Request(
        f"{board}gradio_api/upload", data=body, headers=headers, method="POST"
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


@pytest.mark.parametrize(
    ("proxies", "last"),
    [
        ("", 429),  # whoever connects counts, whatever the header says
        ("127.0.0.1", 200),  # a named proxy says that each of them is another visitor
    ],
)
def test_a_spoofed_header_gets_no_further_uploads(
    sample_root: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    board_starting: Callable[..., Any],
    proxies: str,
    last: int,
) -> None:
    """On the real server, which was started for its own machine: the first one opens it."""
    monkeypatch.setenv(PROXIES_VARIABLE, proxies)
    shutil.copytree(sample_root, tmp_path / "store")
    with board_starting(tmp_path / "store", tmp_path / "log.txt") as board:
        codes = [upload(board, f"198.51.100.{number}") for number in range(UPLOADS + 1)]
    assert codes == [200] * UPLOADS + [last]
    assert "public from now on" in (tmp_path / "log.txt").read_text()


def test_listening_for_other_machines_makes_a_server_public(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What `opinion-atlas space --host` serves, without serving it."""
    served: list[tuple[str, Any, Any]] = []
    made: list[tuple[bool, tuple[str, ...]]] = []

    def make(store: Any, people: Any, *, public: bool, proxies: tuple[str, ...]) -> str:
        made.append((public, proxies))
        return "server"

    def run(server: Any, **options: Any) -> None:
        served.append((server, options["host"], options["proxy_headers"]))

    monkeypatch.setattr("space.server.web.make_server", make)
    monkeypatch.setattr("uvicorn.run", run)
    monkeypatch.setattr("space.server.serve.set_up_logs", lambda: None)
    store = tmp_path / "store"
    (store / "reports").mkdir(parents=True)
    for host in ("127.0.0.1", "0.0.0.0"):
        serve(
            str(store), release="reference", host=host, port=0, fill=False, open_browser=False,
            proxies=["10.0.0.1"],
        )  # fmt: skip
    assert made == [(False, ("10.0.0.1",)), (True, ("10.0.0.1",))]
    assert [one[2] for one in served] == [False, False]
