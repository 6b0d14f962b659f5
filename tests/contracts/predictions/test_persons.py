"""Persons files: long and wide, four formats, every mistake with its row."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from contracts.errors import ContractError
from contracts.predictions.meta import PredictionsMeta, require_no_microdata
from contracts.predictions.read import read_predictions, write_predictions

META = PredictionsMeta(name="twins", model="toy/persons", personas="group cells of the reference")

RECORDS = [
    {"person_id": "a", "country": "JPN", "group": "sex=female", "question_id": "Q1", "code": 1},
    {"person_id": "a", "country": "JPN", "group": "sex=female", "question_id": "Q2", "code": None},
    {"person_id": "a", "country": "USA", "group": "", "question_id": "Q1", "code": 4},
    {"person_id": "b", "country": "JPN", "group": "", "question_id": "Q249", "code": 0},
]


def _rows(path: Path) -> list[tuple]:
    table = read_predictions(path).table
    assert table is not None
    columns = ("person", "person_id", "country", "group", "question_id", "code", "position")
    return [tuple(row[name] for name in columns) for row in table.to_pylist()]


def _written(tmp_path: Path, *lines: str) -> Path:
    path = tmp_path / "persons.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("suffix", [".jsonl", ".csv", ".tsv", ".parquet"])
def test_round_trip(tmp_path, suffix) -> None:
    path = write_predictions(tmp_path / f"p{suffix}", RECORDS, meta=META, kind="persons")
    found = read_predictions(path)
    assert found.kind == "persons"
    assert found.rows == 4
    assert found.meta.personas == META.personas
    assert _rows(path) == [
        (0, "a", "JPN", "sex=female", "Q1", 1, 0),
        (0, "a", "JPN", "sex=female", "Q2", None, None),
        (1, "a", "USA", "", "Q1", 4, 3),
        (2, "b", "JPN", "", "Q249", 0, 0),
    ]


def test_wide_form_is_the_same(tmp_path) -> None:
    path = tmp_path / "wide.csv"
    with path.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(["person_id", "country", "group", "Q1", "Q2", "note"])
        writer.writerow(["a", "jpn", "sex=female", "1", "", "x"])
        writer.writerow(["b", "USA", "", "2.0", "3", ""])
    found = read_predictions(path)
    assert found.kind == "persons"
    assert found.tolerated == {"extra_columns": 1}
    answers = {(r[1], r[4]): r[5] for r in _rows(path)}
    assert answers == {("a", "Q1"): 1, ("a", "Q2"): None, ("b", "Q1"): 2, ("b", "Q2"): 3}


def test_wide_json_lines(tmp_path) -> None:
    path = tmp_path / "wide.jsonl"
    lines = [
        {"person_id": 7, "country": "JPN", "Q1": 1},
        {"person_id": 8, "country": "JPN", "Q2": 2},
    ]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    given = [(r[1], r[4], r[5]) for r in _rows(path) if r[5] is not None]
    assert given == [("7", "Q1", 1), ("8", "Q2", 2)]


def test_countries_have_codes_of_two_letters_and_names_too(tmp_path) -> None:
    path = _written(
        tmp_path,
        "person_id,country,group,question_id,code",
        "a,JP,,Q1,1",
        "b,Japan,,Q1,2",
        "c,JPN,,Q1,3",
    )
    assert [row[2] for row in _rows(path)] == ["JPN"] * 3
    assert read_predictions(path).tolerated == {"country_names": 2}


def test_a_mistake_in_a_wide_file_is_named_once_with_its_column(tmp_path) -> None:
    path = _written(
        tmp_path,
        "person_id,country,group,Q1,Q2,Q3",
        "a,JPN,,9,2,often",
        ",JPN,,1,1,1",
    )
    with pytest.raises(ContractError, match="3 problems") as caught:
        read_predictions(path)
    problems = [(one.row, one.code, one.column) for one in caught.value.problems]
    assert problems == [
        (2, "unknown-option", "Q1"),
        (2, "not-a-code", "Q3"),
        (3, "missing-field", "person_id"),
    ]
    assert caught.value.problems[1].allowed == "1, 2, 3, 4"
    assert all(one.found and one.allowed and one.hint for one in caught.value.problems)


def test_what_tables_write_for_nothing_is_no_answer(tmp_path) -> None:
    path = tmp_path / "wide.jsonl"
    lines = [{"person_id": "a", "country": "JPN", "Q1": float("nan"), "Q2": None, "Q3": 1.0}]
    path.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    assert {row[4]: row[5] for row in _rows(path)} == {"Q1": None, "Q2": None, "Q3": 1}


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ("a,XXX,,Q1,1", "countries 'XXX'"),
        ("a,JPN,mood=good,Q1,1", "groups 'mood=good'"),
        ("a,JPN,,A165,1", "questions 'A165'"),
    ],
)
def test_a_file_of_which_nothing_is_known_is_refused_with_the_names(tmp_path, row, found) -> None:
    path = _written(tmp_path, "person_id,country,group,question_id,code", row)
    with pytest.raises(ContractError, match="no row can be placed") as caught:
        read_predictions(path)
    assert caught.value.problems[0].code == "nothing-known"
    assert caught.value.problems[0].found == found


def test_group_of_two_variables_takes_its_canonical_name(tmp_path) -> None:
    path = _written(
        tmp_path,
        "person_id,country,group,question_id,code",
        "a,JPN,sex=female;age=16-29,Q1,1",
    )
    assert _rows(path)[0][3] == "age=16-29;sex=female"


def test_every_mistake_is_named_with_its_row(tmp_path) -> None:
    path = _written(
        tmp_path,
        "person_id,country,group,question_id,code",
        "a,JPN,,Q1,9",
        "a,JPN,,Q2,yes",
        ",JPN,,Q1,1",
        "c,,,Q1,1",
        "d,JPN,sex=male,Q1,1",
        "d,JPN,sex=female,Q2,1",
        "e,JPN,,Q1,1",
        "e,JPN,,Q1,2",
    )
    with pytest.raises(ContractError, match="problems") as caught:
        read_predictions(path)
    problems = {(problem.row, problem.code) for problem in caught.value.problems}
    assert problems == {
        (2, "unknown-option"),
        (3, "not-a-code"),
        (4, "missing-field"),
        (5, "missing-field"),
        (7, "two-groups"),
        (9, "contradicting-duplicate"),
    }


def test_what_cannot_be_placed_is_counted(tmp_path) -> None:
    path = _written(
        tmp_path,
        "person_id,country,group,question_id,code",
        "a,JPN,,Q1,1",
        "a,JPN,,Q1,1",
        "a,JPN,,Q999,1",
        "b,XXX,,Q1,1",
        "c,JPN,mood=good,Q1,1",
    )
    found = read_predictions(path)
    assert found.tolerated == {
        "identical_duplicates": 1,
        "unknown_countries": 1,
        "unknown_groups": 1,
        "unknown_questions": 1,
    }
    notices = {notice.code: notice.message for notice in found.notices}
    assert "'XXX'" in notices["unknown-countries"]
    assert "'mood=good'" in notices["unknown-groups"]
    assert "'Q999'" in notices["unknown-questions"]
    assert found.table is not None
    assert found.table.num_rows == 1


def test_boards_take_nothing_that_was_made_from_single_respondents() -> None:
    require_no_microdata(META, where="p.csv")
    derived = META.model_copy(update={"microdata_derived": True})
    with pytest.raises(ContractError, match=r"\[microdata\] .*single respondents") as caught:
        require_no_microdata(derived, where="p.csv")
    assert caught.value.problems[0].column == "microdata_derived"
