"""Translation models of transformers: NLLB-200, and M2M100 with its codes of languages.

They are trained on sentences, so texts are split; every sentence is translated apart. Replies are
searched by beams, without any draw.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import torch
from transformers import AutoConfig, AutoModelForSeq2SeqLM

from contracts.errors import fail
from elicitation.backends.base import Capabilities, OnResponse, Request, Response, Sampling
from elicitation.backends.hf.loading import Loaded, dtype_name, load, versions
from elicitation.backends.registry import BackendOptions
from elicitation.run.cached_calls import ask_cached
from elicitation.translation.segments import Language, Segment, texts_of, translation_data

#: Width of the search.
BEAMS = 4

#: Sentences of a batch.
BATCH = 16

#: A reply may have this many times the tokens of its sentence, and so many more: a longer one
#: runs in circles, and counts as cut off.
_LONGER, _MORE = 3, 16

#: Where an English text is cut into sentences.
_SENTENCES = re.compile(r"(?<=[.!?])\s+(?=[\"'“‘(]?[A-Z0-9])")


def is_seq2seq(name: str, options: BackendOptions) -> bool:
    """Whether a model has an encoder and a decoder; unknown ones are left to the other loader."""
    folder = Path(name).expanduser()
    source = str(folder) if folder.is_dir() else name
    try:
        config = AutoConfig.from_pretrained(source, revision=options.revision or None)
    except (OSError, ValueError, KeyError):
        return False
    return bool(config.is_encoder_decoder)


def open_seq2seq(name: str, options: BackendOptions) -> Seq2SeqTranslator:
    """Load a translation model.

    Args:
        name: repository of the Hugging Face Hub, or folder.
        options: revision, dtype and device.

    Raises:
        ContractError: it cannot be loaded.
    """
    what, example = "translation model", "facebook/nllb-200-distilled-600M"
    return Seq2SeqTranslator(
        load(name, options, auto=AutoModelForSeq2SeqLM, what=what, example=example)
    )


class Seq2SeqTranslator:
    """A translation model on this machine."""

    keeps_fields = False

    def __init__(self, loaded: Loaded) -> None:
        self._loaded: Loaded | None = loaded

    @property
    def version(self) -> str:
        """How it is asked."""
        return f"sentences-beams{BEAMS}"

    def split(self, segment: Segment) -> tuple[Segment, ...]:
        """The sentences of an English text."""
        sentences = _SENTENCES.split(" ".join(segment.text.split()))
        return tuple(
            Segment(f"{segment.segment_id}|{number}", text) for number, text in enumerate(sentences)
        )

    def translate(
        self, segments: Iterable[Segment], path: Path, *, source: Language, target: Language
    ) -> dict[str, str]:
        """See `elicitation.translation.translators.Translator`.

        Raises:
            ContractError: the model has no token for one of the languages.
        """
        assert self._loaded is not None
        backend = _OneWay(self._loaded, source, target)
        requests = [
            Request(one.segment_id, prompt=one.text, sampling=Sampling(seed=None))
            for one in segments
        ]
        return texts_of(ask_cached(requests, backend, path, purpose="translate"))

    def close(self) -> None:
        """Give the model's memory back."""
        self._loaded = None
        if torch.cuda.is_available():
            torch.cuda.empty_cache()


class _LanguageToken(NamedTuple):
    """A language as the tokenizer names it, and the id that a reply in it begins with."""

    name: str
    token_id: int


def language_token(tokenizer: Any, language: Language) -> _LanguageToken:
    """How a tokenizer marks a language: `als_Latn` (NLLB), or `__sq__` (M2M100).

    Raises:
        ContractError: it knows no such language.
    """
    unknown = tokenizer.unk_token_id
    nllb = translation_data()["nllb"].get(language.code, language.code)
    for name, token in ((nllb, nllb), (language.code, f"__{language.code}__")):
        # M2M100 keeps its languages apart from its vocabulary.
        token_id = tokenizer.convert_tokens_to_ids(token)
        if token_id is not None and token_id != unknown:
            return _LanguageToken(name, token_id)
    raise fail(
        "no-language-token",
        f"this translation model has no token for {language.name}",
        column="--language",
        found=f"{nllb}, __{language.code}__",
        hint="Take a model of the NLLB-200 or M2M100 family, or a chat model.",
    )


class _OneWay:
    """The model as a backend: from one language into another."""

    def __init__(self, loaded: Loaded, source: Language, target: Language) -> None:
        self._model, self._tokenizer = loaded.model, loaded.tokenizer
        self._source = language_token(loaded.tokenizer, source)
        self._target = language_token(loaded.tokenizer, target)
        self._described = {
            "backend": "seq2seq",
            "model": loaded.name,
            "revision": loaded.revision,
            "dtype": dtype_name(loaded.model),
            "from": self._source.name,
            "to": self._target.name,
            "beams": BEAMS,
            "longest": [_LONGER, _MORE],
        }

    def describe(self) -> dict[str, Any]:
        """Model, languages and search."""
        return dict(self._described)

    def scoring(self) -> dict[str, Any]:
        """Nothing."""
        return {}

    def environment(self) -> dict[str, Any]:
        """Libraries and device."""
        return {**versions(), "device": str(self._model.device)}

    def capabilities(self) -> Capabilities:
        """Plain text in, plain text out."""
        return Capabilities(chat=False)

    def run(self, requests: Iterable[Request], *, on_response: OnResponse) -> None:
        """Translate in batches of alike lengths."""
        for batch in _batches(requests):
            for request, response in zip(batch, self._answers(batch), strict=True):
                on_response(request, response)

    def close(self) -> None:
        """The model is the translator's."""

    def _answers(self, batch: list[Request]) -> list[Response]:
        try:
            return self._translated(batch)
        except (RuntimeError, ValueError, IndexError) as error:
            if len(batch) == 1:
                message = f"{type(error).__name__}: {error}".splitlines()[0][:300]
                return [Response(batch[0].request_id, "error", error=message)]
            return [answer for one in batch for answer in self._answers([one])]

    def _translated(self, batch: list[Request]) -> list[Response]:
        self._tokenizer.src_lang = self._source.name
        encoded = self._tokenizer(
            [request.prompt for request in batch], return_tensors="pt", padding=True
        ).to(self._model.device)
        most = _LONGER * int(encoded["attention_mask"].sum(1).max()) + _MORE
        longest = getattr(self._model.config, "max_position_embeddings", most)
        if encoded["input_ids"].shape[1] > longest:
            raise ValueError(f"a sentence has more tokens than the model's {longest}")
        with torch.inference_mode():
            token_ids = self._model.generate(
                **encoded,
                forced_bos_token_id=self._target.token_id,
                num_beams=BEAMS,
                do_sample=False,
                max_length=None,
                max_new_tokens=min(most, longest - 2),
            )
        # A reply begins with the end token and the language; another end token ends it.
        token_ids = token_ids[:, 2:]
        ends = (token_ids == self._tokenizer.eos_token_id).any(1).tolist()
        texts = self._tokenizer.batch_decode(token_ids, skip_special_tokens=True)
        return [
            Response(request.request_id, "ok" if ended else "truncated", (text.strip(),))
            for request, text, ended in zip(batch, texts, ends, strict=True)
        ]


def _batches(requests: Iterable[Request]) -> Iterator[list[Request]]:
    source = iter(requests)
    while window := list(islice(source, 8 * BATCH)):
        window.sort(key=lambda request: len(request.prompt))
        for start in range(0, len(window), BATCH):
            yield window[start : start + BATCH]
