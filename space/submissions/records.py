"""The records on disk, kept in memory as long as their files do not change."""

from __future__ import annotations

import logging
import re
import secrets
import threading
from pathlib import Path

from contracts.digests import pretty_json
from contracts.errors import ContractError, fail
from contracts.models import parse_model
from space.submissions.files import write_durable
from space.submissions.record import Submission

#: Ids are random, so that a receipt that waits cannot be guessed.
ID_PATTERN = re.compile(r"sub-[a-z2-7]{16}")
_LETTERS = "abcdefghijklmnopqrstuvwxyz234567"

log = logging.getLogger("space.submissions")


def new_id() -> str:
    """A random id of 80 bits."""
    return "sub-" + "".join(secrets.choice(_LETTERS) for _ in range(16))


class Records:
    """Records of a folder, one JSON file each."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._cached: dict[str, tuple[tuple[int, int, int], Submission]] = {}
        self._lock = threading.Lock()

    def read(self, submission_id: str) -> Submission:
        """The record of an id.

        Raises:
            ContractError: there is none, or it is damaged.
        """
        if ID_PATTERN.fullmatch(submission_id):
            record = self._look(self._folder / f"{submission_id}.json")
            if record is not None:
                return record
        raise fail(
            "no-submission",
            f"there is no submission {submission_id[:40]!a}",
            hint="The id stands on the receipt; maintainers list all with: "
            "opinion-atlas space admin list",
        )

    def every(self) -> list[Submission]:
        """All records, oldest first.

        One that cannot be read (someone changed it by hand) is logged and left out, so that it
        does not stop all others.
        """
        records = []
        for path in self._folder.glob("sub-*.json"):
            try:
                one = self._look(path)
            except (ContractError, OSError) as error:
                log.error("record left out", extra={"record": path.name, "problem": str(error)})
                continue
            if one is not None:
                records.append(one)
        return sorted(records, key=lambda one: (one.submitted_at, one.id))

    def write(self, submission: Submission) -> None:
        """Commit a record: from here on it holds."""
        text = pretty_json(submission.model_dump(mode="json"))
        write_durable(self._folder / f"{submission.id}.json", text)

    def _look(self, path: Path) -> Submission | None:
        try:
            status = path.stat()
            # Every write is a rename, so the inode changes even within one clock tick.
            stamp = (status.st_ino, status.st_mtime_ns, status.st_size)
            with self._lock:
                cached_entry = self._cached.get(path.stem)
            if cached_entry is not None and cached_entry[0] == stamp:
                return cached_entry[1]
            record = parse_model(Submission, path.read_text(encoding="utf-8"), where=str(path))
        except FileNotFoundError:
            return None
        except UnicodeDecodeError:
            raise fail("damaged-record", "the record is no text", where=str(path)) from None
        with self._lock:
            self._cached[path.stem] = (stamp, record)
        return record
