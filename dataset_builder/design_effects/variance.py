"""Variance of shares and means under a stratified cluster design, by Taylor linearisation."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class DesignVariance(NamedTuple):
    """Variances of estimates of D domains.

    Attributes:
        shares: variance of every weighted share, shape (D, Q, K).
        mean: variance of the mean position, shape (D, Q).
    """

    shares: NDArray[np.float64]
    mean: NDArray[np.float64]


def taylor_variance(totals: NDArray[np.float64], stratum: NDArray[np.integer]) -> DesignVariance:
    """Variance of weighted shares and mean positions from sums of weights per cluster.

    A share is the ratio p_k = T_k / T of the domain's sums of weights. Its linearised variable in
    cluster c is z_ck = (T_ck - p_k T_c) / T, and with n_h clusters in stratum h

        V(p_k) = sum_h n_h / (n_h - 1) sum_{c in h} (z_ck - mean_h z_k)^2,

    clusters being drawn with replacement (ultimate clusters). A stratum of one cluster is centred
    at the mean over all clusters, which is 0. Clusters without a member of the domain count with
    z = 0. The mean position is sum_k k p_k, and its z likewise. 0 where a domain is empty.

    Args:
        totals: sums of design weights by cluster, domain, question and option, shape (C, D, Q, K).
        stratum: stratum of each cluster, shape (C,).

    Source: Woodruff (1971), J. Am. Stat. Assoc. 66, 411-414; Wolter (2007), Introduction to
    Variance Estimation, section 6.11.
    """
    order = np.argsort(stratum, kind="stable")
    sizes = np.bincount(stratum)
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    factor = np.where(sizes > 1, sizes / np.maximum(sizes - 1, 1), 1.0)
    totals = totals[order]
    own = totals.sum(axis=-1)
    positions = np.arange(totals.shape[-1], dtype=np.float64)
    whole = own.sum(axis=0)
    safe = np.where(whole > 0, whole, 1.0)
    share = totals.sum(axis=0) / safe[..., None]
    score = totals @ positions
    mean = score.sum(axis=0) / safe
    weights = np.repeat(factor, sizes)
    # Centring takes n_h mean_h^2 off; a single cluster is centred at 0.
    centre = np.where(sizes > 1, factor / sizes, 0.0)

    def moments(first: NDArray[np.float64], ratio: NDArray[np.float64]) -> NDArray[np.float64]:
        base = own[..., None] if first.ndim > own.ndim else own
        z = first - ratio * base
        spread = np.einsum("c,c...,c...->...", weights, z, z)
        sums = np.add.reduceat(z, starts, axis=0)
        return spread - np.einsum("h,h...,h...->...", centre, sums, sums)

    scale = safe**2
    return DesignVariance(
        shares=np.maximum(moments(totals, share), 0.0) / scale[..., None],
        mean=np.maximum(moments(score, mean), 0.0) / scale,
    )


def design_effective_n(
    shares: NDArray[np.float64],
    variance: DesignVariance,
    *,
    ordinal: NDArray[np.bool_],
    kish: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Effective sample size under the design: Kish's over the design effect.

    The effect of an ordinal question is that of its mean position, V(mean) n_kish / s^2 with s^2
    the variance of positions; of a nominal one that of its shares together,
    sum_k V(p_k) n_kish / sum_k p_k (1 - p_k). So n_eff is s^2 / V(mean), or
    sum_k p_k (1 - p_k) / sum_k V(p_k). Where all answers are alike no effect can be told, and
    n_eff is Kish's.

    Args:
        shares: weighted shares, shape (D, Q, K), 0 behind a scale's end.
        variance: from `taylor_variance`.
        ordinal: whether each question is ordinal, shape (Q,).
        kish: effective sample sizes of unequal weights alone, shape (D, Q).
    """
    positions = np.arange(shares.shape[-1], dtype=np.float64)
    mean = shares @ positions
    spread = np.where(
        ordinal, shares @ positions**2 - mean**2, (shares * (1 - shares)).sum(axis=-1)
    )
    noise = np.where(ordinal, variance.mean, variance.shares.sum(axis=-1))
    effective_n = kish.copy()
    tiny = 1e-12
    np.divide(
        spread, noise, out=effective_n, where=(spread > tiny) & (noise > tiny * tiny) & (kish > 0)
    )
    return effective_n
