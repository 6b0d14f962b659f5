"""What a plan would cost, before anything is asked."""

from __future__ import annotations

import unicodedata
from itertools import islice
from typing import NamedTuple

from elicitation.prompts.plan import Call, Plan
from elicitation.run.limits import Limits

#: Prompts looked at for an estimate, per condition.
_SAMPLED = 40

#: Characters a token, for Latin, Cyrillic and Greek script, and for all others.
_ALPHABET_CHARS, _OTHER_CHARS = 4.0, 1.5

#: Tokens of a usual reply: for each option, and besides.
_REPLY = {
    "shares": (8, 4), "rating": (0, 60), "choice": (0, 2), "sequence": (0, 62),
    "scores": (0, 0), "advice": (0, 250),
}  # fmt: skip

#: Seconds that a hosted model takes for a call, and the share of it that grows with the reply.
_LATENCY, _SECONDS_PER_TOKEN = 0.6, 0.02


class Estimate(NamedTuple):
    """Calls, tokens, time and money of a plan; tokens are rough (a quarter off, at times more).

    Attributes:
        calls: number of calls.
        prompt_tokens, completion_tokens: of all calls together.
        seconds: with `concurrency` calls under way at once, over HTTP; None for a model on this
            machine, whose pace is known only after its first calls.
        cost: in the currency of the prices; 0 without prices.
    """

    calls: int
    prompt_tokens: int
    completion_tokens: int
    seconds: float | None
    cost: float


def token_estimate(text: str) -> float:
    """Rough number of tokens of a text."""
    if text.isascii():
        return len(text) / _ALPHABET_CHARS
    dense = sum(1 for sign in text if sign > "\u0590" and unicodedata.category(sign)[0] in "LMN")
    return (len(text) - dense) / _ALPHABET_CHARS + dense / _OTHER_CHARS


def estimate(
    plan: Plan,
    *,
    limits: Limits | None = None,
    concurrency: int | None = 16,
    shard: tuple[int, int] = (1, 1),
) -> Estimate:
    """Estimate a plan from some prompts of every condition.

    Args:
        plan: the plan.
        limits: holds the prices.
        concurrency: calls under way at once, over HTTP; None for a model on this machine.
        shard: (k, n): only every n-th call from the k-th.
    """
    prompt_tokens = completion_tokens = 0.0
    for condition in plan.conditions:
        size = plan.size(condition)
        if not size:
            continue
        sampled = list(islice(plan.sampled_calls(condition), _SAMPLED))
        prompt_tokens += size * sum(_prompt_tokens(call) for call in sampled) / len(sampled)
        completion_tokens += size * sum(_reply_tokens(call) for call in sampled) / len(sampled)
    calls = plan.sharded_size(shard)
    part = calls / max(len(plan), 1)
    prompt_tokens, completion_tokens = part * prompt_tokens, part * completion_tokens
    prices = limits or Limits()
    cost = prompt_tokens * prices.prompt_price + completion_tokens * prices.completion_price
    seconds = None
    if concurrency is not None:
        spent = calls * _LATENCY + completion_tokens * _SECONDS_PER_TOKEN
        seconds = spent / max(concurrency, 1)
    return Estimate(calls, round(prompt_tokens), round(completion_tokens), seconds, cost / 1e6)


def _prompt_tokens(call: Call) -> float:
    turns = call.request.messages
    return sum(token_estimate(turn.content) for turn in turns) or token_estimate(
        call.request.prompt
    )


def _reply_tokens(call: Call) -> float:
    per_option, besides = _REPLY[call.shown.reader]
    return per_option * len(call.shown.options) + besides


def shown_prompts(plan: Plan) -> list[Call]:
    """Three whole prompts: the first call of the first, middle and last condition; with fewer
    conditions, the first, middle and last call."""
    conditions = [condition for condition in plan.conditions if plan.size(condition)]
    if len(conditions) >= 3:
        chosen = (conditions[0], conditions[len(conditions) // 2], conditions[-1])
        return [next(plan.calls(condition)) for condition in chosen]
    places = sorted({0, len(plan) // 2, len(plan) - 1} - {-1})
    items = (item for condition in conditions for item in plan.items(condition))
    return [plan.call(item) for number, item in enumerate(items) if number in places]
