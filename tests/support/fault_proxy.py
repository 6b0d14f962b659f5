"""A proxy that spoils answers: so that a client meets every way in which a server can fail.

Each new call gets the next faults of the list, one a try, and then passes; a try is known by its
body. It is a plain TCP server, for frameworks cannot break a connection in the middle.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

#: Every fault that there is.
FAULTS = (
    "drop",  # the connection closes before any answer
    "half",  # it closes in the middle of the body
    "garbage",  # the body is no JSON
    "cut",  # the body is JSON that ends early, its length told rightly
    "empty",  # there is no body
    "html",  # a page of some gateway, with status 200
    "list",  # JSON, yet no object
    "no-choices",  # an object without choices
    "429",  # too many requests, with Retry-After
    "429-date",  # the same with a date that has passed
    "408",
    "409",
    "425",
    "500",
    "503",
    "529",  # no registered status
    "slow",  # no answer in time
)

_TEXTS = {
    "garbage": b"oops }{",
    "cut": b'{"choices": [{"message": {"content": "',
    "empty": b"",
    "html": b"<html><body>Bad gateway</body></html>",
    "list": b"[1, 2]",
    "no-choices": b'{"object": "error"}',
}


@dataclass
class Proxy:
    """A proxy under way.

    Attributes:
        url: where it is.
        met: faults that were met, counted.
        tries: tries of each body.
        passed: tries that reached the server, by body.
    """

    url: str = ""
    met: Counter[str] = field(default_factory=Counter)
    tries: Counter[bytes] = field(default_factory=Counter)
    passed: Counter[bytes] = field(default_factory=Counter)


class _Spoiler:
    def __init__(self, proxy: Proxy, upstream: str, faults: Sequence[Sequence[str]]) -> None:
        parts = urlsplit(upstream)
        self._host, self._port = parts.hostname, parts.port
        self._proxy = proxy
        self._faults = faults
        self._number: dict[bytes, int] = {}

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await reader.readexactly(_length(head))
                if not await self._answer(head, body, writer):
                    break
        except (asyncio.IncompleteReadError, ConnectionError, asyncio.CancelledError):
            pass
        finally:
            writer.close()

    def _fault(self, body: bytes) -> str:
        number = self._number.setdefault(body, len(self._number))
        listed = self._faults[number % len(self._faults)] if self._faults else ()
        before = self._proxy.tries[body]
        self._proxy.tries[body] += 1
        return listed[before] if before < len(listed) else ""

    async def _answer(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> bool:
        """Answer a try; false where the connection is to end."""
        probe = b'"max_tokens":1,' in body or b'"max_tokens":1}' in body
        asked = b"/completions" in head.split(b"\r\n", 1)[0]
        fault = "" if probe or not asked else self._fault(body)
        if fault:
            self._proxy.met[fault] += 1
        if fault == "drop":
            return False
        if fault == "slow":
            await asyncio.sleep(30)
            return False
        if fault in _TEXTS:
            writer.write(_http(200, _TEXTS[fault]))
        elif fault == "half":
            writer.write(_http(200, b'{"choices": [' + b" " * 500)[:-300])
            await writer.drain()
            return False
        elif fault == "429":
            writer.write(_http(429, b'{"error": {"message": "slow down"}}', "retry-after: 0.05"))
        elif fault == "429-date":
            date = "retry-after: Wed, 21 Oct 2015 07:28:00 GMT"
            writer.write(_http(429, b'{"error": {"message": "slow down"}}', date))
        elif fault:
            writer.write(_http(int(fault), b'{"error": {"message": "fault"}}'))
        else:
            self._proxy.passed[body] += asked and not probe
            writer.write(await self._forward(head, body))
        await writer.drain()
        return True

    async def _forward(self, head: bytes, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection(self._host, self._port)
        lines = [
            line for line in head.split(b"\r\n") if not line.lower().startswith(b"connection:")
        ]
        writer.write(b"\r\n".join([*lines[:-2], b"connection: close", b"", b""]) + body)
        answer = await reader.read()
        writer.close()
        return answer.replace(b"connection: close\r\n", b"")


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, number = line.partition(b":")
        if name.lower() == b"content-length":
            return int(number)
    return 0


def _http(status: int, body: bytes, *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status} X", "content-type: application/json", *headers]
    lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def spoiling(upstream: str, faults: Sequence[Sequence[str]]) -> Iterator[Proxy]:
    """Proxy a server while the block runs.

    Args:
        upstream: address of the server, with its `/v1`.
        faults: what the calls meet: the n-th new call gets the n-th entry (from the start again
            behind the last), one fault for each of its tries.
    """
    proxy = Proxy()
    loop = asyncio.new_event_loop()
    spoiler = _Spoiler(proxy, upstream, faults)
    server = loop.run_until_complete(asyncio.start_server(spoiler.serve, "127.0.0.1", 0))
    proxy.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1"
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    async def end() -> None:
        server.close()
        tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    try:
        yield proxy
    finally:
        asyncio.run_coroutine_threadsafe(end(), loop).result(timeout=20)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=20)
        loop.close()
