"""Errors say everything at once; outputs appear whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from contracts.atomic import PARTIAL_PREFIX, atomic_file, atomic_folder, write_text
from contracts.errors import SHOWN_PROBLEMS, ContractError, Problem, fail
from contracts.versions import check_schema_version


def test_problem_says_what_where_found_and_allowed() -> None:
    problem = Problem(
        "unknown-code",
        "code 9 is not on the scale",
        where="file.csv",
        row=3,
        column="Q46",
        found="9",
        allowed="1-4",
        hint="Correct the file.",
    )
    assert str(problem) == (
        "[unknown-code] file.csv, row 3, column Q46: code 9 is not on the scale; "
        "found 9; allowed: 1-4. Correct the file."
    )


def test_error_caps_what_it_prints_and_keeps_all() -> None:
    error = ContractError([Problem("x", f"number {i}") for i in range(50)], subject="predictions")
    assert str(error).startswith("predictions: 50 problems")
    assert f"and {50 - SHOWN_PROBLEMS} more problems" in str(error)
    assert len(error.to_json()["problems"]) == 50  # type: ignore[arg-type]


def test_fail_makes_an_error_of_one_problem() -> None:
    with pytest.raises(ContractError, match=r"\[odd\] here: strange"):
        raise fail("odd", "strange", where="here")


def _write_half(path: Path) -> None:
    path.write_text("half")
    raise ZeroDivisionError("midway")


def test_file_appears_whole_or_not_at_all(tmp_path: Path) -> None:
    target = tmp_path / "deep" / "file.txt"
    with pytest.raises(ZeroDivisionError, match="midway"), atomic_file(target) as partial:
        _write_half(partial)
    assert not target.exists()
    assert list(target.parent.iterdir()) == []
    write_text(target, "whole")
    assert target.read_text() == "whole"


def test_folder_is_not_replaced_unless_asked(tmp_path: Path) -> None:
    target = tmp_path / "release"
    with atomic_folder(target) as partial:
        (partial / "a").write_text("1")
    with pytest.raises(ContractError, match="exists already"), atomic_folder(target):
        pass
    with (
        pytest.raises(ZeroDivisionError, match="midway"),
        atomic_folder(target, replace=True) as partial,
    ):
        _write_half(partial / "a")
    assert (target / "a").read_text() == "1"
    with atomic_folder(target, replace=True) as partial:
        (partial / "a").write_text("3")
    assert (target / "a").read_text() == "3"
    assert [p.name for p in tmp_path.iterdir() if p.name.startswith(PARTIAL_PREFIX)] == []


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_read_only_place_is_a_clear_error(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ContractError, match="cannot write"):
        write_text(tmp_path / "x" / "y.txt", "")


def test_place_below_a_file_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(ContractError, match="cannot write"):
        write_text(tmp_path / "file" / "y.txt", "")


@pytest.mark.parametrize("found", ["1.0", "1.7"])
def test_present_schema_version_is_read(found: str) -> None:
    check_schema_version(found, where="x")


@pytest.mark.parametrize("found", ["0.9", "2.0", "99", "missing", ""])
def test_other_schema_versions_are_refused(found: str) -> None:
    with pytest.raises(ContractError, match="schema version cannot be read"):
        check_schema_version(found, where="x")
