"""Many answers in a row, counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from elicitation.reading.answer import Answer, Option, invalid
from elicitation.reading.normalise import normalise, strip_thinking
from elicitation.reading.refusals import is_refusal
from elicitation.reading.turns import corrects

#: Bounds of the number of answers, as fractions of the number asked for.
COUNT_LOW, COUNT_HIGH = 0.5, 2.0


def read_sequence(
    text: str, options: Sequence[Option], *, wanted: int, cut_off: bool = False
) -> Answer:
    """Shares of the labels that a reply writes in a row.

    Returns:
        `ok` where it is exactly `wanted` labels separated by single spaces; `repaired` for other
        separators, labels run together, words around, or half to twice the number.
    """
    labels = [option.label for option in options]
    strict = text.strip(" \t\r\n").split(" ")
    if len(strict) == wanted and all(word in labels for word in strict):
        return _counted(strict, labels)
    visible = strip_thinking(text)
    if visible.unclosed:
        return Answer("truncated", notes=("unclosed-thinking",))
    reply_text = normalise(visible.text)
    row = _row(reply_text, labels)
    if row is None:
        return _unreadable(reply_text, cut_off=cut_off)
    if isinstance(row, str):
        return invalid(row)
    notes = ["row", *([f"dropped-{row.dropped}"] if row.dropped else [])]
    if len(row.answers) != wanted:
        notes.append("count-off")
    if wanted and not COUNT_LOW * wanted <= len(row.answers) <= COUNT_HIGH * wanted:
        return Answer("truncated") if cut_off else invalid("count-out-of-range")
    return _counted(row.answers, labels, *notes)


def _unreadable(reply_text: str, *, cut_off: bool) -> Answer:
    if is_refusal(reply_text):
        return Answer("refused")
    if cut_off:
        return Answer("truncated")
    return invalid("empty" if not reply_text.strip() else "unreadable")


def _counted(row: Sequence[str], labels: Sequence[str], *notes: str) -> Answer:
    counts = Counter(row)
    shares = {label: counts[label] / len(row) for label in labels}
    return Answer("repaired" if notes else "ok", shares, sum_found=1.0, notes=notes)


class _Row(NamedTuple):
    """Answers in a row, and how many words that are no answers stood among them."""

    answers: list[str]
    dropped: int


_WORD = r"[^\W_]{1,3}"
_BETWEEN = r"(?:[\s,;.|\"'\[\]()/*]+|\s*-\s*)"
_TOGETHER = re.compile(r"(?<!\w)(?:\d{10,}|[A-Z]{10,})(?!\w)")
#: A line of a numbered list of answers.
_NUMBERED = re.compile(rf"^[ *>-]*(\d{{1,3}})\s*[.):]\s*\**({_WORD})\**[ .,;]*$", re.MULTILINE)
#: What people give instead of an answer; it is dropped, and counted.
_NON_ANSWER = re.compile(
    r"don't know|do not know|dont know|no answer|no opinion|refus(?:ed|al)|not sure|unsure"
    r"|skip(?:ped)?|\bdk\b|\bn/?a\b|weiß nicht|weiss nicht|keine angabe|no sabe|no s[eé]"
    r"|no contesta|ne sait pas|sans réponse|não sabe|non so|не знаю|нет ответа|затрудняюсь"
    r"|不知道|わからない|모름|bilmiyorum|لا أعرف|نمی دانم|\?",
    re.IGNORECASE,
)
_FEWEST = 4


def _row(reply_text: str, labels: Sequence[str]) -> _Row | str | None:
    """The one row of labels of a text; a word that says why there is none; None where nothing
    looks like one. Non-answers within it are dropped and counted; of two rows that differ none
    is taken, unless the words between say that the later corrects the first."""
    numbered = _numbered(reply_text)
    if numbered:
        answers = [label for label in numbered if label in labels]
        return _Row(answers, 0) if len(answers) == len(numbered) else "foreign-option"
    marked, dropped = _NON_ANSWER.subn(" \x00 ", reply_text)
    candidates = [*_spaced_rows(marked, labels), *_joined_rows(marked, labels)]
    if not candidates:
        return None
    if any(row is None for _, _, row in candidates):
        return "foreign-option"
    start, end, best = candidates[0]
    for begin, finish, row in candidates[1:]:
        if row == best:
            continue
        if not corrects(marked[end:begin]):
            return "several-rows"
        start, end, best = begin, finish, row
    inside = marked[start:end].count("\x00")
    return _Row(best or [], inside) if dropped >= inside else None


def _numbered(reply_text: str) -> list[str]:
    """Answers of a list that is numbered from 1, one a line."""
    lines = _NUMBERED.findall(reply_text)
    counted = [int(number) for number, _ in lines]
    return (
        [a for _, a in lines]
        if counted == list(range(1, len(lines) + 1)) and len(lines) >= _FEWEST
        else []
    )


def _spaced_rows(reply_text: str, labels: Sequence[str]) -> list[tuple[int, int, list[str] | None]]:
    pattern = re.compile(
        rf"(?<![\w-])(?:{_WORD}|\x00)(?:{_BETWEEN}(?:{_WORD}|\x00)(?![\w%])){{3,}}"
    )
    rows = []
    for match in pattern.finditer(reply_text):
        words = re.findall(_WORD, match.group())
        known = [index for index, word in enumerate(words) if word in labels]
        if len(known) < _FEWEST:
            continue
        inside = words[known[0] : known[-1] + 1]
        inside += [word for word in words[known[-1] + 1 :] if word.isdigit()]
        # Words of a sentence on either side belong to no row; a stranger within spoils it.
        rows.append((match.start(), match.end(), inside if set(inside) <= set(labels) else None))
    return rows


def _joined_rows(reply_text: str, labels: Sequence[str]) -> list[tuple[int, int, list[str] | None]]:
    if not all(len(label) == 1 for label in labels):
        return []
    return [
        (m.start(), m.end(), list(m.group()) if set(m.group()) <= set(labels) else None)
        for m in _TOGETHER.finditer(reply_text)
    ]
