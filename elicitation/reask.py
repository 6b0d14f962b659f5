"""The words of a second try at an answer that could not be read."""

from __future__ import annotations

from codebook.render import fill
from codebook.wordings import Wording
from elicitation.shown import Shown


def again_text(shown: Shown, texts: Wording) -> str:
    """What is said to a model whose reply could not be read."""
    labels = fill(texts, "option_separator").join(option.label for option in shown.options)
    if shown.reader == "shares":
        return fill(texts, "distribution_again", labels=labels)
    if shown.reader == "sequence":
        return fill(texts, "sequence_again", labels=labels, count=shown.wanted)
    if shown.reader == "rating":
        numbers = [int(option.label) for option in shown.options]
        return fill(texts, "rating_again", first=min(numbers), last=max(numbers))
    return fill(texts, "choice_again", labels=labels)
