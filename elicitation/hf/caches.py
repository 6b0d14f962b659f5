"""Key-value caches that are computed once and used for many rows."""

from __future__ import annotations

import copy
from typing import Any

from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer, DynamicSlidingWindowLayer

#: Layers that replace their tensors when they grow, and never write into them.
_REPLACING = (DynamicLayer, DynamicSlidingWindowLayer)


def new_cache(config: Any) -> Any:
    """An empty cache with the kinds of layers that the model has."""
    return DynamicCache(config=config)


def shared_rows(cache: Any, rows: int) -> Any:
    """A cache of `rows` rows that begins as `cache`, which has one row and stays as it is.

    A forward pass grows the cache that it is given, so `cache` itself must never be passed
    on. Layers of known kinds are shared without a copy (they also keep count of what a
    sliding window has dropped, which a cache made anew from tensors would not); all others
    are copied.
    """
    if all(type(layer) in _REPLACING for layer in cache.layers):
        found = copy.copy(cache)
        found.layers = [_row_view(layer, rows) for layer in cache.layers]
        return found
    found = copy.deepcopy(cache)
    if rows > 1:
        found.batch_repeat_interleave(rows)
    return found


def _row_view(layer: Any, rows: int) -> Any:
    view = copy.copy(layer)
    if layer.is_initialized and layer.keys.numel():
        view.keys = layer.keys.expand(rows, -1, -1, -1)
        view.values = layer.values.expand(rows, -1, -1, -1)
    return view
