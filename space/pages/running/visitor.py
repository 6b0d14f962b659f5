"""Who asks for a run, and with which key."""

from __future__ import annotations

from urllib.parse import urlsplit

import gradio as gr

from space.runs.keys import Key
from space.runs.rules import Rules
from space.runs.service import Visitor
from space.visitors.logins import account_of
from space.visitors.proxies import from_elsewhere, is_loopback
from space.visitors.visitor import address_of

_HOME_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})


def visitor_of(request: gr.Request, profile: gr.OAuthProfile | None, rules: Rules) -> Visitor:
    """The visitor: at home only where the server is not public, the connection comes from this
    machine, and the page was asked for by this machine's own name (a page of somewhere else could
    otherwise lead a browser here under a name of its own)."""
    host = address_of(request.client)
    headers = dict(request.headers)
    named = urlsplit(f"//{headers.get('host', '')}").hostname or ""
    here = is_loopback(host) and not from_elsewhere(headers, host)
    at_home = not rules.public and here and named in _HOME_NAMES
    return Visitor(account=account_of(profile), address=host, at_home=at_home)


def key_of(typed: str, token: gr.OAuthToken | None, rules: Rules) -> Key:
    """The key of a run: on a public server that of the login, whatever was typed."""
    if rules.public:
        return Key(token.token if token is not None else "")
    return Key(typed or (token.token if token is not None else ""))
