"""What an OpenAI-compatible server can do with a model, found out by calls of one token."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from contracts.errors import ContractError, fail
from elicitation.backends.base import Capabilities, LabelLogprobs, Message, Request
from elicitation.backends.completions import choice_text
from elicitation.backends.http_run import (
    CallError,
    RefusedError,
    TransientError,
    UnreachableError,
)
from elicitation.backends.label_scores import first_token_list
from elicitation.backends.openai.connection import Connection
from elicitation.backends.openai.scores import Scoring
from elicitation.backends.secrets import public_url, without_keys

#: Ways of scoring labels, the best first.
LABEL_KINDS: tuple[LabelLogprobs, ...] = ("exact", "constrained", "censored")

_CHAT_PROBE = (Message("user", "Reply with the letter A or the letter B."),)


class Probe:
    """Tries what a server can do."""

    def __init__(self, connection: Connection, scoring: Scoring) -> None:
        self._to = connection
        self._scoring = scoring

    async def capabilities(self) -> Capabilities:
        """What the server can do.

        Raises:
            ContractError: it cannot be reached, or answers neither chats nor texts.
        """
        chat, chat_error = await self._works(Request("probe", messages=_CHAT_PROBE))
        plain, plain_error = await self._works(Request("probe", prompt="Answer:"))
        if not chat and not plain:
            raise self._unreachable(chat_error or plain_error)
        wanted = self._to.options.label_logprobs
        kinds = [kind for kind in LABEL_KINDS if wanted in ("auto", kind)]
        probe = Request(
            "probe",
            "score_labels",
            messages=_CHAT_PROBE if chat else (),
            prompt="" if chat else "Answer:",
            options=("A", "B") if chat else (" A", " B"),
        )
        for kind in kinds:
            if await self._scores(probe, kind):
                able = Capabilities(chat=chat, plain=plain, label_logprobs=kind, first_token=True)
                return await self._with_options(able)
        note = "the server gives no log-probabilities of labels"
        return Capabilities(chat=chat, plain=plain, label_logprobs="none", notes=(note,))

    async def _works(self, request: Request) -> tuple[bool, str]:
        """Whether an end point answers, and if not, why.

        Raises:
            ContractError: it fails in a way that may pass, or the key or the account is no good:
                neither says what the server can do.
        """
        body = self._to.body(request) | {"max_tokens": 1, "temperature": 0}
        try:
            await self._patiently(lambda: self._to.post(request.is_chat, body))
        except TransientError as error:
            raise self._unreachable(str(error), passing=True) from None
        except RefusedError as error:
            return True, str(error)
        except CallError as error:
            # Models that think first refuse so short a reply, and are there nevertheless.
            return "max_tokens" in str(error) or "output limit" in str(error), str(error)
        except ContractError as error:
            if "HTTP 404" not in str(error):
                raise
            return False, str(error)
        return True, ""

    async def _patiently(self, make: Callable[[], Awaitable[Any]]) -> Any:
        """A probe is tried three times: a hiccup is no lack."""
        for wait in (1, 2):
            try:
                return await make()
            except UnreachableError:
                raise
            except TransientError:
                await asyncio.sleep(wait * self._to.limits().first_wait)
        return await make()

    async def _scores(self, probe: Request, how: LabelLogprobs) -> bool:
        """Whether a way of scoring labels really works.

        Raises:
            ContractError: it fails in a way that may pass: what a server can do must not depend
                on when it was asked.
        """
        try:
            response = await self._patiently(lambda: self._scoring.labels(probe, how))
        except TransientError as error:
            if _is_broken(error):
                return False
            raise self._unreachable(str(error), passing=True) from None
        except (CallError, RefusedError, ContractError):
            return False
        if how == "constrained":
            reply_label = choice_text(response.raw["choices"][0]).strip()
            held = {label.strip() for label in probe.options}
            return reply_label in held and any(s is not None for s in response.option_logprobs)
        if how == "exact":
            return all(score is not None for score in response.option_logprobs)
        return bool(first_token_list(response.raw["choices"][0]))

    async def _with_options(self, able: Capabilities) -> Capabilities:
        """The same, with whole options where prompts of token ids are taken as well."""
        if able.label_logprobs != "exact" or not able.plain:
            return able
        try:
            tokens = await self._patiently(lambda: self._to.tokenise({"prompt": "Answer: A"}))
            logprobs = await self._patiently(
                lambda: self._scoring.next_logprobs(tokens[:-1], tokens[-1:])
            )
        except TransientError as error:
            if _is_broken(error):
                return able
            raise self._unreachable(str(error), passing=True) from None
        except (CallError, RefusedError, ContractError):
            return able
        return able if None in logprobs else replace(able, option_logprobs="exact")

    def _unreachable(self, why: str, *, passing: bool = False) -> ContractError:
        reason = without_keys(why, extra=(self._to.key,))
        return fail(
            "no-server",
            f"the server does not answer as {self._to.model!r}: {reason}",
            where=public_url(self._to.base_url),
            hint="Start again when the server is well: nothing is lost."
            if passing and "HTTP" in why
            else "Check --base-url, the model's name, and the key in OPENAI_API_KEY.",
        )


def _is_broken(error: TransientError) -> bool:
    """Whether a server failed at a request as those do that do not know its fields: three times
    with HTTP 500 or 501, or with an answer that is none."""
    message = str(error)
    return message.startswith(("HTTP 500", "HTTP 501", "the answer", "a choice"))
