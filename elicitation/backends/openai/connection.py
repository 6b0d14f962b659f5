"""The connection to an OpenAI-compatible server: address, key, requests, and what can go wrong."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from contracts.errors import fail
from elicitation.backends.base import Request
from elicitation.backends.completions import (
    HOPELESS,
    concerns_one_prompt,
    fault_of,
    from_events,
)
from elicitation.backends.http_run import (
    CallError,
    HttpLimits,
    RefusedError,
    TransientError,
    UnreachableError,
    is_retried,
    retry_after_seconds,
)
from elicitation.backends.parameters import Parameters
from elicitation.backends.registry import BackendOptions
from elicitation.backends.secrets import checked_url, json_without_keys, without_keys
from elicitation.backends.thinking import request_fields

#: Tries of a call while it is found out which parameters a server takes.
_PARAMETER_TRIES = 7

_NO_KEY = "none"

_OWN_SERVER = "https://api.openai.com/v1"


class Connection:
    """Sends requests about one model to one server.

    Args:
        model: name of the model there.
        options: address, key, limits.
    """

    def __init__(self, model: str, options: BackendOptions) -> None:
        self.model = model
        self.options = options
        self.base_url, self.key = server_of(options)
        own = self.base_url == _OWN_SERVER
        self.parameters = Parameters("max_completion_tokens" if own else "max_tokens")
        self._chat_fields = request_fields(options)
        self._client: Any = None

    def limits(self) -> HttpLimits:
        """Limits of a run."""
        options = self.options
        return HttpLimits(
            options.concurrency,
            options.requests_per_minute,
            options.attempts,
            options.timeout,
            float(options.extra.get("first_wait", 1.0)),
            options.stop,
            self.key,
        )

    async def with_client(self, work: Any) -> Any:
        """Run with a client of this event loop; it is closed at the end."""
        import httpx2
        from openai import AsyncOpenAI

        size = self.options.concurrency + 4
        pool = _pool_class()(
            limits=httpx2.Limits(max_connections=size, max_keepalive_connections=size),
            timeout=httpx2.Timeout(self.options.timeout, connect=30.0),
            follow_redirects=self.options.redirects,
        )
        async with AsyncOpenAI(
            api_key=self.key, base_url=self.base_url, max_retries=0, http_client=pool
        ) as client:
            self._client = client
            try:
                return await work()
            finally:
                self._client = None

    def body(self, request: Request) -> dict[str, Any]:
        """What every call sends: the model and the context."""
        body: dict[str, Any] = {"model": self.model}
        if request.is_chat:
            body["messages"] = [{"role": m.role, "content": m.content} for m in request.messages]
            body |= self._chat_fields
        else:
            body["prompt"] = request.prompt
        return body

    async def post(self, is_chat: bool, body: Mapping[str, Any]) -> dict[str, Any]:
        """One try, with the parameters that the server takes; the answer's shape is checked."""
        path = "/chat/completions" if is_chat else "/completions"
        answer: dict[str, Any] = {}
        for left in reversed(range(_PARAMETER_TRIES)):
            sent = self.parameters.applied(body, is_chat=is_chat)
            try:
                answer = await self.post_json(path, sent)
                break
            except StatusError as error:
                if not left or not self.parameters.learn(error.status, error.body, sent):
                    raise
        fault = fault_of(answer, is_chat=is_chat)
        if fault:
            raise TransientError(without_keys(fault, extra=(self.key,)))
        return answer

    async def post_json(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """One try; the answer as a JSON object, without keys.

        Raises:
            TransientError: another try may help.
            CallError: none will.
            ContractError: no call to this server will succeed.
        """
        import httpx2
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        try:
            response = await self._client.post(path, cast_to=httpx2.Response, body=body)
            text = response.content.decode("utf-8", "replace")
            answer = _json_of(text)
        except APITimeoutError as error:
            # aiohttp's transport calls a refused connection a timeout as well.
            unreachable = _connection_error(error, self.base_url)
            late = TransientError("the server took too long")
            raise unreachable if isinstance(unreachable, UnreachableError) else late from None
        except APIStatusError as error:
            raise _status_error(error, self.key) from None
        except (APIConnectionError, httpx2.HTTPError) as error:
            raise _connection_error(error, self.base_url) from None
        except ValueError:
            raise TransientError("the answer is no JSON") from None
        if not isinstance(answer, dict):
            raise TransientError(f"the answer is no JSON object: {self._short(answer)}")
        cleaned: dict[str, Any] = json_without_keys(answer, extra=(self.key,))
        return cleaned

    async def tokenise(self, body: Mapping[str, Any]) -> list[int]:
        """Token ids of a text or a chat, as the server makes them (vLLM's `/tokenize`)."""
        root = self.base_url.removesuffix("/v1")
        answer = await self.post_json(f"{root}/tokenize", {"model": self.model, **body})
        tokens = answer.get("tokens")
        if not isinstance(tokens, list):
            raise TransientError("the server's tokeniser gave no tokens")
        return [int(token) for token in tokens]

    def _short(self, answer: Any) -> str:
        return without_keys(json.dumps(answer, ensure_ascii=False), extra=(self.key,))[:200]


def server_of(options: BackendOptions) -> tuple[str, str]:
    """Address of the server that options (or the environment) name, and the key for it."""
    given = options.base_url or os.environ.get("OPENAI_BASE_URL", "") or _OWN_SERVER
    return checked_url(given).rstrip("/"), options.key or _key()


def _key() -> str:
    own = os.environ.get("OPINION_ATLAS_API_KEY", "").strip()
    return own or os.environ.get("OPENAI_API_KEY", "").strip() or _NO_KEY


def _pool_class() -> Any:
    """The client's transport: aiohttp's costs half the time of the usual one, where it is there."""
    import openai

    try:
        import aiohttp  # noqa: F401
    except ImportError:
        return openai.DefaultAsyncHttpxClient
    return openai.DefaultAioHttpClient


class StatusError(CallError):
    """A call was refused for good.

    Attributes:
        status: HTTP status.
        body: body of the answer, without keys.
    """

    def __init__(self, status: int, body: str) -> None:
        super().__init__(f"HTTP {status}: {body[:300]}")
        self.status = status
        self.body = body


def _json_of(text: str) -> Any:
    """A body as JSON; a stream of events as the completion that it spells."""
    if text.lstrip().startswith("data:"):
        return from_events(text.splitlines())
    return json.loads(text)


def _connection_error(error: BaseException, base_url: str) -> TransientError:
    """What went wrong before there was an answer, in words."""
    place = urlsplit(base_url).netloc
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror) or "DNS" in type(cause).__name__:
            return UnreachableError(f"no server is known by the name {urlsplit(base_url).hostname}")
        if isinstance(cause, ConnectionRefusedError):
            return UnreachableError(f"nothing listens at {place} (connection refused)")
    last = error.__cause__ or error
    return TransientError(f"the connection failed ({type(last).__name__})")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """An error with all that it came from."""
    seen: set[int] = set()
    waiting = [error]
    while waiting:
        one = waiting.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        inner = [getattr(one, "os_error", None), *getattr(one, "exceptions", ())]
        waiting += [one.__cause__, one.__context__, *inner]


def _status_error(error: Any, key: str) -> Exception:
    status = int(error.status_code)
    body = " ".join((error.response.text or str(error.message)).split())
    body = without_keys(body, extra=(key,))[:2000]
    excerpt = body[:300]
    if is_retried(status):
        wait = retry_after_seconds(error.response.headers)
        return TransientError(f"HTTP {status}: {excerpt}", retry_after=wait)
    if status == 401 and key == _NO_KEY:
        return fail(
            "no-key",
            f"the server wants a key, and none is set (HTTP {status}): {excerpt}",
            hint="Put it into the environment, as OPENAI_API_KEY.",
        )
    if status in HOPELESS:
        return fail("server-refuses", f"{HOPELESS[status]} (HTTP {status}): {excerpt}")
    if status in (400, 403, 422, 451) and concerns_one_prompt(body):
        return RefusedError(f"HTTP {status}: {excerpt}")
    return StatusError(status, body)
