"""The board as a static site: one folder that opens from files, without a server."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from string import Template
from typing import Any

from contracts.atomic import atomic_folder
from space.board.columns import (
    DEFAULT_COLUMNS,
    DEFAULT_SORT,
    FACETS,
    FULL_COVERAGE,
    MAX_COLUMNS,
    PAGE_ROWS,
    PARTS,
)
from space.board.facts import Facts, part_title, read_facts
from space.board.page import ALWAYS, about_board, read_board
from space.board.query import BoardQuery
from space.board.store import Store
from space.board.survey_answers import People
from space.board.texts import LEAD, TITLE
from space.render.frame import limits_html, stamp_html
from space.render.home import home_html, question_html
from space.render.published import published_html, published_rows
from space.render.table import NOT_STATED, REFERENCE_LINES, board_table
from space.render.text import esc
from space.server.share_images import share_images, share_tags
from space.server.static_links import static_links
from space.server.static_pages import about_page, static_names, static_pages, you_page

#: Fields of a row that the static board needs.
_HIDDEN = ("comparison", "updated")


def asset(name: str) -> str:
    """Text of a file under `assets/`."""
    return resources.files("space").joinpath("assets", name).read_text(encoding="utf-8")


def board_payload(store: Store) -> dict[str, Any]:
    """Everything that the static board shows, as plain JSON types.

    Returns:
        `about` (versions, last update), `columns`, `facets` (counts by name), `parts` (titles by
        name), `rows` (fields, `scores` and `parts` by key), `ceilings` (rows derived from them),
        `published`, and the defaults.
    """
    facts = read_facts(store)
    rows = read_board(store, BoardQuery(), page_rows=0).rows
    scores, parts = _all_cells(store)
    listed = [
        {
            **{key: row[key] for key in row if key not in (*_HIDDEN, "cells")},
            "scores": scores.get(row["row_id"], {}),
            "parts": parts.get(row["row_id"], {}),
        }
        for row in rows
    ]
    return {
        "about": about_board(facts),
        "page_rows": PAGE_ROWS,
        "reference_lines": REFERENCE_LINES,
        "not_stated": NOT_STATED,
        "always": list(ALWAYS),
        "full_coverage": FULL_COVERAGE,
        "max_columns": MAX_COLUMNS,
        "default_columns": list(DEFAULT_COLUMNS),
        "default_sort": DEFAULT_SORT,
        "columns": [
            {
                "key": column.key,
                "title": column.title,
                "tip": column.tip,
                "kind": column.kind,
                "decimals": column.decimals,
                "higher_is_better": column.higher_is_better,
            }
            for column in facts.columns.values()
        ],
        "facets": {facet: dict(facts.counts[facet]) for facet in FACETS},
        "parts": {
            kind: {name: part_title(f"{kind}:{name}") for name in facts.known[kind]}
            for kind in PARTS
        },
        "rows": [one for one in listed if not one["derived"]],
        "ceilings": [one for one in listed if one["derived"]],
        "published": [row._asdict() for row in published_rows()],
    }


def _all_cells(store: Store) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    """Scores by row and name, and parts by row and key, without what is missing."""
    scores: dict[str, dict[str, Any]] = {}
    parts: dict[str, dict[str, Any]] = {}
    kinds = ", ".join(f"'{kind}'" for kind in PARTS)
    with store.connect() as db:
        for row in db.execute("SELECT * FROM scores"):
            scores.setdefault(row["row_id"], {})[row["name"]] = _cell(row)
        for row in db.execute(f"SELECT * FROM parts WHERE kind IN ({kinds})"):  # noqa: S608
            parts.setdefault(row["row_id"], {})[f"{row['kind']}:{row['name']}"] = _cell(row)
    return scores, parts


def _cell(row: Mapping[str, Any]) -> dict[str, Any]:
    names = ("estimate", "low", "high", "coverage", "questions")
    return {name: row[name] for name in names if row[name] is not None}


def board_files(store: Store, people: People | None = None) -> dict[str, str]:
    """The main files of the static site by name: index.html, data.js, board.json, css, js."""
    payload = board_payload(store)
    text = json.dumps(payload, ensure_ascii=False, separators=(",", ":"))
    about = {}
    if people is not None:
        about["about.html"] = about_page(store, people, pages=static_names(store, people))
        about["you.html"] = you_page(store, people)
        about["you.js"] = whole_page(asset("you.js"))
    return {
        **about,
        "index.html": index_html(store, people),
        "data.js": f"window.BOARD = {_script_safe(text)};\n",
        "board.json": text,
        "board.css": asset("board.css"),
        "board.js": asset("board.js"),
        "figures.js": whole_page(asset("figures.js")),
    }


def whole_page(script: str) -> str:
    """A script of a box of the app, over the whole page."""
    return f"(function (element) {{\n{script}}})(document);\n"


def _script_safe(text: str) -> str:
    """JSON that can stand in a script: no end tag, no line separators."""
    return re.sub(r"</", r"<\\/", text).replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")


def index_html(store: Store, people: People | None = None) -> str:
    """The first page with the default view already in it, so that it reads without scripts."""
    facts = read_facts(store)
    home = static_links(home_html(store), pages=static_names(store, people))
    page = read_board(store, BoardQuery())
    return Template(asset("board.html")).substitute(
        title=f"{TITLE}: {LEAD[0].lower()}{LEAD[1:]}",
        description=share_tags(
            f"{TITLE}: {LEAD[0].lower()}{LEAD[1:]}",
            "Language models' answers to the World Values Survey beside people's.",
            image="home",
        ),
        header=question_html() + home + stamp_html(facts),
        controls=_controls(facts),
        count=f"{len(page.rows)} of {page.all_rows - page.synthetic} rows",
        table=board_table(page, model_page="rows"),
        after=_about_link(people) + published_html() + limits_html() + _problems(facts),
    )


def _about_link(people: People | None) -> str:
    if people is None:
        return ""
    return (
        '<p><a href="you.html">You: which country and which model answers like you</a></p>'
        '<p><a href="about.html">About: method, scores, maps, how to cite</a></p>'
    )


def _controls(facts: Facts) -> str:
    fields = [
        '<label>Search<input type="search" id="search" placeholder="name, family, method"></label>'
    ]
    for facet, (title, _) in FACETS.items():
        boxes = "".join(
            f'<label><input type="checkbox" data-facet="{facet}" value="{esc(name)}">'
            f"{esc(NOT_STATED if name == 'unknown' else name)} ({number})</label>"
            for name, number in facts.counts[facet].items()
        )
        if len(facts.counts[facet]) < 2:
            continue
        fields.append(
            f'<details><summary data-of="{facet}" data-title="{esc(title)}">{esc(title)}</summary>'
            f"<div>{boxes}</div></details>"
        )
    for kind, (title, _) in PARTS.items():
        options = "".join(
            f'<option value="{esc(name)}">{esc(part_title(f"{kind}:{name}"))}</option>'
            for name in facts.known[kind]
        )
        fields.append(
            f'<label>{esc(title)}<select data-part="{kind}"><option value="">all</option>'
            f"{options}</select></label>"
        )
    columns = "".join(
        f'<label><input type="checkbox" data-column="{esc(column.key)}">{esc(column.title)}</label>'
        for column in facts.columns.values()
    )
    fields.append(f"<details><summary>Columns</summary><div>{columns}</div></details>")
    fields.append(
        '<button type="button" data-download="csv">CSV</button>'
        '<button type="button" data-download="json">JSON</button>'
        '<button type="button" id="reset">Reset</button>'
        '<button type="button" id="theme">Dark</button>'
    )
    return f'<div class="oa-tools">{"".join(fields)}</div>'


def _problems(facts: Facts) -> str:
    if not facts.problems:
        return ""
    listed = "".join(f"<li>{esc(name)}: {esc(text)}</li>" for name, text in facts.problems)
    return f"<h2>Reports left out</h2><ul>{listed}</ul>"


def export_board(
    store: Store, folder: str | Path, *, people: People | None = None, replace: bool = False
) -> list[str]:
    """Write the static site to `folder`, in one step.

    Args:
        store: the store.
        folder: where.
        people: the people's answers; with them countries and questions have pages.
        replace: whether a folder that exists is replaced.

    Returns:
        Names of the files written.

    Raises:
        ContractError: the folder exists (and `replace` is false), or cannot be written to.
    """
    names = []
    with atomic_folder(folder, replace=replace) as partial:
        for name, text in (*board_files(store, people).items(), *static_pages(store, people)):
            path = partial / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            names.append(name)
        for name, content in share_images():
            path = partial / name
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
            names.append(name)
    return sorted(names)
