"""Synthetic files of three waves, and the one release that is made of them."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import datasets
import numpy as np
import pyarrow.compute as pc
import pytest

from codebook.crosswalk import wave_variable
from codebook.respondents.harmonised import harmonised
from contracts.errors import ContractError
from contracts.release.read import open_release
from dataset_builder.build import build_release
from dataset_builder.options import BuildOptions
from dataset_builder.reading.waves import read_surveys
from dataset_builder.synthesis import synthesize
from dataset_builder.synthesis.earlier_waves_shares import (
    asked,
    read_wave_shares,
    wave_sizes,
    wave_templates,
)
from dataset_builder.verifying.run import verify_release

PEOPLE = {5: 280, 6: 280, 7: 256}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    folder = tmp_path_factory.mktemp("waves")
    paths = {wave: folder / f"wave{wave}.csv" for wave in PEOPLE}
    for wave, path in paths.items():
        synthesize(path, wave=wave, people=PEOPLE[wave], seed=3)
    return paths


@pytest.fixture(scope="module")
def release(files: dict[int, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("three") / "release"
    build_release(list(files.values()), folder, BuildOptions(demographics="all"))
    return folder


@pytest.mark.parametrize(("wave", "weight"), [(5, "V259"), (6, "V258")])
def test_the_layout_is_that_of_the_wave(files: dict[int, Path], wave: int, weight: str) -> None:
    with files[wave].open(encoding="utf-8", newline="") as handle:
        rows = list(csv.DictReader(handle, delimiter=";"))
    assert len(rows) == PEOPLE[wave]
    wanted = {wave_variable(q, wave) for q in asked(wave)}
    wanted |= {harmonised(wave)[name].variable for name in ("sex", "age", "education")}
    assert wanted | {"V1", "V2", "V3", weight} <= set(rows[0])
    assert {row["V1"] for row in rows} == {str(wave)}
    assert all("SYNTHETIC" in row["version"] for row in rows)


def test_codes_are_those_of_the_wave(files: dict[int, Path]) -> None:
    """Wave 6 writes "no" of V176 as 5, wave 7 as 2; Colombia has columns of its own."""
    with files[6].open(encoding="utf-8", newline="") as handle:
        crime = {row["V176"] for row in csv.DictReader(handle, delimiter=";")}
    assert "5" in crime
    assert "2" not in crime
    with files[5].open(encoding="utf-8", newline="") as handle:
        for row in csv.DictReader(handle, delimiter=";"):
            colombian = row["V2"] == "170"
            assert (row["V4"] == "-4", row["V4_CO"] == "-4") == (colombian, not colombian)


@pytest.mark.parametrize("wave", [5, 6])
def test_what_is_borrowed_is_said(files: dict[int, Path], wave: int) -> None:
    said = json.loads(Path(f"{files[wave]}.synthetic.json").read_text(encoding="utf-8"))
    reference = open_release("reference").table(
        "distributions", columns=["country", "question_id"], where=pc.field("wave") == wave
    )
    own = set(zip(*(reference.column(c).to_pylist() for c in reference.column_names), strict=True))
    countries = {t.country for t in wave_templates(wave)}
    assert set(said["borrowed_countries"]) == countries - {c for c, _ in own}
    for question in asked(wave):
        named = f"USA:{wave_variable(question, wave)}" in said["borrowed_columns"]
        assert named == (("USA", question) not in own), question


def test_shares_are_those_of_the_reference() -> None:
    """Japan, wave 6, Q1: shares are counts over their sum, missing ones included."""
    table = open_release("reference").table(
        "distributions",
        columns=["position", "n", "missing_total"],
        where=(pc.field("wave") == 6)
        & (pc.field("country") == "JPN")
        & (pc.field("question_id") == "Q1"),
    )
    rows = table.to_pylist()
    people = sum(row["n"] for row in rows) + rows[0]["missing_total"]
    shares = read_wave_shares(6)
    found = shares.everyone[shares.countries.index("JPN"), shares.questions.index("Q1")]
    for row in rows:
        assert found[row["position"]] == pytest.approx(row["n"] / people, abs=1e-6)
    assert found.sum() == pytest.approx(1, abs=1e-5)


def test_options_that_a_wave_lacked_are_not_lent() -> None:
    """Nobody of waves 5 and 6 chose 0 on Q241's scale, or "very poor" of Q47."""
    for wave, question, position in ((5, "Q241", 0), (6, "Q241", 0), (6, "Q47", 4)):
        shares = read_wave_shares(wave)
        assert not shares.everyone[:, shares.questions.index(question), position].any()


@pytest.mark.parametrize("wave", [5, 6])
def test_sizes(wave: int) -> None:
    assert sum(wave_sizes(wave, 1_000)) == 1_000
    assert wave_sizes(wave, None) == tuple(t.people for t in wave_templates(wave))
    with pytest.raises(ContractError, match=r"too-few-people.*28 or more"):
        wave_sizes(wave, 20)


def test_spss_holds_the_same_people(tmp_path: Path) -> None:
    for name in ("a.csv", "a.sav"):
        synthesize(tmp_path / name, wave=6, people=60, seed=5)
    (text,), (spss,) = (read_surveys(tmp_path / name) for name in ("a.csv", "a.sav"))
    assert np.array_equal(text.answers, spss.answers)
    assert (spss.answers < -1).any()
    assert np.allclose(text.weight, spss.weight)
    assert {v: c.tolist() for v, c in text.demographics.items()} == {
        v: c.tolist() for v, c in spss.demographics.items()
    }


def test_the_release_keeps_its_promises(release: Path) -> None:
    found = verify_release(release)
    assert found.passed, found.problems


def test_every_table_holds_every_wave(release: Path) -> None:
    opened = open_release(release)
    for table in ("responses", "respondents", "questions", "distributions"):
        waves = pc.unique(opened.table(table, columns=["wave"]).column("wave"))
        assert sorted(waves.to_pylist()) == [5, 6, 7], table
    people = opened.table("respondents", columns=["respondent_id", "wave"])
    counts = {e["values"]: e["counts"] for e in people.column("wave").value_counts().to_pylist()}
    assert counts == PEOPLE
    assert len(pc.unique(people.column("respondent_id"))) == sum(PEOPLE.values())


def test_the_manifest_says_what_every_wave_borrows(release: Path, files: dict[int, Path]) -> None:
    said = json.loads((release / "manifest.json").read_text(encoding="utf-8"))["synthetic"]
    assert said["seed"] == 3
    for wave, path in files.items():
        own = json.loads(Path(f"{path}.synthetic.json").read_text(encoding="utf-8"))
        for key in ("borrowed_countries", "borrowed_columns"):
            found = [e.removeprefix(f"wave {wave}: ") for e in said[key] if f"wave {wave}: " in e]
            assert found == own[key]


def test_questions_say_how_far_waves_compare(release: Path) -> None:
    rows = open_release(release).table("questions").to_pylist()
    found = {(r["question_id"], r["wave"]): (r["variable"], r["comparability"]) for r in rows}
    assert found["Q108", 6] == ("V98", "identical")
    assert found["Q139", 6] == ("V176", "recoded")
    assert found["Q106", 5] == ("V116", "reworded")
    assert found["Q241", 5] == ("V152", "scale changed")
    assert found["Q108", 7] == ("Q108", "identical")
    assert ("Q139", 5) not in found


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


@pytest.mark.usefixtures("own_cache")
def test_datasets_opens_it(release: Path) -> None:
    loaded = datasets.load_dataset(str(release), "responses")
    opened = open_release(release)
    for split, rows in loaded.items():
        table = opened.table("responses", split=split)
        assert rows.num_rows == table.num_rows
        assert set(rows.unique("wave")) == {5, 6, 7}
    shares = datasets.load_dataset(str(release), "distributions", split="data")
    assert set(shares.unique("wave")) == {5, 6, 7}


def test_two_files_of_one_wave_and_country_are_refused(
    files: dict[int, Path], tmp_path: Path
) -> None:
    with pytest.raises(ContractError, match=r"country-twice.*wave 6"):
        build_release([files[6], files[6]], tmp_path / "out")
