"""Log-probabilities of options: naive, padded, cached, and packed as a tree."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import torch

from elicitation.backends.hf.forward import (
    input_device,
    naive_logprobs,
    new_cache,
    prefill,
    read_logprobs,
    shared_rows,
)
from elicitation.backends.hf.packing import Packed, Unit, batches, pack, units_of
from elicitation.backends.hf.prefixes import prefix_steps
from elicitation.backends.hf.tokens import Item

ScorerName = Literal["tree", "cached", "padded", "naive"]

#: Fastest first; each is given up for the next one.
SCORERS: tuple[ScorerName, ...] = ("tree", "cached", "padded", "naive")

#: Elements of the logits of one batch.
_LOGIT_ELEMENTS = 2**28

#: Ids that computing a prefix apart must save.
_MIN_SAVED_CPU = 16
_MIN_SAVED_ACCELERATOR = 4096

Scores = list[list[float]]
OnItem = Callable[[int, list[float]], None]


@dataclass(frozen=True)
class Limits:
    """How much is computed at once.

    Attributes:
        batch_tokens: bound of rows x (prefix + padded length).
        min_saved: ids that a shared prefix must save to be computed apart; None chooses by
            the device.
    """

    batch_tokens: int = 16384
    min_saved: int | None = None


DEFAULT_LIMITS = Limits()


class Check(NamedTuple):
    """How far a scorer is from the naive one.

    Attributes:
        scorer: its name.
        distance: largest difference of an option's log-probability, in nats; None if it failed.
        error: why it failed, else empty.
    """

    scorer: str
    distance: float | None
    error: str = ""


@torch.inference_mode()
def score_naive(model: Any, items: Sequence[Item], *, on_item: OnItem) -> None:
    """One forward pass per option: the judge of all others."""
    for index, item in enumerate(items):
        start = len(item.context)
        on_item(index, [naive_logprobs(model, item.context + o, start) for o in item.options])


@torch.inference_mode()
def score_fast(
    model: Any,
    items: Sequence[Item],
    *,
    tree: bool,
    cached: bool,
    limits: Limits = DEFAULT_LIMITS,
    on_item: OnItem,
) -> None:
    """Batches of rows, padded on the right.

    Args:
        model: a causal language model in evaluation mode.
        items: contexts and options.
        tree: pack all options of an item into one row behind their context; else a row each.
        cached: compute prefixes that contexts share once.
        limits: how much at once.
        on_item: is called with an item's index and its options' log-probabilities when all
            of them are there.
    """
    totals = _Totals(items, on_item)
    units = units_of(items, tree=tree)
    min_saved = _min_saved(model, limits) if cached else max(u.length for u in units) * len(units)
    caches: list[tuple[int, Any]] = []
    for step in prefix_steps(units, min_saved=min_saved):
        del caches[step.depth :]
        known, parent = caches[-1] if caches else (0, None)
        cache = _extended(model, parent, step.prefix[known:])
        caches.append((len(step.prefix), cache))
        for batch in batches(
            step.units,
            prefix=len(step.prefix),
            max_tokens=limits.batch_tokens,
            max_reads=_LOGIT_ELEMENTS // _vocabulary_size(model),
        ):
            _score_batch(model, batch, len(step.prefix), cache, totals)


def tree_reach(config: Any) -> int | None:
    """Longest context with option that the tree is right for; 0: never, None: any.

    Where a layer looks back over a window only, the tree is right as long as all lies within
    the window. Layers that are no attention (states that run along the row) never can.
    """
    text = config.get_text_config()
    if getattr(text, "_attn_implementation", "") not in ("sdpa", "eager"):
        return 0
    kinds = set(getattr(text, "layer_types", None) or ())
    if not kinds <= {"full_attention", "sliding_attention"}:
        return 0
    window = getattr(text, "sliding_window", None)
    slides = "sliding_attention" in kinds or (not kinds and window is not None)
    if slides and getattr(text, "use_sliding_window", True):
        return int(window or 0)
    return None


def score_items(
    model: Any,
    items: Sequence[Item],
    *,
    scorer: ScorerName,
    limits: Limits = DEFAULT_LIMITS,
    on_item: OnItem,
) -> None:
    """Score with one scorer; items beyond the reach of the tree take cached rows."""
    if scorer == "naive":
        score_naive(model, items, on_item=on_item)
        return
    reach = tree_reach(model.config) if scorer == "tree" else 0
    near = [i for i, item in enumerate(items) if reach is None or item.longest <= reach]
    far = sorted(set(range(len(items))) - set(near))
    for tree, indices in ((True, near), (False, far)):
        if indices:
            score_fast(
                model,
                [items[i] for i in indices],
                tree=tree,
                cached=scorer != "padded",
                limits=limits,
                on_item=_renumbered(indices, on_item),
            )


def _renumbered(indices: Sequence[int], on_item: OnItem) -> OnItem:
    return lambda index, scores: on_item(indices[index], scores)


def scores_of(
    model: Any,
    items: Sequence[Item],
    *,
    scorer: ScorerName,
    limits: Limits = DEFAULT_LIMITS,
) -> Scores:
    """All log-probabilities, in the items' order."""
    scores: Scores = [[] for _ in items]
    score_items(model, items, scorer=scorer, limits=limits, on_item=scores.__setitem__)
    return scores


def check_scorer(model: Any, items: Sequence[Item], *, scorer: ScorerName, limits: Limits) -> Check:
    """Compare a scorer with the naive one; prefixes are shared however little that saves."""
    strict = Limits(limits.batch_tokens, min_saved=1)
    try:
        fast = scores_of(model, items, scorer=scorer, limits=strict)
    except (RuntimeError, ValueError, TypeError, IndexError, AttributeError) as error:
        return Check(scorer, None, f"{type(error).__name__}: {error}".splitlines()[0][:300])
    naive = scores_of(model, items, scorer="naive")
    return Check(scorer, largest_distance(fast, naive))


def largest_distance(first: Scores, second: Scores) -> float:
    """Largest difference of an option's log-probability; not a number if any is none."""
    gaps = [
        abs(a - b)
        for row, other in zip(first, second, strict=True)
        for a, b in zip(row, other, strict=True)
    ]
    return math.nan if any(math.isnan(gap) for gap in gaps) else max(gaps)


class _Totals:
    """Sums of log-probabilities; hands an item over when all its options are there."""

    def __init__(self, items: Sequence[Item], on_item: OnItem) -> None:
        self._sums = [[0.0] * len(item.options) for item in items]
        self._waiting = [len(item.options) for item in items]
        self._on_item = on_item

    def add(self, packed: Packed, logprobs: list[float]) -> None:
        for (item, number), logprob in zip(packed.owners, logprobs, strict=True):
            self._sums[item][number] += logprob
        for item, _number in dict.fromkeys(packed.owners):
            self._waiting[item] -= 1
            if not self._waiting[item]:
                self._on_item(item, self._sums[item])


def _score_batch(
    model: Any, units: Sequence[Unit], prefix: int, cache: Any, totals: _Totals
) -> None:
    packed = pack(units, prefix=prefix, device=input_device(model))
    inputs: dict[str, Any] = {"input_ids": packed.input_ids, "use_cache": False}
    if prefix:
        inputs |= {"past_key_values": shared_rows(cache, len(units)), "use_cache": True}
    if packed.allowed is not None:
        inputs["position_ids"] = packed.positions
        inputs["attention_mask"] = _as_attention_mask(model, packed.allowed)
    logprobs = read_logprobs(model, inputs, packed.rows, packed.columns)
    totals.add(packed, logprobs.of(packed.reads, packed.targets))


def _as_attention_mask(model: Any, allowed: Any) -> Any:
    if model.config.get_text_config()._attn_implementation == "sdpa":
        return allowed
    closed = torch.finfo(model.dtype).min
    return torch.zeros(allowed.shape, dtype=model.dtype, device=allowed.device).masked_fill_(
        ~allowed, closed
    )


def _extended(model: Any, parent: Any, ids: tuple[int, ...]) -> Any:
    """The parent's cache with more ids behind it; None while nothing is cached."""
    if not ids:
        return parent
    cache = new_cache(model.config) if parent is None else shared_rows(parent, 1)
    return prefill(model, ids, cache)


def _min_saved(model: Any, limits: Limits) -> int:
    if limits.min_saved is not None:
        return limits.min_saved
    return _MIN_SAVED_CPU if input_device(model).type == "cpu" else _MIN_SAVED_ACCELERATOR


def _vocabulary_size(model: Any) -> int:
    return int(model.get_output_embeddings().weight.shape[0])
