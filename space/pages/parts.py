"""Small things that several pages share."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import gradio as gr
from starlette.datastructures import QueryParams

from space.board.ranks.groups import condition_label
from space.board.store import Store

#: Puts a permalink into the address bar without loading the page. What a visitor does is a step
#: that Back undoes; what is typed in one go is one step; what a page fills in itself is none.
SHOW_PERMALINK = """(link) => {
  const here = new URLSearchParams(window.location.search), next = new URLSearchParams(link);
  for (const kept of ['embed', '__theme']) if (here.has(kept)) next.set(kept, here.get(kept));
  if (here.toString() === next.toString()) return;
  const text = next.toString(), now = Date.now();
  const at = window.location.pathname + (text ? '?' + text : '');
  const typed = !!document.activeElement?.matches('#search input, #search textarea');
  const last = window.oaStep || { typed: false, now: 0 };
  const further = typed && last.typed && now - last.now < 1500;
  const own = !navigator.userActivation?.hasBeenActive;
  window.history[own || further ? 'replaceState' : 'pushState'](window.history.state, '', at);
  window.oaStep = { typed, now };
}"""

#: Back and forward say the address again.
_WATCH_ADDRESS = """
window.addEventListener('popstate', () => {
  trigger('select', { query: window.location.search.slice(1) });
});
"""

#: Longest query that is read of an address.
_LONGEST_QUERY = 4000

#: Events that change what is shown: no queue (a plain request), no spinner over the table. What
#: the boxes say comes as it is, not compared with the choices that a session was shown: sessions
#: are dropped, and handlers check their arguments themselves.
QUICK: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
    "preprocess": False,
}


#: Stands in a page's first box until the page's content has come; while it is there, boxes of
#: choices that hold nothing yet are not shown (`board.css`).
WAITING = '<p class="oa-wait" role="status"><i aria-hidden="true"></i>Loading</p>'

#: Class of rows of boxes that are filled with the page's content.
FILLED = "oa-filled"

#: Seconds until a file to download is removed.
DOWNLOAD_SECONDS = 600.0

_DOWNLOADS: deque[tuple[float, Path]] = deque()


def html_box(
    content: str = "",
    *,
    elem_id: str,
    embedded: bool = True,
    filled: bool = False,
    **options: Any,
) -> gr.HTML:
    """An HTML box in our look.

    Args:
        content: what it holds at first.
        elem_id: its id.
        embedded: whether it stands in a frame of another page as well (`?embed=1`).
        filled: whether it is out of sight until the page's content has come.
        options: further ones of the framework.
    """
    return gr.HTML(
        content,
        html_template='<div class="oa">${value}</div>',
        elem_id=elem_id,
        elem_classes=[
            "oa-html",
            *([] if embedded else ["oa-off-embed"]),
            *([FILLED] if filled else []),
        ],
        apply_default_css=False,
        **options,
    )


@cache
def figures_script() -> str:
    """The script of boxes that hold figures: tips of maps, sorting of pictures."""
    path = resources.files("space").joinpath("assets", "figures.js")
    return path.read_text(encoding="utf-8")


def permalink_box(elem_id: str) -> gr.Textbox:
    """The permalink's query string, unseen; its change moves the address bar."""
    link = gr.Textbox(visible="hidden", elem_id=elem_id, label="Permalink")
    link.change(None, [link], None, js=SHOW_PERMALINK, queue=False, api_visibility="private")
    return link


def bind_address(
    app: gr.Blocks,
    fill: Callable[[QueryParams], list[Any]],
    outputs: Sequence[Any],
    *,
    name: str,
) -> None:
    """Show what the address says when the page is loaded, and on Back and forward.

    Args:
        app: the page.
        fill: updates of `outputs` for the parameters of an address.
        outputs: what is updated.
        name: of the page, for the id of the element that watches.
    """
    watch = gr.HTML("", elem_id=f"watch-{name}", elem_classes=["oa-hidden"],
                    js_on_load=_WATCH_ADDRESS)  # fmt: skip

    def restore(request: gr.Request) -> list[Any]:
        return fill(request.query_params)

    def stepped(event: gr.EventData) -> list[Any]:
        event_fields = event._data if isinstance(event._data, dict) else {}
        return fill(QueryParams(str(event_fields.get("query", ""))[:_LONGEST_QUERY]))

    app.load(restore, None, list(outputs), **QUICK)
    watch.select(stepped, None, list(outputs), **QUICK)


def row_choices(store: Store) -> list[tuple[str, str]]:
    """Rows for a dropdown: what tells them apart, and the id."""
    with store.connect() as db:
        listed_rows = db.execute(
            "SELECT row_id, kind, name, method, steering, language, thinking, release FROM rows "
            "WHERE derived = 0 ORDER BY kind != 'model', name COLLATE NOCASE, row_id"
        ).fetchall()
    names = [
        f"{row['name']} ({row['kind']})"
        if row["kind"] != "model"
        else f"{row['name']} · {condition_label(row)} · {row['method'].replace('_', ' ')}"
        for row in listed_rows
    ]
    twice = {name for name in names if names.count(name) > 1}
    return [
        (f"{name} · {row['release']}" if name in twice else name, row["row_id"])
        for name, row in zip(names, listed_rows, strict=True)
    ]


def first_of(params: Any, key: str, allowed: list[str]) -> str | None:
    """The query parameter `key` if it is allowed, else the first that is; None without any."""
    requested = params.get(key, "")
    if requested in allowed:
        return str(requested)
    return allowed[0] if allowed else None


def temporary_download(name: str) -> Path:
    """A path in a new folder, for a file to download; folders of earlier files are removed.

    The framework copies the file at once.

    Raises:
        OSError: there is no room for it.
    """
    while _DOWNLOADS and _DOWNLOADS[0][0] < time.monotonic() - DOWNLOAD_SECONDS:
        shutil.rmtree(_DOWNLOADS.popleft()[1], ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="opinion-atlas-"))
    _DOWNLOADS.append((time.monotonic(), folder))
    return folder / name
