"""Logins: they count only where Hugging Face itself stands behind them, on a Space."""

from __future__ import annotations

import os
from typing import Protocol

from contracts.errors import fail

#: What a Space whose README asks for logins finds in its environment. Without all of it the
#: framework either mocks the login (everybody becomes the owner of the machine's token) or signs
#: its cookies with a text that everybody knows.
CONFIGURATION = (
    "SPACE_ID",
    "OAUTH_CLIENT_ID",
    "OAUTH_CLIENT_SECRET",
    "OAUTH_SCOPES",
    "OPENID_PROVIDER_URL",
)


class Profile(Protocol):
    """What the framework knows of a visitor who logged in."""

    username: str


def logins_are_real() -> bool:
    """Whether logins are those of Hugging Face: on a Space, with the whole configuration."""
    return os.environ.get("SYSTEM") == "spaces" and not _lacking()


def check_logins() -> None:
    """See that logins are either real or not asked for.

    Raises:
        ContractError: OAUTH_CLIENT_ID asks for logins, but the rest of what makes them real is
            not there.
    """
    if not os.environ.get("OAUTH_CLIENT_ID") or logins_are_real():
        return
    lacking = _lacking() or ["SYSTEM=spaces"]
    raise fail(
        "no-real-logins",
        "OAUTH_CLIENT_ID asks for logins, which only a Hugging Face Space can offer",
        where="the environment",
        found=f"not set: {', '.join(lacking)}",
        allowed=f"SYSTEM=spaces and all of {', '.join(CONFIGURATION)}, as a Space sets them; "
        "or none of them",
        hint="Elsewhere unset OAUTH_CLIENT_ID: submissions then need no login, and the code of "
        "the receipt withdraws them. On a Space put hf_oauth: true into its README.",
    )


def account_of(profile: Profile | None) -> str:
    """The account of a visitor; empty without a login, and wherever logins are not real."""
    if profile is None or not logins_are_real():
        return ""
    return profile.username


def _lacking() -> list[str]:
    return [name for name in CONFIGURATION if not os.environ.get(name)]
