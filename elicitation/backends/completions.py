"""Completions as OpenAI-compatible servers return them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from elicitation.backends.base import Request, Response

#: HTTP statuses after which no call can succeed.
HOPELESS = {401: "the key is not accepted", 403: "access is denied", 404: "there is no such model"}


def generated(request: Request, answer: dict[str, Any]) -> Response:
    """The replies of a completion, with how they ended."""
    choices = answer["choices"]
    reasons = {choice.get("finish_reason") for choice in choices}
    usage = answer.get("usage") or {}
    response = Response(
        request.request_id,
        "ok",
        tuple(choice_text(choice) for choice in choices),
        raw=answer,
        prompt_tokens=usage.get("prompt_tokens"),
        completion_tokens=usage.get("completion_tokens"),
    )
    if "content_filter" in reasons:
        return replace(response, status="refused", error="withheld by the server's filter")
    return replace(response, status="truncated") if "length" in reasons else response


def choice_text(choice: Mapping[str, Any]) -> str:
    """Text of one reply of a chat or text completion; a refusal's where there is one."""
    message = choice.get("message")
    if isinstance(message, Mapping):
        return str(message.get("content") or message.get("refusal") or "")
    return str(choice.get("text") or "")
