"""The JSON Schemas are those of the models, and hold for what is written."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from contracts.predictions.meta import PredictionsMeta
from contracts.schemas import MODELS, folder, schema_texts, write_schemas

FROZEN = Path(__file__).parents[1] / "fixtures" / "predictions" / "v1"


def validator(name: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((folder() / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_files_equal_the_models() -> None:
    files = {p.name: p.read_text(encoding="utf-8") for p in folder().glob("*.json")}
    assert files == schema_texts(), "write them again: python -m contracts.schemas"


def test_written_elsewhere_they_are_the_same(tmp_path: Path) -> None:
    paths = write_schemas(tmp_path)
    assert {p.name: p.read_text(encoding="utf-8") for p in paths} == schema_texts()


@pytest.mark.parametrize("name", MODELS)
def test_every_schema_is_valid_and_closed(name: str) -> None:
    schema = validator(name).schema
    assert schema["additionalProperties"] is False
    assert schema["$id"].startswith(f"opinion-atlas:{name}:")


@pytest.mark.parametrize("kind", ["distribution", "rating", "advice"])
def test_frozen_examples_fit(kind: str) -> None:
    lines = (FROZEN / f"{kind}-jsonl.jsonl").read_text(encoding="utf-8").splitlines()
    header, *records = map(json.loads, lines)
    validator("predictions-meta").validate(header)
    for record in records:
        validator(f"predictions-{kind}").validate(record)


def test_schema_refuses_what_the_model_refuses() -> None:
    with pytest.raises(jsonschema.ValidationError, match="Additional properties"):
        validator("predictions-meta").validate({"modle": "typo"})
    with pytest.raises(jsonschema.ValidationError, match="is not one of"):
        validator("predictions-advice").validate({"prompt_id": "ind-01", "side": "maybe"})


def test_written_metadata_fit() -> None:
    fields = PredictionsMeta(model="m", parameters=7e9).model_dump(mode="json")
    validator("predictions-meta").validate(fields)
