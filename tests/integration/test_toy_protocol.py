"""A protocol and two scores declared here, and nowhere else, reach everything that shows scores."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import Interval, ProtocolResult, Report, Score, read_report
from contracts.schemas import schema_texts
from contracts.specs import BoardColumn, ProtocolSpec, ScoreSpec, declared
from opinion_atlas.app import main
from scoring.protocols.alignment.cells import CellInputs
from scoring.protocols.distribution_inputs import DistributionInputs
from scoring.protocols.report_part import Outcome
from space.board.page import read_board
from space.board.query import BoardQuery
from space.board.seed import add_predictions
from space.board.store import Store, open_store

QUESTIONS, COUNTRIES = ("Q1", "Q2", "Q3", "Q46"), ("DEU", "JPN")


def first_option_gap(cells: CellInputs) -> np.ndarray:
    """Absolute difference of the first option's shares."""
    return np.abs(cells.model[..., 0] - cells.people[..., 0])


def toy_outcome(inputs: DistributionInputs, rng: np.random.Generator) -> Outcome:
    """The number of scored cells of each country."""
    scored = inputs.overall.scored.sum(axis=1)
    countries = inputs.overall.survey.countries
    rows = [{"country": c, "cells": int(n)} for c, n in zip(countries, scored, strict=True) if n]
    score = Score(name="toy_cells", value=Interval(estimate=float(scored.sum())))
    return Outcome(
        ProtocolResult(protocol="toy", applies=True, scores=[score], tables={"cell_counts": rows})
    )


def toy_detail_html(tables: dict) -> str:
    """What the board shows of it."""
    return f"<h2>Toy: {len(tables['cell_counts'])} countries</h2>"


TOY = ProtocolSpec(
    name="toy",
    kind="distribution",
    method="forced_choice",
    steering=("persona",),
    asked=("judgments",),
    scored_on="all",
    about="counts the cells that were answered.",
    scorer=f"{__name__}:toy_outcome",
    detail=f"{__name__}:toy_detail_html",
    web_methods=("forced_choice",),
)
GAP = ScoreSpec(
    "toy_gap",
    "Gap of the first option",
    "Absolute difference of the first option's shares; 0 is identical.",
    higher_is_better=False,
    low=0.0,
    high=1.0,
    cells=f"{__name__}:first_option_gap",
    screen="gap of the first option",
)
CELLS = ScoreSpec(
    "toy_cells",
    "Cells answered",
    "How many cells were scored.",
    low=0.0,
    column=BoardColumn("toy_count"),
)


def atlas(*tokens: object) -> None:
    """One command line, as a user types it, in this process."""
    with pytest.raises(SystemExit, match=r"^0$"):
        main([str(token) for token in tokens])


@pytest.fixture(scope="module")
def declared_toy() -> Iterator[None]:
    """The toy protocol and scores, while this file's tests run."""
    with declared(TOY, GAP, CELLS):
        yield


@pytest.fixture(scope="module")
def place(declared_toy: None, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a mock model by the toy protocol, and its report."""
    place = tmp_path_factory.mktemp("toy")
    atlas(
        "elicit", "mock:uniform", "--protocol", "toy", "--questions", ",".join(QUESTIONS),
        "--countries", ",".join(COUNTRIES), "--out", place / "run",
    )  # fmt: skip
    (predictions,) = (place / "run" / "predictions").glob("*.jsonl")
    predictions.rename(place / "toy.jsonl")
    atlas("score", place / "toy.jsonl", "--replicates", 50, "--out", place / "report.json")
    return place


@pytest.fixture(scope="module")
def report(place: Path) -> Report:
    return read_report(place / "report.json")


@pytest.fixture(scope="module")
def store(place: Path) -> Store:
    """A board with the run's predictions."""
    found = open_store(place / "store", create=True)
    release = open_release("reference")
    add_predictions(found, place / "toy.jsonl", release=release, row_class="verified")
    found.ensure_index(force=True)
    return found


def test_the_study_takes_its_defaults_from_the_declaration(place: Path) -> None:
    meta = read_predictions(place / "toy.jsonl").meta
    assert (meta.protocol, meta.method, meta.steering) == ("toy", "forced_choice", "persona")


def test_the_report_has_the_protocol_and_both_scores(report: Report) -> None:
    (result,) = (one for one in report.protocols if one.protocol == "toy")
    assert result.applies
    assert [row["country"] for row in result.tables["cell_counts"]] == list(COUNTRIES)
    assert report.settings.questions == "all"
    count, gap = report.score("toy_cells"), report.score("toy_gap")
    assert count is not None
    assert gap is not None
    assert count.value.estimate == len(QUESTIONS) * len(COUNTRIES)
    assert 0 < (gap.value.estimate or 0) < 1
    assert gap.value.low is not None
    assert not gap.higher_is_better


def test_the_other_protocols_find_the_same(place: Path, report: Report) -> None:
    """A further protocol draws its own random numbers: no interval of another moves."""
    alone = place / "alone.json"
    atlas(
        "score", place / "toy.jsonl", "--replicates", 50, "--out", alone,
        "--protocol", "alignment", "judgments",
    )  # fmt: skip
    first, second = read_report(alone), report
    assert first.score("alignment") == second.score("alignment")
    assert first.groups == second.groups
    assert [one.judgments for one in first.countries] == [one.judgments for one in second.countries]


def test_the_terminal_shows_score_and_protocol(
    place: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    atlas("score", place / "toy.jsonl", "--replicates", 10)
    printed = capsys.readouterr().out
    assert "gap of the first option" in printed
    assert "toy" in printed


def test_the_page_shows_the_protocols_table(place: Path) -> None:
    atlas("report", "html", place / "report.json", "--out", place / "page.html")
    page = (place / "page.html").read_text(encoding="utf-8")
    assert "Toy: cell counts" in page
    assert "Gap of the first option" in page


def test_the_board_has_the_row_with_its_columns(store: Store) -> None:
    query = BoardQuery(columns=("name", "toy_gap", "toy_count", "protocols"))
    page = read_board(store, query)
    (row,) = (one for one in page.rows if one["kind"] == "model")
    assert "toy" in str(row["protocols"]).split()
    assert row["cells"]["toy_gap"]["estimate"] > 0
    assert row["cells"]["toy_count"]["estimate"] == len(QUESTIONS) * len(COUNTRIES)


def test_the_static_site_has_column_texts_and_detail(place: Path, store: Store) -> None:
    site = place / "site"
    atlas("board", "--export", site, "--store", store.root, "--no-seed")
    board = json.loads((site / "board.json").read_text(encoding="utf-8"))
    column = next(one for one in board["columns"] if one["key"] == "toy_gap")
    assert column["title"] == GAP.title
    assert column["tip"] == GAP.reading
    assert column["higher_is_better"] is False
    assert board["facets"]["protocol"]["toy"] == 1
    (page,) = (site / "rows").glob("*.html")
    text = page.read_text(encoding="utf-8")
    assert "<h2>Toy: 2 countries</h2>" in text
    assert GAP.title in text


def test_the_schemas_name_the_protocol(declared_toy: None) -> None:
    for name in ("report", "predictions-meta"):
        assert '"toy"' in schema_texts()[f"{name}.schema.json"]


def test_after_the_block_nothing_of_it_is_left() -> None:
    with declared():
        pass
    with (
        pytest.raises(ValueError, match="declared more than once: alignment"),
        declared(ScoreSpec("alignment", "Alignment", "a second one")),
    ):
        pass
