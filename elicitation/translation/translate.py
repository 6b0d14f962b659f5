"""Dilemmas into another language, checked by translating them back."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from codebook import countries
from codebook.dilemmas.dilemma import Dilemma
from codebook.dilemmas.files import form_problem
from codebook.dilemmas.sets import project_set
from codebook.wordings.wording import languages
from contracts.errors import fail
from elicitation.translation.segments import Language, Segment, translation_data
from elicitation.translation.translators import ENGLISH, Translator

#: Segments of a dilemma that are translated.
SEGMENTS = ("background", "option_first", "option_second")

#: Where the form of the closing question comes from, from the best to the last resort.
FORM_SOURCES = ("translator", "project", "neutral")

_FORM = "form"
_NEUTRAL_FORM = "{first} / {second}?"
#: Marks that end a sentence: actions are named without one.
_FULL_STOPS = ".。।։"
#: Languages that put no space between sentences.
_UNSPACED = frozenset({"ja", "zh"})


class Checked(NamedTuple):
    """A text in another language.

    Attributes:
        text: the text; empty where it failed.
        chrf: chrF of the way back against the English text, 0-100; None without a way back.
        flags: what a reader has to look at: `failed`, `unchanged`, `low-chrf`.
    """

    text: str
    chrf: float | None
    flags: tuple[str, ...]


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
    """A translation.

    Attributes:
        form: form of the closing question.
        form_source: one of `FORM_SOURCES`.
        items: the dilemmas.
        sentences: the sentences around them by name: `choose`, and `persona-ALB` for a country;
            none where the project has a wording of the language.
    """

    form: str
    form_source: str
    items: tuple[Translated, ...]
    sentences: Mapping[str, Checked]


def translate_dilemmas(
    dilemmas: Sequence[Dilemma],
    translator: Translator,
    path: Path,
    *,
    target: Language,
    threshold: float,
) -> Translation:
    """Translate dilemmas and back; every call is kept in the store at `path`.

    Args:
        dilemmas: English ones.
        translator: who translates.
        path: the store: started again, only what is lacking is asked.
        target: the language.
        threshold: chrF below which an item is flagged.
    """
    asked = {one.segment_id: one for one in segments_of(dilemmas, translator, target)}
    there = _there(asked, translator, path, target)
    back = _back(asked, there, translator, path, target)
    whole = {name: _joined(parts, target.code) for name, parts in there.items()}
    came_back = {name: " ".join(parts) for name, parts in back.items()}
    form, source = _form(whole.get(_FORM, ""), target.code)
    items = tuple(_translated(one, whole, came_back, threshold) for one in dilemmas)
    sentences = {
        name: _checked(english, whole.get(name, ""), came_back.get(name), threshold)
        for name, english in sentences_of(target.code).items()
    }
    return Translation(form, source, items, sentences)


def sentences_of(language: str) -> dict[str, str]:
    """English sentences around dilemmas that a language needs: the call for one side, and who asks.

    A country of the study is asked in one language; who asks is a whole sentence for each.
    """
    if language in languages():
        return {}
    english = project_set("en")
    persona_sentences = {
        f"persona-{country}": english.personas[country]
        for country, one in countries().items()
        if one.hofstede is not None and one.hofstede.language == language
    }
    return {"choose": english.choose, **persona_sentences}


def segments_of(
    dilemmas: Iterable[Dilemma], translator: Translator, target: Language
) -> list[Segment]:
    """Everything that is translated, before it is split."""
    data = translation_data()
    segments = [Segment(_FORM, data["form"], data["form_note"])] if translator.keeps_fields else []
    segments += [Segment(name, text) for name, text in sentences_of(target.code).items()]
    for one in dilemmas:
        for name in SEGMENTS:
            note = "" if name == "background" else data["action_note"]
            segments.append(Segment(f"{one.dilemma_id}|{name}", getattr(one, name), note))
    return segments


def _there(
    asked: Mapping[str, Segment], translator: Translator, path: Path, target: Language
) -> dict[str, list[str]]:
    """Parts by segment, of the segments all of whose parts were translated."""
    parts = {name: translator.split(one) for name, one in asked.items()}
    every = [part for segments in parts.values() for part in segments]
    texts = translator.translate(every, path, source=ENGLISH, target=target)
    there = {}
    for name, segments in parts.items():
        translations = [texts.get(part.segment_id, "") for part in segments]
        if name.partition("|")[2].startswith("option"):
            translations = [_named(text, asked[name].text) for text in translations]
        if all(translations):
            there[name] = translations
    return there


def _named(text: str, english: str) -> str:
    """An action without the full stop that a translator put behind it."""
    return text if english.endswith(".") else text.rstrip(_FULL_STOPS).rstrip()


def _back(
    asked: Mapping[str, Segment],
    there: Mapping[str, list[str]],
    translator: Translator,
    path: Path,
    target: Language,
) -> dict[str, list[str]]:
    every = [
        Segment(f"{name}|{number}", text, asked[name].note)
        for name, parts in there.items()
        if name != _FORM
        for number, text in enumerate(parts)
    ]
    texts = translator.translate(every, path, source=target, target=ENGLISH)
    back_translations = {
        name: [texts.get(f"{name}|{number}", "") for number in range(len(parts))]
        for name, parts in there.items()
        if name != _FORM
    }
    return {name: parts for name, parts in back_translations.items() if all(parts)}


def _joined(parts: Sequence[str], language: str) -> str:
    return ("" if language in _UNSPACED else " ").join(parts)


def _form(proposed_form: str, language: str) -> tuple[str, str]:
    """The form of the closing question, and where it comes from."""
    if not form_problem(proposed_form):
        return proposed_form, "translator"
    known = translation_data()["forms"].get(language)
    return (str(known), "project") if known else (_NEUTRAL_FORM, "neutral")


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
    if any(texts[name] == _plain(getattr(dilemma, name)) for name in SEGMENTS):
        flags.append("unchanged")
    score = None
    if all(one in back for one in ids.values()):
        meant = " ".join(_plain(getattr(dilemma, name)) for name in SEGMENTS)
        score = chrf(" ".join(back[one] for one in ids.values()), meant)
    if score is None or score < threshold:
        flags.append("low-chrf")
    return Translated(dilemma, texts, score, tuple(flags))


def _checked(english: str, there: str, back: str | None, threshold: float) -> Checked:
    if not there:
        return Checked("", None, ("failed",))
    score = None if back is None else chrf(back, english)
    flags = ["unchanged"] if there == english else []
    if score is None or score < threshold:
        flags.append("low-chrf")
    return Checked(there, score, tuple(flags))


def _plain(text: str) -> str:
    return " ".join(text.split())


def chrf(candidate: str, meant: str) -> float:
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
    return float(sentence_chrf(candidate, [meant]).score)
