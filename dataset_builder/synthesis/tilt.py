"""Answer probabilities by demographic cell that keep a country's marginals.

Iterative proportional fitting (Deming & Stephan, 1940, Ann. Math. Stat. 11, 427-444): the shares
of everyone are multiplied by a factor for each group a person is in, until the shares of every
group and of the country are those of the reference.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_ROUNDS = 4
_MARGIN_ROUNDS = 8
_TINY = np.float32(1e-12)


@dataclass(frozen=True)
class Factor:
    """A way in which people of a country fall into groups.

    Attributes:
        membership: group of each cell, shape (cells,).
        shares: answer shares of each group, shape (groups, questions, slots).
    """

    membership: NDArray[np.intp]
    shares: NDArray[np.float32]


def fit_cells(
    everyone: NDArray[np.float32], factors: Sequence[Factor], people: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Answer shares of every cell.

    Args:
        everyone: shares of the country, shape (questions, slots).
        factors: groupings with their shares; NaN stands for the shares of everyone.
        people: number of people in each cell, shape (cells,), above zero.

    Returns:
        Shares, shape (cells, questions, slots). Their mean over people is `everyone`, and their
        mean over a group that group's shares, as far as the groups agree with each other.
    """
    cells = np.broadcast_to(everyone, (len(people), *everyone.shape)).copy()
    targets = [_consistent(everyone, factor, people) for factor in factors]
    for _ in range(_ROUNDS if len(factors) > 1 else 1):
        for factor, target in zip(factors, targets, strict=True):
            mean = _group_means(cells, factor.membership, people, len(target))
            cells *= (target / np.maximum(mean, _TINY))[factor.membership]
        _normalise(cells)
    for _ in range(2):
        mean = np.tensordot(people / people.sum(), cells, axes=1)
        cells *= everyone / np.maximum(mean, _TINY)
        _normalise(cells)
    return cells


def _normalise(cells: NDArray[np.float32]) -> None:
    cells /= np.maximum(cells.sum(axis=-1, keepdims=True), _TINY)


def _group_means(
    cells: NDArray[np.float32],
    membership: NDArray[np.intp],
    people: NDArray[np.float32],
    groups: int,
) -> NDArray[np.float32]:
    weights = np.zeros((groups, len(people)), np.float32)
    weights[membership, np.arange(len(people))] = people
    weights /= np.maximum(weights.sum(axis=1, keepdims=True), 1)
    return np.tensordot(weights, cells, axes=1).astype(np.float32)


def _consistent(
    everyone: NDArray[np.float32], factor: Factor, people: NDArray[np.float32]
) -> NDArray[np.float32]:
    """The groups' shares, nudged so that their mean over people is that of the country."""
    target = np.where(np.isnan(factor.shares), everyone, factor.shares)
    size = np.bincount(factor.membership, weights=people, minlength=len(target))
    size = (size / size.sum()).astype(np.float32)
    for _ in range(_MARGIN_ROUNDS):
        mean = np.tensordot(size, target, axes=1)
        target = target * (everyone / np.maximum(mean, _TINY))
        _normalise(target)
    return target


def weight_shares(
    everyone: NDArray[np.float32],
    weighted: NDArray[np.float32],
    class_weight: NDArray[np.float64],
    class_people: NDArray[np.float64],
) -> NDArray[np.float32]:
    """Answer shares of classes of people by weight, so that weighting gives the weighted shares.

    p_class(k) = p(k) (1 + r_k (w_class - 1)), r_k = (p_weighted(k) / p(k) - 1) / var(w): its mean
    over people is p, and its mean over weights p_weighted.

    Args:
        everyone: unweighted shares, shape (questions, slots), options first.
        weighted: weighted shares among the options, shape (questions, options).
        class_weight: mean weight of each class, shape (classes,), of mean 1 over people.
        class_people: people in each class.

    Returns:
        Shares, shape (classes, questions, slots).
    """
    options = weighted.shape[1]
    mean = float(np.average(class_weight, weights=class_people))
    variance = float(np.average((class_weight - mean) ** 2, weights=class_people))
    valid = everyone[:, :options]
    goal = np.nan_to_num(weighted) * valid.sum(axis=1, keepdims=True)
    rate = np.where(valid > 0, goal / np.maximum(valid, _TINY) - 1, 0) / variance
    shares = np.repeat(everyone[None], len(class_weight), axis=0)
    factor = 1 + rate[None] * (class_weight - mean)[:, None, None]
    shares[:, :, :options] *= np.clip(factor, 0.05, 20)
    _normalise(shares)
    return shares.astype(np.float32)
