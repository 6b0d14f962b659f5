"""docs/predictions.md says what the reader does: its examples read, its lists are complete."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path

import pytest

from contracts.predictions.meta import REQUIRED_FOR_BOARD, PredictionsMeta
from contracts.predictions.read import read_predictions

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "predictions.md").read_text(encoding="utf-8")
SOURCES = "".join(
    path.read_text(encoding="utf-8") for path in (ROOT / "contracts" / "predictions").glob("*.py")
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, flags=re.DOTALL)


@pytest.mark.parametrize("number", range(3))
def test_table_examples_read(number: int, tmp_path: Path) -> None:
    path = tmp_path / "example.csv"
    path.write_text(blocks("csv")[number], encoding="utf-8")
    read = read_predictions(path)
    assert read.kind == ("distribution", "rating", "persons", "advice")[number]
    assert read.tolerated == {}


def test_json_examples_read(tmp_path: Path) -> None:
    record, header = (json.loads(text) for text in blocks("json"))
    path = tmp_path / "example.jsonl"
    path.write_text(f"{json.dumps(header)}\n{json.dumps(record)}\n", encoding="utf-8")
    read = read_predictions(path)
    assert read.notices == ()
    assert read.meta.steering == "persona"
    assert set(REQUIRED_FOR_BOARD) <= set(header) <= set(PredictionsMeta.model_fields)


def test_python_example_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (code,) = blocks("python")
    names: dict[str, object] = {}
    exec(compile(code, "docs/predictions.md", "exec"), names)
    assert names["predictions"].cells.num_rows == 1  # type: ignore[attr-defined]


def documented(title: str) -> set[str]:
    part = PAGE.split(f"## {title}")[1].split("\n## ")[0]
    first_cells = re.findall(r"^\| (.*?) \|", part, flags=re.MULTILINE)
    return {name for cell in first_cells for name in re.findall(r"`([a-z0-9_*-]+)`", cell)}


def test_everything_tolerated_is_documented() -> None:
    counted = set(re.findall(r'(?:tolerate|leave_out)\(\s*"([a-z0-9_]+)"', SOURCES))
    assert counted == documented("What is tolerated, and counted")


def test_every_error_code_is_documented_and_stands_in_the_corpus_or_a_test() -> None:
    raised = set(re.findall(r'(?:add|fail)\(\s*"([a-z0-9-]+)"', SOURCES))
    raised |= {"unknown-side", "unknown-approach", "negative-share", "non-finite-share", "not-utf8"}
    raised |= {"not-csv", "schema-version", "field-*"}
    assert raised == documented("What is refused") | {"no-ratings", "bad-record"}
    folder = Path(__file__).parent
    corpus = tomllib.loads(
        (folder.parents[1] / "fixtures/predictions/broken/expected.toml").read_text(
            encoding="utf-8"
        )
    )
    tested = {code for rows in corpus.values() for code, _, _ in rows}
    tests = ("test_predictions.py", "test_predictions_lenient.py", "test_persons.py")
    text = "".join((folder / name).read_text(encoding="utf-8") for name in tests)
    missing = {code for code in raised - tested - {"field-*", "bad-record"} if code not in text}
    assert missing == set()
