"""Who is asking: an account by login, an address for the quotas."""

from __future__ import annotations

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


def address_of(client: object) -> str:
    """The address that a request came from; "" where there is none, as of a socket's file.

    That of whoever connected; where that is a proxy named to `space.proxies.trusted_proxies`, the
    server has put in its place the last address of X-Forwarded-For that is no such proxy. From
    anybody else the header counts for nothing.

    Args:
        client: `request.client`.
    """
    return str(getattr(client, "host", "") or "")
