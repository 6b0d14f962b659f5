"""Dilemmas into another language by a chat model, checked by translating them back."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from importlib import resources
from pathlib import Path
from typing import Any, NamedTuple

from codebook.dilemma_files import form_problem
from codebook.dilemmas import Dilemma
from contracts.errors import fail
from elicitation.backends.base import Backend, Response
from elicitation.cached_calls import ask_cached, chat_or_plain
from elicitation.reading.normalise import strip_thinking

#: Most tokens of a translated text; models that think first need more than the text.
TRANSLATION_TOKENS = 2048

#: Segments of a dilemma that are translated.
SEGMENTS = ("background", "option_first", "option_second")

_FIELD = re.compile(r"\{(source|target|note|text)\}")
_FORM = "form"


class Translated(NamedTuple):
    """A dilemma in another language.

    Attributes:
        dilemma: the English one.
        texts: its segments in the language, by name; empty where one is lacking.
        chrf: chrF of the text translated back against the English one, 0-100; None without it.
        flags: what a reader has to look at: `failed`, `same-options`, `unchanged`, `low-chrf`.
    """

    dilemma: Dilemma
    texts: Mapping[str, str]
    chrf: float | None
    flags: tuple[str, ...]


class Translation(NamedTuple):
    """A translation: the form of the closing question (and whether it is the model's), and all."""

    form: str
    form_translated: bool
    items: tuple[Translated, ...]


class _Segment(NamedTuple):
    segment_id: str
    text: str
    note: str


@cache
def _data() -> Mapping[str, Any]:
    path = resources.files("elicitation.reading").joinpath("data/translate.toml")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def prompt_version() -> str:
    """Version of the translator's prompt."""
    return str(_data()["version"])


def language_name(language: str) -> str:
    """English name of a language.

    Raises:
        ContractError: it is not known.
    """
    names = _data()["names"]
    if language not in names:
        raise fail(
            "unknown-language",
            "no name is known of this language",
            column="--language",
            found=repr(language),
            allowed=", ".join(names),
            hint="Give --language-name besides, in English.",
        )
    return str(names[language])


def translate_dilemmas(
    dilemmas: Sequence[Dilemma],
    backend: Backend,
    path: Path,
    *,
    target: str,
    threshold: float,
) -> Translation:
    """Translate dilemmas and back; every call is kept in the store at `path`.

    Args:
        dilemmas: English ones.
        backend: who translates.
        path: the store: started again, only what is lacking is asked.
        target: English name of the language.
        threshold: chrF below which an item is flagged.
    """
    there = _ask(_segments(dilemmas), backend, path, source="English", target=target)
    back_segments = [
        _Segment(one.segment_id, there[one.segment_id], one.note)
        for one in _segments(dilemmas)
        if one.segment_id in there and one.segment_id != _FORM
    ]
    back = _ask(back_segments, backend, path, source=target, target="English")
    form = there.get(_FORM, "")
    known = not form_problem(form)
    items = tuple(_translated(one, there, back, threshold) for one in dilemmas)
    return Translation(form if known else "{first} / {second}?", known, items)


def _segments(dilemmas: Iterable[Dilemma]) -> list[_Segment]:
    data = _data()
    found = [_Segment(_FORM, data["form"], data["form_note"])]
    for one in dilemmas:
        for name in SEGMENTS:
            note = "" if name == "background" else data["action_note"]
            found.append(_Segment(f"{one.dilemma_id}|{name}", getattr(one, name), note))
    return found


def _ask(
    segments: Iterable[_Segment], backend: Backend, path: Path, *, source: str, target: str
) -> dict[str, str]:
    """Translations by segment; those that failed or came back empty have none."""
    requests = [
        chat_or_plain(
            one.segment_id,
            _prompt(one, source, target),
            backend=backend,
            max_tokens=TRANSLATION_TOKENS,
            cue=_data()["cue"],
        )
        for one in segments
    ]
    found = ask_cached(requests, backend, path, purpose="translate")
    texts = {name: _text(response) for name, response in found.items()}
    return {name: text for name, text in texts.items() if text}


def _prompt(segment: _Segment, source: str, target: str) -> str:
    parts = {"source": source, "target": target, "note": segment.note, "text": segment.text}
    return _FIELD.sub(lambda match: parts[match[1]], _data()["text"]).strip()


def _text(response: Response) -> str:
    """What a reply says, on one line; empty where it was cut off or withheld."""
    if response.status != "ok" or not response.texts:
        return ""
    visible = strip_thinking(response.texts[0])
    return "" if visible.unclosed else " ".join(visible.text.split())


def _translated(
    dilemma: Dilemma, there: Mapping[str, str], back: Mapping[str, str], threshold: float
) -> Translated:
    ids = {name: f"{dilemma.dilemma_id}|{name}" for name in SEGMENTS}
    if not all(one in there for one in ids.values()):
        return Translated(dilemma, {}, None, ("failed",))
    texts = {name: there[one] for name, one in ids.items()}
    flags = []
    if texts["option_first"].casefold() == texts["option_second"].casefold():
        flags.append("same-options")
    if any(texts[name] == " ".join(getattr(dilemma, name).split()) for name in SEGMENTS):
        flags.append("unchanged")
    score = None
    if all(one in back for one in ids.values()):
        said, meant = (
            " ".join(parts)
            for parts in (
                [back[one] for one in ids.values()],
                [" ".join(getattr(dilemma, name).split()) for name in SEGMENTS],
            )
        )
        score = chrf(said, meant)
    if score is None or score < threshold:
        flags.append("low-chrf")
    return Translated(dilemma, texts, score, tuple(flags))


def chrf(said: str, meant: str) -> float:
    """chrF of a text against a reference, 0-100 (sacrebleu's defaults).

    Source: Popovic (2015), Proc. 10th Workshop on Statistical Machine Translation, 392-395.

    Raises:
        ContractError: sacrebleu is not installed.
    """
    try:
        from sacrebleu import sentence_chrf
    except ImportError:
        raise fail(
            "no-sacrebleu",
            "translations are checked with the package sacrebleu, which is not installed",
            hint="Install it: pip install sacrebleu",
        ) from None
    return float(sentence_chrf(said, [meant]).score)
