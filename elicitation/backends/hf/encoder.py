"""Encoders of transformers as embedders: the mean of a text's last hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from transformers import AutoModel

from contracts.errors import fail
from elicitation.backends.hf.loading import Loaded, dtype_name, load, versions
from elicitation.backends.registry import BackendOptions
from elicitation.backends.vectors import Vectors, unit_rows

#: An encoder to begin with.
EXAMPLE = "sentence-transformers/all-MiniLM-L6-v2"

#: Texts of a batch.
BATCH = 32

#: Most tokens of a text where the tokenizer names no limit.
_MOST_TOKENS = 512


def open_encoder(name: str, options: BackendOptions) -> Encoder:
    """Load an encoder: a repository of the Hugging Face Hub, or a folder.

    Raises:
        ContractError: it cannot be loaded, or is no encoder.
    """
    loaded = load(name, options, auto=AutoModel, what="embedding model", example=EXAMPLE)
    if loaded.model.config.is_encoder_decoder:
        raise fail(
            "no-encoder",
            "the model has a decoder; texts are embedded by an encoder",
            where=name,
            hint=f"Name a model such as {EXAMPLE}.",
        )
    return Encoder(loaded)


class Encoder:
    """An encoder on this machine; long texts are cut at its limit."""

    def __init__(self, loaded: Loaded) -> None:
        model, tokenizer, name, revision = loaded
        self._model, self._tokenizer = model, tokenizer
        if tokenizer.pad_token is None:
            tokenizer.pad_token = tokenizer.eos_token
        positions = getattr(model.config, "max_position_embeddings", _MOST_TOKENS)
        self._longest = min(tokenizer.model_max_length, positions, _MOST_TOKENS)
        self._described = {
            "backend": "hf",
            "model": name,
            "revision": revision,
            "dtype": dtype_name(model),
            "pooling": "mean",
            "longest": self._longest,
            **versions(),
        }

    def describe(self) -> dict[str, Any]:
        """Model, number type, pooling."""
        return dict(self._described)

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Means of the last hidden states over a text's tokens, scaled to length 1."""
        order = sorted(range(len(texts)), key=lambda place: len(texts[place]))
        vectors: list[Any] = [None] * len(texts)
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            for place, row in zip(places, self._batch([texts[p] for p in places]), strict=True):
                vectors[place] = row
        return unit_rows(np.array(vectors).reshape(len(texts), -1))

    def _batch(self, texts: list[str]) -> Vectors:
        encoded = self._tokenizer(
            texts, return_tensors="pt", padding=True, truncation=True, max_length=self._longest
        ).to(self._model.device)
        with torch.inference_mode():
            states = self._model(**encoded).last_hidden_state.float()
        weights = encoded["attention_mask"].unsqueeze(-1).float()
        means = (states * weights).sum(1) / weights.sum(1).clamp_min(1.0)
        return np.asarray(means.cpu().numpy(), np.float64)

    def close(self) -> None:
        """Give the model's memory back."""
        self._model = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
