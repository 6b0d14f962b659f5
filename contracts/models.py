"""Bases of the contract models and what they share."""

from __future__ import annotations

import json
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import from_json

from contracts.errors import ContractError, Problem, invalid_json
from contracts.versions import (
    SCHEMA_VERSION,
    check_schema_version,
)

Model = TypeVar("Model", bound=BaseModel)


class Strict(BaseModel):
    """Base of every contract model: unknown fields are errors, instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def parse_model(
    model: type[Model], text: str, *, where: str, current: str = SCHEMA_VERSION
) -> Model:
    """Read `text` as JSON into a contract model, all problems at once.

    Args:
        model: the contract model.
        text: the file's text.
        where: the file, for messages.
        current: schema version that this project writes for that kind of file.

    Raises:
        ContractError: it is no JSON, of another schema version, or has wrong fields.
    """
    fields = parse_fields(text, where=where, current=current)
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise ContractError(validation_problems(error, where=where)) from None


def parse_fields(text: str, *, where: str, current: str = SCHEMA_VERSION) -> dict[str, Any]:
    """The fields of a contract file as plain JSON types, its schema version checked.

    Raises:
        ContractError: it is no JSON object, or of another schema version.
    """
    fields = _from_json(text, where=where)
    if not isinstance(fields, dict):
        raise ContractError(Problem("not-object", "the file holds no JSON object", where=where))
    check_schema_version(str(fields.get("schema_version", "missing")), where=where, current=current)
    return fields


def _from_json(text: str, *, where: str) -> Any:
    try:
        return from_json(text)
    except ValueError:  # the other parser takes longer, and says where it stopped
        pass
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ContractError(Problem("not-json", invalid_json(error), where=where)) from None


def validation_problems(error: ValidationError, *, where: str) -> list[Problem]:
    """Pydantic's errors as problems, one each."""
    return [
        Problem(
            f"field-{item['type'].replace('_', '-')}",
            item["msg"],
            where=where,
            column=".".join(str(part) for part in item["loc"]),
            found=repr(item.get("input"))[:80],
        )
        for item in error.errors()
    ]


class Notice(Strict):
    """Something a reader must know; `code` is stable."""

    code: str
    message: str
    count: int = 1
