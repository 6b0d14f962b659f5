"""Requests from other sites' pages, to closed addresses, and larger than they may be."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from space.server.door import LARGEST_BODY

CALL = {"data": [""], "session_hash": "visit"}
BOARD = "/gradio_api/run/board"
EVIL = "http://evil.example"


@pytest.fixture(scope="module")
def home(sample_root: Path, people, board_here: Callable[..., Any]) -> Iterator[Any]:
    """A board on one's own machine, at 127.0.0.1:7860."""
    with board_here(sample_root, people) as client:
        yield client


@pytest.fixture(scope="module")
def public(sample_root: Path, people, board_here, tmp_path_factory) -> Iterator[Any]:
    """A board for strangers."""
    root = tmp_path_factory.mktemp("public")
    shutil.copytree(sample_root, root / "store")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("OPINION_ATLAS_PUBLIC", "1")
        with board_here(root / "store", people) as client:
            yield client


def post(client: Any, **headers: str) -> Any:
    """Ask for the board as a page with these headers would."""
    sent = {name.replace("_", "-"): text for name, text in headers.items()}
    return client.post(BOARD, json=CALL, headers=sent)


# Whose page.


@pytest.mark.parametrize("board", ["home", "public"])
@pytest.mark.parametrize(
    "origin",
    [
        EVIL,
        "https://evil.example",
        "null",
        "http://127.0.0.1:3000",
        "http://localhost:7860",
        "http://127.0.0.1.evil.example:7860",
        "http://evil.example@127.0.0.1:7861",
        "https://huggingface.co",
        "127.0.0.1:7860",
        "http://",
        "http://[",
        "http://127.0.0.1:x",
        "",
    ],
)
def test_another_sites_page_is_refused(request, board: str, origin: str) -> None:
    answer = post(request.getfixturevalue(board), origin=origin)
    assert answer.status_code == 403
    assert "comes from a page of another site" in answer.json()["detail"]
    assert not [name for name in answer.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
@pytest.mark.parametrize(
    "path",
    [
        BOARD,
        "/gradio_api/api/submit",
        "/gradio_api/call/withdraw",
        "/gradio_api/call/v2/withdraw",
        "/gradio_api/queue/join",
        "/gradio_api/upload",
        "/gradio_api/cancel",
        "/gradio_api/reset",
        "/login",
        "/board.json",
        "/nowhere",
    ],
)
def test_no_way_in_is_forgotten(public, path: str, method: str) -> None:
    assert public.request(method, path, headers={"Origin": EVIL}).status_code == 403


def test_the_boards_own_page_may_act(home, public) -> None:
    for client in (home, public):
        answer = post(client, origin="http://127.0.0.1:7860")
        assert answer.status_code == 200
        assert answer.json()["data"][0]["total"] == 9
        assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_programs_name_no_origin_and_may_act(home, public) -> None:
    assert post(home).status_code == 200
    assert post(public).status_code == 200


def test_no_other_sites_page_may_read_an_answer(home, public) -> None:
    for client in (home, public):
        for path in ("/", "/board.json", "/config", "/healthz", "/gradio_api/info"):
            answer = client.get(path, headers={"Origin": EVIL})
            assert answer.status_code == 200, path
            assert not [name for name in answer.headers if name.startswith("access-control-")]


def test_a_preflight_of_another_site_is_refused(public) -> None:
    asks = {
        "Origin": EVIL,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type, x-forwarded-host",
    }
    answer = public.options(BOARD, headers=asks)
    assert answer.status_code == 403
    assert not [name for name in answer.headers if name.startswith("access-control-")]


# Proxies and Spaces.


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        ("board.example.org", "https://board.example.org"),
        ("board.example.org:443", "https://board.example.org"),
        ("board.example.org", "https://board.example.org:443"),
        ("Board.Example.org", "https://board.example.org"),
        ("board.example.org:8443", "https://board.example.org:8443"),
        ("[2001:db8::7]:7860", "http://[2001:db8::7]:7860"),
    ],
)
def test_a_proxy_that_hands_the_host_on(public, host: str, origin: str) -> None:
    assert post(public, host=host, origin=origin).status_code == 200
    assert post(public, host=host, origin=EVIL).status_code == 403


def test_a_proxy_that_names_the_host_beside(public) -> None:
    inside = {"host": "backend:7860", "x_forwarded_host": "board.example.org, inner:8080"}
    assert post(public, origin="https://board.example.org", **inside).status_code == 200
    assert post(public, origin=EVIL, **inside).status_code == 403


def test_a_proxy_that_says_nothing_takes_a_setting(public, monkeypatch) -> None:
    inside = {"host": "backend:7860", "origin": "https://board.example.org"}
    refused = post(public, **inside)
    assert refused.status_code == 403
    assert "OPINION_ATLAS_HOSTS" in refused.json()["detail"]
    monkeypatch.setenv("OPINION_ATLAS_HOSTS", "other.example.org, board.example.org")
    assert post(public, **inside).status_code == 200
    assert post(public, host="backend:7860", origin=EVIL).status_code == 403


def test_a_space_in_the_frame_of_its_page(public, monkeypatch) -> None:
    # huggingface.co frames the Space: its page's origin is the Space's own, whoever frames it.
    frame = {"host": "org-board.hf.space", "referer": "https://huggingface.co/spaces/org/board"}
    assert post(public, origin="https://org-board.hf.space", **frame).status_code == 200
    assert post(public, origin="https://huggingface.co", **frame).status_code == 403
    assert post(public, origin="https://evil-board.hf.space", **frame).status_code == 403

    monkeypatch.setenv("SPACE_HOST", "org-board.hf.space,board.example.org")
    within = {"host": "10.20.30.40:7860", "referer": "https://huggingface.co/"}
    for own in ("https://org-board.hf.space", "https://board.example.org"):
        assert post(public, origin=own, **within).status_code == 200
    assert post(public, origin="https://evil.hf.space", **within).status_code == 403


def test_a_name_that_was_made_to_lead_here_is_another_site(home, public, monkeypatch) -> None:
    # DNS rebinding: the name of another site's page suddenly means this machine.
    rebound = {"host": "evil.example:7860", "origin": "http://evil.example:7860"}
    assert post(home, **rebound).status_code == 403
    assert post(home, host="localhost:7860", origin="http://localhost:7860").status_code == 200
    assert post(home, host="[::1]:7860", origin="http://[::1]:7860").status_code == 200
    monkeypatch.setenv("OPINION_ATLAS_HOSTS", "mine.example.org:7860")
    named = {"host": "mine.example.org:7860", "origin": "http://mine.example.org:7860"}
    assert post(home, **named).status_code == 200


# Closed addresses.


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "deep_link?session_hash=visit"),
        ("POST", "process_recording"),
        ("POST", "component_server"),
        ("POST", "vibe-edit"),
        ("POST", "vibe-code"),
        ("GET", "vibe-code"),
        ("GET", "proxy=https://org-board.hf.space/x"),
        ("GET", "dev/reload"),
        ("GET", "runs"),
        ("POST", "run-history/connect"),
        ("POST", "stream/1"),
        ("GET", "custom_component/1/client/component/x.js"),
        ("GET", "profiling/traces"),
        ("POST", "mcp/"),
    ],
)
def test_what_the_app_does_not_use_is_closed(public, method: str, path: str) -> None:
    answer = public.request(method, f"/gradio_api/{path}")
    assert answer.status_code == 404
    assert answer.json()["detail"].startswith("there is nothing at /gradio_api/")


def test_what_visitors_did_is_not_shown(public) -> None:
    post(public)
    for path in ("/monitoring", "/monitoring/summary", "/monitoring/x"):
        assert public.get(path).status_code == 403


# Sizes.


def test_a_call_of_a_size_that_no_call_has_is_refused(public) -> None:
    answer = public.post(BOARD, json={"data": ["x" * LARGEST_BODY]})
    assert answer.status_code == 413
    assert answer.json()["detail"] == "the request is too large; at most 1 MB are taken"


def test_a_call_that_does_not_say_its_size_is_cut_off(public) -> None:
    read = 0

    def parts() -> Iterator[bytes]:
        nonlocal read
        for _ in range(1000):
            read += 1 << 16
            yield b"x" * (1 << 16)

    answer = public.post(BOARD, content=parts(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413


def test_an_upload_may_be_larger_but_not_endless(public) -> None:
    files = {"files": ("answers.csv", b"x" * (3 * LARGEST_BODY))}
    assert public.post("/gradio_api/upload", files=files).status_code == 200
    many = [("files", (f"{n}.csv", b"x" * (1 << 24))) for n in range(5)]
    answer = public.post("/gradio_api/upload", files=many)
    assert answer.status_code == 413
    assert answer.json()["detail"] == "the request is too large; at most 65 MB are taken"
