"""Read files of waves 5 and 6, and the time series of all waves, in the terms of wave 7."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from dataset_builder.reading import read_survey
from dataset_builder.reading.blocks import Progress
from dataset_builder.reading.formats.registry import open_tabular
from dataset_builder.reading.waves.gather import read_waves
from dataset_builder.reading.waves.sources import SOURCES, find_source
from dataset_builder.survey import Survey

__all__ = ["prefer_own_files", "read_surveys"]


def read_surveys(
    path: str | Path, *, allow_unknown: bool = False, progress: Progress | None = None
) -> list[Survey]:
    """Read a survey file of wave 5, 6 or 7, or the time series.

    Args:
        path: as in `dataset_builder.reading.read_survey`.
        allow_unknown: whether codes that the codebook lacks count as missing (-5).
        progress: called with (done, total) while the file is read.

    Returns:
        A survey per wave, in rising order. The time series may hold several; people of waves
        other than 5 to 7 are left out, and a note says so.

    Raises:
        ContractError: as `read_survey`; or it cannot be told of which wave the file is.
    """
    place = Path(path)
    if place.is_file():
        with open_tabular(place) as file:
            source = find_source(file, where=place.name)
        if source is not None:
            with open_tabular(place) as file:
                return read_waves(
                    file, place, source, allow_unknown=allow_unknown, progress=progress
                )
    return [read_survey(place, allow_unknown=allow_unknown, progress=progress)]


def prefer_own_files(surveys: Sequence[Survey]) -> list[Survey]:
    """The surveys without waves of a time series that another file holds; a note says so."""
    own = {survey.wave: survey.source.name for survey in surveys if not _of_series(survey)}
    retained_surveys = [
        survey for survey in surveys if not _of_series(survey) or survey.wave not in own
    ]
    notes = tuple(
        f"Wave {survey.wave} is taken from {own[survey.wave]}, not from {survey.source.name}."
        for survey in surveys
        if _of_series(survey) and survey.wave in own
    )
    return (
        [
            replace(retained_surveys[0], notes=(*notes, *retained_surveys[0].notes)),
            *retained_surveys[1:],
        ]
        if notes
        else retained_surveys
    )


def _of_series(survey: Survey) -> bool:
    return survey.source.detected.get("layout") == SOURCES["timeseries"].title
