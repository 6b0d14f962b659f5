"""Words by which a reply turns: it corrects itself, gives a draft, denies what it names."""

from __future__ import annotations

import re
import tomllib
from functools import cache
from importlib import resources

#: Where a clause ends, and so the reach of a denial.
_CLAUSE_END = re.compile(
    r"[.,;:!?\n()\[\]{}\"*|]|\b(?:(?<!anything )but|however|because|although"
    r"|sondern|aber|sino|pero|mais|ma|mas|но|а)\b"
    r"|但|而是|しかし|けど|하지만",
    re.IGNORECASE,
)
#: Longest clause looked at, in characters: without a limit, a long reply that ends no clause would
#: be searched from its beginning for each option that it names.
_REACH = 400
_SENTENCE_END = re.compile(r"[.;!?\n](?=\s|$)")


@cache
def _pattern(kind: str) -> re.Pattern[str]:
    path = resources.files("elicitation.reading").joinpath("data/turns.toml")
    by_language = tomllib.loads(path.read_text(encoding="utf-8"))[kind]
    phrases = [phrase for listed in by_language.values() for phrase in listed]
    return re.compile("|".join(f"(?:{phrase})" for phrase in phrases), re.IGNORECASE | re.DOTALL)


def corrects(between: str) -> bool:
    """Whether the words between two answers say that the second replaces the first."""
    clause = _last(between.rstrip(" \n:*_`\"'"), _SENTENCE_END)
    return bool(_pattern("correction").search(between)) and not is_backward(clause)


def is_backward(clause: str) -> bool:
    """Whether the words before an answer say that it is given up, or shows the form alone."""
    return bool(_pattern("backward").search(clause))


def is_set_aside(before: str) -> bool:
    """Whether the clause before a block denies it or calls it a form."""
    clause = _last(before.rstrip(" \n:*_`\"'"), _SENTENCE_END)
    return bool(_SET_ASIDE.search(clause))


_SET_ASIDE = re.compile(
    r"\bnot\s*$|n't (?:be|use|say)\s*$|\b(?:instead of|rather than)\s*$|\bplaceholder|\btemplate\b"
    r"|\b(?:the|this|your|output|requested) (?:format|form)\s+(?:is|was|would be|looks like)",
    re.IGNORECASE,
)


def is_negated(before: str) -> bool:
    """Whether the clause that leads to what is named denies it."""
    return bool(_pattern("negation").search(_last(before, _CLAUSE_END)))


def has_negation(gap: str) -> bool:
    """Whether a stretch of text holds a word that denies or bounds."""
    return bool(_pattern("negation").search(gap))


def is_denied(after: str) -> bool:
    """Whether the words behind what is named deny it."""
    return bool(_pattern("denied").match(after[:60]))


def retracts(after: str) -> bool:
    """Whether the words behind an answer take it back."""
    return bool(_pattern("retraction").search(after))


def _last(text: str, end: re.Pattern[str]) -> str:
    near = text[-_REACH:]
    ends = list(end.finditer(near))
    return near[ends[-1].end() :] if ends else near
