"""The sub-command `map` of `opinion-atlas`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

from contracts.command_line import ReleaseName

MapName = Literal["opinion_plane", "cultural_map"]


def draw_map(
    *files: Annotated[
        Path,
        Parameter(
            help="Models to place: reports with cells (`score --cells`) or predictions files of "
            "answer distributions. Without any, the map shows countries alone."
        ),
    ],
    out: Annotated[
        Path,
        Parameter(
            help="Where to write: .json holds everything, .csv one line per mark (map, kind, name, "
            "wave, x, y, outside), .svg a picture."
        ),
    ],
    release: ReleaseName = "reference",
    maps: Annotated[
        tuple[MapName, ...],
        Parameter(name="--map", help="Maps to make; both by default.", negative=""),
    ] = (),
    questions: Annotated[
        str | None,
        Parameter(
            help="Questions of the opinion plane: a set or a text file with one id per line; "
            "`alignment` by default."
        ),
    ] = None,
    wave: Annotated[
        tuple[int, ...],
        Parameter(
            help="Waves whose countries are placed; all of the release by default. The opinion "
            "plane is fitted on the last one. A picture shows the last one alone.",
            negative="",
        ),
    ] = (),
    weights: Annotated[
        Literal["design", "none"],
        Parameter(help="Whether people count by the survey's design weights or equally."),
    ] = "design",
    seed: Annotated[
        int, Parameter(help="Seed of the resampled questions behind models' ellipses.")
    ] = 0,
) -> None:
    """Place countries and models on maps of opinion.

    The opinion plane shows the two directions in which countries' answers differ most; the
    cultural map is Inglehart and Welzel's, in the units of its published scores. Both state how
    well they fit. `outside` is the part of a mark's offset that the opinion plane cannot show.

    Example: opinion-atlas map report.json --release reference --out map.svg
    """
    from contracts.release.read import open_release
    from scoring.cli import named_questions
    from scoring.maps.files import check_ending, write_maps
    from scoring.maps.make import MAPS, make_map
    from scoring.maps.rows import read_rows
    from scoring.presentation.terminal import console, working

    check_ending(out)
    opened = open_release(release)
    with working("reading the models' answers"):
        rows = read_rows(files)
    with working("placing countries and models"):
        opinion_maps = make_map(
            opened,
            rows,
            maps=maps or MAPS,
            questions=named_questions(questions) or "alignment",
            waves=wave,
            weights=weights,
            seed=seed,
        )
    write_maps(opinion_maps, out)
    shown = console()
    for picture in opinion_maps.maps:
        countries = sum(mark.kind == "country" for mark in picture.marks)
        models = len(picture.marks) - countries
        shown.print(
            f"{picture.title}: {countries} countries' marks, {models} models.", markup=False
        )
        shown.print(f"  {picture.fit}", markup=False)
        for one in picture.not_placed:
            if one.kind == "model":
                shown.print(f"  Not placed: {one.name} ({one.reason}).", markup=False)
    shown.print(f"Written: {out}", markup=False)
