"""Shares in running text, lists and tables: `1. Very important: 45 %`, `45 % - Agree`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from elicitation.reading.answer import Option
from elicitation.reading.labels import LabelError, label_of
from elicitation.reading.normalise import normalise
from elicitation.reading.numbers import NUMBER, Share, ShareError, read_share

_VALUE = (
    r"(?P<value>(?:~|about |approximately |around |roughly )?"
    rf"(?<![\w.]){NUMBER}(?:\s*(?:-|to)\s*{NUMBER})?\s*(?:%|percent|per cent)?)(?![\w/])"
)
_SEPARATOR = r"[\s\"'*_)\]]*(?:[:=|]|->|=>|--?(?=\s)|(?<=\s)is\b|\bof\b)+[\s\"'*_|(:=>]*"

#: Between a percentage and the option behind it, on one line.
_BACKWARD_GAP = (
    r"[ \"'*_)\]]*(?:[-:=|(]+|(?:of (?:them|people|the people) )?(?:would |might )?"
    r"(?:say|answer|choose|pick|for|of)\b)?[ \"'*_|(:]*"
)
#: Between an option and the percentage close behind it.
_CLOSE_GAP = r"[\s\"'*_]*(?:[(\[,]+|gets\b|has\b|with\b|receives\b|at\b)?[\s\"'*_(]*"


class _Patterns(NamedTuple):
    """How options and shares stand to each other in text.

    Attributes:
        forward: option, a sign such as a colon, share.
        others: line by line; share before option; percentage close behind the option.
    """

    forward: re.Pattern[str]
    others: tuple[re.Pattern[str], ...]


@lru_cache(maxsize=512)
def _patterns(options: tuple[Option, ...]) -> _Patterns:
    keys = "|".join(_alternatives(options))
    key = rf"(?P<key>(?<![\w.%])(?:{keys}))"
    labels = "|".join(re.escape(o.label) for o in sorted(options, key=lambda o: -len(o.label)))
    marked = _VALUE.replace("per cent)?", "per cent)")
    flags = re.IGNORECASE | re.MULTILINE
    return _Patterns(
        re.compile(rf"{key}{_SEPARATOR}{_VALUE}", flags),
        (
            re.compile(rf"^[ *_(-]*(?P<key>{labels})[.):\]*_]*\s+{_VALUE}[ .;,*_]*$", flags),
            re.compile(rf"{marked}{_BACKWARD_GAP}{key}(?!\w)", flags),
            re.compile(rf"{key}{_CLOSE_GAP}{marked}", flags),
        ),
    )


def _alternatives(options: Sequence[Option]) -> list[str]:
    """What names an option in text, longest first: label with text, text, label."""
    found = []
    for option in sorted(options, key=lambda o: -len(o.label)):
        label = re.escape(option.label)
        text = r"\s+".join(re.escape(word) for word in normalise(option.text).split())
        if text and _has_text(option):
            found.append(rf"{label}[\s.):|\"'*_\]-]{{1,6}}{text}")
            found.append(text)
        found.append(rf"(?:option |answer |choice )?\(?{label}(?!\w)[.)]?(?!\d)")
    return sorted(found, key=len, reverse=True)


def _has_text(option: Option) -> bool:
    """Whether an option's text says more than its label."""
    return option.text.strip() != option.label


def share_lists_in_text(text: str, options: Sequence[Option]) -> dict[str, Share] | str | None:
    """Shares by label as a text states them; a word that says why not; None where it states
    none. Where a text states the whole list more than once, the last one counts; of two ways to
    read it, the one that names more options."""
    offered = tuple(options)
    patterns = _patterns(offered)
    forward = _collect(patterns.forward, text, offered)
    if isinstance(forward, str) or (forward is not None and len(forward) == len(offered)):
        return forward
    found = [forward, *(_collect(pattern, text, offered) for pattern in patterns.others)]
    lists = [shares for shares in found if isinstance(shares, dict)]
    if not lists:
        return _bare_list(text, offered)
    most = max(len(shares) for shares in lists)
    best = [shares for shares in lists if len(shares) == most]
    return best[0] if all(shares == best[0] for shares in best) else "contradiction"


def _bare_list(text: str, options: tuple[Option, ...]) -> dict[str, Share] | None:
    """Nothing but a percentage for each option, in the order shown, that sum to 100 +- 2."""
    if not re.fullmatch(r"[\s\d.%,;/|()\[\]-]+", text):
        return None
    numbers = [float(n) for n in re.findall(r"(?<![\d.])\d+(?:\.\d+)?(?![\d])", text)]
    if len(numbers) != len(options) or abs(sum(numbers) - 100) > 2:
        return None
    pairs = zip(options, numbers, strict=True)
    return {option.label: Share(number, False, ("positional",)) for option, number in pairs}


def _collect(
    pattern: re.Pattern[str], text: str, options: tuple[Option, ...]
) -> dict[str, Share] | str | None:
    """Stated shares; a list that is whole gives way to one that follows it."""
    found: dict[str, Share] = {}
    for match in pattern.finditer(text):
        try:
            label = label_of(match["key"], options)
            share = read_share(match["value"])
        except LabelError:
            return "label-contradiction"
        except ShareError as error:
            return str(error)
        if label is None or share is None:
            continue
        if label in found and found[label][:2] != share[:2]:
            if len(found) < len(options):
                return "contradiction"
            found = {}
        found[label] = share
    return found or None
