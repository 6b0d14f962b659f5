"""Label scores from what servers return: lists of likely tokens with log-probabilities."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

#: Most entries of a list of likely tokens that servers give.
TOP_LOGPROBS = 20

_TOKEN_ID = "token_id:"  # noqa: S105 - how servers write a token by its number


def first_token_list(choice: Mapping[str, Any]) -> dict[str, float]:
    """Log-probability by token text, of the first token of a chat or text completion.

    Empty where the server gave none.
    """
    logprobs = choice.get("logprobs") or {}
    content = logprobs.get("content")
    if content:  # chat
        first = content[0]
        entries = [first, *(first.get("top_logprobs") or [])]
        pairs: Iterable[tuple[Any, Any]] = ((e.get("token"), e.get("logprob")) for e in entries)
    else:
        tops = logprobs.get("top_logprobs") or [{}]
        tokens, own = logprobs.get("tokens") or [], logprobs.get("token_logprobs") or []
        pairs = [*zip(tokens[:1], own[:1], strict=False), *(tops[0] or {}).items()]
    return {
        token: float(logprob)
        for token, logprob in pairs
        if isinstance(token, str) and isinstance(logprob, int | float) and not math.isnan(logprob)
    }


def scores_by_text(listed: Mapping[str, float], labels: Sequence[str]) -> tuple[float | None, ...]:
    """Score of each label: the mass of all listed tokens that say it, with or without a space.

    None for a label that the list does not hold: it is censored, not impossible.
    """
    masses: dict[str, list[float]] = {}
    for token, logprob in listed.items():
        masses.setdefault(token.strip().lstrip("\u2581\u0120"), []).append(logprob)
    return tuple(_log_sum(masses.get(label.strip())) for label in labels)


def scores_by_id(listed: Mapping[str, float], token_ids: Sequence[int]) -> tuple[float | None, ...]:
    """Score of each token by its number, from entries such as `token_id:42`."""
    return tuple(listed.get(f"{_TOKEN_ID}{number}") for number in token_ids)


def renormalised(scores: Sequence[float | None]) -> tuple[float | None, ...]:
    """Scores among the labels alone: their masses sum to one; None stays None."""
    total = _log_sum([score for score in scores if score is not None])
    if total is None or total == -math.inf:
        return tuple(scores)
    return tuple(None if score is None else score - total for score in scores)


def _log_sum(scores: Sequence[float] | None) -> float | None:
    if not scores:
        return None
    highest = max(scores)
    if highest == -math.inf:
        return highest
    return highest + math.log(math.fsum(math.exp(score - highest) for score in scores))
