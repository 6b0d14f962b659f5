"""The key of a call: equal only where everything that decides the answer is equal."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from typing import Any

from elicitation.backends.base import Request

#: Version of what a key is made of; a new one forgets every stored call.
KEY_VERSION = 1

#: Bytes of a key: 128 bits of a sha256.
KEY_BYTES = 16

#: Version of what label scores are: 2 counts beginnings that labels share to the context.
LABELS_VERSION = 2


class CallKeys:
    """Keys of the calls to one backend.

    A key is a sha256 over the key version, the backend's description (server, provider, model,
    revision, ...), and the request's identity (messages or prompt, options, all sampling
    parameters, repeat). Every part goes in with its length, so no two calls run together.

    Args:
        backend: what `Backend.describe` says.
        scoring: `Backend.scoring`; asked for when the first label call comes, and part of the
            keys of label calls only.
    """

    def __init__(
        self, backend: dict[str, Any], scoring: Callable[[], dict[str, Any]] = dict
    ) -> None:
        self._scoring = scoring
        self._labels = ""
        head = json.dumps([KEY_VERSION, backend], sort_keys=True, ensure_ascii=False)
        self._head = hashlib.sha256(head.encode("utf-8"))
        self._last: tuple[Any, str] | None = None

    def key(self, request: Request) -> bytes:
        """Key of a request, `KEY_BYTES` long."""
        texts = [text for message in request.messages for text in message]
        texts.append(request.prompt)
        texts += request.options
        sizes = ",".join([str(len(text)) for text in texts])
        head = f"{self._how(request)};{request.kind};{request.repeat};{sizes};"
        digest = self._head.copy()
        digest.update((head + "\x00".join(texts)).encode("utf-8", "surrogatepass"))
        return digest.digest()[:KEY_BYTES]

    def _how(self, request: Request) -> str:
        if request.kind == "score_options":
            return f"terminator {request.terminator}"
        if request.kind == "score_labels":
            if not self._labels:
                how = json.dumps(self._scoring(), sort_keys=True, ensure_ascii=False)
                self._labels = f"labels {LABELS_VERSION} {how}"
            return self._labels
        if self._last is None or self._last[0] is not request.sampling:
            how = json.dumps(request.identity()["sampling"], sort_keys=True, ensure_ascii=False)
            self._last = (request.sampling, how)
        return self._last[1]
