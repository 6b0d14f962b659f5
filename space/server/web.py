"""The web server: plain endpoints beside the app."""

from __future__ import annotations

import logging
import re
import tempfile
import warnings
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from contracts.errors import ContractError
from contracts.predictions.meta import Kind
from contracts.predictions.source import FORMATS
from space.board.cache import IndexCache
from space.board.facts import read_facts
from space.board.files.data_files import country_csv, question_csv
from space.board.files.download import MEDIA_TYPES, board_download
from space.board.page import read_board
from space.board.public import public_release
from space.board.query import parse_query
from space.board.store import Store
from space.board.survey_answers import People
from space.intake.desk import Desk, open_desk
from space.intake.gate import UploadGate
from space.intake.templates import KINDS, write_template
from space.pages.blocks import FAILED, without_folders
from space.runs.service import Runs, open_runs
from space.server.door import Door
from space.server.heads import add_heads, add_images
from space.server.health import Health
from space.server.logs import log_request
from space.server.share_images import IMAGES
from space.server.static_pages import (
    country_page,
    row_page,
    static_names,
    static_question_page,
)
from space.server.static_site import board_files, board_payload
from space.visitors.logins import check_logins
from space.visitors.proxies import PROXIES_VARIABLE, from_elsewhere, trusted_proxies
from space.visitors.visitor import address_of

_STATIC_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".json": "application/json",
}


log = logging.getLogger("space.server.web")


def make_server(
    store: Store,
    people: People,
    *,
    runs: Runs | None = None,
    public: bool | None = None,
    proxies: Sequence[str] = (),
) -> FastAPI:
    """The server: health, board as JSON, downloads, the static board, and the app at `/`.

    Args:
        store: the board's store.
        people: the people's answers; of a private release, its public tables are shown and
            scored on.
        runs: runs of models; by default those of the store's private folder, none where the
            store takes no submissions in.
        public: whether others than its owner use this server; by default as the environment
            says, and from the first request on that was not made on this machine.
        proxies: addresses and networks whose X-Forwarded-For counts (`trusted_proxies`).

    Raises:
        ContractError: the environment asks for logins that would not be real.
    """
    check_logins()
    rows = people.release if people.release.has_individuals else None
    people = People(public_release(people.release))
    desk = open_desk(store, people.release, rows=rows, public=public)
    if runs is None and desk.book is not None:
        runs = open_runs(store, people.release, desk.book, public=desk.public)
    health = Health(store)
    server = FastAPI(
        title="Opinion Atlas", docs_url=None, redoc_url=None, openapi_url=None,
        lifespan=_while_it_runs(health, runs),
    )  # fmt: skip
    _add_health(server, health)
    _add_board(server, store)
    _add_data(server, store, people)
    _add_static(server, store, people)
    _add_templates(server)
    _add_receipts(server)
    add_images(server)
    _mount_app(server, store, people, desk, runs)
    add_heads(server, store)
    # What is added last comes first: the log sees what the others refuse as well, and to all of
    # them the client is who sent the request, not a proxy of ours.
    gate = UploadGate(limited=desk.public)
    _gate_uploads(server, gate)
    file_bytes = desk.reader.limits.file_bytes
    server.add_middleware(Door, is_public=lambda: desk.public, file_bytes=file_bytes)
    _answer_failures(server)
    _watch_for_others(server, desk, gate, runs)
    server.middleware("http")(log_request)
    server.add_middleware(ProxyHeadersMiddleware, trusted_hosts=list(trusted_proxies(proxies)))
    return server


def _watch_for_others(server: FastAPI, desk: Desk, gate: UploadGate, runs: Runs | None) -> None:
    """A server that a request reaches from elsewhere, or by a proxy, is public from then on."""

    @server.middleware("http")
    async def watched(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        if not desk.public and from_elsewhere(dict(request.headers), address_of(request.client)):
            desk.open_to_others()
            gate.limited = True
            if runs is not None:
                runs.open_to_others()
            log.warning(
                "public from now on",
                extra={
                    "why": "a request came from another machine or through a proxy; start with "
                    f"OPINION_ATLAS_PUBLIC=1, and name the proxy in {PROXIES_VARIABLE}"
                },
            )
        return await call_next(request)


def _while_it_runs(
    health: Health, runs: Runs | None
) -> Callable[[FastAPI], AbstractAsyncContextManager[None]]:
    """What goes on while the server runs, and what happens when it stops: runs under way end, so
    that they can be resumed."""

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        with health.looking():
            yield
        if runs is not None:
            runs.close()

    return lifespan


def _add_health(server: FastAPI, health: Health) -> None:
    # Not a plain function: that would wait for a free worker behind all visitors.
    @server.get("/healthz")
    async def healthz() -> dict[str, Any]:
        return health.state()


def _add_board(server: FastAPI, store: Store) -> None:
    cache: IndexCache[bytes] = IndexCache(1)

    @server.get("/board.json")
    def board_json() -> Response:
        content = cache.get(store, "", lambda: bytes(JSONResponse(board_payload(store)).body))
        return Response(content, media_type="application/json")

    @server.get("/board")
    def board_page() -> RedirectResponse:
        return RedirectResponse("static-board/index.html")

    @server.get("/download/board.{kind}")
    def download(kind: str, request: Request) -> Response:
        if kind not in MEDIA_TYPES:
            raise HTTPException(404, f"no download {kind!r}; there are: {', '.join(MEDIA_TYPES)}")
        facts = read_facts(store)
        query = parse_query(request.query_params.multi_items(), known=facts.known)
        board_file = board_download(read_board(store, query), facts, kind=kind)
        named = {"Content-Disposition": f'attachment; filename="{board_file.name}"'}
        return Response(board_file.content, media_type=board_file.media_type, headers=named)

    @server.get("/download/report/{row_id}.json")
    def report_file(row_id: str) -> Response:
        try:
            report = store.report(row_id)
        except ContractError as error:
            raise HTTPException(404, str(error)) from None
        named = {"Content-Disposition": f'attachment; filename="{Path(row_id).name}.json"'}
        return Response(report.model_dump_json(), media_type="application/json", headers=named)


def _add_data(server: FastAPI, store: Store, people: People) -> None:
    cache: IndexCache[str] = IndexCache(50)

    def handed(name: str, make: Callable[[], str]) -> Response:
        try:
            content = cache.get(store, name, make)
        except ContractError as error:
            raise HTTPException(404, str(error)) from None
        named = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type=MEDIA_TYPES["csv"], headers=named)

    @server.get("/data/country/{country}.csv")
    def country_data(country: str) -> Response:
        return handed(f"{_file_name(country)}.csv", lambda: country_csv(people, country))

    @server.get("/data/question/{question}.csv")
    def question_data(question: str) -> Response:
        return handed(f"{_file_name(question)}.csv", lambda: question_csv(store, people, question))


def _file_name(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]", "", text)[:40] or "data"


def _add_static(server: FastAPI, store: Store, people: People) -> None:
    cache: IndexCache[Any] = IndexCache(20)

    def page(key: str, make: Callable[[Any], str], folder: str, name: str) -> HTMLResponse:
        names = cache.get(store, "names", lambda: static_names(store, people))
        if name not in names[folder]:
            raise HTTPException(404, f"the static board has no page {folder}/{name}.html")
        return HTMLResponse(cache.get(store, key, lambda: make(names)))

    @server.get("/static-board/rows/{row_id}.html")
    def static_row(row_id: str) -> HTMLResponse:
        key = f"rows/{row_id}"
        return page(key, lambda names: row_page(store, row_id, pages=names), "rows", row_id)

    @server.get("/static-board/countries/{name}.html")
    def static_country(name: str) -> HTMLResponse:
        key = f"countries/{name}"
        return page(
            key, lambda names: country_page(store, people, name, pages=names), "countries", name
        )

    @server.get("/static-board/questions/{name}.html")
    def static_question(name: str) -> HTMLResponse:
        return page(
            f"questions/{name}",
            lambda names: static_question_page(store, people, name, pages=names),
            "questions",
            name,
        )

    @server.get("/static-board/share/{name}.png")
    def static_image(name: str) -> RedirectResponse:
        return RedirectResponse(f"../../{IMAGES}/{_file_name(name)}.png")

    @server.get("/static-board/")
    def static_root() -> RedirectResponse:
        return RedirectResponse("index.html")

    @server.get("/static-board/{name}")
    def static_file(name: str) -> Response:
        files = cache.get(store, "files", lambda: board_files(store, people))
        if name not in files:
            raise HTTPException(404, f"the static board has no file {name!r}")
        return Response(files[name], media_type=_STATIC_TYPES[Path(name).suffix])


def _theme() -> Any:
    """The default theme with the machine's own fonts, which nobody need be asked for.

    Quiet texts and primary buttons have the contrast of WCAG AA.
    """
    import gradio as gr

    return gr.themes.Default(
        primary_hue="blue",
        neutral_hue="slate",
        font=["system-ui", "sans-serif"],
        font_mono=["ui-monospace", "monospace"],
    ).set(
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_200",
        block_title_text_color="*neutral_600",
        block_title_text_color_dark="*neutral_200",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_600",
        button_primary_background_fill_hover_dark="*primary_700",
    )


def _gate_uploads(server: FastAPI, gate: UploadGate) -> None:
    @server.middleware("http")
    async def gated(
        request: Request, call_next: Callable[[Request], Awaitable[Response]]
    ) -> Response:
        if request.method == "POST" and request.url.path.rstrip("/").endswith("/upload"):
            why = gate.refusal(address_of(request.client))
            if why:
                return JSONResponse({"detail": why}, status_code=429)
        return await call_next(request)


def _add_templates(server: FastAPI) -> None:
    @server.get("/download/template/{kind}.{suffix}")
    def template(kind: str, suffix: str) -> Response:
        if kind not in KINDS or f".{suffix}" not in FORMATS:
            raise HTTPException(404, f"there is no template {kind}.{suffix}")
        name, content = _template(kind, f".{suffix}")
        named = {"Content-Disposition": f'attachment; filename="{name}"'}
        return Response(content, media_type="application/octet-stream", headers=named)


@lru_cache(maxsize=32)
def _template(kind: Kind, suffix: str) -> tuple[str, bytes]:
    with tempfile.TemporaryDirectory() as folder:
        path = write_template(Path(folder), kind=kind, suffix=suffix)
        return path.name, path.read_bytes()


def _add_receipts(server: FastAPI) -> None:
    @server.get("/receipt/{submission_id}")
    def receipt(submission_id: str) -> RedirectResponse:
        return RedirectResponse(f"../receipt?id={quote(submission_id[:80], safe='')}")


def _mount_app(
    server: FastAPI, store: Store, people: People, desk: Desk, runs: Runs | None
) -> None:
    import gradio as gr
    from gradio.routes import App

    from space.server.app import make_app
    from space.server.sessions import bound_sessions
    from space.server.static_site import asset

    # gradio warns that pages exclude server-side rendering even where it is turned off.
    warnings.filterwarnings("ignore", message="SSR mode is not supported", category=UserWarning)
    app = make_app(store, people, desk, runs)
    # Mounting does not say so, and only of a launched app does gradio check that the files of a
    # request were uploaded: else a request could name any file of this machine as its upload.
    app.has_launched = True
    gr.mount_gradio_app(
        server,
        app,
        path="/",
        theme=_theme(),
        css=asset("board.css") + asset("app.css"),
        footer_links=["api", "settings"],
        run_history=False,
        ssr_mode=False,
        show_error=True,
        enable_monitoring=False,
        max_file_size=desk.reader.limits.file_bytes,
    )
    apps = (getattr(route, "app", None) for route in server.routes)
    mounted = next(one for one in apps if isinstance(one, App))
    bound_sessions(mounted)
    _answer_plainly(mounted)


def _answer_failures(server: FastAPI) -> None:
    """Plain addresses whose work fails answer with a sentence as well."""

    async def cannot(_: Request, error: Exception) -> JSONResponse:
        return JSONResponse(
            {"detail": without_folders(str(error))}, 503, headers={"Retry-After": "60"}
        )

    async def failed(*_: object) -> JSONResponse:
        return JSONResponse({"detail": FAILED}, 500)

    server.add_exception_handler(ContractError, cannot)
    server.add_exception_handler(Exception, failed)


def _answer_plainly(app: Any) -> None:
    """Answers of the framework to what does not exist, or is no request at all, in a sentence."""
    from fastapi.exceptions import RequestValidationError
    from gradio.route_utils import FnIndexInferError

    async def unknown(*_: object) -> JSONResponse:
        return JSONResponse(
            {"detail": "there is no such endpoint; they are listed on the page /endpoints"}, 404
        )

    async def unreadable(*_: object) -> JSONResponse:
        return JSONResponse({"detail": "this is no call: a JSON object with a list `data`"}, 422)

    for kind in (FnIndexInferError, KeyError):
        app.add_exception_handler(kind, unknown)
    app.add_exception_handler(RequestValidationError, unreadable)
