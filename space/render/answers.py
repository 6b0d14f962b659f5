"""A row's single answers as HTML: people's bars against the model's, country by country."""

from __future__ import annotations

from contracts.report import CellEntry, Report
from space.board.files.raw_answers import find_answer
from space.board.labels import country_name, option_labels, question_text
from space.board.store import Store
from space.render.figures.bars import Series, mean_of, share_bars
from space.render.table import plain_table
from space.render.text import DASH, definition_list, esc, notice, number

#: Rows of the longest table.
LONGEST = 100


def answer_html(report: Report, *, country: str, question_id: str) -> str:
    """People's bars against the model's, for one question in one country."""
    cell = find_cell(report, country=country, question_id=question_id)
    title = f"<h3>{esc(question_text(question_id))}</h3>"
    if cell is None:
        return title + notice(_no_answer(report, country))
    labels = option_labels(question_id) or [str(i + 1) for i in range(len(cell.people))]
    bars = share_bars(
        labels,
        (
            Series(f"People in {country_name(country)}", "people", cell.people),
            Series("Model", "model", cell.model),
        ),
    )
    facts = definition_list(
        (
            ("Alignment", number(cell.alignment)),
            ("Valid answers", f"{cell.n:,}"),
            ("Effective n", DASH if cell.n_eff is None else f"{cell.n_eff:,.0f}"),
            ("Sampling floor", number(cell.floor)),
        )
    )
    return title + bars + facts + _everywhere(report, question_id)


def _everywhere(report: Report, question_id: str) -> str:
    """The question in every country: alignment and both sides' mean positions, best first."""
    cells = [
        one for one in report.cells if one.question_id == question_id and one.alignment is not None
    ]
    cells.sort(key=lambda one: (-(one.alignment or 0.0), one.country))
    ordinal = any(
        one.level == "ordinal" for one in report.questions if one.question_id == question_id
    )
    table = plain_table(
        ("Country", "Alignment", "People's mean", "Model's mean", "Valid answers", "Floor"),
        [
            (
                esc(country_name(one.country)),
                number(one.alignment),
                number(mean_of(one.people) if ordinal else None),
                number(mean_of(one.model) if ordinal else None),
                f"{one.n:,}",
                number(one.floor),
            )
            for one in cells[:LONGEST]
        ],
        label="This question in every country",
        numeric=(1, 2, 3, 4, 5),
        tips={
            2: "Mean position on the scale, 0 the first option, 1 the last; none for options "
            "without an order.",
            5: "Distance at which a perfect model would still be found: sampling alone.",
        },
    )
    return (
        f'<details class="oa-fold"><summary>This question in {len(cells)} countries</summary>'
        f"{table}</details>"
    )


def _no_answer(report: Report, country: str) -> str:
    if not report.cells:
        return (
            "This report was written without its single answers. Re-score the predictions "
            "with <code>opinion-atlas score --cells</code> to see them here."
        )
    return f"The report holds no answer for {esc(country_name(country))}."


def find_cell(
    report: Report, *, country: str, question_id: str, group: str = ""
) -> CellEntry | None:
    """The cell of a country, question and group, if the report has it."""
    return next(
        (
            cell
            for cell in report.cells
            if cell.question_id == question_id and cell.country == country and cell.group == group
        ),
        None,
    )


def raw_answer_html(store: Store, row_id: str, *, country: str, question_id: str) -> str:
    """What the predictions file says for the question, as written; "" without the file."""
    record_text = find_answer(store, row_id, country=country, question_id=question_id)
    if record_text is None:
        return ""
    return f"<h3>As the predictions file has it</h3><pre><code>{esc(record_text)}</code></pre>"
