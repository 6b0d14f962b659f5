"""Answers that a reply mentions: by their text, or by a label that stands as an answer.

A number in a sentence is no answer (`I have 2 children`), nor is a letter that is a word (`A
difficult question`). What is denied, bounded, or one of two is no answer either.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from elicitation.reading.answer import Option
from elicitation.reading.labels import LabelError, label_of, plain
from elicitation.reading.normalise import normalise
from elicitation.reading.statements import SPACED, option_texts
from elicitation.reading.turns import is_denied, is_negated

#: What may follow a label that is an answer.
_AFTER = (
    r"(?=[\"'*_)\]]*\s*(?:$|[.,;:!?)\]}\"*\n(]|-\s|~\s|(?:out of|because|since|as|for|on|"
    r"would|is|isn't|seems|not|points?|stars?|punkte?|von|weil|denn|porque|parce|car|perché|из|sur|"
    r"de|or|and|to|oder|und|o|y|ou|et|или|и|though|but|aber|pero|mais|i think|i'd|maybe|probably)\b"
    r"|[是项項號号番点點分でだと或和のを를을이가로입번점또]))"
)
#: Words before a number that make it no answer.
_COUNTED = re.compile(
    r"\b(?:question|item|wave|aged?|years?|chapter|page|part|section|step|top|q|frage|pregunta|вопрос"
    r"|last|past|next|nearly|almost|every|these|those|my|our|have|has|had|in|on|at|since|with my"
    r"|group|round|versions?|de cada|of these|of my|of our)\s*$",
    re.IGNORECASE,
)
_WORDLIKE = frozenset("AIEOUY")


class Mention(NamedTuple):
    """An option that a reply names, and where."""

    label: str
    start: int
    end: int


def mentions(reply_text: str, options: Sequence[Option]) -> list[Mention]:
    """Options that a normalised reply names as answers, in order; the description of the scale
    and a list of all options do not count.

    Raises:
        LabelError: one is denied, or stands in a range, a sum or a number on another scale.
    """
    offered = tuple(options)
    body = without_scale(reply_text, offered)
    named_options = []
    for match in _pattern(offered).finditer(body):
        mention = _mention(body, match, offered)
        if mention is None:
            continue
        if is_negated(body[: mention.start]) or is_denied(body[mention.end :]):
            raise LabelError
        named_options.append(mention)
    return named_options


def without_scale(reply_text: str, options: tuple[Option, ...]) -> str:
    """A reply with blanks in place of `from 1 (very) to 4 (not at all)` and of a list of the
    options, which name labels without choosing them."""
    return _scale(options).sub(lambda match: " " * len(match.group()), reply_text)


@lru_cache(maxsize=512)
def _scale(options: tuple[Option, ...]) -> re.Pattern[str]:
    first, last = re.escape(options[0].label), re.escape(options[-1].label)
    words = r"(?:\s*(?:[(=:]|-\s)\s*[\"']?[^\W\d][^()\n;,]{0,60}?[\"']?\)?)?"
    join = r"(?:to|through|bis|a|à|hasta|and|und|до|~|-|至|到|から)"
    ends = [rf"{a}{words}\s*{join}\s*{b}" for a, b in ((first, last), (last, first))]
    listed = "|".join(
        rf"{re.escape(o.label)}\s*[=:.)(-]\s*[\"']?{re.escape(normalise(o.text))}[\"')]*"
        for o in options
    )
    tail = r"(?:\s*[(=:]\s*[^()\n;,.]{1,60}\)?)?"
    return re.compile(
        rf"(?<![\w.,])(?:from |between |von |de |от )?(?:{'|'.join(ends)})(?![\d%]|[.,]\d){tail}"
        rf"|(?:(?:{listed})[\s,;]*(?:and |or |und |oder )?){{3,}}",
        re.IGNORECASE,
    )


def _mention(body: str, match: re.Match[str], options: tuple[Option, ...]) -> Mention | None:
    kind, start, end = str(match.lastgroup), match.start(), match.end()
    if kind == "trouble":
        raise LabelError
    if kind == "outof":
        number, most = re.findall(r"\d+", match.group())
        if most != options[-1].label:
            raise LabelError
        return Mention(number, start, end)
    if kind == "text":
        label = label_of(match.group(), options) or option_texts(options).get(plain(match.group()))
        return None if label is None else Mention(label, start, end)
    label = label_of(match.group(), options)
    if label is None:
        return None
    if label.isdigit():
        return (
            None
            if _COUNTED.search(body[max(0, start - 24) : start])
            else Mention(label, start, end)
        )
    return Mention(label, start, end) if _is_letter_answer(body, match) else None


def _is_letter_answer(body: str, match: re.Match[str]) -> bool:
    """Whether a letter is an answer: set apart by signs, or the end of a clause, never a word."""
    before, after = body[: match.start()], body[match.end() :]
    if not match.group().isupper():
        return False
    if re.search(r"[(\[\"'*]$", before) and re.match(r"[)\]\"'*.:]", after):
        return True
    if not before.strip():
        return bool(re.match(r"\s*(?:[.):,]|$)", after)) or (
            match.group() not in _WORDLIKE and bool(re.match(r"\s+(?:is|because)\b", after))
        )
    return bool(re.search(r"[a-zà-ÿ:=]\s*[\"'*(]*$", before)) and bool(
        re.match(r"[\"'*)\]]*\s*(?:[.,;:!)\n]|$)", after)
    )


@lru_cache(maxsize=512)
def _pattern(options: tuple[Option, ...]) -> re.Pattern[str]:
    labels = "|".join(re.escape(o.label) for o in sorted(options, key=lambda o: -len(o.label)))
    own = rf"(?<!{SPACED})(?<![.,%€$#+-])(?:{labels})(?!{SPACED})(?!%|[.,]\d)"
    texts = "|".join(map(_text, sorted(option_texts(options), key=len, reverse=True))) or r"(?!)"
    number = r"\d+(?:[.,]\d+)?"
    return re.compile(
        rf"(?P<outof>(?<![\w.,-])\d+\s*(?:/|out of|von|sur|из)\s*\d+(?![\w%]|[.,]\d))"
        rf"|(?P<trouble>(?<![\w.,]){number}\s*(?:-|~|–)\s*{number}(?![\w%])"
        rf"|(?:[<>]=?|≥|≤)\s*\d|(?<![\w.,])-(?:{labels})(?![\w.,%])"
        rf"|(?<!{SPACED})(?:{labels})\+(?!\w)"
        rf"|(?<![\w.,])\d+[.,]5(?![\w%])"
        rf"|(?<!{SPACED})(?:{labels})\s*(?:/|,?\s*\b(?:or|oder|o|ou|или)\b)\s*(?:maybe )?"
        rf"(?:{labels})(?!{SPACED}))"
        rf"|(?P<text>{texts})"
        rf"|(?P<label>{own}{_AFTER})",
        re.IGNORECASE,
    )


def _text(text: str) -> str:
    """A pattern for an option's text; scripts without spaces have no word ends."""
    if not text.isascii() and " " not in text:
        return re.escape(text)
    words = r"[\s_-]+".join(map(re.escape, text.split()))
    return rf"(?<!{SPACED}){words}(?!{SPACED})"
