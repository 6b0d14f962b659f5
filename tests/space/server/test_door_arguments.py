"""Endpoints and the functions behind pages, called with anything: a sentence comes back."""

from __future__ import annotations

import json
import logging
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import ContractError
from space.pages.arguments import fields_of, number_of, text_of
from space.pages.blocks import FAILED, without_folders

#: What a function that takes something else may be handed.
ANYTHING: tuple[Any, ...] = (
    None, 0, -1, 7, 1e300, True, "", "x", "Q1", "7", "\x00", "<b>x</b>", "A" * 5000, [], ["x"],
    [["x"]], [None], {}, {"a": 1}, {"value": 3}, {"__type__": "update"},
    {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
    {"url": "http://127.0.0.1:1/x", "path": "x", "meta": {"_type": "gradio.FileData"}},
)  # fmt: skip

NAMED = {
    "board": 1, "model": 1, "question": 3, "score": 3, "dry_run": 3, "submit": 5, "status": 1,
    "withdraw": 3,
}  # fmt: skip

#: What a Python error, or the framework's text of it, looks like.
PYTHON = re.compile(
    r"Traceback|Error\(|Error:|object has no attribute|unhashable|not iterable|NoneType|pydantic"
    r"|expected str|event handler|Block|site-packages|line \d+|<class"
    rf"|{re.escape(str(Path(__file__).parents[3]))}"
)


@pytest.fixture(scope="module")
def here(sample_root: Path, people, board_here: Callable[..., Any], tmp_path_factory) -> Any:
    """A board that runs here."""
    root = tmp_path_factory.mktemp("arguments")
    shutil.copytree(sample_root, root / "store")
    with board_here(root / "store", people) as client:
        yield client


@pytest.fixture
def failures(caplog) -> Iterator[list[str]]:
    """Errors that the server itself did not expect."""
    found: list[str] = []

    class Handler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.exc_info:
                found.append(self.format(record))

    handler, logger = Handler(), logging.getLogger("space")
    logger.addHandler(handler)
    yield found
    logger.removeHandler(handler)


def sentence_of(answer: Any) -> str:
    """The message of an answer that is an error, "" of one that is none."""
    assert answer.status_code in (200, 404, 413, 422, 500), answer.status_code
    said = answer.json()
    if answer.status_code == 200:
        (first, *_) = said["data"] or [None]
        if isinstance(first, dict) and first.get("ok") is False:
            return json.dumps(first["problems"])
        return ""
    message = said.get("error") or said.get("detail")
    assert isinstance(message, str)
    assert message
    return message


def check(answer: Any) -> None:
    message = sentence_of(answer)
    assert not PYTHON.search(message), message
    assert message != FAILED
    if answer.status_code != 200:  # browsers take the message of an error for markup
        assert "<b>" not in message


@pytest.mark.parametrize("name", NAMED)
def test_named_endpoints_take_anything(here, failures, name: str) -> None:
    count = NAMED[name]
    good = {"question": ["Q1", "DEU", 7], "score": ["heron-8b", "Q1", "DEU"]}.get(
        name, [""] * count
    )
    for given in ANYTHING:
        for place in range(count):
            arguments = [*good[:place], given, *good[place + 1 :]]
            check(here.post(f"/gradio_api/run/{name}", json={"data": arguments}))
        check(here.post(f"/gradio_api/run/{name}", json={"data": [given] * count}))
    assert failures == []


@pytest.mark.parametrize("name", NAMED)
def test_named_endpoints_take_so_many(here, failures, name: str) -> None:
    for count in (0, 1, 2, 3, 4, 5, 6, 50, 5000):
        answer = here.post(f"/gradio_api/run/{name}", json={"data": [""] * count})
        check(answer)
        if count != NAMED[name]:
            assert f"/{name} takes {NAMED[name]} argument" in sentence_of(answer)
    assert failures == []


def test_functions_behind_pages_take_anything(here, failures) -> None:
    config = here.get("/config").json()
    called = 0
    for one in config["dependencies"]:
        if not one["backend_fn"]:
            continue
        called += 1
        for given in ANYTHING:
            call = {"data": [given] * len(one["inputs"]), "fn_index": one["id"]}
            check(here.post("/gradio_api/run/predict", json={**call, "session_hash": "any"}))
    assert called > 30
    assert failures == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("run/nothing", {"data": []}),
        ("call/nothing", {"data": []}),
        ("call/v2/nothing", {}),
        ("run/predict", {"data": [], "fn_index": 10_000}),
        ("run/predict", {"data": [], "fn_index": -1}),
        ("queue/join", {"data": [], "fn_index": 10_000, "session_hash": "any"}),
    ],
)
def test_what_does_not_exist_is_said_so(here, path: str, body: dict[str, Any]) -> None:
    answer = here.post(f"/gradio_api/{path}", json=body)
    assert answer.status_code in (400, 404)
    assert "no such endpoint" in answer.json()["detail"]


@pytest.mark.parametrize(
    "body", [b"", b"x", b"[]", b"{}", b'"x"', b'{"data": 1}', b'{"data": {}}', b"\xff\xfe", b"null"]
)
def test_what_is_no_call_is_said_so(here, body: bytes) -> None:
    answer = here.post(
        "/gradio_api/run/board", content=body, headers={"Content-Type": "application/json"}
    )
    assert answer.status_code in (400, 422)
    assert not PYTHON.search(answer.text)
    assert isinstance(answer.json()["detail"], str)


@pytest.mark.parametrize("name", ["x" * 65, "a b", "../x", "", "\n"])
def test_names_of_sessions_are_short(here, name: str) -> None:
    call = {"data": [""], "session_hash": name}
    answer = here.post("/gradio_api/run/board", json=call)
    assert answer.status_code in (422, 500)
    assert "session_hash is up to 64 letters and digits" in sentence_of(answer)


def test_a_licence_is_accepted_by_true_alone(here) -> None:
    for given in ("false", "true", 1, [1]):
        answer = here.post(
            "/gradio_api/run/submit", json={"data": [None, None, {"name": "x"}, "", given]}
        )
        assert "true or false" in sentence_of(answer)


def test_an_argument_is_named_with_what_it_takes() -> None:
    with pytest.raises(ContractError, match="argument row is of the wrong kind; found a list of 1"):
        text_of("row", ["x"])
    with pytest.raises(ContractError, match="argument row is too long; found 5 characters"):
        text_of("row", "abcde", longest=4)
    for given in (True, "7", 7.5, None, 10**12, float("nan")):
        with pytest.raises(ContractError, match="allowed: a whole number"):
            number_of("wave", given)
    assert number_of("wave", 7.0) == 7
    assert fields_of("stated", None) == {}
    for given, message in (
        ([], "an object of at most"),
        ({str(n): "" for n in range(101)}, "an object of at most"),
        ({"name": ["x"]}, r"stated\.name is of the wrong kind"),
        ({"name": "x" * 5000}, r"stated\.name is too long"),
    ):
        with pytest.raises(ContractError, match=message):
            fields_of("stated", given)


def test_messages_name_files_and_not_where_they_lie() -> None:
    for said, shown in (
        ("[x] /srv/board/runs/run-1/a.json: no", "[x] a.json: no"),
        ("cannot write '/srv/a b/c.json'", "cannot write 'a b/c.json'"),
        ("see https://example.org/a/b/c", "see https://example.org/a/b/c"),
        ("1/2 of Q1/DEU and /board.json", "1/2 of Q1/DEU and /board.json"),
    ):
        assert without_folders(said) == shown
