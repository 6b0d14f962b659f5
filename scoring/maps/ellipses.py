"""Sampling uncertainty of a place that is linear in answer shares.

A place t = sum_q sum_k g_q[k] p_q[k] is the mean over respondents of h = sum_q g_q[X_q], X_q the
option that a respondent chose. Its sampling covariance is therefore

    Cov(t_m, t_l) = sum_q Cov(g_qm(X_q), g_ql(X_q)) / n_q
                  + sum_{q != q'} rho_qq' a_qm a_q'l / sqrt(n_q n_q'),

with n_q the effective sample size of the cell, rho the correlation of the scale positions of two
questions within the country, and a_qm = Cov(g_qm(X_q), X_q) / sd(X_q): the part of g that moves
with the position. Without the second line, which treats the questions as if different people
answered each, ellipses come out several times too small along an axis that many questions share.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from scoring.maps.model import Ellipse

Floats = NDArray[np.float64]

#: Chi-square with two degrees of freedom, 95 %: -2 log(0.05).
_RADIUS_95 = math.sqrt(-2 * math.log(0.05))


def place_covariance(
    shares: Floats, effects: Floats, n_eff: Floats, correlations: Floats | None = None
) -> Floats:
    """Sampling covariance of a place in the plane.

    Args:
        shares: answer shares, shape (Q, K); rows sum to 1, padding is 0.
        effects: g of the module's formula, shape (2, Q, K).
        n_eff: effective sample sizes, shape (Q,), all positive.
        correlations: rho, shape (Q, Q) with ones on the diagonal; None takes the questions as
            uncorrelated.

    Returns:
        The covariance of the two coordinates, shape (2, 2).
    """
    mean = np.einsum("mqk,qk->mq", effects, shares)
    within = np.einsum("mqk,lqk,qk->mlq", effects, effects, shares)
    within -= mean[:, None] * mean[None]
    total = (within / n_eff).sum(axis=-1)
    if correlations is None:
        return total
    position = np.arange(shares.shape[1], dtype=float)
    centre = shares @ position
    spread = np.sqrt(np.maximum(shares @ position**2 - centre**2, 0.0))
    moves = np.einsum("mqk,qk,k->mq", effects, shares, position) - mean * centre
    # A question on which everybody agrees moves with nothing.
    slope = np.divide(moves, spread, out=np.zeros_like(moves), where=spread > 0) / np.sqrt(n_eff)
    between = correlations - np.diag(np.diag(correlations))
    return total + slope @ between @ slope.T


def ellipse_of(covariance: Floats) -> Ellipse:
    """The 95 % ellipse of a bivariate normal distribution with this covariance."""
    values, vectors = np.linalg.eigh((covariance + covariance.T) / 2)
    minor, major = _RADIUS_95 * np.sqrt(np.maximum(values, 0.0))
    angle = math.degrees(math.atan2(vectors[1, 1], vectors[0, 1])) % 180
    return Ellipse(major=float(major), minor=float(minor), angle=float(angle))
