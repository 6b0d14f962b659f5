"""Put scored predictions into a store; fill an empty one with the baselines of a release."""

from __future__ import annotations

import logging
import shutil
import tempfile
from pathlib import Path
from typing import Literal

from contracts.atomic import atomic_file, write_text
from contracts.digests import pretty_json
from contracts.predictions.meta import require_no_microdata
from contracts.predictions.read import read_predictions
from contracts.release.read import Release, open_release
from contracts.report import write_report
from scoring.protocols.worldvaluesbench.protected_report import protected_report
from space.board.public import public_release
from space.board.store import Store
from space.published.store import add_published

#: Release that the published answers were scored on.
PUBLISHED_RELEASE = "reference"

log = logging.getLogger("space.board.seed")

RowClass = Literal["verified", "published", "uploaded", "self-reported"]


def add_predictions(
    store: Store, path: Path, *, release: Release, row_class: RowClass, row_id: str = ""
) -> str:
    """Score a predictions file against a release and put both into the store.

    The report comes last: a row is on the board only once all its files are there.

    Returns:
        Id of the row: `row_id`, or the file's name without suffix.

    Raises:
        ContractError: the file is no predictions file, or cannot be scored.
    """
    from scoring.engine import score

    name = row_id or path.name.removesuffix(path.suffix)
    predictions = read_predictions(path)
    require_no_microdata(predictions.meta, where=path.name)
    wave = predictions.meta.wave
    report = score(predictions, release, wave=wave, cells=True)
    copies = [(path, store.predictions_folder / f"{name}{path.suffix}")]
    sidecar = path.with_name(f"{path.stem}.meta.json")
    if sidecar.exists():
        copies.append((sidecar, store.predictions_folder / f"{name}.meta.json"))
    for source, target in copies:
        with atomic_file(target) as partial:
            shutil.copyfile(source, partial)
    write_text(store.root / "entries" / f"{name}.json", pretty_json({"class": row_class}))
    write_report(protected_report(report), store.reports_folder / f"{name}.json")
    return name


def seed_store(store: Store, *, source: str) -> list[str]:
    """Fill a store that holds no report: of the reference with the published answers of real
    models and the baselines, scored beforehand; of another release with its baselines.

    Args:
        store: the store.
        source: name of the release, as `contracts.release.read.open_release` takes it.

    Returns:
        Ids of the rows that were made; empty where the store had reports already.
    """
    if store.report_files():
        return []
    if source == PUBLISHED_RELEASE:
        return add_published(store.root)
    from scoring.baselines.distributions import write_baselines

    release, made = public_release(open_release(source)), []
    with tempfile.TemporaryDirectory() as folder:
        for written in write_baselines(release, folder):
            if written.path is None:
                log.info(
                    "baseline left out", extra={"baseline": written.name, "why": written.reason}
                )
                continue
            made.append(add_predictions(store, written.path, release=release, row_class="verified"))
            log.info("baseline scored", extra={"baseline": written.name})
    return made
