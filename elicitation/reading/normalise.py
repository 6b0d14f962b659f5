"""Digits and punctuation of every script as ASCII, and a reply without its thinking."""

from __future__ import annotations

import re
import unicodedata
from functools import cache
from typing import NamedTuple

_REMOVED = (
    "\ufeff\u200b\u200c\u200d\u2060\u00ad\u200e\u200f\u202a\u202b"
    "\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
)
_SPACES = (
    "\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007"
    "\u2008\u2009\u200a\u202f\u205f\u3000\t"
)
_PUNCTUATION = {
    '"': "\u201c\u201d\u201e\u201f\u00ab\u00bb\u300c\u300d\u300e\u300f\u2033\u275d\u275e",
    "'": "\u2018\u2019\u201a\u201b\u2039\u203a\u2032\u02bc\u275b\u275c\u0060",
    "-": "\u2212\u2010\u2011\u2012\u2013\u2014\u2015\u2043\ufe63",
    ",": "\u060c\u3001\ufe50\u1363\u066c",
    ".": "\u066b\u3002\uff61\u06d4\u0964\u1362",
    ":": "\u2236\ufe55\u1361\u16eb",
    ";": "\u061b",
    "?": "\u061f",
    "%": "\u066a\ufe6a\u2052",
    "~": "\u2248\u223c\u301c\u2243",
    "=": "\u2192\u21d2\u2794\u27a1",
    "*": "\u2022\u25cf\u25cb\u25aa\u00b7\u2219\u30fb",
    "[": "\u3010",
    "]": "\u3011",
}

#: No script has decimal digits behind this code point.
_DIGITS_END = 0x1FC00


@cache
def _table() -> dict[int, str | None]:
    table: dict[int, str | None] = dict.fromkeys(map(ord, _REMOVED))
    table |= dict.fromkeys(map(ord, _SPACES), " ")
    for plain, variants in _PUNCTUATION.items():
        table |= dict.fromkeys(map(ord, variants), plain)
    table |= {code: chr(code - 0xFEE0) for code in range(0xFF01, 0xFF5F)}
    for code in range(0x80, _DIGITS_END):
        digit = unicodedata.decimal(chr(code), None)
        if digit is not None:
            table[code] = str(digit)
    return table


def normalise(text: str) -> str:
    """The text with every script's decimal digits, quotes, dashes, commas, colons, percent and
    full-width signs as their ASCII forms; invisible marks are taken out, letters stay."""
    return text if text.isascii() else text.translate(_table())


class Visible(NamedTuple):
    """A reply without its thinking.

    Attributes:
        text: what is meant for the reader.
        had_thinking: whether something was taken out.
        unclosed: whether the thinking never ended, so that there is no reply.
    """

    text: str
    had_thinking: bool
    unclosed: bool


_NAMES = "(?:seed:)?think|thinking|thought|thoughts|reasoning|reflection|analysis|scratchpad"
_OPEN = re.compile(
    rf"<\s*(?:{_NAMES})(?:\s[^<>]*)?>|<\|begin_of_thought\|>|\[THINK\]|\u25c1think\u25b7",
    re.IGNORECASE,
)
_CLOSE = re.compile(
    rf"<\s*/\s*(?:{_NAMES})\s*>|<\|end_of_thought\|>|^\.\.\.done thinking\.$|\[/THINK\]"
    r"|\u25c1/think\u25b7",
    re.IGNORECASE | re.MULTILINE,
)
_FINAL_CHANNEL = re.compile(r"<\|channel\|>final(?:<\|[a-z_]+\|>[^<]*)?<\|message\|>")
#: The same channels where a server drops their special tokens.
_BARE_CHANNELS = re.compile(r"^\s*(?:analysis|commentary).*assistant\s*final", re.DOTALL)
_BARE_ANALYSIS = re.compile(r"^\s*analysis(?=[A-Z])")
_OTHER_CHANNEL = re.compile(r"<\|channel\|>(?:analysis|commentary)")
_CONTROL = re.compile(
    r"<\|(?:im_end|eot_id|end_of_text|endoftext|end|return|eom_id|end_of_turn)\|>"
    r"|<(?:end_of_turn|eos)>|</s>"
)


def strip_thinking(text: str) -> Visible:
    """Take out blocks of thinking; everything up to the last closing mark is thinking, since
    the opening mark may stand in the prompt."""
    final = list(_FINAL_CHANNEL.finditer(text))
    if final:
        return Visible(_without_control(text[final[-1].end() :]), True, False)
    bare = _BARE_CHANNELS.match(text)
    if bare:
        return Visible(_without_control(text[bare.end() :]), True, False)
    if _OTHER_CHANNEL.search(text) or _BARE_ANALYSIS.match(text):
        return Visible("", True, True)
    closes = list(_CLOSE.finditer(text))
    rest = text[closes[-1].end() :] if closes else text
    opened = _OPEN.search(rest)
    if opened:
        return Visible(_without_control(rest[: opened.start()]), True, True)
    return Visible(_without_control(rest), bool(closes), False)


def _without_control(text: str) -> str:
    return _CONTROL.sub(" ", text)
