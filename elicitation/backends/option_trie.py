"""Whole options over HTTP: walk the trie of their tokens, one call of one token for each node.

A server that gives the log-probability of named next tokens gives that of whole options: the sum
along the option's path. Beginnings that options share are asked once, and the server keeps the
context in its prefix cache (unlike prompt log-probabilities, which skip it).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, NamedTuple

from elicitation.backends.base import Request
from elicitation.backends.http_run import CallError

#: (body of a request to the tokeniser) -> token ids.
Tokenise = Callable[[Mapping[str, Any]], Awaitable[list[int]]]
#: (prompt as token ids, ids of the next tokens asked about) -> their log-probabilities.
NextLogprobs = Callable[[Sequence[int], Sequence[int]], Awaitable[Sequence[float | None]]]


class Paths(NamedTuple):
    """A context and its options as token ids; the terminator is the last of an option's."""

    context: tuple[int, ...]
    options: tuple[tuple[int, ...], ...]


class OptionScores(NamedTuple):
    """Log-probability of each option, and what every node of the trie said."""

    scores: tuple[float | None, ...]
    nodes: list[dict[str, Any]]


async def option_paths(request: Request, tokenise: Tokenise) -> Paths:
    """Tokens of a request's context and options, as the server tokenises them together.

    Raises:
        CallError: the context's tokens change with an option behind them, or the end of a text
            is not known.
    """
    context = await tokenise(_context(request))
    whole = await asyncio.gather(*(_option_tokens(request, o, tokenise) for o in request.options))
    for tokens in whole:
        if tokens[: len(context)] != context or len(tokens) == len(context):
            raise CallError("context and option share a token; take the model with hf:")
    return Paths(tuple(context), tuple(tuple(tokens[len(context) :]) for tokens in whole))


def _context(request: Request) -> dict[str, Any]:
    if not request.is_chat:
        return {"prompt": request.prompt}
    turns = [{"role": m.role, "content": m.content} for m in request.messages]
    return {"messages": turns, "add_generation_prompt": True}


async def _option_tokens(request: Request, option: str, tokenise: Tokenise) -> list[int]:
    if not request.is_chat:
        if request.terminator == "end":
            raise CallError(
                "a server does not tell the token that ends a text; take --terminator newline"
            )
        ended = "\n" if request.terminator == "newline" else ""
        return await tokenise({"prompt": f"{request.prompt}{option}{ended}"})
    reply_text = f"{option}\n" if request.terminator == "newline" else option
    turns = [{"role": m.role, "content": m.content} for m in request.messages]
    turns.append({"role": "assistant", "content": reply_text})
    begun = {"messages": turns, "add_generation_prompt": False, "continue_final_message": True}
    tokens = await tokenise(begun)
    if request.terminator != "end":
        return tokens
    ended_turn = await tokenise(begun | {"continue_final_message": False})
    if ended_turn[: len(tokens)] != tokens or len(ended_turn) == len(tokens):
        raise CallError("the chat template has no token that ends a turn")
    return ended_turn[: len(tokens) + 1]


async def option_scores(paths: Paths, next_logprobs: NextLogprobs) -> OptionScores:
    """Log-probability of every option: the sum over the nodes of its path.

    None where the server did not give one of them.
    """
    children: dict[tuple[int, ...], dict[int, None]] = {}
    for option in paths.options:
        for depth, token in enumerate(option):
            children.setdefault(option[:depth], {})[token] = None
    asked = list(children.items())
    answers = await asyncio.gather(
        *(next_logprobs((*paths.context, *prefix), tuple(tokens)) for prefix, tokens in asked)
    )
    logprobs_by_path = {
        (*prefix, token): logprob
        for (prefix, tokens), logprobs in zip(asked, answers, strict=True)
        for token, logprob in zip(tokens, logprobs, strict=True)
    }
    nodes = [
        {"prefix": list(prefix), "logprobs": dict(zip(map(str, tokens), logprobs, strict=True))}
        for (prefix, tokens), logprobs in zip(asked, answers, strict=True)
    ]
    return OptionScores(
        tuple(_path_score(option, logprobs_by_path) for option in paths.options), nodes
    )


def _path_score(
    option: tuple[int, ...], logprobs_by_path: Mapping[tuple[int, ...], float | None]
) -> float | None:
    steps = [logprobs_by_path[option[: depth + 1]] for depth in range(len(option))]
    if any(step is None for step in steps):
        return None
    return sum(step for step in steps if step is not None)
