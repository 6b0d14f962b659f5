"""Texts as vectors: by an encoder on this machine, or a server's `/v1/embeddings`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

from contracts.errors import fail
from elicitation.backends.registry import BackendOptions, backend_missing
from elicitation.backends.vectors import Vectors, unit_rows

#: How an embedder is named, and where it is opened.
SCHEMES = ("hf", "openai")

#: Texts that a server is sent at once.
_HTTP_BATCH = 64


class Embedder(Protocol):
    """Turns texts into vectors."""

    def describe(self) -> dict[str, Any]:
        """What decides the vectors, as JSON types."""
        ...

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of length 1, shape (texts, dimensions)."""
        ...

    def close(self) -> None:
        """Give back memory and connections."""
        ...


def open_embedder(model: str, options: BackendOptions) -> Embedder:
    """The embedder of this name: `hf:ORG/NAME` (or a folder), or `openai:NAME`.

    Raises:
        ContractError: the name is wrong, or the model cannot be loaded.
    """
    scheme, _, name = model.partition(":")
    if scheme not in SCHEMES or not name:
        raise fail(
            "unknown-embedder",
            "an embedding model is named by how it is reached and its name",
            column="--embedder",
            found=repr(model),
            allowed=", ".join(f"{known}:NAME" for known in SCHEMES),
        )
    if scheme == "openai":
        return HttpEmbedder(name, options)
    try:
        from elicitation.backends.hf.encoder import open_encoder
    except ModuleNotFoundError as error:
        raise backend_missing(scheme, error) from None
    opened: Embedder = open_encoder(name, options)
    return opened


class HttpEmbedder:
    """A server with an OpenAI-compatible `/v1/embeddings`."""

    def __init__(self, model: str, options: BackendOptions) -> None:
        from openai import OpenAI

        from elicitation.backends.openai.connection import server_of
        from elicitation.backends.secrets import public_url

        self._model = model
        url, key = server_of(options)
        self._server = public_url(url)
        self._client = OpenAI(
            base_url=url, api_key=key, timeout=options.timeout, max_retries=options.attempts - 1
        )

    def describe(self) -> dict[str, Any]:
        """Server and model."""
        return {"backend": "openai", "server": self._server, "model": self._model}

    def embed(self, texts: Sequence[str]) -> Vectors:
        """See `Embedder`.

        Raises:
            ContractError: the server gives no vectors.
        """
        from openai import OpenAIError

        rows: list[list[float]] = []
        for start in range(0, len(texts), _HTTP_BATCH):
            batch = list(texts[start : start + _HTTP_BATCH])
            try:
                response = self._client.embeddings.create(
                    model=self._model, input=batch, encoding_format="float"
                )
            except OpenAIError as error:
                raise fail(
                    "no-embeddings",
                    "the server gave no embeddings",
                    where=self._server,
                    found=f"{type(error).__name__}: {error}".splitlines()[0][:200],
                    hint="Is it an embedding model, and does the server have /v1/embeddings?",
                ) from None
            ordered = sorted(response.data, key=lambda one: one.index)
            if len(ordered) != len(batch):
                raise fail(
                    "no-embeddings",
                    "the server gave another number of embeddings than it was sent texts",
                    where=self._server,
                    found=str(len(ordered)),
                    allowed=str(len(batch)),
                )
            rows += [list(one.embedding) for one in ordered]
        return unit_rows(rows)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()
