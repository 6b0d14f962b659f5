"""Sub-commands of `opinion-atlas wording`: check, export, import, coverage, few-shot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import App, Parameter

from contracts.command_line import DryRun, Json, ReleaseName, flag, names, paths

wording = App(
    name="wording",
    help="Check, export and import wordings: the texts of the survey's questions in a language.",
)


@wording.command(name="check")
def wording_check(
    languages: Annotated[
        tuple[str, ...],
        names(
            "Languages to check, including languages without a wording. Default: all languages of "
            "the project."
        ),
    ] = (),
    /,
    *,
    folder: Annotated[
        Path | None, Parameter(help="Your own wording: a folder of TOML files, or one CSV file.")
    ] = None,
    require_review: Annotated[bool, flag("Also fail if a text has not been reviewed.")] = False,
    json: Json = False,
) -> int:
    """List missing texts and missing reviews of wordings. Exits with 1 if any text is missing."""
    from elicitation.commands.wording import check_wordings

    return check_wordings(languages, folder=folder, require_review=require_review, json=json)


@wording.command(name="export")
def wording_export(
    path: Annotated[Path, Parameter(help="A new file ending in .csv, or a new folder.")],
    /,
    *,
    language: Annotated[str, Parameter(help="Language of the wording.")] = "en",
) -> None:
    """Write a wording of the project to a file, for editing or translation."""
    from elicitation.commands.wording import export_one

    export_one(path, language=language)


@wording.command(name="import")
def wording_import(
    path: Annotated[Path, Parameter(help="A folder of TOML files, or a CSV file.")],
    /,
    *,
    language: Annotated[
        str, Parameter(help="Language of the wording, if the file does not name it.")
    ] = "",
    name: Annotated[
        str, Parameter(help="Name of the wording, if the file does not give one.")
    ] = "",
    out: Annotated[
        Path | None, Parameter(help="Write the wording to this folder, in canonical form.")
    ] = None,
) -> int:
    """Check your own wording, list its missing texts, and store it as a folder.

    Use it with: opinion-atlas elicit MODEL --wording FOLDER.
    """
    from elicitation.commands.wording import import_one

    return import_one(path, language=language, name=name, out=out)


@wording.command(name="coverage")
def wording_coverage(
    *,
    write: Annotated[
        Path | None,
        Parameter(
            help="Markdown file, such as docs/languages.md, in which to replace the table between "
            "the two markers."
        ),
    ] = None,
    check: Annotated[
        Path | None,
        Parameter(help="Write nothing; exit with 1 if the table in this file is out of date."),
    ] = None,
    json: Json = False,
) -> int:
    """Count the texts of every language by kind, their reviews, and the countries covered."""
    from elicitation.commands.wording_coverage import cover

    return cover(write=write, check=check, json=json)


@wording.command(name="few-shot")
def wording_few_shot(
    *,
    out: Annotated[Path, Parameter(help="Folder of the files; created if it does not exist.")],
    release: ReleaseName = "reference",
    countries: Annotated[
        tuple[str, ...],
        names(
            "ISO 3166-1 alpha-3 codes. Default: the countries of the steering study that the "
            "release covers."
        ),
    ] = (),
    languages: Annotated[
        tuple[str, ...],
        names("Languages; `own` is each country's own language, `all` is every language."),
    ] = ("en", "own"),
    wave: Annotated[
        int | None, Parameter(help="Survey wave. Default: the release's latest.")
    ] = None,
    count: Annotated[int, Parameter(help="Number of examples per file.")] = 5,
    shares: Annotated[
        Literal["weighted", "unweighted"],
        Parameter(
            help="Shares weighted by the survey's design weights, or unweighted ones, as in the "
            "alignment study."
        ),
    ] = "weighted",
    wordings: Annotated[
        tuple[Path, ...],
        paths("Your own wordings, in place of the project's.", name="--wording"),
    ] = (),
    dry_run: DryRun = False,
    json: Json = False,
) -> None:
    """Write the examples of few-shot prompts: questions with a country's real answer shares.

    Writes one text file per country and language, exactly as few-shot prompts show them, and
    few-shot.json with the shares. Everything is taken from the release; `elicit --steer few-shot`
    generates the same examples itself.
    """
    from elicitation.commands.few_shot import write_few_shot

    write_few_shot(
        out,
        release=release,
        countries=tuple(name.upper() for name in countries),
        languages=languages,
        wave=wave,
        count=count,
        shares=shares,
        wordings=tuple(map(str, wordings)),
        dry_run=dry_run,
        json=json,
    )
