"""One chosen answer from a reply: its label, its text, or both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from elicitation.reading.answer import Answer, Option, invalid
from elicitation.reading.labels import LabelError, label_of, plain
from elicitation.reading.normalise import normalise, strip_thinking
from elicitation.reading.objects import Pairs, blocks, lenient_objects, strict_json
from elicitation.reading.refusals import is_refusal

#: Words that announce the answer proper.
ANNOUNCED = re.compile(
    r"(?:\b(?:answer|choice|option|number|letter|choose|pick|select|antwort|respuesta|resposta|"
    r"réponse|risposta|ответ)(?:\s+is|\s+would be|\s+es|\s+ist|\s+est)?"
    r"|答案(?:是|为)?|答え(?:は)?|回答|답(?:은|변)?)"
    r"\s*[:=]?\s*[\"'*_(\[]*",
    re.IGNORECASE,
)
#: In a longer text a letter alone is rather a word.
_SHORT = 40

_LINE_END = re.compile(r"[\n]")


def read_choice(text: str, options: Sequence[Option], *, cut_off: bool = False) -> Answer:
    """The one answer that a reply chooses; `ok` only where it is the label alone."""
    labels = [option.label for option in options]
    bare = text.strip(" \t\r\n")
    if bare.removesuffix(".") in labels:
        return _chosen(bare.removesuffix("."), labels)
    visible = strip_thinking(text)
    if visible.unclosed:
        return Answer("truncated", notes=("unclosed-thinking",))
    said = normalise(visible.text).strip()
    try:
        label = _label(said, options)
    except LabelError:
        return invalid("contradiction")
    if label is not None:
        return _chosen(label, labels, "form")
    if is_refusal(said):
        return Answer("refused")
    if cut_off:
        return Answer("truncated")
    return invalid("empty" if not said else "unreadable")


def _chosen(label: str, labels: Sequence[str], *notes: str) -> Answer:
    shares = {other: 1.0 if other == label else 0.0 for other in labels}
    return Answer("repaired" if notes else "ok", shares, sum_found=1.0, notes=notes)


def _label(said: str, options: Sequence[Option]) -> str | None:
    """The label meant, tried from the narrowest reading to the widest.

    Raises:
        LabelError: two answers are named where one is wanted.
    """
    whole = label_of(said, options)
    if whole is not None:
        return whole
    found = _in_block(said, options)
    if found is not None:
        return found
    announced = _announced(said, options)
    if announced is not None:
        return announced
    lines = [line for line in said.splitlines() if line.strip()]
    if lines:
        first = label_of(lines[0], options)
        if first is not None and len(lines) > 1:
            return _agreeing(first, lines[1:], options)
    return only_mentioned(said, options)


def _agreeing(first: str, rest: Sequence[str], options: Sequence[Option]) -> str:
    """A label in the first line counts unless a later line is another label alone."""
    others = {label_of(line, options) for line in rest} - {None, first}
    if others:
        raise LabelError
    return first


def _in_block(said: str, options: Sequence[Option]) -> str | None:
    for block in reversed(blocks(said)):
        try:
            readings: list[Any] = [strict_json(block.text)]
        except (ValueError, RecursionError):
            readings = list(lenient_objects(block.text))
        for found in readings:
            entries = [v for _, v in found] if isinstance(found, Pairs) else found
            if not isinstance(entries, list):
                continue
            meant = [
                label
                for entry in entries
                if isinstance(entry, (int, str)) and not isinstance(entry, bool)
                and (label := label_of(str(entry), options)) is not None
            ]  # fmt: skip
            if len(set(meant)) == 1:
                return meant[0]
            if len(set(meant)) > 1:
                raise LabelError
    return None


def _announced(said: str, options: Sequence[Option]) -> str | None:
    """The label behind the last announcement, such as `Answer: 2`."""
    for match in reversed(list(ANNOUNCED.finditer(said))):
        rest = _LINE_END.split(said[match.end() :], maxsplit=1)[0]
        alone = re.match(r"[^\W_]{1,3}(?![\w/%-]|[.,]\d|\s+(?:or|and|to|oder|o|ou)\s)", rest)
        label = label_of(rest, options)
        if label is None and alone:
            label = label_of(alone.group(), options)
        if label is not None:
            return label
    return None


def only_mentioned(said: str, options: Sequence[Option]) -> str | None:
    """The one option that is mentioned, by its text or by its label.

    Raises:
        LabelError: two or more are.
    """
    found = _mentioned_texts(plain(said), tuple(options))
    numbers = re.findall(r"(?<![\w.,%-])[^\W_]{1,3}(?![\w%]|[.,]\d|-\d)", said)
    labels = {option.label for option in options}
    found |= {n for n in numbers if n in labels and (n.isdigit() or len(said) <= _SHORT)}
    if len(found) > 1:
        raise LabelError
    return next(iter(found), None)


@lru_cache(maxsize=512)
def _text_pattern(options: tuple[Option, ...]) -> tuple[re.Pattern[str], dict[str, str]] | None:
    texts = {plain(o.text): o.label for o in options if len(plain(o.text)) > 2}
    if not texts:
        return None
    ordered = sorted(texts, key=len, reverse=True)
    pattern = "|".join(re.escape(text) for text in ordered)
    return re.compile(rf"(?<!\w)(?:{pattern})(?!\w)"), texts


def _mentioned_texts(said: str, options: tuple[Option, ...]) -> set[str]:
    """Labels of the options whose texts occur; a longer text hides those within it."""
    found = _text_pattern(options)
    if found is None:
        return set()
    pattern, texts = found
    return {texts[match.group()] for match in pattern.finditer(said)}
