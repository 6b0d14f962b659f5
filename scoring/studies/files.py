"""Studies from files and into files: the reports of folders; JSON, Markdown and pages."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from contracts.atomic import write_text
from contracts.digests import pretty_json
from contracts.errors import fail
from contracts.report import Report, read_report
from scoring.presentation.terminal import console, print_json
from scoring.studies.text import (
    Study,
    markdown,
    study_legend,
    study_markdown,
    study_tables,
    study_title,
)

#: Rows of a table that are printed; the files hold all.
_SHOWN_ROWS = 40


def read_reports(paths: Sequence[Path]) -> list[Report]:
    """Reports of files and folders, in the order given; those of a folder by name.

    Raises:
        ContractError: there is none, or one cannot be read.
    """
    files: list[Path] = []
    for path in paths:
        report_paths = sorted(path.glob("*.json")) if path.is_dir() else [path]
        if not report_paths:
            raise fail("no-reports", "the folder holds no reports", where=str(path))
        files += report_paths
    if not files:
        raise fail(
            "no-reports",
            "a study needs reports",
            hint="Make them with: opinion-atlas score PREDICTIONS --out REPORT.json",
        )
    return [read_report(path) for path in dict.fromkeys(files)]


def write_study(study: Study, paths: Sequence[Path]) -> list[Path]:
    """Write a study to each path, in the form of its ending.

    Raises:
        ContractError: an ending is none of those that are written; then nothing is.
    """
    writers: dict[str, Callable[[], str]] = {
        ".json": lambda: pretty_json(study.model_dump(mode="json")),
        ".md": lambda: study_markdown(study),
        ".html": lambda: _page(study),
    }
    wrong = [str(path) for path in paths if path.suffix not in writers]
    if wrong:
        raise fail(
            "bad-ending",
            "a study is not written in this form",
            column="--out",
            found=", ".join(wrong),
            allowed=", ".join(writers),
        )
    for path in paths:
        write_text(path, writers[path.suffix]())
    return list(paths)


def study_paths(out: Sequence[Path], name: str) -> list[Path]:
    """Files to write: those named, and JSON, Markdown and a page in each folder named.

    A path without an ending, or of a folder that exists, is a folder; it is made if missing.
    """
    target_paths: list[Path] = []
    for path in out:
        if path.suffix and not path.is_dir():
            target_paths.append(path)
            continue
        path.mkdir(parents=True, exist_ok=True)
        target_paths += [path / f"{name}{ending}" for ending in (".json", ".md", ".html")]
    return target_paths


def _page(study: Study) -> str:
    from scoring.studies.page import study_page

    return study_page(study)


def say_study(study: Study, written: Sequence[Path], *, json: bool) -> None:
    """Print a study's tables, or all of it as JSON."""
    if json:
        print_json(study.model_dump(mode="json"))
        return
    shown = console()
    shown.print(study_title(study), markup=False)
    for line in study_legend(study):
        shown.print(line, markup=False)
    for table in study_tables(study):
        cut = table._replace(rows=table.rows[:_SHOWN_ROWS])
        shown.print(f"\n{table.title}", markup=False)
        shown.print(markdown(cut), markup=False)
        if len(table.rows) > _SHOWN_ROWS:
            left = len(table.rows) - _SHOWN_ROWS
            shown.print(f"... and {left} more rows (--out FILE.md has all)", markup=False)
    for path in written:
        shown.print(f"Written: {path}", markup=False)
