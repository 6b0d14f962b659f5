"""A store: a folder of immutable reports and predictions, with an index beside them."""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from contracts.atomic import PARTIAL_PREFIX
from contracts.errors import ContractError, Problem
from contracts.report import Report, read_report
from space.board.index import ReportFile, build_index, index_signature, is_sound, signature
from space.board.public import public_report
from space.board.published_cells import with_published_cells
from space.published.store import PUBLISHED, predictions_on_demand

INDEX_NAME = "index.sqlite"
#: Reports that were replaced are kept here, by row and scorer version.
ARCHIVE = "archive"
#: A store that is a dataset repo on the Hub is named with this before it.
HUB = "hub:"
CLASSES = ("verified", "published", "uploaded", "self-reported")
PREDICTION_SUFFIXES = (".jsonl", ".csv", ".tsv", ".parquet")

#: Seconds between looks at every file of a store whose folders say that nothing came or went.
FULL_LOOK_SECONDS = 300.0

#: A folder that changed less than so many seconds ago is looked at in full once more.
SETTLED_SECONDS = 2

log = logging.getLogger("space.board.store")


@dataclass
class Store:
    """Reports (`reports/*.json`), predictions (`predictions/*`) and classes (`entries/*.json`).

    Files are only ever added or replaced whole. The index is rebuilt when a report comes, goes
    or changes; between looks it is left alone for `look_every` seconds.

    Attributes:
        root: the folder.
        look_every: seconds between looks at the files.
    """

    root: Path
    look_every: float = 5.0
    _looked: float = field(default=0.0, init=False, repr=False)
    _quiet: tuple[int, ...] = field(default=(), init=False, repr=False)
    _listed: float = field(default=0.0, init=False, repr=False)
    _lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)
    _mending: bool = field(default=False, init=False, repr=False)
    _mending_lock: threading.Lock = field(default_factory=threading.Lock, init=False, repr=False)

    @property
    def reports_folder(self) -> Path:
        """Where the reports lie."""
        return self.root / "reports"

    @property
    def predictions_folder(self) -> Path:
        """Where the predictions lie, under the same names as their reports."""
        return self.root / "predictions"

    @property
    def index_path(self) -> Path:
        """The index: in the store, or in a cache folder where the store cannot be written to."""
        inside = self.root / INDEX_NAME
        if _writable(self.root):
            return inside
        name = hashlib.sha256(str(self.root.resolve()).encode()).hexdigest()[:16]
        return Path(tempfile.gettempdir()) / f"opinion-atlas-{name}" / INDEX_NAME

    def report_files(self) -> list[ReportFile]:
        """All report files, sorted by name."""
        listed_files = []
        for path in sorted(self.reports_folder.glob("*.json")):
            if path.name.startswith(PARTIAL_PREFIX):  # still being written, or never finished
                continue
            try:
                status = path.stat()
            except FileNotFoundError:  # gone since the folder was listed
                continue
            row_class = self._class_of(path.stem)
            stamp = f"{status.st_size}:{status.st_mtime_ns}:{row_class}"
            listed_files.append(ReportFile(path.stem, path, row_class, stamp, status.st_mtime))
        return listed_files

    def entry(self, row_id: str) -> dict[str, Any]:
        """What `entries/<row>.json` says of a row: class, details; empty where there is none."""
        path = self.root / "entries" / f"{row_id}.json"
        try:
            parsed = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return parsed if isinstance(parsed, dict) else {}

    def _class_of(self, row_id: str) -> str:
        stated_class = self.entry(row_id).get("class", "")
        if stated_class in CLASSES:
            return str(stated_class)
        return "uploaded" if self.predictions_path(row_id) else "self-reported"

    def predictions_path(self, row_id: str) -> Path | None:
        """The predictions file that a report was scored from, if the store has it."""
        for suffix in PREDICTION_SUFFIXES:
            path = self.predictions_folder / f"{row_id}{suffix}"
            if path.exists():
                return path
        if self.entry(row_id).get("class") == PUBLISHED:
            return predictions_on_demand(row_id, self.predictions_folder)
        return None

    def ensure_index(self, *, force: bool = False) -> Path:
        """Build the index if the reports have changed; return its path.

        Where an index is there already it keeps serving while the new one is built in the
        background; `force` waits for the new one.
        """
        path = self.index_path
        now = time.monotonic()
        if not force and self._looked and now - self._looked < self.look_every:
            return path
        if not force and path.exists() and self._looked:
            self._looked = now
            threading.Thread(target=self._build_behind, daemon=True).start()
            return path
        try:
            self._build()
        except ContractError as error:
            if force or not path.exists():
                raise
            log.error("the board is as it was: no new index", extra={"why": str(error)[:300]})
        self._looked = time.monotonic()
        return path

    def stamp(self) -> tuple[int, int]:
        """What changes whenever an index takes the place of another.

        Raises:
            ContractError: there is none any more; a new one is being built.
        """
        stamp = _file_stamp(self.ensure_index())
        if stamp is None:
            raise self.damaged(FileNotFoundError(self.index_path))
        return stamp

    def mend_index(self) -> None:
        """Rebuild an index that cannot be read from the reports, which hold everything."""
        if not is_sound(self.index_path):
            self._build(rebuild=True)

    def damaged(self, error: Exception, *, read: tuple[int, int] | None = None) -> ContractError:
        """The error for an index that cannot be read; it is being rebuilt in the background.

        Args:
            error: why it cannot be read.
            read: stamp of the index that was read. Where another has taken its place since,
                nothing is rebuilt.
        """
        log.error("the index cannot be read", extra={"why": str(error)[:200]})
        with self._mending_lock:
            replaced = read is not None and read != _file_stamp(self.index_path)
            if not (self._mending or replaced):
                self._mending = True
                threading.Thread(target=self._mend_behind, daemon=True).start()
        return ContractError(
            Problem(
                "index-damaged",
                "the board's index cannot be read; it is being rebuilt from the reports",
                hint="Try again in a minute.",
            )
        )

    def _mend_behind(self) -> None:
        try:
            self._build(rebuild=True)
        except (OSError, sqlite3.Error, ContractError):
            log.exception("the index could not be rebuilt")
        finally:
            self._mending = False

    def _build_behind(self) -> None:
        """Build for the next looks; the index there goes on serving if that fails."""
        if self._is_quiet():
            return
        try:
            self._build()
        except (OSError, sqlite3.Error, ContractError):
            log.exception("the index could not be rebuilt")

    def _is_quiet(self) -> bool:
        """Whether nothing has come or gone since the files were listed last.

        What comes, goes or is replaced whole changes the time of its folder; looking at three
        folders costs nothing, at thousands of files it does. Files that something else writes
        into are found at the next full look.
        """
        return (
            bool(self._quiet)
            and time.monotonic() - self._listed < FULL_LOOK_SECONDS
            and self._quiet == self._folder_times()
            and self.index_path.exists()
        )

    def _folder_times(self) -> tuple[int, ...]:
        folders = (self.reports_folder, self.predictions_folder, self.root / "entries")
        return tuple(one.stat().st_mtime_ns if one.is_dir() else 0 for one in folders)

    def _build(self, *, rebuild: bool = False) -> None:
        with self._lock:
            times = self._folder_times()
            files = self.report_files()
            # A file that comes within the same tick of the clock leaves the folder's time as it is.
            settled = time.time_ns() - max(times) > SETTLED_SECONDS * 1_000_000_000
            self._quiet, self._listed = (times if settled else ()), time.monotonic()
            if not rebuild and index_signature(self.index_path) == signature(files):
                return
            started = time.perf_counter()
            build_index(self.index_path, files, rebuild=rebuild)
            seconds = round(time.perf_counter() - started, 3)
            log.info("index built", extra={"reports": len(files), "seconds": seconds})

    @contextmanager
    def connect(self) -> Iterator[sqlite3.Connection]:
        """A read-only connection to an index that is up to date.

        Raises:
            ContractError: the index cannot be read; a new one is being built.
        """
        path = self.ensure_index()
        stamp = _file_stamp(path)
        try:
            with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
                db.row_factory = sqlite3.Row
                yield db
        except (sqlite3.DatabaseError, UnicodeDecodeError) as error:
            raise self.damaged(error, read=stamp) from None

    def report(self, row_id: str) -> Report:
        """The report of a row, without what would give few people away.

        Raises:
            ContractError: the store has no such row, or its report cannot be read or shown.
        """
        path = self.reports_folder / f"{row_id}.json"
        inside = path.parent == self.reports_folder and path.stem == row_id
        if not inside or row_id.startswith(PARTIAL_PREFIX):
            raise no_row(row_id)
        try:
            stamp = path.stat().st_mtime_ns
        except (OSError, ValueError):  # no such file, or nothing that a file may be called
            raise no_row(row_id) from None
        return _cached_report(path, stamp)


def _file_stamp(path: Path) -> tuple[int, int] | None:
    """What changes whenever another file takes the place of one; None where there is none."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns


@lru_cache(maxsize=16)
def _cached_report(path: Path, stamp: int) -> Report:  # noqa: ARG001
    try:
        report = read_report(path)
    except ContractError as error:
        log.error("report cannot be read", extra={"row": path.stem, "why": str(error)[:300]})
        raise ContractError(
            Problem(
                "damaged-report",
                f"the report of row {path.stem!r} cannot be read",
                hint="Its predictions, where the board has them, can be scored again by a "
                "maintainer: opinion-atlas rescore",
            )
        ) from None
    return with_published_cells(public_report(report), path.stem)


def no_row(row_id: str) -> ContractError:
    """The error for a row that the store does not have."""
    return ContractError(
        Problem(
            "no-row",
            f"the board has no row {row_id!r}",
            hint="Rows and their ids are listed at /board.json",
        )
    )


def open_store(root: str | Path, *, create: bool = False, token: str | None = None) -> Store:
    """Open a store.

    Args:
        root: its folder, or `hub:ORG/NAME` or `hub:ORG/NAME@TAG` of a dataset repo on the Hub.
        create: whether to make the folder if it is not there.
        token: token for a private repo; else the one that `hf auth login` saved.

    Raises:
        ContractError: there is no such store, or it cannot be made or fetched.
    """
    if str(root).startswith(HUB):
        return Store(_fetch(str(root).removeprefix(HUB), token=token))
    folder = Path(root)
    if create:
        try:
            (folder / "reports").mkdir(parents=True, exist_ok=True)
            (folder / "predictions").mkdir(exist_ok=True)
        except OSError as error:
            raise ContractError(
                Problem("cannot-write", f"cannot make the store {folder}: {error.strerror}")
            ) from None
    if not folder.is_dir():
        raise ContractError(
            Problem(
                "no-store",
                f"there is no store at {folder}",
                allowed="a folder with reports/*.json",
                hint="Put reports into STORE/reports, one JSON file each.",
            )
        )
    return Store(folder)


def _writable(folder: Path) -> bool:
    import os

    return os.access(folder, os.W_OK)


def _fetch(name: str, *, token: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    repo, _, tag = name.partition("@")
    try:
        folder = snapshot_download(
            repo,
            repo_type="dataset",
            revision=tag or None,
            token=token,
            allow_patterns=["reports/*", "predictions/*", "entries/*"],
        )
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as error:
        lines = str(error).strip().splitlines() or [repr(error)]
        raise ContractError(
            Problem(
                "no-store",
                f"cannot fetch the store {repo} at {tag or 'its main branch'}: {lines[0]}",
                hint="Check the name; a private repo needs a login: hf auth login",
            )
        ) from None
    return Path(folder)
