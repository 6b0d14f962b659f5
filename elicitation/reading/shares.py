"""A whole distribution from a reply: strictly, or repaired, or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elicitation.reading.answer import Answer, Option, invalid
from elicitation.reading.normalise import normalise, strip_thinking
from elicitation.reading.numbers import ShareError, read_share
from elicitation.reading.object_shares import (
    SEVERAL,
    best_answer,
    from_block,
    is_whole,
    noted,
    readings,
    same_answer,
)
from elicitation.reading.objects import Block, Pairs, blocks, strict_json
from elicitation.reading.refusals import is_refusal
from elicitation.reading.text_shares import share_lists_in_text
from elicitation.reading.turns import corrects, is_set_aside, retracts
from elicitation.reading.weighing import weigh

#: A block may round what the text around it says by this much.
ROUNDING = 0.0151


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
        return noted(answer, "thinking")
    return answer


def _unreadable(text: str, *, cut_off: bool) -> Answer:
    if is_refusal(text):
        return Answer("refused")
    if cut_off:
        return Answer("truncated")
    return invalid("empty" if not text.strip() else "unreadable")


def _strict(text: str, options: Sequence[Option]) -> Answer | None:
    try:
        parsed = strict_json(text.strip(" \t\r\n"))
    except (ValueError, RecursionError):
        return None
    labels = [option.label for option in options]
    if not isinstance(parsed, Pairs) or sorted(k for k, _ in parsed) != sorted(labels):
        return None
    try:
        shares = {key: read_share(entry) for key, entry in parsed if not _is_deep(entry)}
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
    block_answers = []
    for block in blocks(text):
        if not block.closed and cut_off:
            if _has_share(block, options):
                return Answer("truncated", notes=("cut-off",))
            continue
        answer = from_block(block, options)
        if answer is not None and not _is_empty(answer):
            block_answers.append((block, answer))
    if block_answers:
        return _one_block(text, block_answers, options)
    answer = _from_text(text, options)
    if answer is not None and cut_off and not answer.is_usable:
        return Answer("truncated", notes=("cut-off",))
    return answer


def _is_empty(answer: Answer) -> bool:
    """Whether a block is a form to fill in: placeholders, or zeros alone."""
    return not answer.is_usable and (
        answer.notes == ("not-a-number",)
        or not (answer.sum_found or not answer.notes or answer.notes != ("sum-out-of-range",))
    )


def _one_block(
    text: str, block_answers: Sequence[tuple[Block, Answer]], options: Sequence[Option]
) -> Answer:
    """The answer of the only block that holds one, or of the one that corrects those before it.

    Blocks that name a part of the options do not count beside whole ones, unless one is said to
    be a correction.
    """
    whole = [pair for pair in block_answers if is_whole(pair[1]) or _is_contested(pair[1])] or list(
        block_answers
    )
    block, answer = whole[0]
    for following, other in whole[1:]:
        between = text[block.start + len(block.text) : following.start]
        if answer.is_usable and other.is_usable and same_answer(answer, other):
            continue
        if not corrects(between):
            return SEVERAL
        block, answer = following, other
    if not answer.is_usable:
        return answer
    before, after = text[: block.start], text[block.start + len(block.text) :]
    lead = before[
        max((b.start + len(b.text) for b, _ in block_answers if b.start < block.start), default=0) :
    ]
    if is_set_aside(lead) or retracts(_without(after, block_answers, block)):
        return invalid("retracted")
    if _contradicts(
        _without(before, block_answers, block) + "\n" + _without(after, block_answers, block),
        answer,
        options,
    ):
        return invalid("contradiction")
    return noted(answer, *_around(block, text))


def _is_contested(answer: Answer) -> bool:
    """Whether a block is a whole answer that cannot be used as it is."""
    return not answer.is_usable and answer.notes != ("missing-option",)


def _without(text: str, block_answers: Sequence[tuple[Block, Answer]], own: Block) -> str:
    for block, _ in block_answers:
        if block is not own:
            text = text.replace(block.text, "\n")
    return text


def _contradicts(around: str, answer: Answer, options: Sequence[Option]) -> bool:
    """Whether the text around a block states another whole list."""
    stated = _from_text(around, options)
    if stated is None or stated.shares is None or answer.shares is None or not is_whole(stated):
        return False
    return any(abs(stated.shares[k] - answer.shares[k]) > ROUNDING for k in answer.shares)


def _around(block: Block, text: str) -> list[str]:
    notes = []
    if block.text.strip() != text.strip():
        notes.append("text-around")
    if not block.closed:
        notes.append("unclosed")
    return notes


def _has_share(block: Block, options: Sequence[Option]) -> bool:
    return any(best_answer(parsed, options) is not None for parsed in readings(block))


def _from_text(text: str, options: Sequence[Option]) -> Answer | None:
    listed_shares = share_lists_in_text(text, options)
    if listed_shares is None:
        return None
    if isinstance(listed_shares, str):
        return invalid(listed_shares)
    answer = weigh(listed_shares, [option.label for option in options])
    if not answer.is_usable:
        # A number here and there in running text is no distribution.
        return answer if len(listed_shares) > 1 else None
    return noted(answer, "no-json")
