"""Score the predictions of a store again, for a new scorer or a new release."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

from codebook.questions import QUESTION_SETS
from contracts.atomic import atomic_file
from contracts.errors import ContractError
from contracts.release.read import Release, open_release
from contracts.report import Report, read_report, write_report
from contracts.specs import kind_spec
from scoring.protocols.worldvaluesbench.protected_report import PRIVATE_RELEASE, protected_report
from space.board.public import public_release
from space.board.store import ARCHIVE, Store
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


def rescore(store: Store, *, source: str, everything: bool = False) -> Iterator[Rescored]:
    """Score again what is out of date; the index follows by itself.

    The old report is stored under `archive/`. A row that fails keeps its old report.

    Args:
        store: the store.
        source: name of the release, as `contracts.release.read.open_release` takes it.
        everything: whether rows that are up to date are scored again too.

    Yields:
        What became of each row, as soon as it is known.
    """
    target = Target(open_release(source))
    for planned in _plans(store, target, everything=everything):
        if planned.outcome != "new":
            yield planned
            continue
        try:
            _rescore_row(store, target, planned.row_id)
        except ContractError as error:
            yield Rescored(planned.row_id, "failed", str(error))
        else:
            yield planned


def _rescore_row(store: Store, target: Target, row_id: str) -> None:
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
    )
    # What a submitter said of the model stands in the entry, not in the predictions.
    stated = store.entry(row_id).get("details")
    described = with_details(report, stated if isinstance(stated, dict) else {})
    kept = store.root / ARCHIVE / f"{row_id}-{old.scorer_version}-{old.digest[:8]}.json"
    with atomic_file(kept) as partial:
        partial.write_bytes(path.read_bytes())
    write_report(protected_report(described), path)


def _guarded(report: Report) -> bool:
    """Whether a report of ratings was made from protected counts."""
    return any(notice.code == PRIVATE_RELEASE for notice in report.warnings)


def _existing(path: Path | None) -> Path:
    if path is None:
        raise FileNotFoundError("the predictions went away while they were scored")
    return path
