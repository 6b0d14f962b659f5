"""Files of waves 5 and 6 and the time series, row by row, in the terms of wave 7."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest

from codebook import value_questions
from codebook.crosswalk import crosswalk, recode_to_wave7, wave_variable
from codebook.respondents.harmonised import HARMONISED, harmonised
from contracts.errors import ContractError
from dataset_builder.reading.waves import prefer_own_files, read_surveys
from dataset_builder.reading.waves.schools import school_levels
from dataset_builder.survey import Survey
from dataset_builder.synthesis.earlier_waves import wave_codes

COLOMBIA, JAPAN, AFGHANISTAN = 170, 392, 4

Columns = Mapping[str, Sequence[object]]


def write(path: Path, columns: Columns, *, separator: str = ";") -> Path:
    rows = zip(*columns.values(), strict=True)
    lines = [separator.join(columns), *(separator.join(map(str, row)) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def wave_file(path: Path, wave: int, columns: Columns, *, rows: int, without: str = "") -> Path:
    """A file of one wave: everything that it asked is not asked here, save what is given."""
    frame: dict[str, Sequence[object]] = {
        "V1": [wave] * rows,
        "V2": [COLOMBIA] * rows,
        "V3": range(1, rows + 1),
    }
    asked = [wave_variable(q, wave) for q in value_questions()]
    frame |= {name: [-4] * rows for name in asked if name is not None}
    frame |= columns
    return write(path, {name: cells for name, cells in frame.items() if name != without})


def series_file(path: Path, columns: Columns, *, wave: Sequence[int]) -> Path:
    rows = len(wave)
    frame: dict[str, Sequence[object]] = {
        "S002VS": wave,
        "S003": [JAPAN] * rows,
        "S006": range(1, rows + 1),
        "S017": [1] * rows,
    }
    return write(path, frame | dict(columns), separator=",")


def answers(survey: Survey, question: str) -> list[int]:
    column: list[int] = survey.answers[:, survey.questions.index(question)].tolist()
    return column


#: Where the facts about the files say that a code moves (or stays): source, variable, question,
#: codes of the file, codes of wave 7.
MOVES = [
    (6, "V12", "Q8", [1, 2, -2], [1, 2, -2]),
    (5, "V12", "Q8", [1, 2, -2], [1, 2, -2]),
    ("timeseries", "A029", "Q8", [1, 0, -2], [1, 2, -2]),
    (6, "V36", "Q18", [1, 2, -1], [1, 2, -1]),
    (5, "V34", "Q18", [1, 2, -1], [1, 2, -1]),
    ("timeseries", "A124_08", "Q18", [1, 0, -1], [1, 2, -1]),
    (6, "V66", "Q151", [1, 2, -1], [1, 2, -1]),
    (5, "V75", "Q151", [1, 2, -1], [1, 2, -1]),
    ("timeseries", "E012", "Q151", [1, 0, -1], [1, 2, -1]),
    (6, "V98", "Q108", [1, 3, 10], [1, 3, 10]),
    (5, "V118", "Q108", [1, 3, 10], [1, 3, 10]),
    ("timeseries", "E037", "Q108", [1, 3, 10], [10, 8, 1]),
    (6, "V145", "Q171", [1, 4, 7], [1, 4, 7]),
    ("timeseries", "F028", "Q171", [1, 5, 8], [1, 4, 7]),
    (6, "V176", "Q139", [1, 5, -2], [1, 2, -2]),
    ("timeseries", "H003_01", "Q139", [1, 0, -2], [1, 2, -2]),
    (6, "V150", "Q174", [1, 3, 4], [1, -5, -5]),
    ("timeseries", "F200", "Q174", [2, 3, 4], [2, -5, -5]),
    (6, "V211", "Q254", [4, 5, -3], [4, 5, -3]),
    ("timeseries", "G006", "Q254", [4, 5, -3], [4, 5, -3]),
]


@pytest.mark.parametrize(("source", "variable", "question", "raw", "expected"), MOVES)
def test_codes_that_move(
    tmp_path: Path,
    source: int | str,
    variable: str,
    question: str,
    raw: list[int],
    expected: list[int],
) -> None:
    path = tmp_path / "file.csv"
    if source == "timeseries":
        series_file(path, {variable: raw}, wave=[6, 6, 6])
    else:
        wave_file(path, int(source), {variable: raw}, rows=3)
    (survey,) = read_surveys(path)
    assert answers(survey, question) == expected


@pytest.mark.parametrize(
    ("question", "wave", "codes", "expected"),
    [
        ("Q139", 6, [1, 2, -2], [1, 5, -2]),
        ("Q174", 6, [1, 2, -1], [1, 2, -1]),
        ("Q33_3", 6, [1, 2, 3], [1, 3, 2]),
        ("Q34_3", 5, [1, 2, 3], [1, 3, 2]),
        ("Q18", 5, [1, 2, -1], [1, 2, -1]),
    ],
)
def test_codes_move_back(question: str, wave: int, codes: list[int], expected: list[int]) -> None:
    turned = wave_codes(question, wave, np.array(codes, np.int8))
    assert turned.tolist() == expected
    assert recode_to_wave7(question, wave, turned).tolist() == codes


def test_three_point_versions_swap_in_the_waves_and_not_in_the_series() -> None:
    """C001 and C002 have wave 7's order; V45 and V46 have 2 and 3 the other way round."""
    for question in ("Q33_3", "Q34_3"):
        assert recode_to_wave7(question, 6, [1, 2, 3]).tolist() == [1, 3, 2]
        assert recode_to_wave7(question, 6, [1, 2, 3], timeseries=True).tolist() == [1, 2, 3]


@pytest.mark.parametrize("wave", [5, 6])
def test_every_code_there_and_back(wave: int) -> None:
    for question, entry in crosswalk().items():
        if wave in entry.variables and question in value_questions():
            scale = value_questions()[question].scale
            assert scale is not None
            codes = np.array([*scale.codes, *scale.off_scale, -1, -5], np.int8)
            back = recode_to_wave7(question, wave, wave_codes(question, wave, codes))
            assert back.tolist() == codes.tolist(), question


@pytest.mark.parametrize(("wave", "timeseries"), [(5, False), (6, False), (5, True), (6, True)])
def test_the_reader_recodes_as_the_codebook_says(
    tmp_path: Path, wave: int, timeseries: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every variable of the crosswalk, every code from -5 to 11."""
    codes = list(range(-5, 12))
    asked = {
        name: question
        for question in value_questions()
        if (name := wave_variable(question, wave, timeseries=timeseries)) is not None
    }
    columns = dict.fromkeys(asked, codes)
    path = tmp_path / "all.csv"
    if timeseries:
        series_file(path, columns, wave=[wave] * len(codes))
    else:
        wave_file(path, wave, {**columns, "V2": [276] * len(codes)}, rows=len(codes))
    # Most of these codes are unknown, which would withhold the question.
    monkeypatch.setattr("dataset_builder.reading.unknown_share.MOST_UNKNOWN", 1.0)
    (survey,) = read_surveys(path, allow_unknown=True)
    assert set(survey.questions) == set(asked.values())
    for question in survey.questions:
        scale = value_questions()[question].scale
        assert scale is not None
        known = {*scale.codes, *scale.off_scale, -1, -2, -3, -4}
        recoded = recode_to_wave7(question, wave, codes, timeseries=timeseries).tolist()
        assert answers(survey, question) == [c if c in known else -5 for c in recoded]


def test_demographics_weight_and_ids(tmp_path: Path) -> None:
    columns = {
        "V240": [1, 2],
        "V242": [17, -2],
        "V248": [4, 9],
        "V239": [10, -1],
        "V57": [6, 3],
        "V229": [8, 1],
        "V258": ["0.5", "1,25"],
        "V2": [COLOMBIA, JAPAN],
        "V3": [12, 7],
    }
    (survey,) = read_surveys(wave_file(tmp_path / "w6.csv", 6, columns, rows=2))
    assert (survey.wave, survey.countries) == (6, ("COL", "JPN"))
    assert survey.weight.tolist() == [0.5, 1.25]
    assert survey.respondent_id.tolist() == [170_600_012, 392_600_007]
    found = {name: codes.tolist() for name, codes in survey.demographics.items()}
    assert found == {
        "B_COUNTRY": [COLOMBIA, JAPAN],
        "Q260": [1, 2],
        "Q262": [17, -2],
        "Q275": [2, 6],
        "Q288": [10, -1],
        "Q273": [6, 3],
        "Q279": [8, 1],
    }


@pytest.mark.parametrize("timeseries", [False, True])
def test_schools_stand_for_levels_of_the_same_category(timeseries: bool) -> None:
    """Q275 of an earlier wave falls in the category that the codebook gives its school."""
    levels = school_levels(timeseries=timeseries)
    there = harmonised(6, timeseries=timeseries)["education"]
    assert set(levels) == set(there.code_categories)
    for school, level in levels.items():
        assert HARMONISED["education"].code_categories[level] == there.code_categories[school]


def test_a_series_becomes_a_survey_per_wave(tmp_path: Path) -> None:
    columns = {
        "S003": [JAPAN, JAPAN, COLOMBIA, JAPAN, AFGHANISTAN],
        "S007": [5, 6, 7, 39_272_0001, 9],
        "S017": [1, 2, 3, 4, 5],
        "A174": [0, 1, -4, -4, -4],
        "A106B": [-4, -4, 2, 0, 1],
        "X001": [1, 2, 1, 2, 1],
    }
    path = series_file(tmp_path / "series.csv", columns, wave=[3, 5, 6, 7, 6])
    five, six, seven = read_surveys(path)
    assert [s.wave for s in (five, six, seven)] == [5, 6, 7]
    assert [answers(s, "Q102") for s in (five, six, seven)] == [[1], [2], [0]]
    assert [s.weight.tolist() for s in (five, six, seven)] == [[2.0], [3.0], [4.0]]
    assert [s.row_number.tolist() for s in (five, six, seven)] == [[1], [2], [3]]
    assert five.respondent_id.tolist() == [392_500_002]
    assert seven.respondent_id.tolist() == [392_720_001]
    assert "left out (3: 1)" in five.notes[0]
    assert "countries the codebook lacks were left out (4: 1)" in five.notes[1]


def test_a_wave_of_the_series_yields_to_its_own_file(tmp_path: Path) -> None:
    series = read_surveys(series_file(tmp_path / "ts.csv", {"A001": [1, 2]}, wave=[5, 6]))
    own = read_surveys(wave_file(tmp_path / "w6.csv", 6, {"V4": [1]}, rows=1))
    kept = prefer_own_files([*series, *own])
    assert [(s.wave, s.source.name) for s in kept] == [(5, "ts.csv"), (6, "w6.csv")]
    assert "Wave 6 is taken from w6.csv, not from ts.csv." in kept[0].notes


def test_the_same_person_bears_the_same_id_in_both_files(tmp_path: Path) -> None:
    series = series_file(tmp_path / "ts.csv", {"S006": [31, 8]}, wave=[6, 6])
    own = wave_file(tmp_path / "w6.csv", 6, {"V2": [JAPAN] * 2, "V3": [8, 31]}, rows=2)
    assert sorted(read_surveys(series)[0].respondent_id) == sorted(
        read_surveys(own)[0].respondent_id
    )


def test_numbers_that_repeat_give_way_to_the_place(tmp_path: Path) -> None:
    columns = {"V2": [COLOMBIA, JAPAN, COLOMBIA], "V3": [4, 4, 4]}
    (survey,) = read_surveys(wave_file(tmp_path / "w5.csv", 5, columns, rows=3))
    assert survey.respondent_id.tolist() == [170_500_001, 392_500_004, 170_500_002]
    assert "1 of 2 countries" in survey.source.detected["respondent ids"]


def test_a_variant_of_a_country_is_not_read(tmp_path: Path) -> None:
    """Colombia asked V4 on three points in wave 5, as V4_CO; answers under V4 do not compare."""
    columns = {"V4": [2, -4, 2], "V4_CO": [1, 3, -4], "V2": [COLOMBIA, COLOMBIA, JAPAN]}
    (survey,) = read_surveys(wave_file(tmp_path / "w5.csv", 5, columns, rows=3))
    assert answers(survey, "Q1") == [-5, -4, 2]
    assert any("V4_CO" in note and "not read" in note for note in survey.notes)
    assert any("COL, wave 5: answers to Q1" in note for note in survey.notes)
    lone = wave_file(tmp_path / "lone.csv", 5, {"V4_CO": [1]}, rows=1, without="V4")
    assert "Q1" not in read_surveys(lone)[0].questions


@pytest.mark.parametrize(
    ("columns", "without", "message"),
    [
        ({"V1": [5, 6]}, "", r"which-wave.*found 5, 6"),
        ({}, "V2", r"no-country.*allowed: a column V2"),
        ({"V4": [1, 9]}, "", r"column V4 \(asks Q1\).*'9' is not in the codebook"),
        ({"V248": [0, 1]}, "", r"column V248 \(asks Q275\)"),
        ({"v4": [1, 1]}, "", r"duplicate-column.*V4"),
        ({"V258": ["a", 1]}, "", r"bad-weight"),
        ({"V2": [AFGHANISTAN, AFGHANISTAN]}, "", r"no-people.*4: 2"),
    ],
)
def test_what_is_refused(tmp_path: Path, columns: Columns, without: str, message: str) -> None:
    path = wave_file(tmp_path / "w6.csv", 6, columns, rows=2, without=without)
    with pytest.raises(ContractError, match=f"(?s){message}"):
        read_surveys(path)


def test_a_file_without_v1_is_told_by_its_columns(tmp_path: Path) -> None:
    six = wave_file(tmp_path / "six.csv", 6, {"V258": [1]}, rows=1, without="V1")
    five = wave_file(tmp_path / "five.csv", 5, {"V259": [1]}, rows=1, without="V1")
    assert [read_surveys(path)[0].wave for path in (six, five)] == [6, 5]
    neither = wave_file(tmp_path / "neither.csv", 5, {}, rows=1, without="V1")
    with pytest.raises(ContractError, match=r"which-wave.*no column V1"):
        read_surveys(neither)
