"""Answers of made-up people: the right shares, and people who agree with themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from codebook import value_questions
from codebook.respondents.harmonised import GROUP_VARIABLES, HARMONISED
from dataset_builder.synthesis.clusters import Clusters, latent_correlation
from dataset_builder.synthesis.marginals import OPTION_SLOTS, SLOTS, AnswerShares, slot_codes
from dataset_builder.synthesis.people import People
from dataset_builder.synthesis.tilt import Factor, fit_cells, weight_shares

#: Correlation of every question of a category with the category's one latent trait.
TRAIT_CORRELATION = 0.5

_WEIGHT_CLASSES = 3


@dataclass(frozen=True)
class Traits:
    """Which latent trait a question hangs on, and in which direction.

    Attributes:
        category: index of the question's category, shape (questions,).
        sign: +1 where a higher trait means a higher position, else -1, shape (questions,).
    """

    category: NDArray[np.intp]
    sign: NDArray[np.float32]


def find_traits(shares: AnswerShares) -> Traits:
    """One trait per category; its direction in a question is that of the countries' means.

    Countries' mean positions are standardised; the sign is that of the first principal
    component's loading within the category, the first question being positive.
    """
    options = shares.everyone[..., :OPTION_SLOTS]
    valid = np.maximum(options.sum(axis=-1), 1e-9)
    means = (options * np.arange(OPTION_SLOTS)).sum(axis=-1) / valid
    spread = means.std(axis=0)
    standard = (means - means.mean(axis=0)) / np.where(spread > 0, spread, 1)
    categories = [q.category for q in value_questions().values()]
    names = sorted(set(categories))
    category = np.array([names.index(c) for c in categories])
    sign = np.ones(len(categories), np.float32)
    for number in range(len(names)):
        members = np.flatnonzero(category == number)
        loading = np.linalg.svd(standard[:, members], full_matrices=False)[2][0]
        sign[members] = np.where(loading * (loading[0] or 1) >= 0, 1, -1)
    return Traits(category=category, sign=sign)


def draw_answers(
    shares: AnswerShares,
    traits: Traits,
    place: int,
    people: People,
    weight: NDArray[np.float64],
    clusters: Clusters | None = None,
    *,
    rng: np.random.Generator,
) -> NDArray[np.int8]:
    """Raw codes of everyone's answers to every value question.

    Args:
        shares: answer shares of the reference.
        traits: the questions' traits.
        place: index of the country in `shares.countries`.
        people: its people.
        weight: their design weights, shape (n,).
        clusters: where the interviews took place; people of a cluster answer alike.
        rng: source of randomness.

    Returns:
        Codes, shape (n, questions), Fortran order.
    """
    cell_of_person, cells = _cell_shares(shares, place, people, weight)
    shift = None
    if clusters is not None and clusters.cluster is not None:
        options = shares.everyone[place][:, :OPTION_SLOTS].astype(np.float64)
        shift = ClusterLatent(clusters.cluster, latent_correlation(options, clusters.rho))
    slots = _draw_slots(cell_of_person, cells, traits, shift, rng)
    return np.asfortranarray(
        slot_codes()[np.arange(slots.shape[1])[None, :], slots].astype(np.int8)
    )


def _cell_shares(
    shares: AnswerShares, place: int, people: People, weight: NDArray[np.float64]
) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Cell of each person, and the answer shares of each cell."""
    everyone = shares.everyone[place]
    keys = [_categories(variable, people) for variable in GROUP_VARIABLES]
    weight_class = _weight_class(weight)
    table = np.stack([*keys, weight_class], axis=1)
    distinct, cell, count = np.unique(table, axis=0, return_inverse=True, return_counts=True)
    factors = []
    for column, variable in enumerate(GROUP_VARIABLES):
        own = shares.groups[variable][place]
        none = np.full((1, *everyone.shape), np.nan, np.float32)
        factors.append(Factor(distinct[:, column], np.concatenate([own, none])))
    if weight_class.any():
        class_people = np.bincount(weight_class).astype(np.float64)
        class_weight = np.bincount(weight_class, weights=weight) / class_people
        tilted = weight_shares(everyone, shares.weighted[place], class_weight, class_people)
        factors.append(Factor(distinct[:, -1], tilted))
    return cell.ravel(), fit_cells(everyone, factors, count.astype(np.float32))


def _categories(variable: str, people: People) -> NDArray[np.intp]:
    """Category of everyone; the last index plus one for those who are in none."""
    harmonised = HARMONISED[variable]
    category_indices = harmonised.recode(people.codes[harmonised.variable]).astype(np.intp)
    return np.where(category_indices < 0, len(harmonised.categories), category_indices)


def _weight_class(weight: NDArray[np.float64]) -> NDArray[np.intp]:
    """Thirds of people by weight; all zero where everyone weighs the same."""
    if np.ptp(weight) < 1e-9 or len(weight) < 10 * _WEIGHT_CLASSES:
        return np.zeros(len(weight), np.intp)
    edges = np.quantile(weight, np.arange(1, _WEIGHT_CLASSES) / _WEIGHT_CLASSES)
    return np.searchsorted(edges, weight, side="right")


class ClusterLatent(NamedTuple):
    """What people of a cluster have in common.

    Attributes:
        cluster: number of everyone's cluster, shape (n,).
        correlation: share of each question's latent that is the cluster's, shape (questions,).
    """

    cluster: NDArray[np.int64]
    correlation: NDArray[np.float64]


def _latent(n: int, width: int, traits: Traits, rng: np.random.Generator) -> NDArray[np.float32]:
    """Standard normal latents of n persons (or clusters), alike within a category."""
    trait = rng.standard_normal((n, traits.category.max() + 1), dtype=np.float32)
    latent = rng.standard_normal((n, width), dtype=np.float32)
    latent *= np.float32(np.sqrt(1 - TRAIT_CORRELATION**2))
    latent += TRAIT_CORRELATION * traits.sign * trait[:, traits.category]
    return latent


def _draw_slots(
    cell_of_person: NDArray[np.intp],
    cells: NDArray[np.float32],
    traits: Traits,
    shift: ClusterLatent | None,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Slot of every answer, shape (n, questions).

    Whether and why an answer is missing is drawn by itself; the option then through a Gaussian
    copula with the category's trait.
    """
    n, width = len(cell_of_person), cells.shape[1]
    options = np.cumsum(cells[..., :OPTION_SLOTS], axis=-1, dtype=np.float64)
    valid = options[..., -1].copy()
    options /= np.maximum(valid, 1e-12)[..., None]
    options[options >= 1 - 1e-6] = 2.0
    edges = options.astype(np.float32)
    latent = _latent(n, width, traits, rng)
    if shift is not None:
        # From a stream of its own: answers of countries without clusters stay as they are.
        own = rng.spawn(1)[0]
        common = _latent(int(shift.cluster.max()) + 1, width, traits, own)
        latent *= np.sqrt(1 - shift.correlation).astype(np.float32)
        latent += np.sqrt(shift.correlation).astype(np.float32) * common[shift.cluster]
    uniform = ndtr(latent)
    slots = np.zeros((n, width), np.int8)
    for slot in range(OPTION_SLOTS - 1):
        slots += uniform > edges[..., slot][cell_of_person]
    return _with_missing(slots.astype(np.intp), valid, cells, cell_of_person, rng)


def _with_missing(
    slots: NDArray[np.intp],
    valid: NDArray[np.float64],
    cells: NDArray[np.float32],
    cell_of_person: NDArray[np.intp],
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    chance = rng.random(slots.shape, dtype=np.float32)
    edge = np.where(valid < 1e-9, -1.0, np.where(valid > 1 - 1e-6, 2.0, valid)).astype(np.float32)
    person, question = np.nonzero(chance >= edge[cell_of_person])
    other = cells[cell_of_person[person], question, OPTION_SLOTS:].astype(np.float64)
    edges = np.cumsum(other, axis=1)
    pick = rng.random(len(person)) * edges[:, -1]
    kind = (pick[:, None] >= edges).sum(axis=1)
    slots[person, question] = np.minimum(OPTION_SLOTS + kind, SLOTS - 1)
    return slots
