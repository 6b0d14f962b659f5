"""A local model whose process kills itself once, in the middle of a batch."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

from elicitation.backends.base import Backend, OnResponse, Request, Response
from elicitation.backends.registry import BackendOptions
from elicitation.backends.registry import open_backend as open_real


def open_backend(model: str, options: BackendOptions) -> Backend:
    """The model; `extra` holds the folder `marks` and the number of answers `dies_after`."""
    import torch

    torch.set_num_threads(1)
    extra = dict(options.extra)
    marks, dies_after = Path(extra.pop("marks")), int(extra.pop("dies_after"))
    return DyingBackend(open_real(model, replace(options, extra=extra)), marks, dies_after)


class DyingBackend:
    """Passes everything on; notes each answer in a file, and dies at one of them, once."""

    def __init__(self, inner: Backend, marks: Path, dies_after: int) -> None:
        self._inner, self._marks, self._dies_after = inner, marks, dies_after
        self._answers = 0
        self.describe = inner.describe
        self.scoring = inner.scoring
        self.environment = inner.environment
        self.capabilities = inner.capabilities
        self.close = inner.close

    def run(self, requests: Iterable[Request], *, on_response: OnResponse) -> None:
        """Answer, and die once."""

        def watched(request: Request, response: Response) -> None:
            self._answers += 1
            with (self._marks / "computed.txt").open("a") as handle:
                handle.write(f"{os.getpid()} {request.request_id}\n")
            if self._answers == self._dies_after and self._first_death():
                os.kill(os.getpid(), signal.SIGKILL)
            on_response(request, response)

        self._inner.run(requests, on_response=watched)

    def _first_death(self) -> bool:
        try:
            (self._marks / "died.txt").open("x").close()
        except FileExistsError:
            return False
        return True
