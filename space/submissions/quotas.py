"""How much an account and an address may do; kept on disk, so that a restart forgets nothing.

The package `limits` would not fit: it keeps its counts in memory or in a server beside, one key
per count, while here a count must outlive a kill, several limits are used up together or not at
all, and an address goes by more than one digest while its salt changes.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import json
import logging
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Literal, NamedTuple

from contracts.atomic import write_text
from contracts.errors import ContractError, Problem, fail

Scope = Literal["account", "address", "everyone"]

HOUR = 3600
DAY = 24 * HOUR


class Limit(NamedTuple):
    """At most `most` in any `seconds`."""

    most: int
    seconds: int

    def __str__(self) -> str:
        names = {HOUR: "an hour", DAY: "a day"}
        period = names.get(self.seconds, f"in {_duration(self.seconds)}")
        return f"{self.most} {period}"


log = logging.getLogger("space.submissions")

Limits = Mapping[str, Mapping[Scope, Sequence[Limit]]]

#: Kind of doing -> scope -> limits. `submit`: a submission that is stored; `check`: a dry run;
#: `run`: a hosted run; `ratings`: ratings scored against private people, each of which tells a
#: little about them.
DEFAULT_LIMITS: Limits = {
    "submit": {
        "account": (Limit(5, DAY),),
        "address": (Limit(10, DAY),),
        "everyone": (Limit(200, DAY),),
    },
    "check": {"account": (Limit(60, HOUR),), "address": (Limit(60, HOUR),)},
    "run": {"account": (Limit(4, DAY),), "address": (Limit(4, DAY),)},
    # Ratings need a login, so that no visitor is limited by their address alone.
    "ratings": {
        "account": (Limit(3, DAY), Limit(10, 30 * DAY)),
        "address": (Limit(5, DAY), Limit(20, 30 * DAY)),
        "everyone": (Limit(50, DAY),),
    },
}

#: Age at which a new salt takes over from the old one.
SALT_SECONDS = DAY

_SCHEMA = """
CREATE TABLE IF NOT EXISTS spent (kind TEXT, scope TEXT, key TEXT, at REAL);
CREATE INDEX IF NOT EXISTS spent_by_key ON spent (kind, scope, key, at);
CREATE TABLE IF NOT EXISTS salts (salt BLOB PRIMARY KEY, born REAL);
"""


class _Who(NamedTuple):
    """One scope of a doing: keys it may stand under, the last being the present one."""

    scope: Scope
    keys: tuple[str, ...]
    limits: Sequence[Limit]


class Quotas:
    """Limits per account and address, and for everyone together.

    Addresses are kept as digests under a random salt that changes every day; digests and salts
    are removed once no limit looks back that far. Of an IPv6 address the network (/64) counts:
    one visitor has all of it.

    Args:
        folder: private folder to keep `quotas.sqlite` in.
        limits: kinds and their limits; a kind that is not named is not limited.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        folder: Path,
        *,
        limits: Limits = DEFAULT_LIMITS,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._path = folder / "quotas.sqlite"
        self._limits, self._clock = limits, clock
        looks_back = [
            limit.seconds for scopes in limits.values() for limit in scopes.get("address", ())
        ]
        #: Age at which a salt, and all digests made with it, are removed.
        self._salt_life = SALT_SECONDS + max(looks_back, default=0)

    def check(self, kind: str, *, account: str = "", address: str = "") -> None:
        """See whether there is room, without using it up.

        Args:
            kind: `submit`, `check` (a dry run), `run`, `ratings`, or another that was limited.
            account: name of the account; empty for none.
            address: IP address of the visitor; empty if unknown.

        Raises:
            ContractError: a limit is reached; the message says when to try again.
        """
        with self._open() as db:
            _require_room(db, kind, self._who(db, kind, account, address), self._clock(), cost=1)

    def spend(self, kind: str, *, account: str = "", address: str = "", cost: int = 1) -> None:
        """Use up `cost` of a kind in all scopes at once, or in none.

        Raises:
            ContractError: a limit is reached; the message says when to try again.
        """
        with self._open() as db:
            now, who = self._clock(), self._who(db, kind, account, address)
            _require_room(db, kind, who, now, cost=cost)
            db.executemany(
                "INSERT INTO spent VALUES (?, ?, ?, ?)",
                [(kind, one.scope, one.keys[-1], now) for one in who for _ in range(cost)],
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """The file, ours alone until the block ends; what has expired is removed first.

        Raises:
            ContractError: it cannot be read or written, so that nothing can be counted.
        """
        try:
            with self._transaction() as db:
                yield db
        except (sqlite3.Error, UnicodeDecodeError) as error:
            log.error("the quota book is of no use", extra={"why": str(error)[:200]})
            raise fail(
                "no-quota-book",
                "what is limited cannot be done now: this server cannot keep count of it",
                hint="Try again later; a maintainer finds the reason in the server's log.",
            ) from None

    @contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self._path, timeout=30, isolation_level=None)) as db:
            db.executescript(_SCHEMA)
            db.execute("BEGIN IMMEDIATE")
            self._expire(db)
            try:
                yield db
            except BaseException:
                db.execute("ROLLBACK")
                raise
            db.execute("COMMIT")

    def _expire(self, db: sqlite3.Connection) -> None:
        now = self._clock()
        oldest = (now - self._salt_life,)
        db.execute("DELETE FROM salts WHERE born <= ?", oldest)
        db.execute("DELETE FROM spent WHERE scope = 'address' AND at <= ?", oldest)
        for kind, scopes in self._limits.items():
            for scope, limits in scopes.items():
                longest = max((limit.seconds for limit in limits), default=0)
                db.execute(
                    "DELETE FROM spent WHERE kind = ? AND scope = ? AND at <= ?",
                    (kind, scope, now - longest),
                )

    def _who(self, db: sqlite3.Connection, kind: str, account: str, address: str) -> list[_Who]:
        scopes = self._limits.get(kind, {})
        keys: dict[Scope, tuple[str, ...]] = {"everyone": ("",)}
        if account:
            keys["account"] = (account,)
        if address:
            keys["address"] = self._address_keys(db, address)
        return [
            _Who(scope, keys[scope], limits) for scope, limits in scopes.items() if scope in keys
        ]

    def _address_keys(self, db: sqlite3.Connection, address: str) -> tuple[str, ...]:
        """Digests of an address under all living salts, oldest first."""
        now = self._clock()
        salts = db.execute("SELECT salt, born FROM salts ORDER BY born").fetchall()
        if not salts or salts[-1][1] <= now - SALT_SECONDS:
            salts.append((secrets.token_bytes(32), now))
            db.execute("INSERT INTO salts VALUES (?, ?)", salts[-1])
        network = network_of(address).encode()
        return tuple(hmac.new(salt, network, hashlib.sha256).hexdigest() for salt, _ in salts)


def save_accounts(folder: Path, out: Path) -> None:
    """Write what accounts, and everyone together, have used up, for a machine that comes after.

    Without addresses, whose digests are to expire, and without checks, which are many and free.
    """
    path = folder / "quotas.sqlite"
    if not path.exists():
        return
    with closing(sqlite3.connect(path, timeout=30)) as db:
        db.executescript(_SCHEMA)
        rows = db.execute(
            "SELECT kind, scope, key, at FROM spent WHERE scope != 'address' AND kind != 'check' "
            "ORDER BY at, kind, scope, key"
        ).fetchall()
    if not rows and not out.exists():
        return
    text = json.dumps(rows, ensure_ascii=False)
    if not out.exists() or out.read_text(encoding="utf-8") != text:
        write_text(out, text)


def load_accounts(folder: Path, source: Path) -> None:
    """Take over what `save_accounts` wrote, where nothing was counted here yet."""
    if not source.exists():
        return
    rows = json.loads(source.read_text(encoding="utf-8"))
    with closing(sqlite3.connect(folder / "quotas.sqlite", timeout=30)) as db:
        db.executescript(_SCHEMA)
        if not db.execute("SELECT 1 FROM spent LIMIT 1").fetchone():
            db.executemany("INSERT INTO spent VALUES (?, ?, ?, ?)", rows)
            db.commit()


def network_of(address: str) -> str:
    """What of an address counts as one visitor: an IPv4 address, an IPv6 network (/64)."""
    try:
        parsed_address = ipaddress.ip_address(address.strip().split("%")[0])
    except ValueError:
        return address.strip()
    if isinstance(parsed_address, ipaddress.IPv6Address):
        if parsed_address.ipv4_mapped is not None:
            return str(parsed_address.ipv4_mapped)
        return str(ipaddress.ip_network((parsed_address, 64), strict=False))
    return str(parsed_address)


def _require_room(
    db: sqlite3.Connection, kind: str, who: Sequence[_Who], now: float, *, cost: int
) -> None:
    problems = []
    for one in who:
        for limit in one.limits:
            again = _again(db, kind, one, limit, now, cost=cost)
            if again is not None:
                problems.append(_problem(kind, one.scope, limit, again - now))
    if problems:
        raise ContractError(problems)


def _again(
    db: sqlite3.Connection, kind: str, who: _Who, limit: Limit, now: float, *, cost: int
) -> float | None:
    """When there is room again; None where there is room now."""
    if cost > limit.most:
        return float("inf")
    marks = ", ".join("?" for _ in who.keys)
    times = [
        row[0]
        for row in db.execute(
            f"SELECT at FROM spent WHERE kind = ? AND scope = ? AND key IN ({marks}) "  # noqa: S608
            "AND at > ? ORDER BY at",
            (kind, who.scope, *who.keys, now - limit.seconds),
        )
    ]
    too_many = len(times) + cost - limit.most
    return None if too_many <= 0 else float(times[too_many - 1]) + limit.seconds


_WHOSE: Mapping[Scope, str] = {
    "account": "this account",
    "address": "this address",
    "everyone": "all visitors together",
}
_WHAT = {
    "submit": "submissions",
    "check": "checks",
    "run": "runs",
    "ratings": "attempts with ratings",
}


def _problem(kind: str, scope: Scope, limit: Limit, seconds: float) -> Problem:
    what = _WHAT.get(kind, kind)
    possible = seconds != float("inf")
    return Problem(
        "quota",
        f"no more {what} are left for {_WHOSE[scope]}",
        allowed=f"{limit}",
        hint=f"Try again in {_duration(seconds)}." if possible else "Ask for less at once.",
    )


def _duration(seconds: float) -> str:
    """A time for people, rounded up: `40 seconds`, `3 hours 20 minutes`, `30 days`."""
    whole = max(1, -int(-seconds // 1))
    if whole < 60:
        return _counted(whole, "second")
    minutes = -(-whole // 60)
    hours, days = divmod(minutes, 60)[0], minutes // (24 * 60)
    if minutes < 60:
        return _counted(minutes, "minute")
    if days >= 2:
        return _counted(-(-minutes // (24 * 60)), "day")
    rest = minutes - 60 * hours
    return _counted(hours, "hour") + (f" {_counted(rest, 'minute')}" if rest else "")


def _counted(number: int, unit: str) -> str:
    return f"{number} {unit}{'' if number == 1 else 's'}"
