"""Every file of the corpus of broken predictions is refused with the problems its table names."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions

FOLDER = Path(__file__).parents[2] / "fixtures" / "predictions" / "broken"
EXPECTED = tomllib.loads((FOLDER / "expected.toml").read_text(encoding="utf-8"))


def test_table_and_folder_name_the_same_files() -> None:
    files = {p.name for p in FOLDER.iterdir()} - {"expected.toml"}
    assert {name for name in files if not name.endswith(".meta.json")} == set(EXPECTED)


@pytest.mark.parametrize("name", sorted(EXPECTED))
def test_broken_file_is_refused_with_every_problem(name: str) -> None:
    with pytest.raises(ContractError, match=r"\[[a-z0-9-]+\] ") as caught:
        read_predictions(FOLDER / name)
    found = [[p.code, p.row or 0, p.column] for p in caught.value.problems]
    assert found == EXPECTED[name]


def test_a_problem_says_place_found_allowed_and_next_step() -> None:
    with pytest.raises(ContractError, match="unknown-option") as caught:
        read_predictions(FOLDER / "unknown_option.jsonl")
    (problem,) = caught.value.problems
    assert problem.to_json() == {
        "code": "unknown-option",
        "message": "Q1 has no such option",
        "where": str(FOLDER / "unknown_option.jsonl"),
        "row": 3,
        "column": "option",
        "found": "'7'",
        "allowed": "1, 2, 3, 4",
        "hint": "Options are the survey's raw codes.",
        "count": 1,
    }
