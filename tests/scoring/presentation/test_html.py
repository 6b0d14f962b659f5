"""The page of a report: places worked out by hand, nothing unescaped, nothing fetched."""

from __future__ import annotations

import html
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

import codebook
from contracts.models import Notice
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import (
    CountryEntry,
    Coverage,
    Interval,
    PredictionsRef,
    ProtocolResult,
    ReleaseRef,
    Report,
    Score,
    Settings,
)
from contracts.report_tables.advice import AdviceCorrelation
from contracts.report_tables.alignment import CountryMatrix, WaveRow, WaveTable
from contracts.report_tables.curves import ThresholdCurve
from scoring import score
from scoring.baselines.distributions import write_baselines
from scoring.presentation.html import page_text, write_page
from scoring.presentation.html.axes import (
    COLOUR_CLASSES,
    Axis,
    ColourScale,
    colour_scale,
    make_axis,
)
from scoring.presentation.html.charts import (
    matrix_figure,
    scatter_figure,
    threshold_figure,
    wave_figure,
)
from scoring.presentation.html.extra_tables import extra_tables
from scoring.presentation.html.figures import advice_figure, country_figure, map_figure
from scoring.presentation.html.tiles import grid_size, tiles
from scoring.presentation.score_texts import group_title, plain_name

EVIL = "<script>alert('x')</script>\"&amp;"


def make_report(**changes: object) -> Report:
    """A small report with hostile names, built by hand."""
    meta = PredictionsMeta(model=EVIL, notes=EVIL, baseline=True, revision=EVIL)
    fields: dict[str, object] = {
        "scorer_version": "1.0",
        "release": ReleaseRef(
            name=EVIL, version="1", digest="r", waves=[6, 7], synthetic=True, public=True
        ),
        "predictions": PredictionsRef(
            name=EVIL,
            digest="p",
            kind="distribution",
            rows=2,
            meta=meta,
            tolerated={"missing_options": 3},
        ),
        "settings": Settings(),
        "coverage": Coverage(expected=4, scored=3, missing=1, share=0.75),
        "scores": [
            Score(name="alignment", value=Interval(estimate=0.8, low=0.7, high=0.9), coverage=0.75),
            Score(name=EVIL, value=Interval(estimate=None)),
        ],
        "countries": [
            country("ARG", 0.9, rank=(1, 2), average=0.8, verdict="over"),
            country("BRA", 0.7, rank=(1, 2), average=0.8, verdict="under"),
            country("CHL", None),
        ],
        "warnings": [Notice(code="x", message=EVIL, count=2)],
        "protocols": [
            ProtocolResult(protocol="advice", applies=False, reason=EVIL),
            ProtocolResult(
                protocol="judgments",
                applies=True,
                tables={"rows": [{"name": EVIL, "p": 0.25}], "note": EVIL},
            ),
        ],
    }
    return Report(**(fields | changes))  # type: ignore[arg-type]


def country(
    code: str,
    estimate: float | None,
    *,
    rank: tuple[int, int] | None = None,
    average: float | None = None,
    verdict: str | None = None,
) -> CountryEntry:
    around = {} if estimate is None else {"low": estimate - 0.05, "high": estimate + 0.05}
    return CountryEntry(
        country=code,
        alignment=Interval(estimate=estimate, **around),
        questions=2,
        coverage=1.0,
        rank_low=rank[0] if rank else None,
        rank_high=rank[1] if rank else None,
        average_human=average,
        verdict=verdict,  # type: ignore[arg-type]
    )


class Page(HTMLParser):
    """Tags, attributes and text of a page; unclosed tags are noted."""

    VOID = frozenset({"meta", "path", "rect", "line", "circle"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [v or "" for k, v in attrs if k in ("href", "src", "xlink:href", "srcset")]
        if tag not in self.VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open, tag
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)


@pytest.fixture(scope="module")
def real_report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    release = open_release("reference")
    folder = tmp_path_factory.mktemp("html")
    (entry,) = write_baselines(release, folder, names=("world-average",))
    assert entry.path is not None
    return score(read_predictions(entry.path), release, replicates=40)


# The page as a whole


def test_names_are_escaped_wherever_they_stand() -> None:
    text = page_text(make_report())
    assert "<script" not in text
    assert html.escape(EVIL, quote=True) in text.replace("&#34;", "&quot;").replace(
        "&#39;", "&#x27;"
    )
    assert Page(text).tags.count("script") == 0


def test_page_asks_for_nothing(real_report: Report) -> None:
    text = page_text(real_report)
    page = Page(text)
    assert page.links == []
    assert set(page.tags).isdisjoint({"script", "link", "img", "iframe", "object"})
    assert "default-src 'none'" in text
    assert "url(" not in text
    assert "@import" not in text
    assert re.findall(r"https?://", text) == []


def test_page_says_everything_that_the_report_holds(real_report: Report) -> None:
    words = " ".join(Page(page_text(real_report)).words)
    for title in (
        "Where it is close",
        "Countries, closest first",
        "Over and under",
        "How many questions are close",
        "Over time",
        "Continents",
        "Subjects",
        "How alike countries are",
        "What these scores do not mean",
    ):
        assert title in words
    assert "A baseline, not a model" in words
    assert real_report.release.digest in words
    assert real_report.predictions.digest in words
    assert codebook.questions()["Q1"].title in words
    for entry in real_report.countries:
        assert codebook.countries()[entry.country].name in words
    assert "SYNTHETIC" not in words


def test_synthetic_people_are_called_so() -> None:
    assert "SYNTHETIC." in page_text(make_report())


def test_page_without_countries_leaves_their_parts_out() -> None:
    words = " ".join(Page(page_text(make_report(countries=[]))).words)
    assert "Where it is close" not in words
    assert "Over and under" not in words
    assert "What these scores do not mean" in words


def test_written_in_one_step(tmp_path: Path) -> None:
    report = make_report()
    write_page(report, tmp_path / "page.html")
    assert (tmp_path / "page.html").read_text(encoding="utf-8") == page_text(report)
    assert [p.name for p in tmp_path.iterdir()] == ["page.html"]


# Axes and colours


def test_axis_places_numbers_by_hand() -> None:
    axis = make_axis([0.83, 0.97], start=100, end=300, limits=(0, 1))
    # Steps of at least 0.14 / 5 = 0.028: 0.05 is the next of 1, 2, 5 times a power of ten.
    assert axis.ticks == (0.8, 0.85, 0.9, 0.95, 1.0)
    assert (axis.place(0.8), axis.place(0.9), axis.place(1.0)) == (100, 200, 300)
    assert axis.place(2.0) == 300
    assert [axis.label(t) for t in axis.ticks] == ["0.80", "0.85", "0.90", "0.95", "1.00"]


@pytest.mark.parametrize("numbers", [[], [0.5], [0.5, 0.5], [None, float("nan")], [0.0], [1.0]])
def test_axis_of_few_numbers_has_two_ticks_at_least(numbers: list[float | None]) -> None:
    axis = make_axis(numbers, start=0, end=10, limits=(0, 1))
    assert len(axis.ticks) >= 2
    assert 0 <= axis.low < axis.high <= 1


def test_axis_of_negative_numbers_labels_zero_without_sign() -> None:
    axis = make_axis([-0.1, 0.3], start=0, end=10)
    assert "0.0" in [axis.label(t) for t in axis.ticks]
    assert axis.low <= -0.1


def test_colours_are_equal_bins() -> None:
    scale = ColourScale(0.0, 0.7)
    assert [scale.name(x) for x in (0.0, 0.09, 0.11, 0.65, 0.7)] == ["c0", "c0", "c1", "c6", "c6"]
    assert scale.name(None) == "none"
    assert len(scale.legend) == COLOUR_CLASSES
    assert colour_scale([0.5, None, 0.5]).name(0.5) == "c3"


# Figures


def test_every_country_of_the_codebook_has_a_tile_of_its_own() -> None:
    assert set(tiles()) == set(codebook.countries())
    assert len(set(tiles().values())) == len(tiles())
    columns, rows = grid_size()
    assert all(0 <= t.column < columns and 0 <= t.row < rows for t in tiles().values())


def test_tiles_lie_roughly_where_countries_do() -> None:
    place = tiles()
    assert place["CAN"].row < place["USA"].row < place["MEX"].row < place["ARG"].row
    assert place["USA"].column < place["DEU"].column < place["CHN"].column < place["JPN"].column
    assert place["EGY"].row < place["KEN"].row < place["ZAF"].row


def test_map_names_scores_and_leaves_the_rest_grey() -> None:
    figure = map_figure(make_report())
    assert figure is not None
    squares = {square["country"]: square for square in figure.squares}
    assert squares["ARG"]["colour"] == "c6"
    assert squares["BRA"]["colour"] == "c0"
    assert squares["CHL"]["colour"] == squares["USA"]["colour"] == "none"
    assert squares["ARG"]["label"] == "Argentina: 0.900 [0.850, 0.950]"
    assert squares["CHL"]["label"] == "Chile: not scored"


def test_countries_are_ranked_and_those_without_a_score_left_out() -> None:
    figure = country_figure(make_report())
    assert figure is not None
    assert [row.label for row in figure.wide.rows] == ["Argentina", "Brazil"]
    first = figure.wide.rows[0]
    assert (first.note, first.symbol) == ("1–2", "over")
    assert first.low is not None
    assert first.at is not None
    assert first.high is not None
    assert first.low < first.at < first.high
    assert first.reference == figure.wide.rows[1].reference
    assert [(r.label, r.note, r.text) for r in figure.narrow.rows] == [
        (r.label, r.note, r.text) for r in figure.wide.rows
    ]


def test_scatter_puts_over_above_and_under_below_the_line() -> None:
    figure = scatter_figure(make_report())
    assert figure is not None
    marks = {mark["name"]: mark for mark in figure.marks}
    # On the line a mark at the average human's x would have this y.
    on_line = figure.y.place(0.8)
    assert marks["ARG"]["x"] == marks["BRA"]["x"] == figure.x.place(0.8)
    assert marks["ARG"]["y"] < on_line < marks["BRA"]["y"]


def test_threshold_curve_rises_to_the_right() -> None:
    curve = ThresholdCurve(threshold=[0.0, 0.5, 1.0], share=[0.0, 0.25, 1.0])
    figure = threshold_figure({"": curve})
    assert figure is not None
    places = [(p["x"], p["y"]) for p in figure.curves[0].points]
    assert places == [(52, 250), (276, 191), (500, 14)]
    empty = ThresholdCurve(threshold=[0.0], share=[None])
    assert threshold_figure({"": empty}) is None
    assert threshold_figure({}) is None
    several = threshold_figure({"model": curve, "uniform": curve})
    assert several is not None
    assert [(c.name, c.style) for c in several.curves] == [
        ("Model", "first"),
        ("Uniform", "second"),
    ]


def test_advice_by_dimension_keeps_the_sign() -> None:
    def row(dimension: str, estimate: float) -> AdviceCorrelation:
        aligned = Interval(estimate=estimate, low=estimate - 0.1, high=estimate + 0.1)
        return AdviceCorrelation(
            dimension=dimension, approach="persona", aligned=aligned, countries=36
        )

    figure = advice_figure([row("mas", 0.5), row("power_distance", -0.5)])
    assert figure is not None
    one, two = figure.wide.rows
    assert (one.label, two.label) == ("MAS, persona", "Power distance, persona")
    zero = figure.wide.axis.place(0.0)
    assert one.reference == two.reference == zero
    assert two.at is not None
    assert one.at is not None
    assert two.at < zero < one.at
    assert advice_figure([]) is None


def test_waves_need_two() -> None:
    def row(wave: int) -> WaveRow:
        return WaveRow(
            wave=wave,
            countries_kind="every-wave",
            alignment=Interval(estimate=0.8, low=0.7, high=0.9),
            countries=["ARG"],
            questions=3,
        )

    assert wave_figure(None) is None
    assert wave_figure(WaveTable(rows=[row(7)])) is None
    figure = wave_figure(WaveTable(rows=[row(6), row(7)]))
    assert figure is not None
    assert [figure.x.label(t) for t in figure.x.ticks] == ["6", "7"]
    assert figure.curves[0].points[0]["label"].startswith("wave 6: 0.800 [0.700, 0.900], 1 ")


def test_matrix_is_sorted_by_continent_and_leaves_the_diagonal_out() -> None:
    names = ["USA", "DEU", "KEN"]
    rows: list[list[float | None]] = [[1, 0.5, 0.6], [0.5, 1, 0.9], [0.6, 0.9, 1]]
    figure = matrix_figure(CountryMatrix(countries=names, alignment=rows))
    assert figure is not None
    assert [n["name"] for n in figure.names] == ["KEN", "DEU", "USA"]  # Africa, Europe, N. America
    assert sum(path.count("M") for _, path in figure.paths) == 6
    # The two darkest squares are Kenya and Germany, in the first two rows.
    darkest = dict(figure.paths)["c6"]
    assert darkest.startswith(f"M{30 + 11} 30h10")


def test_tables_of_rows_are_shown_and_drawn_ones_are_not(real_report: Report) -> None:
    titles = [table.title for table in extra_tables(real_report)]
    assert "Alignment: consistency" in titles
    assert not any("question scores" in title for title in titles)
    (table,) = extra_tables(make_report())
    assert table.columns == ["Name", "P"]
    assert table.rows == [[EVIL, "0.250"]]


def test_names_of_groups_and_scores_in_words() -> None:
    assert group_title("continent=Asia;sex=female") == "Asia, female"
    assert group_title("Europe") == "Europe"
    assert plain_name("mean_score") == "Mean score"


def test_advice_page_speaks_of_dilemmas_not_of_question_sets(real_report: Report) -> None:
    ref = real_report.predictions.model_copy(update={"kind": "advice"})
    words = " ".join(Page(page_text(real_report.model_copy(update={"predictions": ref}))).words)
    assert "dilemmas" in words
    assert "on the question set" not in words


def test_axis_is_what_it_says() -> None:
    assert Axis(0, 1, 0, 10, (0.0, 0.5, 1.0)).digits == 1


@pytest.mark.browser
def test_page_opens_offline_wide_narrow_and_dark(tmp_path: Path, real_report: Report) -> None:
    from playwright.sync_api import sync_playwright

    write_page(real_report, tmp_path / "page.html")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium",
            args=["--no-sandbox", "--disable-background-networking"],
        )
        for width, scheme in ((1200, "light"), (390, "light"), (1200, "dark")):
            context = browser.new_context(
                viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True
            )
            page = context.new_page()
            said: list[str] = []
            page.on("console", lambda message, said=said: said.append(message.text))
            page.goto((tmp_path / "page.html").as_uri())
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            assert page.locator("svg rect").count() == len(tiles())
            assert page.locator(".on-narrow").first.is_visible() is (width < 560)
            assert page.locator(".on-wide").first.is_visible() is (width > 560)
            back = page.evaluate("getComputedStyle(document.body).backgroundColor")
            assert (back == "rgb(20, 24, 27)") is (scheme == "dark")
            assert said == []
            context.close()
        browser.close()
