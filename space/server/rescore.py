"""Score the predictions of a store again, for a new scorer or a new release."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from codebook.questions import QUESTION_SETS
from contracts.atomic import atomic_file
from contracts.errors import ContractError, fail
from contracts.release.read import Release, open_release
from contracts.report import Report, read_report, write_report
from contracts.specs import kind_spec
from scoring.inference.workspace import Workspace
from scoring.protocols.worldvaluesbench.protected_report import PRIVATE_RELEASE, protected_report
from space.board.public import public_release
from space.board.store import ARCHIVE, Store, open_store
from space.board.version import current_scorer_version
from space.intake.normalise import read_stored
from space.submissions.details import with_details


class Rescored(NamedTuple):
    """What became of a row: `new`, `current`, `no predictions` or `failed`, and why."""

    row_id: str
    outcome: str
    detail: str = ""


@dataclass(frozen=True)
class Target:
    """The release to re-score against, as each kind of predictions needs it."""

    release: Release

    @cached_property
    def shown(self) -> Release:
        """Its public tables, which distributions are compared with."""
        return public_release(self.release)

    def of(self, report: Report) -> Release:
        """What the predictions of a report are compared with; ratings need the respondents."""
        return self.release if kind_spec(report.predictions.kind).individuals else self.shown

    def digest(self, report: Report) -> str:
        """Digest that an up-to-date report of these predictions states."""
        if kind_spec(report.predictions.kind).individuals:
            return self.release.protected().digest
        return self.shown.digest


def plan_rescore(store: Store, release: Release, *, everything: bool) -> Iterator[Rescored]:
    """What a rescore would do with each row, without doing it.

    Args:
        store: the store.
        release: the release to score against.
        everything: whether rows of the present scorer and release are scored again too.
    """
    yield from _plans(store, Target(release), everything=everything)


def _plans(store: Store, target: Target, *, everything: bool) -> Iterator[Rescored]:
    for file in store.report_files():
        try:
            report = read_report(file.path)
            yield _plan(store, target, file.row_id, report, everything=everything)
        except ContractError as error:
            yield Rescored(file.row_id, "failed", str(error))


def _plan(
    store: Store, target: Target, row_id: str, report: Report, *, everything: bool
) -> Rescored:
    now = current_scorer_version()
    if store.predictions_path(row_id) is None:
        return Rescored(row_id, "no predictions", "the store has only the report")
    # A private release and its public tables go by names that differ in this ending.
    names = [report.release.name, target.release.manifest.name]
    if len({name.removesuffix("-public") for name in names}) > 1:
        return Rescored(row_id, "other release", f"scored on {names[0]}, not {names[1]}")
    same = report.scorer_version == now and report.release.digest == target.digest(report)
    if same and not everything:
        return Rescored(row_id, "current", f"scorer {now}")
    return Rescored(row_id, "new", f"scorer {report.scorer_version} -> {now}")


def rescore(
    store: Store, *, source: str, everything: bool = False, jobs: int = 1
) -> Iterator[Rescored]:
    """Score again what is out of date; the index follows by itself.

    The old report is stored under `archive/`. A row that fails keeps its old report.

    Args:
        store: the store.
        source: name of the release, as `contracts.release.read.open_release` takes it.
        everything: whether rows that are up to date are scored again too.
        jobs: processes that score rows side by side; each holds some hundred megabytes.

    Yields:
        What became of each row, in the order of the rows, as soon as it is known.

    Raises:
        ContractError: there is no such release, or a process ended by itself.
    """
    target = Target(open_release(source))
    if jobs <= 1:
        desk = _Desk(store, target)
        plans = _plans(store, target, everything=everything)
        yield from (desk.done(planned) for planned in plans)
        return
    plans_made = list(_plans(store, target, everything=everything))
    # Spawned, not forked: a copy of this process would inherit its threads' locks.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(
        jobs, mp_context=context, initializer=_open_desk, initargs=(store.root, source)
    ) as workers:
        try:
            yield from workers.map(_done_there, plans_made)
        except BrokenProcessPool:
            raise fail(
                "worker-ended",
                "a process that scored rows ended by itself",
                found=f"{jobs} processes",
                hint="Most often memory runs out: take fewer --jobs. Rows scored so far stay.",
            ) from None


class _Desk:
    """Scores rows of a store one after the other; what they have in common is worked out once."""

    def __init__(self, store: Store, target: Target) -> None:
        self.store, self.target, self.workspace = store, target, Workspace()

    def done(self, planned: Rescored) -> Rescored:
        """Do what is planned for a row; returns what became of it."""
        if planned.outcome != "new":
            return planned
        try:
            _rescore_row(self.store, self.target, planned.row_id, self.workspace)
        except ContractError as error:
            return Rescored(planned.row_id, "failed", str(error))
        return planned


#: The desk of a worker process.
_desks: list[_Desk] = []


def _open_desk(root: Path, source: str) -> None:
    _desks[:] = [_Desk(open_store(root), Target(open_release(source)))]


def _done_there(planned: Rescored) -> Rescored:
    return _desks[0].done(planned)


def _rescore_row(store: Store, target: Target, row_id: str, workspace: Workspace) -> None:
    from scoring.engine import score

    path = store.reports_folder / f"{row_id}.json"
    old = read_report(path)
    settings = old.settings
    predictions = read_stored(_existing(store.predictions_path(row_id)))
    kind = kind_spec(predictions.kind)
    report = score(
        predictions,
        target.of(old),
        mode=settings.mode,
        questions=settings.questions if settings.questions in (*QUESTION_SETS, "all") else None,
        weights=settings.weights,
        split=settings.split,
        seed=settings.seed,
        replicates=settings.replicates,
        wave=settings.wave,
        cells=bool(old.cells) or kind.population,
        protected=not kind.individuals or not old.release.synthetic or _guarded(old),
        workspace=workspace,
    )
    # What a submitter said of the model stands in the entry, not in the predictions.
    stated = store.entry(row_id).get("details")
    described = with_details(report, stated if isinstance(stated, dict) else {})
    archived_path = store.root / ARCHIVE / f"{row_id}-{old.scorer_version}-{old.digest[:8]}.json"
    with atomic_file(archived_path) as partial:
        partial.write_bytes(path.read_bytes())
    write_report(protected_report(described), path)


def _guarded(report: Report) -> bool:
    """Whether a report of ratings was made from protected counts."""
    return any(notice.code == PRIVATE_RELEASE for notice in report.warnings)


def _existing(path: Path | None) -> Path:
    if path is None:
        raise FileNotFoundError("the predictions went away while they were scored")
    return path
