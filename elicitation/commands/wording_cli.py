"""Sub-commands of `opinion-atlas wording`: check, export, import, coverage, few-shot."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import App, Parameter

from elicitation.commands.parameters import listed
from elicitation.study.names import split_names

Json = Annotated[
    bool, Parameter(name="--json", negative="", help="Print JSON for programs, not for people.")
]

wording = App(
    name="wording", help="Check, write out and try wordings: the survey's questions in words."
)


@wording.command(name="check")
def wording_check(
    languages: Annotated[
        tuple[str, ...],
        listed(
            "Languages to check, also ones that there is no wording in; all of the project's "
            "by default."
        ),
    ] = (),
    /,
    *,
    folder: Annotated[
        Path | None, Parameter(help="A wording of your own: a folder of TOML files, or one CSV.")
    ] = None,
    require_review: Annotated[
        bool, Parameter(negative="", help="Fail also where a text has not been reviewed.")
    ] = False,
    json: Json = False,
) -> int:
    """List what wordings lack: texts, and reviews of texts. Ends with 1 where something lacks."""
    from elicitation.commands.wording import check_wordings

    return check_wordings(
        split_names(languages), folder=folder, require_review=require_review, json=json
    )


@wording.command(name="export")
def wording_export(
    path: Annotated[Path, Parameter(help="A new file ending in .csv, or a new folder.")],
    /,
    *,
    language: Annotated[str, Parameter(help="Language of the wording.")] = "en",
) -> None:
    """Write a wording of the project to a file, to edit or translate it."""
    from elicitation.commands.wording import export_one

    export_one(path, language=language)


@wording.command(name="import")
def wording_import(
    path: Annotated[Path, Parameter(help="A folder of TOML files, or a CSV file.")],
    /,
    *,
    language: Annotated[str, Parameter(help="Its language, where it does not say.")] = "",
    name: Annotated[str, Parameter(help="Its name, where it does not say.")] = "",
    out: Annotated[
        Path | None, Parameter(help="Write it as a folder of TOML files here, in canonical form.")
    ] = None,
) -> int:
    """Read a wording that you hold, say what it lacks, and keep it as a folder.

    Ask in it with: opinion-atlas elicit MODEL --wording FOLDER.
    """
    from elicitation.commands.wording import import_one

    return import_one(path, language=language, name=name, out=out)


@wording.command(name="coverage")
def wording_coverage(
    *,
    write: Annotated[
        Path | None,
        Parameter(
            help="Markdown file, such as docs/languages.md: the table between its two markers is "
            "replaced, the rest stays."
        ),
    ] = None,
    check: Annotated[
        Path | None,
        Parameter(help="Write nothing; end with 1 where the table in this file is out of date."),
    ] = None,
    json: Json = False,
) -> int:
    """Count what every language has: texts by kind, how many are reviewed, who is asked in it."""
    from elicitation.commands.wording_coverage import cover

    return cover(write=write, check=check, json=json)


@wording.command(name="few-shot")
def wording_few_shot(
    *,
    out: Annotated[Path, Parameter(help="Folder of the files; made if needed.")],
    release: Annotated[
        str, Parameter(help="Folder of a release, ORG/NAME@tag on the Hub, or `reference`.")
    ] = "reference",
    countries: Annotated[
        tuple[str, ...],
        listed("ISO3 codes; by default the study's steering countries that the release holds."),
    ] = (),
    languages: Annotated[
        tuple[str, ...],
        listed("Languages; `own` is each country's own, `all` all that there are."),
    ] = ("en", "own"),
    wave: Annotated[int | None, Parameter(help="Wave of the people; the latest.")] = None,
    count: Annotated[int, Parameter(help="Examples in a file.")] = 5,
    wordings: Annotated[
        tuple[Path, ...],
        Parameter(
            name="--wording",
            consume_multiple=True,
            negative="",
            help="Wordings that you hold, in place of the project's.",
        ),
    ] = (),
    dry_run: Annotated[
        bool, Parameter(negative="", help="Say which files would be written, and write nothing.")
    ] = False,
    json: Json = False,
) -> None:
    """Write the examples of few-shot prompts: questions with a country's real answer shares.

    One text file for each country and language, exactly as few-shot prompts show them, and
    few-shot.json with the shares. All of it comes from the release; `elicit --steer few-shot`
    makes the same by itself.
    """
    from elicitation.commands.few_shot import write_few_shot

    write_few_shot(
        out,
        release=release,
        countries=tuple(name.upper() for name in split_names(countries)),
        languages=split_names(languages),
        wave=wave,
        count=count,
        wordings=tuple(map(str, wordings)),
        dry_run=dry_run,
        json=json,
    )
