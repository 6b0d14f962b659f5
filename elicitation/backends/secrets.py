"""Keys come from the environment, and appear in no file, log or error."""

from __future__ import annotations

import os
import re
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from contracts.errors import fail

#: Variables of the environment that hold keys.
KEY_VARIABLES = (
    "OPINION_ATLAS_API_KEY",
    "OPENAI_API_KEY",
    "HF_TOKEN",
    "HUGGING_FACE_HUB_TOKEN",
    "HUGGINGFACEHUB_API_TOKEN",
)

_REMOVED = "[key removed]"
_LOOKS_LIKE_KEY = re.compile(
    r"\b(?:sk|hf|gsk|pk|rk|xai|key)[-_][A-Za-z0-9_*.-]{8,}|(?i:\b(?:bearer|basic))\s+[^\s\"',]+"
)


def known_keys() -> tuple[str, ...]:
    """Keys that the environment holds; ones of fewer than 6 characters are placeholders."""
    candidates = (os.environ.get(name, "").strip() for name in KEY_VARIABLES)
    return tuple(key for key in candidates if len(key) >= 6)


def without_keys(text: str, *, extra: tuple[str, ...] = ()) -> str:
    """A text without any known key, and without what looks like one."""
    for key in (*known_keys(), *extra):
        if len(key) >= 6:
            text = text.replace(key, _REMOVED)
    return _LOOKS_LIKE_KEY.sub(_REMOVED, text)


def json_without_keys(item: Any, *, extra: tuple[str, ...] = ()) -> Any:
    """JSON types without any known key; only known ones, for replies may hold any text."""
    keys = [key for key in (*known_keys(), *extra) if len(key) >= 6]
    if not keys:
        return item
    return _cleaned(item, keys)


def _cleaned(item: Any, keys: list[str]) -> Any:
    if isinstance(item, str):
        for key in keys:
            item = item.replace(key, _REMOVED)
        return item
    if isinstance(item, dict):
        return {_cleaned(k, keys): _cleaned(v, keys) for k, v in item.items()}
    if isinstance(item, list):
        return [_cleaned(entry, keys) for entry in item]
    return item


def checked_url(url: str) -> str:
    """A server's address that holds no password.

    Raises:
        ContractError: it is no address, or holds a user or password.
    """
    parts = urlsplit(url)
    if parts.username is not None or parts.password is not None:
        raise fail(
            "key-in-url",
            "the address of a server may hold no user and password",
            where=public_url(url),
            column="--base-url",
            hint="Put the key into the environment, as OPENAI_API_KEY.",
        )
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise fail(
            "bad-url",
            "this is no address of a server",
            column="--base-url",
            found=repr(public_url(url)),
            allowed="for instance http://localhost:8000/v1",
        )
    return url


def public_url(url: str) -> str:
    """A server's address without user, password, query and fragment."""
    parts = urlsplit(url)
    host = parts.hostname or ""
    if ":" in host:
        host = f"[{host}]"
    place = f"{host}:{parts.port}" if parts.port else host
    return urlunsplit((parts.scheme, place, parts.path.rstrip("/"), "", ""))
