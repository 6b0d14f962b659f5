"""The door: what may come in before a page or an endpoint sees it.

A browser sends a visitor's cookies, and reaches a server on the visitor's own machine, whichever
page requests it. So a request that may change something must come from a page of this server:
browsers name the page's origin, and programs, which name none, go on working.
"""

from __future__ import annotations

import functools
import ipaddress
import os
import re
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse

from space.intake.limits import MEGABYTE

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

#: Names that the server is reached by, with commas, where a proxy does not hand on the one that
#: the visitor's browser asked for.
HOSTS_VARIABLE = "OPINION_ATLAS_HOSTS"

#: Names of a Space: its own and those of custom domains, with commas.
SPACE_VARIABLE = "SPACE_HOST"

_SAFE = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})

#: Addresses of the framework that this app uses. All others are closed: among them are some that
#: take files of any size into memory or onto the disk from anybody.
_API = "/gradio_api/"
_OPEN = re.compile(
    r"(upload|upload_progress|queue/(join|data|status)|(run|api|call|call/v2)/.+|info|openapi\.json"
    r"|heartbeat/[^/]+|cancel|reset|startup-events|theme\.css|file[=/].+|app_id|user|login_check)/?"
)

#: Largest body of a request that is no upload, in bytes.
LARGEST_BODY = MEGABYTE

#: Room for what stands around a file in an upload, in bytes.
_AROUND = MEGABYTE

_LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
_DEFAULT_PORTS = frozenset({80, 443})
_CROSS_ORIGIN = "access-control-allow-"


class Door:
    """Middleware: refuses what comes from other sites' pages, is closed, or is too large.

    Answers carry no permission for other sites' pages to read them, and cookies are not sent to
    this server from other sites (SameSite Lax at least).

    Args:
        app: the server behind it.
        is_public: whether strangers use this server now. Else it is this machine's own, and a page
            whose name was made to lead here (DNS rebinding) counts as another site's.
        file_bytes: largest file that may be uploaded.
    """

    def __init__(self, app: App, *, is_public: Callable[[], bool], file_bytes: int) -> None:
        self._app, self._is_public = app, is_public
        self._upload_bytes = file_bytes + _AROUND

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            if scope["type"] == "websocket":  # nothing here speaks it
                await send({"type": "websocket.close", "code": 1008})
                return
            await self._app(scope, receive, send)
            return
        headers, path = Headers(scope=scope), scope["path"]
        refusal = self._refusal(scope["method"], path, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        body = _Body(receive, most=self._most(path))
        answer = _Answer(functools.partial(_send_cleaned, send), body)
        try:
            if not body.is_declared_too_large(headers):
                await self._app(scope, body.receive, answer.send)
        except Exception:
            if not body.too_large:
                raise
        if body.too_large and not answer.begun:
            await _too_large(body.most)(scope, receive, send)

    def _most(self, path: str) -> int:
        return self._upload_bytes if path.rstrip("/") == f"{_API}upload" else LARGEST_BODY

    def _refusal(self, method: str, path: str, headers: Headers) -> JSONResponse | None:
        """Why a request is refused; None if it may come in."""
        if path.startswith(_API) and not _OPEN.fullmatch(path.removeprefix(_API)):
            return _answer(404, f"there is nothing at {path[:80]}")
        origin = headers.get("origin")
        asks_for_others = method == "OPTIONS" and "access-control-request-method" in headers
        if origin is None or (method in _SAFE and not asks_for_others):
            return None
        if self._is_own(origin, headers):
            return None
        return _answer(
            403,
            "this request comes from a page of another site, which may not act here for a visitor; "
            "open the board itself, or call it from a program, without an Origin header. If this "
            f"is the board's own page behind a proxy, let the proxy hand on the Host header, or "
            f"set {HOSTS_VARIABLE} to the board's name",
        )

    def _is_own(self, origin: str, headers: Headers) -> bool:
        """Whether an origin is this server's, under a name that it is reached by."""
        _, separator, netloc = origin.partition("://")
        origin_place = _place(netloc) if separator else None
        if origin_place is None:
            return False
        if origin_place in _configured():
            return True
        if not self._is_public() and not _is_numeric(origin_place[0]):
            return False
        named = (headers.get("host"), *_listed(headers.get("x-forwarded-host", "")))
        return origin_place in {_place(one) for one in named if one}


class _Body:
    """A request's body, cut off where it is larger than it may be."""

    def __init__(self, receive: Receive, *, most: int) -> None:
        self._receive, self.most = receive, most
        self._read = 0
        self.too_large = False

    def is_declared_too_large(self, headers: Headers) -> bool:
        """Whether the request itself says so."""
        declared = headers.get("content-length", "")
        self.too_large = declared.isdecimal() and int(declared[:20]) > self.most
        return self.too_large

    async def receive(self) -> Message:
        """The next part; where it is too much, as if the visitor had gone."""
        if self.too_large:
            return {"type": "http.disconnect"}
        message = await self._receive()
        self._read += len(message.get("body", b""))
        if self._read > self.most:
            self.too_large = True
            return {"type": "http.disconnect"}
        return message


class _Answer:
    """The answer of the server behind; held back where the body turned out too large."""

    def __init__(self, send: Send, body: _Body) -> None:
        self._send, self._body = send, body
        self.begun = False

    async def send(self, message: Message) -> None:
        """Pass a part on."""
        if self._body.too_large and not self.begun:
            return
        self.begun = True
        await self._send(message)


async def _send_cleaned(send: Send, message: Message) -> None:
    """Send a part of an answer, without cross-origin permissions and with same-site cookies."""
    if message["type"] == "http.response.start":
        headers = MutableHeaders(scope=message)
        for name in [name for name in headers if name.startswith(_CROSS_ORIGIN)]:
            del headers[name]
        message["headers"] = [
            (name, _own_cookie(text) if name.lower() == b"set-cookie" else text)
            for name, text in headers.raw
        ]
    await send(message)


def _own_cookie(text: bytes) -> bytes:
    """A cookie that browsers do not send from other sites' pages."""
    if re.search(rb";\s*samesite=(lax|strict)", text, re.IGNORECASE):
        return text
    return re.sub(rb";\s*samesite=[^;]*", b"", text, flags=re.IGNORECASE) + b"; samesite=lax"


def _configured() -> set[tuple[str, int] | None]:
    """Names that the environment says the server is reached by."""
    names = [os.environ.get(variable, "") for variable in (HOSTS_VARIABLE, SPACE_VARIABLE)]
    return {_place(one) for text in names for one in _listed(text)}


def _listed(text: str) -> Iterable[str]:
    return filter(None, (one.strip() for one in text.split(",")))


def _place(netloc: str) -> tuple[str, int] | None:
    """Host in lower case and port of `host:port`; 0 for the ports that a scheme implies.

    Which of the two schemes a visitor used is not known behind a proxy.
    """
    try:
        parts = urlsplit(f"//{netloc}")
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host:
        return None
    return host.rstrip("."), 0 if port is None or port in _DEFAULT_PORTS else port


def _is_numeric(host: str) -> bool:
    """Whether a host is an address, or a name that always means this machine: no other site can
    make one resolve to it."""
    if host in _LOOPBACK_NAMES:
        return True
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _answer(status: int, why: str) -> JSONResponse:
    return JSONResponse({"detail": why}, status_code=status)


def _too_large(most: int) -> JSONResponse:
    return _answer(413, f"the request is too large; at most {most / MEGABYTE:g} MB are taken")
