"""The visitor's page in a real browser: the result, and that nothing leaves the page."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from contracts.release.read import open_release
from space.board.figures.you import closeness, read_you
from space.board.seed import seed_store
from space.board.store import open_store
from space.board.survey_answers import People
from space.server.static_site import export_board
from tests.support.browser import axe_findings, inside, opened, wait_until_quiet

pytestmark = pytest.mark.browser

#: Positions that the tests answer with: the first option, then the last, and so on.
ANSWERS = [0, 1] * 10


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """The store that an empty one becomes."""
    made = open_store(tmp_path_factory.mktemp("you") / "store", create=True)
    seed_store(made, source="reference")
    made.ensure_index(force=True)
    return made


@pytest.fixture(scope="module")
def you(store):
    """What a visitor is compared with."""
    return read_you(store, People(open_release("reference")))


@pytest.fixture(scope="module")
def board(store, board_starting, tmp_path_factory) -> Iterator[str]:
    """Address of a running board."""
    with board_starting(store.root, tmp_path_factory.mktemp("log") / "log.txt") as address:
        yield address


@pytest.fixture
def page(chromium) -> Iterator[Any]:
    """A page on a wide screen, whose scripts must not break."""
    yield from opened(chromium, timeout=30_000, viewport={"width": 1440, "height": 900})


def answer(page: Any, number: int) -> None:
    """Answer the first questions."""
    page.wait_for_selector(".oa-you fieldset")
    wait_until_quiet(page)
    for at in range(number):
        page.locator(f"input[name='oa-you-{at}']").nth(ANSWERS[at]).check()


def closest(you, number: int) -> tuple[str, float]:
    """The closest country by hand."""
    found = {}
    for side in you.countries:
        scores = [
            closeness(ANSWERS[at], shares, ordinal=you.items[at].ordinal)
            for at, shares in enumerate(side.shares[:number])
            if shares is not None
        ]
        if len(scores) >= 0.9 * number:
            found[side.name] = sum(scores) / len(scores)
    return max(found.items(), key=lambda one: one[1])


def test_the_result_is_computed_in_the_page_and_goes_nowhere(page, board, you) -> None:
    page.goto(f"{board}you")
    answer(page, 9)
    assert "9 so far" in page.inner_text("[data-you-waiting]")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.method} {request.url}"))
    address = page.url
    cookies = page.context.cookies()
    answer(page, 20)
    name, score = closest(you, 20)
    first = ".oa-you-result .oa-chart-row >> nth=0"
    page.wait_for_selector(first)
    assert page.inner_text(f"{first} >> .oa-chart-name") == name
    assert page.inner_text(f"{first} >> .oa-chart-score b") == f"{score:.2f}"
    assert f"you answer most like people in {name}." in page.inner_text(".oa-you-result .oa-lead")
    models = page.locator(".oa-you-result .oa-chart[aria-label='Models'] .oa-chart-row")
    assert models.count() == len(you.models)
    assert sent == [] or all("heartbeat" in one for one in sent)
    assert page.url == address
    assert page.context.cookies() == cookies
    kept = page.evaluate("JSON.stringify([Object.keys(localStorage), Object.keys(sessionStorage)])")
    assert "you" not in kept
    assert axe_findings(page, context={"include": [["#you"]]}) == {}
    page.click(".oa-you-clear")
    page.wait_for_selector("[data-you-waiting]")
    assert page.locator(".oa-you input:checked").count() == 0


def test_the_first_view_on_a_phone_says_that_nothing_is_stored(page, board) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{board}you")
    page.wait_for_selector(".oa-you fieldset")
    assert inside(page, ".oa-you .oa-notice")
    assert inside(page, ".oa-you legend")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_static_page_compares_as_well(page, store, you, tmp_path) -> None:
    site = tmp_path / "site"
    people = People(open_release("reference"))
    export_board(store, site, people=people)
    page.goto((site / "you.html").as_uri())
    answer(page, 20)
    first = ".oa-you-result .oa-chart-row >> nth=0"
    assert page.inner_text(f"{first} >> .oa-chart-name") == closest(you, 20)[0]
    page.click(f"{first} >> a")
    page.wait_for_selector("h1")
    assert page.inner_text("h1") == closest(you, 20)[0]


@pytest.mark.parametrize(
    ("path", "boxes"),
    [
        ("country?country=JPN", "#country-one"),
        ("model", "#model-row"),
        ("question", "#question-id"),
    ],
)
def test_a_page_that_waits_shows_a_spinner_and_no_empty_boxes(page, board, path, boxes) -> None:
    held: list[Any] = []
    released: list[bool] = []

    def hold(route: Any) -> None:
        if released:
            route.continue_()
        else:
            held.append(route)

    page.route("**/gradio_api/run/**", hold)
    page.goto(f"{board}{path}")
    page.wait_for_selector(".oa-wait")
    page.wait_for_function("() => document.querySelectorAll('.oa-wait').length === 1")
    assert page.locator(f"{boxes} >> visible=true").count() == 0
    released.append(True)
    for route in held:
        route.continue_()
    page.wait_for_selector(f"{boxes} >> visible=true")
    assert page.locator(".oa-wait").count() == 0
    assert page.input_value(f"{boxes} input") != ""
