"""Wait for what another thread or process does, without a deadline that a loaded machine misses."""

from __future__ import annotations

import time
from collections.abc import Callable

#: Seconds after which a wait is given up; no measure of speed, only an end for a test that hangs.
PATIENCE = 480.0


def wait_until(condition: Callable[[], object], what: str, *, every: float = 0.05) -> None:
    """Wait until a condition holds.

    Args:
        condition: asked again and again.
        what: what has not happened where the wait is given up.
        every: seconds between two looks.

    Raises:
        TimeoutError: the condition does not hold after `PATIENCE` seconds.
    """
    end = time.monotonic() + PATIENCE
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(every)
