"""Small things that several pages share."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections import deque
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any

import gradio as gr

from space.board.store import Store

#: Puts a permalink into the address bar without loading the page.
SHOW_PERMALINK = (
    "(link) => { const at = window.location.pathname + (link ? '?' + link : '');"
    " window.history.replaceState(window.history.state, '', at); }"
)

#: Events that change what is shown: no queue (a plain request), no spinner over the table. What
#: the boxes say comes as it is, not compared with the choices that a session was shown: sessions
#: are dropped, and handlers check their arguments themselves.
QUICK: dict[str, Any] = {
    "queue": False,
    "show_progress": "hidden",
    "api_visibility": "private",
    "preprocess": False,
}


#: Seconds until a file to download is removed.
KEPT_SECONDS = 600.0

_KEPT: deque[tuple[float, Path]] = deque()


def html_box(content: str = "", *, elem_id: str, **options: Any) -> gr.HTML:
    """An HTML box in our look."""
    return gr.HTML(
        content,
        html_template='<div class="oa">${value}</div>',
        elem_id=elem_id,
        elem_classes=["oa-html"],
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


def row_choices(store: Store) -> list[tuple[str, str]]:
    """Rows for a dropdown: what tells them apart, and the id."""
    with store.connect() as db:
        found = db.execute(
            "SELECT row_id, kind, name, method, steering, language, release FROM rows "
            "WHERE derived = 0 ORDER BY kind != 'model', name COLLATE NOCASE, row_id"
        ).fetchall()
    names = [
        f"{row['name']} ({row['kind']})"
        if row["kind"] != "model"
        else f"{row['name']} · {row['method']} · {row['steering']} · {row['language']}"
        for row in found
    ]
    twice = {name for name in names if names.count(name) > 1}
    return [
        (f"{name} · {row['release']}" if name in twice else name, row["row_id"])
        for name, row in zip(names, found, strict=True)
    ]


def first_of(params: Any, key: str, allowed: list[str]) -> str | None:
    """The query parameter `key` if it is allowed, else the first that is; None without any."""
    found = params.get(key, "")
    if found in allowed:
        return str(found)
    return allowed[0] if allowed else None


def kept_for_a_while(name: str) -> Path:
    """A path in a new folder, for a file to download; folders of earlier files are removed.

    The framework copies the file at once.

    Raises:
        OSError: there is no room for it.
    """
    while _KEPT and _KEPT[0][0] < time.monotonic() - KEPT_SECONDS:
        shutil.rmtree(_KEPT.popleft()[1], ignore_errors=True)
    folder = Path(tempfile.mkdtemp(prefix="opinion-atlas-"))
    _KEPT.append((time.monotonic(), folder))
    return folder / name
