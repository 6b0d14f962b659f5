"""Where the options of each question lie, and the one form that every distance here takes.

Both distances of the project, the normalised Wasserstein-1 of ordinal questions and the total
variation of nominal ones, are weighted sums of absolute differences of coordinates that are
linear in the shares:

    d(p, q) = sum_j w_j |z_j(p) - z_j(q)|

with z the cumulative shares and w the steps of the scale over its range (ordinal), or z the
shares themselves and w = 1/2 (nominal). `Geometry` holds w and makes z for a block of questions
padded to the longest scale.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

import codebook
from contracts.errors import fail

Mode = Literal["corrected", "paper", "paper-listed"]
Floats = NDArray[np.float64]
#: Shares of single or double precision.
Shares = TypeVar("Shares", NDArray[np.float32], NDArray[np.float64])

#: Raw codes that the alignment paper's prompts do not offer: "it is against democracy".
PAPER_LEFT_OUT = {f"Q{number}": (0,) for number in range(241, 250)}

#: Codes in the order in which the alignment paper's prompt lists them ("hard to say" last); its
#: tables 1 and 9 were computed on these positions, not on the raw codes that its text describes.
PAPER_LISTED = {"Q119": (1, 2, 3, 4, 0)}


@dataclass(frozen=True)
class Geometry:
    """The scales of Q questions, padded to K options.

    Attributes:
        question_ids: the questions, in the order of the second-last axis of shares.
        codes: raw codes of each question's options in the order of their positions.
        source: index of each option on the codebook's scale, shape (Q, K); -1 is padding.
        ordinal: whether distances along the scale mean something, shape (Q,).
        weights: w of the module's formula, shape (Q, K); 0 for padding.
    """

    question_ids: tuple[str, ...]
    codes: tuple[tuple[int, ...], ...]
    source: NDArray[np.int64]
    ordinal: NDArray[np.bool_]
    weights: Floats

    @property
    def width(self) -> int:
        """Padded number of options K."""
        return self.source.shape[1]

    @cached_property
    def sizes(self) -> NDArray[np.int64]:
        """Number of options of each question, shape (Q,)."""
        return (self.source >= 0).sum(axis=1)

    @cached_property
    def index(self) -> dict[str, int]:
        """Row of each question."""
        return {name: row for row, name in enumerate(self.question_ids)}

    @cached_property
    def uniform(self) -> Floats:
        """The uniform answer to each question, shape (Q, K)."""
        return np.where(self.source >= 0, 1 / self.sizes[:, None], 0.0)

    @cached_property
    def categories(self) -> tuple[str, ...]:
        """Category of each question."""
        known = codebook.questions()
        return tuple(known[name].category for name in self.question_ids)

    def coordinates(self, shares: Floats) -> Floats:
        """z of the module's formula for shares of shape (..., Q, K)."""
        return np.where(self.ordinal[:, None], np.cumsum(shares, axis=-1), shares)

    def row_coordinates(self, row: int, shares: Shares, *, axis: int = -1) -> Shares:
        """z of one question, with the options of `shares` along `axis`."""
        return np.cumsum(shares, axis=axis) if self.ordinal[row] else shares

    def distance(self, first: Floats, second: Floats) -> Floats:
        """Distances between shares of shapes that broadcast to (..., Q, K); shape (..., Q).

        NaN where either side is NaN. Ordinal: normalised Wasserstein-1; nominal: total variation.
        """
        gap = np.abs(self.coordinates(first) - self.coordinates(second))
        distance = np.einsum("...qk,qk->...q", gap, self.weights)
        return np.clip(distance, 0.0, 1.0)

    def take(self, rows: Sequence[int] | NDArray[np.int64]) -> Geometry:
        """The geometry of some of the questions, in the order given."""
        rows = [int(row) for row in rows]
        return Geometry(
            tuple(self.question_ids[row] for row in rows),
            tuple(self.codes[row] for row in rows),
            self.source[rows],
            self.ordinal[rows],
            self.weights[rows],
        )


def _codes(question: codebook.Question, mode: Mode) -> tuple[int, ...]:
    """Codes of the options in the order of their positions."""
    assert question.scale is not None
    if mode == "corrected":
        return question.scale.codes
    if mode == "paper-listed" and question.question_id in PAPER_LISTED:
        return PAPER_LISTED[question.question_id]
    left_out = PAPER_LEFT_OUT.get(question.question_id, ())
    return tuple(sorted(code for code in question.scale.codes if code not in left_out))


def build_geometry(question_ids: Sequence[str], *, mode: Mode = "corrected") -> Geometry:
    """The scales of `question_ids` under a mode.

    corrected: positions 0..K-1 in the codebook's order; nominal questions by total variation.
    paper: the raw codes are the positions, every question counts as ordinal, and code 0 of
    Q241-Q249 is left out (the alignment paper's rules).
    paper-listed: the same, but Q119 has positions 0..4 in the order that the paper's prompt lists
    (1, 2, 3, 4, 0), as its tables 1 and 9 have.

    Raises:
        ContractError: a question does not exist or has no answer scale.
    """
    known = codebook.questions()
    unknown = [name for name in question_ids if name not in known or known[name].scale is None]
    if unknown:
        raise fail(
            "unknown-question",
            "questions that do not exist or have no answer scale cannot be scored",
            found=", ".join(unknown[:20]),
            allowed=f"the {len(codebook.value_questions())} value questions of the codebook",
        )
    chosen = [known[name] for name in question_ids]
    scales = [question.scale for question in chosen]
    codes = tuple(_codes(question, mode) for question in chosen)
    width = max((len(row) for row in codes), default=2)
    source = np.full((len(codes), width), -1, np.int64)
    weights = np.zeros((len(codes), width))
    ordinal = np.array([mode != "corrected" or bool(s and s.is_ordinal) for s in scales], bool)
    for row, (scale, options) in enumerate(zip(scales, codes, strict=True)):
        assert scale is not None
        size = len(options)
        source[row, :size] = [scale.position(code) for code in options]
        if not ordinal[row]:
            weights[row, :size] = 0.5
            continue
        by_code = mode != "corrected" and list(options) == sorted(options)
        places = np.array(options if by_code else range(size), float)
        weights[row, : size - 1] = np.diff(places) / (places[-1] - places[0])
    return Geometry(tuple(question_ids), codes, source, ordinal, weights)
