"""JSON Schemas of the project's files, generated from the models that read and write them.

`python -m contracts.schemas` rewrites them; a test holds them equal to the models.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from contracts.atomic import write_text
from contracts.predictions.meta import (
    AdviceRecord,
    DistributionRecord,
    PersonRecord,
    PredictionsMeta,
    RatingRecord,
)
from contracts.release.manifest import Manifest
from contracts.report import Report
from contracts.versions import RELEASE_SCHEMA_VERSION, SCHEMA_VERSION

DIALECT = "https://json-schema.org/draft/2020-12/schema"

#: Model by the name of its schema file.
MODELS: dict[str, type[BaseModel]] = {
    "manifest": Manifest,
    "predictions-meta": PredictionsMeta,
    "predictions-distribution": DistributionRecord,
    "predictions-rating": RatingRecord,
    "predictions-persons": PersonRecord,
    "predictions-advice": AdviceRecord,
    "report": Report,
}


def folder() -> Path:
    """Where the schema files lie."""
    return Path(__file__).parent


def schema_texts() -> dict[str, str]:
    """Text of each schema file by its name, made from the models."""
    return {f"{name}.schema.json": _text(name, model) for name, model in MODELS.items()}


def _text(name: str, model: type[BaseModel]) -> str:
    version = RELEASE_SCHEMA_VERSION if model is Manifest else SCHEMA_VERSION
    head: dict[str, Any] = {
        "$schema": DIALECT,
        "$id": f"opinion-atlas:{name}:{version}",
    }
    schema = head | model.model_json_schema()
    return json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def write_schemas(out: str | Path | None = None) -> list[Path]:
    """Write all schema files into the folder `out`, by default where they belong."""
    target = folder() if out is None else Path(out)
    paths = []
    for name, text in schema_texts().items():
        write_text(target / name, text)
        paths.append(target / name)
    return paths
