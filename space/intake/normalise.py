"""Rewrite an upload in our own form: what the store keeps was written by us."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from codebook.questions import value_questions
from contracts.digests import sha256_file
from contracts.errors import ContractError
from contracts.models import validation_problems
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import (
    Predictions,
    bad_cells_notices,
    read_predictions,
    write_predictions,
)

#: Key of the metadata's `extra` that says what file the row was made from.
UPLOAD_KEY = "upload"


def stated_meta(meta: PredictionsMeta, stated: Mapping[str, Any], *, where: str) -> PredictionsMeta:
    """Metadata with what was stated in the form; what is None or "" there leaves the file's.

    Raises:
        ContractError: a statement is of the wrong kind.
    """
    given = {key: item for key, item in stated.items() if item not in (None, "")}
    own = meta.model_dump(mode="json", include=meta.model_fields_set)
    if isinstance(given.get("decoding"), dict):  # one setting stated leaves the file's others
        given["decoding"] = {**meta.decoding, **given["decoding"]}
    try:
        return PredictionsMeta.model_validate(own | given)
    except ValidationError as error:
        raise ContractError(validation_problems(error, where=where), subject=where) from None


def write_normalised(predictions: Predictions, meta: PredictionsMeta, target: Path) -> Predictions:
    """Write predictions as JSON lines with `meta`, and read them again.

    The metadata's `extra` names the upload's sha256, and what was tolerated in it.

    Returns:
        The predictions as they will be read from the store, with what was tolerated in the
        upload.
    """
    upload = {
        "sha256": sha256_file(predictions.source.path),
        "format": predictions.source.suffix,
        "rows": predictions.rows,
        "tolerated": predictions.tolerated,
    }
    marked = meta.model_copy(update={"extra": {**meta.extra, UPLOAD_KEY: upload}})
    write_predictions(target, _records(predictions), meta=marked, kind=predictions.kind)
    return replace(read_stored(target), notices=predictions.notices)


def read_stored(path: Path) -> Predictions:
    """Predictions of a store; those written from an upload tell of it as it came.

    Raises:
        ContractError: the file breaks the format.
    """
    predictions = read_predictions(path)
    upload = predictions.meta.extra.get(UPLOAD_KEY)
    if not isinstance(upload, dict):
        return predictions
    tolerated = upload["tolerated"]
    notices = (*predictions.notices, *bad_cells_notices(tolerated))
    return replace(predictions, rows=upload["rows"], tolerated=tolerated, notices=notices)


def _records(predictions: Predictions) -> Iterator[Mapping[str, Any]]:
    if predictions.kind == "rating":
        for batch in predictions.batches():
            yield from batch.to_pylist()
    elif predictions.table is not None:  # advice and persons: one row per answer
        yield from predictions.table.to_pylist()
    elif predictions.cells is not None:
        for cell in predictions.cells.to_pylist():
            yield {**cell, "shares": _by_code(cell["question_id"], cell["shares"])}


def _by_code(question_id: str, shares: list[float] | None) -> dict[int, float]:
    scale = value_questions()[question_id].scale
    if shares is None or scale is None:
        return {}
    return dict(zip(scale.codes, shares, strict=True))
