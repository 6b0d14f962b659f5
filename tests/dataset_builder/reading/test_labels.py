"""Labels as other programs write them, and files saved with labels in place of codes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyreadstat
import pytest

from codebook import value_questions
from codebook.respondents.demographics import demographics
from dataset_builder.reading.labels import code_of_label, label_codes, loose_key
from dataset_builder.reading.own_labels import own_labels
from dataset_builder.reading.variables import known_names, variable_name
from dataset_builder.reading.waves import read_surveys
from dataset_builder.reading.waves.schools import SCHOOL_TYPES, level_of_label, school_levels
from dataset_builder.survey import Survey
from dataset_builder.synthesis import synthesize

PEOPLE = {5: 400, 6: 400, 7: 300}


@pytest.mark.parametrize(
    ("question", "label", "code"),
    [
        ("Q36", "Agree strongly", 1),
        ("Q36", "Strongly disagree", 5),
        ("Q41", "Neither agree nor disagree", 3),
        ("Q41", "Agree strongly", 1),
        ("Q279", "Homemaker not otherwise employed", 5),
        ("Q1", "Other missing; Multiple answers Mail (EVS)", -5),
        ("Q258", "Other missing; Multiple answers Mail (EVS)", -5),
        ("Q142", "A good deal", 2),
        ("Q112", "10 There is abundant corruption in my country", 10),
        ("Q111", "Protecting environment", 1),
        ("Q49", "[10] Completely satisfied", 10),
        ("Q1", "[1] Very important", 1),
        ("Q1", "4. Not at all important", 4),
        ("Q1", "-1 Don't know", -1),
        ("Q1", "2 Very important", None),
        ("Q1", "7", None),
        ("Q108", "Government should take more responsibility to ensure that everyone is", 1),
        ("Q110", "Hard work doesn´t generally bring success—it's more a matter", 10),
        ("Q130", "Place strict limits on the number of foreigners who can come", 3),
        ("Q42", "The entire way our society is organized must be radically ch", 1),
        ("Q153", "Seeing that people have more say about how things are done a", 3),
        ("Q156", "Progress toward a society in which ideas count more than mon", 3),
        ("Q156", "Progress toward a society", None),
        ("Q130", "Place strict limits", None),
    ],
)
def test_labels_of_other_programs_and_releases(question: str, label: str, code: int | None) -> None:
    assert code_of_label(question, label) == code


def test_every_label_cut_at_sixty_bytes_is_known() -> None:
    """SPSS cut value labels at 60 bytes, in the midst of a letter where it fell so."""
    cut_labels = 0
    for question in value_questions():
        for label, code in label_codes(question).items():
            cut = label.encode()[:60].decode(errors="replace")
            if len(label.encode()) > 60:
                cut_labels += 1
            assert code_of_label(question, cut) == code, (question, cut)
    assert cut_labels > 10


def test_own_words_and_the_survey_agree() -> None:
    """No label of the project's own is another code's label in a file of the survey."""
    for variable in (*value_questions(), *demographics()):
        words = own_labels(variable)
        assert len({text.casefold() for text in words.values()}) == len(words)
        for code, text in words.items():
            assert code_of_label(variable, text) == code, (variable, text)


def test_no_loose_key_hides_two_codes() -> None:
    """Two answers to one question never differ by an article or the place of an adverb alone."""
    for question in value_questions():
        found: dict[str, int] = {}
        for key, code in label_codes(question).items():
            assert found.setdefault(loose_key(key), code) == code, (question, key)


def test_waves_are_known_by_their_years() -> None:
    years = ["2017-2022", "2017-2020", "2010-2014", "2010-2016", "2005-2009", "1999-2004"]
    assert [code_of_label("A_WAVE", text) for text in years] == [7, 7, 6, 6, 5, 4]
    assert code_of_label("A_WAVE", "EVS wave 5 (2017-2021)") == 5
    assert code_of_label("A_WAVE", "long ago") is None


def test_types_of_school_have_the_level_of_their_code() -> None:
    levels = school_levels(timeseries=False)
    assert {c: level_of_label(text) for c, text in SCHOOL_TYPES.items()} == dict(levels)
    assert level_of_label("University with degree/Higher education - upper-level") == 6
    assert level_of_label("Inadequately completed elementary education") == 0
    assert level_of_label("Completed (compulsory) elementary education") == 1
    assert level_of_label("Harvard") is None


@dataclass(frozen=True)
class Synthetic:
    """A synthetic SPSS file, what it holds, and its columns that are read."""

    sav: Path
    survey: Survey
    columns: list[str]

    def labelled(self, *, user_missing: bool) -> pd.DataFrame:
        """The file with labels in place of codes, as SPSS and pandas save it.

        A few columns at a time: pyreadstat labels them in a time that grows with their square.
        """
        parts = [
            pyreadstat.read_sav(
                str(self.sav),
                apply_value_formats=True,
                user_missing=user_missing,
                usecols=self.columns[start : start + 20],
            )[0].astype(object)
            for start in range(0, len(self.columns), 20)
        ]
        return pd.concat(parts, axis=1)


@pytest.fixture(scope="module", params=sorted(PEOPLE))
def synthetic(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Synthetic:
    wave = request.param
    path = tmp_path_factory.mktemp("labelled") / f"wave{wave}.sav"
    synthesize(path, people=PEOPLE[wave], wave=wave)
    (survey,) = read_surveys(path)
    _, meta = pyreadstat.read_sav(str(path), metadataonly=True)
    names = list(meta.column_names)
    if wave == 7:
        # Every second column of the file is never read: interviewers, indices, countries' figures.
        names = [name for name in names if variable_name(name) in known_names().values()]
        assert len(names) > 290
    return Synthetic(path, survey, names)


def assert_same_answers(one: Survey, other: Survey, *, missing: bool = True) -> None:
    first, second = one.answers, other.answers
    if not missing:
        first, second = np.maximum(first, -1), np.maximum(second, -1)
    np.testing.assert_array_equal(first, second)
    assert one.countries == other.countries
    np.testing.assert_array_equal(one.country, other.country)
    assert set(one.demographics) == set(other.demographics)
    for variable, codes in one.demographics.items():
        known = codes if missing else np.maximum(codes, -1)
        found = other.demographics[variable]
        np.testing.assert_array_equal(known, found if missing else np.maximum(found, -1), variable)


def test_labels_in_place_of_codes_read_as_the_codes(synthetic: Synthetic, tmp_path: Path) -> None:
    """The synthetic file of every wave, saved with labels, gives the same answers."""
    path = tmp_path / "labelled.csv"
    synthetic.labelled(user_missing=True).to_csv(path, index=False)
    (labels,) = read_surveys(path)
    assert_same_answers(synthetic.survey, labels)
    assert not [code for code in labels.unlisted if code.treatment != "kept"]


def test_labels_with_their_codes_as_r_writes_them(synthetic: Synthetic, tmp_path: Path) -> None:
    """haven's as_factor(levels = "both"): "[1] Very important"; blanks "NA"; row numbers."""
    frame, meta = pyreadstat.read_sav(
        str(synthetic.sav), user_missing=True, usecols=synthetic.columns
    )
    columns = {}
    for name, codes in frame.items():
        labels = meta.variable_value_labels.get(name, {})
        columns[name] = [f"[{int(c)}] {labels[c]}" if c in labels else c for c in codes.tolist()]
    path = tmp_path / "from_r.csv"
    pd.DataFrame(columns, dtype=object).to_csv(path, index=True, index_label="", na_rep="NA")
    (found,) = read_surveys(path)
    assert_same_answers(synthetic.survey, found)


def test_kinds_of_missing_that_a_program_drops_are_missing(
    synthetic: Synthetic, tmp_path: Path
) -> None:
    """Without user_na R and pandas turn every kind of missing into a blank: -5, no error."""
    path = tmp_path / "blanks.csv"
    frame = synthetic.labelled(user_missing=False)
    frame.to_csv(path, index=False, sep=";", decimal=",", encoding="utf-8-sig")
    (labels,) = read_surveys(path)
    assert_same_answers(synthetic.survey, labels, missing=False)
