"""What people of a release's probe answered, as a table that could be public.

Scores of a rating file that leave the machine of whoever holds the rows are made from this table
alone. It does not depend on the file, and every count in it is rounded to the nearest 5 before
anything else is done with it: so no choice of ratings, however many files are sent, tells more of
a person than the table itself would.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.errors import fail
from contracts.release.disclosure import MINIMUM_CELL, round_count
from contracts.release.interview_ids import ambiguous_ids
from contracts.release.read import Release
from scoring.protocols.worldvaluesbench.count import Slots
from scoring.protocols.worldvaluesbench.scales import RatingScales, rating_scales

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


class Covered(NamedTuple):
    """How much of the probe a rating file answers, by question.

    Attributes:
        inside: ratings on the scale of pairs that the probe holds, shape (Q,).
        beside: ratings on the scale of other pairs, unknown participants included, shape (Q,).
        elsewhere: rows for other questions.
    """

    inside: NDArray[np.int64]
    beside: NDArray[np.int64]
    elsewhere: int


@dataclass(frozen=True)
class ProbeCounts:
    """The probe of one wave by question; questions with few people are left out.

    Attributes:
        scales: slots of the questions' options.
        counts: published number of people per option, shape (Q, K).
        people: published number of people, rounded by itself, shape (Q,).
    """

    scales: RatingScales
    counts: NDArray[np.int64]
    people: NDArray[np.int64]
    _ids: NDArray[np.int64]
    _pairs: NDArray[np.bool_]

    @property
    def question_ids(self) -> tuple[str, ...]:
        """The questions, in the order of the arrays."""
        return self.scales.geometry.question_ids

    def covered(self, predictions: Predictions, *, samples: bool) -> Covered:
        """Count the ratings on the scale, those of the probe's pairs and the others.

        Args:
            predictions: a rating file.
            samples: whether it holds unsteered samples; of these as many count as there are
                people to compare them with.
        """
        width = self.scales.geometry.width
        slots = Slots(self.scales.rating_slots, width)
        names = pa.array(self.question_ids, pa.string())
        rating_counts, elsewhere = np.zeros((2, len(names)), np.int64), 0
        for batch in predictions.batches():
            place = pc.fill_null(pc.index_in(batch.column("question_id"), value_set=names), -1)
            question = place.to_numpy().astype(np.int64)
            score = pc.fill_null(batch.column("score"), np.nan).to_numpy(zero_copy_only=False)
            on_scale = question >= 0
            elsewhere += int((~on_scale).sum())
            on_scale[on_scale] = slots.of(score[on_scale], question[on_scale]) < width
            question = question[on_scale]
            inside = np.ones(len(question), bool)
            if not samples:
                named = pc.fill_null(batch.column("participant"), -(2**62)).to_numpy()
                inside = self._holds(named.astype(np.int64)[on_scale], question)
            for side, rows in enumerate((inside, ~inside)):
                rating_counts[side] += np.bincount(question[rows], minlength=len(names))
        # A file may not show how far rounding has moved the number of people.
        return Covered(np.minimum(rating_counts[0], self.people), rating_counts[1], elsewhere)

    def _holds(
        self, participants: NDArray[np.int64], question: NDArray[np.int64]
    ) -> NDArray[np.bool_]:
        place = np.minimum(np.searchsorted(self._ids, participants), len(self._ids) - 1)
        return (self._ids[place] == participants) & self._pairs[place, question]


def read_probe_counts(
    release: Release, question_ids: tuple[str, ...], *, wave: int, coding: str
) -> ProbeCounts:
    """Read the probe of a release as a protected table.

    Left out are people whose interview id names nobody, and questions that fewer than
    `MINIMUM_CELL` people of the probe answered.

    Args:
        release: a release with a probe.
        question_ids: questions wanted, in order; those that the probe lacks are left out.
        wave: the wave.
        coding: coding of the ratings to be compared, `raw` or `worldvaluesbench`.

    Raises:
        ContractError: no question is left.
    """
    probe = _nameable_rows(release, wave)
    asked = probe["question_id"].cast(pa.string())
    people = {row["values"]: row["counts"] for row in pc.value_counts(asked).to_pylist()}
    shown = tuple(one for one in question_ids if people.get(one, 0) >= MINIMUM_CELL)
    if not shown:
        raise fail(
            "small-probe",
            "no question of the release's probe was answered by enough people",
            where=release.source,
            allowed=f"at least {MINIMUM_CELL} people",
        )
    place = pc.fill_null(pc.index_in(asked, value_set=pa.array(shown)), -1)
    question = place.to_numpy().astype(np.int64)
    probe, question = probe.filter(pa.array(question >= 0)), question[question >= 0]
    scales = rating_scales(shown, mode="corrected", coding=coding)
    width = scales.geometry.width
    code = probe["answer_code"].to_numpy().astype(np.float64)
    slot = Slots(scales.answer_slots, width).of(code, question)
    exact = np.zeros((len(shown), width + 1), np.int64)
    np.add.at(exact, (question, slot), 1)
    ids, row = np.unique(probe["interview_id"].to_numpy(), return_inverse=True)
    pairs = np.zeros((len(ids), len(shown)), bool)
    pairs[row, question] = True
    return ProbeCounts(
        scales=scales,
        counts=round_count(exact[:, :width]),
        people=round_count(exact[:, :width].sum(axis=1)),
        _ids=ids,
        _pairs=pairs,
    )


def _nameable_rows(release: Release, wave: int) -> pa.Table:
    """The probe's rows of people whose interview id is theirs alone."""
    where = pc.field("wave") == wave
    columns = ["interview_id", "question_id", "answer_code"]
    probe = release.table("probe", columns=columns, where=where)
    named = release.table("respondents", columns=["interview_id"], where=where)
    nameless = pa.array(ambiguous_ids(named["interview_id"].to_numpy()))
    return probe.filter(pc.invert(pc.is_in(probe["interview_id"], value_set=nameless)))
