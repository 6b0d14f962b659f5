"""Checks on answer shares that every measure makes before it computes."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: How far a row of shares may be from summing to one.
SUM_TOLERANCE = 1e-6

Floats = NDArray[np.float64]


class ShareError(ValueError):
    """Shares are negative, infinite, do not sum to one, or do not fit together."""


def checked_shares(shares: ArrayLike, *, name: str = "shares") -> Floats:
    """`shares` as a float array whose rows are distributions or wholly NaN (no answer).

    Args:
        shares: shape (..., k), in scale order; padding behind the last option is 0.
        name: how an error calls the argument.

    Returns:
        The same numbers, shape (..., k), as float64.

    Raises:
        ShareError: a row is negative, partly NaN, infinite, or does not sum to 1
            (tolerance 1e-6), or there is no option axis.

    Formula: p_j >= 0 for every option and sum_j p_j = 1: a point of the probability simplex.
    Source: Aitchison (1982), J. R. Stat. Soc. B 44, 139-160, section 2.

    Example:
        >>> checked_shares([0.25, 0.75])
        array([0.25, 0.75])
        >>> checked_shares([0.25, 0.25])
        Traceback (most recent call last):
        scoring.measures.checks.ShareError: shares: a row sums to 0.5, not 1; renormalise it first
    """
    array = np.asarray(shares, dtype=np.float64)
    if array.ndim == 0 or array.shape[-1] == 0:
        raise ShareError(f"{name}: no axis of options; shape {array.shape}, expected (..., k)")
    # The sum of a row is finite only where all of it is: most arrays need no closer look.
    sums = np.einsum("...k->...", array)
    finite = sums.size > 0 and bool(np.isfinite(sums).all())
    if finite and array.min() >= -1e-12 and np.abs(sums - 1).max() <= SUM_TOLERANCE:
        return array
    absent = np.isnan(array).all(axis=-1)
    present = array[~absent]
    if not np.isfinite(present).all():
        raise ShareError(f"{name}: a row is partly NaN or infinite; a missing answer is all NaN")
    if present.size and present.min() < -1e-12:
        raise ShareError(f"{name}: negative share {present.min():.6g}; shares lie in [0, 1]")
    sums = present.sum(axis=-1)
    if sums.size and np.abs(sums - 1).max() > SUM_TOLERANCE:
        worst = sums[np.abs(sums - 1).argmax()]
        raise ShareError(f"{name}: a row sums to {worst:.6g}, not 1; renormalise it first")
    return array


def checked_pair(shares: ArrayLike, reference: ArrayLike) -> tuple[Floats, Floats]:
    """Both arguments of a measure, checked and with the same number of options.

    Raises:
        ShareError: either is no distribution, or their last axes differ.
    """
    first = checked_shares(shares, name="shares")
    second = checked_shares(reference, name="reference")
    if first.shape[-1] != second.shape[-1]:
        raise ShareError(
            f"shares have {first.shape[-1]} options, the reference {second.shape[-1]}; "
            "pad the shorter scale with zeros"
        )
    return first, second


def scale_sizes(sizes: ArrayLike | None, options: int) -> Floats:
    """Number of options K of each scale as floats, the padded length where None is given.

    Raises:
        ShareError: a scale has fewer than two options or more than the padded length.
    """
    if sizes is None:
        sizes = options
    array = np.asarray(sizes, dtype=np.float64)
    if array.min() < 2:
        raise ShareError("a scale has fewer than 2 options, so no distance is defined on it")
    if array.max() > options:
        raise ShareError(f"a scale has {array.max():.0f} options, but only {options} are given")
    return array


def renormalise(shares: ArrayLike) -> tuple[Floats, Floats]:
    """Rows scaled to sum 1, and the sums that they had.

    Args:
        shares: amounts, shape (..., k), at least 0, in any unit.

    Returns:
        Shares, shape (..., k), and sums, shape (...), in the unit given. A row that sums to 0
        becomes NaN: nothing was answered.

    Raises:
        ShareError: a share is negative.

    Formula: p_j = x_j / sum_i x_i.
    Source: the closure operation of Aitchison (1982), J. R. Stat. Soc. B 44, 139-160.

    Example:
        >>> renormalise([[30.0, 10.0]])
        (array([[0.75, 0.25]]), array([40.]))
    """
    array = np.asarray(shares, dtype=np.float64)
    if np.nanmin(array, initial=0.0) < 0:
        raise ShareError(f"negative share {np.nanmin(array):.6g}; an answer with one is invalid")
    sums = array.sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        scaled = np.where(sums[..., None] > 0, array / sums[..., None], np.nan)
    return scaled, sums
