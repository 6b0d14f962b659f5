"""Where a request came from: which proxies are believed, and whether it came from elsewhere."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Mapping, Sequence

from contracts.errors import ContractError, Problem

#: Names the proxies before this server, by addresses or networks with commas between.
PROXIES_VARIABLE = "OPINION_ATLAS_PROXIES"

#: Believed on a Hugging Face Space (SPACE_ID is set): its container is reached by the Hub's own
#: proxies alone, from addresses of private networks.
SPACE_PROXIES = (
    "10.0.0.0/8",
    "100.64.0.0/10",
    "127.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "::1",
    "fc00::/7",
)

#: Headers that proxies add: a request that has one was not made on this machine.
_FORWARDED = (
    "forwarded",
    "via",
    "x-forwarded-for",
    "x-forwarded-host",
    "x-forwarded-proto",
    "x-real-ip",
)


def trusted_proxies(named: Sequence[str] = ()) -> tuple[str, ...]:
    """The proxies whose X-Forwarded-For counts; nobody's does where none is named.

    Args:
        named: addresses or networks; by default those of `OPINION_ATLAS_PROXIES`, and where that
            is not set either, `SPACE_PROXIES` on a Space.

    Raises:
        ContractError: something named is neither an address nor a network.
    """
    if not named:
        stated = os.environ.get(PROXIES_VARIABLE)
        if stated is None:
            return SPACE_PROXIES if os.environ.get("SPACE_ID") else ()
        named = stated.split(",")
    proxies = tuple(one.strip() for one in named if one.strip())
    problems = [
        Problem(
            "bad-proxy",
            "a proxy is named by what is neither an address nor a network",
            column=f"--proxy, or {PROXIES_VARIABLE}",
            found=ascii(one[:60]),
            allowed="for instance 10.0.0.1 or 10.0.0.0/8",
        )
        for one in proxies
        if not _is_network(one)
    ]
    if problems:
        raise ContractError(problems, subject="proxies")
    return proxies


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Whether a host name or address is that of this machine alone."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def from_elsewhere(headers: Mapping[str, str], host: str) -> bool:
    """Whether a request was not made on this machine, or came here through a proxy.

    Args:
        headers: of the request, names in lower case.
        host: address of who sent it; a name, as of a socket's file, says nothing.
    """
    if any(name in headers for name in _FORWARDED):
        return True
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
