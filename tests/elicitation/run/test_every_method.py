"""Every method from end to end: a tiny chat model is asked, read, scored, and is on the board."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("torch")

from codebook import question_set
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import read_report
from elicitation.prompts.plan import Plan
from elicitation.study.methods import METHODS
from elicitation.study.options import StudyOptions
from elicitation.study.resolve import make_study
from opinion_atlas.app import main
from space.board.page import read_board
from space.board.query import BoardQuery
from space.board.store import open_store

pytestmark = [pytest.mark.models, pytest.mark.slow]

#: What is asked of whom: four questions with as many answers each, in two countries.
QUESTIONS, COUNTRIES, PEOPLE = ("Q1", "Q2", "Q3", "Q4"), ("DEU", "JPN"), 4

#: The study of each method, as options of the command.
STUDIES: dict[str, tuple[str, ...]] = {
    "verbalized": ("--steer", "persona", "--vary", "examples=1"),
    "option_likelihood": ("--protocol", "judgments", "--questions", "all"),
    "label_likelihood": ("--steer", "none", "--min-label-mass", "0"),
    "sequence": ("--steer", "persona", "--max-tokens", "50"),
    "sampling": ("--steer", "persona", "--repeats", "6"),
    "forced_choice": ("--steer", "persona"),
    "rating": ("--protocol", "worldvaluesbench", "--people", str(PEOPLE)),
}


def atlas(*tokens: object) -> None:
    """One command line, as a user types it, in this process."""
    with pytest.raises(SystemExit, match=r"^0$"):
        main([str(token) for token in tokens])


@pytest.fixture(scope="module")
def people_release(tmp_path_factory) -> Path:
    """A release of made-up persons."""
    folder = tmp_path_factory.mktemp("people")
    atlas("synthesize", "--out", folder / "s.csv", "--people", 800)
    atlas("build", folder / "s.csv", "--out", folder / "release")
    return folder / "release"


def options_of(method: str) -> StudyOptions:
    """What the model is taught to reply to."""
    if method == "rating":
        return StudyOptions(protocol="worldvaluesbench", questions=QUESTIONS, people=PEOPLE)
    return StudyOptions(
        method=method,
        steer=("persona",),
        countries=COUNTRIES,
        questions=QUESTIONS,
        vary=("examples=1",) if method == "verbalized" else ("default",),
        repeats=1,
    )


@pytest.fixture(scope="module")
def model(people_release, tmp_path_factory) -> Path:
    """A tiny chat model that replies in the form that it is asked for."""
    from taught_model import save_taught_model

    calls = []
    for method in METHODS.values():
        if method.request_kind == "generate":
            named = str(people_release) if method.name == "rating" else "reference"
            release = open_release(named)
            study = make_study(options_of(method.name), release, chat=True, remote=False)
            calls += list(Plan(study, release))
    return save_taught_model(tmp_path_factory.mktemp("model") / "taught", calls)


@pytest.fixture(scope="module")
def board(model, people_release, tmp_path_factory) -> tuple[Path, dict[str, Any]]:
    """The board's folder, and its rows by method."""
    root = tmp_path_factory.mktemp("board")
    store = root / "store"
    (store / "predictions").mkdir(parents=True)
    for method, options in STUDIES.items():
        release = people_release if method == "rating" else "reference"
        out, report = root / method, store / "reports" / f"{method}.json"
        asked = ("--questions", ",".join(QUESTIONS)) if "--questions" not in options else ()
        named = ("--countries", ",".join(COUNTRIES)) if method != "rating" else ()
        atlas("elicit", f"hf:{model}", "--method", method, "--release", release, *asked, *named,
              *options, "--out", out, "--meta", "trained_on_wvs=false")  # fmt: skip
        (written,) = (out / "predictions").iterdir()
        kept = written.rename(store / "predictions" / f"{method}.jsonl")
        atlas("score", kept, "--release", release, "--replicates", 20, "--out", report)
    atlas("board", "--store", store, "--no-seed", "--export", root / "site")
    rows = json.loads((root / "site" / "board.json").read_text())["rows"]
    # Rows on made-up people are listed where they are asked for.
    made_up = read_board(open_store(store), BoardQuery(synthetic=True)).rows
    found = {row["method"]: row for row in made_up if row["synthetic"]}
    assert not found.keys() & {row["method"] for row in rows}
    return root, {**found, **{row["method"]: row for row in rows}}


def cells_of_people(questions: set[str]) -> set[tuple[str, str]]:
    """Country and question of every distribution of the reference in wave 7."""
    columns = ["country", "question_id", "wave", "group", "n_valid"]
    table = open_release("reference").table("distributions", columns=columns)
    rows = zip(*(table.column(name).to_pylist() for name in columns), strict=True)
    return {
        (country, question)
        for country, question, wave, group, answered in rows
        if wave == 7 and not group and answered and question in questions
    }


def test_every_method_is_tried():
    assert set(STUDIES) == set(METHODS)


@pytest.mark.parametrize("method", [name for name in STUDIES if name != "rating"])
def test_the_row_has_the_coverage_that_was_answered(board, method):
    root, rows = board
    found = read_predictions(root / "store" / "predictions" / f"{method}.jsonl")
    asked = question_set("judgments" if method == "option_likelihood" else "alignment")
    people = cells_of_people(set(asked) - set(found.meta.few_shot_questions))
    rows_of = zip(
        *(found.cells.column(name).to_pylist() for name in ("country", "question_id", "status")),
        strict=True,
    )
    answered = {(c, q) for c, q, status in rows_of if status in ("ok", "repaired")}
    scored = {(c, q) for c, q in people if (c, q) in answered or ("", q) in answered}
    row = rows[method]
    assert 0 < len(scored) == row["scored"] < row["expected"] == len(people)
    # A row's coverage is that of what was asked, a score's that of everything.
    named = {name: set(found.cells.column(name).to_pylist()) for name in ("country", "question_id")}
    asked_cells = {
        (country, question)
        for country, question in people
        if named["country"] & {country, ""} and question in named["question_id"]
    }
    assert row["coverage"] == pytest.approx(len(scored) / len(asked_cells), rel=1e-8)
    score = row["scores"]["alignment"]
    assert 0 <= score["low"] <= score["estimate"] <= score["high"] <= 1
    assert score["coverage"] == pytest.approx(len(scored) / len(people), rel=1e-8)


def test_the_row_of_ratings_counts_people(board, people_release):
    root, rows = board
    row, probe = rows["rating"], open_release(people_release).table("probe")
    found = read_predictions(root / "store" / "predictions" / "rating.jsonl")
    statuses = found.meta.extra["answers"]["statuses"]
    readable = statuses.get("ok", 0) + statuses.get("repaired", 0)
    in_probe = set(QUESTIONS) & set(probe.column("question_id").to_pylist())
    assert found.meta.extra["answers"]["expected"] == PEOPLE * len(in_probe)
    assert 0 < readable == row["scored"]
    assert row["expected"] == probe.num_rows
    assert row["synthetic"]
    report = read_report(root / "store" / "reports" / "rating.json")
    assert report.score("wasserstein").value.estimate >= 0


def test_predictions_carry_their_whole_provenance(board, people_release):
    root, _ = board
    for method in STUDIES:
        found = read_predictions(root / "store" / "predictions" / f"{method}.jsonl")
        meta = found.meta
        assert meta.method == method
        assert meta.revision.startswith("folder-")
        assert (meta.chat, meta.trained_on_wvs, meta.seed) == (True, False, 0)
        assert meta.prompt_version == METHODS[method].prompt_version
        assert meta.extra["backend"]["dtype"] == "float32"
        assert meta.extra["environment"]["device"] == "cpu"
        assert {"torch", "transformers", "batch_tokens"} <= set(meta.extra["environment"])
        scored = METHODS[method].request_kind != "generate"
        assert ("scorer_used" in meta.extra["environment"]) == scored
        by = meta.extra["answers"].get("scored_by", {})
        assert sum(by.values()) == (meta.extra["answers"]["expected"] if scored else 0)
        release = people_release if method == "rating" else "reference"
        assert meta.release == open_release(release).digest
