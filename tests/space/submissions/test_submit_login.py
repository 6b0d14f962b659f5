"""A public board with logins: accounts, moderation, trust, other people's submissions."""

from __future__ import annotations

import base64
import hashlib
import json
import shutil
import time
import urllib.request
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import itsdangerous
import pytest
from waiting import wait_until

from space.intake.templates import write_template
from space.submissions import Submissions, open_submissions

pytestmark = pytest.mark.browser

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


@pytest.fixture(scope="module")
def place(sample_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder with the store of the board."""
    root = tmp_path_factory.mktemp("public")
    shutil.copytree(sample_root, root / "store")
    return root


@pytest.fixture(scope="module")
def board(place: Path, board_starting: Callable[..., Any]) -> Iterator[str]:
    """Address of a board that believes it is a Space."""
    with pytest.MonkeyPatch.context() as patch:
        for name, text in SPACE.items():
            patch.setenv(name, text)
        with board_starting(place / "store", place / "log.txt") as address:
            yield address


@pytest.fixture(scope="module")
def book(place: Path) -> Submissions:
    """The same submissions, as a maintainer opens them."""
    return open_submissions(place / "store")


def cookie(account: str) -> str:
    """The session cookie of someone who logged in: signed by the server's secret."""
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
    key = hashlib.sha256(f"{SECRET}-v4".encode()).hexdigest()
    signed = itsdangerous.TimestampSigner(key).sign(base64.b64encode(json.dumps(session).encode()))
    return f"session={signed.decode()}"


def client_of(board: str, account: str = "") -> Any:
    """A gradio_client, logged in as `account` if one is named."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from gradio_client import Client
    return Client(board, verbose=False, headers={"Cookie": cookie(account)} if account else {})


def submit(client: Any, path: Path, name: str) -> dict[str, Any]:
    """Submit a file under a name."""
    from gradio_client import handle_file

    return client.predict(
        file=handle_file(str(path)),
        sidecar=None,
        stated={"name": name},
        contact="",
        accepts_licence=True,
        api_name="/submit",
    )


def withdraw(client: Any, submission: str, code: str = "") -> dict[str, Any]:
    return client.predict(submission=submission, code=code, why="", api_name="/withdraw")


def row_names(board: str) -> list[str]:
    with urllib.request.urlopen(board + "board.json", timeout=30) as answer:
        return [row["name"] for row in json.loads(answer.read())["rows"]]


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Files of three kinds of answers."""
    folder = tmp_path_factory.mktemp("answers")
    distribution = write_template(folder, kind="distribution", suffix=".jsonl")
    header, *records = distribution.read_text().splitlines()
    fewer = folder / "fewer.jsonl"
    fewer.write_text("\n".join([header, *records[:3]]))
    return [distribution, fewer, write_template(folder, kind="advice", suffix=".jsonl")]


def test_accounts_wait_once_and_own_what_they_sent(board, book, answers) -> None:
    before = row_names(board)
    ann, bob = client_of(board, "ann"), client_of(board, "bob")
    first = submit(ann, answers[0], "Of Ann")
    assert (first["ok"], first["state"], first["code"]) == (True, "pending", "")
    assert book.status(first["id"]).account == "ann"
    assert row_names(board) == before
    assert submit(ann, answers[0], "Of Ann")["duplicate"]

    book.approve(first["id"], by="keeper")
    wait_until(lambda: "Of Ann" in row_names(board), "what was approved does not appear", every=0.5)
    second = submit(ann, answers[1], "Again of Ann")
    assert second["state"] == "public"
    assert "Again of Ann" in row_names(board)

    assert withdraw(bob, first["id"])["problems"][0]["code"] == "not-owner"
    assert withdraw(client_of(board), first["id"])["problems"][0]["code"] == "not-owner"
    assert withdraw(ann, first["id"])["state"] == "withdrawn"
    assert "Of Ann" not in row_names(board)


def test_without_a_login_it_waits_and_a_code_takes_it_back(board, book, answers) -> None:
    nobody = client_of(board)
    sent = submit(nobody, answers[2], "Of nobody")
    assert (sent["state"], bool(sent["code"])) == ("pending", True)
    assert withdraw(nobody, sent["id"], "wrong")["ok"] is False
    assert withdraw(nobody, sent["id"], sent["code"])["state"] == "withdrawn"
    assert book.status(sent["id"]).state == "withdrawn"


def test_a_forged_session_is_nobody(board, answers) -> None:
    from gradio_client import Client

    forged = cookie("ann")[:-4] + "AAAA"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        client = Client(board, verbose=False, headers={"Cookie": forged})
    sent = submit(client, answers[2], "As if of Ann")
    assert (sent["state"], bool(sent["code"])) == ("pending", True)


def test_ratings_name_the_local_command(board, tmp_path: Path) -> None:
    from gradio_client import handle_file

    path = write_template(tmp_path, kind="rating", suffix=".csv")
    found = client_of(board).predict(
        file=handle_file(str(path)), sidecar=None, stated={}, api_name="/dry_run"
    )
    (problem,) = found["problems"]
    assert problem["code"] == "needs-individuals"
    assert "opinion-atlas score" in problem["hint"]
