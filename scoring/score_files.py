"""The command `score`: one predictions file or several into reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from contracts.errors import ContractError, Problem, fail
from contracts.predictions.read import read_predictions
from contracts.release.read import Release, open_release
from contracts.report import Report, report_text, write_report
from scoring.engine import score
from scoring.inference.workspace import Workspace
from scoring.presentation.summary import say_report
from scoring.presentation.terminal import print_json, working


@dataclass(frozen=True)
class Options:
    """Options of the command.

    Attributes:
        release: name of the release.
        meta: metadata file, if it is not where it is looked for.
        bad_cells: what becomes of cells with unknown options.
        wave: wave of the respondents; None is that of the predictions.
        rules: further arguments of `scoring.score`.
    """

    release: str
    meta: Path | None
    bad_cells: Literal["refuse", "invalid"]
    wave: int | None
    rules: Mapping[str, Any]


def score_files(files: Sequence[Path], options: Options, *, out: Path | None, json: bool) -> None:
    """Score predictions files, write their reports and print what was found.

    Args:
        files: predictions files; of several, what depends on the respondents alone is worked out
            once.
        options: how.
        out: file of the report, of several files the folder of the reports; None writes none.
        json: whether reports are printed whole, several as a list.

    Raises:
        ContractError: the problems of all files that cannot be scored, after the reports of the
            others are written.
    """
    targets = _targets(files, out)
    if len(files) > 1 and options.meta is not None:
        raise fail(
            "one-meta",
            "--meta names the metadata of one predictions file",
            found=f"{len(files)} predictions files",
            hint="Put each file's metadata next to it, as NAME.meta.json.",
        )
    release = open_release(options.release)
    workspace = Workspace() if len(files) > 1 else None
    reports: list[Report] = []
    problems: list[Problem] = []
    for file, target in zip(files, targets, strict=True):
        try:
            report = _score_file(file, release, options, workspace)
        except ContractError as error:
            if workspace is None:
                raise
            problems += error.problems
            continue
        if target is not None:
            write_report(report, target)
        if not json:
            say_report(report, out=target)
        elif workspace is None:
            print(report_text(report), end="")
        reports.append(report)
    if json and workspace is not None:
        print_json([report.model_dump(mode="json") for report in reports])
    if problems:
        raise ContractError(problems)


def _targets(files: Sequence[Path], out: Path | None) -> list[Path | None]:
    """Where each report goes.

    Raises:
        ContractError: two reports would have one name, or the folder is a file.
    """
    if out is None or len(files) == 1:
        return [out] * len(files)
    if out.is_file():
        raise fail(
            "not-a-folder",
            "reports of several predictions files go into a folder",
            where="--out",
            found=f"the file {out}",
        )
    names = [f"{file.stem}.json" for file in files]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        problems = [
            Problem(
                "same-name",
                "two reports would have the same name",
                where="--out",
                found=name,
                hint="Rename one of the predictions files, or score it by itself.",
            )
            for name in twice
        ]
        raise ContractError(problems)
    out.mkdir(parents=True, exist_ok=True)
    return [out / name for name in names]


def _score_file(
    file: Path, release: Release, options: Options, workspace: Workspace | None
) -> Report:
    with working("reading and checking the predictions"):
        read = read_predictions(file, meta_path=options.meta, bad_cells=options.bad_cells)
    replicates = options.rules["replicates"]
    with working(f"scoring {read.rows:,} rows, {replicates:,} replicates"):
        return score(
            read,
            release,
            wave=read.meta.wave if options.wave is None else options.wave,
            workspace=workspace,
            **options.rules,
        )
