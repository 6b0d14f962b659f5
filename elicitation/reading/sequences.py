"""Many answers in a row, counted."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from elicitation.reading.answer import Answer, Option, invalid
from elicitation.reading.normalise import normalise, strip_thinking
from elicitation.reading.refusals import is_refusal

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
    said = normalise(visible.text)
    row = _longest_row(said, labels)
    if row is None:
        return _unreadable(said, cut_off=cut_off)
    if isinstance(row, str):
        return invalid(row)
    notes = ["row"]
    if len(row) != wanted:
        notes.append("count-off")
    if wanted and not COUNT_LOW * wanted <= len(row) <= COUNT_HIGH * wanted:
        return Answer("truncated") if cut_off else invalid("count-out-of-range")
    return _counted(row, labels, *notes)


def _unreadable(said: str, *, cut_off: bool) -> Answer:
    if is_refusal(said):
        return Answer("refused")
    if cut_off:
        return Answer("truncated")
    return invalid("empty" if not said.strip() else "unreadable")


def _counted(row: Sequence[str], labels: Sequence[str], *notes: str) -> Answer:
    counts = Counter(row)
    shares = {label: counts[label] / len(row) for label in labels}
    return Answer("repaired" if notes else "ok", shares, sum_found=1.0, notes=notes)


_WORD = r"[^\W_]{1,3}"
_ROW = re.compile(rf"(?<![\w-]){_WORD}(?:(?:[\s,;.|\"'\[\]()/]+|\s*-\s*){_WORD}(?![\w])){{3,}}")
_TOGETHER = re.compile(r"(?<!\w)(?:\d{10,}|[A-Z]{10,})(?!\w)")


def _longest_row(said: str, labels: Sequence[str]) -> list[str] | str | None:
    """The longest row of labels; a word that says why there is none; None where there is none."""
    candidates = []
    for match in _ROW.finditer(said):
        candidates.append(_trimmed(re.findall(_WORD, match.group()), labels))
    if all(len(label) == 1 for label in labels):
        joined = re.sub(r"(?<=\w)[\s,;]+(?=\w)", " ", said)
        candidates += [list(match.group()) for match in _TOGETHER.finditer(joined)]
    rows = [row for row in candidates if row]
    if not rows:
        return None
    best = max(rows, key=len)
    return best if all(token in labels for token in best) else "foreign-option"


def _trimmed(tokens: list[str], labels: Sequence[str]) -> list[str]:
    """A row without the words before its first and behind its last label."""
    known = [index for index, token in enumerate(tokens) if token in labels]
    inside = tokens[known[0] : known[-1] + 1] if known else []
    return [t for t in inside if t in labels or t.isdigit() or (len(t) == 1 and t.isupper())]
