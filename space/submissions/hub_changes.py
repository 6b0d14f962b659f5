"""What a repo on the Hub lacks of a folder here, told from what was pushed before."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from contracts.release.hub import HubRepo
from space.submissions.layout import ENTRIES, PUBLIC_FOLDERS, Layout, is_partial
from space.submissions.record import Submission

Key = Literal["public", "private", "contacts"]

DATABASE = ".sqlite"

#: Folders that go to each repo. Of the quotas only what accounts have used up does: a repo keeps
#: its history, and there digests of addresses and their salts would not expire.
PUSHED: Mapping[Key, tuple[str, ...]] = {
    "public": (*dict.fromkeys(PUBLIC_FOLDERS.values()), ENTRIES, "archive"),
    "private": ("records", "held", "runs", "limits"),
    "contacts": ("contacts",),
}


@dataclass(frozen=True)
class Side:
    """A repo and the folder that it mirrors."""

    key: Key
    repo: HubRepo
    root: Path

    @property
    def must_be_private(self) -> bool:
        """Whether nobody but the maintainers may see the repo."""
        return self.key != "public"


@dataclass(frozen=True)
class Change:
    """What a repo lacks: stamps of files to add by path, and paths to take out."""

    add: Mapping[str, str]
    delete: tuple[str, ...]

    def __bool__(self) -> bool:
        return bool(self.add or self.delete)


def stamps(side: Side) -> dict[str, str]:
    """Path -> size and time of every whole file of a side. Files are replaced, never edited.

    Only the database of a run is edited in place; what it has not taken over from its log yet
    counts as well.
    """
    stamps_by_path = {}
    for path in whole_files(side.root, PUSHED[side.key]):
        parts = [path] if path.suffix != DATABASE else [path, Path(f"{path}-wal")]
        try:
            stamp = " ".join(_stamp(part) for part in parts if part == path or part.exists())
        except FileNotFoundError:  # a run's own file, which is not under our lock
            continue
        stamps_by_path[path.relative_to(side.root).as_posix()] = stamp
    return stamps_by_path


def _stamp(path: Path) -> str:
    status = path.stat()
    return f"{status.st_size}:{status.st_mtime_ns}"


def copy_whole(source: Path, target: Path) -> None:
    """Copy a file as it stands at one moment, a database together with its log."""
    target.parent.mkdir(parents=True, exist_ok=True)
    if source.suffix != DATABASE:
        shutil.copyfile(source, target)
        return
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True, timeout=30)) as reading,
        closing(sqlite3.connect(target)) as writing,
    ):
        reading.backup(writing)


def whole_files(root: Path, folders: Sequence[str]) -> Iterator[Path]:
    """Every file of some folders that is whole and counts, sorted by path."""
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            beside = path.name.endswith((f"{DATABASE}-wal", f"{DATABASE}-shm"))
            if path.is_file() and not (path.is_symlink() or is_partial(path) or beside):
                yield path


def change_of(side: Side, pushed: Mapping[str, str], records: Mapping[str, Submission]) -> Change:
    """What to push.

    A file is taken out of a repo only where the record of its submission says that it belongs
    there no more: a folder that was lost or emptied by hand empties no repo.

    Args:
        side: the repo and its folder.
        pushed: path -> stamp of what was pushed before.
        records: all records, by id.
    """
    here = stamps(side)
    add = {name: stamp for name, stamp in here.items() if pushed.get(name) != stamp}
    gone = (name for name in pushed if name not in here)
    return Change(add, tuple(name for name in gone if _belongs_no_more(side.key, name, records)))


def _belongs_no_more(key: Key, name: str, records: Mapping[str, Submission]) -> bool:
    folder, _, rest = name.partition("/")
    record = records.get(rest[: len("sub-") + 16])
    if record is None:
        return False
    if key == "public":
        return folder != ENTRIES and not record.on_board
    if key == "private":
        return folder == "held" and (record.on_board or record.state == "deleted")
    return record.state in ("withdrawn", "deleted")


def sides_of(layout: Layout, repos: Mapping[Key, HubRepo]) -> tuple[Side, ...]:
    """The sides of a mirror; contacts stay on the machine where no repo is named for them."""
    roots: Mapping[Key, Path] = {
        "public": layout.store,
        "private": layout.private,
        "contacts": layout.private,
    }
    return tuple(Side(key, repos[key], roots[key]) for key in PUSHED if key in repos)
