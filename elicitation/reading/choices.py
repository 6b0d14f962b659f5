"""One chosen answer from a reply: its label, its text, or both."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from elicitation.reading.answer import Answer, Option, invalid
from elicitation.reading.labels import LabelError, label_of, plain
from elicitation.reading.mentions import Mention, mentions, without_scale
from elicitation.reading.normalise import normalise, strip_thinking
from elicitation.reading.objects import Pairs, blocks, lenient_objects, strict_json
from elicitation.reading.refusals import is_refusal
from elicitation.reading.turns import corrects, is_negated, retracts

#: Words that announce the answer proper.
ANNOUNCED = re.compile(
    r"(?:\b(?:answer|choice|option|number|letter|choose|pick|select|antwort|respuesta|resposta|"
    r"réponse|risposta|ответ)(?:\s+is|\s+would be|\s+es|\s+ist|\s+est)?"
    r"|答案(?:是|为)?|答え(?:は)?|回答|답(?:은|변)?)"
    r"\s*[:=]?\s*[\"'*_(\[]*",
    re.IGNORECASE,
)
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
        label = chosen_label(said, options)
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


def chosen_label(said: str, options: Sequence[Option]) -> str | None:
    """The label that a normalised reply chooses, tried from the narrowest reading to the widest.

    Raises:
        LabelError: two answers are named where one is wanted, or one is denied.
    """
    whole = label_of(said, options)
    if whole is not None and _is_plain_label(said, options):
        return whole
    found = _in_block(said, options)
    if found is not None:
        return found
    body = without_scale(said, tuple(options))
    announced = _announced(body, options)
    if announced is not None:
        return announced
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > 1:
        first = label_of(lines[0], options)
        if first is not None and _is_plain_label(lines[0], options):
            return _agreeing(first, lines[1:], options)
    return only_mentioned(body, options)


def _is_plain_label(said: str, options: Sequence[Option]) -> bool:
    """Whether a text that begins with a letter is that label, not a sentence that begins so."""
    written = re.match(r"\s*([^\W\d_])\s+\w", said)
    return written is None or plain(said) in {
        form
        for option in options
        for form in (plain(option.text), f"{plain(option.label)} {plain(option.text)}")
    }


def _agreeing(first: str, rest: Sequence[str], options: Sequence[Option]) -> str:
    """A label in the first line counts unless a later line is another label alone, or takes it
    back."""
    others = {label_of(line, options) for line in rest} - {None, first}
    behind = "\n".join(rest)
    if others or retracts(behind) or (_announced(behind, options) or first) != first:
        raise LabelError
    return first


#: Keys of an object that hold no answer.
_ASIDE_KEY = re.compile(
    r"confiden|certain|\bage\b|question|\bid\b|scale|\bmin|\bmax|year|wave|alternative|second|not|reject",
    re.IGNORECASE,
)


def _in_block(said: str, options: Sequence[Option]) -> str | None:
    """The one label that the blocks of a reply hold.

    Raises:
        LabelError: they hold several, or shares of the options instead of a choice.
    """
    found: str | None = None
    end = 0
    for block in blocks(said):
        label = _block_label(block.text, options)
        if label is None:
            continue
        if found is not None and label != found and not corrects(said[end : block.start]):
            raise LabelError
        found, end = label, block.start + len(block.text)
    if found is not None and retracts(said[end:]):
        raise LabelError
    return found


def _block_label(text: str, options: Sequence[Option]) -> str | None:
    try:
        readings: list[Any] = [strict_json(text)]
    except (ValueError, RecursionError):
        readings = list(lenient_objects(text))
    for found in readings:
        if isinstance(found, Pairs):
            if sum(label_of(key, options) is not None for key, _ in found) > 1:
                raise LabelError
            entries = [v for key, v in found if not _ASIDE_KEY.search(key)]
        elif isinstance(found, list):
            entries = found
        else:
            continue
        meant = {
            label
            for entry in entries
            if isinstance(entry, (int, str))
            and not isinstance(entry, bool)
            and (label := label_of(str(entry), options)) is not None
        }
        if len(meant) > 1:
            raise LabelError
        if meant:
            return meant.pop()
    return None


_SENTENCE = re.compile(r"[.!?;\n](?:\s|$)|\n")


def _announced(said: str, options: Sequence[Option]) -> str | None:
    """The label behind an announcement, such as `Answer: 2`; of two, the one that corrects.

    Raises:
        LabelError: two are announced, one is denied, or its sentence names another.
    """
    found: str | None = None
    end = 0
    for match in ANNOUNCED.finditer(said):
        rest = _LINE_END.split(said[match.end() :], maxsplit=1)[0]
        label = _behind(rest, options)
        if label is None:
            continue
        if is_negated(said[: match.start()]):
            raise LabelError
        sentence = _SENTENCE.split(rest, maxsplit=1)[0]
        if any(mention.label != label for mention in mentions(sentence, options)):
            raise LabelError
        if found is not None and label != found and not corrects(said[end : match.start()]):
            raise LabelError
        found, end = label, match.end()
    if found is not None and any(
        mention.label != found for mention in _taken_back(said[end:], options)
    ):
        raise LabelError
    return found


def _taken_back(behind: str, options: Sequence[Option]) -> list[Mention]:
    """Options named behind an announced answer, where the words there take it back."""
    return mentions(behind, options) if retracts(behind) or corrects(behind) else []


def _behind(rest: str, options: Sequence[Option]) -> str | None:
    label = label_of(rest, options)
    if label is not None and _is_plain_label(rest, options):
        return label
    alone = re.match(
        r"(?:第|№|#)?([^\W_]{1,3}?)(?![0-9A-Za-z]|\s*[/%~-]\s*\d|[.,]\d|\s+(?:or|and|to|oder|o|ou|out)\s)",
        rest,
    )
    if alone is None:
        return None
    label = label_of(alone[1], options)
    if label is None or label.isdigit() or _is_plain_label(rest, options):
        return label
    return None


def only_mentioned(said: str, options: Sequence[Option]) -> str | None:
    """The one option that is mentioned, by its text or by its label.

    Raises:
        LabelError: two or more are, or one is denied.
    """
    found = {mention.label for mention in mentions(said, options)}
    if len(found) > 1:
        raise LabelError
    return next(iter(found), None)
