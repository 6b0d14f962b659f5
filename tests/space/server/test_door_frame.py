"""The board in another site's frame, as a Space is in its page on huggingface.co."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from public_space import SPACE

pytestmark = pytest.mark.browser

#: Nobody listens there: the login itself is Hugging Face's.
NOWHERE = "http://127.0.0.1:9"


@pytest.fixture(scope="module")
def board(sample_root: Path, board_starting: Callable[..., Any], tmp_path_factory) -> Iterator[str]:
    """Address of a board that believes it is a Space."""
    root = tmp_path_factory.mktemp("framed")
    shutil.copytree(sample_root, root / "store")
    with pytest.MonkeyPatch.context() as patch:
        for name, text in {**SPACE, "OPENID_PROVIDER_URL": NOWHERE}.items():
            patch.setenv(name, text)
        with board_starting(root / "store", root / "log.txt") as address:
            yield address


@pytest.fixture(scope="module")
def outer(board: str) -> Iterator[str]:
    """A page of another site that frames the board's Question and Submit pages."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            inside = f"{board}{self.path.strip('/')}"
            self.wfile.write(f'<iframe src="{inside}" width="1300" height="900"></iframe>'.encode())

        def log_message(self, *_: object) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    # To a browser localhost is another site than 127.0.0.1.
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(chromium) -> Iterator[Any]:
    """A page of a browser."""
    context = chromium.new_context(viewport={"width": 1400, "height": 1000})
    found = context.new_page()
    found.set_default_timeout(30_000)
    yield found
    context.close()


def test_pages_work_in_a_frame(page, outer: str) -> None:
    page.goto(f"{outer}/question")
    inside = page.frame_locator("iframe")
    inside.locator("#question h1").wait_for()
    before = inside.locator("#question h1").inner_text()
    box = inside.locator("#question-id input")
    box.click()
    box.fill("Q46")
    box.press("Enter")
    inside.locator("#question h1", has_text="Q46").wait_for()
    assert before != "Q46"


def test_a_login_in_a_frame_gets_a_tab_of_its_own(page, outer: str, board: str) -> None:
    page.goto(f"{outer}/submit")
    button = page.frame_locator("iframe").locator(".oa-login")
    button.wait_for()
    with page.context.expect_page() as opened:
        button.click()
    assert opened.value.url.startswith(f"{board}login/huggingface?_target_url=%2Fsubmit")
    assert page.url == f"{outer}/submit"


def test_a_login_elsewhere_stays_in_its_tab(page, board: str) -> None:
    page.goto(f"{board}submit")
    page.locator(".oa-login").wait_for()
    assert page.locator(".oa-login").count() == 1
    with page.expect_navigation(url="**/login/huggingface?**"):
        page.locator(".oa-login").click()


def test_another_sites_page_cannot_act_for_a_visitor(page, outer: str, board: str) -> None:
    page.goto(f"{outer}/about")
    answered = page.evaluate(
        """async (address) => {
          const call = {method: 'POST', mode: 'no-cors', credentials: 'include',
                        headers: {'Content-Type': 'text/plain'}, body: '{"data": [""]}'};
          const blind = await fetch(address + 'gradio_api/run/board', call);
          let read = 'nothing';
          try { read = await (await fetch(address + 'board.json')).text(); } catch (e) {}
          return [blind.type, read];
        }""",
        board,
    )
    assert answered == ["opaque", "nothing"]
