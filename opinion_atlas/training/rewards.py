"""Rewards for reinforcement learning with target shares."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any


def share_reward(
    completions: Sequence[Any],
    *,
    prompts: Sequence[Any] = (),
    options: Sequence[Sequence[Mapping[str, Any]]],
    shares: Sequence[Sequence[float]],
    **_: Any,
) -> list[float]:
    """How much each reply brings its prompt's replies towards the people's shares, by W1.

    One reply has no distribution: the reward is of the group of replies to one prompt, which
    GRPO draws anyway. With D the distance W1 / (K - 1) between the shares of answers given in the
    group and those of people, a reply gets D without it minus D with it, all other replies kept:
    giving the mode again where too many gave it is punished. A reply that is no label gets -1. A
    single reply to a prompt gets -D.

    Args:
        completions: replies, as text or as chat messages; the arguments are those that TRL's
            `GRPOTrainer` passes.
        prompts: their prompts; replies to equal prompts are one group.
        options: `options` of each row.
        shares: `shares` of each row, in the order of `options`.

    Returns:
        A reward for each reply, in -1..1.
    """
    keys = [repr(prompt) for prompt in prompts] or [""] * len(completions)
    labels = [[str(option["label"]) for option in row] for row in options]
    given = [_label(reply, row) for reply, row in zip(completions, labels, strict=True)]
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for key, label in zip(keys, given, strict=True):
        if label is not None:
            counts[key][label] += 1
    return [
        -1.0 if label is None else _gain(counts[key], label, offered, target)
        for key, label, offered, target in zip(keys, given, labels, shares, strict=True)
    ]


def _label(reply: Any, labels: Sequence[str]) -> str | None:
    """The label that a reply gives alone; None where it gives none."""
    text = reply if isinstance(reply, str) else "".join(str(m["content"]) for m in reply)
    bare_reply = text.strip().rstrip(").:").strip()
    return bare_reply if bare_reply in labels else None


def _gain(
    counts: Counter[str], label: str, labels: Sequence[str], target: Sequence[float]
) -> float:
    with_it = [counts[name] for name in labels]
    without = [counts[name] - (name == label) for name in labels]
    if not any(without):
        return -_distance(with_it, target)
    return _distance(without, target) - _distance(with_it, target)


def _distance(counts: Sequence[int], target: Sequence[float]) -> float:
    """W1 of cumulative shares over the cuts of the scale, divided by their number."""
    total, gap, sum_ = sum(counts), 0.0, 0.0
    for count, share in zip(counts[:-1], target[:-1], strict=True):
        gap += count / total - share
        sum_ += abs(gap)
    return sum_ / max(len(counts) - 1, 1)
