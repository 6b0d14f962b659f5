"""Shares in an object or a list of a reply: `{"1": 40, ...}`, `[{"option": 1, "percent": 40}]`."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from typing import Any

from elicitation.reading.answer import Answer, Option, invalid
from elicitation.reading.labels import LabelError, label_of, plain
from elicitation.reading.numbers import Share, ShareError, read_share
from elicitation.reading.objects import Block, Pairs, lenient_objects, strict_json
from elicitation.reading.weighing import weigh

#: Keys that stand beside shares and are none.
_ASIDE = ("total", "sum", "summe", "suma", "合计", "合計", "합계", "всего", "итого", "tổng")
#: Keys under which a distribution is everyone's.
_EVERYONE = frozenset({"overall", "total", "all", "everyone", "combined", "final", "insgesamt"})
#: Keys of an option's own object that hold its share, the plainer first.
_SHARE_KEY = re.compile(
    r"percent|share|prob|pct|proportion|weight|frequency|%|prozent|porcent", re.I
)
_AMOUNT_KEY = re.compile(r"value|amount|count|^n$", re.I)

#: Several distributions that differ.
SEVERAL = invalid("several-distributions")


def noted(answer: Answer, *notes: str) -> Answer:
    """A usable answer with further notes, hence repaired."""
    every = tuple(dict.fromkeys((*answer.notes, *notes)))
    return Answer("repaired", answer.shares, answer.score, answer.sum_found, every)


def readings(block: Block) -> Iterable[Any]:
    try:
        yield strict_json(block.text)
    except (ValueError, RecursionError):
        yield from lenient_objects(block.text)


def from_block(block: Block, options: Sequence[Option]) -> Answer | None:
    """The best reading of a block: the first usable one, else the first that says why not."""
    why_not = None
    for parsed in readings(block):
        answer = best_answer(parsed, options)
        if answer is not None and answer.is_usable:
            return answer
        why_not = why_not or answer
    return why_not


def best_answer(parsed: Any, options: Sequence[Option]) -> Answer | None:
    """The answer of an object, or of the one within it that holds shares."""
    if isinstance(parsed, Pairs):
        return _from_pairs(parsed, options) or _within(parsed, options)
    if isinstance(parsed, list):
        return _from_list(parsed, options)
    return None


def _within(entries: Iterable[tuple[str, Any]], options: Sequence[Option]) -> Answer | None:
    """The one distribution among an object's entries, or the one of everyone; several that
    differ are none."""
    answers = [
        (key, answer)
        for key, entry in entries
        if isinstance(entry, (Pairs, list)) and (answer := best_answer(entry, options)) is not None
    ]
    overall = [answer for key, answer in answers if plain(key) in _EVERYONE]
    candidates = overall or [answer for _, answer in answers]
    if not candidates:
        return None
    return (
        candidates[0]
        if all(same_answer(candidates[0], other) for other in candidates[1:])
        else SEVERAL
    )


def same_answer(first: Answer, second: Answer) -> bool:
    """Whether two readings say the same shares."""
    if first.shares is None or second.shares is None:
        return first.shares is None and second.shares is None
    return all(math.isclose(first.shares[k], second.shares[k], abs_tol=1e-9) for k in first.shares)


def is_whole(answer: Answer) -> bool:
    """Whether a reading names every option."""
    return answer.is_usable and "missing-is-zero" not in answer.notes


def _from_pairs(pairs: Pairs, options: Sequence[Option]) -> Answer | None:
    """None where no key means an option, or nothing that it holds looks like a share."""
    try:
        known = [(label_of(key, options), key, entry) for key, entry in pairs]
    except LabelError:
        return invalid("label-contradiction")
    if not any(label is not None for label, _, _ in known):
        return None
    shares: dict[str, Share] = {}
    for label, key, entry in known:
        if label is None:
            if _is_foreign(key, entry):
                return invalid("foreign-option")
            continue
        try:
            share = read_share(entry)
        except ShareError as error:
            return _bad_share(error, entry, known)
        if share is None:
            continue
        if label in shares and shares[label][:2] != share[:2]:
            return invalid("contradiction")
        shares[label] = share
    return weigh(shares, [option.label for option in options]) if shares else None


def _bad_share(error: ShareError, entry: Any, known: Sequence[Any]) -> Answer | None:
    """An object whose labelled entries are texts is no object of shares at all."""
    if str(error) == "not-a-number" and (isinstance(entry, Pairs | list) or len(known) == 1):
        return None
    return invalid(str(error))


def _is_foreign(key: str, entry: Any) -> bool:
    """Whether a key that means no option claims a share of the whole."""
    if any(word in key.casefold() for word in _ASIDE):
        return False
    try:
        share = read_share(entry)
    except ShareError:
        return False
    return share is not None and share.amount > 0


def _from_list(entries: Sequence[Any], options: Sequence[Option]) -> Answer | None:
    """A list of shares in the order shown, or of objects that name option and share."""
    if entries and all(isinstance(entry, Pairs) for entry in entries):
        flat = Pairs()
        for entry in entries:
            flat.extend(_named_pair(entry, options))
        answer = _from_pairs(flat, options) if flat else None
        return answer or _within((("", entry) for entry in entries), options)
    if len(entries) != len(options) or not all(_is_amount(entry) for entry in entries):
        return _within((("", entry) for entry in entries), options)
    pairs = Pairs((o.label, entry) for o, entry in zip(options, entries, strict=True))
    answer = _from_pairs(pairs, options)
    return noted(answer, "positional") if answer is not None and answer.is_usable else answer


def _is_amount(entry: Any) -> bool:
    return isinstance(entry, (int, float, str)) and not isinstance(entry, bool)


def _named_pair(entry: Pairs, options: Sequence[Option]) -> list[tuple[str, Any]]:
    """(label, share) of an object such as {"option": 1, "percentage": 30}."""
    if len(entry) == 1:
        return list(entry)
    shares = [(k, v) for k, v in entry if _SHARE_KEY.search(k)]
    rest = [(k, v) for k, v in entry if not _SHARE_KEY.search(k)]
    if not shares:
        shares = [(k, v) for k, v in rest if _AMOUNT_KEY.search(k)]
        rest = [(k, v) for k, v in rest if not _AMOUNT_KEY.search(k)]
    if len(shares) != 1:
        return []
    labels = {
        label
        for _, v in rest
        if not isinstance(v, (Pairs, list)) and (label := _safe_label(str(v), options)) is not None
    }
    if not labels:
        return [(str(v), shares[0][1]) for _, v in rest if isinstance(v, str)][:1]
    try:
        share = read_share(shares[0][1])
    except ShareError:
        return [(label, shares[0][1]) for label in labels]
    if share is None:
        return []
    return [(label, f"{share.amount}{'%' if share.percent else ''}") for label in labels]


def _safe_label(key: str, options: Sequence[Option]) -> str | None:
    try:
        return label_of(key, options)
    except LabelError:
        return None
