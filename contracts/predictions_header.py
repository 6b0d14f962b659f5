"""The metadata of a predictions file: header record, sidecar, defaults and their warnings."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from contracts.errors import ContractError, Problem, fail
from contracts.manifest import validation_problems
from contracts.predictions_meta import REQUIRED_FOR_BOARD, PredictionsMeta
from contracts.predictions_source import Source
from contracts.report import Notice
from contracts.versions import check_schema_version

META_SUFFIX = ".meta.json"


def sidecar_path(path: str | Path) -> Path:
    """Where the sidecar of a predictions file lies: `<name>.meta.json` beside it."""
    target = Path(path)
    return target.with_name(target.stem + META_SUFFIX)


def read_header(
    source: Source, *, meta_path: str | Path | None
) -> tuple[PredictionsMeta, list[Notice]]:
    """Metadata of a predictions file, with a notice for what takes a default.

    Raises:
        ContractError: the metadata has wrong fields, is of another schema version, or header
            and sidecar both exist and differ.
    """
    beside = sidecar_path(source.path) if meta_path is None else Path(meta_path)
    own = None if source.header is None else _parse(source.header, where=str(source.path))
    if meta_path is None and not beside.is_file():
        return own or PredictionsMeta(), _notices(source.header)
    fields = _read_sidecar(beside)
    meta = _parse(fields, where=str(beside))
    if own is not None and own != meta:
        raise fail(
            "meta-twice",
            "the header record and the sidecar differ",
            where=str(source.path),
            column=", ".join(
                name
                for name in PredictionsMeta.model_fields
                if getattr(own, name) != getattr(meta, name)
            ),
            found=str(beside),
            hint="Remove one of them.",
        )
    return meta, _notices(fields)


def _read_sidecar(path: Path) -> dict[str, Any]:
    try:
        fields = json.loads(path.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise fail(
            "no-meta", f"the metadata cannot be read ({error.strerror})", where=str(path)
        ) from None
    except ValueError as error:
        raise fail("bad-header", f"the metadata is no JSON ({error})", where=str(path)) from None
    if not isinstance(fields, dict):
        raise fail("bad-header", "the metadata is no JSON object", where=str(path))
    return fields


def _parse(fields: Mapping[str, Any], *, where: str) -> PredictionsMeta:
    if "schema_version" in fields:
        check_schema_version(str(fields["schema_version"]), where=where)
    try:
        return PredictionsMeta.model_validate(dict(fields))
    except ValidationError as error:
        known = ", ".join(PredictionsMeta.model_fields)
        raise ContractError(
            [_with_allowed(p, known) for p in validation_problems(error, where=where)],
            subject=where,
        ) from None


def _with_allowed(problem: Problem, known: str) -> Problem:
    if problem.code != "field-extra-forbidden":
        return problem
    return Problem(
        problem.code,
        "there is no such metadata field",
        where=problem.where,
        column=problem.column,
        found=problem.found,
        allowed=known,
        hint="Further facts go into the object `extra`.",
    )


def _notices(fields: Mapping[str, Any] | None) -> list[Notice]:
    if fields is None:
        return [
            Notice(
                code="no-metadata",
                message="the file has neither a header record nor a sidecar; everything takes its "
                "default: model unknown, unsteered, English, wave 7, not trained on "
                "the survey",
            )
        ]
    lacking = [name for name in REQUIRED_FOR_BOARD if name not in fields]
    if not lacking:
        return []
    defaults = PredictionsMeta()
    taken = ", ".join(f"{name}={getattr(defaults, name)!r}" for name in lacking)
    return [
        Notice(
            code="metadata-defaults",
            message=f"the metadata lacks fields, which take their defaults: {taken}",
            count=len(lacking),
        )
    ]
