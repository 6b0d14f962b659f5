"""What stands before the framework's own upload address: it takes files from anybody."""

from __future__ import annotations

import shutil
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from space.intake.limits import MEGABYTE

#: Uploads of an address, and in how many seconds.
UPLOADS, SECONDS = 60, 600

#: Room that uploads leave free on the disk, in bytes.
SPARE_BYTES = 1024 * MEGABYTE

#: Addresses that are remembered; the one that was quiet longest is forgotten first.
_REMEMBERED = 10_000


class UploadGate:
    """Refuses files that come too often from one address, or find no room.

    Counts are in memory: what they protect, the disk, is emptied of uploads within the hour.

    Args:
        limited: whether addresses are limited, or only the disk is looked at.
        uploads: uploads of an address within `seconds`.
        seconds: length of the window.
        clock: seconds.
        free: free bytes of the disk that uploads go to.
    """

    def __init__(
        self,
        *,
        limited: bool,
        uploads: int = UPLOADS,
        seconds: float = SECONDS,
        clock: Callable[[], float] = time.monotonic,
        free: Callable[[], int] | None = None,
    ) -> None:
        self.limited, self.uploads, self.seconds = limited, uploads, seconds
        self._clock = clock
        self._free = free or _free_bytes
        self._seen: dict[str, deque[float]] = {}
        self._lock = threading.Lock()

    def refusal(self, address: str) -> str:
        """Why an upload from `address` is refused now; "" if it is let through, and counted."""
        if self._free() < SPARE_BYTES:
            return "there is no room for uploads at the moment; try again in an hour"
        if not self.limited:
            return ""
        now = self._clock()
        with self._lock:
            times = self._seen.pop(address, deque())
            while times and times[0] <= now - self.seconds:
                times.popleft()
            full = len(times) >= self.uploads
            if not full:
                times.append(now)
            self._seen[address] = times
            while len(self._seen) > _REMEMBERED:
                del self._seen[next(iter(self._seen))]
        if not full:
            return ""
        wait = max(1, round((times[0] + self.seconds - now) / 60))
        return f"too many uploads from this address; try again in {wait} minutes"


def _free_bytes() -> int:
    return shutil.disk_usage(Path(tempfile.gettempdir())).free
