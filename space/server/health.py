"""The state of the server, from memory: available however busy the server is."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from space.board.facts import Facts, read_facts
from space.board.page import about_board
from space.board.store import Store

#: Seconds between two looks at the board.
EVERY = 2.0

log = logging.getLogger("space.server.web")


class Health:
    """What `/healthz` says; the board is looked at in a thread of its own.

    Args:
        store: the board's store.
    """

    def __init__(self, store: Store) -> None:
        self._store, self._started = store, time.monotonic()
        self._facts: Facts = read_facts(store)
        self._fails = False

    def state(self) -> dict[str, Any]:
        """The state as of the last look, as plain JSON types; nothing is read for it."""
        return {
            "status": "failing" if self._fails else "ok",
            "rows": self._facts.reports,
            "left_out": len(self._facts.problems),
            "seconds_up": round(time.monotonic() - self._started, 1),
            **about_board(self._facts),
        }

    def look(self) -> None:
        """Look at the board; where that fails, the previous state stays and `status` changes."""
        try:
            self._facts = read_facts(self._store)
            self._fails = False
        except Exception:
            if not self._fails:  # once, not every two seconds
                log.exception("the board could not be looked at")
            self._fails = True

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Look again and again until the block ends."""
        stop = threading.Event()

        def keep_looking() -> None:
            while not stop.wait(EVERY):
                self.look()

        thread = threading.Thread(target=keep_looking, name="health", daemon=True)
        thread.start()
        try:
            yield
        finally:
            stop.set()
            thread.join(timeout=10)
