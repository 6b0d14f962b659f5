"""Hosted models by way of huggingface_hub: inference providers and endpoints of one's own."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

from contracts.errors import ContractError, fail
from elicitation.backends.base import Capabilities, OnResponse, Request, Response
from elicitation.backends.completions import HOPELESS, concerns_one_prompt, fault_of, generated
from elicitation.backends.coroutines import run_coroutine
from elicitation.backends.http_run import (
    CallError,
    HttpLimits,
    HttpRun,
    RefusedError,
    TransientError,
    is_retried,
    retry_after_seconds,
)
from elicitation.backends.label_scores import TOP_LOGPROBS, first_token_list, scores_by_text
from elicitation.backends.registry import BackendOptions
from elicitation.backends.secrets import (
    checked_url,
    json_without_keys,
    public_url,
    without_keys,
)
from elicitation.backends.thinking import request_fields, thinking_facts

#: What the client says where a provider does not serve a model, or does not take the key.
_UNSERVED = re.compile(r"not supported|No provider mapping|Cannot select auto-router|api_key")


def open_backend(name: str, options: BackendOptions) -> HubBackend:
    """The hosted model `name`."""
    return HubBackend(name, options)


class HubBackend:
    """Chats with a hosted model.

    Label scores come from the lists of likely tokens that some providers give; a label outside
    such a list is censored.
    """

    def __init__(self, model: str, options: BackendOptions) -> None:
        self._model = model
        self._options = options
        self._base_url = checked_url(options.base_url) if options.base_url else ""
        self._client: Any = None

    def describe(self) -> dict[str, Any]:
        """Model, provider and address."""
        return {
            "backend": "hub",
            "model": self._model,
            "revision": self._options.revision,
            "provider": self._options.provider or "auto",
            "server": public_url(self._base_url) if self._base_url else "",
            **thinking_facts(self._options),
        }

    def scoring(self) -> dict[str, Any]:
        """Nothing: labels are always looked for in lists of likely tokens."""
        return {}

    def environment(self) -> dict[str, Any]:
        """Version of the client."""
        from importlib.metadata import version

        return {"client": f"huggingface_hub {version('huggingface_hub')}"}

    def capabilities(self) -> Capabilities:
        """Chats, and censored scores of labels where the provider gives lists."""
        note = "whether the provider gives log-probabilities shows when labels are scored"
        return Capabilities(plain=False, label_logprobs="censored", first_token=True, notes=(note,))

    def close(self) -> None:
        """Nothing is held between runs."""

    def run(self, requests: Iterable[Request], *, on_response: OnResponse) -> None:
        """Answer all requests, `concurrency` at once."""
        options = self._options
        limits = HttpLimits(
            options.concurrency,
            options.requests_per_minute,
            options.attempts,
            options.timeout,
            float(options.extra.get("first_wait", 1.0)),
            options.stop,
            options.key,
        )

        async def ask() -> None:
            await HttpRun(self._call, limits, on_response).run(requests)

        run_coroutine(self._with_client(ask))

    async def _with_client(self, work: Callable[[], Awaitable[None]]) -> None:
        from huggingface_hub import AsyncInferenceClient

        where: dict[str, Any] = (
            {"base_url": self._base_url}
            if self._base_url
            else {"model": self._model, "provider": self._options.provider or "auto"}
        )
        key = self._options.key or os.environ.get("HF_TOKEN") or None
        async with AsyncInferenceClient(
            **where, api_key=key, timeout=self._options.timeout
        ) as client:
            if not self._options.redirects:
                _refuse_redirects(await client._get_async_client())
            self._client = client
            try:
                await work()
            finally:
                self._client = None

    async def _call(self, request: Request) -> Response:
        if request.kind == "score_options" or not request.is_chat:
            raise CallError("hosted models take chats only, and score no whole options")
        sampling = request.sampling
        fields: dict[str, Any] = {
            "messages": [{"role": m.role, "content": m.content} for m in request.messages],
            "model": self._model,
        }
        if more := request_fields(self._options):
            fields["extra_body"] = more
        if request.kind == "score_labels":
            fields |= {"max_tokens": 1, "logprobs": True, "top_logprobs": TOP_LOGPROBS}
            return _scored(request, await self._chat(fields))
        fields |= {
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p if sampling.top_p != 1 else None,
            "seed": request.draw_seed,
            "stop": list(sampling.stop) or None,
            "n": sampling.n if sampling.n != 1 else None,
            "response_format": sampling.response_format,
        }
        return generated(request, await self._chat(fields))

    async def _chat(self, fields: dict[str, Any]) -> dict[str, Any]:
        import httpx2
        from huggingface_hub.errors import (
            HfHubHTTPError,
            InferenceTimeoutError,
            OfflineModeIsEnabled,
        )

        key = self._options.key
        try:
            answer = await self._client.chat_completion(**fields)
            parsed: Any = json_without_keys(json.loads(json.dumps(answer)), extra=(key,))
        except ContractError:  # a redirect, which is refused
            raise
        except OfflineModeIsEnabled:
            raise fail(
                "offline", "hosted models need the network", hint="Unset HF_HUB_OFFLINE."
            ) from None
        except InferenceTimeoutError:
            raise TransientError("the server took too long") from None
        except HfHubHTTPError as error:
            raise _status_error(error, key) from None
        except httpx2.HTTPError as error:
            raise TransientError(f"the connection failed ({type(error).__name__})") from None
        except (ValueError, TypeError) as error:
            # The client parses the body without a check of its own, and says by the same kind of
            # error that a provider does not serve the model.
            if isinstance(error, ValueError) and _UNSERVED.search(str(error)):
                message = without_keys(str(error), extra=(key,))[:300]
                raise fail(
                    "not-served", message, hint="Choose another provider or model."
                ) from None
            raise TransientError("the answer is no JSON of a chat") from None
        fault = fault_of(parsed, is_chat=True) if isinstance(parsed, dict) else "no JSON object"
        if fault:
            raise TransientError(without_keys(fault, extra=(key,)))
        result: dict[str, Any] = parsed
        return result


def _refuse_redirects(session: Any) -> None:
    """End a run whose server sends its calls elsewhere."""

    async def refuse(response: Any) -> None:
        if response.is_redirect:
            raise fail("redirect", f"the server redirects (HTTP {response.status_code})")

    session.follow_redirects = False
    hooks = session.event_hooks
    session.event_hooks = {**hooks, "response": [refuse, *hooks["response"]]}


def _scored(request: Request, answer: dict[str, Any]) -> Response:
    listed = first_token_list(answer["choices"][0])
    if not listed:
        raise CallError("this provider gives no log-probabilities; take --method sampling")
    return Response(
        request.request_id,
        "ok",
        option_logprobs=scores_by_text(listed, request.options),
        logprobs_kind="censored",
        raw=answer,
    )


def _status_error(error: Any, key: str) -> Exception:
    response = error.response
    message = without_keys(str(error), extra=(key,))[:300]
    if response is None:
        return TransientError(message)
    status = int(response.status_code)
    if is_retried(status):
        return TransientError(
            f"HTTP {status}: {message}", retry_after=retry_after_seconds(response.headers)
        )
    if status in HOPELESS:
        return fail("server-refuses", f"{HOPELESS[status]} (HTTP {status}): {message}")
    if status in (400, 403, 422, 451) and concerns_one_prompt(f"{message} {response.text}"):
        return RefusedError(f"HTTP {status}: {message}")
    return CallError(f"HTTP {status}: {message}")
