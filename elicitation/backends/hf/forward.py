"""Forward passes that give logits only where they are read."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.nn.functional as functional
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

#: Logits that are turned to float32 at once.
_CHUNK_ELEMENTS = 2**26


@contextmanager
def _only_at(head: Any, rows: Any, columns: Any) -> Iterator[None]:
    """Let the output layer see only some places of the hidden states.

    The model then does by itself what it does behind that layer (a soft cap, a scale).
    """

    def select(_module: Any, arguments: tuple[Any, ...]) -> tuple[Any, ...]:
        hidden = arguments[0]
        places = (rows.to(hidden.device), columns.to(hidden.device))
        return (hidden[places][None], *arguments[1:])

    handle = head.register_forward_pre_hook(select)
    try:
        yield
    finally:
        handle.remove()


def read_logprobs(
    model: Any, inputs: dict[str, Any], rows: list[int], columns: list[int]
) -> LogProbs:
    """One forward pass, read at some places.

    Args:
        model: a causal language model.
        inputs: arguments of its forward pass.
        rows, columns: places in the batch, one logit vector each.
    """
    places = torch.tensor(rows), torch.tensor(columns)
    with _only_at(model.get_output_embeddings(), *places):
        logits = model(**inputs).logits
    if logits.shape[:2] != (1, len(rows)):
        raise RuntimeError(
            f"the output layer gave logits of shape {tuple(logits.shape)} for {len(rows)} places"
        )
    return LogProbs(logits[0])


class LogProbs:
    """Logits at places; the softmax is taken in float32, whatever the model's type."""

    def __init__(self, logits: Any) -> None:
        self.logits = logits

    def of(self, reads: list[int], targets: list[int]) -> list[float]:
        """Natural logarithm of each target's probability at each place read."""
        device = self.logits.device
        step = max(1, _CHUNK_ELEMENTS // self.logits.shape[-1])
        totals = [
            self.logits[start : start + step].float().logsumexp(-1)
            for start in range(0, len(self.logits), step)
        ]
        places = torch.tensor(reads, device=device)
        chosen = self.logits[places, torch.tensor(targets, device=device)].float()
        logprobs: list[float] = (chosen - torch.cat(totals)[places]).tolist()
        return logprobs


def prefill(model: Any, ids: tuple[int, ...], cache: Any) -> Any:
    """Extend a cache of one row by `ids`; the output layer is not run but for one place."""
    tensor = torch.tensor([ids], device=input_device(model))
    read_logprobs(
        model, {"input_ids": tensor, "past_key_values": cache, "use_cache": True}, [0], [0]
    )
    return cache


def naive_logprobs(model: Any, ids: tuple[int, ...], start: int) -> float:
    """Sum of log-probabilities of `ids[start:]`: one plain pass, nothing shared or skipped."""
    tensor = torch.tensor([ids], device=input_device(model))
    logits = model(input_ids=tensor, use_cache=False).logits[0]
    logprobs = functional.log_softmax(logits[start - 1 : -1].float(), dim=-1)
    targets = tensor[0, start:].to(logprobs.device)
    return float(logprobs.gather(1, targets[:, None]).double().sum())


def input_device(model: Any) -> Any:
    """Where the model wants its token ids, also if its layers are spread over devices."""
    return model.get_input_embeddings().weight.device


#: Layers that replace their tensors when they grow, and never write into them.
_REPLACING = (DynamicLayer, DynamicSlidingWindowLayer)


def new_cache(config: Any) -> Any:
    """An empty cache with the kinds of layers that the model has."""
    return DynamicCache(config=config)


def shared_rows(cache: Any, rows: int) -> Any:
    """A cache of `rows` rows that begins as `cache`, which has one row and stays as it is.

    A forward pass grows the cache that it is given, so `cache` itself must never be passed
    on. Layers of known kinds are shared without a copy (they also keep count of what a
    sliding window has dropped, which a cache rebuilt from tensors would not); all others
    are copied.
    """
    if all(type(layer) in _REPLACING for layer in cache.layers):
        shared = copy.copy(cache)
        shared.layers = [_row_view(layer, rows) for layer in cache.layers]
        return shared
    shared = copy.deepcopy(cache)
    if rows > 1:
        shared.batch_repeat_interleave(rows)
    return shared


def _row_view(layer: Any, rows: int) -> Any:
    view = copy.copy(layer)
    if layer.is_initialized and layer.keys.numel():
        view.keys = layer.keys.expand(rows, -1, -1, -1)
        view.values = layer.values.expand(rows, -1, -1, -1)
    return view
