"""Synthetic respondents as matrices: persons x questions, country by country."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

import codebook
from scoring.structure.moments import Floats

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


@dataclass(frozen=True)
class Persons:
    """One country's synthetic respondents.

    Attributes:
        answers: positions, shape (N, Q); NaN where a person gave no answer.
        groups: what each person was told, N names.
    """

    answers: Floats
    groups: tuple[str, ...]

    def of(self, columns: Sequence[int]) -> Persons:
        """The same persons with some of the questions."""
        return Persons(self.answers[:, columns], self.groups)


def persons_by_country(predictions: Predictions, questions: Sequence[str]) -> Mapping[str, Persons]:
    """The persons of a file by country, with their answers to `questions`."""
    table = predictions.table
    assert table is not None
    country = table["country"].combine_chunks().dictionary_encode()
    person = table["person"].to_numpy()
    place = pa.array(list(questions), pa.string())
    column = pa.compute.fill_null(
        pa.compute.index_in(table["question_id"].combine_chunks(), value_set=place), -1
    ).to_numpy(zero_copy_only=False)
    position = pa.compute.fill_null(table["position"].cast(pa.float64()), np.nan).to_numpy()
    groups = table["group"].combine_chunks().dictionary_encode()
    numbers = country.indices.to_numpy(zero_copy_only=False)
    by_country: dict[str, Persons] = {}
    for index, name in enumerate(country.dictionary.to_pylist()):
        rows = np.flatnonzero(numbers == index)
        _, first, inverse = np.unique(person[rows], return_index=True, return_inverse=True)
        answers = np.full((len(first), len(questions)), np.nan)
        here = column[rows] >= 0
        answers[inverse[here], column[rows][here]] = position[rows][here]
        group_numbers = groups.indices.to_numpy(zero_copy_only=False)[rows][first]
        names = groups.dictionary.to_pylist()
        by_country[name] = Persons(answers, tuple(names[number] for number in group_numbers))
    return dict(sorted(by_country.items()))


def as_distributions(predictions: Predictions) -> Predictions:
    """The same file as answer distributions: shares of the persons of each country.

    A person counts once; those who gave no answer to a question do not count for it.
    """
    from contracts.predictions.distributions import cells_schema

    table = predictions.table
    assert table is not None
    given = table.filter(pa.compute.is_valid(table["position"]))
    counts = given.group_by(["country", "question_id", "position"]).aggregate(
        [("position", "count")]
    )
    columns = ("question_id", "country", "position", "position_count")
    shares: dict[tuple[str, str], NDArray[np.float64]] = {}
    for question, country, position, count in zip(
        *(counts[name].to_pylist() for name in columns), strict=True
    ):
        if (question, country) not in shares:
            shares[question, country] = np.zeros(_options(question))
        shares[question, country][position] = count
    records = [
        {
            "question_id": question,
            "country": country,
            "group": "",
            "shares": (counted / counted.sum()).tolist(),
            "sum_found": 1.0,
            "status": "ok",
        }
        for (question, country), counted in sorted(shares.items())
    ]
    cells = pa.Table.from_pylist(records, schema=cells_schema())
    return replace(predictions, kind="distribution", cells=cells, table=None)


@cache
def _options(question_id: str) -> int:
    """How many options a question's scale has."""
    scale = codebook.questions()[question_id].scale
    assert scale is not None
    return scale.size
