"""What a model answered, as arrays beside those of the survey."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import codebook
from contracts.report import Coverage
from scoring.inputs.geometry import Floats
from scoring.inputs.survey import Survey

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


#: States of a cell; the first two carry shares.
STATUSES = ("ok", "repaired", "invalid", "refused", "missing")
MISSING = STATUSES.index("missing")


@dataclass(frozen=True)
class Answers:
    """Answer shares for C countries and Q questions, in the order of a survey.

    Attributes:
        shares: shape (C, Q, K); NaN where there is no usable answer.
        status: index into `STATUSES`, shape (C, Q).
        unsteered: whether one answer stands for every country.
        set_aside: answers of the file that do not count, because it holds both kinds.
        strangers: answers for countries that the survey does not hold.
    """

    shares: Floats
    status: NDArray[np.int8]
    unsteered: bool
    set_aside: int = 0
    strangers: int = 0

    @property
    def usable(self) -> NDArray[np.bool_]:
        """Whether there is an answer that can be compared, shape (C, Q)."""
        return ~np.isnan(self.shares[..., 0])


def read_answers(predictions: Predictions, survey: Survey, *, group: str = "") -> Answers:
    """A distribution file's answers for the countries and questions of `survey`.

    One answer without a country stands for all countries. A file that also holds answers for
    single countries is scored by these, unless its metadata says that nothing was steered; the
    others are counted as set aside. Shares are put into the geometry's option order and scaled
    to sum 1 over its options.
    """
    assert predictions.cells is not None
    cells = predictions.cells.to_pydict()
    rows = [row for row, name in enumerate(cells["group"]) if name == group]
    steered = {row for row in rows if cells["country"][row]}
    plain = [row for row in rows if row not in steered]
    unsteered = bool(plain) and (not steered or predictions.meta.steering == "none")
    chosen = plain if unsteered else sorted(steered)
    countries = ("",) if unsteered else survey.countries
    shares, status = _fill(cells, chosen, countries, survey)
    if unsteered:
        count = len(survey.countries)
        shares = np.broadcast_to(shares, (count, *shares.shape[1:]))
        status = np.broadcast_to(status, (count, status.shape[1]))
    known = {"", *survey.countries}
    strangers = sum(cells["country"][row] not in known for row in chosen)
    return Answers(shares, status, unsteered, len(rows) - len(chosen), strangers)


def _fill(
    cells: dict[str, list], chosen: list[int], countries: tuple[str, ...], survey: Survey
) -> tuple[Floats, NDArray[np.int8]]:
    geometry = survey.geometry
    place = {name: row for row, name in enumerate(countries)}
    shares = np.full((len(countries), len(geometry.question_ids), geometry.width), np.nan)
    status = np.full(shares.shape[:2], MISSING, np.int8)
    for row in chosen:
        question = geometry.index.get(cells["question_id"][row])
        country = place.get(cells["country"][row])
        if question is None or country is None:
            continue
        cell_shares = cells["shares"][row]
        status[country, question] = STATUSES.index(cells["status"][row])
        if cell_shares is None:
            continue
        picked = np.asarray(cell_shares, np.float64)[
            geometry.source[question][: geometry.sizes[question]]
        ]
        total = picked.sum()
        if total <= 0:  # all mass on an option that the mode leaves out
            status[country, question] = STATUSES.index("invalid")
            continue
        shares[country, question] = 0.0
        shares[country, question, : len(picked)] = picked / total
    return shares, status


def cell_coverage(answers: Answers, expected: NDArray[np.bool_]) -> Coverage:
    """Coverage over the cells that people answered and that are to be scored."""
    status = answers.status[expected]
    count = {name: int((status == index).sum()) for index, name in enumerate(STATUSES)}
    total = int(expected.sum())
    scored = count["ok"] + count["repaired"]
    return Coverage(
        expected=total,
        scored=scored,
        missing=count["missing"],
        invalid=count["invalid"],
        refused=count["refused"],
        share=scored / total if total else None,
    )


def groups_of(predictions: Predictions) -> tuple[str, ...]:
    """The demographic groups that a distribution file answers for, everyone left out."""
    assert predictions.cells is not None
    return tuple(sorted({name for name in predictions.cells["group"].to_pylist() if name}))


def few_shot_rows(survey: Survey, shown: list[str]) -> NDArray[np.bool_]:
    """Which questions of the survey were shown with answers in the prompts, shape (Q,)."""
    names = {name for name in shown if name in codebook.questions()}
    return np.array([name in names for name in survey.geometry.question_ids], bool)
