"""In how many forms a rank holds: by hand, on the board, on the model page, and in the store."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from contracts.report import Report, read_report, write_report
from space.board.figures.conditions import read_form_ranks, read_form_scores
from space.board.page import read_board
from space.board.query import BoardQuery
from space.board.ranks.form_ranks import mark_text
from space.board.store import Store, open_store
from space.render.form_curve import form_curve_svg
from space.render.model import form_ranks_html
from space.render.table import board_table

COUNTRIES = ["DEU", "JPN", "USA", "BRA"]
QUESTIONS = ["Q1", "Q2", "Q46", "Q57", "Q106", "Q164"]

#: Skill of three models in three forms: a and b change places in the second, c is not in the third.
SKILLS = {
    "default": {"a": 0.8, "b": 0.5, "c": 0.2},
    "letters": {"a": 0.5, "b": 0.8, "c": 0.2},
    "shuffled": {"a": 0.8, "b": 0.5},
}


def _asked(report: Report, model: str, variant: str) -> Report:
    meta = report.predictions.meta
    meta = meta.model_copy(update={"model": f"org/{model}", "extra": {"variant": variant}})
    return report.model_copy(
        update={"predictions": report.predictions.model_copy(update={"meta": meta})}
    )


@pytest.fixture
def forms(samples, tmp_path: Path) -> Store:
    root = tmp_path / "store"
    (root / "reports").mkdir(parents=True)
    people = samples.sample_people(COUNTRIES, QUESTIONS)
    for variant, skills in SKILLS.items():
        for model, skill in skills.items():
            seed = sum(map(ord, variant + model))
            made = samples.sample_report(f"{model}-{variant}", people, skill=skill, seed=seed)
            report = _asked(made, model, variant)
            write_report(report, root / "reports" / f"{model}-{variant}.json")
    return open_store(root)


def test_marks_are_those_by_hand(forms: Store) -> None:
    rows = {row["row_id"]: row for row in read_board(forms, BoardQuery()).rows}
    marks = {name: (row["holds"], row["forms"]) for name, row in rows.items()
             if row["kind"] == "model"}  # fmt: skip
    # a is first, second, first; c is third, third.
    assert marks == {
        "a-default": (2, 3), "b-default": (2, 3), "c-default": (2, 2),
        "a-letters": (1, 3), "b-letters": (1, 3), "c-letters": (2, 2),
        "a-shuffled": (2, 3), "b-shuffled": (2, 3),
    }  # fmt: skip


def test_the_board_shows_the_mark_below_the_rank(forms: Store) -> None:
    page = read_board(forms, BoardQuery())
    html = board_table(page)
    assert html.count("holds in 2 of 3 forms</span>") == 4
    assert "same place among the models ranked in both" in html
    assert "verbalized letters" in html


def test_the_model_page_lists_the_forms(forms: Store) -> None:
    found = read_form_ranks(forms, "a-default")
    assert [(one.row_id, one.rank, one.here, one.models) for one in found] == [
        ("a-letters", 2, 1, 3),
        ("a-shuffled", 1, 1, 2),
    ]
    html = form_ranks_html(forms, "a-default")
    assert "<b>holds in 2 of 3 forms</b>" in html
    assert "letters" in html


def test_the_figure_has_every_form_with_score_rank_and_the_other_models(forms: Store) -> None:
    found = {one.row_id: one for one in read_form_scores(forms, "a-default")}
    assert set(found) == {"a-default", "a-letters", "a-shuffled"}
    assert {name: (one.rank, one.models, one.own) for name, one in found.items()} == {
        "a-default": (1, 3, True),
        "a-letters": (2, 3, False),
        "a-shuffled": (1, 2, False),
    }
    for row_id, one in found.items():
        variant = row_id.split("-")[1]
        report = read_report(forms.reports_folder / f"{row_id}.json")
        assert one.estimate == report.score("alignment").value.estimate
        assert {name for name, _ in one.others} == {
            f"{model}-{variant}" for model in SKILLS[variant] if model != "a"
        }
    svg = form_curve_svg(list(found.values()))
    assert svg.count('<circle class="mine"') == 3
    assert svg.count('<circle class="other"') == 2 + 2 + 1
    assert svg.count('<line class="span"') == 3
    assert "(this one)</text>" in svg
    # From the highest score of the model down, the line through its marks.
    order = re.findall(r"<title>([^<:]*): ([\d.]+) [^<]*rank \d of \d</title>", svg)
    assert [float(score) for _, score in order] == sorted(
        (float(score) for _, score in order), reverse=True
    )
    marks = re.findall(r'class="mine" cx="([\d.]+)" cy="(\d+)"', svg)
    (line,) = re.findall(r'<path d="([^"]+)"', svg)
    assert line == " ".join(f"{'L' if place else 'M'}{x} {y}" for place, (x, y) in enumerate(marks))
    assert svg in form_ranks_html(forms, "a-default")
    assert form_curve_svg(list(found.values())[:1]) == ""


def test_a_row_of_one_form_has_no_mark(samples, tmp_path: Path) -> None:
    root = tmp_path / "store"
    (root / "reports").mkdir(parents=True)
    people = samples.sample_people(COUNTRIES, QUESTIONS)
    for model in ("a", "b"):
        report = samples.sample_report(model, people, skill=0.5, seed=ord(model))
        write_report(_asked(report, model, "default"), root / "reports" / f"{model}.json")
    store = open_store(root)
    rows = [row for row in read_board(store, BoardQuery()).rows if row["kind"] == "model"]
    assert [mark_text(row) for row in rows] == ["", ""]
    assert form_ranks_html(store, "a") == ""


def test_names_of_forms_are_no_markup(samples, tmp_path: Path) -> None:
    root = tmp_path / "store"
    (root / "reports").mkdir(parents=True)
    people = samples.sample_people(COUNTRIES, QUESTIONS)
    report = samples.sample_report("a", people, skill=0.5, seed=1)
    write_report(_asked(report, "a", "<script>"), root / "reports" / "a.json")
    (row,) = [r for r in read_board(open_store(root), BoardQuery()).rows if r["kind"] == "model"]
    assert row["variant"] == "other"
