"""Read any wave 7 file of the World Values Survey."""

from __future__ import annotations

from pathlib import Path

from contracts.errors import fail
from dataset_builder.reading.blocks import Progress
from dataset_builder.reading.formats.registry import open_tabular
from dataset_builder.reading.formats.whole_file import read_tabular
from dataset_builder.survey import Survey

__all__ = ["Progress", "read_survey"]


def read_survey(
    path: str | Path, *, allow_unknown: bool = False, progress: Progress | None = None
) -> Survey:
    """Read a survey file of wave 7 into its raw codes.

    Args:
        path: `.csv`, `.sav`, `.dta`, labelled `.xlsx`, or a `.zip` that holds one.
        allow_unknown: whether codes and labels that the codebook lacks count as missing (-5);
            else they are an error. Open lists and counts keep theirs in either case. Beyond 2 %
            of a question's answers in a country all its answers there are missing
            (`Survey.unknown_shares`).
        progress: called with (done, total) while the file is read.

    Returns:
        The survey; `source.detected` says what was found out about the file.

    Raises:
        ContractError: the file is not there, empty, damaged, of another wave or no survey file; a
            column occurs twice; or value questions or harmonised demographics hold codes that
            the codebook lacks, all of them listed together.
    """
    place = Path(path)
    if not place.is_file():
        raise fail(
            "no-file",
            f"{place} is a folder, not a file" if place.is_dir() else f"there is no file {place}",
            hint="Give the path of a wave 7 file of the World Values Survey.",
        )
    with open_tabular(place) as file:
        return read_tabular(file, place, allow_unknown=allow_unknown, progress=progress)
