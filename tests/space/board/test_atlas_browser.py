"""The pages in a real browser, on the board of the first day: what readers see and do."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from space.board.seed import seed_store
from space.board.store import open_store
from space.published.answers import published_answer_rows, write_published_predictions
from space.server.static_site import export_board
from tests.support.browser import inside, opened

pytestmark = pytest.mark.browser

SIZES = ((1440, 900), (390, 844))
GPT = "published-gpt-4-none-en"
SHOWN_FIRST = "published-deepseek-r1-none-en"


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    """The store that an empty one becomes."""
    store = open_store(tmp_path_factory.mktemp("atlas") / "store", create=True)
    seed_store(store, source="reference")
    store.ensure_index(force=True)
    return store.root


@pytest.fixture(scope="module")
def board(root, board_starting, tmp_path_factory) -> Iterator[str]:
    """Address of a running board over it."""
    with board_starting(root, tmp_path_factory.mktemp("log") / "log.txt") as address:
        yield address


@pytest.fixture
def page(chromium) -> Iterator[Any]:
    """A page on a wide screen, whose scripts must not break."""
    yield from opened(chromium, timeout=30_000, viewport={"width": 1440, "height": 900})


@pytest.fixture
def phone(chromium) -> Iterator[Any]:
    """A page on a phone, which has no pointer."""
    yield from opened(
        chromium,
        timeout=30_000,
        viewport={"width": 390, "height": 844},
        has_touch=True,
        is_mobile=True,
    )


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_the_first_view_of_the_app_names_a_model_its_country_and_an_interval(
    page, board, size
) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(board)
    row = f'#home .oa-chart-row[data-row="{SHOWN_FIRST}"]'
    page.wait_for_selector(f"{row} .oa-near")
    assert page.inner_text(f"{row} .oa-chart-name > a") == "DeepSeek R1"
    assert inside(page, f"{row} .oa-chart-name > a")
    assert inside(page, f"{row} .oa-near a[href='country?country=USA']")
    assert re.fullmatch(r"0\.\d{3} to 0\.\d{3}", page.inner_text(f"{row} .oa-span"))
    assert inside(page, f"{row} .oa-span")


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_a_models_page_begins_with_its_sentence(page, board, size) -> None:
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.goto(f"{board}model?row={GPT}")
    page.wait_for_selector("#model .oa-lead")
    said = page.inner_text("#model .oa-lead")
    assert said.startswith("GPT-4 is closest to the United States, ")
    assert "95 % interval" in said
    assert inside(page, "#model .oa-lead")
    assert inside(page, "#model svg.oa-map")
    assert page.locator("#model .oa-tile").count() == 4
    assert page.locator("#model .oa-dense .oa-hollow").count() == 57


def test_back_undoes_sort_and_search(page, board) -> None:
    page.goto(board)
    page.wait_for_selector("#board tr[data-row]")
    page.wait_for_load_state("networkidle")
    rows = page.locator("#board tr[data-row]").count()
    page.click("#board button[data-sort='name']")
    page.wait_for_function("location.search === '?sort=name'")
    page.fill("#search input, #search textarea", "GPT-4")
    page.wait_for_function("location.search.includes('q=GPT-4')")
    page.wait_for_function("document.querySelectorAll('#board tr[data-row]').length === 6")
    page.go_back()
    page.wait_for_function(f"document.querySelectorAll('#board tr[data-row]').length === {rows}")
    assert page.input_value("#search input, #search textarea") == ""
    assert page.url.endswith("?sort=name")
    page.go_back()
    page.wait_for_selector("#board th[aria-sort='descending'] button[data-sort='alignment']")
    assert page.url == board
    page.go_forward()
    page.wait_for_selector("#board th[aria-sort='ascending'] button[data-sort='name']")


def test_back_undoes_a_choice_of_country(page, board) -> None:
    page.goto(f"{board}country?country=JPN")
    page.wait_for_selector("#country-head h1:has-text('Japan')")
    page.wait_for_load_state("networkidle")
    box = page.locator("#country-one input")
    box.click()
    box.fill("Egypt")
    box.press("Enter")
    page.wait_for_selector("#country-head h1:has-text('Egypt')")
    page.go_back()
    page.wait_for_selector("#country-head h1:has-text('Japan')")


def test_a_tap_on_the_map_says_and_a_second_one_leads(phone, board) -> None:
    phone.goto(board)
    phone.wait_for_load_state("networkidle")
    mark = phone.locator("#home .oa-mark-country >> visible=true").first
    tip = mark.get_attribute("data-tip")
    mark.locator("circle").tap(force=True)
    said = phone.locator("#home .oa-tip >> visible=true").first
    assert said.inner_text() == tip
    assert phone.url == board
    mark.locator("circle").tap(force=True)
    phone.wait_for_url("**/country?country=*")
    phone.wait_for_selector(f"#country-head h1:has-text('{tip}')")


def test_countries_on_maps_are_links(page, board) -> None:
    page.goto(f"{board}question?question=Q164")
    page.click("#question label:has-text('Map')")
    href = page.locator("#question svg.oa-map a").first.get_attribute("href")
    assert re.fullmatch(r"country\?country=[A-Z]{3}", href)


def test_everybodys_answers_are_sorted_by_any_of_them(page, board) -> None:
    page.goto(f"{board}question?question=Q164")
    page.wait_for_selector("#question .oa-stack-row")
    page.select_option("#question select[data-sorts]", "9")
    shares = page.eval_on_selector_all(
        "#question .oa-stack-row", "all => all.map(r => Number(r.dataset.shares.split(' ')[9]))"
    )
    assert shares == sorted(shares, reverse=True)
    page.select_option("#question select[data-sorts]", "")
    assert "All countries" in page.locator("#question .oa-stack-row").first.inner_text()


def test_a_frame_shows_figures_alone(page, board) -> None:
    page.goto(f"{board}?embed=1")
    page.wait_for_selector("#home .oa-chart-row")
    page.wait_for_load_state("networkidle")
    for hidden in ("#board", "#search", "#board-after", "nav"):
        assert page.locator(f"{hidden} >> visible=true").count() == 0, hidden
    with page.context.expect_page() as fresh:
        page.locator("#home .oa-chart-name a >> visible=true").first.click()
    assert "/model?row=" in fresh.value.url


def test_a_facet_with_one_value_is_hidden(page, board) -> None:
    page.goto(board)
    page.wait_for_load_state("networkidle")
    page.click("#facets button.label-wrap")
    page.wait_for_selector("#facet-steering")
    assert page.locator("#facet-wave >> visible=true").count() == 0  # wave 7 alone


def test_a_checked_file_stands_on_map_and_chart_and_nothing_is_stored(
    page, board, root, tmp_path
) -> None:
    row = next(one for one in published_answer_rows() if one.row_id == GPT)
    path = tmp_path / "mine.jsonl"
    write_published_predictions(row, path)
    lines = path.read_text(encoding="utf-8").splitlines()
    header = json.loads(lines[0]) | {"name": "My own model", "model": "me/mine"}
    path.write_text("\n".join([json.dumps(header), *lines[1:]]) + "\n", encoding="utf-8")
    wrong = tmp_path / "mine.txt"
    wrong.write_text("no", encoding="utf-8")
    before = sorted((root / "reports").iterdir())

    page.goto(f"{board}submit")
    page.wait_for_load_state("networkidle")
    page.set_input_files("#upload input[type=file]", wrong)
    page.wait_for_selector("#submit-result >> text=its name ends in .txt")
    page.locator(
        "#upload button[aria-label*='lear'], #upload button[aria-label*='emove']"
    ).first.click()
    # The box takes the next file only once the first one is gone from page and server.
    page.wait_for_selector("#submit-result >> text=its name ends in .txt", state="detached")
    page.wait_for_selector("#upload >> text=mine.txt", state="detached")
    page.wait_for_load_state("networkidle")
    page.wait_for_selector("#upload input[type=file]", state="attached")
    page.set_input_files("#upload input[type=file]", path)
    page.wait_for_selector("#upload >> text=mine.jsonl")
    page.click("#check")
    own = "#own .oa-chart-row.oa-mine"
    page.wait_for_selector(own, timeout=120_000)
    assert "My own model" in page.inner_text(own)
    assert page.locator("#own .oa-mark-mine >> visible=true").count() == 1
    assert page.locator("#own .oa-chart-row").count() == 8
    assert "not on the cultural map" in page.inner_text("#own").lower()
    with page.expect_download() as waiting:
        page.click("#submit-report")
    report = json.loads(Path(waiting.value.path()).read_text(encoding="utf-8"))
    assert report["predictions"]["meta"]["name"] == "My own model"
    assert sorted((root / "reports").iterdir()) == before


def test_the_static_site_shows_the_same_figures(page, board, root, people, tmp_path) -> None:
    site = tmp_path / "site"
    export_board(open_store(root), site, people=people)
    for app, file, selector in (
        (f"model?row={GPT}", f"rows/{GPT}.html", ".oa-dense .oa-chart-row"),
        ("country?country=JPN", "countries/JPN.html", ".oa-difference .oa-stack-row"),
        ("question?question=Q164", "questions/Q164.html", ".oa-stack-row"),
        ("", "index.html", ".oa-home-chart .oa-chart-row"),
    ):
        shown = []
        for address in (board + app, (site / file).as_uri()):
            page.goto(address)
            page.wait_for_selector(f"{selector} >> visible=true")
            page.wait_for_load_state("networkidle")
            shown.append(page.eval_on_selector_all(selector, "all => all.map(r => r.textContent)"))
        assert shown[0] == shown[1], app
        assert len(shown[0]) > 6
    page.goto((site / "index.html").as_uri())
    page.click("#board button[data-sort='name']")
    page.wait_for_selector("#board th[aria-sort='ascending'] button[data-sort='name']")
    page.go_back()
    page.wait_for_selector("#board th[aria-sort='descending'] button[data-sort='alignment']")


@pytest.mark.parametrize("width", [1100, 390])
def test_nothing_is_cut(page, board, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    for path in ("", f"model?row={GPT}", "country?country=JPN&other=EGY", "question?question=Q164",
                 "compare", "about", "submit", "run"):  # fmt: skip
        page.goto(board + path)
        page.wait_for_selector(".oa-html .oa h1, .oa-html .oa h2")
        page.wait_for_load_state("networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path
        cut = page.evaluate(
            """() => [...document.querySelectorAll(
                '.oa-chart-row > *, .oa-stack-row > *, .oa-tile')]
              .filter(one => one.offsetParent !== null || one.ownerSVGElement)
              .filter(one => one.getBoundingClientRect().right > window.innerWidth + 1)
              .map(one => one.textContent)"""
        )
        assert cut == [], path
