"""Sets of forms by one name, repeats, and scales that are turned round in two orders."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts.predictions.read import read_predictions
from elicitation.study.conditions import VariantError, named_variants, parse_variant
from opinion_atlas.app import main


def atlas(*tokens: object) -> None:
    with pytest.raises(SystemExit, match=r"^0$"):
        main([str(token) for token in tokens])


def test_the_alignment_study_by_name() -> None:
    assert named_variants(["letters", "alignment-study", "shuffled"]) == (
        "letters", "default", "shuffled", "examples=3", "example-shares=1",
    )  # fmt: skip


def test_the_name_works_at_the_command_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    atlas("elicit", "mock:steady", "--questions", "Q1", "--steer", "none", "--vary",
          "alignment-study", "--out", tmp_path, "--dry-run", "--json")  # fmt: skip
    found = json.loads(capsys.readouterr().out)["conditions"]
    assert list(found) == [
        "none_en", "none_en_shuffled", "none_en_examples-3", "none_en_example-shares-1",
    ]  # fmt: skip


@pytest.mark.parametrize("name", ["persona=5", "persona=0", "repeat=0", "examples=6"])
def test_numbers_out_of_range(name: str) -> None:
    with pytest.raises(VariantError, match="is 1 to"):
        parse_variant(name)


def test_a_repeat_draws_the_same_prompts_once_more(tmp_path: Path) -> None:
    run = tmp_path / "run"
    command = ["elicit", "mock:steady", "--method", "sampling", "--questions", "Q1,Q2",
               "--steer", "none", "--repeats", "5", "--out", run]  # fmt: skip
    atlas(*command, "--vary", "default,repeat=2")
    first, second = (
        read_predictions(run / "predictions" / f"steady_alignment_sampling_none_en{end}.jsonl")
        for end in ("", "_repeat-2")
    )
    assert first.cells is not None
    assert second.cells is not None
    assert first.cells.column("shares") != second.cells.column("shares")
    assert first.meta.seed == second.meta.seed


def test_a_turned_scale_is_asked_in_both_orders(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two orders of a scale that is turned round are two prompts, as of any other."""
    atlas("elicit", "mock:steady", "--method", "label_likelihood", "--questions", "Q1", "--steer",
          "none", "--vary", "reversed-scale+numbers", "--orders", 2, "--out", tmp_path,
          "--dry-run", "--json")  # fmt: skip
    one, other = (p["prompt"] for p in json.loads(capsys.readouterr().out)["prompts"])
    assert one.index("1. Not at all important") < one.index("4. Very important")
    assert other.index("4. Very important") < other.index("1. Not at all important")
