"""The raw answer that a model gave: looked up in its predictions file."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path

from space.board.store import Store

#: Longest record that is shown.
SHOWN_CHARACTERS = 2000


def find_answer(store: Store, row_id: str, *, country: str, question_id: str) -> str | None:
    """The record of a question in a country, or unsteered, as JSON; None where there is none.

    Only JSON lines keep an answer as one record; other formats give None.
    """
    path = store.predictions_path(row_id)
    if path is None or path.suffix != ".jsonl":
        return None
    records = _records(path, path.stat().st_mtime_ns)
    record_text = records.get((question_id, country)) or records.get((question_id, ""))
    return record_text[:SHOWN_CHARACTERS] if record_text else None


def _is_of_everyone(record: dict[str, object]) -> bool:
    """Whether it holds the shares of all people: ratings name single persons, and stay unshown."""
    return "question_id" in record and "shares" in record and not record.get("group")


@lru_cache(maxsize=4)
def _records(path: Path, stamp: int) -> dict[tuple[str, str], str]:  # noqa: ARG001
    records_by_cell: dict[tuple[str, str], str] = {}
    with path.open(encoding="utf-8") as lines:
        for line in lines:
            try:
                record = json.loads(line)
            except ValueError:
                continue
            if isinstance(record, dict) and _is_of_everyone(record):
                key = (str(record["question_id"]), str(record.get("country") or ""))
                records_by_cell.setdefault(key, line.strip())
    return records_by_cell
