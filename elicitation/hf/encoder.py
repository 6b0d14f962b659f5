"""Encoders of transformers as embedders: the mean of a text's last hidden states."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import AutoModel, AutoTokenizer

from contracts.errors import fail
from elicitation.backends.registry import BackendOptions
from elicitation.embedders import Vectors, unit_rows
from elicitation.hf.loading import device_of, dtype_name, dtype_of, folder_digest, versions

#: Texts of a batch.
BATCH = 32

#: Most tokens of a text where the tokenizer names no limit.
_MOST_TOKENS = 512


def open_encoder(name: str, options: BackendOptions) -> Encoder:
    """Load an encoder: a repository of the Hugging Face Hub, or a folder.

    Raises:
        ContractError: it cannot be loaded, or is no encoder.
    """
    folder = Path(name).expanduser()
    is_folder = folder.is_dir()
    source = str(folder) if is_folder else name
    revision = None if is_folder else options.revision or None
    device = device_of(options.device)
    try:
        tokenizer = AutoTokenizer.from_pretrained(source, revision=revision)
        model = AutoModel.from_pretrained(source, revision=revision, dtype=dtype_of(options.dtype))
    except (OSError, ValueError, KeyError, ImportError) as error:
        raise fail(
            "cannot-load-model",
            "the embedding model cannot be loaded",
            where=name,
            found=f"{type(error).__name__}: {error}".splitlines()[0][:300],
            hint="Name a folder, or a repository such as sentence-transformers/all-MiniLM-L6-v2.",
        ) from error
    if model.config.is_encoder_decoder:
        raise fail(
            "no-encoder",
            "the model has a decoder; texts are embedded by an encoder",
            where=name,
            hint="Name a model such as sentence-transformers/all-MiniLM-L6-v2.",
        )
    commit = (
        folder_digest(folder)
        if is_folder
        else str(getattr(model.config, "_commit_hash", None) or options.revision or "unknown")
    )
    told = folder.resolve().name if is_folder else name
    return Encoder(model.to(device).eval(), tokenizer, name=told, revision=commit)


class Encoder:
    """An encoder on this machine; long texts are cut at its limit."""

    def __init__(self, model: Any, tokenizer: Any, *, name: str, revision: str) -> None:
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
        found: list[Any] = [None] * len(texts)
        for start in range(0, len(order), BATCH):
            places = order[start : start + BATCH]
            for place, row in zip(places, self._batch([texts[p] for p in places]), strict=True):
                found[place] = row
        return unit_rows(np.array(found).reshape(len(texts), -1))

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
