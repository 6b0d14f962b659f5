"""Count answers: split x country x group x question x code, by one pass of `np.bincount`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from codebook import value_questions
from codebook.respondents.harmonised import GROUP_VARIABLES, HARMONISED, group_name
from contracts.errors import ContractError, Problem
from contracts.release.disclosure import UNKNOWN_CODES
from contracts.release.distributions import Cells, distribution_table, kish_effective_n
from contracts.release.tables import SPLITS
from dataset_builder.design_effects.cells import (
    Precision,
    Respondents,
    clustered_precision,
    independent_precision,
)
from dataset_builder.design_effects.clusters import CountryDesign
from dataset_builder.design_effects.summary import median_ratio
from dataset_builder.people import People, harmonised_index
from dataset_builder.positions import COLUMNS, WIDTH, look_up

#: Splits of the table `distributions`, in order, and the parts each is the sum of.
DISTRIBUTION_SPLITS = {
    "all": tuple(range(len(SPLITS))),
    "train": (SPLITS.index("train"),),
    "test": (SPLITS.index("test"),),
}


@dataclass(frozen=True)
class Grouping:
    """One way of cutting a country's people into groups.

    Attributes:
        names: names of the groups, "" for everyone.
        index: group of each person, -1 for none, shape (n,).
    """

    names: tuple[str, ...]
    index: NDArray[np.intp]


@dataclass(frozen=True)
class Counts:
    """What was counted of one country and grouping; P parts, G groups, Q questions.

    Attributes:
        n: people per column (see `positions`), shape (P, G, Q, COLUMNS).
        weight: sums of design weights likewise.
        squared: sums of squared design weights of the valid answers, shape (P, G, Q).
        people: people per part and group, shape (P, G).
    """

    n: NDArray[np.int64]
    weight: NDArray[np.float64]
    squared: NDArray[np.float64]
    people: NDArray[np.int64]


def groupings(people: People, *, cells: bool = False) -> list[Grouping]:
    """Everyone; then by each of `GROUP_VARIABLES`; then, if asked for, by all four at once."""
    survey = people.survey
    all_groupings = [Grouping(("",), np.zeros(len(survey), np.intp))]
    indices = {v: harmonised_index(survey, v).astype(np.intp) for v in GROUP_VARIABLES}
    for variable, index in indices.items():
        names = tuple(group_name({variable: c}) for c in HARMONISED[variable].categories)
        all_groupings.append(Grouping(names, index))
    if cells:
        all_groupings.append(_cross(indices))
    return all_groupings


def _cross(indices: dict[str, NDArray[np.intp]]) -> Grouping:
    """Groups by all variables at once, those that occur; people with an unknown one are in none."""
    sizes = [len(HARMONISED[v].categories) for v in indices]
    whole = np.all([index >= 0 for index in indices.values()], axis=0)
    joint = np.full(len(whole), -1, np.intp)
    members = [index[whole] for index in indices.values()]
    joint[whole] = np.ravel_multi_index(members, sizes)
    present, place = np.unique(joint[whole], return_inverse=True)
    joint[whole] = place
    names = []
    for key in present:
        categories = [int(i) for i in np.unravel_index(key, sizes)]
        chosen = zip(indices, categories, strict=True)
        names.append(group_name({v: HARMONISED[v].categories[c] for v, c in chosen}))
    return Grouping(tuple(names), joint)


def check_codes(people: People) -> None:
    """Every answer is on its scale, off it by the codebook's word, or missing.

    Raises:
        ContractError: some are not; all are listed.
    """
    survey = people.survey
    problems = []
    for number, question in enumerate(survey.questions):
        counts = np.bincount(survey.answers[:, number].view(np.uint8), minlength=256)
        codes = np.flatnonzero(counts).astype(np.uint8).view(np.int8)
        columns = look_up(codes[:, None], [question], columns=True)[:, 0]
        unknown = codes[columns < 0].tolist()
        problems += [
            Problem(
                "unknown-code",
                "the codebook lacks this code",
                where=survey.source.name,
                column=question,
                found=str(code),
                count=int(counts[code % 256]),
            )
            for code in unknown
        ]
    if problems:
        raise ContractError(problems, subject=survey.source.name)


def count_answers(
    people: People, chosen: NDArray[np.intp], grouping: Grouping, columns: NDArray[np.int8]
) -> Counts:
    """Count the answers of some people by part and group.

    Args:
        people: the people of one survey.
        chosen: numbers of those to count, shape (m,).
        grouping: the groups to count by.
        columns: count columns of their answers, shape (m, Q).
    """
    groups, questions = len(grouping.names), columns.shape[1]
    part, group = people.split[chosen].astype(np.int64), grouping.index[chosen]
    inside = (part >= 0) & (group >= 0)
    key = (part * groups + group)[inside]
    keys = len(SPLITS) * groups
    shape = (len(SPLITS), groups, questions, COLUMNS)
    width = questions * COLUMNS
    flat = np.arange(questions, dtype=np.int32) * COLUMNS + columns[inside]
    index = (key[:, None] * width + flat).ravel()
    weight = np.repeat(people.survey.weight[chosen][inside], questions)
    size = keys * width
    squared = np.bincount(index, weight**2, minlength=size).reshape(shape)
    return Counts(
        n=np.bincount(index, minlength=size).reshape(shape),
        weight=np.bincount(index, weight, minlength=size).reshape(shape).astype(np.float64),
        squared=squared[..., :WIDTH].sum(axis=-1),
        people=np.bincount(key, minlength=keys).reshape(shape[:2]),
    )


def _kish(counts: Counts) -> NDArray[np.float64]:
    """Kish's effective sample sizes, shape (S, G, Q)."""
    sums = counts.weight[..., :WIDTH].sum(axis=-1)
    parts = [list(parts) for parts in DISTRIBUTION_SPLITS.values()]
    return np.stack(
        [kish_effective_n(sums[p].sum(axis=0), counts.squared[p].sum(axis=0)) for p in parts]
    )


def ordinal_questions(questions: Sequence[str]) -> NDArray[np.bool_]:
    """Whether each question's scale is ordinal."""
    known = [value_questions()[name] for name in questions]
    return np.array([bool(q.scale and q.scale.is_ordinal) for q in known], dtype=bool)


def _clustered(
    people: People,
    chosen: NDArray[np.intp],
    design: CountryDesign,
    grouping: Grouping,
    counts: Counts,
    columns: NDArray[np.int8],
    rho: NDArray[np.float64] | None,
) -> tuple[Precision, NDArray[np.float64]]:
    """Precision under a country's design, and the intra-cluster correlations of everyone."""
    parts = [list(parts) for parts in DISTRIBUTION_SPLITS.values()]
    return clustered_precision(
        design,
        Respondents(
            people.split[chosen], grouping.index[chosen], people.survey.weight[chosen], columns
        ),
        splits=DISTRIBUTION_SPLITS,
        ordinal=ordinal_questions(people.survey.questions),
        kish=_kish(counts),
        n=np.stack([counts.n[p][..., :WIDTH].sum(axis=(0, -1)) for p in parts]),
        width=WIDTH,
        rho=rho,
    )


def _cells(
    counts: Counts, precision: Precision, grouping: Grouping, people: People, country: str
) -> list[Cells]:
    """The cells of one country and grouping, a `Cells` per split; groups of nobody left out."""
    questions = np.array(people.survey.questions, dtype=object)
    withheld = people.survey.withheld(country)
    flags = np.array([UNKNOWN_CODES if q in withheld else "" for q in questions], dtype=object)
    split_cells = []
    for number, (split, parts) in enumerate(DISTRIBUTION_SPLITS.items()):
        there = np.flatnonzero(counts.people[list(parts)].sum(axis=0))
        n, weight = (grid[list(parts)].sum(axis=0)[there] for grid in (counts.n, counts.weight))
        total = len(there) * len(questions)
        weights = weight[..., :WIDTH].reshape(total, WIDTH)
        split_cells.append(
            Cells(
                split=np.full(total, split, dtype=object),
                wave=np.full(total, people.survey.wave, np.int8),
                country=np.full(total, country, dtype=object),
                group=np.repeat(np.array(grouping.names, dtype=object)[there], len(questions)),
                question_id=np.tile(questions, len(there)),
                counts=n[..., :WIDTH].reshape(total, WIDTH),
                weights=weights,
                n_eff=precision.n_eff[number, there].reshape(total),
                n_eff_kind=precision.kind[number, there].reshape(total),
                se=precision.se[number, there].reshape(total, WIDTH),
                missing=n[..., WIDTH:].reshape(total, COLUMNS - WIDTH),
                flag=np.tile(flags, len(there)),
            )
        )
    return split_cells


def _join(cells: Sequence[Cells]) -> Cells:
    return Cells(*(np.concatenate(parts) for parts in zip(*cells, strict=True)))


class CountryCells(NamedTuple):
    """All cells of one country, and Kish's n_eff of everyone over n_eff (median, two decimals)."""

    cells: Cells
    kish_over_n_eff: float


def country_cells(people: People, country: int, groups: Sequence[Grouping]) -> CountryCells:
    """All cells of one country, by split, then group, then question."""
    survey = people.survey
    chosen = np.flatnonzero((survey.country == country) & (people.split >= 0))
    columns = look_up(survey.answers[chosen], survey.questions, columns=True)
    design = people.design.of(country)
    by_split: list[list[Cells]] = [[] for _ in DISTRIBUTION_SPLITS]
    rho, effect = None, 1.0
    for grouping in groups:  # everyone first
        counts = count_answers(people, chosen, grouping, columns)
        kish = _kish(counts)
        precision = independent_precision(kish, width=WIDTH)
        if design is not None:
            first = rho is None
            precision, rho = _clustered(people, chosen, design, grouping, counts, columns, rho)
            if first:
                effect = median_ratio(kish[0, 0], precision.n_eff[0, 0])
        split_cells = _cells(counts, precision, grouping, people, survey.countries[country])
        for place, cells in zip(by_split, split_cells, strict=True):
            place.append(cells)
    return CountryCells(_join([cells for split in by_split for cells in split]), effect)


def distribution_batches(
    people: People, *, cells: bool = False, effects: dict[str, float] | None = None
) -> Iterator[pa.Table]:
    """Rows of `distributions` of one survey, country by country.

    Args:
        people: the people of one survey.
        cells: whether to cut by sex, age, education and settlement at once, too.
        effects: takes each country's `kish_over_n_eff` as its rows are made.
    """
    groups = groupings(people, cells=cells)
    survey = people.survey
    in_release = people.split >= 0
    for country in range(len(survey.countries)):
        if np.any((survey.country == country) & in_release):
            tabulation = country_cells(people, country, groups)
            if effects is not None:
                effects[survey.countries[country]] = tabulation.kish_over_n_eff
            yield distribution_table(tabulation.cells)
