"""A run under way in this process."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass, field

from elicitation.run.runner import Progress
from space.runs.record import Counts, RunRecord

STOPPED_BY_OWNER = "stopped by you"


@dataclass
class Live:
    """A run under way in this process.

    Attributes:
        record: as it was when it started.
        stop: set to end it.
        last_sign: when something last happened, by the monotonic clock; a stop counts.
        why_stopped: why it was asked to end.
        progress: how far it is.
        counted: calls of this start that its record counts already.
        end_failed: whether its end could not be written at once.
    """

    record: RunRecord
    stop: threading.Event = field(default_factory=threading.Event)
    last_sign: float = field(default_factory=time.monotonic)
    last_beat: float = 0.0
    progress: Progress = field(default_factory=Progress)
    counted: int = 0
    thread: threading.Thread | None = None
    why_stopped: str = STOPPED_BY_OWNER
    end_failed: bool = False

    def ask_to_stop(self, why: str = STOPPED_BY_OWNER) -> None:
        """End it in good order."""
        self.why_stopped, self.last_sign = why, time.monotonic()
        self.stop.set()


def counts_of(progress: Progress) -> Counts:
    """Progress as a record keeps it."""
    return Counts(
        planned=progress.total,
        reused=progress.reused,
        made=progress.made,
        statuses=dict(progress.statuses),
        prompt_tokens=progress.prompt_tokens,
        completion_tokens=progress.completion_tokens,
        rate=progress.rate,
    )
