"""The table `correlations` under disclosure control, and what must hold of it in any release."""

from __future__ import annotations

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

_CELL = ("wave", "country", "question_id")

#: Which rows of `distributions` say how a question's answers spread over its options.
EVERYONE = (pc.field("split") == "all") & (pc.field("group") == "")


def protect_correlations(table: pa.Table, distributions: pa.Table) -> pa.Table:
    """The rows of an exact table that may be public, in published figures (rule 6).

    Args:
        table: rows of `correlations` with n.
        distributions: exact rows of `distributions` of everyone (`EVERYONE`), with the cells of
            all questions of the table; of its columns wave, country, question_id, position and n.

    Returns:
        Rows in their order, without n, r to the nearest `CORRELATION_STEP`. A pair stays where
        both questions have `MINIMUM_CELL` respondents outside their commonest option and one
        respondent cannot move r by a step; a pair without a correlation goes.
    """
    outside, sd = _spread(table, distributions)
    n = pc.fill_null(table["n"], 0).to_numpy().astype(np.float64)
    r = table["r"].to_numpy(zero_copy_only=False).astype(np.float64)
    # Of a pair that few answered together, as few may stand outside the commonest option.
    public = correlation_is_public(n, np.minimum(outside, n[:, None]), sd) & np.isfinite(r)
    shown = table.filter(pa.array(public))
    figures = {
        "n": pa.nulls(shown.num_rows, pa.int32()),
        "r": pa.array(round_correlation(r[public]), pa.float32()),
    }
    for name, column in figures.items():
        shown = shown.set_column(shown.column_names.index(name), name, column)
    return shown


def _spread(
    table: pa.Table, distributions: pa.Table
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Respondents outside the commonest option of both questions, and standard deviations of
    their positions; shape (rows, 2) each, 0 where the cell is not there."""
    cells = _cell_figures(distributions)
    found = np.zeros((table.num_rows, 2, 2))
    for side, name in enumerate(("question_a", "question_b")):
        own = pa.table(
            {
                "row": pa.array(np.arange(table.num_rows)),
                "wave": table["wave"],
                "country": table["country"].cast(pa.string()),
                "question_id": table[name].cast(pa.string()),
            }
        )
        joined = own.join(cells, list(_CELL), join_type="inner")
        rows = joined["row"].to_numpy()
        found[rows, side, 0] = joined["outside"].to_numpy()
        found[rows, side, 1] = joined["sd"].to_numpy()
    return found[..., 0], found[..., 1]


def _cell_figures(distributions: pa.Table) -> pa.Table:
    """A row per cell: respondents outside the commonest option, and the deviation of positions."""
    rows = distributions.filter(pc.is_valid(distributions["position"]))
    n = rows["n"].cast(pa.float64())
    position = rows["position"].cast(pa.float64())
    weighted = pc.multiply(n, position)
    parts = pa.table(
        {
            "wave": rows["wave"],
            "country": rows["country"].cast(pa.string()),
            "question_id": rows["question_id"].cast(pa.string()),
            "n": n,
            "first": weighted,
            "second": pc.multiply(weighted, position),
        }
    )
    sums = parts.group_by(list(_CELL)).aggregate(
        [("n", "sum"), ("n", "max"), ("first", "sum"), ("second", "sum")]
    )
    total, most, first, second = (
        sums[name].to_numpy() for name in ("n_sum", "n_max", "first_sum", "second_sum")
    )
    size = np.maximum(total, 1)
    variance = np.maximum(second / size - (first / size) ** 2, 0)
    return (
        sums.select(_CELL)
        .append_column("outside", pa.array(total - most))
        .append_column("sd", pa.array(np.sqrt(variance)))
    )


def pair_problems(table: pa.Table, *, where: str = "correlations") -> list[Problem]:
    """What is wrong with the pairs of any release: each once, ordinal, in questionnaire order."""
    names = [n for n, q in value_questions().items() if q.scale is not None and q.scale.is_ordinal]
    known = pa.array(names, pa.string())
    first, second = (
        pc.fill_null(pc.index_in(table[name].cast(pa.string()), value_set=known), -1)
        .to_numpy()
        .astype(np.int64)
        for name in ("question_a", "question_b")
    )
    ordinal = (first >= 0) & (second >= 0)
    country = table["country"].cast(pa.string()).combine_chunks().dictionary_encode()
    place = table["wave"].to_numpy().astype(np.int64) * (len(country.dictionary) + 1)
    place += country.indices.to_numpy(zero_copy_only=False)
    keys = (place * len(names) + first) * len(names) + second
    r = table["r"].to_numpy(zero_copy_only=False)
    checks = {
        "pair-twice": (
            int(ordinal.sum() - len(np.unique(keys[ordinal]))),
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


def public_pair_problems(
    table: pa.Table, distributions: pa.Table, *, where: str = "correlations"
) -> list[Problem]:
    """What in a public table was not thinned and rounded, as far as published figures tell.

    Published counts lie within half a step of true ones: a question is at fault only where even
    then it has fewer than `MINIMUM_CELL` respondents outside its commonest option.
    """
    outside, _ = _spread(table, distributions)
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
