"""Shares and scores as they are written: percentages, fractions, decimal commas."""

from __future__ import annotations

import math
import re
from typing import Any, NamedTuple

from elicitation.reading.objects import Pairs

#: A number in normalised text; a comma is a decimal one unless a key follows it.
NUMBER = r"[-+]?(?:\d++(?:\.\d++|,\d++(?!\s*[:=]))?|\.\d++)"

#: A percent sign, or its word, behind a number and before one.
PERCENT_AFTER = (
    "%|percent|per cent|pct|prozent|por ciento|por cento|pour cent|per cento|tants? per cent|"
    "процентов|процента|процент|відсотків|відсотка|відсоток|パーセント|퍼센트|phần trăm|persen|"
    "peratus|procent(?:a|ů)?|prosent|százalék|τοις εκατό|درصد|بالمئة|بالمائة|في المئة|في المائة|"
    "प्रतिशत|শতাংশ|เปอร์เซ็นต์"
)
PERCENT_BEFORE = "%|百分之|yüzde|ร้อยละ"

_ABOUT = (
    r"(?:~|about|approx(?:\.|imately)?|around|roughly|circa|ca\.?|etwa|ungefähr|environ|"
    r"aproximadamente|cerca de|около|примерно|約|约|大约|약|khoảng|hampir|sekitar)"
)
_WRITTEN = re.compile(
    rf"^\s*(?P<about>{_ABOUT}\s*)?(?P<number>{NUMBER})\s*(?P<percent>{PERCENT_AFTER})?\s*[.;]?\s*$",
    re.IGNORECASE,
)
_PERCENT_FIRST = re.compile(rf"^\s*(?P<percent>{PERCENT_BEFORE})\s*(?P<number>{NUMBER})\s*$", re.I)
_NOTHING = frozenset({"", "-", "--", "n/a", "na", "none", "null", "nan", "?", "..."})
#: Keys under which an object of its own holds the share of an option.
_SHARE_KEYS = ("percent", "share", "prob", "value", "pct", "proportion", "weight", "%")


class Share(NamedTuple):
    """A share as written: its number, whether it is marked as a percentage, repairs."""

    amount: float
    percent: bool
    notes: tuple[str, ...] = ()


class ShareError(ValueError):
    """What is written is no share; the message is a short stable word."""


def read_share(written: Any) -> Share | None:
    """A share from an entry of an object or a piece of text; None where nothing is said.

    Raises:
        ShareError: it is negative, a range, not finite, or no number.
    """
    if written is None:
        return None
    if isinstance(written, bool):
        raise ShareError("not-a-number")
    if isinstance(written, (int, float)):
        return Share(_checked(float(written)), False)
    if isinstance(written, Pairs):
        return _nested(written)
    if isinstance(written, list):
        if len(written) == 1:
            return read_share(written[0])
        raise ShareError("not-a-number")
    return _from_text(str(written))


def _from_text(written: str) -> Share | None:
    text = written.strip().strip("\"'*_")
    if text.strip().lower() in _NOTHING:
        return None
    match = _WRITTEN.match(text) or _PERCENT_FIRST.match(text)
    if match is None:
        raise ShareError("range" if _is_range(text) else "not-a-number")
    groups = match.groupdict()
    number = groups["number"]
    notes = ["decimal-comma"] if "," in number else []
    if groups.get("about"):
        notes.append("approximate")
    amount = _checked(float(number.replace(",", ".")))
    return Share(amount, groups["percent"] is not None, tuple(notes))


_RANGE = re.compile(rf"{NUMBER}\s*%?\s*(?:-|to|bis|a|до|~|or|and|\.\.)\s*{NUMBER}|^[<>]", re.I)


def _is_range(text: str) -> bool:
    return bool(_RANGE.search(text))


def _nested(pairs: Pairs) -> Share | None:
    """The one share among the entries of an option's own object."""
    named = [v for k, v in pairs if any(word in k.lower() for word in _SHARE_KEYS)]
    if len(named) != 1:
        raise ShareError("not-a-number")
    share = read_share(named[0])
    return None if share is None else share._replace(notes=(*share.notes, "nested"))


def _checked(amount: float) -> float:
    if not math.isfinite(amount):
        raise ShareError("not-finite")
    if amount < 0:
        raise ShareError("negative")
    return amount
