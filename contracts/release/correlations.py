"""The table `correlations` under disclosure control, and what must hold of it in any release."""

from __future__ import annotations

from collections.abc import Sequence, Set

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from codebook import value_questions
from contracts.errors import Problem
from contracts.release.disclosure import (
    MINIMUM_CELL,
    ROUNDING,
    correlation_is_public,
    correlation_problems,
    round_correlation,
)
from contracts.release.dominance import Place, in_places
from contracts.release.text_column import index_of

_CELL = ("wave", "country", "question_id")

#: Which rows of `distributions` say how a question's answers spread over its options.
EVERYONE = (pc.field("split") == "all") & (pc.field("group") == "")


def protect_correlations(
    table: pa.Table, distributions: pa.Table, *, dominated: Set[Place] = frozenset()
) -> pa.Table:
    """The rows of an exact table that may be public, in published figures (rule 6).

    Args:
        table: rows of `correlations` with n.
        distributions: exact rows of `distributions` of everyone (`EVERYONE`), with the cells of
            all questions of the table; of its columns wave, country, question_id, position and n.
        dominated: waves and countries whose weights would tell of one respondent
            (`contracts.release.dominance`): they have no public correlations.

    Returns:
        Rows in their order, without n, r to the nearest `CORRELATION_STEP`. A pair stays where,
        whoever of a question's respondents answered the other one as well, both questions have
        `MINIMUM_CELL` respondents outside their commonest option and one respondent cannot move r
        by a step; a pair without a correlation goes.
    """
    n = pc.fill_null(table["n"], 0).to_numpy().astype(np.int64)
    outside, sd = _least_spread(table, distributions, n)
    r = table["r"].to_numpy(zero_copy_only=False).astype(np.float64)
    public = correlation_is_public(n.astype(np.float64), outside, sd) & np.isfinite(r)
    public &= ~in_places(table, dominated)
    shown = table.filter(pa.array(public))
    figures = {
        "n": pa.nulls(shown.num_rows, pa.int32()),
        "r": pa.array(round_correlation(r[public]), pa.float32()),
    }
    for name, column in figures.items():
        shown = shown.set_column(shown.column_names.index(name), name, column)
    return shown


def _least_spread(
    table: pa.Table, distributions: pa.Table, n: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What the respondents who answered both questions spread over the options at least.

    Args:
        table: rows of `correlations`.
        distributions: cells of everyone.
        n: respondents of each pair, shape (rows,).

    Returns:
        Respondents outside the commonest option of both questions, and standard deviations of
        their positions; shape (rows, 2) each, 0 where the cell is not there.
    """
    cells, counts = _counts(distributions)
    outside = np.zeros((table.num_rows, 2))
    sd = np.zeros((table.num_rows, 2))
    for side, name in enumerate(("question_a", "question_b")):
        rows, cell = _cells_of_pairs(table, name, cells)
        # Many pairs have the same number of respondents.
        key, back = np.unique(np.stack([cell, n[rows]]), axis=1, return_inverse=True)
        of_cell, size = counts[key[0]], key[1]
        outside[rows, side] = (size - of_cell.max(axis=1, initial=0))[back]
        sd[rows, side] = least_deviation(of_cell, size)[back]
    return np.maximum(outside, 0), sd


def _counts(distributions: pa.Table) -> tuple[pa.Table, NDArray[np.int64]]:
    """Cells with their number, and respondents by cell and position, shape (cells, K)."""
    rows = distributions.filter(pc.is_valid(distributions["position"]))
    own = pa.table(
        {
            "wave": rows["wave"],
            "country": rows["country"].cast(pa.string()),
            "question_id": rows["question_id"].cast(pa.string()),
        }
    )
    cells = own.group_by(list(_CELL)).aggregate([])
    cells = cells.append_column("cell", pa.array(np.arange(cells.num_rows)))
    position = rows["position"].to_numpy().astype(np.int64)
    counts = np.zeros((cells.num_rows, int(position.max(initial=0)) + 1), np.int64)
    own = own.append_column("row", pa.array(np.arange(own.num_rows)))
    joined = own.join(cells, list(_CELL), join_type="inner")
    row, cell = joined["row"].to_numpy(), joined["cell"].to_numpy()
    np.add.at(counts, (cell, position[row]), rows["n"].to_numpy()[row])
    return cells, counts


def _cells_of_pairs(
    table: pa.Table, name: str, cells: pa.Table
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows of pairs whose question is in the cells, and the number of its cell."""
    own = pa.table(
        {
            "row": pa.array(np.arange(table.num_rows)),
            "wave": table["wave"],
            "country": table["country"].cast(pa.string()),
            "question_id": table[name].cast(pa.string()),
        }
    )
    joined = own.join(cells, list(_CELL), join_type="inner")
    return joined["row"].to_numpy(), joined["cell"].to_numpy()


def least_deviation(counts: NDArray[np.int64], size: NDArray[np.int64]) -> NDArray[np.float64]:
    """Least standard deviation of the positions of any `size` of the respondents of a cell.

    The closest ones are neighbours on the scale. Exchanging those at one end for as many at the
    other lowers the sum of squares by a concave function of their number, so that the closest
    start, or end, with all respondents of an option.

    Args:
        counts: respondents by position, shape (cells, K).
        size: how many of them, shape (cells,); 0 is returned where there are fewer.
    """
    options = counts.shape[1]
    position = np.arange(options, dtype=np.float64)
    least = np.full(len(counts), np.inf)
    for scale, places in ((counts, position), (counts[:, ::-1], position[::-1])):
        for first in range(options):
            part = scale[:, first:]
            before = np.cumsum(part, axis=1) - part
            taken = np.clip(size[:, None] - before, 0, part).astype(np.float64)
            whole = taken.sum(axis=1) == size
            mean = (taken @ places[first:]) / np.maximum(size, 1)
            square = (taken * np.square(places[first:] - mean[:, None])).sum(axis=1)
            least = np.where(whole, np.minimum(least, square), least)
    enough = np.isfinite(least) & (size > 0)
    return np.sqrt(np.where(enough, least, 0.0) / np.maximum(size, 1))


def pair_problems(table: pa.Table, *, where: str = "correlations") -> list[Problem]:
    """What is wrong with the pairs of any release: each once, ordinal, in questionnaire order."""
    names = [n for n, q in value_questions().items() if q.scale is not None and q.scale.is_ordinal]
    first, second = (question_places(table[name], names) for name in ("question_a", "question_b"))
    ordinal = (first >= 0) & (second >= 0)
    country, countries = index_of(table["country"])
    place = table["wave"].to_numpy().astype(np.int64) * (len(countries) + 1) + country
    keys = (place * len(names) + first) * len(names) + second
    r = table["r"].to_numpy(zero_copy_only=False)
    checks = {
        "pair-twice": (
            int((np.diff(np.sort(keys[ordinal])) == 0).sum()),
            "pairs that occur twice",
        ),
        "pair-question": (int((~ordinal).sum()), "pairs with a question that is not ordinal"),
        "pair-order": (
            int((ordinal & (first >= second)).sum()),
            "pairs whose first question does not come before the second in the questionnaire",
        ),
        "correlation-range": (int((~(np.abs(r) <= 1 + 1e-6)).sum()), "correlations beyond 1"),
    }
    return [
        Problem(code, what, where=where, found=str(count), allowed="none")
        for code, (count, what) in checks.items()
        if count
    ]


def question_places(column: pa.ChunkedArray, names: Sequence[str]) -> NDArray[np.int64]:
    """Place of each row's question among `names`, -1 where it is none of them."""
    index, texts = index_of(column)
    known = {name: place for place, name in enumerate(names)}
    return np.array([known.get(text, -1) for text in texts] or [-1], np.int64)[index]


def public_pair_problems(
    table: pa.Table, distributions: pa.Table, *, where: str = "correlations"
) -> list[Problem]:
    """What in a public table was not thinned and rounded, as far as published figures tell.

    Published counts lie within half a step of true ones: a question is at fault only where even
    then it has fewer than `MINIMUM_CELL` respondents outside its commonest option.
    """
    outside = np.zeros((table.num_rows, 2))
    cells, counts = _counts(distributions)
    for side, name in enumerate(("question_a", "question_b")):
        rows, cell = _cells_of_pairs(table, name, cells)
        outside[rows, side] = (counts.sum(axis=1) - counts.max(axis=1, initial=0))[cell]
    most = max(q.scale.size for q in value_questions().values() if q.scale is not None)
    thin = int((outside < MINIMUM_CELL - ROUNDING // 2 * most).any(axis=1).sum())
    problems = correlation_problems(table, where=where)
    if thin:
        problems.append(
            Problem(
                "thin-pair",
                f"pairs with a question that fewer than {MINIMUM_CELL} respondents answer outside "
                "its commonest option",
                where=where,
                found=str(thin),
                allowed="none",
            )
        )
    return problems
