"""Score the predictions of a store anew, for a new scorer or a new release."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from codebook.questions import MEMBERSHIPS
from contracts.atomic import atomic_file
from contracts.errors import ContractError
from contracts.release import Release, open_release
from contracts.report import Report, read_report, write_report
from scoring.protected_report import PRIVATE_RELEASE, protected_report
from space.intake.normalise import read_stored
from space.store import ARCHIVE, Store
from space.submissions.details import with_details
from space.version import current_scorer_version


class Rescored(NamedTuple):
    """What became of a row: `new`, `current`, `no predictions` or `failed`, and why."""

    row_id: str
    outcome: str
    detail: str = ""


def plan_rescore(store: Store, release: Release, *, everything: bool) -> Iterator[Rescored]:
    """What a rescore would do with each row, without doing it.

    Args:
        store: the store.
        release: the release to score against.
        everything: whether rows of the present scorer and release are scored anew too.
    """
    for file in store.report_files():
        try:
            report = read_report(file.path)
        except ContractError as error:
            yield Rescored(file.row_id, "failed", str(error))
            continue
        yield _plan(store, release, file.row_id, report, everything=everything)


def _plan(
    store: Store, release: Release, row_id: str, report: Report, *, everything: bool
) -> Rescored:
    now = current_scorer_version()
    same = report.scorer_version == now and report.release.digest == release.digest
    if same and not everything:
        return Rescored(row_id, "current", f"scorer {now}")
    if store.predictions_path(row_id) is None:
        return Rescored(row_id, "no predictions", "the store has only the report")
    if report.release.name != release.manifest.name:
        return Rescored(
            row_id, "other release", f"scored on {report.release.name}, not {release.manifest.name}"
        )
    return Rescored(row_id, "new", f"scorer {report.scorer_version} -> {now}")


def rescore(store: Store, *, source: str, everything: bool = False) -> Iterator[Rescored]:
    """Score anew what is out of date; the index follows by itself.

    The old report is kept under `archive/`. A row that fails keeps its old report.

    Args:
        store: the store.
        source: name of the release, as `contracts.release.open_release` takes it.
        everything: whether rows that are up to date are scored anew too.

    Yields:
        What became of each row, as soon as it is known.
    """
    release = open_release(source)
    for planned in plan_rescore(store, release, everything=everything):
        if planned.outcome != "new":
            yield planned
            continue
        try:
            _rescore_row(store, release, planned.row_id)
        except ContractError as error:
            yield Rescored(planned.row_id, "failed", str(error))
        else:
            yield planned


def _rescore_row(store: Store, release: Release, row_id: str) -> None:
    from scoring.engine import score

    path = store.reports_folder / f"{row_id}.json"
    old = read_report(path)
    settings = old.settings
    predictions = read_stored(_existing(store.predictions_path(row_id)))
    report = score(
        predictions,
        release,
        mode=settings.mode,
        questions=settings.questions if settings.questions in (*MEMBERSHIPS, "all") else None,
        weights=settings.weights,
        split=settings.split,
        seed=settings.seed,
        replicates=settings.replicates,
        wave=settings.wave,
        cells=bool(old.cells) or predictions.kind == "distribution",
        protected=any(notice.code == PRIVATE_RELEASE for notice in old.warnings),
    )
    # What a submitter said of the model stands in the entry, not in the predictions.
    stated = store.entry(row_id).get("details")
    described = with_details(report, stated if isinstance(stated, dict) else {})
    kept = store.root / ARCHIVE / f"{row_id}-{old.scorer_version}-{old.digest[:8]}.json"
    with atomic_file(kept) as partial:
        partial.write_bytes(path.read_bytes())
    write_report(protected_report(described), path)


def _existing(path: Path | None) -> Path:
    if path is None:
        raise FileNotFoundError("the predictions went away while they were scored")
    return path
