"""The page Run a model in a real browser, against a real server that answers as a model."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from openai_server import MODEL, Dialect, serving
from public_space import SPACE, login_cookie
from runs_house import KEY

from tests.support.browser import opened

pytestmark = pytest.mark.browser

SUPPORT = Path(__file__).parents[2] / "support"
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def store_root(sample_root: Path, tmp_path: Path) -> Path:
    """A store of sample reports that may be changed."""
    return Path(shutil.copytree(sample_root, tmp_path / "store"))


@pytest.fixture
def page(chromium) -> Iterator[Any]:
    """A page that fails the test if a script of ours breaks."""
    yield from opened(chromium, timeout=120_000, viewport={"width": 1400, "height": 900})


def fill_in(page, url: str, **numbers: int) -> None:
    """Choose the test's server."""
    page.wait_for_selector("#run-mine h2")
    page.click("#run-where label:has-text('OpenAI')")
    page.fill("#run-url input, #run-url textarea", url)
    page.fill("#run-model input, #run-model textarea", MODEL)
    page.fill("#run-key input", KEY)
    for name, number in numbers.items():
        page.fill(f"#run-{name} input", str(number))
        page.keyboard.press("Tab")


def count_and_start(page, calls: int) -> None:
    """See the number of calls, and start."""
    page.wait_for_selector("#run-start:disabled")
    page.click("#run-estimate")
    page.wait_for_selector(f"[data-calls='{calls}']")
    page.click("#run-start:enabled")


def done(page) -> int:
    """Calls that are done, as the page says."""
    return int(page.get_attribute("#run-done", "data-done"))


def wait_until_done(page, least: int) -> None:
    """Wait until the page says that so many calls are done."""
    page.wait_for_function(
        "least => Number(document.querySelector('#run-done')?.dataset.done) >= least", arg=least
    )


def test_a_run_is_started_stopped_restarted_resumed_read_and_submitted(
    page, store_root, board_starter, tmp_path
) -> None:
    port, start_board = board_starter
    address = f"http://127.0.0.1:{port}/"
    log = tmp_path / "log.txt"
    with serving(Dialect(delay=2.0, key=KEY)) as model:
        server = start_board(store_root, log, port=port)
        try:
            page.goto(f"{address}run")
            fill_in(page, model.url, sample=100)
            count_and_start(page, 100)
            page.wait_for_selector("#run-running")
            assert page.input_value("#run-key input") == ""
            run_id = re.search(r"id=(run-\w{12})", page.url)[1]
            wait_until_done(page, 8)
            page.wait_for_selector("#run-partial")
            assert "calls a second" in page.inner_text("#run-view")

            page.click("#run-stop")
            page.wait_for_selector("#run-stopped")
            assert "stopped by you" in page.inner_text("#run-view")
            before = done(page)
            page.fill("#run-key input", KEY)
            page.click("#run-resume")
            page.wait_for_selector("#run-running")
            wait_until_done(page, before + 4)

            server.kill()  # in the middle
            server.wait(20)
            server = start_board(store_root, log, port=port)
            page.goto(f"{address}run?id={run_id}")
            page.wait_for_selector("#run-stopped", timeout=90_000)
            assert "the server was restarted" in page.inner_text("#run-view")
            model.dialect.delay = 0.0
            page.fill("#run-key input", KEY)
            page.click("#run-resume")
            page.wait_for_selector("#run-finished")
            wait_until_done(page, 100)
            bodies = [json.dumps(body["messages"]) for body in model.asked]
            # What was under way at the kill was lost, and only that.
            assert 100 <= len(bodies) <= 100 + 8
            assert len(set(bodies)) == 100

            page.wait_for_selector("#run-place")
            assert page.is_visible("#run-ranked")
            assert "without a rank" in page.inner_text("#run-report")
            assert page.locator("#run-mine tbody tr").count() == 1
            with page.expect_download() as download:
                page.click("#run-files")
            assert download.value.suggested_filename == f"{run_id}.zip"
            submit(page)
            receipt = page.inner_text("#run-receipt")
            assert "on the board" in receipt
            assert a_row(address, "Tiny of the browser")["class"] == "uploaded"
            search_for_the_key(page, store_root.parent, address, run_id)
        finally:
            server.terminate()
            server.wait(20)


def submit(page) -> None:
    """Fill in the form and submit."""
    page.click("#run-submit-form button.label-wrap")
    page.fill("#run-name input, #run-name textarea", "Tiny of the browser")
    page.click("#run-submit")
    page.wait_for_selector("#run-receipt >> text=licence")
    page.check("#run-licence input")
    page.click("#run-submit")
    page.wait_for_selector("#run-receipt >> text=on the board")


def a_row(address: str, name: str) -> dict[str, Any]:
    """A row of the board by its name, as soon as it is there."""
    for _ in range(60):
        with urllib.request.urlopen(f"{address}board.json", timeout=20) as answer:
            rows = json.loads(answer.read())["rows"]
        found = [row for row in rows if row["name"] == name]
        if found:
            return found[0]
        time.sleep(1)
    raise AssertionError(f"{name} is not on the board")


def search_for_the_key(page, root: Path, address: str, run_id: str) -> None:
    """The key is in no file, no page, no answer."""
    for path in root.rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes(), path
    for name in ("run", f"run?id={run_id}", "endpoints", ""):
        page.goto(address + name)
        page.wait_for_selector("h1")
        page.wait_for_timeout(1500)  # what comes by events of loading
        assert KEY not in page.content()
    for name in ("config", "gradio_api/info", "board.json", "healthz"):
        with urllib.request.urlopen(address + name, timeout=20) as answer:
            assert KEY.encode() not in answer.read()


def test_the_page_fits_a_phone_and_the_dark(chromium, store_root, board_starter, tmp_path) -> None:
    port, start_board = board_starter
    server = start_board(store_root, tmp_path / "log.txt", port=port)
    try:
        for scheme in ("light", "dark"):
            context = chromium.new_context(viewport=PHONE, color_scheme=scheme)
            page = context.new_page()
            page.set_default_timeout(120_000)
            with serving() as model:
                page.goto(f"http://127.0.0.1:{port}/run")
                fill_in(page, model.url, sample=5)
                count_and_start(page, 5)
                page.wait_for_selector("#run-ranked")
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], scheme
            context.close()
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture
def space_server(store_root, board_starter, tmp_path) -> Iterator[tuple[str, Any, Path]]:
    """A public server; its models are answered by a local one."""
    port, _ = board_starter
    log = tmp_path / "log.txt"
    with serving(Dialect(delay=0.2, key=KEY)) as model, log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, str(SUPPORT / "public_space.py"), str(store_root), model.url,
             str(port)],
            stdout=out, stderr=subprocess.STDOUT, env={**os.environ, **SPACE},
        )  # fmt: skip
        address = f"http://127.0.0.1:{port}/"
        for _ in range(240):
            if process.poll() is not None:
                raise RuntimeError(log.read_text()[-3000:])
            try:
                urllib.request.urlopen(f"{address}healthz", timeout=2).close()
                break
            except OSError:
                time.sleep(0.5)
        yield address, model, log
        process.terminate()
        process.wait(20)


def test_on_a_space_a_run_takes_the_visitors_login(
    page, chromium, space_server, store_root
) -> None:
    address, model, log = space_server
    page.goto(f"{address}run")
    page.wait_for_selector("#run-mine h2")
    # No address of a server, and no box for a key.
    assert not page.is_visible("#run-url")
    assert not page.is_visible("#run-key")
    choose_hosted(page)
    count_and_start(page, 6)
    page.wait_for_selector("#run-message >> text=needs a login")

    page.context.add_cookies(
        [{"name": "session", "value": login_cookie("anna", KEY), "url": address}]
    )
    page.goto(f"{address}run")
    page.wait_for_selector("#run-mine h2")
    choose_hosted(page)
    count_and_start(page, 6)
    page.wait_for_selector("#run-place")
    assert "verified" in page.inner_text("#run-report")
    sent = {call["headers"].get("authorization") for call in model.seen}
    assert sent == {f"Bearer {KEY}"}
    own = page.url

    stranger = chromium.new_context()
    other = stranger.new_page()
    other.goto(own)
    other.wait_for_selector("text=no such run of yours")
    stranger.close()
    assert KEY not in log.read_text()
    run_id = re.search(r"id=(run-\w{12})", own)[1]
    search_for_the_key(page, store_root.parent, address, run_id)


def choose_hosted(page) -> None:
    """Choose a hosted model and six questions."""
    page.fill("#run-model input, #run-model textarea", "org/tiny")
    page.fill("#run-sample input", "6")
    page.keyboard.press("Tab")
