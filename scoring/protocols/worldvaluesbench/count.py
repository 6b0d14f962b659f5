"""Count ratings against answers, batch by batch, in memory that does not grow with the file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from codebook.respondents.harmonised import NO_CODE
from contracts.errors import fail
from scoring.inputs.respondents import People, cell_names
from scoring.protocols.worldvaluesbench.scales import EXTRA_SLOTS, RatingScales

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


#: A file with more rows than this is no run over the probe.
PROBE_LIMIT = 50_000


@dataclass
class RatingCounts:
    """What a rating file and the people it names amount to.

    Attributes:
        joint: (cell, question, answer slot, rating slot) counts. The last answer slot means "gave
            no answer"; the rating slots behind the options mean off the scale, and unreadable.
        values: (cell, question) -> rating -> count of all readable ratings (paper mode).
        unknown_people: rows that name nobody of the release.
        in_probe: rows whose pair of person and question the release's probe holds.
        samples: whether ratings are unsteered samples, of nobody.
        apart: whether ratings are compared with answers as a whole, not person by person: all
            count in the last cell, as given to nobody's answer. Samples always are.
    """

    joint: NDArray[np.int64]
    values: dict[tuple[int, int], Counter[float]]
    unknown_people: int = 0
    in_probe: int = 0
    samples: bool = False
    apart: bool = False

    @property
    def pairs(self) -> NDArray[np.int64]:
        """Pairs of an answer and a rating on the scale, shape (G, Q, K, K)."""
        return self.joint[:, :, :-1, :-EXTRA_SLOTS]

    @property
    def people(self) -> NDArray[np.int64]:
        """Answers of everyone who was named, shape (G, Q, K)."""
        return self.joint[:, :, :-1, :].sum(axis=-1)

    @property
    def ratings(self) -> NDArray[np.int64]:
        """Ratings on the scale, shape (G, Q, K)."""
        return self.joint[..., :-EXTRA_SLOTS].sum(axis=2)

    def off_scale(self) -> int:
        """Ratings that lie on no option."""
        return int(self.joint[..., -2].sum())

    def unreadable(self) -> int:
        """Ratings that could not be read."""
        return int(self.joint[..., -1].sum())


def first_rows(predictions: Predictions) -> tuple[pa.Table | None, bool]:
    """The file's rows if they are few (None if not), and whether they are samples.

    Raises:
        ContractError: some rows name a participant and others a sample only.
    """
    batches: list[pa.RecordBatch] = []
    rows = named = total = 0
    for batch in predictions.batches():
        total += batch.num_rows
        named += batch.num_rows - batch.column("participant").null_count
        if rows <= PROBE_LIMIT:
            batches.append(batch)
            rows += batch.num_rows
    if 0 < named < total:
        raise fail(
            "mixed-ratings",
            "some rows name a participant, others only a sample",
            where=predictions.name,
            found=f"{named} of {total} rows name a participant",
            hint="Put them into two files.",
        )
    table = pa.Table.from_batches(batches) if batches and rows <= PROBE_LIMIT else None
    return table, named == 0


def count_ratings(
    predictions: Predictions,
    people: People | None,
    scales: RatingScales,
    *,
    samples: bool,
    keep: bool,
) -> RatingCounts:
    """Count the file's ratings.

    Args:
        predictions: a rating file.
        people: the persons and their answers; None where ratings are not looked at person by
            person (`RatingCounts.apart`).
        scales: slots of answers and ratings.
        samples: whether the ratings are unsteered samples.
        keep: whether every rating's own number is kept (paper mode).

    Raises:
        ContractError: a participant's id belongs to more than one person.
    """
    geometry = scales.geometry
    width = geometry.width
    shape = (len(cell_names()), len(geometry.question_ids), width + 1, width + EXTRA_SLOTS)
    apart = samples or people is None
    counts = RatingCounts(np.zeros(shape, np.int64), {}, samples=samples, apart=apart)
    answer_slots = Slots(scales.answer_slots, width)
    rating_slots = Slots(scales.rating_slots, width)
    names = pa.array(geometry.question_ids, pa.string())
    for batch in predictions.batches():
        question = pc.fill_null(pc.index_in(batch.column("question_id"), value_set=names), -1)
        row_question = question.to_numpy().astype(np.int64)
        score = pc.fill_null(batch.column("score"), np.nan).to_numpy(zero_copy_only=False)
        if apart or people is None:
            wanted = row_question >= 0
            cell = np.full(int(wanted.sum()), shape[0] - 1)
            answer = np.full(int(wanted.sum()), width)
        else:
            person = _persons(batch, people, predictions.name)
            counts.unknown_people += int(((person < 0) & (row_question >= 0)).sum())
            wanted = (row_question >= 0) & (person >= 0)
            counts.in_probe += int(people.sampled[person[wanted], row_question[wanted]].sum())
            cell = people.cells[person[wanted]]
            codes = people.codes[person[wanted], row_question[wanted]].astype(np.float64)
            answer = answer_slots.of(codes, row_question[wanted])
        read = ~np.isnan(score[wanted])
        rating = rating_slots.of(score[wanted], row_question[wanted])
        rating = np.where(read, rating, width + 1)
        flat = np.ravel_multi_index((cell, row_question[wanted], answer, rating), shape)
        counts.joint += np.bincount(flat, minlength=counts.joint.size).reshape(shape)
        if keep:
            _keep_values(counts.values, cell, row_question[wanted], score[wanted])
    return counts


def _persons(batch: pa.RecordBatch, people: People, name: str) -> NDArray[np.int64]:
    named = pc.fill_null(batch.column("participant"), -(2**62)).to_numpy().astype(np.int64)
    bad = np.intersect1d(named, people.ambiguous)
    if bad.size:
        raise fail(
            "ambiguous-participant",
            "interview ids that more than one person of the release bears name nobody",
            where=name,
            column="participant_id",
            found=", ".join(str(one) for one in bad[:10].tolist()),
            hint="Leave these people out; WorldValuesBench drops id 858069901 (Uruguay) for it.",
        )
    return people.rows(named)


class Slots:
    """Slots by question and whole number; the slot behind the options for any other."""

    def __init__(self, maps: Sequence[Mapping[int, int]], width: int) -> None:
        codes = [code for slots in maps for code in slots]
        self.low, self.high, self.width = min(codes), max(codes), width
        self.table = np.full((len(maps), self.high - self.low + 1), width, np.int64)
        for row, slots in enumerate(maps):
            for code, slot in slots.items():
                self.table[row, code - self.low] = slot

    def of(self, numbers: NDArray[np.float64], question: NDArray[np.int64]) -> NDArray[np.int64]:
        """Slot of each number under its question."""
        inside = (numbers == np.rint(numbers)) & (numbers >= self.low) & (numbers <= self.high)
        index = np.where(inside, numbers, self.low).astype(np.int64) - self.low
        return np.where(inside, self.table[question, index], self.width)


def _keep_values(
    values: dict[tuple[int, int], Counter[float]],
    cell: NDArray[np.int64],
    question: NDArray[np.int64],
    score: NDArray[np.float64],
) -> None:
    read = ~np.isnan(score)
    rows = np.stack([cell[read].astype(float), question[read].astype(float), score[read]], axis=1)
    unique, number = np.unique(rows, axis=0, return_counts=True)
    for (one, two, value), count in zip(unique.tolist(), number.tolist(), strict=True):
        values.setdefault((int(one), int(two)), Counter())[value] += count


def probe_answers(people: People, scales: RatingScales) -> NDArray[np.int64]:
    """Answers per (cell, question, slot) of everyone in `people`, shape (G, Q, K)."""
    width = scales.geometry.width
    shape = (len(people.cell_names), people.codes.shape[1], width)
    out = np.zeros(shape, np.int64)
    for question, slots in enumerate(scales.answer_slots):
        column = people.codes[:, question]
        for code, slot in slots.items():
            if code == NO_CODE:
                continue
            np.add.at(out, (people.cells[column == code], question, slot), 1)
    return out
