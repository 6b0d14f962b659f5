"""Write predictions of someone else's records: nothing is written unless it reads back."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from contracts.atomic import PARTIAL_PREFIX, make_folder
from contracts.errors import ContractError, fail
from contracts.predictions.meta import Kind, PredictionsMeta, sidecar_path
from contracts.predictions.read import Predictions, read_predictions
from contracts.predictions.write import RECORD_FIELDS, write_predictions


def write_checked_predictions(
    path: str | Path,
    records: Iterable[Mapping[str, Any]],
    *,
    meta: PredictionsMeta,
    kind: Kind,
) -> Predictions:
    """Write predictions where they read back without a problem, and read them.

    Args:
        path, records, meta, kind: as `write_predictions` takes them.

    Raises:
        ContractError: the file would break the format (every problem is in the error), a record
            lacks a field, the ending is unknown, or the place cannot be written to. What was at
            `path` before is still there then.
    """
    target = Path(path)
    make_folder(target.parent)
    with tempfile.TemporaryDirectory(prefix=PARTIAL_PREFIX, dir=target.parent) as folder:
        draft = Path(folder) / target.name
        _write(draft, records, meta=meta, kind=kind)
        try:
            read_predictions(draft)
        except ContractError as error:
            raise _renamed(error, draft, target) from None
        for written, place in ((sidecar_path(draft), sidecar_path(target)), (draft, target)):
            if written.exists():
                written.replace(place)
            else:
                place.unlink(missing_ok=True)  # of an earlier file: it would contradict
    return read_predictions(target)


def _write(
    draft: Path, records: Iterable[Mapping[str, Any]], *, meta: PredictionsMeta, kind: Kind
) -> None:
    numbered = _Numbered(records)
    try:
        write_predictions(draft, numbered, meta=meta, kind=kind)
    except ContractError:
        raise
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise fail(
            "bad-record",
            f"the record cannot be written ({type(error).__name__}: {error})",
            where="records",
            row=numbered.count,
            found=repr(numbered.last)[:200],
            allowed=RECORD_FIELDS[kind],
        ) from None


class _Numbered:
    """Records, remembering which one was taken last."""

    def __init__(self, records: Iterable[Mapping[str, Any]]) -> None:
        self._records = records
        self.count = 0
        self.last: Any = None

    def __iter__(self) -> Iterator[Mapping[str, Any]]:
        for record in self._records:
            self.count += 1
            self.last = record
            yield record


def _renamed(error: ContractError, draft: Path, target: Path) -> ContractError:
    """The error with the name of the file that was asked for."""
    problems = [
        replace(problem, where=problem.where.replace(str(draft), str(target)))
        for problem in error.problems
    ]
    return ContractError(problems, subject=error.subject.replace(str(draft), str(target)))
