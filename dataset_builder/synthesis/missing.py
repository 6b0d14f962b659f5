"""Kinds of item non-response of synthetic respondents.

Public tables give one number for all kinds together, so how it falls to the kinds is assumed, the
same in every country.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from codebook import value_questions

#: Kinds of missing answers in the order of the slots behind a question's options.
OTHER_SLOTS = ("off_scale", "dont_know", "no_answer", "not_applicable", "not_asked", "missing")

#: Assumed part of each kind of a question whose scale has codes off the scale, and of others.
_WITH_OFF_SCALE = np.array([0.3, 0.4, 0.25, 0.0, 0.0, 0.05])
_WITHOUT = np.array([0.0, 0.6, 0.35, 0.0, 0.0, 0.05])
_NOT_ASKED = np.array([0.0, 0.0, 0.0, 0.0, 1.0, 0.0])

#: Assumed part of each missing code of a demographic question.
DEMOGRAPHIC_PARTS = {-1: 0.4, -2: 0.5, -5: 0.1}


def split_missing(question_id: str, *, asked: bool) -> NDArray[np.float64]:
    """Part of each kind in the missing answers to a question, in the order of `OTHER_SLOTS`."""
    if not asked:
        return _NOT_ASKED
    scale = value_questions()[question_id].scale
    return _WITH_OFF_SCALE if scale is not None and scale.off_scale else _WITHOUT
