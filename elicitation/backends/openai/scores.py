"""Scores of labels and of whole options from an OpenAI-compatible server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from elicitation.backends.base import LabelLogprobs, Request, Response
from elicitation.backends.completions import token_count, usage_of
from elicitation.backends.hf.tokens import Item, TokenError, label_item
from elicitation.backends.http_run import CallError
from elicitation.backends.label_scores import (
    TOP_LOGPROBS,
    first_token_list,
    renormalised,
    scores_by_id,
    scores_by_text,
)
from elicitation.backends.openai.connection import Connection
from elicitation.backends.option_trie import Paths, option_paths, option_scores


class Scoring:
    """Scores options by the means that a server has."""

    def __init__(self, connection: Connection) -> None:
        self._to = connection
        self._token_ids: dict[tuple[bool, tuple[str, ...]], tuple[int, ...] | None] = {}

    async def options(self, request: Request) -> Response:
        """Log-probabilities of whole options, along the trie of their tokens."""
        paths = await option_paths(request, self._to.tokenise)
        scored = await option_scores(paths, self.next_logprobs)
        return Response(
            request.request_id,
            "ok",
            option_logprobs=scored.scores,
            logprobs_kind="exact",
            raw={"context_tokens": len(paths.context), "nodes": scored.nodes},
            prompt_tokens=sum(len(paths.context) + len(node["prefix"]) for node in scored.nodes),
            completion_tokens=len(scored.nodes),
        )

    async def next_logprobs(
        self, prompt: Sequence[int], tokens: Sequence[int]
    ) -> Sequence[float | None]:
        """Log-probability of some next tokens behind a prompt of token ids."""
        body = {"model": self._to.model, "prompt": list(prompt), "max_tokens": 1, "temperature": 0}
        answer = await self._to.post(False, body | _exact_fields(False, tuple(tokens)))
        return scores_by_id(first_token_list(answer["choices"][0]), tokens)

    async def labels(self, request: Request, how: LabelLogprobs) -> Response:
        """Log-probabilities of labels as the first thing said.

        Args:
            request: a `score_labels` request.
            how: by which means.

        Raises:
            CallError: the means is `none`, or cannot tell these labels apart.
        """
        body = self._to.body(request) | {"max_tokens": 1, "temperature": 0}
        if how == "exact":
            ids = await self._label_ids(request.is_chat, request.options)
            if ids is None:
                return await self._long_labels(request)
            answer = await self._to.post(
                request.is_chat, body | _exact_fields(request.is_chat, ids)
            )
            scores = scores_by_id(first_token_list(answer["choices"][0]), ids)
        elif how in ("constrained", "censored"):
            fields = _top_fields(request.is_chat)
            if how == "constrained":
                fields |= _choice_fields(request.options)
            answer = await self._to.post(request.is_chat, body | fields)
            scores = scores_by_text(first_token_list(answer["choices"][0]), request.options)
            scores = renormalised(scores) if how == "constrained" else scores
        else:
            raise CallError("this server gives no log-probabilities")
        usage = usage_of(answer)
        return Response(
            request.request_id,
            "ok",
            option_logprobs=scores,
            logprobs_kind=how,
            raw=answer,
            prompt_tokens=token_count(usage.get("prompt_tokens")),
            completion_tokens=token_count(usage.get("completion_tokens")),
        )

    async def _long_labels(self, request: Request) -> Response:
        """Labels of several tokens, by the rule of local models: what all begin with (the space of
        " 1") counts to the context, and a longer label's probability is taken off a shorter one.

        Raises:
            CallError: the server's tokens do not tell the labels apart.
        """
        paths = await option_paths(replace(request, terminator="none"), self._to.tokenise)
        try:
            labels = label_item(Item(*paths))
        except TokenError as error:
            raise CallError(str(error)) from None
        scored = await option_scores(Paths(*labels.item), self.next_logprobs)
        known = [score for score in scored.scores if score is not None]
        whole = len(known) == len(scored.scores)
        return Response(
            request.request_id,
            "ok",
            option_logprobs=tuple(labels.logprobs(known)) if whole else scored.scores,
            logprobs_kind="exact",
            raw={"nodes": scored.nodes, "notes": list(labels.notes)},
            prompt_tokens=sum(len(paths.context) + len(node["prefix"]) for node in scored.nodes),
            completion_tokens=len(scored.nodes),
        )

    async def _label_ids(self, is_chat: bool, labels: tuple[str, ...]) -> tuple[int, ...] | None:
        """Number of each label's token where an answer begins; None where one is not one token.

        The context is tokenised without and with the label, as the server does it, for a label
        alone may be another token.
        """
        key = (is_chat, labels)
        if key not in self._token_ids:
            before = await self._tokens(is_chat, "")
            token_ids = []
            for label in labels:
                after = await self._tokens(is_chat, label)
                one_more = len(after) == len(before) + 1 and after[:-1] == before
                token_ids.append(after[-1] if one_more else None)
            whole = tuple(number for number in token_ids if number is not None)
            distinct = len(set(whole)) == len(labels)
            self._token_ids[key] = whole if distinct else None
        return self._token_ids[key]

    async def _tokens(self, is_chat: bool, label: str) -> list[int]:
        if not is_chat:
            return await self._to.tokenise({"prompt": f"Answer:{label}"})
        turns = [{"role": "user", "content": "Answer:"}]
        if label:
            turns.append({"role": "assistant", "content": label})
        body = {"messages": turns, "add_generation_prompt": not label}
        return await self._to.tokenise(body | {"continue_final_message": bool(label)})


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
