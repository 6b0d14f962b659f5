"""A whole distribution from a reply: strictly, or repaired, or not at all."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from elicitation.reading.answer import Answer, Option, invalid
from elicitation.reading.labels import LabelError, label_of
from elicitation.reading.normalise import normalise, strip_thinking
from elicitation.reading.numbers import Share, ShareError, read_share
from elicitation.reading.objects import Block, Pairs, blocks, lenient_objects, strict_json
from elicitation.reading.refusals import is_refusal
from elicitation.reading.text_shares import share_lists_in_text

#: A sum further than this from one (as a fraction) is noted, and lets no option be missing.
SUM_TOLERANCE = 0.02

#: Sums of shares, as fractions, that are still renormalised.
SUM_LOW, SUM_HIGH = 0.5, 2.0

#: Keys that stand beside shares and are none.
_ASIDE = ("total", "sum", "summe", "suma", "合计", "合計", "합계", "всего", "итого", "tổng")


def read_shares(text: str, options: Sequence[Option], *, cut_off: bool = False) -> Answer:
    """The shares that a reply states.

    Args:
        text: the reply.
        options: answers on offer.
        cut_off: whether the reply ended because it had no tokens left.

    Returns:
        `ok` only where the whole reply is a JSON object with every label once, and shares that
        sum to 100 or 1 within 2 %. Everything else that can be read is `repaired`.
    """
    strict = _strict(text, options)
    if strict is not None:
        return strict
    visible = strip_thinking(text)
    if visible.unclosed:
        return Answer("truncated", notes=("unclosed-thinking",))
    plain = normalise(visible.text)
    answer = _repaired(plain, options, cut_off=cut_off)
    if answer is None:
        return _unreadable(plain, cut_off=cut_off)
    if answer.is_usable and visible.had_thinking:
        return _noted(answer, "thinking")
    return answer


def _unreadable(text: str, *, cut_off: bool) -> Answer:
    if is_refusal(text):
        return Answer("refused")
    if cut_off:
        return Answer("truncated")
    return invalid("empty" if not text.strip() else "unreadable")


def _noted(answer: Answer, *notes: str) -> Answer:
    kept = tuple(dict.fromkeys((*answer.notes, *notes)))
    return Answer("repaired", answer.shares, answer.score, answer.sum_found, kept)


def _strict(text: str, options: Sequence[Option]) -> Answer | None:
    try:
        found = strict_json(text.strip(" \t\r\n"))
    except (ValueError, RecursionError):
        return None
    labels = [option.label for option in options]
    if not isinstance(found, Pairs) or sorted(k for k, _ in found) != sorted(labels):
        return None
    try:
        shares = {key: read_share(entry) for key, entry in found if not _is_deep(entry)}
    except ShareError:
        return None
    if len(shares) != len(labels) or any(s is None or s.notes for s in shares.values()):
        return None
    answer = weigh({k: s for k, s in shares.items() if s is not None}, labels)
    exact = answer.is_usable and not answer.notes
    return Answer("ok", answer.shares, sum_found=answer.sum_found) if exact else None


def _is_deep(entry: Any) -> bool:
    return isinstance(entry, list)


def _repaired(text: str, options: Sequence[Option], *, cut_off: bool) -> Answer | None:
    for block in reversed(blocks(text)):
        if not block.closed and cut_off:
            if _has_share(block, options):
                return Answer("truncated", notes=("cut-off",))
            continue
        answer = _from_block(block, options)
        if answer is not None:
            return answer if not answer.is_usable else _noted(answer, *_around(block, text))
    found = _from_text(text, options)
    if found is not None and cut_off and not found.is_usable:
        return Answer("truncated", notes=("cut-off",))
    return found


def _around(block: Block, text: str) -> list[str]:
    notes = []
    if block.text.strip() != text.strip():
        notes.append("text-around")
    if not block.closed:
        notes.append("unclosed")
    return notes


def _has_share(block: Block, options: Sequence[Option]) -> bool:
    return any(_best(found, options) is not None for found in _readings(block))


def _readings(block: Block) -> Iterable[Any]:
    try:
        yield strict_json(block.text)
    except (ValueError, RecursionError):
        yield from lenient_objects(block.text)


def _from_block(block: Block, options: Sequence[Option]) -> Answer | None:
    """The best reading of a block: the first usable one, else the first that says why not."""
    why_not = None
    for found in _readings(block):
        answer = _best(found, options)
        if answer is not None and answer.is_usable:
            return answer
        why_not = why_not or answer
    return why_not


def _best(found: Any, options: Sequence[Option]) -> Answer | None:
    """The answer of an object, or of the one within it that holds shares."""
    if isinstance(found, Pairs):
        return _from_pairs(found, options) or _within((v for _, v in found), options)
    if isinstance(found, list):
        return _from_list(found, options)
    return None


def _within(entries: Iterable[Any], options: Sequence[Option]) -> Answer | None:
    answers = [_best(e, options) for e in entries if isinstance(e, (Pairs, list))]
    found = [answer for answer in answers if answer is not None]
    return found[-1] if found else None


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


def _from_list(found: Sequence[Any], options: Sequence[Option]) -> Answer | None:
    """A list of shares in the order shown, or of objects that name option and share."""
    if found and all(isinstance(entry, Pairs) for entry in found):
        flat = Pairs()
        for entry in found:
            flat.extend(_named_pair(entry, options))
        answer = _from_pairs(flat, options) if flat else None
        return answer or _within(found, options)
    if len(found) != len(options) or not all(_is_amount(entry) for entry in found):
        return _within(found, options)
    pairs = Pairs((o.label, entry) for o, entry in zip(options, found, strict=True))
    answer = _from_pairs(pairs, options)
    return _noted(answer, "positional") if answer is not None and answer.is_usable else answer


def _is_amount(entry: Any) -> bool:
    return isinstance(entry, (int, float, str)) and not isinstance(entry, bool)


def _named_pair(entry: Pairs, options: Sequence[Option]) -> list[tuple[str, Any]]:
    """(label, share) of an object such as {"option": 1, "percentage": 30}."""
    if len(entry) == 1:
        return list(entry)
    named = [str(v) for _, v in entry if not isinstance(v, (Pairs, list))]
    label = next((v for v in named if _safe_label(v, options) is not None), None)
    if label is None:
        return []
    rest = Pairs((k, v) for k, v in entry if str(v) != label)
    try:
        share = read_share(rest)
    except ShareError:
        return []
    return [] if share is None else [(label, f"{share.amount}{'%' if share.percent else ''}")]


def _safe_label(key: str, options: Sequence[Option]) -> str | None:
    try:
        return label_of(key, options)
    except LabelError:
        return None


def _from_text(text: str, options: Sequence[Option]) -> Answer | None:
    found = share_lists_in_text(text, options)
    if found is None:
        return None
    if isinstance(found, str):
        return invalid(found)
    answer = weigh(found, [option.label for option in options])
    if not answer.is_usable:
        # A number here and there in running text is no distribution.
        return answer if len(found) > 1 else None
    return _noted(answer, "no-json")


def weigh(shares: Mapping[str, Share], labels: Sequence[str]) -> Answer:
    """Written shares as shares of one, or why they are none.

    Amounts are percentages where one is marked so or where the sum is nearer to 100, else
    fractions. The sum must lie in 50-200 %; an option may be lacking only where the others sum
    to 100 +- 2 %.
    """
    notes = [note for share in shares.values() for note in share.notes]
    amounts, total = _amounts(shares)
    if amounts is None:
        return invalid("mixed-units")
    if not math.isfinite(total) or not SUM_LOW <= total <= SUM_HIGH:
        return Answer("invalid", sum_found=_finite(total), notes=("sum-out-of-range",))
    if len({share.percent for share in shares.values()}) > 1:
        notes.append("percent-sign-lacking")
    lacking = [label for label in labels if label not in amounts]
    off = abs(total - 1) > SUM_TOLERANCE + 1e-9
    if lacking and off:
        return Answer("invalid", sum_found=total, notes=("missing-option",))
    if lacking:
        notes.append("missing-is-zero")
    if off:
        notes.append("sum-off")
    found = {label: amounts.get(label, 0.0) / total for label in labels}
    status = "repaired" if notes else "ok"
    return Answer(status, found, sum_found=total, notes=tuple(dict.fromkeys(notes)))  # type: ignore[arg-type]


def _finite(total: float) -> float | None:
    return total if math.isfinite(total) else None


def _amounts(shares: Mapping[str, Share]) -> tuple[dict[str, float] | None, float]:
    """Amounts as fractions and their sum; None where units are mixed beyond repair."""
    marked = [share.percent for share in shares.values()]
    raw = math.fsum(share.amount for share in shares.values())
    if any(marked):
        percent = {label: share.amount / 100 for label, share in shares.items()}
        bare_zero = all(s.percent or s.amount == 0 for s in shares.values())
        if not bare_zero and abs(raw - 100) > 100 * SUM_TOLERANCE + 1e-9:
            return None, 0.0
        return percent, raw / 100
    if raw <= SUM_HIGH:
        return {label: share.amount for label, share in shares.items()}, raw
    return {label: share.amount / 100 for label, share in shares.items()}, raw / 100
