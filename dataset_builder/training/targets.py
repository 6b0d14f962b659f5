"""Answer shares of (country, group, question) as training targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from codebook import value_questions
from contracts.errors import fail
from contracts.release.read import Release
from dataset_builder.tables.mixing import mixed, name_keys
from dataset_builder.training.held_out import Scope, training_scope
from dataset_builder.training.options import TrainingOptions

_COLUMNS = ("country", "group", "question_id", "code", "weighted_share", "n_eff", "flag")

#: Flag of a cell whose figures the survey's own documentation puts in doubt.
_DOUBTFUL = "suspect"


class Target(NamedTuple):
    """Shares of the answers on offer in one cell.

    Attributes:
        country: ISO3.
        group: group, empty for everyone.
        question_id: the question.
        shares: share by raw code; they add up to 1 over the answers on offer.
        n_eff: effective sample size of the cell.
    """

    country: str
    group: str
    question_id: str
    shares: dict[int, float]
    n_eff: float


def soft_targets(release: Release, options: TrainingOptions) -> Iterator[Target]:
    """Targets in an order drawn by the seed, evenly over countries and questions.

    The shares are those of the public view of the release: under the disclosure rule. They are
    weighted; answers that interviewers noted without reading them out are left out, and the others
    add up to 1. Doubtful cells are left out.

    Raises:
        ContractError: an option is wrong, or the release has no such cell.
    """
    scope = training_scope(release, options)
    table = _cells(release, scope, options)
    starts = _starts(table)
    columns = table.to_pydict()
    for cell in drawn_order(table, starts, options).tolist():
        target = _target(columns, int(starts[cell]), int(starts[cell + 1]))
        if target is not None:
            yield target


def _cells(release: Release, scope: Scope, options: TrainingOptions) -> pa.Table:
    has_splits = release.manifest.split.recipe != "none"
    split = options.respondents if has_splits else "all"
    where = (pc.field("split") == split) & (pc.field("wave") == scope.wave)
    where &= pc.field("question_id").isin(list(scope.questions))
    where &= pc.field("group").isin(["", *sorted(scope.groups)])
    held = pa.array(sorted(scope.held_countries), pa.string())
    where &= ~pc.field("country").isin(held) & pc.field("code").is_valid()
    if scope.countries:
        where &= pc.field("country").isin(sorted(scope.countries))
    table = release.protected().table("distributions", columns=_COLUMNS, where=where)
    if not table.num_rows:
        raise fail(
            "no-cells",
            f"the release has no distributions of split {split!r} in wave {scope.wave} to train on",
            where=release.source,
            hint="Ask for other questions, countries or respondents (--respondents all).",
        )
    return table


def _starts(table: pa.Table) -> NDArray[np.intp]:
    """Where each cell begins, and the number of rows; rows of a cell stand together."""
    changes = np.zeros(table.num_rows, bool)
    changes[0] = True
    for name in ("country", "group", "question_id"):
        column = table.column(name).combine_chunks().dictionary_encode()
        index = column.indices.to_numpy()
        changes[1:] |= index[1:] != index[:-1]
    return np.append(np.flatnonzero(changes), table.num_rows)


def drawn_order(
    table: pa.Table, starts: NDArray[np.intp], options: TrainingOptions
) -> NDArray[np.intp]:
    """Cells in drawn order, at most `limit`: first one of every (country, question), then another.

    Without a limit all cells come, in an order drawn by the seed.
    """
    first = table.take(pa.array(starts[:-1]))
    keys = [name_keys(first.column(name).to_pylist()) for name in ("country", "question_id")]
    stratum = mixed(*keys)
    draw = mixed(stratum.view(np.int64), name_keys(first.column("group").to_pylist()), options.seed)
    return stratified_order(stratum, draw, options.limit)


def stratified_order(
    stratum: NDArray[np.uint64], draw: NDArray[np.uint64], limit: int | None
) -> NDArray[np.intp]:
    """Indices in the order of `draw`; with a limit, those of the lowest ranks in their strata.

    Args:
        stratum: stratum of each row, shape (n,).
        draw: random number of each row, shape (n,).
        limit: most rows; None for all.
    """
    order = np.argsort(draw, kind="stable")
    if limit is None or limit >= len(order):
        return order
    by_stratum = order[np.argsort(stratum[order], kind="stable")]
    sizes = np.unique(stratum[by_stratum], return_counts=True)[1]
    begins = np.repeat(np.cumsum(sizes) - sizes, sizes)
    rank = np.empty(len(order), np.intp)
    rank[by_stratum] = np.arange(len(order)) - begins
    chosen = np.lexsort((draw, rank))[:limit]
    return chosen[np.argsort(draw[chosen], kind="stable")]


def _target(columns: Mapping[str, list[Any]], start: int, stop: int) -> Target | None:
    if _DOUBTFUL in columns["flag"][start]:
        return None
    question = columns["question_id"][start]
    given = dict(
        zip(columns["code"][start:stop], columns["weighted_share"][start:stop], strict=True)
    )
    offered = {code: given.get(code) or 0.0 for code in _offered(question)}
    total = sum(offered.values())
    if total <= 0:
        return None
    shares = {code: share / total for code, share in offered.items()}
    n_eff = columns["n_eff"][start] or 0.0
    return Target(columns["country"][start], columns["group"][start], question, shares, n_eff)


@cache
def _offered(question_id: str) -> tuple[int, ...]:
    scale = value_questions()[question_id].scale
    return scale.offered if scale is not None else ()
