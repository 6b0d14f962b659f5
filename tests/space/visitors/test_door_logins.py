"""Logins: real ones on a Space, or none; nobody becomes someone by a cookie of their own."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import itsdangerous
import pytest

from contracts.errors import ContractError
from space.pages.running.visitor import visitor_of as visitor_of_runs
from space.pages.submit import visitor_of
from space.runs.rules import PUBLIC
from space.visitors.logins import CONFIGURATION, account_of, check_logins

SECRET = "of the test"

#: What Hugging Face sets on a Space whose README asks for logins.
SPACE = {
    "SYSTEM": "spaces",
    "SPACE_ID": "org/board",
    "OAUTH_CLIENT_ID": "client",
    "OAUTH_CLIENT_SECRET": SECRET,
    "OAUTH_SCOPES": "openid profile inference-api",
    "OPENID_PROVIDER_URL": "https://huggingface.co",
}

ANN = SimpleNamespace(username="ann")


@pytest.fixture(autouse=True)
def nothing_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing of a Space is in the environment."""
    for name in SPACE:
        monkeypatch.delenv(name, raising=False)


def session_cookie(account: str, *, secret: str) -> str:
    """A session cookie as the framework signs it with a secret."""
    session = {
        "oauth_info": {
            "access_token": "token",
            "scope": "openid",
            "expires_at": time.time() + 3600,
            "userinfo": {
                "name": account,
                "preferred_username": account,
                "profile": f"https://huggingface.co/{account}",
                "picture": "https://huggingface.co/x.png",
            },
        }
    }
    key = hashlib.sha256(f"{secret}-v4".encode()).hexdigest()
    packed = base64.b64encode(json.dumps(session).encode())
    return itsdangerous.TimestampSigner(key).sign(packed).decode()


# Starting.


def test_without_logins_nothing_is_asked_of_the_environment() -> None:
    check_logins()


def test_the_whole_configuration_of_a_space_is_real(monkeypatch) -> None:
    for name, text in SPACE.items():
        monkeypatch.setenv(name, text)
    check_logins()
    assert account_of(ANN) == "ann"


@pytest.mark.parametrize("lacking", [name for name in SPACE if name != "OAUTH_CLIENT_ID"])
def test_half_a_configuration_is_refused(monkeypatch, lacking: str) -> None:
    for name, text in SPACE.items():
        if name != lacking:
            monkeypatch.setenv(name, text)
    with pytest.raises(ContractError, match=f"not set: {lacking}"):
        check_logins()


def test_an_empty_secret_is_none(monkeypatch) -> None:
    for name, text in {**SPACE, "OAUTH_CLIENT_SECRET": ""}.items():
        monkeypatch.setenv(name, text)
    with pytest.raises(ContractError, match="OAUTH_CLIENT_SECRET"):
        check_logins()


def test_the_server_is_not_even_made(monkeypatch, sample_store, people) -> None:
    from space.server.web import make_server

    monkeypatch.setenv("OAUTH_CLIENT_ID", "client")
    with pytest.raises(ContractError, match="only a Hugging Face Space can offer"):
        make_server(sample_store, people)


def test_the_command_says_one_thing_and_ends(sample_root: Path) -> None:
    command = [sys.executable, "-m", "opinion_atlas", "space", "--store", str(sample_root)]
    ended = subprocess.run(
        [*command, "--no-seed", "--port", "0"],
        env={**os.environ, "OAUTH_CLIENT_ID": "client"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert ended.returncode == 2
    assert "OAUTH_CLIENT_ID asks for logins" in ended.stderr
    assert all(name in ended.stderr for name in CONFIGURATION)
    assert "Traceback" not in ended.stderr
    assert "is at" not in ended.stdout


# Profiles.


@pytest.mark.parametrize("lacking", list(SPACE))
def test_a_profile_counts_only_with_all_of_it(monkeypatch, lacking: str) -> None:
    for name, text in SPACE.items():
        if name != lacking:
            monkeypatch.setenv(name, text)
    request = SimpleNamespace(client=SimpleNamespace(host="203.0.113.7"), headers={})
    assert account_of(ANN) == ""
    assert visitor_of(request, ANN).account == ""
    assert visitor_of_runs(request, ANN, PUBLIC).account == ""


# Cookies.


def run_list(client: Any, cookie: str) -> str:
    """What the page of runs shows to someone with a cookie: their account's runs, or nothing."""
    headers = {"Cookie": f"session={cookie}"} if cookie else {}
    config = client.get("/config").json()
    (load,) = [
        one["id"]
        for one in config["dependencies"]
        if one["id"] in config["page"]["run"]["dependencies"]
        and one["api_name"].startswith("restore")
    ]
    call = {"data": [], "fn_index": load, "session_hash": "look"}
    answer = client.post("/gradio_api/run/predict", json=call, headers=headers)
    assert answer.status_code == 200, answer.text
    return json.dumps(answer.json())


def withdraw(client: Any, submission: str, cookie: str) -> dict[str, Any]:
    """Try to take a submission back with a cookie."""
    headers = {"Cookie": f"session={cookie}"} if cookie else {}
    call = {"data": [submission, "", ""]}
    answer = client.post("/gradio_api/run/withdraw", json=call, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"][0]


@pytest.fixture
def of_ann(sample_root: Path, tmp_path: Path, reference) -> tuple[Path, str]:
    """A store, and a submission in it that belongs to Ann."""
    from space.submissions import Details, Payload, open_submissions

    shutil.copytree(sample_root, tmp_path / "store")
    book = open_submissions(tmp_path / "store", tmp_path / "store-private")
    report = next((tmp_path / "store" / "reports").glob("*.json"))
    details = Details(name="Of Ann", accepts_licence=True)
    return tmp_path / "store", book.submit(Payload(report=report), details, account="ann").id


@pytest.fixture
def space_here(
    of_ann, people, monkeypatch, board_here: Callable[..., Any]
) -> Iterator[tuple[Any, str]]:
    """A board that runs here as on a Space, and Ann's submission."""
    for name, text in SPACE.items():
        monkeypatch.setenv(name, text)
    for name in ("CLIENT_ID", "CLIENT_SECRET", "SCOPES"):
        # The framework reads the environment once, when it is first imported.
        monkeypatch.setattr(f"gradio.oauth.OAUTH_{name}", SPACE[f"OAUTH_{name}"])
    monkeypatch.setattr("gradio.oauth.OPENID_PROVIDER_URL", SPACE["OPENID_PROVIDER_URL"])
    root, submission = of_ann
    with board_here(root, people) as client:
        yield client, submission


def test_a_cookie_of_the_real_secret_is_ann(space_here) -> None:
    client, submission = space_here
    assert withdraw(client, submission, session_cookie("ann", secret=SECRET))["ok"]


@pytest.mark.parametrize("secret", ["", "None", "of another", "client"])
def test_a_forged_cookie_is_nobody(space_here, secret: str) -> None:
    client, submission = space_here
    forged = withdraw(client, submission, session_cookie("ann", secret=secret))
    assert forged["problems"][0]["code"] == "not-owner"


def test_an_unsigned_or_broken_cookie_is_nobody(space_here) -> None:
    client, submission = space_here
    good = session_cookie("ann", secret=SECRET)
    for cookie in (good.split(".", maxsplit=1)[0], good[:-4] + "AAAA", good + "x", "x", ""):
        assert withdraw(client, submission, cookie)["problems"][0]["code"] == "not-owner"


def test_a_cookie_means_nothing_where_there_are_no_logins(
    of_ann, people, monkeypatch, board_here
) -> None:
    monkeypatch.setenv("OPINION_ATLAS_PUBLIC", "1")
    root, submission = of_ann
    with board_here(root, people) as client:
        for secret in ("", SECRET):
            forged = withdraw(client, submission, session_cookie("ann", secret=secret))
            assert forged["problems"][0]["code"] == "not-owner"
        for path in ("/login/huggingface", "/login/callback"):
            answer = client.get(path, follow_redirects=False)
            assert answer.status_code == 404, path
            assert "set-cookie" not in answer.headers


def test_the_session_cookie_stays_on_this_site(space_here) -> None:
    client, _ = space_here
    answer = client.get(
        "/logout",
        headers={"Cookie": f"session={session_cookie('ann', secret=SECRET)}"},
        follow_redirects=False,
    )
    cookies = answer.headers.get_list("set-cookie")
    assert cookies
    for cookie in cookies:
        assert "samesite=lax" in cookie.lower()
        assert "samesite=none" not in cookie.lower()
        assert "httponly" in cookie.lower()
        assert "secure" in cookie.lower()
