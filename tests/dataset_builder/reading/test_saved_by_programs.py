"""Files that statistics programs saved: factors with numbers of their own, merged tables."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from contracts.errors import ContractError
from dataset_builder.reading.direction import renumbered
from dataset_builder.reading.waves import read_surveys
from dataset_builder.survey import Survey
from dataset_builder.synthesis import synthesize

KEPT = {
    7: ["A_WAVE", "B_COUNTRY", "S007", "Q1", "Q36", "Q49", "Q111", "Q131", "Q260", "Q262", "Q273"],
    6: ["V1", "V2", "V3", "V4", "V10", "V23", "V240", "V242", "V57"],
}


@pytest.mark.parametrize(
    ("variable", "labels", "codes"),
    [
        ("Q260", {1: "Female", 2: "Male"}, {1: 2, 2: 1}),
        ("Q260", {0: "Male", 1: "Female"}, {0: 1, 1: 2}),
        ("Q260", {1: "Male", 2: "Female"}, {}),
        ("Q260", {1: "Male", 2: "Female", -1: "Don't know"}, {}),
        ("Q260", {1: "Woman-ish", 2: "Male"}, {}),
        ("Q260", {1: "No answer", 2: "Male", 3: "Female"}, {1: -2, 2: 1, 3: 2}),
        ("Q49", {1: "Completely satisfied", 2: "7", 3: "No answer"}, {1: 10, 2: 7, 3: -2}),
        ("Q131", {1: "Very secure", 2: "very  secure"}, {}),
        ("B_COUNTRY", {1: "Chile", 2: "Germany"}, {1: 152, 2: 276}),
        ("Q1", {}, {}),
    ],
)
def test_numbers_given_anew_go_back_by_their_labels(
    variable: str, labels: dict[int, str], codes: dict[int, int]
) -> None:
    assert renumbered(variable, labels) == codes


@dataclass(frozen=True)
class Factors:
    """A few columns of a synthetic file as factors of R or categories of pandas.

    Attributes:
        wave: the wave.
        survey: what the file itself holds.
        frame: the columns, with numbers 1 to m in the order of the alphabet.
        labels: label of each number, by column.
    """

    wave: int
    survey: Survey
    frame: pd.DataFrame
    labels: dict[str, dict[int, str]]

    def save(self, path: Path) -> Path:
        """Write them as SPSS or Stata."""
        write = pyreadstat.write_sav if path.suffix == ".sav" else pyreadstat.write_dta
        write(self.frame, str(path), variable_value_labels=self.labels)  # type: ignore[arg-type]
        return path


def _text(entry: object) -> str:
    return str(int(entry)) if isinstance(entry, float) else str(entry)


@pytest.fixture(scope="module", params=sorted(KEPT))
def factors(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Factors:
    wave = request.param
    source = tmp_path_factory.mktemp("factors") / f"wave{wave}.sav"
    synthesize(source, people=300, wave=wave)
    (survey,) = read_surveys(source)
    few, meta = pyreadstat.read_sav(
        str(source), user_missing=True, apply_value_formats=True, usecols=KEPT[wave]
    )
    labels: dict[str, dict[int, str]] = {}
    for name in few.columns:
        if name in meta.variable_value_labels:
            texts = [_text(entry) for entry in few[name].astype(object)]
            levels = sorted(set(texts))
            labels[name] = {number + 1: text for number, text in enumerate(levels)}
            few[name] = [levels.index(text) + 1 for text in texts]
    return Factors(wave, survey, few, labels)


def column(survey: Survey, question: str) -> list[int]:
    codes: list[int] = survey.answers[:, survey.questions.index(question)].tolist()
    return codes


@pytest.mark.parametrize("ending", [".sav", ".dta"])
def test_factors_saved_as_spss_or_stata(factors: Factors, ending: str, tmp_path: Path) -> None:
    expected = factors.survey
    (found,) = read_surveys(factors.save(tmp_path / f"factors{ending}"))
    assert found.questions
    for question in found.questions:
        assert column(found, question) == column(expected, question), question
    assert found.countries == expected.countries
    np.testing.assert_array_equal(found.country, expected.country)
    for variable, codes in found.demographics.items():
        np.testing.assert_array_equal(codes, expected.demographics[variable], variable)
    if factors.wave == 7:
        assert any("renumbered the answers" in note for note in found.notes)


@pytest.mark.parametrize(
    ("text", "answers"),
    [
        ("B_COUNTRY\tQ1\tQ2\n1\t276\t1\t2\n2\t276\t2\t3\n", [[1, 2], [2, 3]]),
        ("B_COUNTRY;Q1;Q2\n276;1;2;\n276;2;3;\n", [[1, 2], [2, 3]]),
        ("B_COUNTRY;Q1;Q2;\n276;1;2;\n276;2;3;\n", [[1, 2], [2, 3]]),
        ("B_COUNTRY_ALPHA,Q1,Q2\nDE,1,2\nde,2,3\n", [[1, 2], [2, 3]]),
        ("\ufeff\ufeffB_COUNTRY, Q1, Q2\n276, 1, 2\n276, 2, 3\n", [[1, 2], [2, 3]]),
    ],
)
def test_small_habits_of_programs(text: str, answers: list[list[int]], tmp_path: Path) -> None:
    path = tmp_path / "habit.csv"
    path.write_text(text, encoding="utf-8")
    (survey,) = read_surveys(path)
    assert survey.countries == ("DEU",)
    assert survey.answers.tolist() == answers


def test_merged_columns_are_not_read_in_silence(tmp_path: Path) -> None:
    path = tmp_path / "merged.csv"
    path.write_text("B_COUNTRY,Q1.x,Q1.y,Q2,Q3.1\n276,1,2,3,4\n", encoding="utf-8")
    (survey,) = read_surveys(path)
    assert survey.questions == ("Q2",)
    assert any("Q1.x, Q1.y, Q3.1 are not read" in note for note in survey.notes)


def test_the_sheet_that_holds_the_data_is_read(tmp_path: Path) -> None:
    path = tmp_path / "book.xlsx"
    with pd.ExcelWriter(path) as book:
        pd.DataFrame({"About": ["this file"]}).to_excel(book, sheet_name="Read me", index=False)
        data = pd.DataFrame({"B_COUNTRY": [276, 276], "Q1": [1, -1]})
        data.to_excel(book, sheet_name="Data", index=False)
    (survey,) = read_surveys(path)
    assert column(survey, "Q1") == [1, -1]
    assert survey.source.detected["sheet"] == "Data"


def test_a_code_without_a_label_means_nothing_among_codes_given_anew(tmp_path: Path) -> None:
    """It could be any answer, so it is an error, as every unknown code."""
    path = tmp_path / "anew.sav"
    labels = {1: "No answer", 2: "Not at all important", 3: "Very important"}
    frame = pd.DataFrame({"B_COUNTRY": [276] * 4, "Q1": [1, 2, 3, 4]})
    pyreadstat.write_sav(frame, str(path), variable_value_labels={"Q1": labels})
    with pytest.raises(ContractError, match=r"Q1 .DEU.: label '4.0' is not in the codebook"):
        read_surveys(path)
    pyreadstat.write_sav(frame.head(3), str(path), variable_value_labels={"Q1": labels})
    assert column(read_surveys(path)[0], "Q1") == [-2, 4, 1]
