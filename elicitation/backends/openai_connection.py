"""The connection to an OpenAI-compatible server: address, key, requests, and what can go wrong."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from typing import Any

from contracts.errors import fail
from elicitation.backends.base import Request
from elicitation.backends.completions import HOPELESS
from elicitation.backends.http_run import (
    CallError,
    HttpLimits,
    TransientError,
    is_retried,
    retry_after_seconds,
)
from elicitation.backends.registry import BackendOptions
from elicitation.backends.secrets import checked_url, json_without_keys, without_keys

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
        else:
            body["prompt"] = request.prompt
        return body

    def most_tokens_name(self, request: Request) -> str:
        """Name of the field that bounds a reply: one server has another for chats."""
        own = self.base_url == _OWN_SERVER
        return "max_completion_tokens" if own and request.is_chat else "max_tokens"

    async def post(self, is_chat: bool, body: Mapping[str, Any]) -> dict[str, Any]:
        """One try; the answer as JSON, its shape checked."""
        path = "/chat/completions" if is_chat else "/completions"
        answer = await self.post_json(path, body)
        choices = answer.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            raise TransientError(f"the answer has no choices: {self._short(answer)}")
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
            answer = json.loads(response.content)
        except APITimeoutError:
            raise TransientError("the server took too long") from None
        except APIStatusError as error:
            raise _status_error(error, self.key) from None
        except (APIConnectionError, httpx2.HTTPError) as error:
            cause = error.__cause__ or error
            raise TransientError(f"the connection failed ({type(cause).__name__})") from None
        except ValueError:
            raise TransientError("the answer is no JSON") from None
        if not isinstance(answer, dict):
            raise TransientError(f"the answer is no JSON object: {self._short(answer)}")
        found: dict[str, Any] = json_without_keys(answer, extra=(self.key,))
        return found

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
    return own or os.environ.get("OPENAI_API_KEY", "").strip() or "none"


def _pool_class() -> Any:
    """The client's transport: aiohttp's costs half the time of the usual one, where it is there."""
    import openai

    try:
        import aiohttp  # noqa: F401
    except ImportError:
        return openai.DefaultAsyncHttpxClient
    return openai.DefaultAioHttpClient


def _status_error(error: Any, key: str) -> Exception:
    status = int(error.status_code)
    said = without_keys(str(error.message), extra=(key,))[:300]
    if is_retried(status):
        wait = retry_after_seconds(error.response.headers)
        return TransientError(f"HTTP {status}: {said}", retry_after=wait)
    if status in HOPELESS:
        return fail("server-refuses", f"{HOPELESS[status]} (HTTP {status}): {said}")
    return CallError(f"HTTP {status}: {said}")
