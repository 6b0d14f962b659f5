"""Uploads on the running board: a real browser, gradio_client, and plain HTTP."""

from __future__ import annotations

import json
import re
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.predictions.read import read_predictions
from space.intake.templates import write_template
from tests.support.browser import axe_findings, opened

pytestmark = pytest.mark.browser

#: Milliseconds that a check may take here: the first starts the process that reads uploads.
PATIENCE = 120_000


@pytest.fixture(scope="module")
def board(own_board: str) -> str:
    """Address of a board of its own: submissions change it."""
    return own_board


@pytest.fixture
def page(chromium) -> Iterator[Any]:
    """A page that fails the test if a script breaks."""
    yield from opened(chromium, timeout=30_000, viewport={"width": 1300, "height": 1000})


@pytest.fixture(scope="module")
def client(board: str) -> Any:
    """A gradio_client of the running board."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        from gradio_client import Client
    return Client(board, verbose=False)


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_template(tmp_path_factory.mktemp("good"), kind="distribution", suffix=".csv")


@pytest.fixture(scope="module")
def bad(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bad") / "bad.csv"
    path.write_text("question_id,country,option,share\nQ1,DEU,1,-0.5\nQ1,DEU,<b>,0.5\nQ2,DEU,1\n")
    return path


def get_json(address: str) -> Any:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return json.loads(answer.read())


def row_names(board: str) -> list[str]:
    """Names of the board's rows."""
    return [row["name"] for row in get_json(board + "board.json")["rows"]]


def drop(page: Any, board: str, path: Path, *, theme: str = "light") -> None:
    """Open the page and drop a file."""
    page.goto(f"{board}submit?__theme={theme}")
    page.set_input_files("#upload input[type=file]", str(path))
    page.wait_for_selector(f"#upload :text('{path.stem}')")


def check(page: Any) -> None:
    """Ask for a dry run and wait for its answer."""
    page.click("#check")
    page.wait_for_selector("#submit-result .oa-notice", timeout=PATIENCE)


def channels(colour: str) -> list[int]:
    """Red, green and blue of a CSS colour `rgb(r, g, b)`."""
    return [int(one) for one in re.findall(r"\d+", colour)[:3]]


def sideways(page: Any) -> bool:
    """Whether the page scrolls sideways."""
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def test_a_bad_file_shows_every_error_by_row(page, board, bad: Path) -> None:
    drop(page, board, bad)
    check(page)
    cells = page.eval_on_selector_all(
        "#submit-result tbody tr", "rows => rows.map(r => [...r.cells].map(c => c.innerText))"
    )
    assert [(row[0], row[2].split("\n")[-1].split(" ")[0]) for row in cells] == [
        ("2", "negative-share"),
        ("3", "unknown-option"),
        ("4", "wrong-cell-count"),
    ]
    assert page.get_attribute("[data-problems]", "data-problems") == "3"
    assert page.locator("#submit-result td b").count() == 0


def test_dry_run_submit_appears_and_is_withdrawn(page, board, good: Path) -> None:
    before = row_names(board)
    drop(page, board, good)
    check(page)
    page.wait_for_selector("#submit-result h1:has-text('My model')")
    assert "Nothing was stored" in page.inner_text("#submit-result")
    assert page.locator("#submit-result svg.oa-map").count() == 1
    assert row_names(board) == before

    page.click("#submit")
    page.wait_for_selector("#submit-receipt .oa-notice", timeout=PATIENCE)
    assert "the licence is not accepted" in page.inner_text("#submit-receipt")

    page.fill("#form-name input, #form-name textarea", "Heron of the test")
    page.fill("#form-contact input", "somebody@example.org")
    page.check("#form-licence input")
    page.click("#submit")
    page.wait_for_selector("[data-receipt]", timeout=PATIENCE)
    number = page.get_attribute("[data-receipt]", "data-receipt")
    code = page.inner_text("#withdrawal-code")
    assert sorted(row_names(board)) == sorted([*before, "Heron of the test"])
    assert "somebody@example.org" not in json.dumps(get_json(board + "board.json"))

    page.goto(board)
    page.wait_for_selector("#board a:has-text('Heron of the test')")
    page.goto(f"{board}receipt/{number}")
    page.wait_for_selector("#receipt h1:has-text('Heron of the test')")
    assert "It is on the board" in page.inner_text("#receipt")
    page.click("#receipt-withdraw button.label-wrap")
    page.fill("#receipt-code input", "wrong")
    page.click("#withdraw")
    page.wait_for_selector("#receipt-answer :text('belongs to another account')")
    page.fill("#receipt-code input", code)
    page.fill("#receipt-why input, #receipt-why textarea", "a mistake")
    page.click("#withdraw")
    page.wait_for_selector("#receipt .oa-badge:has-text('withdrawn')")
    assert "a mistake" in page.inner_text("#receipt")
    assert row_names(board) == before


def test_the_pages_on_a_phone_and_in_the_dark(page, board, bad: Path) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    drop(page, board, bad, theme="dark")
    check(page)
    assert not sideways(page)
    for box in ("form-facts", "form-metadata"):
        page.click(f"#{box} button.label-wrap")
    assert not sideways(page)
    ink, back = page.evaluate(
        """() => { const cell = document.querySelector('#submit-result td');
                   const box = document.querySelector('#submit-result .oa-scroll');
                   const style = window.getComputedStyle;
                   return [style(cell).color, style(box).backgroundColor]; }"""
    )
    assert min(channels(ink)) > 180 > 60 > max(channels(back))
    page.goto(board + "receipt?id=sub-nothing&__theme=dark")
    page.wait_for_selector("#receipt :text('there is no submission')")
    assert not sideways(page)


def test_axe_finds_nothing_serious(page, board, bad: Path) -> None:
    drop(page, board, bad)
    check(page)
    assert axe_findings(page, context={"include": [[".oa"]]}) == {}


# For programs


def test_endpoint_dry_run(client, bad: Path, good: Path) -> None:
    from gradio_client import handle_file

    def ask(path: Path, stated: dict[str, Any]) -> Any:
        return client.predict(
            file=handle_file(str(path)), sidecar=None, stated=stated, api_name="/dry_run"
        )

    found = ask(bad, {})
    assert (found["ok"], found["problem_count"], found["report"]) == (False, 3, None)
    assert [one["row"] for one in found["problems"]] == [2, 3, 4]
    found = ask(good, {"family": "heron"})
    assert found["ok"]
    assert found["report"]["predictions"]["meta"]["family"] == "heron"
    assert "cells" not in found["report"]


def test_endpoints_submit_status_withdraw(client, board, good: Path) -> None:
    from gradio_client import handle_file

    before = row_names(board)
    asked = {"file": handle_file(str(good)), "sidecar": None, "contact": ""}
    refused = client.predict(
        **asked, stated={"colour": "red"}, accepts_licence=False, api_name="/submit"
    )
    assert {one["code"] for one in refused["problems"]} == {"unknown-field", "licence"}
    sent = client.predict(
        **asked, stated={"name": "By program"}, accepts_licence=True, api_name="/submit"
    )
    assert (sent["ok"], sent["state"]) == (True, "public")
    assert "By program" in row_names(board)
    status = client.predict(submission=sent["id"], api_name="/status")
    assert (status["state"], status["class"]) == ("public", "uploaded")
    wrong = client.predict(submission=sent["id"], code="x", why="", api_name="/withdraw")
    assert wrong["problems"][0]["code"] == "not-owner"
    gone = client.predict(submission=sent["id"], code=sent["code"], why="", api_name="/withdraw")
    assert gone["state"] == "withdrawn"
    assert row_names(board) == before
    nobody = client.predict(submission="../../etc/passwd", api_name="/status")
    assert nobody["ok"] is False


@pytest.mark.parametrize(
    "file",
    [
        {"path": __file__, "meta": {"_type": "gradio.FileData"}},
        {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
        {"path": "/etc/passwd"},
        {"url": "file:///etc/passwd", "path": "", "meta": {"_type": "gradio.FileData"}},
        "/etc/passwd",
    ],
)
def test_files_of_the_server_cannot_be_named(board, file: Any) -> None:
    """Plain HTTP, for gradio_client would upload the file itself."""
    body = json.dumps({"data": [file, None, {}]}).encode()
    request = urllib.request.Request(
        board + "gradio_api/call/dry_run", body, {"Content-Type": "application/json"}
    )
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            event = json.loads(answer.read())["event_id"]
        with urllib.request.urlopen(
            f"{board}gradio_api/call/dry_run/{event}", timeout=60
        ) as answer:
            said = answer.read().decode()
    except urllib.error.HTTPError as error:
        said = f"event: error {error.code}"
    assert "event: error" in said
    assert "root:" not in said


def test_templates_download_and_can_be_read(board, tmp_path: Path) -> None:
    with urllib.request.urlopen(board + "download/template/rating.parquet", timeout=30) as answer:
        path = tmp_path / "rating.parquet"
        path.write_bytes(answer.read())
        assert "template-rating.parquet" in answer.headers["content-disposition"]
    assert read_predictions(path).kind == "rating"
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(board + "download/template/rating.exe", timeout=30)


def test_what_is_too_large_is_cut_off_by_the_server(board, tmp_path: Path) -> None:
    """The framework counts bytes as they come, so that nobody fills the disk."""
    boundary = "oa-boundary"
    head = (
        f'--{boundary}\r\nContent-Disposition: form-data; name="files"; filename="a.csv"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    ).encode()
    body = head + b"x" * (65 << 20) + f"\r\n--{boundary}--\r\n".encode()
    request = urllib.request.Request(
        board + "gradio_api/upload",
        body,
        {"Content-Type": f"multipart/form-data; boundary={boundary}"},
    )
    with pytest.raises((urllib.error.HTTPError, urllib.error.URLError), match=r"413|reset|pipe"):
        urllib.request.urlopen(request, timeout=120)
