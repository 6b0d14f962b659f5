"""What runs on a worker of the cluster: a backend that is opened once and answers batches."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import numpy as np

from elicitation.backends.base import Backend, Request, Response
from elicitation.backends.registry import BackendOptions
from elicitation.engines.wire import options_of, request_of, response_text

Opener = Callable[[str, BackendOptions], Backend]


def opener_of(name: str) -> Opener:
    """The function that an import string such as `module:function` names."""
    module, _, function = name.partition(":")
    found: Opener = getattr(import_module(module), function)
    return found


class Worker:
    """Opens its backend when it is started; a worker that is started anew opens it anew.

    Args:
        opener: import string of the function that opens the backend.
        model: name of the model.
        options: options of the backend, as JSON.
    """

    def __init__(self, opener: str, model: str, options: str) -> None:
        self._backend = opener_of(opener)(model, options_of(options))

    def __call__(self, batch: dict[str, Any]) -> dict[str, Any]:
        """Answer a batch: columns `number` and `request` to `number` and `response`.

        A batch is handed over whole or not at all, so one that is begun again after a worker
        died gives no answer twice.
        """
        numbers: dict[str, int] = {}
        requests = []
        for number, text in zip(batch["number"], batch["request"], strict=True):
            request = request_of(str(text))
            numbers[request.request_id] = int(number)
            requests.append(request)
        found: dict[int, str] = {}

        def keep(request: Request, response: Response) -> None:
            found[numbers[request.request_id]] = response_text(response)

        try:
            self._backend.run(requests, on_response=keep)
        except Exception as error:
            said = f"{type(error).__name__}: {error}"[:500]
            for request in requests:
                failed = Response(request.request_id, "error", error=said)
                found.setdefault(numbers[request.request_id], response_text(failed))
        return {
            "number": np.array(list(found), dtype=np.int64),
            "response": np.array(list(found.values()), dtype=object),
        }


def about(opener: str, model: str, options: str) -> dict[str, Any]:
    """What a backend says of itself, opened once on a worker."""
    from dataclasses import asdict

    backend = opener_of(opener)(model, options_of(options))
    try:
        return {
            "describe": backend.describe(),
            "environment": backend.environment(),
            "capabilities": asdict(backend.capabilities()),
        }
    finally:
        backend.close()
