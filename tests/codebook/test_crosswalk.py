"""Crosswalk of waves 5, 6, 7 and the time-series file: every entry, every recode."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from codebook.countries import countries
from codebook.crosswalk import (
    GRADES,
    crosswalk,
    exception_of,
    exceptions,
    recode_to_wave7,
    wave_variable,
)
from codebook.questions import MISSING_CODES, question_set, questions
from codebook.respondents.harmonised import NO_CODE

#: Three-point versions of Q33-Q35: ids of wave 7's file that are no questions of the codebook.
THREE_POINT = {"Q33_3", "Q34_3", "Q35_3"}


def test_the_75_common_questions_are_those_checked_against_data() -> None:
    checked = {q for q, entry in crosswalk().items() if entry.checked == "data"}
    assert len(checked) == 75
    assert checked == set(question_set("common75"))
    assert all(crosswalk()[q].in_all_waves for q in checked)


def test_there_are_113_further_questions() -> None:
    # reference tables: 188 rows, 75 of them common to the waves.
    assert len(crosswalk()) == 188
    assert set(crosswalk()) - set(questions()) == THREE_POINT


def test_every_earlier_wave_has_a_grade_and_a_reason() -> None:
    for entry in crosswalk().values():
        assert set(entry.comparability) == set(entry.variables) - {7}
        assert entry.comparability, entry.question_id
        for found in entry.comparability.values():
            assert found.grade in GRADES
            assert found.reason.endswith(".")


def test_grades_and_recodes_agree() -> None:
    for entry in crosswalk().values():
        for wave, found in entry.comparability.items():
            if found.grade == "recoded":
                assert entry.recodes[wave]  # type: ignore[index]
            if found.grade in ("identical", "reworded"):
                assert wave not in entry.recodes


@pytest.mark.parametrize("wave", [5, 6])
def test_a_variable_holds_one_question(wave: int) -> None:
    names = [e.variables[wave] for e in crosswalk().values() if wave in e.variables]
    assert Counter(names).most_common(1)[0][1] == 1
    series = [e.timeseries[wave] for e in crosswalk().values() if wave in e.variables]
    assert Counter(series).most_common(1)[0][1] == 1
    assert all(name[0] == "V" and name[1].isdigit() for name in names)
    assert all(name[0] in "ABCDEFGHI" for name in series)


def test_recodes_end_on_the_scale_of_wave_7() -> None:
    for entry in crosswalk().values():
        allowed = {1, 2, 3}
        if entry.question_id not in THREE_POINT:
            scale = questions()[entry.question_id].scale
            assert scale is not None
            allowed = {*scale.codes, *scale.off_scale}
        for recode in entry.recodes.values():
            assert {new for new in recode.values() if new is not None} <= allowed


@pytest.mark.parametrize(
    ("question_id", "wave", "timeseries", "codes", "expected"),
    [
        # Mentioned: 1 and 2 in the files of single waves, 1 and 0 in the time series.
        ("Q18", 6, False, [1, 2], [1, 2]),
        ("Q18", 5, True, [1, 0], [1, 2]),
        ("Q8", 6, True, [1, 0], [1, 2]),
        ("Q26", 6, True, [1, 0], [1, 2]),
        # Agree, neither, disagree in waves 5 and 6; agree, disagree, neither in the time series.
        ("Q33_3", 6, False, [1, 2, 3], [1, 3, 2]),
        ("Q34_3", 5, False, [1, 2, 3], [1, 3, 2]),
        ("Q33_3", 6, True, [1, 2, 3], [1, 2, 3]),
        ("Q151", 6, True, [1, 0], [1, 2]),
        ("Q151", 6, False, [1, 2], [1, 2]),
        # Government responsibility: the time series counts from the other end.
        ("Q108", 6, True, list(range(1, 11)), list(range(10, 0, -1))),
        ("Q108", 7, True, [1, 10], [10, 1]),
        ("Q108", 6, False, list(range(1, 11)), list(range(1, 11))),
        # Attendance: eight answers in the time series, seven in the questionnaires.
        ("Q171", 6, True, [1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 3, 4, 4, 5, 6, 7]),
        ("Q171", 5, False, [1, 4, 5, 7], [1, 4, 5, 7]),
        ("Q139", 6, False, [1, 2, 5], [1, 2, 2]),
        ("Q165", 6, True, [0, 1], [2, 1]),
        ("Q174", 6, False, [1, 2, 3, 4], [1, 2, -5, -5]),
        ("Q47", 6, False, [1, 4], [1, 4]),
        ("Q106", 5, False, [1, 10], [1, 10]),
        ("Q1", 7, False, [1, 4], [1, 4]),
        ("Q121", 7, False, [1, 5], [1, 5]),
    ],
)
def test_recodes_by_hand(
    question_id: str, wave: int, timeseries: bool, codes: list[int], expected: list[int]
) -> None:
    assert recode_to_wave7(question_id, wave, codes, timeseries=timeseries).tolist() == expected


@pytest.mark.parametrize("question_id", list(crosswalk()))
def test_missing_codes_stay_apart(question_id: str) -> None:
    entry = crosswalk()[question_id]
    for wave in entry.variables:
        for timeseries in (False, True):
            kept = recode_to_wave7(question_id, wave, MISSING_CODES, timeseries=timeseries)
            assert kept.tolist() == list(MISSING_CODES)


def test_floats_shapes_and_numbers_that_are_not_whole() -> None:
    found = recode_to_wave7("Q18", 6, np.array([[1.0, 0.0], [np.nan, 1.5]]), timeseries=True)
    assert found.tolist() == [[1, 2], [-5, NO_CODE]]


@pytest.mark.parametrize(
    ("question_id", "wave", "timeseries", "expected"),
    [
        ("Q1", 6, False, "V4"),
        ("Q1", 7, False, "Q1"),
        ("Q1", 7, True, "A001"),
        ("Q57", 5, False, "V23"),
        ("Q57", 6, False, "V24"),
        ("Q199", 6, False, "V84"),
        ("Q106", 6, True, "E035"),
        ("Q102", 5, True, "A174"),
        ("Q102", 6, True, "A106B"),
        ("Q169", 5, False, None),
        ("Q169", 5, True, None),
        ("Q121", 6, False, None),
        ("Q121", 7, False, "Q121"),
        ("Q121", 7, True, None),
    ],
)
def test_variables(question_id: str, wave: int, timeseries: bool, expected: str | None) -> None:
    assert wave_variable(question_id, wave, timeseries=timeseries) == expected


@pytest.mark.parametrize(
    ("question_id", "wave", "grade"),
    [
        ("Q1", 6, "identical"),
        ("Q106", 6, "reworded"),
        ("Q106", 5, "reworded"),
        ("Q79", 5, "reworded"),
        ("Q79", 6, "identical"),
        ("Q80", 5, "reworded"),
        ("Q241", 6, "scale changed"),
        ("Q249", 5, "scale changed"),
        ("Q47", 5, "scale changed"),
        ("Q33_3", 6, "recoded"),
        ("Q139", 6, "recoded"),
    ],
)
def test_grades(question_id: str, wave: int, grade: str) -> None:
    assert crosswalk()[question_id].comparability[wave].grade == grade


def test_democracy_questions_gain_code_0_in_wave_7() -> None:
    changed = {
        q
        for q, e in crosswalk().items()
        if any("adds 0" in found.reason for found in e.comparability.values())
    }
    assert changed == {f"Q{i}" for i in range(241, 250)}


def test_exceptions_name_what_exists() -> None:
    for found in exceptions():
        assert found.wave in countries()[found.country].waves
        for question_id in found.question_ids:
            assert found.wave in crosswalk()[question_id].variables


def test_colombia_asked_the_first_six_on_three_points() -> None:
    found = exception_of("Q6", 5, "COL")
    assert found is not None
    assert found.kind == "not comparable"
    assert exception_of("Q6", 6, "COL") is None
    assert exception_of("Q7", 5, "COL") is None


@pytest.mark.parametrize(
    ("question_id", "wave", "message"),
    [
        ("Q1", 4, "wave 4 is not known; there are: 5, 6, 7"),
        ("V4", 6, "'V4' is no question of wave 7"),
        ("Q121", 6, "wave 6 did not ask Q121"),
        ("Q169", 5, "wave 5 did not ask Q169"),
    ],
)
def test_errors_say_what_is_known(question_id: str, wave: int, message: str) -> None:
    with pytest.raises(KeyError, match=message):
        recode_to_wave7(question_id, wave, [1])
