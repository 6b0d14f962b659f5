"""Whether the process that has a run in hand is still alive, independent of the wall clock."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Hashable
from pathlib import Path


def holder_name() -> str:
    """A name for this process that no other has: machine, process id, a random end.

    Containers may share the name of a machine and not its processes: what numbers them is part of
    the machine's name.
    """
    try:
        numbering = f"-{Path('/proc/self/ns/pid').stat().st_ino}"
    except OSError:  # not on Linux
        numbering = ""
    machine = socket.gethostname().replace(":", "-") + numbering
    return f"{machine}:{os.getpid()}:{secrets.token_hex(4)}"


class Watch:
    """Signs of life of other processes, by run.

    The time in a sign counts for nothing: clocks jump. A process is gone where its machine, this
    one, knows it no more; else where its sign has not changed for a while on this process's
    own monotonic clock.

    Args:
        own: this process's name.
        seconds: how long a sign may stay the same.
    """

    def __init__(self, own: str, seconds: float) -> None:
        self._own, self._seconds = own, seconds
        self._seen: dict[str, tuple[Hashable, float]] = {}

    def is_gone(self, run_id: str, holder: str, sign: Hashable) -> bool:
        """Whether a run's holder is gone.

        Args:
            run_id: the run.
            holder: name of the process.
            sign: whatever changes with every sign of life.
        """
        if self._is_dead(holder):
            return True
        seen = self._seen.get(run_id)
        if seen is None or seen[0] != sign:
            self._seen[run_id] = (sign, time.monotonic())
            return False
        return time.monotonic() - seen[1] > self._seconds

    def forget(self, run_id: str) -> None:
        """Forget a run that no process has in hand."""
        self._seen.pop(run_id, None)

    def _is_dead(self, holder: str) -> bool:
        """Whether this machine knows that the process has ended."""
        machine, _, rest = self._own.partition(":")
        theirs, _, theirs_rest = holder.partition(":")
        number = theirs_rest.partition(":")[0]
        if theirs != machine or not number.isdecimal():
            return False
        if number == rest.partition(":")[0]:  # ours by now: an earlier process had the same
            return holder != self._own
        try:
            os.kill(int(number), 0)
        except ProcessLookupError:
            return True
        except (PermissionError, OverflowError):
            return False
        return False
