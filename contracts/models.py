"""Bases of the contract models and what they share."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    JsonValue,
    SerializerFunctionWrapHandler,
    ValidationError,
    WithJsonSchema,
    model_serializer,
)
from pydantic_core import from_json

from contracts.errors import ContractError, Problem, invalid_json
from contracts.versions import (
    SCHEMA_VERSION,
    check_schema_version,
)

Model = TypeVar("Model", bound=BaseModel)

#: A JSON object of any fields.
JsonFields: TypeAlias = dict[str, Annotated[JsonValue, WithJsonSchema({})]]


class Strict(BaseModel):
    """Base of every contract model: unknown fields are errors, instances are frozen."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Sparse(Strict):
    """A model whose JSON holds only the fields that were given: a default stands for an absent key.

    Fields of other versions of the project are left unread. JSON keys stand in the order in which
    the fields are declared, those of a base first.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, serialize_by_alias=True)

    @model_serializer(mode="wrap")
    def _given(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        fields: dict[str, Any] = handler(self)
        known = type(self).model_fields
        given = {known[name].alias or name for name in self.model_fields_set}
        return {name: item for name, item in fields.items() if name in given}

    def to_json(self) -> JsonFields:
        """The fields that were given, as plain JSON."""
        return self.model_dump(mode="json")


def read_model(model: type[Model], fields: Mapping[str, Any], *, where: str) -> Model:
    """Read parsed JSON into a model, all problems at once.

    Raises:
        ContractError: it has wrong fields.
    """
    try:
        return model.model_validate(fields)
    except ValidationError as error:
        raise ContractError(validation_problems(error, where=where)) from None


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
    return read_model(model, parse_fields(text, where=where, current=current), where=where)


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
