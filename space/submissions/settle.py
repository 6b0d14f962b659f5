"""Bring the files of a submission to where its record says; it may be done any number of times."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from contracts.digests import pretty_json
from space.board.store import ARCHIVE
from space.submissions.files import move_file, remove_file, write_durable
from space.submissions.layout import PUBLIC_FOLDERS, Layout
from space.submissions.record import Submission


def settle(layout: Layout, submission: Submission) -> None:
    """Move the files of a submission to where its state wants them.

    Onto the board the report comes last, off the board it goes first, so that a row is there
    only with all its files. A report that was re-scored while it was public is kept as it is
    then, and reports that it replaced go wherever it goes.
    """
    if submission.on_board:
        _show(layout, submission)
    else:
        _hold(layout, submission)
    if submission.state in ("withdrawn", "deleted"):
        remove_file(layout.contact(submission.id))
    if submission.state == "deleted":
        _erase(layout, submission)


def _show(layout: Layout, submission: Submission) -> None:
    *others, (held_report, public_report) = layout.places(submission)
    for held, public in others:
        if held.exists():
            move_file(held, public)
    for replaced in (layout.held(submission.id) / ARCHIVE).glob("*.json"):
        move_file(replaced, layout.store / ARCHIVE / replaced.name)
    _write_entry(layout, submission)
    if held_report.exists():
        move_file(held_report, public_report)
    shutil.rmtree(layout.held(submission.id), ignore_errors=True)


def _hold(layout: Layout, submission: Submission) -> None:
    for held, public in reversed(list(layout.places(submission))):
        if public.exists():
            move_file(public, held)
    for replaced in _replaced_reports(layout, submission.id):
        move_file(replaced, layout.held(submission.id) / ARCHIVE / replaced.name)
    if layout.entry(submission.id).exists():
        _write_entry(layout, submission)


def _write_entry(layout: Layout, submission: Submission) -> None:
    path, text = layout.entry(submission.id), pretty_json(entry_of(submission))
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        write_durable(path, text)


def entry_of(submission: Submission) -> dict[str, Any]:
    """What the store says of a row; of one that has gone, only that it was there."""
    entry: dict[str, Any] = {"class": submission.row_class, "state": submission.state}
    if submission.on_board:
        entry |= {
            "account": submission.account,
            "submitted_at": submission.submitted_at,
            "details": submission.details,
        }
    return entry


def _replaced_reports(layout: Layout, submission_id: str) -> Iterator[Path]:
    return (layout.store / ARCHIVE).glob(f"{submission_id}-*.json")


def _erase(layout: Layout, submission: Submission) -> None:
    """Remove whatever is left of a deleted submission, wherever it lies."""
    for folder in PUBLIC_FOLDERS.values():
        for leftover_file in (layout.store / folder).glob(f"{submission.id}.*"):
            remove_file(leftover_file)
    for leftover_file in _replaced_reports(layout, submission.id):
        remove_file(leftover_file)
    shutil.rmtree(layout.held(submission.id), ignore_errors=True)


def is_settled(layout: Layout, submission: Submission) -> bool:
    """Whether every file is where the record says, and the entry says the same."""
    for held, public in layout.places(submission):
        wanted, other = (public, held) if submission.on_board else (held, public)
        if other.exists() or (submission.has_files and not wanted.exists()):
            return False
    entry = layout.entry(submission.id)
    if entry.exists() or submission.on_board:
        text = pretty_json(entry_of(submission))
        return entry.exists() and entry.read_text(encoding="utf-8") == text
    return True


def missing_files(layout: Layout, submission: Submission) -> list[str]:
    """Names of files that are neither held nor public: someone else has removed them."""
    if not submission.has_files:
        return []
    places = layout.places(submission)
    return [held.name for held, public in places if not held.exists() and not public.exists()]
