"""Day one: an empty store starts with published answers of real models, scored by this project."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from scoring.engine import score
from scoring.studies.steering import ALL_COUNTRIES, steering_study
from space.board.figures.conditions import read_conditions
from space.board.figures.home import read_charts
from space.board.page import read_board
from space.board.query import BoardQuery
from space.board.seed import seed_store
from space.board.store import Store, open_store
from space.pages.model import opening_row
from space.published.answers import folder, published_answer_rows, published_records
from space.published.measured import measured_rows
from space.published.store import published_maps
from space.render.closest import closest_html
from space.render.home import home_html
from space.render.model import model_html
from space.server.static_links import static_links


@pytest.fixture(scope="module")
def day_one(tmp_path_factory) -> Store:
    """A store that was empty."""
    store = open_store(tmp_path_factory.mktemp("day") / "store", create=True)
    seed_store(store, source="reference")
    store.ensure_index(force=True)
    return store


def test_seven_models_under_six_conditions_and_nobody_made_up(day_one) -> None:
    page = read_board(day_one, BoardQuery(facets={"kind": ("model",), "class": ("published",)}))
    assert page.total == 42
    assert page.synthetic == 0
    assert {row["class"] for row in page.rows} == {"published"}
    assert len({row["model"] for row in page.rows}) == 7
    charts = read_charts(day_one)
    assert [chart.condition for chart in charts] == [
        "Unsteered",
        "Persona",
        "Few-shot",
        "Own language",
        "Persona, own language",
        "Few-shot, own language",
    ]
    assert [(chart.countries, chart.size) for chart in charts] == [(57, 7)] + [(9, 7)] * 5
    # A study of nine countries is ranked among its own, and is no partial study.
    for chart in charts:
        assert [bar.rank for bar in chart.bars] == [1, 2, 3, 4, 5, 6, 7]
        assert {bar.ranked for bar in chart.bars} == {7}


def test_the_model_page_opens_with_the_first_rank(day_one) -> None:
    (first, *_) = (bar.row_id for bar in read_charts(day_one)[0].bars)
    assert opening_row(day_one) == first == "published-deepseek-r1-none-en"


def test_groups_of_one_condition_have_titles_of_their_own(day_one) -> None:
    page = closest_html(day_one, kind="country", name="DEU", title="Germany")
    titles = re.findall(r"<label [^>]*>([^<]+)</label>", page)
    assert {"Unsteered, verbalized", "Unsteered, option likelihood"} <= set(titles)
    assert len(titles) == len(set(titles))


def test_a_small_model_was_measured_here(day_one) -> None:
    rows = ["smollm2-135m-none-en", "smollm2-135m-persona-en"]
    page = read_board(day_one, BoardQuery(facets={"kind": ("model",), "class": ("verified",)}))
    assert sorted(row["row_id"] for row in page.rows) == list(measured_rows()) == rows
    assert {row["name"] for row in page.rows} == {"SmolLM2 135M"}
    assert {row["method"] for row in page.rows} == {"option_likelihood"}
    for row in rows:
        meta = read_predictions(day_one.predictions_path(row)).meta
        # Which weights, in which form, by what, and when.
        assert meta.model == "HuggingFaceTB/SmolLM2-135M-Instruct"
        assert "sha256 b179c9523d0e" in meta.revision
        assert meta.extra["backend"]["revision"].startswith("folder-")
        assert meta.extra["measured"]["date"] == "2026-11-28"
        assert meta.extra["answers"]["statuses"].keys() == {"ok"}


def test_the_published_numbers_come_out(day_one) -> None:
    first = read_charts(day_one)[0]
    assert first.bars[0].name == "DeepSeek R1"
    assert all(0.81 < bar.estimate < 0.87 for bar in first.bars)
    assert [line.name for line in first.lines] == ["uniform", "world average", "human ceiling"]
    assert first.lines[0].estimate < first.bars[-1].estimate < first.lines[1].estimate


def test_home_names_each_model_its_countries_and_its_interval(day_one) -> None:
    shown = home_html(day_one)
    for name in ("GPT-4", "DeepSeek R1", "Aya 23"):
        assert f">{name}</a>" in shown
    assert 'href="country?country=USA"' in shown
    # Eight models on the plane and one on the cultural map, drawn wide and narrow.
    assert shown.count('class="oa-mark-model"') == 18
    assert "SmolLM2 135M</a> (unsteered, option likelihood) 0.729" in shown
    assert len(shown) < 300_000
    exported = static_links(shown, pages={"rows": ["published-gpt-4-none-en"]})
    assert "country?country" not in exported
    assert 'href="rows/published-gpt-4-none-en.html"' in exported
    assert "rows/published-aya-23-35b-none-en.html" not in exported  # which has no file


def test_home_says_who_is_closest_and_whether_the_lead_is_real(day_one) -> None:
    shown = " ".join(re.sub("<[^>]+>", "", home_html(day_one)).split())
    assert "DeepSeek R1 answers most like people, closest to the United States" in shown
    assert "Its lead may be chance: its rank lies between 1 and 2." in shown
    assert "None of the 7 models comes as close to a country as the average of all other" in shown
    first = read_charts(day_one)[0]
    assert (first.bars[0].rank_low, first.bars[0].rank_high) == (1, 2)
    # Every word of the chart has its meaning below it.
    for word in ("Rank: ", "Worth N people: ", "Uniform: ", "World average: ", "Human ceiling: "):
        assert word in shown
    for word in ("Unsteered: no country", "Persona: the model", "Own language: asked in"):
        assert word in shown
    assert "Africa Asia Europe North America Oceania South America model" in re.sub(
        r"\s+", " ", re.sub("<[^>]+>", " ", home_html(day_one))
    )


def test_a_row_alone_in_its_way_of_asking_says_why_it_has_no_rank(day_one) -> None:
    page = model_html(day_one, "smollm2-135m-none-en")
    assert "Not ranked: no other model was asked in the same way" in page
    assert "Not ranked" not in model_html(day_one, "published-gpt-4-none-en")


def test_the_model_page_says_what_the_steering_report_says(day_one) -> None:
    rows = [row for row in published_answer_rows() if row.model == "gpt-4"]
    study = steering_study([day_one.report(row.row_id) for row in rows], permutations=9)
    names = {
        "none": "Unsteered, in English",
        "persona": "Persona, in English",
        "few-shot": "Few-shot, in English",
        "none+language": "Unsteered, in the country's language",
        "persona+language": "Persona, in the country's language",
        "few-shot+language": "Few-shot, in the country's language",
    }
    found = {one.label: one for one in read_conditions(day_one, rows[0].row_id)}
    reported = [row for row in study.rows if row.country == ALL_COUNTRIES]
    assert len(reported) == len(found) == 6
    for row in reported:
        one = found[names[row.condition]]
        assert one.alignment == pytest.approx(row.alignment, abs=1e-6)
        if row.condition != "none":
            assert one.difference == pytest.approx(row.difference, abs=1e-6)
            assert one.low < one.difference < one.high


def test_predictions_are_written_when_somebody_needs_them(day_one) -> None:
    row = published_answer_rows()[0]
    path = day_one.predictions_path(row.row_id)
    assert path is not None
    assert read_predictions(path).meta.name == "Aya 23"
    for record in published_records(row):
        assert math.isclose(sum(record["shares"].values()), 1.0, abs_tol=1e-9)
        assert record["country"] == ""


@pytest.mark.parametrize("row", ["published-gpt-4-persona-en", "smollm2-135m-none-en"])
def test_what_is_shipped_is_what_is_scored(day_one, tmp_path, row) -> None:
    predictions = read_predictions(day_one.predictions_path(row))
    again = score(predictions, open_release("reference"), wave=7, cells=True)
    shipped = day_one.report(row)
    hint = "run python -m tools.published_store"
    assert again.scorer_version == shipped.scorer_version, hint
    assert again.release.digest == shipped.release.digest, hint
    for one in again.scores:
        value = shipped.score(one.name).value
        for end in ("estimate", "low", "high"):
            expected = getattr(one.value, end)
            if expected is not None:
                expected = pytest.approx(expected, abs=1e-8)
            assert getattr(value, end) == expected, f"{one.name}: {hint}"
    # Cells are made when someone looks, and are the scorer's.
    scored = {
        (cell.country, cell.question_id): cell for cell in again.cells if cell.alignment is not None
    }
    assert len(shipped.cells) == len(scored) > 1000
    for cell in shipped.cells:
        other = scored[cell.country, cell.question_id]
        assert cell.alignment == pytest.approx(other.alignment, abs=1e-6)
        assert cell.model == pytest.approx(other.model, abs=1e-6)
        assert cell.people == pytest.approx(other.people, abs=1e-6)


def test_the_store_is_small_and_quick() -> None:
    size = sum(path.stat().st_size for path in Path(folder()).rglob("*") if path.is_file())
    assert size < 4_000_000
    picture = next(one for one in published_maps().maps if one.map == "opinion_plane")
    assert sum(mark.kind == "model" for mark in picture.marks) == 42
    assert sum(mark.kind == "country" for mark in picture.marks) == 57
