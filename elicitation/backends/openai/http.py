"""Any OpenAI-compatible server: vLLM, TGI, SGLang, llama.cpp, a hosted one."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from contracts.errors import ContractError, unknown_values
from elicitation.backends.base import Capabilities, OnResponse, Request, Response
from elicitation.backends.completions import generated
from elicitation.backends.coroutines import run_coroutine
from elicitation.backends.http_run import CallError, HttpRun
from elicitation.backends.openai.connection import Connection
from elicitation.backends.openai.probe import LABEL_KINDS, Probe
from elicitation.backends.openai.scores import Scoring
from elicitation.backends.registry import BackendOptions
from elicitation.backends.secrets import public_url
from elicitation.backends.thinking import thinking_facts


def open_backend(name: str, options: BackendOptions) -> OpenAIBackend:
    """The model `name` on a server.

    Raises:
        ContractError: the address is none, or there is no such way of scoring labels.
    """
    if options.label_logprobs not in ("auto", *LABEL_KINDS):
        raise ContractError(
            unknown_values("--label-logprobs", options.label_logprobs, ("auto", *LABEL_KINDS))
        )
    return OpenAIBackend(name, options)


class OpenAIBackend:
    """Chat and text completions over HTTP; what the server can do is found out once."""

    def __init__(self, model: str, options: BackendOptions) -> None:
        self._options = options
        self._connection = Connection(model, options)
        self._scoring = Scoring(self._connection)
        self._capabilities: Capabilities | None = None

    def describe(self) -> dict[str, Any]:
        """Server, model, revision, and how the model thinks where that is said."""
        return {
            "backend": "openai",
            "server": public_url(self._connection.base_url),
            "model": self._connection.model,
            "revision": self._options.revision,
            **thinking_facts(self._options),
        }

    def scoring(self) -> dict[str, Any]:
        """How labels are scored: what the server was found to give."""
        return {"label_logprobs": self.capabilities().label_logprobs}

    def environment(self) -> dict[str, Any]:
        """Version of the client and limits of the run."""
        from importlib.metadata import version

        return {
            "client": f"openai {version('openai')}",
            "concurrency": self._options.concurrency,
            "capabilities": {
                "chat": self.capabilities().chat,
                "plain": self.capabilities().plain,
                "label_logprobs": self.capabilities().label_logprobs,
            },
            **({"parameters": used} if (used := self._connection.parameters.facts()) else {}),
        }

    def capabilities(self) -> Capabilities:
        """What the server can do with the model, found out by some calls of one token.

        Raises:
            ContractError: the server cannot be reached, or answers neither chats nor texts.
        """
        if self._capabilities is None:
            probe = Probe(self._connection, self._scoring)
            self._capabilities = run_coroutine(self._connection.with_client(probe.capabilities))
        return self._capabilities

    def close(self) -> None:
        """Nothing is held between runs."""

    def run(self, requests: Iterable[Request], *, on_response: OnResponse) -> None:
        """Answer all requests, `concurrency` at once."""
        self.capabilities()

        async def ask() -> None:
            await HttpRun(self._call, self._connection.limits(), on_response).run(requests)

        run_coroutine(self._connection.with_client(ask))

    async def _call(self, request: Request) -> Response:
        able = self.capabilities()
        if request.kind == "score_options":
            if able.option_logprobs == "none":
                raise CallError("this server scores no whole options; take the model with hf:")
            return await self._scoring.options(request)
        if request.kind == "score_labels":
            return await self._scoring.labels(request, able.label_logprobs)
        return await self._reply(request)

    async def _reply(self, request: Request) -> Response:
        sampling = request.sampling
        body = self._connection.body(request)
        body["max_tokens"] = sampling.max_tokens
        body["temperature"] = sampling.temperature
        optional: tuple[tuple[str, Any, Any], ...] = (
            ("top_p", sampling.top_p, 1.0),
            ("seed", request.draw_seed, None),
            ("stop", list(sampling.stop), []),
            ("n", sampling.n, 1),
            ("response_format", sampling.response_format, None),
        )
        body |= {name: given for name, given, default in optional if given != default}
        answer = await self._connection.post(request.is_chat, body)
        response = generated(request, answer)
        if "stop" in self._connection.parameters.dropped:
            return replace(
                response, texts=tuple(_until(text, sampling.stop) for text in response.texts)
            )
        return response


def _until(text: str, stops: tuple[str, ...]) -> str:
    """A text up to the first of the texts that end a reply."""
    return text[: min((text.index(stop) for stop in stops if stop in text), default=len(text))]
