"""Who is asking: an account by login, an address for the quotas."""

from __future__ import annotations

import os
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

    That of whoever connected; where that is a proxy named to
    `space.visitors.proxies.trusted_proxies`, the server has put in its place the last address of
    X-Forwarded-For that is no such proxy. From anybody else the header counts for nothing.

    Args:
        client: `request.client`.
    """
    return str(getattr(client, "host", "") or "")


#: Variables of the environment that say that strangers use this server: the first is set on
#: every Hugging Face Space, the second by whoever serves in public elsewhere.
PUBLIC_VARIABLES = ("SPACE_ID", "OPINION_ATLAS_PUBLIC")


def is_public() -> bool:
    """Whether the environment says that strangers use this server."""
    return any(os.environ.get(name, "") not in ("", "0") for name in PUBLIC_VARIABLES)
