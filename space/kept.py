"""What many visitors ask for at once is worked out once, and kept until the board changes."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Generic, TypeVar

from space.store import Store

T = TypeVar("T")


class Kept(Generic[T]):
    """Answers by key, for one state of a store's index.

    Args:
        most: answers that are kept; the one that was asked for longest ago goes first.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._stamp: Hashable = None
        self._found: OrderedDict[Hashable, Future[T]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, store: Store, key: Hashable, make: Callable[[], T]) -> T:
        """The answer for a key; who asks while it is worked out waits for it.

        Args:
            store: an answer holds as long as the index of this store does.
            key: what is asked for.
            make: works it out. An error is passed on to all who wait, and is not kept.
        """
        stamp = store.stamp()
        with self._lock:
            if stamp != self._stamp:
                self._stamp = stamp
                self._found.clear()
            found = self._found.get(key)
            first = found is None
            if found is None:
                found = self._found[key] = Future()
                while len(self._found) > self._most:
                    self._found.popitem(last=False)
            else:
                self._found.move_to_end(key)
        if first:
            try:
                found.set_result(make())
            except BaseException as error:
                with self._lock:
                    if self._found.get(key) is found:
                        del self._found[key]
                found.set_exception(error)
        return found.result()
