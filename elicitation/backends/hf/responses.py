"""Responses made of scores, replies and failures."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elicitation.backends.base import Request, Response
from elicitation.backends.hf.generation import Reply
from elicitation.backends.hf.tokens import Item, TokenError


def scores_response(
    request: Request,
    item: Item,
    logprobs: Sequence[float],
    *,
    scorer: str,
    notes: Sequence[str] = (),
    seconds: float,
) -> Response:
    """The scores of a request's options."""
    raw: dict[str, Any] = {
        "scorer": scorer,
        "logprobs": list(logprobs),
        "option_ids": [list(option) for option in item.options],
    }
    if notes:
        raw["notes"] = list(notes)
    return Response(
        request.request_id,
        "ok",
        option_logprobs=tuple(logprobs),
        logprobs_kind="exact",
        raw=raw,
        prompt_tokens=len(item.context),
        completion_tokens=sum(map(len, item.options)),
        seconds=seconds,
    )


def reply_response(
    request: Request, replies: Sequence[Reply], *, prompt_tokens: int, seconds: float
) -> Response:
    """The replies to a request; one that is greedy stands for all of its `n`."""
    if len(replies) < request.sampling.n:
        replies = [replies[0]] * request.sampling.n
    return Response(
        request.request_id,
        "ok" if all(reply.ended for reply in replies) else "truncated",
        texts=tuple(reply.text for reply in replies),
        raw={"replies": [{"ids": list(r.ids), "ended": r.ended} for r in replies]},
        prompt_tokens=prompt_tokens,
        completion_tokens=sum(len(reply.ids) for reply in replies),
        seconds=seconds,
    )


def error_response(request: Request, error: Exception) -> Response:
    """A failure, in one line."""
    text = str(error) if isinstance(error, TokenError) else f"{type(error).__name__}: {error}"
    return Response(request.request_id, "error", error=" ".join(text.split())[:500])
