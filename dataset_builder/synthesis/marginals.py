"""Answer shares of the embedded reference, by country and group, with gaps borrowed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from codebook import value_questions
from codebook.respondents.harmonised import GROUP_VARIABLES, HARMONISED
from contracts.release.disclosure import NOT_ASKED
from contracts.release.read import REFERENCE, open_release
from dataset_builder.synthesis.clusters import weight_effects
from dataset_builder.synthesis.missing import OTHER_SLOTS, split_missing
from dataset_builder.synthesis.template import country_templates

if TYPE_CHECKING:
    import pyarrow as pa

#: Slots of a question: up to eleven options, then the kinds of missing answers.
OPTION_SLOTS = 11
SLOTS = OPTION_SLOTS + len(OTHER_SLOTS)
_KEYS = ("country", "question_id", "group")


@dataclass(frozen=True)
class AnswerShares:
    """Shares of answers, options and kinds of missing alike.

    Attributes:
        questions: value questions, in questionnaire order.
        countries: the file's countries, in row order.
        everyone: shape (countries, questions, SLOTS); unweighted shares of all people.
        weighted: shape (countries, questions, OPTION_SLOTS); weighted shares of the options
            among valid answers.
        groups: by group variable, shape (countries, categories, questions, SLOTS); NaN where
            the reference has no such group.
        weight_effect: n over Kish's n_eff by country, shape (countries,).
        borrowed: shape (countries, questions): whether the shares are a continent's.
    """

    questions: tuple[str, ...]
    countries: tuple[str, ...]
    everyone: NDArray[np.float32]
    weighted: NDArray[np.float32]
    groups: Mapping[str, NDArray[np.float32]]
    weight_effect: NDArray[np.float64]
    borrowed: NDArray[np.bool_]

    @property
    def borrowed_countries(self) -> tuple[str, ...]:
        """Countries without any shares of their own."""
        whole = np.asarray(self.borrowed.all(axis=1))
        return tuple(c for c, b in zip(self.countries, whole, strict=True) if b)

    @property
    def borrowed_questions(self) -> tuple[str, ...]:
        """Single questions that a country borrows, as `USA:Q33`."""
        partly = self.borrowed & ~np.asarray(self.borrowed.all(axis=1))[:, None]
        return tuple(f"{self.countries[c]}:{self.questions[q]}" for c, q in np.argwhere(partly))


def slot_codes() -> NDArray[np.int8]:
    """Raw code of every slot, shape (questions, SLOTS); -5 where a question has no such option."""
    questions = value_questions()
    codes = np.full((len(questions), SLOTS), -5, np.int8)
    for row, question in enumerate(questions.values()):
        assert question.scale is not None
        codes[row, : question.scale.size] = question.scale.codes
        codes[row, OPTION_SLOTS] = question.scale.off_scale[0] if question.scale.off_scale else -5
        codes[row, OPTION_SLOTS + 1 :] = (-1, -2, -3, -4, -5)
    return codes


@cache
def read_answer_shares() -> AnswerShares:
    """Shares of wave 7 of the embedded reference, for all countries of the file.

    A country or question that the reference lacks gets the mean of the shares of its continent's
    countries (of all countries, where the continent has none).
    """
    names = tuple(c.country for c in country_templates())
    table = ReferenceCells.read(names, wave=7)
    everyone = table.counts()
    borrowed = everyone.sum(axis=2) == 0
    shares = _borrow(_normalised(everyone))
    weighted = _borrow(_normalised(table.options("", "weighted_share")))
    groups = {}
    for variable in GROUP_VARIABLES:
        parts = [
            _borrow(_normalised(table.group_counts(f"{variable}={category}")), only=borrowed)
            for category in HARMONISED[variable].categories
        ]
        groups[variable] = np.stack(parts, axis=1)
    return AnswerShares(
        questions=tuple(value_questions()),
        countries=names,
        everyone=shares,
        weighted=weighted,
        groups=groups,
        weight_effect=weight_effects(names, wave=7),
        borrowed=borrowed,
    )


@dataclass(frozen=True)
class ReferenceCells:
    """Cells of a wave of the reference, as numbers: places of country, question, group, option."""

    columns: Mapping[str, NDArray[np.float64]]
    groups: tuple[str, ...]
    shape: tuple[int, int]

    @classmethod
    def read(cls, names: Sequence[str], *, wave: int) -> ReferenceCells:
        """Read the cells of the countries `names`, in that order."""
        import pyarrow as pa
        import pyarrow.compute as pc

        figures = ("position", "n", "weighted_share", "missing_total")
        table = open_release(REFERENCE).table(
            "distributions",
            columns=[*_KEYS, *figures, "flag"],
            where=(pc.field("wave") == wave) & (pc.field("split") == "all"),
        )
        asked = tuple(value_questions())
        groups = tuple(sorted(pc.unique(table.column("group")).to_pylist()))
        columns = {}
        for key, known in zip(_KEYS, (names, asked, groups), strict=True):
            place = pc.index_in(table.column(key).cast(pa.string()), pa.array(known))
            columns[key] = _numbers(place)
        columns |= {name: _numbers(table.column(name)) for name in figures}
        columns["not_asked"] = _numbers(pc.equal(table.column("flag"), NOT_ASKED).cast(pa.int8()))
        return cls(columns, groups, (len(names), len(asked)))

    def _rows(self, group: str) -> NDArray[np.intp]:
        """Rows of a group whose country and question are among those of the file."""
        columns = self.columns
        place = self.groups.index(group) if group in self.groups else -2
        known = np.isfinite(columns["country"]) & np.isfinite(columns["question_id"])
        return np.flatnonzero((columns["group"] == place) & known)

    def _places(self, rows: NDArray[np.intp]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        country, question = self.columns["country"][rows], self.columns["question_id"][rows]
        return country.astype(np.intp), question.astype(np.intp)

    def options(self, group: str, column: str) -> NDArray[np.float64]:
        """A column by country, question and option, shape (countries, questions, OPTION_SLOTS)."""
        rows = self._rows(group)
        rows = rows[self.columns["position"][rows] >= 0]
        country, question = self._places(rows)
        grid = np.zeros((*self.shape, OPTION_SLOTS))
        position = self.columns["position"][rows].astype(np.intp)
        grid[country, question, position] = self.columns[column][rows]
        return grid

    def missing(self) -> NDArray[np.float64]:
        """Missing answers of everyone by kind, shape (countries, questions, kinds)."""
        rows = self._rows("")
        country, question = self._places(rows)
        total = np.zeros(self.shape)
        total[country, question] = np.nan_to_num(self.columns["missing_total"][rows])
        not_asked = np.zeros(self.shape, bool)
        not_asked[country, question] = self.columns["not_asked"][rows] > 0
        names = list(value_questions())
        parts = np.stack([split_missing(name, asked=True) for name in names])
        none = split_missing(names[0], asked=False)
        return np.where(not_asked[..., None], none, total[..., None] * parts)

    def counts(self) -> NDArray[np.float64]:
        """Respondents of everyone by country, question and slot."""
        return np.concatenate([self.options("", "n"), self.missing()], axis=-1)

    def group_counts(self, group: str) -> NDArray[np.float64]:
        """The same of a group, with everyone's rate of missing answers."""
        everyone = self.options("", "n").sum(axis=-1)
        valid = self.options(group, "n")
        part = np.zeros(self.shape)
        np.divide(valid.sum(axis=-1), everyone, out=part, where=everyone > 0)
        return np.concatenate([valid, self.missing() * part[..., None]], axis=-1)


def _numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """A column as float64, null as NaN."""
    import pyarrow as pa

    return column.cast(pa.float64()).to_numpy(zero_copy_only=False)


def _normalised(counts: NDArray[np.float64]) -> NDArray[np.float32]:
    """Shares over the last axis; NaN where nobody was counted."""
    total = counts.sum(axis=-1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (counts / total).astype(np.float32)


def _borrow(
    shares: NDArray[np.float32],
    *,
    only: NDArray[np.bool_] | None = None,
) -> NDArray[np.float32]:
    """Fill countries' missing shares with the mean of their continent, else of the world."""
    continent = np.array([c.continent for c in country_templates()])
    filled = shares.copy()
    known = np.asarray(np.isfinite(shares).all(axis=-1))
    gaps = ~known if only is None else ~known & only
    world = _mean_of(shares, known)
    for place in np.flatnonzero(gaps.any(axis=1)):
        here = continent == continent[place]
        mean = _mean_of(shares[here], known[here])
        mean = np.where(np.isnan(mean), world, mean)
        filled[place, gaps[place]] = mean[gaps[place]]
    return filled


def _mean_of(shares: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Mean share over countries that have it, shape (questions, slots); NaN where none has."""
    count = known.sum(axis=0)[:, None]
    total = np.where(known[..., None], shares, 0).sum(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return (total / count).astype(np.float32)
