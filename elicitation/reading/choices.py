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
    reply_text = normalise(visible.text).strip()
    try:
        label = chosen_label(reply_text, options)
    except LabelError:
        return invalid("contradiction")
    if label is not None:
        return _chosen(label, labels, "form")
    if is_refusal(reply_text):
        return Answer("refused")
    if cut_off:
        return Answer("truncated")
    return invalid("empty" if not reply_text else "unreadable")


def _chosen(label: str, labels: Sequence[str], *notes: str) -> Answer:
    shares = {other: 1.0 if other == label else 0.0 for other in labels}
    return Answer("repaired" if notes else "ok", shares, sum_found=1.0, notes=notes)


def chosen_label(reply_text: str, options: Sequence[Option]) -> str | None:
    """The label that a normalised reply chooses, tried from the narrowest reading to the widest.

    Raises:
        LabelError: two answers are named where one is wanted, or one is denied.
    """
    whole = label_of(reply_text, options)
    if whole is not None and _is_plain_label(reply_text, options):
        return whole
    block_label = _in_block(reply_text, options)
    if block_label is not None:
        return block_label
    body = without_scale(reply_text, tuple(options))
    announced = _announced(body, options)
    if announced is not None:
        return announced
    lines = [line for line in body.splitlines() if line.strip()]
    if len(lines) > 1:
        first = label_of(lines[0], options)
        if first is not None and _is_plain_label(lines[0], options):
            return _agreeing(first, lines[1:], options)
    return only_mentioned(body, options)


def _is_plain_label(reply_text: str, options: Sequence[Option]) -> bool:
    """Whether a text that begins with a letter is that label, not a sentence that begins so."""
    written = re.match(r"\s*([^\W\d_])\s+\w", reply_text)
    return written is None or plain(reply_text) in {
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


def _in_block(reply_text: str, options: Sequence[Option]) -> str | None:
    """The one label that the blocks of a reply hold.

    Raises:
        LabelError: they hold several, or shares of the options instead of a choice.
    """
    chosen: str | None = None
    end = 0
    for block in blocks(reply_text):
        label = _block_label(block.text, options)
        if label is None:
            continue
        if chosen is not None and label != chosen and not corrects(reply_text[end : block.start]):
            raise LabelError
        chosen, end = label, block.start + len(block.text)
    if chosen is not None and retracts(reply_text[end:]):
        raise LabelError
    return chosen


def _block_label(text: str, options: Sequence[Option]) -> str | None:
    try:
        readings: list[Any] = [strict_json(text)]
    except (ValueError, RecursionError):
        readings = list(lenient_objects(text))
    for parsed in readings:
        if isinstance(parsed, Pairs):
            if sum(label_of(key, options) is not None for key, _ in parsed) > 1:
                raise LabelError
            entries = [v for key, v in parsed if not _ASIDE_KEY.search(key)]
        elif isinstance(parsed, list):
            entries = parsed
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


def _announced(reply_text: str, options: Sequence[Option]) -> str | None:
    """The label behind an announcement, such as `Answer: 2`; of two, the one that corrects.

    Raises:
        LabelError: two are announced, one is denied, or its sentence names another.
    """
    announced_label: str | None = None
    end = 0
    for match in ANNOUNCED.finditer(reply_text):
        rest = _LINE_END.split(reply_text[match.end() :], maxsplit=1)[0]
        label = _behind(rest, options)
        if label is None:
            continue
        if is_negated(reply_text[: match.start()]):
            raise LabelError
        sentence = _SENTENCE.split(rest, maxsplit=1)[0]
        if any(mention.label != label for mention in mentions(sentence, options)):
            raise LabelError
        if (
            announced_label is not None
            and label != announced_label
            and not corrects(reply_text[end : match.start()])
        ):
            raise LabelError
        announced_label, end = label, match.end()
    if announced_label is not None and any(
        mention.label != announced_label for mention in _taken_back(reply_text[end:], options)
    ):
        raise LabelError
    return announced_label


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


def only_mentioned(reply_text: str, options: Sequence[Option]) -> str | None:
    """The one option that is mentioned, by its text or by its label.

    Raises:
        LabelError: two or more are, or one is denied.
    """
    mentioned_labels = {mention.label for mention in mentions(reply_text, options)}
    if len(mentioned_labels) > 1:
        raise LabelError
    return next(iter(mentioned_labels), None)
