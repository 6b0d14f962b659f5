"""The worldvaluesbench protocol: ratings for single described persons, against their answers.

Answers are put on [0, 1] by the scale's range, and the Wasserstein-1 distance of all ratings of
a question from all answers to it is taken. Corrected mode keeps only pairs of a readable rating
on the scale and an answer, uses the codebook's positions (so code 0 of Q241-Q249 is the lowest
position of its own) and compares nominal questions by total variation. Paper mode works on the
recoded scale, keeps ratings outside the range beyond [0, 1], and loses an unreadable rating on
the model's side only.

Source: Zhao et al. (2024), WorldValuesBench, section 3.2 and the authors' code.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

import codebook
from codebook import Question
from scoring.inputs.geometry import Floats, Geometry, Mode, build_geometry

#: Model slots behind the options: a rating off the scale, and one that could not be read.
EXTRA_SLOTS = 2


@dataclass(frozen=True)
class RatingScales:
    """How raw answers and ratings of each question become slots of its scale.

    Attributes:
        geometry: slots, their order and the weights of distances; in paper mode the slots are
            the recoded codes, spaced as they are.
        answer_slots: raw answer code -> slot, by question; a code that is not there is blank.
        rating_slots: rating -> slot, by question.
        low, extent: of the range that paper mode normalises by, shape (Q,).
    """

    geometry: Geometry
    answer_slots: tuple[Mapping[int, int], ...]
    rating_slots: tuple[Mapping[int, int], ...]
    low: Floats
    extent: Floats


def rating_scales(question_ids: tuple[str, ...], *, mode: Mode, coding: str) -> RatingScales:
    """Scales of the questions under a mode, for ratings coded `raw` or `worldvaluesbench`."""
    known = codebook.questions()
    chosen = [known[name] for name in question_ids]
    if mode != "corrected":
        geometry = _recoded_geometry(chosen)
        answers = [_recoded_slots(question) for question in chosen]
        direct = [{c: i for i, c in enumerate(q.worldvaluesbench_codes())} for q in chosen]
        ratings = answers if coding == "raw" else direct
    else:
        geometry = build_geometry(question_ids)
        answers = [{c: i for i, c in enumerate(codes)} for codes in geometry.codes]
        ratings = answers if coding == "raw" else [_decoded_slots(q) for q in chosen]
    low = np.array([min(codes) for codes in geometry.codes], float)
    high = np.array([max(codes) for codes in geometry.codes], float)
    return RatingScales(geometry, tuple(answers), tuple(ratings), low, high - low)


def _recoded_slots(question: Question) -> dict[int, int]:
    """Raw code -> slot of its recoded code; blanked codes are left out."""
    assert question.scale is not None
    place = {code: slot for slot, code in enumerate(question.worldvaluesbench_codes())}
    recoded = {c: question.worldvaluesbench_recode.get(c, c) for c in question.scale.codes}
    return {raw: place[code] for raw, code in recoded.items() if code is not None}


def _decoded_slots(question: Question) -> dict[int, int]:
    """Recoded code -> position of its raw code; a code that two share stands for its own name.

    So a 1 for Q241-Q249 means raw code 1, not the code 0 that the recoding joins to it.
    """
    assert question.scale is not None
    slots: dict[int, int] = {}
    for position, raw in enumerate(question.scale.codes):
        code = question.worldvaluesbench_recode.get(raw, raw)
        if code is not None and (code not in slots or code == raw):
            slots[code] = position
    return slots


def _recoded_geometry(chosen: list[Question]) -> Geometry:
    codes = tuple(question.worldvaluesbench_codes() for question in chosen)
    width = max((len(row) for row in codes), default=2)
    source = np.full((len(codes), width), -1, np.int64)
    weights = np.zeros((len(codes), width))
    for row, options in enumerate(codes):
        source[row, : len(options)] = np.arange(len(options))
        weights[row, : len(options) - 1] = np.diff(options) / (options[-1] - options[0])
    names = tuple(question.question_id for question in chosen)
    return Geometry(names, codes, source, np.ones(len(codes), bool), weights)


def wasserstein_points(
    first: ArrayLike,
    second: ArrayLike,
    *,
    first_counts: ArrayLike | None = None,
    second_counts: ArrayLike | None = None,
) -> float:
    """Wasserstein-1 distance of two samples on a line, in the unit of their values.

    Args:
        first, second: values; first_counts, second_counts: how often each occurs (once if None).

    Returns:
        The distance; NaN where a side is empty.

    Formula: integral of |F - G|. Source: Vallender (1974), Theory Probab. Appl. 18, 784-786.
    """
    sides = [np.asarray(side, np.float64) for side in (first, second)]
    masses = [
        np.ones(side.size) if counts is None else np.asarray(counts, np.float64)
        for side, counts in zip(sides, (first_counts, second_counts), strict=True)
    ]
    if any(mass.sum() <= 0 for mass in masses):
        return float("nan")
    values = np.concatenate(sides)
    signed = np.concatenate([masses[0] / masses[0].sum(), -masses[1] / masses[1].sum()])
    order = np.argsort(values, kind="stable")
    gap = np.abs(np.cumsum(signed[order])[:-1])
    return float(gap @ np.diff(values[order]))


def slot_shares(counts: NDArray[np.int64] | Floats) -> Floats:
    """Counts of shape (..., K) as shares; NaN where there are none."""
    total = counts.sum(axis=-1, keepdims=True)
    return np.divide(counts, total, out=np.full(counts.shape, np.nan), where=total > 0)


def majority_shares(people: Floats) -> Floats:
    """All mass on the most frequent option, the first of equals; shape as `people`."""
    top = np.nan_to_num(people, nan=-1.0).argmax(axis=-1)
    shares = (np.arange(people.shape[-1]) == top[..., None]).astype(np.float64)
    return np.where(np.isnan(people), np.nan, shares)
