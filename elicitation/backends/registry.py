"""Model names such as `openai:NAME`, and which module opens them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from threading import Event
from typing import Any

from contracts.errors import ContractError, fail
from elicitation.backends.base import Backend

#: Scheme -> function `(name, options) -> Backend`, imported when it is used.
OPENERS: Mapping[str, str] = {
    "hf": "elicitation.backends.hf.backend:open_backend",
    "openai": "elicitation.backends.openai_http:open_backend",
    "hub": "elicitation.backends.hub:open_backend",
    "mock": "elicitation.backends.mock:open_backend",
}

#: Backends that send what they are asked to another machine.
REMOTE_SCHEMES = frozenset({"openai", "hub"})


@dataclass(frozen=True)
class BackendOptions:
    """How to open a backend; each takes what concerns it.

    Attributes:
        revision: commit, branch or tag of the model.
        dtype, device, device_map, batch_tokens: local models; batch_tokens bounds a batch.
        scorer: local models: `auto`, `tree`, `cached`, `padded` or `naive`.
        base_url: server, for `openai:`.
        provider: inference provider, for `hub:`.
        concurrency: calls under way at once, over HTTP.
        requests_per_minute: ceiling of the rate, over HTTP; None for none.
        timeout: seconds a call may take, over HTTP.
        attempts: most tries of a call, the first one included, over HTTP.
        label_logprobs: how label scores are asked over HTTP; `auto` probes the server.
        key: key for the server, over HTTP; with it the environment's is not looked at. It is kept
            in memory only, and shown nowhere.
        redirects: whether a server's redirect to another place is followed, over HTTP.
        stop: set by another thread, ends a run over HTTP in good order, waits included.
        extra: anything else that one backend knows.
    """

    revision: str = ""
    dtype: str = "auto"
    device: str = "auto"
    device_map: str = ""
    batch_tokens: int = 16384
    scorer: str = "auto"
    base_url: str = ""
    provider: str = ""
    concurrency: int = 16
    requests_per_minute: float | None = None
    timeout: float = 120.0
    attempts: int = 6
    label_logprobs: str = "auto"
    key: str = field(default="", repr=False)
    redirects: bool = True
    stop: Event | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


def split_model(model: str) -> tuple[str, str]:
    """Scheme and name of a model such as `hf:ORG/NAME`.

    Raises:
        ContractError: the scheme is unknown or the name is empty.
    """
    scheme, colon, name = model.partition(":")
    if not colon or scheme not in OPENERS or not name:
        raise fail(
            "unknown-model",
            "a model is named by how it is reached and its name",
            found=repr(model),
            allowed=", ".join(f"{known}:NAME" for known in OPENERS),
            hint="For instance openai:my-model --base-url http://localhost:8000/v1",
        )
    return scheme, name


def open_backend(model: str, options: BackendOptions | None = None) -> Backend:
    """The backend that answers as `model`.

    Raises:
        ContractError: the name is wrong, or the model cannot be reached or loaded.
    """
    scheme, name = split_model(model)
    module, _, function = OPENERS[scheme].partition(":")
    try:
        opener = getattr(import_module(module), function)
    except ModuleNotFoundError as error:
        raise backend_missing(scheme, error) from None
    backend: Backend = opener(name, options or BackendOptions())
    return backend


def backend_missing(scheme: str, error: ModuleNotFoundError) -> ContractError:
    """The error of a backend whose packages are not installed."""
    return fail(
        "backend-missing",
        f"{scheme}: needs a package that is not installed ({error.name})",
        hint="Install it with: pip install 'opinion-atlas[models]'",
    )
