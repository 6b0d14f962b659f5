"""What `alignment` asks by default, and what its scores rest on."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from codebook.questions import CULTURAL_MAP, question_set
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import Report, write_report
from contracts.specs import protocol_spec
from elicitation.study.options import StudyOptions
from elicitation.study.resolve import make_study
from opinion_atlas import run_study
from scoring.engine import score
from scoring.maps.model import Mark
from scoring.maps.rows import row_of_predictions
from space.board.figures.maps import row_maps
from space.board.figures.trial import try_report
from space.board.placing import place_answers
from space.board.rows import comparison_key
from space.board.store import open_store
from space.runs.choice import RunChoice, sampled_questions


def test_alignment_asks_the_questions_of_the_cultural_map_too() -> None:
    study = make_study(StudyOptions(), open_release("reference"), chat=True, remote=True)
    scored = question_set("alignment")
    assert study.questions[: len(scored)] == scored
    assert set(study.questions) == {*scored, *CULTURAL_MAP}
    assert len(study.questions) == 152  # eight of the fourteen are none of the 144


def test_a_sample_of_the_run_page_is_drawn_from_the_scored_questions() -> None:
    whole = sampled_questions(RunChoice(model="a/b"))
    drawn = sampled_questions(RunChoice(model="a/b", sample=140))
    assert set(CULTURAL_MAP) <= set(whole)
    assert set(drawn) <= set(question_set(protocol_spec("alignment").scored_on))


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> dict[str, tuple[Report, Path]]:
    """A model asked by default, and asked the scored questions alone: reports and predictions."""
    found = {}
    asked = {"default": (), "scored": ("alignment",)}
    for name, questions in asked.items():
        out: Path = tmp_path_factory.mktemp(name)
        run_study("mock:steady", out, questions=questions, steer=["none"], reask=False)
        (file,) = (out / "predictions").glob("*.jsonl")
        release = open_release("reference")
        found[name] = score(read_predictions(file), release, replicates=100, cells=True), file
    return found


def test_scores_and_group_stay_those_of_the_scored_questions(runs) -> None:
    first, second = runs["default"][0], runs["scored"][0]
    for one in (first, second):
        assert one.settings.questions == "alignment"
        assert {cell.question_id for cell in one.cells} <= set(question_set("alignment"))
    assert first.score("alignment").value.estimate == second.score("alignment").value.estimate
    keys = {comparison_key(one, row_class="uploaded") for one in (first, second)}
    assert len(keys) == 1


def test_a_board_places_whoever_was_asked_on_the_cultural_map(runs, tmp_path) -> None:
    store = open_store(tmp_path / "store", create=True)
    for name, (report, file) in runs.items():
        write_report(report, store.reports_folder / f"{name}.json")
        shutil.copyfile(file, store.predictions_folder / f"{name}.jsonl")
    store.ensure_index(force=True)
    marks, missing = {}, {}
    for name in runs:
        maps = {one.map: one for one in row_maps(store, name).maps}
        marks[name] = [mark.name for mark in maps["cultural_map"].marks if mark.kind == "model"]
        missing[name] = [
            one.reason for one in maps["cultural_map"].not_placed if one.kind == "model"
        ]
    assert marks == {"default": ["default"], "scored": []}
    assert missing["default"] == []
    assert "Q254" in missing["scored"][0]
    with store.connect() as db:
        placed = db.execute(
            "SELECT x, y FROM places WHERE row_id = 'default' AND map = 'cultural_map'"
        ).fetchone()
    report, file = runs["default"]
    whole = place_answers(row_of_predictions(read_predictions(file)))["cultural_map"]
    assert isinstance(whole, Mark)
    assert tuple(placed) == pytest.approx((whole.x, whole.y), abs=1e-6)
    trial = try_report(store, report, predictions=file)
    assert "cultural_map" not in trial.why_not
    assert "cultural_map" in try_report(store, report).why_not
