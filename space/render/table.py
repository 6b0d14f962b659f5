"""Tables: the board's, and plain ones; each scrolls inside its own box."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from space.board.columns import FULL_COVERAGE, Column
from space.board.page import BoardPage, rank_text, tie_letter
from space.board.ranks.form_ranks import mark_text
from space.render.text import DASH, badge, esc, href, number, score

#: What a row's metadata does not say.
NOT_STATED = "not stated"

_KIND_TIPS = {
    "baseline": "No model: a reference point made from the survey or from arithmetic; not ranked.",
    "ceiling": "How well people agree with themselves; not ranked.",
}


def scroll_box(table: str, *, label: str) -> str:
    """A table in a box that scrolls sideways and can be reached by keyboard."""
    return (
        f'<div class="oa-scroll" role="region" tabindex="0" aria-label="{esc(label)}">{table}</div>'
    )


def board_table(page: BoardPage, *, model_page: str = "model") -> str:
    """The board's table; headings carry `data-sort`, rows link to the model page."""
    head = "".join(_heading(column, sort=page.query.sort) for column in page.columns)
    body = "".join(_grouped_rows(page.rows, page.columns, model_page=model_page))
    if not page.rows:
        body = (
            f'<tr><td colspan="{len(page.columns)}" class="oa-empty">'
            "No row passes these facets. Clear one of them.</td></tr>"
        )
    table = (
        f'<table class="oa-table oa-board"><thead><tr>{head}</tr></thead>'
        f"<tbody>{body}</tbody></table>"
    )
    return scroll_box(table, label="Board")


def _heading(column: Column, *, sort: str) -> str:
    shown = sort.lstrip("-") == column.key
    falling = sort.startswith("-")
    state = ("descending" if falling else "ascending") if shown else "none"
    arrow = ("▼" if falling else "▲") if shown else ""
    return (
        f'<th scope="col" aria-sort="{state}" class="{_cell_class(column)}">'
        f'<button type="button" data-sort="{esc(column.key)}" '
        f'data-first="{"-" if column.higher_is_better else ""}" title="{esc(column.tip)}">'
        f'{esc(column.title)}<span aria-hidden="true" class="oa-arrow">{arrow}</span>'
        "</button></th>"
    )


def _cell_class(column: Column) -> str:
    return {
        "name": "oa-name",
        "text": "oa-text",
        "rank": "oa-rank",
    }.get(column.kind, "oa-number")


#: Heading of the rows that belong to no comparison group.
REFERENCE_LINES = "Reference lines: baselines and people, never ranked"


def _grouped_rows(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[Column], *, model_page: str
) -> Iterator[str]:
    """Rows, each comparison group under a heading of its own."""
    last: object = ()
    for row in rows:
        number = row["group_number"]
        if number != last:
            last = number
            title = row["group_title"] or REFERENCE_LINES
            yield (
                f'<tr class="oa-group" data-group="{esc(number or 0)}">'
                f'<th scope="rowgroup" colspan="{len(columns)}">{esc(title)}</th></tr>'
            )
        yield _row(row, columns, model_page=model_page)


def _row(row: Mapping[str, Any], columns: Sequence[Column], *, model_page: str) -> str:
    cells = "".join(
        f'<td class="{_cell_class(column)}">{_cell(row, column, model_page=model_page)}</td>'
        for column in columns
    )
    return f'<tr class="oa-kind-{esc(row["kind"])}" data-row="{esc(row["row_id"])}">{cells}</tr>'


def _cell(row: Mapping[str, Any], column: Column, *, model_page: str) -> str:
    if column.kind in ("score", "part"):
        cell = row["cells"].get(column.key, {})
        unsteered = row["steering"] == "none" and row["language"] != "own"
        if column.key == "country_specific" and unsteered:
            tip = "one answer for all countries: there is nothing specific to a country"
            return f'<span class="oa-none" title="{esc(tip)}">{DASH}</span>'
        return score(cell, decimals=column.decimals, partial=partial_cell(row, cell, column.kind))
    if column.kind == "rank":
        return _rank(row)
    if column.kind == "name":
        return _name(row, model_page=model_page)
    if column.kind == "number":
        return number(row[column.key], decimals=column.decimals)
    text = NOT_STATED if row[column.key] == "unknown" else row[column.key]
    return esc(text or "").replace("_", "_<wbr>")


def _rank(row: Mapping[str, Any]) -> str:
    tip = unranked_reason(row)
    if tip:
        return f'<span class="oa-none" title="{esc(tip)}">{DASH}</span>'
    tip = f"rank {rank_text(row)} among equals; tie group {tie_letter(row['tie'])}"
    span = f"{row['rank_low']}–{row['rank_high']} of {row['ranked']}"
    if row["group_countries"]:
        tip += f"; {row['group_countries']} countries"
    mark = mark_text(row)
    if mark:
        tip += f"; {mark}: same place among the models ranked in both"
        span += f'</span><span class="oa-interval">{mark}'
    return (
        f'<span class="oa-score" title="{esc(tip)}"><b>{row["rank"]}'
        f'<sup class="oa-tie">{tie_letter(row["tie"])}</sup></b>'
        f'<span class="oa-interval">{span}</span></span>'
    )


def partial(row: Mapping[str, Any]) -> bool:
    """Whether the row's answers cover too little for its scores to speak for the whole."""
    return row["coverage"] is not None and row["coverage"] < FULL_COVERAGE


def partial_cell(row: Mapping[str, Any], cell: Mapping[str, Any], kind: str) -> bool:
    """Whether a score speaks for a part only: by the part's own coverage where it is of one."""
    if kind != "part":
        return partial(row)
    return cell.get("coverage") is not None and cell["coverage"] < FULL_COVERAGE


def unranked_reason(row: Mapping[str, Any]) -> str:
    """Why a row shows no rank; "" where it has one."""
    if row["kind"] in _KIND_TIPS:
        return _KIND_TIPS[row["kind"]]
    if row["same_as"]:
        return f"Not ranked: same answers as {row['same_as']}."
    if partial(row):
        return "Not ranked: the answers cover only a part of what was asked."
    if row["rank"] is None:
        return "Not ranked: the report has no score per question."
    if row["ranked"] < 2:
        return "No other row has the same cells, release, method, condition and class."
    return ""


def _name(row: Mapping[str, Any], *, model_page: str) -> str:
    labels = ""
    if row["kind"] != "model":
        labels += " " + badge(row["kind"], tip=_KIND_TIPS.get(row["kind"], ""))
    if row["trained_on_wvs"] == "yes":
        labels += " " + badge("trained on WVS", kind="trained", tip="scored on the test split")
    if row["synthetic"]:
        labels += " " + badge(
            "synthetic people",
            kind="synthetic",
            tip="scored on a made-up release: the numbers mean nothing",
        )
    if row["same_as"]:
        labels += " " + badge(
            f"same answers as {row['same_as']}", kind="same", tip="not ranked a second time"
        )
    under = row["model"] if row["model"] not in (row["name"], "unknown") else ""
    sub = f'<span class="oa-sub">{esc(under)}</span>' if under else ""
    if row["derived"]:
        return esc(row["name"]) + labels + sub
    address = (
        f"{model_page}/{row['row_id']}.html"
        if model_page.startswith("rows")
        else href(model_page, row=row["row_id"])
    )
    return f'<a href="{esc(address)}">{esc(row["name"])}</a>{labels}{sub}'


def plain_table(
    headings: Sequence[str],
    rows: Iterable[Sequence[str]],
    *,
    label: str,
    numeric: Sequence[int] = (),
    tips: Mapping[int, str] | None = None,
) -> str:
    """A table of ready cells (HTML).

    Args:
        headings: titles of the columns, plain text.
        rows: cells as HTML.
        label: what the table is, for those who do not see it.
        numeric: indices of columns that are aligned as numbers.
        tips: explanations by index of column.
    """
    tips = tips or {}
    head = "".join(
        f'<th scope="col" class="{"oa-number" if i in numeric else "oa-text"}"'
        f'{f""" title="{esc(tips[i])}" """ if i in tips else ""}>{esc(title)}</th>'
        for i, title in enumerate(headings)
    )
    body = "".join(
        "<tr>"
        + "".join(
            f'<td class="{"oa-number" if i in numeric else "oa-text"}">{cell}</td>'
            for i, cell in enumerate(cells)
        )
        + "</tr>"
        for cells in rows
    )
    table = f'<table class="oa-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'
    return scroll_box(table, label=label)
