"""The running board in a real browser: every way that a visitor takes."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

import pytest

from space.server.static_site import export_board
from tests.support.browser import axe_findings, opened

pytestmark = pytest.mark.browser

PAGES = (
    "",
    "model?row=heron-8b",
    "country?country=DEU&other=JPN",
    "question?question=Q164",
    "compare?row=heron-8b&row=ibis-large",
    "you",
    "about",
    "advice",
    "submit",
    "run",
    "endpoints",
)
PHONE = {"width": 390, "height": 844}


@pytest.fixture
def page(chromium) -> Iterator[Any]:
    """A page that fails the test if a script of ours breaks or something is fetched from afar."""
    yield from opened(chromium, viewport={"width": 1400, "height": 900})


def rows(page) -> list[str]:
    """Ids of the rows in the table, in order."""
    return page.eval_on_selector_all(
        "#board tbody tr[data-row]", "rows => rows.map(r => r.dataset.row)"
    )


def open_board(page, address: str, query: str = "") -> None:
    """Open the board and wait until its state has been restored."""
    page.goto(address + query)
    page.wait_for_selector("#board tbody tr")
    page.wait_for_selector("#row-count")


def wait_for_rows(page, expected: list[str] | set[str]) -> None:
    """Wait until the table shows these rows: in order for a list, in any order for a set."""
    page.wait_for_function(
        """([ids, ordered]) => {
          const found = [...document.querySelectorAll('#board tbody tr[data-row]')]
            .map(r => r.dataset.row);
          const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
          return ordered ? same(found, ids) : same([...found].sort(), [...ids].sort());
        }""",
        arg=[list(expected), isinstance(expected, list)],
    )


def wait_for_query(page, query: str) -> None:
    """Wait until the address bar shows this permalink; it follows the table by a moment."""
    page.wait_for_function("query => location.search.replace('?', '') === query", arg=query)


def choose(page, box: str, label: str) -> None:
    """Pick an option of a dropdown of the app by its visible text."""
    page.click(f"#{box} input")
    page.click(f"[role=option]:has-text('{label}')")
    page.keyboard.press("Escape")


def test_the_board_loads_with_every_row(page, board_server, samples) -> None:
    open_board(page, board_server)
    assert len(rows(page)) == len(samples.MODELS)
    names = page.eval_on_selector_all("#board td.oa-name a", "all => all.map(a => a.textContent)")
    assert set(names) == set(samples.MODELS)
    assert page.title() == "Opinion Atlas: whose values does a language model reflect?"
    assert "What the scores do not mean" in page.inner_text("#board-after")


def test_a_click_on_a_heading_sorts_and_a_second_one_turns(page, board_server) -> None:
    open_board(page, board_server)
    first = rows(page)
    page.click("#board button[data-sort='name']")
    page.wait_for_selector("#board th[aria-sort='ascending'] button[data-sort='name']")
    # Rows are sorted within their comparison groups, each under its heading.
    groups: list[list[str]] = []
    for text in page.eval_on_selector_all(
        "#board tr.oa-group, #board td.oa-name > a",
        "all => all.map(one => one.matches('tr') ? '' : one.textContent)",
    ):
        groups += [[]] if not text else []
        groups[-1] += [text] if text else []
    assert len(groups) > 1
    assert max(map(len, groups)) > 1
    for names in groups:
        assert names == sorted(names, key=str.lower)
    page.click("#board button[data-sort='name']")
    page.wait_for_selector("#board th[aria-sort='descending'] button[data-sort='name']")
    page.click("#board button[data-sort='alignment']")
    wait_for_rows(page, first)


def test_search_narrows_and_clears(page, board_server, samples) -> None:
    open_board(page, board_server)
    page.fill("#search input", "heron 70b")
    wait_for_rows(page, {"heron-70b", "heron-70b-persona"})
    page.locator("#search input").press("Backspace")
    wait_for_query(page, "q=heron+70")
    wait_for_rows(page, {"heron-70b", "heron-70b-persona"})
    page.locator("#search input").press("Control+A")
    page.keyboard.press("Backspace")
    page.wait_for_function(
        f"document.querySelectorAll('#board tbody tr[data-row]').length === {len(samples.MODELS)}"
    )


def test_every_facet_filters_and_moves_the_address(page, board_server) -> None:
    open_board(page, board_server)
    page.click("#facets button.label-wrap")
    choose(page, "facet-family", "heron")
    wait_for_rows(page, {"heron-70b", "heron-70b-persona", "heron-8b"})
    choose(page, "facet-steering", "persona")
    wait_for_rows(page, ["heron-70b-persona"])
    wait_for_query(page, "steering=persona&family=heron")
    page.click("#reset")
    page.wait_for_function("document.querySelectorAll('#board tbody tr[data-row]').length === 9")
    wait_for_query(page, "")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("protocol=alignment&q=ibis-small", {"ibis-small"}),
        ("method=sampling", {"sneaky"}),
        ("steering=persona", {"heron-70b-persona"}),
        ("language=de", {"ibis-large-de"}),
        ("wave=7&q=uniform", {"uniform"}),
        ("family=ibis", {"ibis-large", "ibis-large-de", "ibis-small"}),
        ("size=under+3B", {"ibis-small"}),
        ("open_weights=open&language=en&steering=none", {"heron-70b", "heron-8b"}),
        ("class=self-reported&kind=baseline", {"uniform", "world-average"}),
        ("release=reference+1.0.0&question_set=alignment&q=heron-8b", {"heron-8b"}),
    ],
)
def test_a_permalink_restores_each_facet(page, board_server, query: str, expected) -> None:
    open_board(page, board_server, "?" + query)
    wait_for_rows(page, expected)


def test_parts_become_columns_and_permalinks_restore_them(page, board_server, sample_store) -> None:
    parts = "country=DEU&continent=Asia&category=economic_values"
    open_board(page, board_server, f"?{parts}&sort=-country%3ADEU&columns=name%2Calignment")
    page.wait_for_selector("#board button[data-sort='country:DEU']")
    headings = page.eval_on_selector_all(
        "#board thead button", "all => all.map(b => b.dataset.sort)"
    )
    assert headings == [
        "name",
        "country:DEU",
        "continent:Asia",
        "category:economic_values",
        "alignment",
    ]
    report = sample_store.report(rows(page)[0])
    score = next(one.alignment.estimate for one in report.countries if one.country == "DEU")
    assert page.inner_text("#board tbody tr td:nth-child(2) b") == f"{score:.3f}"
    page.reload()
    page.wait_for_selector("#board button[data-sort='country:DEU']")
    again = page.eval_on_selector_all("#board thead button", "all => all.map(b => b.dataset.sort)")
    assert again == headings


def test_the_column_picker_adds_and_the_permalink_keeps_it(page, board_server) -> None:
    open_board(page, board_server, "?columns=name,alignment")
    page.click("#facets button.label-wrap")
    choose(page, "columns", "Warnings")
    page.wait_for_selector("#board button[data-sort='warning_count']")
    wait_for_query(page, "columns=name%2Calignment%2Cwarning_count")


def test_download_of_what_is_shown(page, board_server) -> None:
    open_board(page, board_server, "?family=ibis")
    wait_for_rows(page, {"ibis-large", "ibis-large-de", "ibis-small"})
    shown = rows(page)
    with page.expect_download() as waiting:
        page.click("#board-count a:has-text('JSON')")
    found = json.loads(Path(waiting.value.path()).read_text())
    assert [row["row_id"] for row in found["rows"]] == shown


def test_drill_down_from_a_row_to_single_answers(page, board_server, sample_store) -> None:
    open_board(page, board_server)
    page.click("#board a:has-text('ibis-small')")
    page.wait_for_selector("#model h1:has-text('ibis-small')")
    assert page.locator("#model svg.oa-map path.has").count() >= 6
    page.goto(board_server + "model?row=ibis-small&country=JPN&question=Q46")
    page.wait_for_selector("#model-answer .oa-bar")
    cell = next(
        one
        for one in sample_store.report("ibis-small").cells
        if (one.country, one.question_id) == ("JPN", "Q46")
    )
    shown = page.eval_on_selector_all(
        "#model-answer .oa-bar small", "all => all.map(s => s.textContent)"
    )
    expected = [
        f"{share:.1%}" for pair in zip(cell.people, cell.model, strict=True) for share in pair
    ]
    assert shown == expected
    choose(page, "model-question", "Q57")
    page.wait_for_function("location.search.includes('question=Q57')")
    page.wait_for_function(
        "document.querySelector('#model-answer h3').textContent.toLowerCase().includes('trust')"
    )


def test_two_countries_side_by_side(page, board_server) -> None:
    page.goto(board_server + "country?country=DEU&other=JPN&question=Q1")
    page.wait_for_selector("#country-bars .oa-bar")
    assert page.locator("#country-bars .oa-bar").count() == 8
    assert "Closest to Germany" in page.inner_text("#country-closest")
    choose(page, "country-two", "Brazil")
    page.wait_for_function("location.search.includes('other=BRA')")


def test_compare_shows_paired_tests_and_links_questions(page, board_server) -> None:
    page.goto(board_server + "compare?row=heron-8b&row=ibis-large&row=ibis-small")
    page.wait_for_selector("#compare .oa-chart-row")
    assert page.locator("#compare .oa-chart").first.locator(".oa-chart-row").count() == 3
    assert page.locator("#compare table").first.locator("tbody tr").count() == 3
    page.locator("#compare .oa-chart-row a[href^='question?']").first.click()
    page.wait_for_selector("#question h1")
    assert re.match(r"Q\d+", page.inner_text("#question h1"))


@pytest.mark.parametrize("path", PAGES)
def test_no_page_scrolls_sideways_on_a_phone(page, board_server, path: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(board_server + path)
    page.wait_for_selector(".oa-html .oa h1, .oa-html .oa h2, .oa-html .oa h3")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def luminance(colour: str) -> float:
    """Relative luminance (WCAG) of a CSS colour `rgb(r, g, b)`."""
    parts = [int(part) / 255 for part in re.findall(r"\d+", colour)[:3]]
    linear = [c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_stands_out_in_both_themes(page, board_server, theme: str) -> None:
    open_board(page, board_server, f"?__theme={theme}")
    ink, back = page.evaluate(
        """() => [getComputedStyle(document.querySelector('#board td b')).color,
                  getComputedStyle(document.querySelector('#board .oa-scroll')).backgroundColor]"""
    )
    first, second = sorted((luminance(ink), luminance(back)), reverse=True)
    assert (first + 0.05) / (second + 0.05) > 7
    assert (luminance(back) < 0.1) == (theme == "dark")


def test_numbers_are_aligned(page, board_server) -> None:
    open_board(page, board_server)
    style = page.evaluate(
        """() => { const s = getComputedStyle(document.querySelector('#board td.oa-number'));
                   return [s.textAlign, s.fontVariantNumeric]; }"""
    )
    assert style == ["right", "tabular-nums"]


def test_nothing_is_fetched_from_other_machines(page, board_server) -> None:
    hosts: set[str] = set()
    page.on("request", lambda request: hosts.add(urlparse(request.url).hostname or ""))
    for path in PAGES:
        page.goto(board_server + path)
        page.wait_for_load_state("networkidle")
    foreign = hosts - {"127.0.0.1", ""}
    assert not foreign - {"cdnjs.cloudflare.com"}, foreign  # the framework's own, for frames


@pytest.fixture(scope="module")
def site(sample_store, tmp_path_factory) -> str:
    """Address of an exported static site, as a file."""
    folder = tmp_path_factory.mktemp("site") / "board"
    export_board(sample_store, folder)
    return (folder / "index.html").as_uri()


def test_static_site_from_files(page, site: str, samples) -> None:
    page.goto(site)
    assert len(rows(page)) == len(samples.MODELS)
    page.click("summary:has-text('Family')")
    page.check("input[data-facet='family'][value='heron']")
    wait_for_rows(page, ["heron-70b", "heron-8b", "heron-70b-persona"])
    page.click("button[data-sort='name']")
    page.click("button[data-sort='name']")
    wait_for_rows(page, ["heron-8b", "heron-70b", "heron-70b-persona"])
    page.select_option("select[data-part='country']", "DEU")
    page.wait_for_selector("button[data-sort='country:DEU']")
    address = page.url
    before = rows(page)
    page.goto("about:blank")
    page.goto(address)
    wait_for_rows(page, before)
    assert page.locator("button[data-sort='country:DEU']").count() == 1
    assert page.is_checked("input[data-facet='family'][value='heron']")


def test_static_site_shows_the_same_as_the_app(page, site: str, board_server) -> None:
    def cells() -> list[list[str]]:
        return page.eval_on_selector_all(
            "#board tbody tr", "all => all.map(r => [...r.cells].map(c => c.innerText.trim()))"
        )

    open_board(page, board_server)
    from_app = cells()
    page.goto(site)
    assert cells() == from_app


def test_static_downloads(page, site: str) -> None:
    page.goto(site + "#family=ibis")
    shown = rows(page)
    with page.expect_download() as waiting:
        page.click("button[data-download='json']")
    found = json.loads(Path(waiting.value.path()).read_text())
    assert [row["row_id"] for row in found["rows"]] == shown
    with page.expect_download() as waiting:
        page.click("button[data-download='csv']")
    lines = Path(waiting.value.path()).read_text().strip().splitlines()
    assert [line.split(",")[0] for line in lines[1:]] == shown


def test_static_site_on_a_phone_and_a_rows_page(page, site: str) -> None:
    page.set_viewport_size(PHONE)
    page.goto(site)
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.click("#board a:has-text('heron-8b')")
    page.wait_for_selector("h1:has-text('heron-8b')")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    page.click("text=Back to the board")
    page.wait_for_selector("#board tbody tr")


@pytest.mark.parametrize(
    ("path", "theme"),
    [*((path, "light") for path in PAGES), *((path, "dark") for path in PAGES[:2])],
)
def test_axe_finds_nothing_serious(page, board_server, path, theme) -> None:
    """On the whole page, the framework's controls and navigation too."""
    page.goto(board_server + path + ("&" if "?" in path else "?") + f"__theme={theme}")
    page.wait_for_selector(".oa-html .oa h1, .oa-html .oa h2, .oa-html .oa h3")
    assert axe_findings(page) == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_serious_on_the_static_site(chromium, site: str, scheme: str) -> None:
    context = chromium.new_context(color_scheme=scheme)
    page = context.new_page()
    for address in (site, site.replace("index.html", "rows/heron-8b.html")):
        page.goto(address)
        page.wait_for_selector(".oa h1")
        assert axe_findings(page) == {}, address
    context.close()
