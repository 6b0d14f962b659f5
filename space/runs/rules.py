"""What runs may do here: on a public server less than on one's own machine."""

from __future__ import annotations

from dataclasses import dataclass

from space.visitors.visitor import is_public


@dataclass(frozen=True)
class Rules:
    """Limits of runs.

    Attributes:
        public: whether strangers use this server. Then a run takes the visitor's login, and
            neither the address of a server nor a key of the environment.
        workers: runs under way at once.
        per_account: runs of one account under way at once.
        waiting: runs of one account that may wait.
        stored_runs: runs of one account that are kept.
        calls_a_run: most calls of a plan.
        calls_a_day: most calls of an account in 24 hours.
        concurrency: calls of a run under way at once.
        timeout: seconds that a try of a call may take.
        attempts: most tries of a call.
        first_wait: scale of the wait before the second try, in seconds.
        replicates: bootstrap replicates of a report.
        beat_seconds: seconds between two signs of life on disk.
        stale_seconds: a run whose process gave no sign for so long has stopped.
        silent_seconds: a run that did nothing for so long is given up, so that its place is
            free; longer than any wait that a server may ask for.
    """

    public: bool = False
    workers: int = 2
    per_account: int = 2
    waiting: int = 20
    stored_runs: int = 200
    calls_a_run: int = 200_000
    calls_a_day: int = 1_000_000
    concurrency: int = 8
    timeout: float = 90.0
    attempts: int = 6
    first_wait: float = 1.0
    replicates: int = 1000
    beat_seconds: float = 3.0
    stale_seconds: float = 20.0
    silent_seconds: float = 900.0


#: On one's own machine, and on a server that strangers use.
HOME = Rules()
PUBLIC = Rules(
    public=True,
    workers=4,
    per_account=1,
    waiting=2,
    stored_runs=20,
    calls_a_run=20_000,
    calls_a_day=40_000,
)


def rules_here(*, public: bool = False) -> Rules:
    """The rules that hold; a Space is public whatever is asked for."""
    return PUBLIC if public or is_public() else HOME
