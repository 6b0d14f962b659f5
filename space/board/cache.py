"""Results that many visitors request at once, computed once and cached until the board changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

from space.board.store import Store

T = TypeVar("T")


class IndexCache(Generic[T]):
    """Results by key, for one state of a store's index.

    Args:
        most: results that are cached; the least recently used one is dropped first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._stamp: Hashable = None
        self._cached: OrderedDict[Hashable, Future[T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, store: Store, key: Hashable, make: Callable[[], T]) -> T:
        """The result for a key; concurrent requests for it wait for one computation.

        Args:
            store: a result is valid as long as the index of this store does not change.
            key: what is requested.
            make: computes it. An error is passed on to all who wait, and is not cached.
        """
        stamp = store.stamp()
        with self._lock:
            if stamp != self._stamp:
                self._stamp = stamp
                self._cached.clear()
            future = self._cached.get(key)
            first = future is None
            if future is None:
                future = self._cached[key] = Future()
                while len(self._cached) > self._most:
                    self._cached.popitem(last=False)
            else:
                self._cached.move_to_end(key)
        if first:
            try:
                future.set_result(make())
            except BaseException as error:
                with self._lock:
                    if self._cached.get(key) is future:
                        del self._cached[key]
                future.set_exception(error)
        return future.result()
