"""Any OpenAI-compatible server: vLLM, TGI, SGLang, llama.cpp, a hosted one."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from contracts.errors import ContractError, fail
from elicitation.backends.base import Capabilities, OnResponse, Request, Response
from elicitation.backends.completions import HOPELESS, choice_text, generated
from elicitation.backends.http_run import (
    CallError,
    HttpLimits,
    HttpRun,
    TransientError,
    is_retried,
    retry_after_seconds,
)
from elicitation.backends.label_scores import (
    TOP_LOGPROBS,
    first_token_list,
    renormalised,
    scores_by_id,
    scores_by_text,
)
from elicitation.backends.option_trie import option_paths, option_scores
from elicitation.backends.registry import BackendOptions
from elicitation.backends.secrets import (
    checked_url,
    json_without_keys,
    public_url,
    without_keys,
)

_OWN_SERVER = "https://api.openai.com/v1"


def open_backend(name: str, options: BackendOptions) -> OpenAIBackend:
    """The model `name` on a server.

    Raises:
        ContractError: the server cannot be reached or serves no such model.
    """
    return OpenAIBackend(name, options)


class OpenAIBackend:
    """Chat and text completions over HTTP; what the server can do is found out once."""

    def __init__(self, model: str, options: BackendOptions) -> None:
        self._model = model
        self._options = options
        self._base_url, self._key = server_of(options)
        self._capabilities: Capabilities | None = None
        self._token_ids: dict[tuple[bool, tuple[str, ...]], tuple[int, ...] | None] = {}
        self._client: Any = None

    # What it is

    def describe(self) -> dict[str, Any]:
        """Server, model, revision, and how labels are scored."""
        return {
            "backend": "openai",
            "server": public_url(self._base_url),
            "model": self._model,
            "revision": self._options.revision,
            "label_logprobs": self.capabilities().label_logprobs,
        }

    def environment(self) -> dict[str, Any]:
        """Version of the client and limits of the run."""
        from importlib.metadata import version

        return {
            "client": f"openai {version('openai')}",
            "concurrency": self._options.concurrency,
            "capabilities": {
                "chat": self.capabilities().chat,
                "plain": self.capabilities().plain,
            },
        }

    def capabilities(self) -> Capabilities:
        """What the server can do with the model, found out by some calls of one token.

        Raises:
            ContractError: the server cannot be reached, or answers neither chats nor texts.
        """
        if self._capabilities is None:
            self._capabilities = asyncio.run(self._with_client(self._probe))
        return self._capabilities

    def close(self) -> None:
        """Nothing is held between runs."""

    # Asking

    def run(self, requests: Iterable[Request], *, on_response: OnResponse) -> None:
        """Answer all requests, `concurrency` at once."""
        self.capabilities()

        async def ask() -> None:
            await HttpRun(self._call, self._limits(), on_response).run(requests)

        asyncio.run(self._with_client(ask))

    def _limits(self) -> HttpLimits:
        options = self._options
        return HttpLimits(
            options.concurrency,
            options.requests_per_minute,
            options.attempts,
            options.timeout,
            float(options.extra.get("first_wait", 1.0)),
            options.stop,
            self._key,
        )

    async def _with_client(self, work: Any) -> Any:
        """Run with a client of this event loop; it is closed at the end."""
        import httpx2
        from openai import AsyncOpenAI

        size = self._options.concurrency + 4
        pool = _pool_class()(
            limits=httpx2.Limits(max_connections=size, max_keepalive_connections=size),
            timeout=httpx2.Timeout(self._options.timeout, connect=30.0),
            follow_redirects=self._options.redirects,
        )
        async with AsyncOpenAI(
            api_key=self._key, base_url=self._base_url, max_retries=0, http_client=pool
        ) as client:
            self._client = client
            try:
                return await work()
            finally:
                self._client = None

    async def _call(self, request: Request) -> Response:
        if request.kind == "score_options":
            return await self._score_options(request)
        if request.kind == "score_labels":
            return await self._score_labels(request)
        sampling = request.sampling
        body = self._body(request)
        body[self._most_tokens_name(request)] = sampling.max_tokens
        body["temperature"] = sampling.temperature
        optional: tuple[tuple[str, Any, Any], ...] = (
            ("top_p", sampling.top_p, 1.0),
            ("seed", request.draw_seed, None),
            ("stop", list(sampling.stop), []),
            ("n", sampling.n, 1),
            ("response_format", sampling.response_format, None),
        )
        body |= {name: given for name, given, default in optional if given != default}
        answer = await self._post(request.is_chat, body)
        return generated(request, answer)

    def _body(self, request: Request) -> dict[str, Any]:
        body: dict[str, Any] = {"model": self._model}
        if request.is_chat:
            body["messages"] = [{"role": m.role, "content": m.content} for m in request.messages]
        else:
            body["prompt"] = request.prompt
        return body

    def _most_tokens_name(self, request: Request) -> str:
        own = self._base_url == _OWN_SERVER
        return "max_completion_tokens" if own and request.is_chat else "max_tokens"

    async def _post(self, is_chat: bool, body: Mapping[str, Any]) -> dict[str, Any]:
        """One try; the answer as JSON, its shape checked."""
        path = "/chat/completions" if is_chat else "/completions"
        answer = await self._post_json(path, body)
        choices = answer.get("choices")
        if not isinstance(choices, list) or not choices or not isinstance(choices[0], dict):
            raise TransientError(f"the answer has no choices: {self._short(answer)}")
        return answer

    async def _post_json(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        import httpx2
        from openai import APIConnectionError, APIStatusError, APITimeoutError

        try:
            response = await self._client.post(path, cast_to=httpx2.Response, body=body)
            answer = json.loads(response.content)
        except APITimeoutError:
            raise TransientError("the server took too long") from None
        except APIStatusError as error:
            raise _status_error(error, self._key) from None
        except (APIConnectionError, httpx2.HTTPError) as error:
            cause = error.__cause__ or error
            raise TransientError(f"the connection failed ({type(cause).__name__})") from None
        except ValueError:
            raise TransientError("the answer is no JSON") from None
        if not isinstance(answer, dict):
            raise TransientError(f"the answer is no JSON object: {self._short(answer)}")
        found: dict[str, Any] = json_without_keys(answer, extra=(self._key,))
        return found

    # Options

    async def _score_options(self, request: Request) -> Response:
        if self.capabilities().option_logprobs == "none":
            raise CallError("this server scores no whole options; take the model with hf:")
        paths = await option_paths(request, self._tokenise)
        found = await option_scores(paths, self._next_logprobs)
        return Response(
            request.request_id,
            "ok",
            option_logprobs=found.scores,
            logprobs_kind="exact",
            raw={"context_tokens": len(paths.context), "nodes": found.nodes},
            prompt_tokens=sum(len(paths.context) + len(node["prefix"]) for node in found.nodes),
            completion_tokens=len(found.nodes),
        )

    async def _next_logprobs(
        self, prompt: Sequence[int], tokens: Sequence[int]
    ) -> Sequence[float | None]:
        """Log-probability of some next tokens behind a prompt of token ids."""
        body = {"model": self._model, "prompt": list(prompt), "max_tokens": 1, "temperature": 0}
        answer = await self._post(False, body | _exact_fields(False, tuple(tokens)))
        return scores_by_id(first_token_list(answer["choices"][0]), tokens)

    # Labels

    async def _score_labels(self, request: Request) -> Response:
        how = self.capabilities().label_logprobs
        body = self._body(request) | {"max_tokens": 1, "temperature": 0}
        if how == "exact":
            ids = await self._label_ids(request.is_chat, request.options)
            if ids is None:
                raise CallError("a label is more than one token for this model; take letters")
            answer = await self._post(request.is_chat, body | _exact_fields(request.is_chat, ids))
            scores = scores_by_id(first_token_list(answer["choices"][0]), ids)
        elif how in ("constrained", "censored"):
            fields = _top_fields(request.is_chat)
            if how == "constrained":
                fields |= _choice_fields(request.options)
            answer = await self._post(request.is_chat, body | fields)
            scores = scores_by_text(first_token_list(answer["choices"][0]), request.options)
            scores = renormalised(scores) if how == "constrained" else scores
        else:
            raise CallError("this server gives no log-probabilities")
        usage = answer.get("usage") or {}
        return Response(
            request.request_id,
            "ok",
            option_logprobs=scores,
            logprobs_kind=how,
            raw=answer,
            prompt_tokens=usage.get("prompt_tokens"),
            completion_tokens=usage.get("completion_tokens"),
        )

    async def _label_ids(self, is_chat: bool, labels: tuple[str, ...]) -> tuple[int, ...] | None:
        """Number of each label's token where an answer begins; None where one is not one token.

        The context is tokenised without and with the label, as the server does it, for a label
        alone may be another token.
        """
        key = (is_chat, labels)
        if key not in self._token_ids:
            before = await self._tokens(is_chat, "")
            found = []
            for label in labels:
                after = await self._tokens(is_chat, label)
                one_more = len(after) == len(before) + 1 and after[:-1] == before
                found.append(after[-1] if one_more else None)
            whole = tuple(number for number in found if number is not None)
            distinct = len(set(whole)) == len(labels)
            self._token_ids[key] = whole if distinct else None
        return self._token_ids[key]

    async def _tokens(self, is_chat: bool, label: str) -> list[int]:
        if not is_chat:
            return await self._tokenise({"prompt": f"Answer:{label}"})
        turns = [{"role": "user", "content": "Answer:"}]
        if label:
            turns.append({"role": "assistant", "content": label})
        body = {"messages": turns, "add_generation_prompt": not label}
        return await self._tokenise(body | {"continue_final_message": bool(label)})

    async def _tokenise(self, body: Mapping[str, Any]) -> list[int]:
        """Token ids of a text or a chat, as the server makes them (vLLM's `/tokenize`)."""
        root = self._base_url.removesuffix("/v1")
        answer = await self._post_json(f"{root}/tokenize", {"model": self._model, **body})
        tokens = answer.get("tokens")
        if not isinstance(tokens, list):
            raise TransientError("the server's tokeniser gave no tokens")
        return [int(token) for token in tokens]

    # Probing

    async def _probe(self) -> Capabilities:
        chat, chat_error = await self._works(Request("probe", messages=_CHAT_PROBE))
        plain, plain_error = await self._works(Request("probe", prompt="Answer:"))
        if not chat and not plain:
            raise self._unreachable(chat_error or plain_error)
        wanted = self._options.label_logprobs
        kinds = ("exact", "constrained", "censored") if wanted == "auto" else (wanted,)
        probe = Request(
            "probe",
            "score_labels",
            messages=_CHAT_PROBE if chat else (),
            prompt="" if chat else "Answer:",
            options=("A", "B") if chat else (" A", " B"),
        )
        for kind in kinds:
            able = Capabilities(chat=chat, plain=plain, label_logprobs=kind)  # type: ignore[arg-type]
            if await self._scores(probe, able):
                return await self._with_options(able)
        note = "the server gives no log-probabilities of labels"
        return Capabilities(chat=chat, plain=plain, label_logprobs="none", notes=(note,))

    async def _works(self, request: Request) -> tuple[bool, str]:
        """Whether an end point answers, and if not, why."""
        body = self._body(request) | {self._most_tokens_name(request): 1}
        try:
            await self._patiently(lambda: self._post(request.is_chat, body))
        except (CallError, TransientError) as error:
            # Models that think first refuse so short a reply, and are there nevertheless.
            return "max_tokens" in str(error) or "output limit" in str(error), str(error)
        except ContractError as error:
            return False, str(error)
        return True, ""

    async def _patiently(self, make: Callable[[], Awaitable[Any]]) -> Any:
        """A probe is tried three times: a hiccup is no lack."""
        for wait in (1, 2):
            try:
                return await make()
            except TransientError:
                await asyncio.sleep(wait * self._limits().first_wait)
        return await make()

    async def _scores(self, probe: Request, able: Capabilities) -> bool:
        """Whether a way of scoring labels really works."""
        before, self._capabilities = self._capabilities, able
        try:
            response = await self._patiently(lambda: self._score_labels(probe))
        except (CallError, TransientError, ContractError):
            return False
        finally:
            self._capabilities = before
        if able.label_logprobs == "constrained":
            said = choice_text(response.raw["choices"][0]).strip()
            held = {label.strip() for label in probe.options}
            return said in held and any(s is not None for s in response.option_logprobs)
        if able.label_logprobs == "exact":
            return all(score is not None for score in response.option_logprobs)
        return bool(first_token_list(response.raw["choices"][0]))

    async def _with_options(self, able: Capabilities) -> Capabilities:
        """The same, with whole options where prompts of token ids are taken as well."""
        if able.label_logprobs != "exact" or not able.plain:
            return able
        try:
            tokens = await self._patiently(lambda: self._tokenise({"prompt": "Answer: A"}))
            found = await self._patiently(lambda: self._next_logprobs(tokens[:-1], tokens[-1:]))
        except (CallError, TransientError, ContractError):
            return able
        return able if None in found else replace(able, option_logprobs="exact")

    def _short(self, answer: Any) -> str:
        return without_keys(json.dumps(answer, ensure_ascii=False), extra=(self._key,))[:200]

    def _unreachable(self, why: str) -> ContractError:
        said = without_keys(why, extra=(self._key,))
        return fail(
            "no-server",
            f"the server does not answer as {self._model!r}: {said}",
            where=public_url(self._base_url),
            hint="Check --base-url, the model's name, and the key in OPENAI_API_KEY.",
        )


def _pool_class() -> Any:
    """The client's transport: aiohttp's costs half the time of the usual one, where it is there."""
    import openai

    try:
        import aiohttp  # noqa: F401
    except ImportError:
        return openai.DefaultAsyncHttpxClient
    return openai.DefaultAioHttpClient


def _message(content: str) -> Any:
    from elicitation.backends.base import Message

    return Message("user", content)


_CHAT_PROBE = (_message("Reply with the letter A or the letter B."),)


def server_of(options: BackendOptions) -> tuple[str, str]:
    """Address of the server that options (or the environment) name, and the key for it."""
    given = options.base_url or os.environ.get("OPENAI_BASE_URL", "") or _OWN_SERVER
    return checked_url(given).rstrip("/"), options.key or _key()


def _key() -> str:
    own = os.environ.get("OPINION_ATLAS_API_KEY", "").strip()
    return own or os.environ.get("OPENAI_API_KEY", "").strip() or "none"


def _exact_fields(is_chat: bool, ids: tuple[int, ...]) -> dict[str, Any]:
    fields = {"logprob_token_ids": list(ids), "return_tokens_as_token_ids": True}
    return fields | ({"logprobs": True} if is_chat else {"logprobs": 1})


def _top_fields(is_chat: bool) -> dict[str, Any]:
    if is_chat:
        return {"logprobs": True, "top_logprobs": TOP_LOGPROBS}
    return {"logprobs": TOP_LOGPROBS}


def _choice_fields(labels: tuple[str, ...]) -> dict[str, Any]:
    """Both names under which servers know a choice; unknown fields are ignored."""
    choice = list(labels)
    return {"structured_outputs": {"choice": choice}, "guided_choice": choice}


def _status_error(error: Any, key: str) -> Exception:
    status = int(error.status_code)
    said = without_keys(str(error.message), extra=(key,))[:300]
    if is_retried(status):
        wait = retry_after_seconds(error.response.headers)
        return TransientError(f"HTTP {status}: {said}", retry_after=wait)
    if status in HOPELESS:
        return fail("server-refuses", f"{HOPELESS[status]} (HTTP {status}): {said}")
    return CallError(f"HTTP {status}: {said}")
