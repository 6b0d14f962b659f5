"""Effective sample sizes and standard errors of the cells of one country under its design."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from dataset_builder.design_effects.clusters import FEWEST_CLUSTERS, LARGEST_CLUSTER, CountryDesign
from dataset_builder.design_effects.variance import design_effective_n, taylor_variance

#: Sums of weights per cluster that are in memory at a time.
_AT_ONCE = 3_000_000


class Respondents(NamedTuple):
    """Respondents of one country, in the order of its design.

    Attributes:
        part: index of the split's part, shape (n,).
        group: index of the group, -1 for none, shape (n,).
        weight: design weight, shape (n,).
        position: position of every answer, shape (n, Q); `WIDTH` and above where there is none.
    """

    part: NDArray[np.integer]
    group: NDArray[np.integer]
    weight: NDArray[np.float64]
    position: NDArray[np.int8]


class DesignFigures(NamedTuple):
    """Figures of S splits x G groups x Q questions.

    Attributes:
        n_eff: effective sample size, shape (S, G, Q); NaN where the domain is in too few clusters,
            or one cluster holds most of its weights, so that their spread says nothing.
        se: standard error of every weighted share, shape (S, G, Q, K); NaN likewise.
        clusters: clusters with a valid answer of the domain, shape (S, G, Q).
    """

    n_eff: NDArray[np.float64]
    se: NDArray[np.float64]
    clusters: NDArray[np.int64]


class Precision(NamedTuple):
    """Effective sample sizes of S splits x G groups x Q questions.

    Attributes:
        n_eff: effective sample size, shape (S, G, Q).
        kind: how it was found, shape (S, G, Q).
        se: standard errors of the shares, shape (S, G, Q, K); NaN for the formula's.
    """

    n_eff: NDArray[np.float64]
    kind: NDArray[np.object_]
    se: NDArray[np.float64]


def independent_precision(kish: NDArray[np.float64], *, width: int) -> Precision:
    """Precision of a country whose interviews count as independent."""
    kinds = np.full(kish.shape, "kish", dtype=object)
    return Precision(kish, kinds, np.full((*kish.shape, width), np.nan))


def clustered_precision(
    design: CountryDesign,
    people: Respondents,
    *,
    splits: Mapping[str, tuple[int, ...]],
    ordinal: NDArray[np.bool_],
    kish: NDArray[np.float64],
    n: NDArray[np.integer],
    width: int,
    rho: NDArray[np.float64] | None,
) -> tuple[Precision, NDArray[np.float64]]:
    """Precision under a country's design, and the intra-cluster correlations it rests on.

    Args:
        design: clusters and strata.
        people: the respondents.
        splits: parts that each split is the sum of, the split of everyone first.
        ordinal: whether each question is ordinal, shape (Q,).
        kish: Kish's effective sample sizes, shape (S, G, Q).
        n: valid answers likewise.
        width: options of the longest scale.
        rho: intra-cluster correlations of everyone, shape (Q,); None where this is everyone.
    """
    figures = design_figures(
        design,
        people,
        groups=kish.shape[1],
        splits=splits,
        width=width,
        ordinal=ordinal,
        kish=kish,
    )
    if rho is None:
        rho = intra_cluster_correlation(
            kish[0, 0], figures.n_eff[0, 0], n[0, 0], figures.clusters[0, 0]
        )
    few = np.isnan(figures.n_eff)
    assumed = effective_n_of_few_clusters(kish, n, figures.clusters, rho)
    kinds = np.where(few, "assumed", "design").astype(object)
    return Precision(np.where(few, assumed, figures.n_eff), kinds, figures.se), rho


def design_figures(
    design: CountryDesign,
    people: Respondents,
    *,
    groups: int,
    splits: Mapping[str, tuple[int, ...]],
    width: int,
    ordinal: NDArray[np.bool_],
    kish: NDArray[np.float64],
) -> DesignFigures:
    """Taylor linearisation for every domain of a country, some questions at a time.

    Args:
        design: clusters and strata.
        people: the respondents.
        groups: number of groups.
        splits: parts that each split is the sum of.
        width: options of the longest scale.
        ordinal: whether each question is ordinal, shape (Q,).
        kish: Kish's effective sample sizes, shape (S, G, Q).
    """
    questions = people.position.shape[1]
    parts = max(part for one in splits.values() for part in one) + 1
    step = max(1, _AT_ONCE // (design.clusters * parts * groups * width))
    n_eff = np.full((len(splits), groups, questions), np.nan)
    se = np.full((*n_eff.shape, width), np.nan)
    clusters = np.zeros(n_eff.shape, np.int64)
    for start in range(0, questions, step):
        block = slice(start, min(start + step, questions))
        by_part = _totals(design, people, block, parts=parts, groups=groups, width=width)
        totals = np.stack([by_part[:, list(p)].sum(axis=1) for p in splits.values()], axis=1)
        shape = (design.clusters, len(splits) * groups, *totals.shape[3:])
        totals = totals.reshape(shape)
        variance = taylor_variance(totals, design.stratum)
        whole = totals.sum(axis=0)
        own = whole.sum(axis=-1, keepdims=True)
        shares = np.divide(whole, own, out=np.zeros_like(whole), where=own > 0)
        effective_n = design_effective_n(
            shares,
            variance,
            ordinal=ordinal[block],
            kish=kish[:, :, block].reshape(shape[1:3]),
        )
        seen = (totals.sum(axis=-1) > 0).sum(axis=0).reshape(len(splits), groups, -1)
        held = totals.sum(axis=-1).max(axis=0) <= LARGEST_CLUSTER * own[..., 0]
        enough = (seen >= FEWEST_CLUSTERS) & held.reshape(seen.shape)
        clusters[:, :, block] = seen
        n_eff[:, :, block] = np.where(enough, effective_n.reshape(enough.shape), np.nan)
        errors = np.sqrt(variance.shares).reshape(*enough.shape, width)
        se[:, :, block] = np.where(enough[..., None], errors, np.nan)
    return DesignFigures(n_eff, se, clusters)


def _totals(
    design: CountryDesign,
    people: Respondents,
    block: slice,
    *,
    parts: int,
    groups: int,
    width: int,
) -> NDArray[np.float64]:
    """Sums of weights by cluster, part, group, question and option."""
    position = people.position[:, block].astype(np.int64)
    row, column = np.nonzero((position < width) & (people.group >= 0)[:, None])
    key = (design.cluster[row].astype(np.int64) * parts + people.part[row]) * groups
    key = (key + people.group[row]) * position.shape[1] + column
    shape = (design.clusters, parts, groups, position.shape[1], width)
    index = key * width + position[row, column]
    sums = np.bincount(index, people.weight[row], minlength=int(np.prod(shape)))
    return sums.astype(np.float64).reshape(shape)


def effective_n_of_few_clusters(
    kish: NDArray[np.float64],
    n: NDArray[np.integer],
    clusters: NDArray[np.integer],
    rho: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Effective sample size of a domain that lies in too few clusters for a variance of its own.

    Kish's over 1 + (b - 1) rho, with b = n / clusters respondents per cluster and rho the
    intra-cluster correlation of everyone in the country; at most Kish's.

    Source: Kish (1965), Survey Sampling, section 5.4.
    """
    size = np.divide(n, clusters, out=np.ones(kish.shape), where=clusters > 0)
    return kish / np.maximum(1.0, 1.0 + (size - 1.0) * rho)


def intra_cluster_correlation(
    kish: NDArray[np.float64],
    n_eff: NDArray[np.float64],
    n: NDArray[np.integer],
    clusters: NDArray[np.integer],
) -> NDArray[np.float64]:
    """rho = (effect - 1) / (b - 1) from the effect kish / n_eff; 0 where unknown or negative.

    Source: Kish (1965), Survey Sampling, section 5.4.
    """
    effect = np.divide(kish, n_eff, out=np.ones(kish.shape), where=np.nan_to_num(n_eff) > 0)
    size = np.divide(n, clusters, out=np.ones(kish.shape), where=clusters > 0)
    rho = np.divide(effect - 1, size - 1, out=np.zeros(kish.shape), where=size > 1)
    return np.clip(rho, 0.0, 1.0)
