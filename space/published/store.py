"""Put the published answers into a store: reports at once, cells when somebody looks at them."""

from __future__ import annotations

import gzip
import io
from pathlib import Path

from contracts.atomic import atomic_file, write_text
from contracts.digests import pretty_json
from contracts.report import Report, write_report
from space.published.answers import (
    folder,
    published_answer_rows,
    write_published_predictions,
)

#: Class of the rows.
PUBLISHED = "published"


def pack_report(report: Report, path: Path) -> None:
    """Write a report packed, the same bytes for the same report."""
    plain = path.with_suffix("")
    write_report(report, plain)
    packed = io.BytesIO()
    with gzip.GzipFile(fileobj=packed, mode="wb", compresslevel=9, mtime=0, filename="") as file:
        file.write(plain.read_bytes())
    plain.unlink()
    with atomic_file(path) as partial:
        partial.write_bytes(packed.getvalue())


def add_published(root: Path) -> list[str]:
    """Put all rows into the store at `root`, which has none of them.

    Returns:
        Ids of the rows.
    """
    for name in ("reports", "predictions", "entries"):
        (root / name).mkdir(parents=True, exist_ok=True)
    made = []
    for row in published_answer_rows():
        packed = folder() / "reports" / f"{row.row_id}.json.gz"
        if not packed.exists():
            continue
        write_published_predictions(row, root / "predictions" / f"{row.row_id}.jsonl")
        write_text(root / "entries" / f"{row.row_id}.json", pretty_json({"class": PUBLISHED}))
        with atomic_file(root / "reports" / f"{row.row_id}.json") as partial:
            partial.write_bytes(gzip.decompress(packed.read_bytes()))
        made.append(row.row_id)
    return made
