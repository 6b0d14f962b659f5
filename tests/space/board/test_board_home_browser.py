"""Home in a real browser: what the first view says, on a screen and on a phone."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from space.board.seed import seed_store
from space.board.store import open_store
from space.server.static_site import export_board
from tests.support.browser import inside, opened

pytestmark = pytest.mark.browser

SIZES = ((1440, 900), (390, 844))


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """The store that an empty one becomes."""
    store = open_store(tmp_path_factory.mktemp("home") / "store", create=True)
    seed_store(store, source="reference")
    store.ensure_index(force=True)
    return store.root


@pytest.fixture(scope="module")
def site(root, tmp_path_factory) -> str:
    """Address of the exported site's first page."""
    folder = tmp_path_factory.mktemp("site") / "board"
    export_board(open_store(root), folder)
    return (folder / "index.html").as_uri()


@pytest.fixture(params=SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def page(chromium, request) -> Iterator[Any]:
    """A page of one of the two sizes, whose scripts must not break."""
    width, height = request.param
    yield from opened(chromium, viewport={"width": width, "height": height})


def test_the_first_view_names_a_model_its_country_and_an_interval(page, site) -> None:
    page.goto(site)
    assert inside(page, "h1.oa-question")
    row = '.oa-chart-row[data-row="published-deepseek-r1-none-en"]'
    assert page.inner_text(f"{row} .oa-chart-name > a") == "DeepSeek R1"
    assert inside(page, f"{row} .oa-chart-name > a")
    assert inside(page, f"{row} .oa-near")
    assert inside(page, f"{row} .oa-span")
    assert inside(page, ".oa-plane svg")
    assert page.evaluate("document.documentElement.scrollWidth") <= page.viewport_size["width"]


def test_tabs_show_one_condition_at_a_time_and_follow_the_keyboard(page, site) -> None:
    page.goto(site)
    shown = "#oa-condition-{}:checked + label + .oa-panel .oa-chart"
    assert page.is_visible(shown.format(0))
    page.click('label[for="oa-condition-1"]')
    assert page.is_visible(shown.format(1))
    assert page.locator(".oa-home-chart .oa-chart >> visible=true").count() == 1
    page.focus("#oa-condition-1")
    page.keyboard.press("ArrowRight")
    assert page.is_visible(shown.format(2))


def test_a_mark_says_what_it_is_when_focused(page, site) -> None:
    page.goto(site)
    mark = page.locator(".oa-mark-model >> visible=true").first
    mark.focus()
    said = page.locator(".oa-tip >> visible=true").first.inner_text()
    assert said == mark.get_attribute("data-tip")
    assert "outside" in said


def test_the_table_below_has_a_heading_per_condition(page, site) -> None:
    page.goto(site)
    assert (
        page.locator("#board tr.oa-group").count() == 9
    )  # six conditions, two of the measured model, reference lines
    page.fill("#search", "GPT-4")
    page.wait_for_function("document.querySelectorAll('#board tr[data-row]').length === 6")
    assert page.locator("#board tr.oa-group").count() == 6
