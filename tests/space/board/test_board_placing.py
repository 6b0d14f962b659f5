"""What the index keeps of models' answers: marks on the maps, shares by question; trials."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from contracts.predictions.read import read_predictions
from contracts.report import ProtocolResult, Report
from scoring.comparison.compare import CELL_TABLE, cell_scores
from scoring.maps import opinion_plane
from scoring.maps.rows import MapRow, row_of_predictions, row_of_report
from space.board.figures.maps import board_maps, row_maps
from space.board.figures.trial import TRIAL, try_report
from space.board.placing import model_answers, place_answers
from space.board.published_cells import with_published_cells
from space.board.seed import seed_store
from space.board.store import open_store
from space.published.answers import published_answer_rows, write_published_predictions
from space.published.store import published_maps, published_plane
from space.render.trial import trial_html

GPT = "published-gpt-4-none-en"


@pytest.fixture(scope="module")
def day_one(tmp_path_factory):
    """The store that an empty one becomes."""
    store = open_store(tmp_path_factory.mktemp("placing") / "store", create=True)
    seed_store(store, source="reference")
    store.ensure_index(force=True)
    return store


@pytest.fixture(scope="module")
def own(day_one) -> Report:
    """A visitor's report: the answers of GPT-4 under another name, with cells."""
    report = with_published_cells(day_one.report(GPT), GPT)
    meta = report.predictions.meta.model_copy(update={"name": "Mine <b>", "model": "me/mine"})
    predictions = report.predictions.model_copy(update={"meta": meta, "name": "mine"})
    return report.model_copy(update={"predictions": predictions})


def answers_of(row_id: str, folder) -> MapRow:
    """A published row's answers, read from its predictions."""
    row = next(one for one in published_answer_rows() if one.row_id == row_id)
    write_published_predictions(row, folder / "answers.jsonl")
    return row_of_predictions(read_predictions(folder / "answers.jsonl"), name=row_id)


@pytest.mark.parametrize("row_id", [GPT, "published-aya-23-35b-few-shot-own"])
def test_the_stored_plane_places_as_the_fitted_one(row_id, tmp_path) -> None:
    made = published_maps().maps[0]
    mark = next(one for one in made.marks if one.name == row_id)
    placed = opinion_plane.place_model(published_plane(), answers_of(row_id, tmp_path), wave=7)
    assert (placed.x, placed.y, placed.outside) == pytest.approx(
        (mark.x, mark.y, mark.outside), abs=1e-7
    )


def test_every_published_row_is_placed_and_the_cultural_map_says_what_lacks(day_one) -> None:
    maps = {one.map: one for one in board_maps(day_one).maps}
    models = [mark for mark in maps["opinion_plane"].marks if mark.kind == "model"]
    assert len(models) == 8
    on_both = [mark.name for mark in maps["cultural_map"].marks if mark.kind == "model"]
    assert on_both == ["smollm2-135m-none-en"]  # asked the questions of the map, too
    lacking = [one for one in maps["cultural_map"].not_placed if one.kind == "model"]
    assert len(lacking) == 7
    assert all("Q254" in one.reason for one in lacking)


def test_an_uploaded_report_is_placed_when_it_is_indexed(day_one, own, tmp_path) -> None:
    root = tmp_path / "store"
    shutil.copytree(day_one.root, root)
    (root / "reports" / "mine.json").write_text(own.model_dump_json(), encoding="utf-8")
    store = open_store(root)
    store.ensure_index(force=True)
    published = next(one for one in row_maps(store, GPT).maps[0].marks if one.kind == "model")
    mine = next(one for one in row_maps(store, "mine").maps[0].marks if one.kind == "model")
    assert (mine.x, mine.y) == pytest.approx((published.x, published.y), abs=1e-6)
    with store.connect() as db:
        found = {one.row_id: one.shares for one in model_answers(db, "Q1", row_ids=["mine", GPT])}
    assert set(found) == {GPT}  # the same answers under another name are not shown twice
    (root / "reports" / "mine.json").unlink()
    store.ensure_index(force=True)
    assert row_maps(store, "mine") is None


def test_a_row_asked_in_many_languages_is_placed_by_the_mean_of_its_answers(
    day_one, tmp_path
) -> None:
    row_id = "published-gpt-4-none-own"
    report = with_published_cells(day_one.report(row_id), row_id)
    from_cells = row_of_report(report, name=row_id)
    from_file = answers_of(row_id, tmp_path)
    # The reference lacks people of one of the ten countries that the study asked.
    known = set(next(iter(from_cells.shares.values())))
    assert len(known) > 1
    kept = MapRow(
        row_id,
        {
            question: {country: one for country, one in answers.items() if country in known}
            for question, answers in from_file.shares.items()
        },
    )
    first, second = (place_answers(row)["opinion_plane"] for row in (from_cells, kept))
    assert (first.x, first.y) == pytest.approx((second.x, second.y), abs=0.02)


def test_a_trial_stands_among_the_models_of_its_condition_and_stores_nothing(day_one, own) -> None:
    before = sorted(path.name for path in day_one.root.rglob("*") if path.is_file())
    trial = try_report(day_one, own)
    names = [bar.name for bar in trial.chart.bars]
    assert len(names) == 8
    mine, gpt = (
        next(bar for bar in trial.chart.bars if bar.name == name) for name in ("Mine <b>", "GPT-4")
    )
    assert mine.row_id == TRIAL
    assert mine.estimate == pytest.approx(gpt.estimate)
    assert mine.low < mine.estimate < mine.high
    assert (mine.closest, mine.farthest) == (gpt.closest, gpt.farthest)
    assert [line.name for line in trial.chart.lines] == ["uniform", "world average"]
    estimates = [bar.estimate for bar in trial.chart.bars]
    assert estimates == sorted(estimates, reverse=True)
    marks = [mark for mark in trial.maps.maps[0].marks if mark.kind == "model"]
    assert len(marks) == 9
    shown = trial_html(day_one, own)
    assert "Mine &lt;b&gt;" in shown
    assert "<b>Mine <b>" not in shown
    assert sorted(path.name for path in day_one.root.rglob("*") if path.is_file()) == before


def test_a_trial_is_compared_on_the_cells_that_all_have(day_one, own) -> None:
    few = sorted({cell.question_id for cell in own.cells})[:40]
    cells = [cell for cell in own.cells if cell.question_id in few]
    found = cell_scores(own)
    columns = [found.questions.index(question) for question in few]
    table = {
        "countries": list(found.countries),
        "questions": few,
        "scores": found.scores[:, columns].tolist(),
    }
    scored = ProtocolResult(protocol="alignment", applies=True, tables={CELL_TABLE: table})
    part = own.model_copy(update={"cells": cells, "protocols": [scored]})
    trial = try_report(day_one, part)
    assert trial.chart.questions == 40
    mine, gpt = (
        next(bar for bar in trial.chart.bars if bar.name == name) for name in ("Mine <b>", "GPT-4")
    )
    by_country: dict[str, list[float]] = {}
    for cell in cells:
        by_country.setdefault(cell.country, []).append(cell.alignment)
    by_hand = np.mean([np.mean(scores) for scores in by_country.values()])
    assert mine.estimate == pytest.approx(by_hand, abs=1e-5)
    assert gpt.estimate == pytest.approx(by_hand, abs=1e-5)  # not its mean over 144 questions
    assert "half of them are needed" in trial.why_not["opinion_plane"]


def test_a_report_without_cells_says_why_it_is_on_no_map(day_one, own) -> None:
    bare = own.model_copy(update={"cells": []})
    assert "cannot be placed on a map" in trial_html(day_one, bare)
