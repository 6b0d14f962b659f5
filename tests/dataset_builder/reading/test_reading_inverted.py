"""Releases whose scales run against the questionnaire."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pyreadstat
import pytest

from codebook import scales
from contracts.errors import ContractError
from dataset_builder.reading import read_survey
from dataset_builder.reading.direction import direction_of, mirror_of

PLAIN = [f"Q{n}" for n in range(7, 40)]


def frame(**columns: list[object]) -> pl.DataFrame:
    rows = len(next(iter(columns.values())))
    fixed: dict[str, list[object]] = {"B_COUNTRY": [276] * rows, "S007": list(range(1, rows + 1))}
    return pl.DataFrame({**fixed, **{q: [1] * rows for q in PLAIN}, **columns}, strict=False)


def test_columns_named_q1p_are_turned_back(tmp_path: Path) -> None:
    """Importance runs 1-4: turned round, c becomes 5 - c; missing codes stay."""
    path = tmp_path / "inverted.csv"
    codes = [1, 2, 3, 4, -1, -5]
    frame(Q1P=codes, Q2=codes).write_csv(path)
    survey = read_survey(path)
    assert survey.questions[:2] == ("Q1", "Q2")
    assert survey.answers[:, 0].tolist() == [4, 3, 2, 1, -1, -5]
    assert survey.answers[:, 1].tolist() == codes
    assert survey.source.detected["direction"] == "inverted, turned back"
    assert any("Q1" in note and "inverted" in note for note in survey.notes)


def test_labels_of_an_inverted_file_mean_what_they_say(tmp_path: Path) -> None:
    """A label carries its own direction; only numbers are turned back."""
    path = tmp_path / "labels.csv"
    frame(Q1P=["Very important", "Not at all important", "3", "4.0", "No answer"]).write_csv(path)
    assert read_survey(path).answers[:, 0].tolist() == [1, 4, 2, 1, -2]


def test_the_questionnaire_column_counts_where_both_are_there(tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    frame(Q1=[1, 2], Q1P=[4, 3]).write_csv(path)
    survey = read_survey(path)
    assert survey.answers[:, 0].tolist() == [1, 2]
    assert survey.source.detected["direction"] == "questionnaire"


@pytest.mark.parametrize("question", ["Q119", "Q94", "Q241", "Q149", "Q56"])
def test_scales_without_a_plain_mirror_image_are_refused(question: str, tmp_path: Path) -> None:
    path = tmp_path / "inverted.csv"
    frame(**{f"{question}P": [1, 2]}).write_csv(path)
    with pytest.raises(ContractError, match=rf"column {question}P.*cannot be undone"):
        read_survey(path)


def test_value_labels_of_a_sav_decide(tmp_path: Path) -> None:
    """An SPSS file that is inverted without saying so in its names is turned back all the same."""
    path = tmp_path / "inverted.sav"
    labels = {
        4.0: "Very important",
        3.0: "Rather important",
        2.0: "Not very important",
        1.0: "Not at all important",
        -1.0: "Don´t know",
    }
    pyreadstat.write_sav(
        frame(Q1=[1, 2, 3, 4, -1]), str(path), variable_value_labels={"Q1": labels}
    )
    survey = read_survey(path)
    assert survey.answers[:, 0].tolist() == [4, 3, 2, 1, -1]
    assert survey.source.detected["direction"] == "inverted, turned back"


def test_value_labels_clear_a_column_named_q1p(tmp_path: Path) -> None:
    path = tmp_path / "plain.sav"
    labels = {1.0: "Very important", 4.0: "Not at all important"}
    pyreadstat.write_sav(frame(Q1P=[1, 4]), str(path), variable_value_labels={"Q1P": labels})
    survey = read_survey(path)
    assert survey.answers[:, 0].tolist() == [1, 4]


def test_labels_map_codes_that_are_no_mirror_image() -> None:
    """Q56: 1 better, 2 worse, 3 about the same; a file that moves the middle is understood."""
    labels = {1: "Better off", 2: "Or about the same", 3: "Worse off"}
    mapping = direction_of("Q56", value_labels=labels, inverted=False, header="Q56")
    assert mapping == {2: 3, 3: 2}


def test_contradicting_labels_are_refused() -> None:
    labels = {1: "Very important", 2: "Not at all important"}
    with pytest.raises(ContractError, match="Q1 are turned round or changed"):
        direction_of("Q1", value_labels=labels, inverted=False, header="Q1")


def test_mirror_images() -> None:
    assert mirror_of(scales()["importance4"]) == {1: 4, 2: 3, 3: 2, 4: 1}
    assert mirror_of(scales()["life_satisfaction10"]) == {c: 11 - c for c in range(1, 11)}
    assert mirror_of(scales()["women_corrupt5"]) is None
    assert mirror_of(scales()["society3"]) is None
