"""Comparison groups: rows of unlike cells or conditions are never sorted into one list."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from contracts.report import Coverage, Report, write_report
from space.board.page import read_board
from space.board.query import BoardQuery, parse_query
from space.board.ranks.groups import divide, overlap
from space.board.rows import answers_digest, asked_coverage
from space.board.store import Store, open_store
from space.pages.board import rows_text
from space.render.closest import closest_rows
from space.render.table import board_table

COUNTRIES = ["DEU", "JPN", "USA", "BRA", "NGA", "EGY", "SGP", "NZL"]
QUESTIONS = ["Q1", "Q2", "Q46", "Q57", "Q106", "Q164"]


def _write(root: Path, report: Report, name: str = "") -> None:
    write_report(report, root / "reports" / f"{name or report.predictions.name}.json")


@pytest.fixture
def unlike(samples, tmp_path) -> Store:
    """Two models, two conditions: unsteered over eight countries, persona over the two that
    both models come closest to. The worse model by persona scores above the better unsteered."""
    root = tmp_path / "store"
    (root / "reports").mkdir(parents=True)
    everywhere = samples.sample_people(COUNTRIES, QUESTIONS)
    few = samples.sample_people(COUNTRIES[:2], QUESTIONS)
    for model, skill in (("good", 0.7), ("poor", 0.4)):
        report = samples.sample_report(f"{model}-none", everywhere, skill=skill, seed=1)
        _write(root, report)
        report = samples.sample_report(
            f"{model}-persona", few, skill=skill + 0.25, seed=2, steering="persona"
        )
        _write(root, report)
    return open_store(root)


def names(store: Store, **query: object) -> list[str]:
    return [row["name"] for row in read_board(store, BoardQuery(**query)).rows]


def test_rows_are_sorted_within_their_group_only(unlike) -> None:
    found = read_board(unlike, BoardQuery()).rows
    score = {row["name"]: row["cells"]["alignment"]["estimate"] for row in found}
    # One list by score would mix them: that is the wrong sort.
    wrong = sorted(score, key=lambda name: -score[name])
    assert wrong[0] == "good-persona"
    assert [row["name"] for row in found] == [
        "good-none",
        "poor-none",
        "good-persona",
        "poor-persona",
    ]
    assert names(unlike, sort="alignment") == [
        "poor-none",
        "good-none",
        "poor-persona",
        "good-persona",
    ]
    assert {row["name"]: (row["rank"], row["ranked"]) for row in found} == {
        "good-none": (1, 2),
        "poor-none": (2, 2),
        "good-persona": (1, 2),
        "poor-persona": (2, 2),
    }
    table = board_table(read_board(unlike, BoardQuery()))
    assert table.count('class="oa-group"') == 2
    assert "Unsteered, in English · verbalized · 8 countries, 6 questions" in table
    assert "Persona, in English · verbalized · 2 countries, 6 questions" in table


def test_the_same_condition_on_other_countries_is_another_group(unlike, samples) -> None:
    few = samples.sample_people(COUNTRIES[:3], QUESTIONS)
    _write(unlike.root, samples.sample_report("few", few, skill=0.99, seed=3))
    unlike.ensure_index(force=True)
    found = {row["name"]: row for row in read_board(unlike, BoardQuery()).rows}
    assert found["few"]["ranked"] == 1
    assert found["good-none"]["ranked"] == 2
    assert found["few"]["group_number"] != found["good-none"]["group_number"]


def test_a_study_of_few_countries_is_not_partial(unlike) -> None:
    report = unlike.report("good-persona")
    study = report.model_copy(
        update={"coverage": Coverage(expected=48, scored=12, missing=36, share=0.25)}
    )
    assert asked_coverage(study) == 1.0
    # Cells that could not be read were asked, whatever country they are of.
    refusing = report.model_copy(
        update={"coverage": Coverage(expected=48, scored=12, missing=30, refused=6, share=0.25)}
    )
    assert asked_coverage(refusing) == pytest.approx(12 / 18)


def test_the_same_answers_under_another_name_are_not_ranked(unlike) -> None:
    report = unlike.report("good-none")
    meta = report.predictions.meta.model_copy(update={"name": "copy", "model": "org/other"})
    predictions = report.predictions.model_copy(update={"name": "copy", "meta": meta})
    turned = report.model_copy(
        update={"predictions": predictions, "cells": list(reversed(report.cells))}
    )
    assert answers_digest(turned) == answers_digest(report)
    _write(unlike.root, turned, "zz-copy")
    unlike.ensure_index(force=True)
    found = {row["name"]: row for row in read_board(unlike, BoardQuery()).rows}
    assert found["copy"]["same_as"] == "good-none"
    assert found["copy"]["rank"] is None
    assert found["good-none"]["ranked"] == 2
    assert "same answers as good-none" in board_table(read_board(unlike, BoardQuery()))
    assert "copy" not in {row["name"] for row in closest_rows(unlike, kind="country", name="DEU")}


def test_synthetic_rows_are_listed_only_when_asked_for(unlike) -> None:
    report = unlike.report("poor-none")
    release = report.release.model_copy(update={"synthetic": True, "digest": "f" * 64})
    _write(unlike.root, report.model_copy(update={"release": release}), "made-up")
    unlike.ensure_index(force=True)
    page = read_board(unlike, BoardQuery())
    assert "made-up" not in {row["row_id"] for row in page.rows}
    assert rows_text(page) == "4 of 4 rows"
    asked = parse_query("synthetic=1", known={})
    assert asked.permalink() == "synthetic=1"
    assert "made-up" in {row["row_id"] for row in read_board(unlike, asked).rows}
    shown = {row["row_id"] for row in closest_rows(unlike, kind="country", name="DEU")}
    assert "made-up" not in shown
    assert "good-none" in shown


def test_the_count_names_all_rows_of_the_board(unlike) -> None:
    page = read_board(unlike, BoardQuery(facets={"steering": ("persona",)}))
    assert rows_text(page) == "2 of 4 rows"


def test_overlap_counts_cells_and_not_countries() -> None:
    full = (["A", "B"], ["Q1", "Q2"], np.ones((2, 2)))
    lacking = (["B", "A"], ["Q1", "Q2"], np.array([[1.0, np.nan], [1.0, 1.0]]))
    assert overlap(full, lacking) == 0.75
    assert overlap(lacking, full) == 0.75
    assert overlap(full, ([""], ["Q1"], np.ones((1, 1)))) == 0.0
    groups = divide({"lacking": lacking, "full": full})
    assert [group.row_ids for group in groups] == [["full"], ["lacking"]]
