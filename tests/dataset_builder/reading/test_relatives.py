"""Subsets of the survey's files, files of its relatives, and further formats."""

from __future__ import annotations

import gzip
import sys
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyreadr
import pytest

from codebook.crosswalk import wave_variable
from contracts.errors import ContractError
from dataset_builder.build import build_release
from dataset_builder.reading import read_survey
from dataset_builder.reading.waves import read_surveys
from dataset_builder.survey import Survey
from dataset_builder.synthesis import synthesize


@pytest.fixture(scope="module")
def pooled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("relatives") / "pooled.csv"
    synthesize(path, people=200, seed=3)
    return path


@pytest.fixture(scope="module")
def frame(pooled: Path) -> pd.DataFrame:
    return pd.read_csv(pooled, low_memory=False)


@pytest.fixture(scope="module")
def expected(pooled: Path) -> Survey:
    return read_survey(pooled)


def assert_same(found: Survey, expected: Survey) -> None:
    np.testing.assert_array_equal(found.answers, expected.answers)
    np.testing.assert_array_equal(found.respondent_id, expected.respondent_id)
    np.testing.assert_allclose(found.weight, expected.weight)
    for variable, codes in expected.demographics.items():
        np.testing.assert_array_equal(found.demographics[variable], codes, err_msg=variable)


def one_row(path: Path, names: list[str], cells: list[object] | None = None) -> Path:
    row = cells if cells is not None else [1] * len(names)
    path.write_text(",".join(names) + "\n" + ",".join(map(str, row)) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize("keep", [["Q46"], ["Q1", "Q57", "Q164"], ["Q199P"]])
def test_a_file_with_few_questions_builds(
    keep: list[str], frame: pd.DataFrame, tmp_path: Path
) -> None:
    names = [name.removesuffix("P") for name in keep]
    few = frame[["B_COUNTRY_ALPHA", "W_WEIGHT", "Q260", "Q262", *names]]
    few.columns = ["B_COUNTRY_ALPHA", "W_WEIGHT", "Q260", "Q262", *keep]
    few.to_csv(tmp_path / "few.csv", index=False)
    manifest = build_release([tmp_path / "few.csv"], tmp_path / "release")
    assert manifest.counts["questions"] == len(keep)
    assert manifest.counts["people"] == len(frame)


def test_few_questions_of_an_earlier_wave(tmp_path: Path) -> None:
    names = ["V1", "V2", "V3", *(str(wave_variable(q, 6)) for q in ("Q1", "Q46"))]
    (survey,) = read_surveys(one_row(tmp_path / "w6.csv", names, [6, 276, 1, 2, 3]))
    assert (survey.wave, survey.questions) == (6, ("Q1", "Q46"))


def test_lower_case_names(frame: pd.DataFrame, expected: Survey, tmp_path: Path) -> None:
    small = frame.rename(columns=str.lower)
    small.to_csv(tmp_path / "lower.csv", index=False)
    assert_same(read_survey(tmp_path / "lower.csv"), expected)
    synthesize(tmp_path / "w6.csv", people=100, wave=6)
    text = (tmp_path / "w6.csv").read_text(encoding="utf-8")
    head, _, rest = text.partition("\n")
    (tmp_path / "lower6.csv").write_text(head.lower() + "\n" + rest, encoding="utf-8")
    (one,), (other,) = read_surveys(tmp_path / "w6.csv"), read_surveys(tmp_path / "lower6.csv")
    np.testing.assert_array_equal(one.answers, other.answers)


SERIES = ["A001", "A008", "A165", "E023", "F001"]


@pytest.mark.parametrize(
    ("names", "cells", "says", "never"),
    [
        (
            ["studynoc", "version", "study", "wave", "uniqid", "cntry", "cntry_AN", *SERIES],
            None,
            r"joint file of EVS and WVS.*file of wave 7",
            "time series",
        ),
        (["study", "wave", "cntry"], None, "joint file of EVS and WVS", "time series"),
        (
            ["S001", "S002VS", "S002EVS", "S003", *SERIES],
            None,
            "Integrated Values Surveys.*own trend file",
            "joint file",
        ),
        (
            ["studyno", "id_cocas", "country", "c_abrv", *(f"v{n}" for n in range(1, 100))],
            None,
            "European Values Study.*wave 7",
            "time series",
        ),
        (
            ["V2", *(f"V{n}" for n in range(3, 300)), "weight"],
            [36, *[1] * 297, 0.9],
            "Australian archive.*wave 7",
            "time series",
        ),
        (["V1", "V2", "V4"], [4, 276, 1], "which-wave.*found 4.*waves 1 to 4 are not read", "EVS"),
        (["B_COUNTRY", "Q260", "Q262"], None, "holds none of the questions Q1 to Q259", "EVS"),
        (["Q1", "Q2", "Q3", "country"], None, "no column B_COUNTRY.*any survey's", "EVS"),
        (
            [f"A{n:03}" for n in range(1, 40)],
            None,
            r"columns of wave and country \(S002VS, S003\) are lacking",
            "EVS",
        ),
    ],
)
def test_what_it_is_and_what_to_take_instead(
    names: list[str], cells: list[object] | None, says: str, never: str, tmp_path: Path
) -> None:
    path = one_row(tmp_path / "relative.csv", names, cells)
    with pytest.raises(ContractError, match=f"(?s){says}") as caught:
        read_surveys(path)
    assert never not in str(caught.value)
    assert caught.value.problems[0].hint


def test_the_joint_file_is_named_whatever_reader_is_asked(tmp_path: Path) -> None:
    path = one_row(tmp_path / "joint.csv", ["study", "wave", "cntry", *SERIES])
    with pytest.raises(ContractError, match="joint file"):
        read_survey(path)


@pytest.mark.parametrize("ending", ["parquet", "feather", "csv.gz", "sav.gz", "zip"])
def test_further_formats_give_the_same(
    ending: str, frame: pd.DataFrame, pooled: Path, expected: Survey, tmp_path: Path
) -> None:
    path = tmp_path / f"survey.{ending}"
    if ending == "parquet":
        frame.to_parquet(path)
    elif ending == "feather":
        frame.to_feather(path)
    elif ending == "csv.gz":
        path.write_bytes(gzip.compress(pooled.read_bytes()))
    elif ending == "sav.gz":
        synthesize(tmp_path / "survey.sav", people=200, seed=3)
        path.write_bytes(gzip.compress((tmp_path / "survey.sav").read_bytes()))
    else:
        frame.to_parquet(tmp_path / "inner.parquet")
        with zipfile.ZipFile(path, "w") as archive:
            archive.write(tmp_path / "inner.parquet", "inner.parquet")
    assert_same(read_survey(path), expected)


def test_labels_in_parquet(frame: pd.DataFrame, tmp_path: Path) -> None:
    """Categories, text, blanks and whole numbers as floats, as polars and pandas write them."""
    few = frame[["B_COUNTRY", "Q1", "Q2", "Q46"]].head(4).astype(object)
    few["Q1"] = pd.Categorical(["Very important", "Rather important", None, "Don't know"])
    few["Q2"] = [1.0, float("nan"), 3.0, -2.0]
    few["Q46"] = ["1", "Very happy", "NA", None]
    few.to_parquet(tmp_path / "labels.parquet")
    survey = read_survey(tmp_path / "labels.parquet")
    assert survey.answers.T.tolist() == [[1, 2, -5, -1], [1, -5, 3, -2], [1, 1, -5, -5]]
    pl.read_parquet(tmp_path / "labels.parquet").write_ipc(tmp_path / "labels.arrow")
    again = read_survey(tmp_path / "labels.arrow")
    np.testing.assert_array_equal(again.answers, survey.answers)


@pytest.mark.parametrize("name", ["cut.parquet", "cut.feather", "cut.csv.gz", "cut.rds"])
def test_damage_is_named(name: str, frame: pd.DataFrame, pooled: Path, tmp_path: Path) -> None:
    whole = tmp_path / "whole"
    if name.endswith("parquet"):
        frame.to_parquet(whole)
    elif name.endswith("feather"):
        frame.to_feather(whole)
    else:
        start = b"RDX3\nX\n" if name.endswith("rds") else b""
        whole.write_bytes(gzip.compress(start + pooled.read_bytes()))
    path = tmp_path / name
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(ContractError, match=r"damaged|pyreadr"):
        read_survey(path)


def test_a_gzip_bomb_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dataset_builder.reading.formats.archive._FREE_BYTES", 10_000)
    path = tmp_path / "bomb.csv.gz"
    path.write_bytes(gzip.compress(bytes(5_000_000)))
    with pytest.raises(ContractError, match="unpacks to more"):
        read_survey(path)


def test_files_of_r_without_their_reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "survey.rds"
    path.write_bytes(gzip.compress(b"X\n\0\0\0\3" + bytes(50)))
    monkeypatch.setitem(sys.modules, "pyreadr", None)
    monkeypatch.setattr("dataset_builder.reading.formats.readstat_file.find_spec", lambda _: None)
    with pytest.raises(ContractError, match=r"opinion-atlas\[r\].*write\.csv"):
        read_survey(path)


@pytest.mark.parametrize("ending", ["rds", "RData"])
def test_files_of_r(ending: str, frame: pd.DataFrame, expected: Survey, tmp_path: Path) -> None:
    path = tmp_path / f"survey.{ending}"
    if ending == "rds":
        pyreadr.write_rds(path, frame, compress="gzip")
    else:
        pyreadr.write_rdata(path, frame, df_name="wvs7")
    found = read_survey(path)
    assert_same(found, expected)
    assert found.source.detected["format"] == "R (.rds, .RData)"


def test_factors_of_r_are_labels(tmp_path: Path) -> None:
    few = pd.DataFrame({"B_COUNTRY": ["Germany", "Chile"], "Q1": ["Very important", None]})
    few["Q1"] = few["Q1"].astype("category")
    pyreadr.write_rds(tmp_path / "few.rds", few)
    survey = read_survey(tmp_path / "few.rds")
    assert survey.countries == ("DEU", "CHL")
    assert survey.answers[:, 0].tolist() == [1, -5]
