"""Read a reply in the way that its method asks for."""

from __future__ import annotations

from collections.abc import Sequence

from elicitation.reading.advice import read_advice
from elicitation.reading.answer import Answer, Option
from elicitation.reading.choices import read_choice
from elicitation.reading.ratings import read_rating
from elicitation.reading.sequences import read_sequence
from elicitation.reading.shares import read_shares
from elicitation.study.methods import Reader


def read_reply(
    text: str,
    options: Sequence[Option],
    *,
    reader: Reader = "shares",
    wanted: int = 0,
    cut_off: bool = False,
) -> Answer:
    """A reply, read.

    Args:
        text: the reply.
        options: answers on offer in the order shown.
        reader: shares, rating, choice, sequence or advice.
        wanted: answers asked for in a row, for sequences.
        cut_off: whether the reply ended because it had no tokens left.

    Raises:
        ValueError: the reader takes no text.
    """
    if reader == "shares":
        return read_shares(text, options, cut_off=cut_off)
    if reader == "rating":
        return read_rating(text, options, cut_off=cut_off)
    if reader == "choice":
        return read_choice(text, options, cut_off=cut_off)
    if reader == "advice":
        return read_advice(text, options, cut_off=cut_off)
    if reader == "sequence":
        return read_sequence(text, options, wanted=wanted, cut_off=cut_off)
    raise ValueError(f"the reader {reader!r} takes no text")
