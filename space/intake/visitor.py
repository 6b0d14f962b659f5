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

    Args:
        headers: of the request, names in lower case.
        host: address of who sent it: a proxy's, if there is one.

    Returns:
        `host` where it is a public address, or nobody says more. Else a proxy of ours has sent
        it, and the last public address of X-Forwarded-For counts: proxies add theirs on the
        right, and what a visitor writes into the header themselves stands on the left.
    """
    if _is_public(host):
        return host
    hops = [hop.strip() for hop in headers.get("x-forwarded-for", "").split(",")]
    return next((hop for hop in reversed(hops) if _is_public(hop)), host)


def _is_public(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_global
    except ValueError:
        return False
