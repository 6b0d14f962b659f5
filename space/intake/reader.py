"""Hand uploads to children, wait, and take back plain JSON."""

from __future__ import annotations

import itertools
import json
import logging
import shutil
import tempfile
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from contracts.errors import ContractError, Problem, fail
from contracts.predictions.distributions import BadCells
from contracts.report import Report, read_report
from space.board.untrusted_text import safe_file_name
from space.intake.limits import MEGABYTE, Limits
from space.intake.process import ReaderProcess
from space.intake.work import (
    NORMALISED,
    OUT_OF_MEMORY,
    OUT_OF_ROOM,
    REPORT,
    RESULT,
    job_fields,
    lacks_room,
    too_little_room,
    too_much_memory,
)

#: Uploads that are read at a time; others wait up to `WAIT_SECONDS`.
SLOTS = 2
WAIT_SECONDS = 120.0

#: Largest `result.json` that is believed.
_LARGEST_RESULT = 16 * MEGABYTE

log = logging.getLogger("space.intake")


@dataclass(frozen=True)
class Job:
    """An upload, and what is asked of it.

    Attributes:
        path: the file.
        name: the name it was uploaded under.
        sidecar: its metadata, if it came as a file of its own.
        release: folder of the release that distributions are compared with.
        people: folder of a release with single persons for ratings, if there is one.
        public: whether the ratings of that release are guarded (`space.intake.ratings`).
        stated: metadata that was stated in the form; empty ones leave the file's.
        score: whether to score it, or only to read it.
        board: whether lacking metadata is an error.
        seed: seed of the scores.
        replicates: bootstrap replicates.
        bad_cells: what becomes of cells with unknown options: the file is refused, or they count
            as invalid answers.
    """

    path: Path
    name: str = ""
    sidecar: Path | None = None
    release: str = "reference"
    people: str = ""
    public: bool = False
    stated: Mapping[str, Any] = field(default_factory=dict)
    score: bool = True
    board: bool = False
    seed: int = 0
    replicates: int = 1000
    bad_cells: BadCells = "refuse"


@dataclass(frozen=True)
class Outcome:
    """What was found in an upload.

    Attributes:
        problems: what is wrong, in the order of rows, capped; nothing else counts if there is any.
        problem_count: how many problems there are.
        kind: `distribution`, `rating`, `advice` or `report`.
        rows: rows of the file.
        tolerated: what was mended or left out, counted.
        notices: code and message of what a reader must know.
        lacking: metadata that a submission to the board needs and the file does not give.
        meta: its metadata, with what was stated.
        sha256: of the file as it came.
        report: the scored (or given) report; None where nothing was scored.
        report_path: file of it.
        predictions_path: the rewritten predictions; None for a report.
        peak_bytes: most memory that the child held.
        cpu_seconds: processor time of the child.
    """

    problems: tuple[Problem, ...] = ()
    problem_count: int = 0
    kind: str = ""
    rows: int = 0
    tolerated: Mapping[str, int] = field(default_factory=dict)
    notices: tuple[tuple[str, str], ...] = ()
    lacking: tuple[str, ...] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    sha256: str = ""
    report: Report | None = None
    report_path: Path | None = None
    predictions_path: Path | None = None
    peak_bytes: int = 0
    cpu_seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem_count


class Reader:
    """Reads uploads in children of a process that is started at the first one.

    Args:
        limits: caps of every upload.
        slots: uploads that are read at a time.
    """

    def __init__(self, limits: Limits | None = None, *, slots: int = SLOTS) -> None:
        self.limits = limits or Limits()
        self._slots = threading.BoundedSemaphore(slots)
        self._lock = threading.Lock()
        self._numbers = itertools.count()
        self._server: ReaderProcess | None = None

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """End the process; what it was reading ends with it."""
        with self._lock:
            if self._server is not None:
                self._server.close()
                self._server = None

    def warm(self) -> None:
        """Start the process in the background, so that the first upload need not wait for it."""
        if self._server is None:
            threading.Thread(target=self._running, daemon=True).start()

    @contextmanager
    def read(self, job: Job) -> Iterator[Outcome]:
        """Read an upload; its files stay until the block ends.

        Nothing in the upload raises: what is wrong with it is in the outcome's problems.
        """
        try:
            scratch = tempfile.TemporaryDirectory(prefix="opinion-atlas-upload-")
        except OSError as error:
            log.error("no room for uploads", extra={"why": str(error)})
            yield Outcome(problems=too_little_room().problems, problem_count=1)
            return
        with scratch as folder:
            try:
                outcome = self._read(job, Path(folder))
            except ContractError as error:
                outcome = Outcome(problems=error.problems, problem_count=len(error.problems))
            yield outcome

    def _read(self, job: Job, folder: Path) -> Outcome:
        fields = _lay_out(job, folder, self.limits)
        if not self._slots.acquire(timeout=WAIT_SECONDS):
            raise fail(
                "busy",
                "too many uploads are being read at the moment",
                hint="Try again in a few minutes.",
            )
        try:
            ended = self._run(folder, fields)
        finally:
            self._slots.release()
        return _outcome(folder, fields, ended, self.limits)

    def _run(self, folder: Path, fields: Mapping[str, Any]) -> Mapping[str, Any]:
        number = next(self._numbers)
        for _ in range(2):  # the process may have died since it was last used
            waiting = self._running().ask(number, folder, fields)
            if waiting is None:
                continue
            try:
                return waiting.result(timeout=self.limits.wall_seconds + 30)
            except FutureTimeout:
                self.close()
                return {"code": -9, "late": True}
        return {"code": 1, "late": False}

    def _running(self) -> ReaderProcess:
        with self._lock:
            if self._server is not None and not self._server.alive:
                self._server.close()
                self._server = None
            if self._server is None:
                self._server = ReaderProcess()
            return self._server


def _lay_out(job: Job, folder: Path, limits: Limits) -> dict[str, Any]:
    """Copy the upload into the child's folder under names of our own; the job as JSON."""
    name = safe_file_name(job.name or job.path.name)
    is_report = name.lower().endswith(".json")
    allowed = limits.report_bytes if is_report else limits.file_bytes
    _copy(job.path, folder / name, allowed)
    sidecar = ""
    if job.sidecar is not None and not is_report:
        sidecar = f"{Path(name).stem}.sidecar.json"
        _copy(job.sidecar, folder / sidecar, limits.sidecar_bytes)
    return job_fields(
        limits,
        kind="report" if is_report else "predictions",
        file=name,
        sidecar=sidecar,
        release=job.release,
        people=job.people,
        public=job.public,
        stated=dict(job.stated),
        score=job.score,
        board=job.board,
        seed=job.seed,
        replicates=job.replicates,
        bad_cells=job.bad_cells,
    )


def _copy(source: Path, target: Path, allowed: int) -> None:
    """Copy at most one byte more than may be: the child says what is wrong with its size."""
    try:
        with source.open("rb") as reading, target.open("xb") as writing:
            if source.stat().st_size > allowed:
                writing.truncate(source.stat().st_size)  # holes take no room
            else:
                shutil.copyfileobj(reading, writing)
    except OSError as error:
        if lacks_room(error):
            raise too_little_room() from None
        raise fail(
            "no-file", f"the upload cannot be read: {error.strerror}", where=target.name
        ) from None


def _outcome(
    folder: Path, job: Mapping[str, Any], ended: Mapping[str, Any], limits: Limits
) -> Outcome:
    used = {
        "peak_bytes": int(ended.get("peak_bytes", 0)),
        "cpu_seconds": float(ended.get("cpu_seconds", 0.0)),
    }
    result = folder / RESULT
    if ended["code"] or not result.is_file() or result.stat().st_size > _LARGEST_RESULT:
        error = _died(str(job["file"]), ended, limits)
        log.warning("upload reader died", extra={"code": ended["code"], "late": ended["late"]})
        return Outcome(problems=error.problems, problem_count=1, **used)  # type: ignore[arg-type]
    parsed = json.loads(result.read_text(encoding="ascii"))
    problems = tuple(Problem(**one) for one in parsed["problems"])
    if problems:
        return Outcome(problems=problems, problem_count=parsed["problem_count"], **used)  # type: ignore[arg-type]
    report = folder / REPORT if parsed.get("report") else None
    predictions = folder / NORMALISED if parsed.get("predictions") else None
    return Outcome(
        kind=parsed["kind"],
        rows=parsed["rows"],
        tolerated=parsed["tolerated"],
        notices=tuple((one["code"], one["message"]) for one in parsed["notices"]),
        lacking=tuple(parsed["lacking"]),
        meta=parsed["meta"],
        sha256=parsed["sha256"],
        report=_read_back(report, str(job["file"])) if report else None,
        report_path=report,
        predictions_path=predictions,
        **used,  # type: ignore[arg-type]
    )


def _read_back(path: Path, name: str) -> Report:
    """The report that a child wrote; what the child let through is refused here."""
    try:
        return read_report(path)
    except ContractError as error:
        problems = [replace(problem, where=name) for problem in error.problems[:20]]
        raise ContractError(problems, subject=name) from None


def _died(name: str, ended: Mapping[str, Any], limits: Limits) -> ContractError:
    """What it means that a child ended without a result."""
    if ended["late"] or ended["code"] in (-9, -24, -14):  # killed, processor time, alarm
        return fail(
            "too-slow",
            "reading the file takes too long",
            where=name,
            allowed=f"{limits.wall_seconds:g} seconds, {limits.cpu_seconds} of them computing",
            hint="Score it on your own machine: opinion-atlas score FILE --out report.json",
        )
    if ended["code"] == OUT_OF_ROOM:
        return too_little_room()
    if ended["code"] in (OUT_OF_MEMORY, -6, -11, -7):  # or aborted, or touched what is not its own
        return too_much_memory(name, limits)
    return fail(
        "unreadable",
        "the file cannot be read; reading it ended without a result",
        where=name,
        hint="Templates of files that can be read are on this page.",
    )
