"""Whether a file is synthetic: its version and doi say so, and a file beside it says how."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from pydantic import ValidationError

from contracts.errors import ContractError, fail, invalid_json
from contracts.models import validation_problems
from contracts.release.manifest import Synthetic

#: Stands in the version column of every synthetic file.
SYNTHETIC_MARK = "SYNTHETIC"


def sidecar_path(path: Path) -> Path:
    """Where what is made up in a synthetic file is written down."""
    return path.with_name(f"{path.name}.synthetic.json")


def synthetic_source(
    path: Path, *, versions: Iterable[str], dois: Iterable[str]
) -> tuple[Synthetic | None, tuple[str, ...]]:
    """What is made up in a file, and a note about it; (None, ()) for a real one.

    The mark in the columns version and doi decides; where both were taken out, a file beside it
    does. That file adds detail: without it, the details stay blank.

    Raises:
        ContractError: the file beside it cannot be read.
    """
    source_texts = [*versions, *dois]
    marked = [text for text in source_texts if SYNTHETIC_MARK in text.upper()]
    sidecar = sidecar_path(path)
    if not marked and (source_texts or not sidecar.is_file()):
        return None, ()
    note = "The file is SYNTHETIC: no answer in it was given by a person."
    if not sidecar.is_file():
        return Synthetic(generator=marked[0], note="details unknown: no sidecar file"), (note,)
    try:
        return Synthetic.model_validate(json.loads(sidecar.read_text(encoding="utf-8"))), (note,)
    except ValidationError as error:
        raise ContractError(validation_problems(error, where=sidecar.name)) from None
    except ValueError as error:
        raise fail("not-json", invalid_json(error), where=sidecar.name) from None
