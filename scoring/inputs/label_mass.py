"""How much of a model's probability the scored labels held, as the predictions say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.models import Notice
from contracts.predictions.meta import PredictionsMeta

#: Below this median mass of the labels, their shares are those of a remainder.
LOW_MASS = 0.1


def label_mass_notices(meta: PredictionsMeta) -> Iterator[Notice]:
    """A notice where labels held little of the probability at the first token of the reply.

    The shares of labels are renormalised over them. Where all of them together hold a small part
    of the probability, the model was about to say something else (often: to think), and their
    shares say little. Whole options always hold little: they share it with all other sentences.
    """
    answers = meta.extra.get("answers")
    mass = answers.get("label_mass") if isinstance(answers, Mapping) else None
    if meta.method != "label_likelihood" or not isinstance(mass, Mapping):
        return
    below, median = _number(mass.get("below_floor")), _number(mass.get("median"))
    if below:
        yield Notice(
            code="label-mass",
            message="The labels together held less of the probability than the floor "
            f"({_number(mass.get('floor')):g}): the model begins its reply with something else. "
            "These cells are invalid.",
            count=int(below),
        )
    elif median < LOW_MASS:
        yield Notice(
            code="label-mass",
            message=f"In the median cell the labels together held {median:.2g} of the probability: "
            "the model begins its reply with something else, and the shares of the labels are "
            "those of a remainder.",
        )


def _number(stated_number: Any) -> float:
    """A number that a file states; 0 where it states none."""
    return float(stated_number) if isinstance(stated_number, int | float) else 0.0
