"""The place that a run would take, and its way onto the board."""

from __future__ import annotations

import dataclasses
import json

import numpy as np
import pytest
from runs_house import ANNA, BERT, HOME_VISITOR, KEY, PUBLIC_QUICK, house, hub_choice, wait_for

from codebook import question_set
from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from contracts.report import read_report, write_report
from elicitation.backends.mock import MockBackend
from scoring.engine import score
from space.board.seed import add_predictions
from space.runs.keys import Key
from space.runs.place import TRIAL, board_place
from space.runs.submit import report_path, row_class_of, submit_run
from space.submissions import Details

DETAILS = Details(name="Steady", accepts_licence=True, facts={"family": "mock"})


@pytest.fixture(scope="module")
def finished(reference, tmp_path_factory):
    """A run of all questions, unsteered, over a board with two other models."""
    root = tmp_path_factory.mktemp("place")
    runs = house(root, reference, rules=PUBLIC_QUICK, opener=lambda *_: MockBackend("steady"))
    run_id = runs.start(hub_choice(sample=0), Key(KEY), ANNA).id
    record = wait_for(runs, run_id, "finished", seconds=120)
    path = report_path(runs, record, record.results[0])
    predictions = path.parents[1] / "calls" / "predictions" / record.results[0].predictions
    for name, better in (("better", True), ("worse", False)):
        other = root / f"{name}.jsonl"
        other.write_text(nudged(predictions.read_text(), better=better, name=name))
        add_predictions(runs.store, other, release=reference, row_class="verified")
    runs.store.ensure_index(force=True)
    yield runs, record, path
    runs.close()


def nudged(text: str, *, better: bool, name: str) -> str:
    """Predictions whose shares are levelled out by half (made-up ones come closer to people's so),
    or put onto the answer that they give least."""
    lines = []
    for line in text.splitlines():
        record = json.loads(line)
        if "question_id" not in record:
            record["name"] = name
        else:
            codes, own = list(record["shares"]), np.array(list(record["shares"].values()))
            level, least = np.full(len(codes), 1 / len(codes)), np.eye(len(codes))[own.argmin()]
            new = (own + level) / 2 if better else least
            record["shares"] = dict(zip(codes, new.tolist(), strict=True))
        lines.append(json.dumps(record))
    return "\n".join(lines) + "\n"


def alignment_of(path) -> float:
    """The score of a report."""
    return next(s.value.estimate for s in read_report(path).scores if s.name == "alignment")


def test_the_place_is_the_rank_that_the_board_gives(finished, tmp_path):
    runs, record, path = finished
    assert row_class_of(record) == "verified"
    place = board_place(runs.store, path, row_class="verified")
    rest = runs.store.reports_folder
    order = {
        "better": alignment_of(rest / "better.json"),
        TRIAL: alignment_of(path),
        "worse": alignment_of(rest / "worse.json"),
    }
    assert order["better"] > order[TRIAL] > order["worse"]
    assert place.text.startswith("2")
    assert place.text.endswith(" of 3")
    assert [one.row_id for one in place.neighbours] == ["better", TRIAL, "worse"]
    # All three answered the same cells: the means are the scores.
    for one in place.neighbours:
        assert one.estimate == pytest.approx(order[one.row_id], abs=2e-6)
    assert [one.rank.rank for one in place.neighbours] == [1, 2, 3]
    assert place.countries == 57


def test_a_row_of_another_class_is_no_equal(finished):
    runs, _, path = finished
    place = board_place(runs.store, path, row_class="uploaded")
    assert place.text == "1 of 1"
    assert place.compared == 2


def test_the_board_is_left_as_it_was(finished):
    runs, _, path = finished
    before = runs.store.ensure_index().read_bytes()
    board_place(runs.store, path, row_class="verified")
    assert runs.store.ensure_index().read_bytes() == before


def test_a_sample_takes_no_rank_and_is_compared_on_its_own_cells(finished, reference, tmp_path):
    runs, record, path = finished
    source = path.parents[1] / "calls" / "predictions" / record.results[0].predictions
    head, *lines = source.read_text().splitlines()
    ranked = set(question_set("alignment"))
    sample = [line for line in lines if json.loads(line)["question_id"] in ranked][:20]
    part = tmp_path / "part.jsonl"
    part.write_text("\n".join([head, *sample]) + "\n")
    report = score(read_predictions(part), reference, wave=7, cells=True)
    write_report(report, tmp_path / "part.json")
    place = board_place(runs.store, tmp_path / "part.json", row_class="verified")
    assert place.text == ""
    assert "of the question set was answered" in place.why_not
    assert place.questions == 20
    assert {one.row_id for one in place.neighbours} == {"better", TRIAL, "worse"}
    # By hand: the mean over countries of the mean over the twenty questions.
    cells = {}
    for cell in report.cells:
        if cell.group == "" and cell.alignment is not None:
            cells.setdefault(cell.country, []).append(cell.alignment)
    expected = np.mean([np.mean(found) for found in cells.values()])
    mine = next(one for one in place.neighbours if one.row_id == TRIAL)
    assert mine.estimate == pytest.approx(expected, abs=1e-6)


def test_a_finished_run_is_submitted_once_by_its_owner(finished):
    runs, record, _ = finished
    with pytest.raises(ContractError, match="no such run of yours"):
        submit_run(runs, record.id, "none_en", DETAILS, BERT)
    with pytest.raises(ContractError, match="no report of this condition"):
        submit_run(runs, record.id, "persona_en", DETAILS, ANNA)
    with pytest.raises(ContractError, match="licence"):
        submit_run(
            runs, record.id, "none_en", dataclasses.replace(DETAILS, accepts_licence=False), ANNA
        )
    receipt = submit_run(runs, record.id, "none_en", DETAILS, ANNA)
    # The first submission of an account waits for a maintainer.
    assert (receipt.state, receipt.duplicate) == ("pending", False)
    kept = runs.submissions.status(receipt.id)
    assert (kept.row_class, kept.account, kept.name) == ("verified", "anna", "Steady")
    assert runs.book.read(record.id).results[0].submission == receipt.id
    assert submit_run(runs, record.id, "none_en", DETAILS, ANNA).duplicate


def test_the_class_says_who_answered(finished):
    _, record, _ = finished
    assert row_class_of(record.model_copy(update={"whole": False})) == "uploaded"
    server = record.choice.model_copy(update={"where": "server", "base_url": "http://x/v1"})
    assert row_class_of(record.model_copy(update={"choice": server})) == "uploaded"


def test_a_run_that_has_not_finished_is_not_submitted(reference, tmp_path):
    runs = house(tmp_path, reference, opener=lambda *_: MockBackend("steady"))
    record = runs.book.create(hub_choice(), account="", holder="x")
    runs.book.change(record.id, {"state": "stopped"})
    with pytest.raises(ContractError, match="only a run that has finished"):
        submit_run(runs, record.id, "none_en", DETAILS, HOME_VISITOR)
    runs.close()
