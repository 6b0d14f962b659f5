"""How much an account and an address may do; kept on disk, so that a restart forgets nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path

#: Kind of doing -> scope (`account`, `address`, `everyone`) -> limits.
DEFAULT_LIMITS: Mapping[str, Mapping[str, str]] = {
    "submit": {"account": "5/day", "address": "10/day", "everyone": "200/day"},
    "check": {"account": "60/hour", "address": "60/hour"},
    "run": {"account": "4/day", "address": "4/day"},
    "ratings": {"account": "5/day; 20/30 day", "address": "10/day"},
}


class Quotas:
    """Limits per account and address."""

    def __init__(
        self,
        folder: Path,
        *,
        limits: Mapping[str, Mapping[str, str]] = DEFAULT_LIMITS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._folder, self._limits, self._clock = folder, limits, clock

    def check(self, kind: str, *, account: str = "", address: str = "") -> None:
        """See whether there is room, without using it up.

        Args:
            kind: `submit`, `check` (a dry run), `run`, `ratings`.
            account: name of the account; empty for none.
            address: IP address of the visitor; only its salted digest is kept, for a while.

        Raises:
            ContractError: a limit is reached; the message says when to try again.
        """

    def spend(self, kind: str, *, account: str = "", address: str = "") -> None:
        """Use up one of `kind`.

        Raises:
            ContractError: a limit is reached; the message says when to try again.
        """
