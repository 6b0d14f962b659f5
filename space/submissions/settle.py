"""Bring the files of a submission to where its record says; finish what a kill left."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts.digests import pretty_json
from space.submissions.files import move_file, sync_folder, write_durable
from space.submissions.layout import PUBLIC_FOLDERS, Layout
from space.submissions.record import Submission

log = logging.getLogger("space.submissions")


def settle(layout: Layout, submission: Submission) -> None:
    """Move the files of a submission to where its state wants them; any number of times.

    Onto the board the report comes last, off the board it goes first. A report that was scored
    anew while it was public is kept as it is then.
    """
    if submission.state == "public":
        for held, public in layout.places(submission):
            if held.exists():
                if held.suffix == ".json" and public.parent.name == "reports":
                    _write_entry(layout, submission)
                move_file(held, public)
        _write_entry(layout, submission)
        _remove_folder(layout.held(submission.id))
        return
    for held, public in reversed(list(layout.places(submission))):
        if public.exists():
            move_file(public, held)
            sync_folder(public.parent)
    if layout.entry(submission.id).exists():
        _write_entry(layout, submission)
    if submission.state == "deleted":
        _erase(layout, submission)


def _write_entry(layout: Layout, submission: Submission) -> None:
    path, text = layout.entry(submission.id), pretty_json(entry_of(submission))
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_durable(path, text)


def entry_of(submission: Submission) -> dict[str, Any]:
    """What the store says of a row; of one that is no more, only that it was."""
    entry: dict[str, Any] = {"class": submission.row_class, "state": submission.state}
    if submission.on_board:
        entry |= {
            "account": submission.account,
            "submitted_at": submission.submitted_at,
            "details": {"name": submission.name, "link": submission.link, **submission.facts},
        }
    return entry


def _erase(layout: Layout, submission: Submission) -> None:
    """Remove whatever is left of a deleted submission, wherever it lies."""
    for found in _traces(layout, submission.id):
        found.unlink(missing_ok=True)
    _remove_folder(layout.held(submission.id))
    (layout.contacts / f"{submission.id}.json").unlink(missing_ok=True)


def _traces(layout: Layout, submission_id: str) -> Iterator[Path]:
    for folder in PUBLIC_FOLDERS.values():
        yield from (layout.store / folder).glob(f"{submission_id}.*")
    yield from (layout.store / "archive").glob(f"{submission_id}-*.json")


def _remove_folder(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder, ignore_errors=True)
