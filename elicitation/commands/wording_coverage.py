"""The table of languages: printed, written into a page between two markers, or checked there."""

from __future__ import annotations

from pathlib import Path

from codebook.review import WORDING_KINDS, LanguageCounts, language_counts, required_counts
from codebook.wordings.wording import languages
from contracts.atomic import write_text
from contracts.errors import fail
from elicitation.commands.terminal import say, say_json

#: Between these two lines a page holds the table.
BEGIN = "<!-- made by: opinion-atlas wording coverage --write docs/languages.md -->"
END = "<!-- end -->"


def cover(*, write: Path | None, check: Path | None, json: bool) -> int:
    """Print, write or check the table; 1 where a checked page is out of date."""
    coverage_rows = [language_counts(language) for language in languages()]
    if json:
        say_json(
            [
                {
                    **row._asdict(),
                    "by_machine": row.by_machine._asdict(),
                    "asked_in": list(row.asked_in),
                }
                for row in coverage_rows
            ]
        )
        return 0
    table = coverage_markdown(coverage_rows)
    if check is not None:
        page = _read(check)
        if with_table(page, table, where=str(check)) == page:
            say(f"up to date: {check}")
            return 0
        say(f"out of date: {check}; opinion-atlas wording coverage --write {check}")
        return 1
    if write is not None:
        write_text(write, with_table(_read(write), table, where=str(write)))
        say(f"written: {write}")
        return 0
    say(table)
    return 0


def coverage_markdown(rows: list[LanguageCounts]) -> str:
    """The table as Markdown; a count that is short of a whole wording says of how many."""
    required = required_counts()
    heads = [
        "Language",
        *WORDING_KINDS.values(),
        "People",
        "Reviewed by machine",
        "Wording",
        "Asked in",
    ]
    lines = [_line(heads), _line(["---", *["---:"] * 9, "---", "---"])]
    for row in rows:
        counts = [_of(row.present.get(kind, 0), required[kind]) for kind in WORDING_KINDS]
        lines.append(
            _line(
                [
                    f"{row.name} ({row.language})",
                    *counts,
                    _of(row.people, row.people + row.people_missing),
                    _of(row.by_machine.texts, row.texts),
                    f"{row.by_machine.not_independent:,}",
                    "machine-drafted" if row.machine_drafted else "by people",
                    " ".join(row.asked_in) or "–",
                ]
            )
        )
    return "\n".join(lines)


def _of(count: int, whole: int) -> str:
    return f"{count:,}" if count == whole else f"{count:,} of {whole:,}"


def _line(cells: list[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def with_table(page: str, table: str, *, where: str) -> str:
    """A page with the table between its markers.

    Raises:
        ContractError: the page has not both markers, in their order.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise fail(
            "no-markers",
            "the page has no place for the table",
            where=where,
            allowed=f"a line {BEGIN} and below it a line {END}",
        )
    return f"{before}{BEGIN}\n{table}\n{END}{after}"


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise fail(
            "no-page", "the page cannot be read", where=str(path), hint="Make it first."
        ) from None
