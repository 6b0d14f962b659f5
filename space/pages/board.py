"""The Board page: facets, search, columns, the table, downloads; its state is its permalink."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import gradio as gr
from starlette.datastructures import QueryParams

from space.board.cache import IndexCache
from space.board.columns import DEFAULT_COLUMNS, DEFAULT_SORT, FACETS, MAX_COLUMNS, PARTS
from space.board.facts import Facts, part_title, read_facts
from space.board.page import BoardPage, read_board
from space.board.query import BoardQuery, parse_query
from space.board.store import Store
from space.pages.parts import QUICK, bind_address, figures_script, html_box, permalink_box
from space.render.frame import limits_html, stamp_html
from space.render.home import home_html, question_html
from space.render.published import published_html
from space.render.table import NOT_STATED, board_table
from space.render.text import esc

#: A click on a heading asks for another order.
_SORT_ON_CLICK = """
element.addEventListener('click', (event) => {
  const button = event.target.closest('button[data-sort]');
  if (button) trigger('select', { key: button.dataset.sort, first: button.dataset.first });
});
"""


#: The address says what is shown before the boxes do: they are filled one after the other.
_FROM_ADDRESS = "(before, ...values) => [window.location.search.slice(1), ...values]"

#: Views of the board that stay in memory, of some 100 kB each.
MOST_VIEWS = 30


def layout(app: gr.Blocks, store: Store) -> None:
    """Lay out the page and bind its events."""
    facts = laid_out = read_facts(store)
    figure_cache: IndexCache[str] = IndexCache(1)
    views: IndexCache[list[Any]] = IndexCache(MOST_VIEWS)
    figures = partial(_home, store, figure_cache)
    home = html_box(figures(), elem_id="home", js_on_load=figures_script())
    header = html_box(stamp_html(facts), elem_id="board-header", embedded=False)
    search = gr.Textbox(
        label="Search", placeholder="name, family, method", elem_id="search", max_lines=1,
        elem_classes=["oa-off-embed"],
    )  # fmt: skip
    with gr.Accordion(
        "Facets and columns", open=False, elem_id="facets", elem_classes=["oa-off-embed"]
    ):
        facets = _facet_boxes(facts)
        columns = gr.Dropdown(
            _column_choices(facts),
            value=list(DEFAULT_COLUMNS),
            multiselect=True,
            label=f"Columns (the first {MAX_COLUMNS} are shown)",
            elem_id="columns",
        )
        reset = gr.Button("Reset", size="sm", elem_id="reset")
    count = html_box(elem_id="board-count", embedded=False)
    # The default view is part of the page itself: the first paint waits for no second request.
    first = board_table(read_board(store, BoardQuery()))
    table = html_box(first, elem_id="board", embedded=False, js_on_load=_SORT_ON_CLICK)
    with gr.Row(visible=False, elem_id="steps", elem_classes=["oa-off-embed"]) as steps:
        previous = gr.Button("Previous", size="sm", elem_id="previous")
        following = gr.Button("Next", size="sm", elem_id="next")
    html_box(published_html() + limits_html(), elem_id="board-after", embedded=False)
    sort = gr.Textbox(DEFAULT_SORT, visible="hidden", elem_id="sort", label="Sort")
    page = gr.Number(1, visible="hidden", elem_id="page", label="Page", precision=0)
    link = permalink_box("board-link")
    synthetic = gr.Textbox("", visible="hidden", elem_id="synthetic", label="Synthetic")
    state = [search, sort, page, columns, synthetic, *facets.values()]
    shown = [table, count, link, steps, previous, following]
    names = tuple(facets)
    _bind_state(store, names, state, shown)
    _bind_steps(store, names, state, shown, (table, previous, following))

    def restore(params: QueryParams) -> list[Any]:
        facts = read_facts(store)
        query = parse_query(params.multi_items(), known=facts.known)
        filled = _fill(query, facts, names, laid_out=laid_out)
        return [figures(), stamp_html(facts), *filled, *_shown(store, query, views)]

    def clear() -> list[Any]:
        facts = read_facts(store)
        filled = _fill(BoardQuery(), facts, names, laid_out=laid_out)
        return [*filled, *_shown(store, BoardQuery(), views)]

    bind_address(app, restore, [home, header, *state, *shown], name="board")
    reset.click(clear, None, [*state, *shown], **QUICK)


def _home(store: Store, figure_cache: IndexCache[str]) -> str:
    """The question and the figures, drawn once for an index."""
    return figure_cache.get(store, "home", lambda: question_html() + home_html(store))


def _facet_boxes(facts: Facts) -> dict[str, gr.Dropdown]:
    """One dropdown per facet and kind of part, four in a row."""
    titles = {**FACETS, **PARTS}
    boxes: dict[str, gr.Dropdown] = {}
    keys = list(titles)
    for start in range(0, len(keys), 4):
        with gr.Row(elem_classes=["oa-facet-row"]):
            for key in keys[start : start + 4]:
                title, tip = titles[key]
                boxes[key] = gr.Dropdown(
                    _choices(facts, key),
                    multiselect=True,
                    label=title,
                    info=tip,
                    elem_id=f"facet-{key}",
                    min_width=180,
                    visible=_is_choice(facts, key),
                )
    return boxes


def _choices(facts: Facts, key: str) -> list[tuple[str, str]]:
    if key in PARTS:
        return [(part_title(f"{key}:{name}"), name) for name in facts.known[key]]
    return [
        (f"{NOT_STATED if name == 'unknown' else name} ({number})", name)
        for name, number in facts.counts[key].items()
    ]


def _is_choice(facts: Facts, key: str) -> bool:
    """Whether a facet has anything to choose between."""
    return len(facts.known[key]) > 1


def _column_choices(facts: Facts) -> list[tuple[str, str]]:
    return [(column.title, column.key) for column in facts.columns.values()]


def query_of(values: Sequence[Any], names: Sequence[str], known: Mapping[str, Any]) -> BoardQuery:
    """The query that the page's boxes say: search, sort, page, columns, then the facets."""
    search, sort, page, columns, synthetic, *chosen = values
    pairs = [
        ("synthetic", synthetic or ""),
        ("q", search or ""),
        ("sort", sort or ""),
        ("page", str(int(page or 1))),
    ]
    pairs.append(("columns", ",".join(columns or ())))
    for name, picked in zip(names, chosen, strict=True):
        pairs += [(name, one) for one in picked or ()]
    return parse_query(pairs, known=known)


def _fill(query: BoardQuery, facts: Facts, names: Sequence[str], *, laid_out: Facts) -> list[Any]:
    """Updates that make the boxes say `query`, with the choices that there are now.

    Boxes whose choices are those that they were laid out with are given what they hold alone: the
    framework makes a component of every other update, which takes longer than all the rest.
    """
    same = facts == laid_out
    boxes: list[Any] = [
        query.search,
        query.sort,
        query.page,
        list(query.columns)
        if same
        else gr.update(choices=_column_choices(facts), value=list(query.columns)),
        "1" if query.synthetic else "",
    ]
    for name in names:
        if name in PARTS:
            picked = [part.split(":", 1)[1] for part in query.parts if part.startswith(f"{name}:")]
        else:
            picked = list(query.facets.get(name, ()))
        boxes.append(
            picked
            if same and _is_choice(facts, name)
            else gr.update(
                choices=_choices(facts, name),
                value=picked,
                visible=_is_choice(facts, name) or bool(picked),
            )
        )
    return boxes


def _shown(store: Store, query: BoardQuery, views: IndexCache[list[Any]]) -> list[Any]:
    """The same for a page that is loaded: most visitors come for the same few views."""
    updates = views.get(store, query.permalink(), lambda: _show(store, query))
    # The framework may change an update that it is given.
    return [dict(one) if isinstance(one, dict) else one for one in updates]


def _show(store: Store, query: BoardQuery) -> list[Any]:
    """Table, count line, permalink, and whether the steps can be taken."""
    page = read_board(store, query)
    at = min(query.page, page.pages)
    return [
        board_table(page),
        count_html(page),
        query.permalink(),
        gr.update(visible=page.pages > 1),
        gr.update(interactive=at > 1),
        gr.update(interactive=at < page.pages),
    ]


def count_html(page: BoardPage) -> str:
    """How many rows there are, and the downloads of those shown."""
    link = page.query.permalink()
    at = f", page {min(page.query.page, page.pages)} of {page.pages}" if page.pages > 1 else ""
    files = " · ".join(
        f'<a href="download/board.{kind}{esc("?" + link if link else "")}" '
        f'download="board.{kind}">{kind.upper()}</a>'
        for kind in ("csv", "json", "parquet")
    )
    return (
        f'<p><span id="row-count">{rows_text(page)}{at}</span>. {_synthetic(page)}'
        f"Download what is shown: {files}. "
        f'<a href="?{esc(link)}" id="permalink">Permalink</a></p>'
    )


def rows_text(page: BoardPage) -> str:
    """How many rows are shown, of all that the board has."""
    hidden = 0 if page.query.synthetic else page.synthetic
    return f"{len(page.rows)} of {page.all_rows - hidden} rows"


def _synthetic(page: BoardPage) -> str:
    """A link to the rows on made-up people where there are any, and back."""
    if not page.synthetic:
        return ""
    link = replace(page.query, synthetic=not page.query.synthetic, page=1).permalink()
    text = "Hide" if page.query.synthetic else "Show"
    return f'<a href="?{esc(link)}">{text} {page.synthetic} rows on synthetic people</a>. '


def _bind_state(
    store: Store, names: Sequence[str], state: Sequence[Any], shown: Sequence[Any]
) -> None:
    """A change of search, columns or a facet shows the first page of the new answer."""
    search, _, page, columns, _, *facets = state
    pickers = [columns, *facets]
    link = shown[2]

    def changed(*values: Any) -> list[Any]:
        fresh = [*values[:2], 1, *values[3:]]
        query = query_of(fresh, names, read_facts(store).known)
        return [1, *_show(store, query)]

    def searched(before: str, *values: Any) -> list[Any]:
        # The box also changes when an address fills it: then the table is right already.
        shown_search = parse_query(before or "", known=read_facts(store).known).search
        if (values[0] or "").strip() == shown_search:
            return [gr.skip() for _ in range(len(shown) + 1)]
        return changed(*values)

    gr.on(
        [picker.input for picker in pickers],
        changed,
        list(state),
        [page, *shown],
        trigger_mode="always_last",
        **QUICK,
    )
    # A text box says `input` for keys that write only, not for those that delete.
    search.change(
        searched,
        [link, *state],
        [page, *shown],
        js=_FROM_ADDRESS,
        trigger_mode="always_last",
        **QUICK,
    )


def _bind_steps(
    store: Store,
    names: Sequence[str],
    state: Sequence[Any],
    shown: Sequence[Any],
    controls: tuple[gr.HTML, gr.Button, gr.Button],
) -> None:
    """Clicks on headings and on the steps between pages."""
    table, previous, following = controls
    sort, page = state[1], state[2]

    def sorted_by(event: gr.EventData, *values: Any) -> list[Any]:
        clicked = event._data if isinstance(event._data, dict) else {}
        first = f"{clicked.get('first', '')}{clicked.get('key', DEFAULT_SORT)}"
        other = first.lstrip("-") if first.startswith("-") else f"-{first}"
        order = other if values[1] == first else first
        query = query_of([values[0], order, 1, *values[3:]], names, read_facts(store).known)
        return [query.sort, 1, *_show(store, query)]

    def step(by: int, values: Sequence[Any]) -> list[Any]:
        to = max(int(values[2] or 1) + by, 1)
        query = query_of([*values[:2], to, *values[3:]], names, read_facts(store).known)
        return [to, *_show(store, query)]

    table.select(sorted_by, list(state), [sort, page, *shown], **QUICK)
    previous.click(lambda *v: step(-1, v), list(state), [page, *shown], **QUICK)
    following.click(lambda *v: step(1, v), list(state), [page, *shown], **QUICK)
