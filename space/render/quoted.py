"""What a study prints for one of its own models, beside this board's scores: a note on its row."""

from __future__ import annotations

from contracts.report import Report
from space.board.labels import country_name
from space.published.answers import PublishedRow, published_answer_rows
from space.render.published import PublishedRow as Printed
from space.render.published import published_rows
from space.render.table import plain_table
from space.render.text import DASH, esc, fold, number

#: Names of the models as the study prints them, by key.
PRINTED = {
    "aya-23-35b": "Aya-23-35B",
    "llama-3-70b": "Llama3-70B-Instruct",
    "qwen2.5-72b": "Qwen2.5-72B-Instruct",
    "gpt-3.5-turbo": "GPT-3.5-Turbo",
    "gpt-4": "GPT-4",
    "deepseek-v3": "DeepSeek-V3",
    "deepseek-r1": "DeepSeek-R1",
}


def quoted_figures(row_id: str) -> list[Printed]:
    """Figures that the study prints for a published row: its countries, and of the unsteered row
    what the text says as well. Empty for other rows."""
    row = next((one for one in published_answer_rows() if one.row_id == row_id), None)
    if row is None:
        return []
    return [
        one
        for one in published_rows()
        if one.protocol == "alignment"
        and one.name == PRINTED.get(row.model)
        and one.condition in _conditions(row)
    ]


def _conditions(row: PublishedRow) -> tuple[str, ...]:
    """Conditions under which the study prints figures of a row; "" are those of its text."""
    if row.steering == "none":
        return ("language",) if row.language == "own" else ("none", "")
    return (f"{row.steering}+language",) if row.language == "own" else (row.steering,)


def quoted_html(report: Report, row_id: str) -> str:
    """The figures as printed, beside the board's own; "" for rows that no study prints."""
    printed_figures = quoted_figures(row_id)
    if not printed_figures:
        return ""
    ours = {one.country: one.alignment.estimate for one in report.countries}
    table = plain_table(
        ("Figure", "As printed", "Here", "Source"),
        [
            (
                esc(country_name(one.part) if one.part else one.score),
                number(one.estimate, decimals=4),
                number(ours.get(one.part)) if one.part else DASH,
                esc(one.source),
            )
            for one in printed_figures
        ],
        label="As the study prints it",
        numeric=(1, 2),
    )
    note = (
        "<p>Printed figures come from other samples of people and other rules: they differ from "
        "the scores here, and are never ranked with them.</p>"
    )
    return fold(f"What the study itself prints ({len(printed_figures)} figures)", note + table)
