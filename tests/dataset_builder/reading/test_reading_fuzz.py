"""Whatever happens to a file's bytes: it is read, or refused with a `ContractError`."""

from __future__ import annotations

import random
import zipfile
from pathlib import Path

import polars as pl
import pytest

from contracts.errors import ContractError
from dataset_builder.reading import read_survey
from dataset_builder.synthesis import synthesize

#: How many damaged files are read; an SPSS file takes a process of its own.
TRIALS = {".csv": 25, ".sav": 4, ".zip": 25, ".xlsx": 25}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = tmp_path_factory.mktemp("fuzz")
    synthesize(folder / "a.csv", people=128, seed=0)
    synthesize(folder / "a.sav", people=128, seed=0)
    with zipfile.ZipFile(folder / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(folder / "a.csv", "a.csv")
    table = pl.read_csv(folder / "a.csv", infer_schema_length=None)
    table.select(table.columns[:90]).to_pandas().to_excel(folder / "a.xlsx", index=False)
    return {f.suffix: f.read_bytes() for f in folder.iterdir() if f.suffix != ".json"}


def damaged(content: bytes, rng: random.Random) -> bytes:
    """The bytes cut, changed, doubled in part or with something slipped in."""
    changed = bytearray(content)
    place = rng.randrange(rng.choice([min(300, len(changed)), len(changed)]))
    kind = rng.choice(["flip", "cut", "insert", "double", "blank"])
    if kind == "flip":
        for offset in range(rng.choice([1, 4])):
            changed[(place + 97 * offset) % len(changed)] = rng.randrange(256)
    elif kind == "cut":
        del changed[place:]
    elif kind == "insert":
        changed[place:place] = rng.choice([b'"', b",", b"\n", b"\r", b"\xff", b'"a\nb"', b"1e999"])
    elif kind == "double":
        changed[place:place] = changed[place : place + rng.randrange(1, 4000)]
    else:
        changed[place : place + 40] = bytes(40)
    return bytes(changed)


@pytest.mark.parametrize("suffix", TRIALS)
def test_damaged_bytes(suffix: str, files: dict[str, bytes], tmp_path: Path) -> None:
    rng = random.Random(f"seed of {suffix}")
    path = tmp_path / f"damaged{suffix}"
    errors: list[ContractError] = []
    for _ in range(TRIALS[suffix]):
        path.write_bytes(damaged(files[suffix], rng))
        try:
            survey = read_survey(path)
        except ContractError as error:
            errors.append(error)
        else:
            assert survey.answers.shape == (len(survey), len(survey.questions))
    assert len(errors) >= TRIALS[suffix] // 3
    assert all(error.problems and "Traceback" not in str(error) for error in errors)
