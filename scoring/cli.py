"""Sub-commands of `opinion-atlas`: score, baselines, compare, report (html, diff)."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

ReleaseName = Annotated[
    str,
    Parameter(
        help="Folder of a release, ORG/NAME@tag on the Hub, or `reference` (real aggregate answers "
        "of 57 countries, embedded)."
    ),
]
Json = Annotated[
    bool, Parameter(name="--json", negative="", help="Print JSON for programs, not for people.")
]


def baselines(
    *,
    out: Annotated[Path, Parameter(help="Folder for the predictions files; made if needed.")],
    release: ReleaseName = "reference",
    wave: Annotated[
        int | None, Parameter(help="Wave to answer for; the release's last one by default.")
    ] = None,
    only: Annotated[
        tuple[str, ...],
        Parameter(
            help="Baselines to write: uniform, majority, world-average, continent-average, "
            "nearest-country, previous-wave. All by default.",
            consume_multiple=True,
            negative="",
        ),
    ] = (),
    suffix: Annotated[
        str, Parameter(name="--format", help="Format of the files: jsonl, csv, tsv or parquet.")
    ] = "jsonl",
    dry_run: Annotated[
        bool, Parameter(negative="", help="Say what would be written, and write nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Write predictions files of reference points, made from a release's own aggregates.

    A score means something only beside these: uniform and majority need no knowledge of a
    country, the world and continent averages are what somebody knows who knows the others, the
    nearest country and the previous wave are as close as people come to people.
    """
    from contracts.release import open_release
    from scoring.baselines import choose_baselines, write_baselines
    from scoring.terminal import say_baselines, say_plan

    opened = open_release(release)
    ending = f".{suffix.lstrip('.')}"
    if dry_run:
        say_plan([out / f"{b.name}{ending}" for b in choose_baselines(only or None)], json=json)
        return
    written = write_baselines(opened, out, wave=wave, names=only or None, suffix=ending)
    say_baselines(written, out=out, release=release, json=json)


report = App(name="report", help="Show a report as a page, or the difference of two.")


@report.command(name="diff")
def report_diff(
    first: Annotated[Path, Parameter(help="A report.")],
    second: Annotated[Path, Parameter(help="The report to compare it with.")],
    /,
    *,
    tolerance: Annotated[
        float,
        Parameter(help="Largest difference of two numbers that counts as none, relative above 1."),
    ] = 1e-8,
    limit: Annotated[int, Parameter(help="Most differences to print; 0 prints all.")] = 50,
    json: Json = False,
) -> int:
    """Print where two reports differ; nothing, and exit code 0, where they do not."""
    from scoring.diff import diff_files
    from scoring.terminal import say_differences

    found = diff_files(first, second, tolerance=tolerance)
    say_differences(found, limit=limit, json=json)
    return 1 if found else 0
