"""The queue of runs: accounts take turns, so that nobody waits behind one who starts many."""

from __future__ import annotations

from collections import Counter, OrderedDict, deque
from collections.abc import Iterable


class FairQueue:
    """Runs that wait, by account, first come first served within one; not safe for threads.

    Args:
        per_account: runs of one account that may be under way at once.
    """

    def __init__(self, *, per_account: int) -> None:
        self._per_account = per_account
        self._waiting: OrderedDict[str, deque[str]] = OrderedDict()

    def limit(self, per_account: int) -> None:
        """Change how many runs of one account may be under way at once."""
        self._per_account = per_account

    def __len__(self) -> int:
        return sum(len(runs) for runs in self._waiting.values())

    def put(self, account: str, run_id: str) -> None:
        """Let a run wait."""
        self._waiting.setdefault(account, deque()).append(run_id)

    def remove(self, run_id: str) -> bool:
        """Take a run out; whether it waited."""
        for account, runs in list(self._waiting.items()):
            if run_id in runs:
                runs.remove(run_id)
                if not runs:
                    del self._waiting[account]
                return True
        return False

    def take(self, under_way: Iterable[str]) -> str | None:
        """The next run that may start; None where there is none.

        Its account goes to the end of the line, whether it has more runs that wait or not.

        Args:
            under_way: account of every run under way.
        """
        busy = Counter(under_way)
        for account, runs in self._waiting.items():
            if busy[account] >= self._per_account:
                continue
            run_id = runs.popleft()
            if runs:
                self._waiting.move_to_end(account)
            else:
                del self._waiting[account]
            return run_id
        return None

    def place(self, run_id: str) -> int:
        """How many runs start before this one does, if each takes its turn; -1 if it waits not."""
        rounds = [list(runs) for runs in self._waiting.values()]
        longest = max((len(runs) for runs in rounds), default=0)
        order = [runs[turn] for turn in range(longest) for runs in rounds if turn < len(runs)]
        return order.index(run_id) if run_id in order else -1
