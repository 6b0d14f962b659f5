"""Labels, unknown codes, weights and ids of survey files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebook import value_questions
from contracts.errors import ContractError
from dataset_builder.reading import read_survey
from dataset_builder.reading.coding import UNKNOWN, number_of_text, question_coder
from dataset_builder.reading.identity import equal_rows, respondent_ids
from dataset_builder.reading.labels import code_of_label, label_codes, label_key, listed_codes
from dataset_builder.survey import Survey

QUESTIONS = tuple(f"Q{n}" for n in range(1, 60))


def write_file(path: Path, columns: Mapping[str, Sequence[object]], *, rows: int) -> Path:
    """A small file: Germans who answer 1 to everything, save in `columns`."""
    table: dict[str, Sequence[object]] = {
        "A_WAVE": [7] * rows,
        "B_COUNTRY": [276] * rows,
        "S007": list(range(276720001, 276720001 + rows)),
        **{q: [1] * rows for q in QUESTIONS},
        **columns,
    }
    lines = [",".join(table)]
    for row in zip(*table.values(), strict=True):
        lines.append(",".join(f'"{cell}"' if "," in str(cell) else str(cell) for cell in row))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def answers(survey: Survey, question: str) -> list[int]:
    return survey.answers[:, survey.questions.index(question)].tolist()


@pytest.mark.parametrize(
    ("question", "labels", "codes"),
    [
        ("Q1", ["Very important", "Rather important", "Not at all important"], [1, 2, 4]),
        ("Q1", ["Don't know", "Don´t know", "Don’t know"], [-1, -1, -1]),
        ("Q1", ["No answer", "Not asked", "Missing; Not available"], [-2, -4, -5]),
        ("Q1", ["Not asked in this country", "Missing;Unknown", "don't know"], [-4, -5, -1]),
        ("Q49", ["Completely dissatisfied", "5", "Completely satisfied"], [1, 5, 10]),
        ("Q49", ["Completely satisfied{1}", "5{1}".replace("{1}", ""), " 7 "], [10, 5, 7]),
        ("Q33", ["Agree strongly", "Neither agree nor disagree{2}", "Disagree"], [1, 3, 4]),
        ("Q1", ["Don't -9:-2", "VERY IMPORTANT", "Very  important"], [-1, 1, 1]),
        ("Q1", ["1.0", "-3.0", "-5,00"], [1, -3, -5]),
        ("Q1", ["", "NA", "4"], [-5, -5, 4]),
    ],
)
def test_labels_become_codes(
    question: str, labels: list[str], codes: list[int], tmp_path: Path
) -> None:
    survey = read_survey(write_file(tmp_path / "labels.csv", {question: labels}, rows=3))
    assert answers(survey, question) == codes


def test_labels_of_demographics_and_countries(tmp_path: Path) -> None:
    path = write_file(
        tmp_path / "labels.csv",
        {
            "A_WAVE": ["WVS wave 7 (2017-2022)", "7", "Wave 7"],
            "B_COUNTRY": ["Northern Ireland", "Germany", "Hong Kong SAR"],
            "Q260": ["Female", "Male", "2"],
            "Q275": ["Primary education (ISCED 1)", "8", "No answer"],
            "H_URBRURAL": ["Urban", "Rural", "No answer; Missing"],
            "Q279": ["Self employed", "Retired/pensioned", "Full time (30 hours a week or more)"],
            "W_WEIGHT": ["No weighting", "1.5", "0,25"],
        },
        rows=3,
    )
    survey = read_survey(path)
    assert survey.countries == ("NIR", "DEU", "HKG")
    assert survey.demographics["Q260"].tolist() == [2, 1, 2]
    assert survey.demographics["Q275"].tolist() == [1, 8, -2]
    assert survey.demographics["H_URBRURAL"].tolist() == [1, 2, -5]
    assert survey.demographics["Q279"].tolist() == [3, 4, 1]
    assert survey.demographics["B_COUNTRY"].tolist() == [909, 276, 344]
    assert survey.weight.tolist() == [1.0, 1.5, 0.25]
    assert survey.source.detected["answers"] == "labels and codes"


def test_every_labelled_code_is_on_its_scale() -> None:
    """The decoding table agrees with the codebook: the same codes, no label with two codes."""
    for question_id, question in value_questions().items():
        assert question.scale is not None
        own = listed_codes(question_id)
        assert own <= {*question.scale.codes, *question.scale.off_scale}, question_id
        for code in {question.scale.codes[0], question.scale.codes[-1]}:
            assert code in own, f"{question_id}: a pole has no label"
        for key in label_codes(question_id):
            assert label_key(key) == key
            assert code_of_label(question_id, key.upper()) == label_codes(question_id)[key]


def test_unknown_codes_raise_all_together(tmp_path: Path) -> None:
    path = write_file(
        tmp_path / "odd.csv",
        {
            "Q1": [9, 9, 1, 1],
            "Q46": ["Ecstatic", "Very happy", "1", "2"],
            "Q260": [1, 2, 3, 1],
            "B_COUNTRY": [276, 152, 152, 276],
        },
        rows=4,
    )
    with pytest.raises(
        ContractError, match=r"odd\.csv: codes that the codebook lacks: 3"
    ) as caught:
        read_survey(path)
    found = {(p.column, p.found, p.count) for p in caught.value.problems}
    assert found == {("Q1", "9", 2), ("Q46", "Ecstatic", 1), ("Q260", "3", 1)}
    messages = [str(p) for p in caught.value.problems]
    assert len(messages) == 3
    assert sum("Q1 (CHL 1, DEU 1): code '9'" in m for m in messages) == 1
    assert any("Q46 (DEU): label 'Ecstatic'" in m and "1 to 4" in m for m in messages)
    assert all("--allow-unknown" in m for m in messages)


def test_allow_unknown_makes_them_missing_and_lists_them(tmp_path: Path) -> None:
    path = write_file(
        tmp_path / "odd.csv",
        {
            "Q1": [9, 9, 1, 2.5, *[1] * 196],
            "Q46": ["Ecstatic", 1, 2, 3, *[1] * 196],
            "Q260": [1, 2, 3, 1] * 50,
        },
        rows=200,
    )
    survey = read_survey(path, allow_unknown=True)
    assert answers(survey, "Q1")[:4] == [-5, -5, 1, -5]
    assert answers(survey, "Q46")[:4] == [-5, 1, 2, 3]
    assert survey.demographics["Q260"].tolist()[:4] == [1, 2, -5, 1]
    listed = {(u.variable, u.code, u.count, u.country, u.treatment) for u in survey.unlisted}
    assert listed == {
        ("Q1", "9", 2, "DEU", "set missing"),
        ("Q1", "2.5", 1, "DEU", "set missing"),
        ("Q46", "Ecstatic", 1, "DEU", "set missing"),
        ("Q260", "3", 50, "DEU", "set missing"),
    }


@pytest.mark.parametrize("number", [11, 99, 127, 128, 250, 999, 70000])
def test_unknown_codes_of_any_size_are_seen(number: int, tmp_path: Path) -> None:
    path = write_file(tmp_path / "odd.csv", {"Q49": [number, 5]}, rows=2)
    with pytest.raises(ContractError, match=f"code '{number}'"):
        read_survey(path)


def test_every_valid_and_missing_code_passes(tmp_path: Path) -> None:
    """Valid zeros are answers, and no scale loses a code."""
    codes = [0, 1, 2, -1, -2, -3, -4, -5]
    path = write_file(tmp_path / "zeros.csv", {f"Q{n}": codes for n in range(94, 106)}, rows=8)
    survey = read_survey(path)
    for number in range(94, 106):
        assert answers(survey, f"Q{number}") == codes


def test_open_lists_and_counts_keep_their_codes(tmp_path: Path) -> None:
    path = write_file(
        tmp_path / "open.csv",
        {
            "Q223": [276001, 51041999, -1],
            "Q270": [3, 12, 63],
            "Q272": [4260, 777777, -2],
            "Q290": [276001, 999123, -4],
            "N_TOWN": [276001, 276002, -4],
            "Q263": [1, 7, 2],
        },
        rows=3,
    )
    survey = read_survey(path)
    assert survey.demographics["Q270"].tolist() == [3, 12, 63]
    assert survey.demographics["Q272"].tolist() == [4260, 777777, -2]
    assert survey.demographics["Q223"].tolist()[1] == 51041999
    assert survey.demographics["Q263"].tolist() == [1, 7, 2]
    kept = {(u.variable, u.code) for u in survey.unlisted if u.treatment == "kept"}
    assert {("Q270", "12"), ("Q270", "63"), ("Q272", "777777"), ("Q290", "999123")} <= kept
    assert {("Q223", "51041999"), ("N_TOWN", "276001"), ("Q263", "7")} <= kept
    assert ("Q270", "3") not in kept


def test_many_unlisted_codes_are_summed_up(tmp_path: Path) -> None:
    path = write_file(tmp_path / "towns.csv", {"N_TOWN": list(range(276001, 276031))}, rows=30)
    (towns,) = [u for u in read_survey(path).unlisted if u.variable == "N_TOWN"]
    assert towns.count == 30
    assert "30 codes" in towns.code


def test_text_in_an_open_list_is_set_missing_and_listed(tmp_path: Path) -> None:
    path = write_file(tmp_path / "text.csv", {"N_TOWN": ["Springfield", 276001]}, rows=2)
    survey = read_survey(path)
    assert survey.demographics["N_TOWN"].tolist() == [-5, 276001]
    assert ("Springfield", "set missing") in {(u.code, u.treatment) for u in survey.unlisted}


@pytest.mark.parametrize("weight", ["", "-1", "heavy", "inf"])
def test_bad_weights_raise(weight: str, tmp_path: Path) -> None:
    path = write_file(tmp_path / "weights.csv", {"W_WEIGHT": ["1", weight]}, rows=2)
    with pytest.raises(ContractError, match=r"row 3.*design weight"):
        read_survey(path)


def test_uruguay_stays_and_is_told_apart(tmp_path: Path) -> None:
    path = write_file(tmp_path / "ury.csv", {"D_INTERVIEW": [858069901] * 3}, rows=3)
    survey = read_survey(path)
    assert survey.respondent_id.tolist() == [276720001, 276720002, 276720003]
    assert survey.interview_id.tolist() == [858069901] * 3
    assert any("3 people share the D_INTERVIEW 858069901" in note for note in survey.notes)


def test_repeated_ids_fall_back_and_are_reported(tmp_path: Path) -> None:
    columns = {"S007": [5, 5, 6], "D_INTERVIEW": [1, 2, 3], "Q1": [1, 2, 3]}
    survey = read_survey(write_file(tmp_path / "twice.csv", columns, rows=3))
    assert survey.respondent_id.tolist() == [1, 2, 3]
    assert any("1 rows repeat a S007" in note for note in survey.notes)
    assert not any("equal an earlier one" in note for note in survey.notes)
    columns["D_INTERVIEW"] = [1, 1, 1]
    survey = read_survey(write_file(tmp_path / "thrice.csv", columns, rows=3))
    assert survey.respondent_id.tolist() == [0, 1, 2]
    assert survey.source.detected["respondent ids"] == "row number"


def test_equal_rows_are_reported_not_dropped(tmp_path: Path) -> None:
    columns = {"Q1": [1, 2, 1, 1], "Q262": [30, 40, 30, 31]}
    survey = read_survey(write_file(tmp_path / "twins.csv", columns, rows=4))
    assert len(survey) == 4
    assert any("1 rows equal an earlier one" in note for note in survey.notes)


def test_s007_01_serves_where_s007_is_lacking(tmp_path: Path) -> None:
    path = write_file(tmp_path / "ids.csv", {"S007_01": [11, 12]}, rows=2)
    text = path.read_text(encoding="utf-8").replace("S007,", "X007,")
    path.write_text(text, encoding="utf-8")
    assert read_survey(path).respondent_id.tolist() == [11, 12]


def test_labels_from_the_whole_decoding_table(tmp_path: Path) -> None:
    """Every label of every question, written out, reads as its code."""
    rows = 12
    columns: dict[str, list[object]] = {}
    expected: dict[str, list[int]] = {}
    for question_id in value_questions():
        pairs = sorted(label_codes(question_id).items())[:rows]
        pairs += [("no answer", -2)] * (rows - len(pairs))
        columns[question_id] = [f"{label}{{1}}" for label, _ in pairs]
        expected[question_id] = [code for _, code in pairs]
    path = tmp_path / "all.csv"
    write_file(path, columns, rows=rows)
    survey = read_survey(path)
    for question_id, codes in expected.items():
        assert answers(survey, question_id) == codes, question_id
    assert np.all(survey.answers >= -5)


@given(st.integers(-(10**9), 10**9), st.sampled_from(["{}", " {} ", "{}.0", "{}.", "{},00"]))
def test_a_number_reads_as_itself_however_it_is_written(code: int, form: str) -> None:
    assert question_coder("Q1").code_of_text(form.format(code)) == code


@given(st.integers(0, 10**6), st.integers(1, 99))
def test_a_broken_number_is_no_code(whole: int, cents: int) -> None:
    assert question_coder("Q1").code_of_text(f"{whole}.{cents:02}") == UNKNOWN


@given(st.floats(0, 100, allow_subnormal=False))
def test_weights_read_as_written(weight: float) -> None:
    assert number_of_text(repr(weight)) == weight
    assert number_of_text(f"{weight:.6f}".replace(".", ",")) == float(f"{weight:.6f}")


@given(st.text(max_size=30))
def test_label_keys_are_stable(label: str) -> None:
    assert label_key(label_key(label)) == label_key(label)


@given(st.lists(st.integers(-5, 12), min_size=1, max_size=12), st.lists(st.integers(0, 12)))
def test_respondent_ids_are_unique(person: list[int], interview: list[int]) -> None:
    padded = np.array((interview + [0] * len(person))[: len(person)])
    ids, _ = respondent_ids(np.array(person), padded, len(person))
    assert np.unique(ids).size == len(person)


@given(st.lists(st.tuples(st.integers(-5, 2), st.integers(0, 3)), max_size=30))
def test_equal_rows_by_counting(rows: list[tuple[int, int]]) -> None:
    """Rows less distinct rows, whatever the order."""
    table = np.array(rows, np.int8).reshape(-1, 2)
    assert equal_rows([table[:, :1], table[:, 1].astype(np.int32)]) == len(rows) - len(set(rows))
