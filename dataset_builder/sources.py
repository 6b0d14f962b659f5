"""Read the survey files that a release is made from."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from contracts.errors import ContractError, Problem
from dataset_builder.progress import Progress, silent
from dataset_builder.reading.waves import prefer_own_files, read_surveys
from dataset_builder.survey import Survey


def read_sources(
    sources: Sequence[str | Path | Survey],
    *,
    allow_unknown: bool = False,
    progress: Progress = silent,
) -> list[Survey]:
    """Read all files; each wave and country must be in one of them only.

    Raises:
        ContractError: a file is wrong, none is given, or two hold the same wave and country.
    """
    if not sources:
        raise ContractError(Problem("no-source", "no survey file was given"))
    surveys = []
    for source in sources:
        if isinstance(source, Survey):
            surveys.append(source)
            continue
        with progress(f"reading {Path(source).name}") as report:
            surveys += read_surveys(source, allow_unknown=allow_unknown, progress=report)
    surveys = prefer_own_files(surveys)
    _check_overlap(surveys)
    return surveys


def _check_overlap(surveys: Sequence[Survey]) -> None:
    holders: dict[tuple[int, str], list[str]] = {}
    for survey in surveys:
        for country in survey.countries:
            holders.setdefault((survey.wave, country), []).append(survey.source.name)
    problems = [
        Problem(
            "country-twice",
            f"{country} of wave {wave} is in several files",
            found=", ".join(names),
            allowed="one file per wave and country",
            hint="Leave one of the files out.",
        )
        for (wave, country), names in holders.items()
        if len(names) > 1
    ]
    ids = np.concatenate([survey.respondent_id for survey in surveys])
    if not problems and len(np.unique(ids)) < len(ids):
        problems.append(
            Problem(
                "id-twice",
                "the same respondent id occurs twice",
                found=f"{len(ids) - len(np.unique(ids))} times",
                allowed="ids that are unique over all files",
                hint="Give each file to a build of its own.",
            )
        )
    if problems:
        raise ContractError(problems, subject="sources")
