"""Whether a file is synthetic: its version column says so, and a file beside it says how."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ValidationError

from contracts.errors import ContractError
from contracts.manifest import Synthetic, validation_problems

#: Stands in the version column of every synthetic file.
SYNTHETIC_MARK = "SYNTHETIC"


def sidecar_path(path: Path) -> Path:
    """Where what is made up in a synthetic file is written down."""
    return path.with_name(f"{path.name}.synthetic.json")


def synthetic_source(
    path: Path, versions: Sequence[str]
) -> tuple[Synthetic | None, tuple[str, ...]]:
    """What is made up in a file, and a note about it; (None, ()) for a real one.

    The mark in the version column decides. The file beside it only adds detail: without it, or
    where its digest is that of another file, the details stay blank.

    Raises:
        ContractError: the file beside it cannot be read.
    """
    marked = [v for v in versions if SYNTHETIC_MARK in v.upper()]
    if not marked:
        return None, ()
    note = "The file is SYNTHETIC: no answer in it was given by a person."
    sidecar = sidecar_path(path)
    if not sidecar.is_file():
        return Synthetic(generator=marked[0], note="details unknown: no sidecar file"), (note,)
    try:
        return Synthetic.model_validate(json.loads(sidecar.read_text(encoding="utf-8"))), (note,)
    except ValidationError as error:
        raise ContractError(validation_problems(error, where=sidecar.name)) from None
    except ValueError as error:
        from contracts.errors import fail

        raise fail("not-json", f"the file is no JSON ({error})", where=sidecar.name) from None
