"""Limits per account and address: counted on disk, together, and forgotten in time."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from contracts.errors import ContractError
from space.submissions.quotas import DAY, HOUR, SALT_SECONDS, Limit, Limits, Quotas, network_of

LIMITS: Limits = {
    "submit": {
        "account": (Limit(2, DAY), Limit(3, 3 * DAY)),
        "address": (Limit(3, DAY),),
        "everyone": (Limit(5, DAY),),
    }
}


class Clock:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    """A clock that is set by hand."""
    return Clock()


@pytest.fixture
def quotas(tmp_path: Path, clock: Clock) -> Quotas:
    """Quotas with small limits."""
    return Quotas(tmp_path, limits=LIMITS, clock=clock)


def stored(folder: Path, table: str) -> list[tuple]:
    """Rows of a table of the file."""
    with closing(sqlite3.connect(folder / "quotas.sqlite")) as db:
        return db.execute(f"SELECT * FROM {table}").fetchall()


def test_the_message_says_when_to_try_again(quotas: Quotas, clock: Clock) -> None:
    quotas.spend("submit", account="ann")
    clock.now += HOUR
    quotas.spend("submit", account="ann")
    clock.now += 30 * 60
    with pytest.raises(ContractError, match=r"this account.*2 a day.*Try again in 22 hours 30 min"):
        quotas.spend("submit", account="ann")
    clock.now += 22.5 * HOUR - 1
    with pytest.raises(ContractError, match="Try again in 1 second"):
        quotas.check("submit", account="ann")
    clock.now += 1
    quotas.check("submit", account="ann")


def test_a_longer_limit_holds_beside_a_shorter_one(quotas: Quotas, clock: Clock) -> None:
    for _ in range(3):
        quotas.spend("submit", account="ann")
        clock.now += DAY / 2
    # Of the last day two; of the last three days three.
    clock.now += DAY
    with pytest.raises(ContractError, match="3 in 3 days"):
        quotas.spend("submit", account="ann")


def test_scopes_are_used_up_together_or_not_at_all(quotas: Quotas, tmp_path: Path) -> None:
    for _ in range(3):
        quotas.spend("submit", address="203.0.113.7")
    before = stored(tmp_path, "spent")
    with pytest.raises(ContractError, match="this address"):
        quotas.spend("submit", account="ann", address="203.0.113.7")
    assert stored(tmp_path, "spent") == before
    quotas.spend("submit", account="ann", address="203.0.113.8")


def test_all_scopes_that_are_full_are_named(quotas: Quotas) -> None:
    for account in ("ann", "ann", "bob"):
        quotas.spend("submit", account=account, address="203.0.113.7")
    with pytest.raises(ContractError, match="this account") as raised:
        quotas.spend("submit", account="ann", address="203.0.113.7")
    assert len(raised.value.problems) == 2


def test_everyone_together(quotas: Quotas) -> None:
    for number in range(5):
        quotas.spend("submit", account=f"account-{number}")
    with pytest.raises(ContractError, match="all visitors together"):
        quotas.spend("submit", account="another")


def test_a_restart_forgets_nothing(tmp_path: Path, clock: Clock) -> None:
    for _ in range(2):
        Quotas(tmp_path, limits=LIMITS, clock=clock).spend("submit", account="ann")
    with pytest.raises(ContractError, match="no more submissions"):
        Quotas(tmp_path, limits=LIMITS, clock=clock).spend("submit", account="ann")


def test_a_kill_forgets_nothing(tmp_path: Path, clock: Clock) -> None:
    process = os.fork()
    if not process:
        Quotas(tmp_path, limits=LIMITS, clock=clock).spend("submit", account="ann", cost=2)
        os.kill(os.getpid(), signal.SIGKILL)
    os.waitpid(process, 0)
    with pytest.raises(ContractError, match="no more submissions"):
        Quotas(tmp_path, limits=LIMITS, clock=clock).check("submit", account="ann")


def test_a_cost_that_never_fits(quotas: Quotas) -> None:
    with pytest.raises(ContractError, match="Ask for less at once"):
        quotas.spend("submit", account="ann", cost=3)


def test_a_kind_without_limits_is_free(quotas: Quotas) -> None:
    for _ in range(20):
        quotas.spend("look", account="ann", address="203.0.113.7")


def test_addresses_are_kept_as_digests_that_expire(
    quotas: Quotas, clock: Clock, tmp_path: Path
) -> None:
    quotas.spend("submit", address="203.0.113.7")
    raw = (tmp_path / "quotas.sqlite").read_bytes()
    assert b"203.0.113.7" not in raw
    ((kind, scope, key, at),) = [row for row in stored(tmp_path, "spent") if row[1] == "address"]
    assert (kind, scope, at) == ("submit", "address", clock.now)
    assert len(key) == 64
    clock.now += SALT_SECONDS + DAY
    quotas.check("submit", account="ann")
    assert [row for row in stored(tmp_path, "spent") if row[1] == "address"] == []
    assert stored(tmp_path, "salts") == []


def test_a_new_salt_does_not_forget_what_an_address_has_used(
    quotas: Quotas, clock: Clock, tmp_path: Path
) -> None:
    quotas.spend("submit", address="192.0.2.1")
    clock.now += SALT_SECONDS - HOUR
    for _ in range(3):
        quotas.spend("submit", address="203.0.113.7")
    clock.now += 2 * HOUR
    with pytest.raises(ContractError, match=r"this address.*Try again in 22 hours"):
        quotas.spend("submit", address="203.0.113.7")
    quotas.spend("submit", address="192.0.2.1")
    assert len(stored(tmp_path, "salts")) == 2
    keys = {row[2] for row in stored(tmp_path, "spent") if row[1] == "address"}
    # The first use of 192.0.2.1 has expired; its second has a digest under the new salt.
    assert len(keys) == 2


def test_addresses_have_monthly_limits_for_ratings_too(tmp_path: Path, clock: Clock) -> None:
    """Whoever takes a new account a day is still at the same address."""
    quotas = Quotas(tmp_path, clock=clock)
    for day in range(4):
        for number in range(5):
            account = f"account-{day}-{number}"
            quotas.spend("ratings", account=account, address="203.0.113.7")
        clock.now += DAY
    with pytest.raises(ContractError, match=r"this address.*20 in 30 days"):
        quotas.spend("ratings", account="another", address="203.0.113.7")
    quotas.spend("ratings", account="another", address="203.0.113.8")
    # What an address has used, and the salts, are gone when no limit looks back on them.
    clock.now += 30 * DAY + SALT_SECONDS
    quotas.spend("ratings", account="another", address="203.0.113.7")
    assert len(stored(tmp_path, "salts")) == 1


@pytest.mark.parametrize("kind", ["submit", "ratings"])
def test_a_book_that_cannot_be_kept_refuses(tmp_path: Path, clock: Clock, kind: str) -> None:
    (tmp_path / "quotas.sqlite").write_bytes(b"no database" * 500)
    quotas = Quotas(tmp_path, clock=clock)
    with pytest.raises(ContractError, match="cannot keep count"):
        quotas.spend(kind, account="ann")
    with pytest.raises(ContractError, match="cannot keep count"):
        Quotas(tmp_path / "nowhere", clock=clock).check(kind, account="ann")


@pytest.mark.parametrize(
    "address, network",
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("fe80::1%eth0", "fe80::/64"),
        ("testclient", "testclient"),
    ],
)
def test_what_counts_as_one_visitor(address: str, network: str) -> None:
    assert network_of(address) == network
