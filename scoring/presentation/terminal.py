"""What the sub-commands print: short tables for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from contracts.digests import pretty_json
from scoring.baselines.distributions import Written
from scoring.comparison.diff import ABSENT, Difference


def print_json(item: Any) -> None:
    """Print JSON to standard output."""
    sys.stdout.write(pretty_json(item))


def console() -> Any:
    """A rich console on standard output that leaves numbers uncoloured."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


def say_plan(paths: Sequence[Path], *, json: bool) -> None:
    """Say what a dry run would write."""
    if json:
        print_json({"would_write": [str(path) for path in paths]})
        return
    for path in paths:
        print(f"would write {path}")


def say_baselines(written: Sequence[Written], *, out: Path, release: str, json: bool) -> None:
    """Say which baselines were written, and why others were not."""
    if json:
        print_json([{**w._asdict(), "path": str(w.path) if w.path else None} for w in written])
        return
    from rich.table import Table

    table = Table(box=None, pad_edge=False, header_style="bold")
    table.add_column("baseline")
    table.add_column("answers", justify="right")
    table.add_column("file")
    for entry in written:
        place = str(entry.path) if entry.path else f"skipped: {entry.reason}"
        table.add_row(entry.name, f"{entry.records:,}" if entry.path else "-", place)
    shown = console()
    shown.print(table)
    first = next((entry.path for entry in written if entry.path), None)
    if first is not None:
        shown.print(
            f"Next: opinion-atlas score {first} --release {release} --out {out / 'report.json'}",
            markup=False,
        )


def say_differences(differences: Sequence[Difference], *, limit: int, json: bool) -> None:
    """Print differences, at most `limit` of them unless it is 0; nothing for none."""

    def shown(item: Any) -> Any:
        return {"absent": True} if item is ABSENT else item

    if json:
        print_json(
            [
                {"path": d.path, "first": shown(d.first), "second": shown(d.second)}
                for d in differences
            ]
        )
        return
    cut = differences[:limit] if limit > 0 else differences
    for difference in cut:
        print(difference)
    if len(differences) > len(cut):
        print(f"... and {len(differences) - len(cut)} more differences (--limit 0 prints all)")


@contextmanager
def working(what: str) -> Iterator[None]:
    """Show that something is under way, on standard error, where someone watches."""
    from rich.console import Console

    shown = Console(stderr=True)
    if not shown.is_terminal:
        yield
        return
    with shown.status(what):
        yield
