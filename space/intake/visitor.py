"""Who is asking: an account by login, an address for the quotas."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Visitor:
    """A visitor.

    Attributes:
        account: name that they logged in with; empty without a login.
        address: IP address, used for quotas only; empty on one's own machine.
    """

    account: str = ""
    address: str = ""


def address_of(headers: Mapping[str, str], host: str) -> str:
    """The address that a request came from.

    Behind a proxy it is the last public address of X-Forwarded-For: proxies add theirs on the
    right, and what a visitor writes into the header themselves stands on the left.
    """
    for hop in reversed(headers.get("x-forwarded-for", "").split(",")):
        try:
            found = ipaddress.ip_address(hop.strip())
        except ValueError:
            continue
        if found.is_global:
            return str(found)
    return host
