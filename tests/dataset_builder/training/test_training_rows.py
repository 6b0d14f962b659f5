"""Training rows: what they hold, what stays out, where they may be written."""

from __future__ import annotations

import shutil
import time
from collections import Counter
from itertools import islice
from pathlib import Path

import datasets
import numpy as np
import pytest
from made_surveys import make_survey

from contracts.errors import ContractError
from contracts.release.read import Release, open_release
from contracts.release.tables import INDIVIDUAL_TABLES
from dataset_builder.build import build_release
from dataset_builder.options import BuildOptions
from dataset_builder.publishing.public import make_public
from dataset_builder.training.options import FORMS, TrainingOptions
from dataset_builder.training.write import training_rows, write_training_data
from dataset_builder.verifying.run import verify_release

HELD = BuildOptions(hold_out_questions=("Q1", "Q46"), hold_out_countries=("JPN",))


@pytest.fixture(scope="module")
def held_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("held") / "release"
    build_release([make_survey(people=900)], folder, HELD)
    return folder


@pytest.fixture(scope="module")
def held(held_folder: Path) -> Release:
    return open_release(held_folder)


@pytest.mark.parametrize("form", FORMS)
def test_held_out_parts_stay_out(held: Release, form: str) -> None:
    groups = () if form in ("soft", "grpo") else ("sex", "age")
    options = TrainingOptions(
        questions=("all",), groups=groups, hold_out_groups=("sex=female",), limit=4000
    )
    rows = list(training_rows(held, form, options))  # type: ignore[arg-type]
    assert len(rows) > 200
    assert not {"Q1", "Q46"} & {row["question_id"] for row in rows}
    assert {row["country"] for row in rows} == {"DEU", "CHL"}
    assert "sex=female" not in {row["group"] for row in rows}
    texts = {str(row["prompt"]) for row in rows}
    assert not any("Japan" in text or "woman" in text.split("Question:")[0] for text in texts)


def test_members_of_held_out_groups_and_test_people_are_not_drawn(held: Release) -> None:
    """Counted once more from the tables: all rows are of men of the train split."""
    options = TrainingOptions(questions=("Q2",), hold_out_groups=("sex=female",))
    found = Counter(
        (row["country"], row["completion"][0]["content"])
        for row in training_rows(held, "sft", options)
    )
    people = held.table("responses", split="train").to_pandas()
    people = people[(people["question_id"] == "Q2") & (people["sex"] == "male")]
    expected = Counter(
        (country, "ABCD"[code - 1])
        for country, code in zip(people["country"], people["answer_code"], strict=True)
    )
    assert found == expected


def test_a_limit_draws_evenly_and_alike(held: Release) -> None:
    options = TrainingOptions(questions=("Q2", "Q3", "Q4"), limit=60, groups=("sex",))
    rows = list(training_rows(held, "sft", options))
    assert rows == list(training_rows(held, "sft", options))
    assert set(Counter((r["country"], r["question_id"]) for r in rows).values()) == {10}
    assert {row["group"] for row in rows} == {"", "sex=male", "sex=female"}
    other = TrainingOptions(questions=("Q2", "Q3", "Q4"), limit=60, groups=("sex",), seed=1)
    assert rows != list(training_rows(held, "sft", other))


def test_preferences_follow_the_shares(held: Release) -> None:
    rows = list(training_rows(held, "preference", TrainingOptions(questions=("Q2",))))
    assert all(row["chosen"] != row["rejected"] for row in rows)
    sft = list(training_rows(held, "sft", TrainingOptions(questions=("Q2",))))
    assert [row["chosen"] for row in rows] == [row["completion"] for row in sft]
    rejected = Counter(row["rejected"][0]["content"] for row in rows if
                       row["chosen"][0]["content"] == "A")  # fmt: skip
    assert set(rejected) == {"B", "C", "D"}


def test_soft_shares_are_the_public_ones() -> None:
    reference = open_release("reference")
    options = TrainingOptions(questions=("Q1",), countries=("DEU",), groups=("sex",))
    rows = list(training_rows(reference, "soft", options))
    assert {row["group"] for row in rows} == {"", "sex=male", "sex=female"}
    table = reference.table("distributions").to_pandas()
    table = table.query("country == 'DEU' and question_id == 'Q1' and wave == 7")
    for row in rows:
        cell = table[table["group"] == row["group"]].sort_values("position")
        expected = cell["weighted_share"] / cell["weighted_share"].sum()
        assert np.allclose(row["shares"], expected, atol=1e-6)
        assert [option["code"] for option in row["options"]] == cell["code"].tolist()


@pytest.mark.parametrize("form", FORMS)
def test_a_config_is_written_verified_and_loaded(
    held_folder: Path, tmp_path: Path, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    folder = tmp_path / "release"
    shutil.copytree(held_folder, folder)
    options = TrainingOptions(questions=("Q2", "Q3"), limit=50)
    write_training_data(open_release(folder), form, options)  # type: ignore[arg-type]
    assert verify_release(folder).passed
    assert not list(folder.glob(".partial-*"))
    rows = list(training_rows(open_release(folder), form, options))  # type: ignore[arg-type]
    loaded = datasets.load_dataset(str(folder), form, split="train")
    assert loaded.num_rows == len(rows)
    assert loaded[0]["prompt"] == rows[0]["prompt"]
    assert next(iter(datasets.load_dataset(str(folder), form, split="train", streaming=True)))
    with pytest.raises(ContractError, match="already"):
        write_training_data(open_release(folder), form, options)  # type: ignore[arg-type]
    make_public(open_release(folder), tmp_path / "public")
    held_back = open_release(tmp_path / "public").manifest.tables
    assert not set(INDIVIDUAL_TABLES) & set(held_back)


@pytest.mark.parametrize("form", ["sft", "preference", "grpo"])
def test_microdata_never_enters_a_public_release(
    held_folder: Path, tmp_path: Path, form: str
) -> None:
    make_public(open_release(held_folder), tmp_path / "public")
    public = open_release(tmp_path / "public")
    with pytest.raises(ContractError, match="public release holds no"):
        write_training_data(public, form, TrainingOptions())  # type: ignore[arg-type]
    with pytest.raises(ContractError, match=r"holds none"):
        list(training_rows(public, "sft", TrainingOptions(limit=5)))


def test_soft_rows_of_a_public_release_pass_its_checks(held_folder: Path, tmp_path: Path) -> None:
    """Shares of every question, those with answers that nobody read out among them."""
    make_public(open_release(held_folder), tmp_path / "public")
    public = open_release(tmp_path / "public")
    write_training_data(public, "soft", TrainingOptions(questions=("all",)))
    assert verify_release(tmp_path / "public").passed
    assert open_release(tmp_path / "public").manifest.tables["soft"].rows > 200


def test_unknown_names_are_listed_at_once() -> None:
    options = TrainingOptions(questions=("Q999",), countries=("XXX",), groups=("shoe",), limit=0)
    with pytest.raises(ContractError, match=r"(?s)Q999.*XXX.*shoe.*limit"):
        list(training_rows(open_release("reference"), "soft", options))


def test_streaming_is_fast(held: Release) -> None:
    """Not asserted: how many rows a CPU second gives."""
    start = time.process_time()
    rows = sum(1 for _ in islice(training_rows(held, "sft", TrainingOptions()), 50_000))
    print(f"{rows / (time.process_time() - start):,.0f} rows per CPU second")
    assert rows == 50_000
