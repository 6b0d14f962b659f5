"""Who translates: a chat model by a prompt, or a translation model sentence by sentence."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Protocol

from contracts.errors import fail
from elicitation.backends.base import Backend
from elicitation.backends.registry import BackendOptions, backend_missing, open_backend, split_model
from elicitation.run.cached_calls import ask_cached, chat_or_plain
from elicitation.translation.segments import Language, Segment, texts_of, translation_data

#: Most tokens of a translated text; models that think first need more than the text.
TRANSLATION_TOKENS = 2048

_FIELD = re.compile(r"\{(source|target|note|text)\}")


ENGLISH = Language("en", "English")


class Translator(Protocol):
    """Translates texts; what was translated once is kept."""

    @property
    def version(self) -> str:
        """How it is asked, for provenance."""
        ...

    @property
    def keeps_fields(self) -> bool:
        """Whether a text with `{first}` and `{second}` may come back with them."""
        ...

    def split(self, segment: Segment) -> tuple[Segment, ...]:
        """The parts in which a text is translated."""
        ...

    def translate(
        self, segments: Iterable[Segment], path: Path, *, source: Language, target: Language
    ) -> dict[str, str]:
        """Translations by segment; those that failed or came back empty have none."""
        ...

    def close(self) -> None:
        """Give back memory and connections."""
        ...


def language_of(code: str, name: str = "") -> Language:
    """A language by its code.

    Raises:
        ContractError: no name is known, and none is given.
    """
    names = translation_data()["names"]
    if not name and code not in names:
        raise fail(
            "unknown-language",
            "no name is known of this language",
            column="--language",
            found=repr(code),
            allowed=", ".join(names),
            hint="Give --language-name besides, in English.",
        )
    return Language(code, name or str(names[code]))


class ChatTranslator:
    """A backend that is asked to translate."""

    keeps_fields = True

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    @property
    def version(self) -> str:
        """Version of the prompt."""
        return str(translation_data()["version"])

    def split(self, segment: Segment) -> tuple[Segment, ...]:
        """A text is translated whole."""
        return (segment,)

    def translate(
        self, segments: Iterable[Segment], path: Path, *, source: Language, target: Language
    ) -> dict[str, str]:
        """See `Translator`."""
        requests = [
            chat_or_plain(
                one.segment_id,
                _prompt(one, source.name, target.name),
                backend=self._backend,
                max_tokens=TRANSLATION_TOKENS,
                cue=translation_data()["cue"],
            )
            for one in segments
        ]
        return texts_of(ask_cached(requests, self._backend, path, purpose="translate"))

    def close(self) -> None:
        """Close the backend."""
        self._backend.close()


def _prompt(segment: Segment, source: str, target: str) -> str:
    parts = {"source": source, "target": target, "note": segment.note, "text": segment.text}
    return _FIELD.sub(lambda match: parts[match[1]], translation_data()["text"]).strip()


def open_translator(model: str, options: BackendOptions) -> Translator:
    """Whoever translates by this name: `hf:` with an encoder and a decoder is a translation model,
    everything else is asked as a chat (or in plain text).

    Raises:
        ContractError: the name is wrong, or the model cannot be reached or loaded.
    """
    scheme, name = split_model(model)
    if scheme == "hf":
        try:
            from elicitation.translation.seq2seq import is_seq2seq, open_seq2seq
        except ModuleNotFoundError as error:
            raise backend_missing(scheme, error) from None
        if is_seq2seq(name, options):
            return open_seq2seq(name, options)
    return ChatTranslator(open_backend(model, options))
