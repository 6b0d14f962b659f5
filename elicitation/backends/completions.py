"""Completions as OpenAI-compatible servers return them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from elicitation.backends.base import Request, Response
from elicitation.backends.thinking import THINKING_FIELDS, reply_field

#: HTTP statuses after which no call can succeed.
HOPELESS = {
    401: "the key is not accepted",
    402: "the account has no credit left",
    404: "there is no such model",
}

#: How servers say that a reply ended at the token limit, in lower case.
CUT_OFF = frozenset({"length", "max_tokens", "max_output_tokens", "model_length"})

#: How they say that it was withheld.
WITHHELD = frozenset(
    {"content_filter", "safety", "refusal", "recitation", "prohibited_content", "blocklist",
     "spii", "sensitive"}
)  # fmt: skip

#: How they say that it failed.
FAILED = frozenset({"error", "abort", "aborted", "malformed_function_call"})

#: Words of a refusal that concerns one prompt, not the key or the account.
_OF_ONE_PROMPT = (
    "content_filter", "content filter", "content management", "content policy", "moderation",
    "flagged", "responsibleai", "safety", "harmful", "prohibited", "usage policies",
    "datainspection", "sensitive",
)  # fmt: skip


def generated(request: Request, answer: dict[str, Any]) -> Response:
    """The replies of a completion, with how they ended."""
    choices = answer["choices"]
    reasons = {str(choice.get("finish_reason")).casefold() for choice in choices}
    usage = usage_of(answer)
    response = Response(
        request.request_id,
        "ok",
        tuple(choice_text(choice) for choice in choices),
        raw=answer,
        prompt_tokens=token_count(usage.get("prompt_tokens")),
        completion_tokens=token_count(usage.get("completion_tokens")),
    )
    if reasons & WITHHELD:
        return replace(response, status="refused", error="withheld by the server's filter")
    return replace(response, status="truncated") if reasons & CUT_OFF else response


def usage_of(answer: Mapping[str, Any]) -> Mapping[str, Any]:
    """Counts of tokens that a server gives; empty where it gives none, or no object."""
    usage = answer.get("usage")
    return usage if isinstance(usage, Mapping) else {}


def token_count(raw_count: Any) -> int | None:
    """A number of tokens, also one in quotes; None where it is none."""
    if isinstance(raw_count, bool):
        return None
    try:
        return int(raw_count)
    except (TypeError, ValueError, OverflowError):
        return None


def fault_of(answer: Mapping[str, Any], *, is_chat: bool) -> str:
    """What is wrong with a completion that came with HTTP 200; empty where nothing is."""
    choices = answer.get("choices")
    server_error = answer.get("error")
    if not isinstance(choices, list) or not choices:
        return f"the answer has no choices{': ' + _short(server_error) if server_error else ''}"
    for choice in choices:
        if not isinstance(choice, Mapping):
            return "a choice is no JSON object"
        if choice.get("error"):
            return f"the server failed: {_short(choice['error'])}"
        if str(choice.get("finish_reason")).casefold() in FAILED:
            return f"the server ended the reply with {choice['finish_reason']!r}"
        if is_chat and not isinstance(choice.get("message"), Mapping):
            return "a choice holds no message"
    return ""


def _short(content: Any) -> str:
    return json.dumps(content, ensure_ascii=False)[:200]


def concerns_one_prompt(text: str) -> bool:
    """Whether a refusal is about what was asked, by its words."""
    lowered = text.casefold()
    return any(word in lowered for word in _OF_ONE_PROMPT)


def elsewhere(raw: Mapping[str, Any]) -> tuple[str, ...]:
    """Where a reply without text sat instead: in the thinking, or in calls of tools."""
    places = []
    if any(reply_field(raw, name) for name in THINKING_FIELDS):
        places.append("only-thinking")
    if reply_field(raw, "tool_calls") or reply_field(raw, "function_call"):
        places.append("tool-calls")
    return tuple(places)


def choice_text(choice: Mapping[str, Any]) -> str:
    """Text of one reply of a chat or text completion; a refusal's where there is one."""
    message = choice.get("message")
    if not isinstance(message, Mapping):
        return str(choice.get("text") or "")
    content = message.get("content")
    if isinstance(content, list):
        content = "".join(map(_part_text, content))
    return str(content or message.get("refusal") or "")


def _part_text(part: Any) -> str:
    """Text of a part of a reply; parts that hold thinking, tools or pictures have none."""
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping) or part.get("type") not in ("text", "output_text", "refusal"):
        return ""
    text = part.get("text") or part.get("refusal") or ""
    return str(text.get("value", "") if isinstance(text, Mapping) else text)


def from_events(lines: Iterable[str]) -> dict[str, Any]:
    """The completion that a stream of server-sent events spells, for servers that always stream.

    Raises:
        ValueError: an event is no JSON, or there is none.
    """
    answer: dict[str, Any] = {}
    choices: dict[int, dict[str, Any]] = {}
    for line in lines:
        text = line.removeprefix("data:").strip()
        if not line.startswith("data:") or text == "[DONE]":
            continue
        event = json.loads(text)
        answer |= {name: event[name] for name in ("id", "model", "error") if event.get(name)}
        answer |= {"usage": event["usage"]} if event.get("usage") else {}
        for piece in event.get("choices") or ():
            _add_piece(choices.setdefault(int(piece.get("index", 0)), {}), piece)
    if not answer and not choices:
        raise ValueError("no event")
    return {**answer, "choices": [choices[index] for index in sorted(choices)]}


def _add_piece(choice: dict[str, Any], piece: Mapping[str, Any]) -> None:
    """Add an event's piece to the reply that it belongs to."""
    for name in ("finish_reason", "logprobs", "error"):
        if piece.get(name):
            choice[name] = piece[name]
    if "text" in piece:
        choice["text"] = choice.get("text", "") + (piece["text"] or "")
    delta = piece.get("delta") or piece.get("message")
    if isinstance(delta, Mapping):
        message = choice.setdefault("message", {"role": "assistant", "content": ""})
        for name in ("content", *THINKING_FIELDS, "refusal"):
            if isinstance(delta.get(name), str):
                message[name] = (message.get(name) or "") + delta[name]
