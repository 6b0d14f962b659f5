"""What stands in the head of each page: title, description, image for those who share it.

The framework gives every page one title; links to a model or a country are shared with their own.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import NamedTuple
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse

from contracts.errors import ContractError
from space.board.labels import country_in_text, country_name, question_text, question_title
from space.board.store import Store
from space.board.texts import TITLE
from space.render.closest import closest_rows
from space.render.text import esc, listed, number
from space.server.share_images import IMAGES, share_image

#: Longest description, in characters.
LONGEST = 300

#: Countries or models that a description names.
NAMED = 3

_PLAIN = {
    "compare": ("Compare models", "Two to four models side by side, by country and by topic."),
    "you": (
        "Who answers like you?",
        "Twenty survey questions, compared in your browser: which "
        "country's people and which language model answer like you. Nothing is stored.",
    ),
    "advice": ("Advice", "How models advise people of different cultures in binary dilemmas."),
    "submit": ("Submit", "Check a predictions file and see at once whose answers it comes near."),
    "run": ("Run a model", "Ask a hosted model the survey's questions and see whom it is like."),
    "about": ("About", "Method, data, scores and limits, and how to cite."),
    "endpoints": ("For programs", "Everything on these pages as files and calls."),
    "receipt": ("Receipt", "What became of a submission."),
}

#: The framework scopes the app's style sheet to what lies below its bar of pages.
_BAR = (
    "<style>@media (max-width: 600px) { gradio-app .nav-holder { padding: 4px 0 !important; } "
    "gradio-app .nav-holder nav { gap: 0 !important; padding: 0 14px !important; "
    "justify-content: flex-start !important; } gradio-app .nav-holder nav a "
    "{ padding: 3px 7px !important; font-size: 14px !important; } }</style>"
)

#: Pages by their paths.
_PAGES = frozenset({"", "model", "country", "question", *_PLAIN})

#: Pages as the framework makes them that stay in memory, of 0.7 MB each.
MOST_PAGES = 24

#: Parameters of an address that the framework looks at itself.
_OF_FRAMEWORK = {"deep_link", "all_endpoints"}

#: Headers that the framework takes the server's address from.
_SEEN_AS = ("x-forwarded-host", "x-forwarded-proto", "x-gradio-server")

#: In a frame of another page only figures stand; what they lead to opens a page of its own.
_EMBEDDED = (
    "<style>.oa-off-embed, gradio-app nav, gradio-app .nav-holder, gradio-app footer "
    "{ display: none !important; } "
    "gradio-app .gradio-container { padding: 0 !important; }</style>"
)


class Head(NamedTuple):
    """Title, description and name of the image of a page."""

    title: str
    description: str
    image: str = "home"


def head_of(page: str, params: Mapping[str, str], store: Store) -> Head | None:
    """Head of a page; None for what is no page.

    Args:
        page: its path, without slashes.
        params: of its address.
        store: the board's store.
    """
    if page == "":
        return Head(
            f"{TITLE}: whose values does a language model reflect?",
            "Language models' answers to the World Values Survey beside those of people in "
            "57 countries: which model is closest to which people, with intervals.",
        )
    if page in _PLAIN:
        title, text = _PLAIN[page]
        return Head(f"{title} · {TITLE}", text)
    makers = {"model": _model, "country": _country, "question": _question}
    return makers[page](params, store) if page in makers else None


def _model(params: Mapping[str, str], store: Store) -> Head:
    plain = Head(f"Models · {TITLE}", "A model's answers beside people's.", "model")
    with store.connect() as db:
        row = db.execute(
            "SELECT r.name, s.estimate, s.low, s.high FROM rows r LEFT JOIN scores s "
            "ON s.row_id = r.row_id AND s.name = 'alignment' WHERE r.row_id = ?",
            (params.get("row", ""),),
        ).fetchone()
        if row is None:
            return plain
        places = [
            country_in_text(code)
            for (code,) in db.execute(
                "SELECT name FROM parts WHERE row_id = ? AND kind = 'country' "
                "AND estimate IS NOT NULL ORDER BY estimate DESC, name",
                (params["row"],),
            )
        ]
    text = plain.description
    if len(places) >= 2 * NAMED:
        text = (
            f"{row['name']} is closest to {listed(places[:NAMED])}, farthest from "
            f"{listed(places[::-1][:NAMED])}."
        )
    if row["estimate"] is not None:
        span = "" if row["low"] is None else f" ({number(row['low'])} to {number(row['high'])})"
        text += f" Alignment with people {number(row['estimate'])}{span}."
    return Head(f"{row['name']}: whose values? · {TITLE}", text, "model")


def _country(params: Mapping[str, str], store: Store) -> Head:
    code = params.get("country", "")
    name = country_name(code)
    if not code or name == code:
        return Head(f"Countries · {TITLE}", "How each country's people answered.", "country")
    near = closest_rows(store, kind="country", name=code, limit=NAMED)
    text = f"How the answers of people in {name} differ from the world's"
    if near:
        text += f"; closest models: {listed([str(row['name']) for row in near])}"
    return Head(f"{name} and language models · {TITLE}", f"{text}.", "country")


def _question(params: Mapping[str, str], store: Store) -> Head:  # noqa: ARG001
    name = params.get("question", "")
    title = question_title(name)
    if not name or title == name:
        return Head(f"Questions · {TITLE}", "What people and models answered.", "question")
    return Head(
        f"{title} · {TITLE}", f"{question_text(name)} Answers of people and models.", "question"
    )


def with_head(html: str, head: Head, *, address: str, root: str, embedded: bool) -> str:
    """A page of the framework with its own head.

    Args:
        html: the page as the framework makes it.
        head: title, description, image.
        address: the page's own address.
        root: the server's address, with a slash at its end.
        embedded: whether only its figures are wanted.
    """
    start, body = html.split("</head>", 1) if "</head>" in html else (html, "")
    start = re.sub(
        r'<meta\s+(?:property="og:|name="twitter:|name="description")[^>]*/>\s*', "", start
    )
    # The framework's script sets the title once more, from its settings.
    settings = f'"title":{json.dumps(TITLE)}'
    given = f'"title":{_in_script(json.dumps(head.title))}'
    start, body = (part.replace(settings, given, 1) for part in (start, body))
    text = head.description[:LONGEST]
    tags = [f"<title>{esc(head.title)}</title>", _meta("name", "description", text)]
    image = f"{root}{IMAGES}/{head.image}.png"
    for kind, name, content in (
        ("property", "og:type", "website"),
        ("property", "og:site_name", TITLE),
        ("property", "og:title", head.title),
        ("property", "og:description", text),
        ("property", "og:url", address),
        ("property", "og:image", image),
        ("name", "twitter:card", "summary_large_image"),
        ("name", "twitter:title", head.title),
        ("name", "twitter:description", text),
        ("name", "twitter:image", image),
    ):
        tags.append(_meta(kind, name, content))
    tags.append(_BAR)
    if embedded:
        tags.append(_EMBEDDED)
        start = start.replace('<base href="./" />', '<base href="./" target="_blank" />', 1)
    return f"{start}{''.join(tags)}</head>{body}"


def _meta(kind: str, name: str, content: str) -> str:
    return f'<meta {kind}="{name}" content="{esc(content)}">'


def _in_script(text: str) -> str:
    return text.replace("</", "<\\/")


def add_images(server: FastAPI) -> None:
    """Serve the images of pages.

    To be called before the app is mounted: it takes every address that is left.
    """

    @server.get(f"/{IMAGES}/{{name}}.png")
    def image(name: str) -> Response:
        content = share_image(name)
        if content is None:
            raise HTTPException(404, "there is no such image")
        caching = {"Cache-Control": "public, max-age=86400"}
        return Response(content, media_type="image/png", headers=caching)


def add_heads(server: FastAPI, store: Store) -> None:
    """Give every page its own head."""
    made: OrderedDict[tuple[str, ...], str] = OrderedDict()

    @server.middleware("http")
    async def headed(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        if request.method != "GET" or request.url.path.strip("/") not in _PAGES:
            return await call_next(request)
        key = _made_for(request)
        html = made.get(key) if key else None
        if key and html is not None:
            made.move_to_end(key)
        if html is None:
            response = await call_next(request)
            kind = response.headers.get("content-type", "")
            if response.status_code != 200 or "text/html" not in kind:
                return response
            parts = [part async for part in response.body_iterator]  # type: ignore[attr-defined]
            html = b"".join(parts).decode()
            if key:
                made[key] = html
                if len(made) > MOST_PAGES:
                    made.popitem(last=False)
        return _headed(html, request, store)


def _headed(html: str, request: Request, store: Store) -> Response:
    """A page with the head that its address says."""
    page, root = request.url.path.strip("/"), str(request.base_url)
    try:
        head = head_of(page, request.query_params, store)
    except ContractError:  # the index is being rebuilt: the page says so itself
        head = None
    if head is None:
        return HTMLResponse(html)
    address = f"{root}{quote(page)}" + (f"?{request.url.query}" if request.url.query else "")
    embedded = request.query_params.get("embed") == "1"
    return HTMLResponse(with_head(html, head, address=address, root=root, embedded=embedded))


def _made_for(request: Request) -> tuple[str, ...] | None:
    """What the framework makes a page of: its path, and where the visitor sees this server.

    None where it looks at more of the address. Nothing else of a request goes into a page: there
    are no logins of the framework's own, and what a page shows comes when it is loaded.
    """
    if _OF_FRAMEWORK & request.query_params.keys():
        return None
    seen = (request.headers.get(name, "") for name in _SEEN_AS)
    return request.url.path, str(request.base_url), *seen
