"""What a board may show of respondents: only figures that went through the disclosure rule."""

from __future__ import annotations

import logging
import os
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from contracts.digests import sha256_file
from contracts.errors import ContractError, Problem
from contracts.models import Notice
from contracts.release.disclosure import MINIMUM_CELL, RULE_VERSION, VIEW_EDITION, enough
from contracts.release.read import Release, open_release
from contracts.report import Report
from contracts.specs import kind_spec
from scoring.protocols.worldvaluesbench.protected_report import protected_report

log = logging.getLogger("space.board.public")


def public_report(report: Report) -> Report:
    """The report as a board shows it.

    Kept are cells of everyone in a country with at least `MINIMUM_CELL` valid answers. Cells of
    groups are left out: whether they follow from each other by subtraction cannot be told from
    a report. Scores stay; what was left out is counted in a notice. Of ratings only what
    `scoring.protocols.worldvaluesbench.protected_report` lists stays.

    Raises:
        ContractError: the report rests on exact figures, so no part of it can be shown.
    """
    problem = exact_figures(report)
    if problem is not None:
        raise ContractError(problem)
    report = protected_report(report)
    shown = [cell for cell in report.cells if may_show(cell.group, cell.n)]
    left_out = len(report.cells) - len(shown)
    return _withheld(report, left_out).model_copy(update={"cells": shown}) if left_out else report


def public_report_apart(
    report: Report, cells: Sequence[Mapping[str, Any]]
) -> tuple[Report, list[Mapping[str, Any]]]:
    """The same of a report whose cells stand apart: without cells, and those that are shown.

    Raises:
        ContractError: the report rests on exact figures, so no part of it can be shown.
    """
    shown = [cell for cell in cells if may_show(cell.get("group", ""), cell.get("n", 0))]
    return _withheld(public_report(report), len(cells) - len(shown)), shown


def _withheld(report: Report, left_out: int) -> Report:
    """The report with a notice of how many cells are not shown."""
    if not left_out:
        return report
    notice = Notice(
        code="cells-withheld",
        message=f"single answers are not shown for groups, nor for cells with fewer than "
        f"{MINIMUM_CELL} valid answers",
        count=left_out,
    )
    return report.model_copy(update={"warnings": [*report.warnings, notice]})


def may_show(group: str, n: int) -> bool:
    """Whether people's shares of a cell may be shown: of everyone, `n` valid answers."""
    return group == "" and bool(enough(n))


def exact_figures(report: Report) -> Problem | None:
    """Why a report may not be shown at all; None where it may.

    Scores of exact tables give exact shares back: one question in one country is a cell, and so
    is one battery a handful of exact correlations. Respondents of a synthetic release have nobody
    behind them, and kinds that are not compared with respondents (`KindSpec.survey`) tell nothing
    of them.
    """
    release = report.release
    if release.tables == "protected" or release.synthetic:
        return None
    if not kind_spec(report.predictions.kind).survey:
        return None
    name = f"{release.name} {release.version}"
    if release.public:
        return Problem(
            "withdrawn-release",
            f"the report was scored on {name}, which is withdrawn: its exact counts identified "
            "single respondents",
            found=f"digest {release.digest[:12]}",
            allowed=f"a release under disclosure rule {RULE_VERSION}",
            hint="Renew the store with: opinion-atlas rescore --store STORE",
        )
    return Problem(
        "exact-tables",
        f"the report was scored on exact tables of the private release {name}, which its scores "
        "would give away",
        allowed="a report scored on published figures",
        hint="Score the predictions again with: opinion-atlas score FILE --release RELEASE "
        "--protected",
    )


def public_release(release: Release) -> Release:
    """The release that a board shows and scores on: `release` itself if it is public by the rule.

    Of any other one, its public tables are written into a cache folder once, exactly as `publish
    --public` would, so that reports of both can be compared.
    """
    if release.is_protected:
        return release
    from dataset_builder.publishing.public import make_public

    folder = _cache() / f"{release.manifest.digest[:32]}-rule-{VIEW_EDITION}"
    if not _is_whole(folder):
        if folder.exists():
            log.warning("public view of a release is damaged and is made again")
            shutil.rmtree(folder, ignore_errors=True)
        try:
            make_public(release, folder)
        except ContractError:
            if not _is_whole(folder):  # else another server made it meanwhile
                raise
    return open_release(folder)


def _is_whole(folder: Path) -> bool:
    """Whether a public view has all its files as they were written."""
    if not folder.is_dir():
        return False
    try:
        manifest = open_release(folder).manifest
        files = [file for entry in manifest.tables.values() for file in entry.files]
        return all(sha256_file(folder / file.path) == file.sha256 for file in files)
    except (ContractError, OSError, UnicodeDecodeError):
        return False


def _cache() -> Path:
    """A folder of the user's own for public views; a temporary one where there is none."""
    base = os.environ.get("XDG_CACHE_HOME", "")
    folder = (Path(base) if base else Path.home() / ".cache") / "opinion-atlas" / "public"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError:
        return Path(tempfile.mkdtemp(prefix="opinion-atlas-public-"))
    return folder
