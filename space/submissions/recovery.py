"""After a kill: finish what was committed, discard what was not. Called with the lock held."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from contracts.atomic import PARTIAL_PREFIX
from contracts.errors import ContractError
from space.submissions.files import remove_file
from space.submissions.layout import ENTRIES, PUBLIC_FOLDERS, Layout, is_partial
from space.submissions.records import Records
from space.submissions.settle import is_settled, missing_files, settle

#: Unfinished files in the store may be those of a writer that does not hold our lock (a rescore);
#: after this many seconds they are nobody's.
ABANDONED_SECONDS = 3600.0

log = logging.getLogger("space.submissions")


def finish_marked(layout: Layout, records: Records) -> list[str]:
    """Finish or discard the submissions that a killed writer was at; cheap where there are none.

    Returns:
        What was done, a line each.
    """
    done = []
    for folder in layout.arrivals.iterdir():
        shutil.rmtree(folder, ignore_errors=True)
        done.append(f"{folder.name}: discarded a copy that was not finished")
    for mark in sorted(layout.unsettled.iterdir()):
        done.append(f"{mark.name}: {_finish(layout, records, mark.name)}")
        remove_file(mark)
    for line in done:
        log.warning("recovered", extra={"what": line})
    return done


def _finish(layout: Layout, records: Records, submission_id: str) -> str:
    if not layout.record(submission_id).exists():
        shutil.rmtree(layout.held(submission_id), ignore_errors=True)
        remove_file(layout.contact(submission_id))
        return "discarded what was not acknowledged"
    record = records.read(submission_id)
    settle(layout, record)
    return f"finished; it is {record.state}"


def check_all(layout: Layout, records: Records) -> list[str]:
    """Compare all files with the records, and clear away what was never finished.

    Returns:
        What was done, a line each.
    """
    done = finish_marked(layout, records)
    for partial in _partials(layout):
        partial.unlink(missing_ok=True)
        done.append(f"{partial.name}: removed a file that was not finished")
    for one in records.every():
        # A file that is nowhere is not made up for; the others still go where they belong.
        if not is_settled(layout, one) and not missing_files(layout, one):
            settle(layout, one)
            done.append(f"{one.id}: put its files where its state ({one.state}) wants them")
    return done


def find_inconsistencies(layout: Layout, records: Records) -> Iterator[str]:
    """What cannot be mended here: files or records that are missing or cannot be read."""
    for one in records.every():
        lost = missing_files(layout, one)
        if lost:
            yield f"{one.id}: files are missing: {', '.join(lost)}; bring them back from a backup"
    for path in sorted((layout.store / PUBLIC_FOLDERS["report"]).glob("sub-*.json")):
        if not layout.record(path.stem).exists():
            yield f"{path.stem}: it is on the board without a record; bring back the private folder"
    for path in sorted(layout.records.glob("sub-*.json")):
        try:
            records.read(path.stem)
        except ContractError as error:
            yield f"{path.stem}: its record cannot be read: {error}"


def _partials(layout: Layout) -> Iterator[Path]:
    for folder in (layout.records, layout.contacts, *layout.all_held()):
        yield from filter(is_partial, list(folder.iterdir()))
    abandoned = time.time() - ABANDONED_SECONDS
    for name in {*PUBLIC_FOLDERS.values(), ENTRIES}:
        for path in filter(is_partial, (layout.store / name).iterdir()):
            with suppress(FileNotFoundError):  # finished in the meantime
                if path.is_file() and path.stat().st_mtime < abandoned and not _has_writer(path):
                    yield path


def _has_writer(partial: Path) -> bool:
    """Whether the process that a partial file is named after lives on this machine.

    The file's age alone would not do: a clock that jumps ahead makes every file old.
    """
    number = partial.name.removeprefix(PARTIAL_PREFIX).partition("-")[0]
    if not number.isdecimal():
        return False
    try:
        os.kill(int(number), 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
