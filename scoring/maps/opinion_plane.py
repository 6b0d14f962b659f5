"""The opinion plane: the two directions in which countries' answers differ most.

A country is the vector of its cumulative answer shares, each divided by K - 1, over all ordinal
questions of a set: the sum of absolute differences of two such vectors is the sum of the
normalised Wasserstein-1 distances that `alignment` is made of. The plane is spanned by the first
two principal components of these vectors, each country counted once. Whoever answers is placed by
least squares on the questions answered.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.errors import fail
from scoring.inputs.geometry import Floats, Geometry
from scoring.inputs.survey import Survey
from scoring.maps.ellipses import ellipse_of, place_covariance
from scoring.maps.model import Axis, Ellipse, MapPicture, Mark, NotPlaced
from scoring.maps.rows import MapRow

#: Least share of the map's questions that a mark must rest on.
LEAST_SHARE = 0.5

#: Fewer countries span no plane that would mean anything.
LEAST_COUNTRIES = 5

#: Resampled question sets behind a model's ellipse.
REPLICATES = 500

#: Rounds in which missing cells are filled from the plane; changes below the tolerance end them.
_ROUNDS = 500
_TOLERANCE = 1e-9


@dataclass(frozen=True)
class OpinionPlane:
    """A fitted plane.

    Attributes:
        geometry: the ordinal questions that it rests on.
        mean: the mean country's vector, shape (Q, K).
        axes: orthonormal directions, shape (2, Q, K); 0 for padding.
        variance: share of the variance between countries along each axis.
        countries: the countries that were fitted.
    """

    geometry: Geometry
    mean: Floats
    axes: Floats
    variance: tuple[float, float]
    countries: tuple[str, ...]

    def place(self, shares: Floats, weights: Floats | None = None) -> tuple[Floats, float]:
        """Position and share outside the plane of answers of shape (Q, K); NaN where missing.

        The position t minimises sum_q c_q |x_q - m_q - V_q t|^2 over the questions answered, x
        the answers' vector, m the mean country's, V the axes, c the weights (1 by default). The
        share outside is the length of what remains over the length of x - m: 0 in the plane, 1
        at a right angle to it.
        """
        offset = vectors(self.geometry, shares) - self.mean
        there = ~np.isnan(offset[:, 0])
        counts = there * (1.0 if weights is None else weights)
        offset = np.where(there[:, None], offset, 0.0)
        square = np.einsum("mqk,lqk,q->ml", self.axes, self.axes, counts)
        place = np.linalg.solve(square, np.einsum("mqk,qk,q->m", self.axes, offset, counts))
        rest = offset - np.einsum("m,mqk->qk", place, self.axes)
        whole = (counts * (offset**2).sum(axis=1)).sum()
        left = (counts * (rest**2).sum(axis=1)).sum()
        return place, float(np.sqrt(left / whole)) if whole > 0 else 0.0

    def effects(self, answered: NDArray[np.bool_]) -> Floats:
        """g of `scoring.maps.ellipses` for answers to these questions, shape (2, Q, K).

        Choosing option k adds the map's weight to every cumulative share from k on.
        """
        axes = self.axes * answered[:, None]
        square = np.einsum("mqk,lqk->ml", axes, axes)
        steps = np.einsum("ml,lqk->mqk", np.linalg.inv(square), axes) * self.geometry.weights
        return np.cumsum(steps[..., ::-1], axis=-1)[..., ::-1]


def vectors(geometry: Geometry, shares: Floats) -> Floats:
    """Cumulative shares divided by K - 1, shape (..., Q, K); NaN where there is no answer."""
    return np.cumsum(shares, axis=-1) * geometry.weights


def fit_plane(survey: Survey) -> OpinionPlane:
    """The plane of a survey's countries.

    A country that lacks some questions is fitted on the others: what it lacks is filled from the
    plane itself, which then is fitted once more, until nothing moves. The direction of each axis
    is set so that its largest loading is positive.

    Raises:
        ContractError: fewer than five countries answered half of the questions.
    """
    geometry = survey.geometry.take(np.flatnonzero(survey.geometry.ordinal))
    shares = survey.shares[:, survey.geometry.ordinal]
    there = ~np.isnan(shares[..., 0])
    asked = there.any(axis=0)
    answered = there[:, asked].mean(axis=1) if asked.any() else np.zeros(len(there))
    fitted = np.flatnonzero(answered >= LEAST_SHARE)
    if len(fitted) < LEAST_COUNTRIES:
        raise fail(
            "too-few-countries",
            "a plane needs countries that answered half of its questions",
            found=f"{len(fitted)} such countries",
            allowed=f"{LEAST_COUNTRIES} and more",
            hint="Choose a wave that holds more countries, or other questions.",
        )
    rows = np.flatnonzero(there[fitted].any(axis=0))
    geometry, shares, there = geometry.take(rows), shares[fitted][:, rows], there[fitted][:, rows]
    flat = vectors(geometry, shares).reshape(len(fitted), -1)
    gaps = np.repeat(~there, geometry.width, axis=1)
    mean, axes, variance = _components(flat, gaps)
    shape = (2, len(rows), geometry.width)
    return OpinionPlane(
        geometry,
        mean.reshape(shape[1:]),
        axes.reshape(shape),
        variance,
        tuple(survey.countries[row] for row in fitted),
    )


def _components(
    flat: Floats, gaps: NDArray[np.bool_]
) -> tuple[Floats, Floats, tuple[float, float]]:
    """Mean, first two principal components and their shares of variance."""
    filled = np.where(gaps, np.nanmean(flat, axis=0), flat)
    for _ in range(_ROUNDS):
        mean = filled.mean(axis=0)
        scores, values, axes = np.linalg.svd(filled - mean, full_matrices=False)
        guess = mean + (scores[:, :2] * values[:2]) @ axes[:2]
        moved = np.abs(np.where(gaps, guess - filled, 0.0)).max()
        if moved < _TOLERANCE:
            break
        filled = np.where(gaps, guess, filled)
    axes = axes[:2]
    largest = np.abs(axes).argmax(axis=1)
    axes = axes * np.sign(axes[np.arange(2), largest])[:, None]
    # Cells that were filled from the plane say nothing about how well it fits.
    along = np.einsum("cj,mj,mk->mck", filled - mean, axes, axes)
    rest = np.where(gaps, 0.0, filled - mean - np.cumsum(along, axis=0))
    whole = np.where(gaps, 0.0, filled - mean)
    held = 1 - (rest**2).sum(axis=(1, 2)) / (whole**2).sum()
    return mean, axes, (float(held[0]), float(held[1] - held[0]))


def question_ellipse(plane: OpinionPlane, shares: Floats, random: np.random.Generator) -> Ellipse:
    """The 95 % ellipse of a model's place over resampled questions.

    A model's answers have no sampling error of respondents; that other questions might have been
    asked is what its place is unsure of. The fewer it answered, the wider the ellipse.
    """
    answered = np.flatnonzero(~np.isnan(shares[:, 0]))
    offset = (vectors(plane.geometry, shares) - plane.mean)[answered]
    axes = plane.axes[:, answered]
    squares = np.einsum("mqk,lqk->qml", axes, axes)
    products = np.einsum("mqk,qk->qm", axes, offset)
    size = len(answered)
    draws = random.multinomial(size, np.full(size, 1 / size), size=REPLICATES).astype(float)
    left = np.einsum("rq,qml->rml", draws, squares)
    right = np.einsum("rq,qm->rm", draws, products)
    return ellipse_of(np.cov(np.linalg.solve(left, right[..., None])[..., 0].T))


def place_model(plane: OpinionPlane, row: MapRow, *, wave: int) -> Mark | NotPlaced:
    """A model's mark on a fitted plane, without its ellipse.

    Args:
        plane: from `fit_plane`.
        row: the model's answers.
        wave: the wave of the countries that it is compared with.
    """
    return _mark(plane, "model", row.name, wave, row.mean_shares(plane.geometry))


def draw_plane(
    plane: OpinionPlane,
    surveys: Mapping[int, Survey],
    rows: Sequence[MapRow],
    *,
    correlations: Mapping[str, Floats],
    random: np.random.Generator,
) -> MapPicture:
    """The plane with all countries of some waves and the models placed on it.

    Args:
        plane: from `fit_plane`.
        surveys: the countries to place by wave, over questions that hold the plane's.
        rows: the models; they stand with the last wave.
        correlations: correlation matrices of the plane's questions by country; countries without
            one take that of "".
        random: source of the resampled questions.
    """
    placed: list[Mark | NotPlaced] = []
    for wave, survey in sorted(surveys.items()):
        placed += _country_marks(plane, survey, wave, correlations)
    for row in rows:
        shares = row.mean_shares(plane.geometry)
        mark = _mark(plane, "model", row.name, max(surveys), shares)
        if isinstance(mark, Mark):
            ellipse = question_ellipse(plane, shares, random)
            mark = mark.model_copy(update={"ellipse": ellipse})
        placed.append(mark)
    return _picture(
        plane,
        [mark for mark in placed if isinstance(mark, Mark)],
        [mark for mark in placed if isinstance(mark, NotPlaced)],
    )


def _country_marks(
    plane: OpinionPlane, survey: Survey, wave: int, correlations: Mapping[str, Floats]
) -> Iterator[Mark | NotPlaced]:
    geometry = plane.geometry
    columns = [survey.geometry.index[name] for name in geometry.question_ids]
    for number, country in enumerate(survey.countries):
        shares = survey.shares[number, columns][:, : geometry.width]
        n_eff = survey.n_eff[number, columns]
        mark = _mark(plane, "country", country, wave, shares)
        if isinstance(mark, Mark):
            there = n_eff > 0
            covariance = place_covariance(
                shares[there],
                plane.effects(there)[:, there],
                n_eff[there],
                _correlations(correlations, country, there),
            )
            mark = mark.model_copy(update={"ellipse": ellipse_of(covariance)})
        yield mark


def _mark(plane: OpinionPlane, kind: str, name: str, wave: int, shares: Floats) -> Mark | NotPlaced:
    answered = int((~np.isnan(shares[:, 0])).sum())
    total = len(plane.geometry.question_ids)
    if answered < LEAST_SHARE * total:
        reason = f"answers to {answered} of {total} questions; half of them are needed"
        return NotPlaced.model_validate(
            {"kind": kind, "name": name, "wave": wave, "reason": reason}
        )
    (x, y), outside = plane.place(shares)
    return Mark.model_validate(
        {
            "kind": kind,
            "name": name,
            "wave": wave,
            "x": float(x),
            "y": float(y),
            "outside": outside,
            "questions": answered,
        }
    )


def _correlations(
    correlations: Mapping[str, Floats], country: str, there: NDArray[np.bool_]
) -> Floats | None:
    matrix = correlations.get(country, correlations.get(""))
    return None if matrix is None else matrix[np.ix_(there, there)]


def _picture(plane: OpinionPlane, marks: list[Mark], left_out: list[NotPlaced]) -> MapPicture:
    first, second = plane.variance
    count = len(plane.geometry.question_ids)
    outside = [mark.outside for mark in marks if mark.kind == "model" and mark.outside is not None]
    fit = (
        f"The plane holds {first:.0%} + {second:.0%} of the variance between "
        f"{len(plane.countries)} countries; the rest cannot be seen on it."
    )
    if outside:
        low, high = min(outside), max(outside)
        share = f"{low:.0%}" if round(low, 2) == round(high, 2) else f"{low:.0%} to {high:.0%}"
        fit += (
            f" Of the models' offset from the mean country, {share} (by length) lies outside the "
            "plane: a model may be drawn beside a country and answer like none."
        )
    return MapPicture(
        map="opinion_plane",
        title="Opinion plane",
        how=f"First two principal components of countries' cumulative answer shares to {count} "
        "questions, every country counted once. Countries' ellipses: sampling of respondents, 95 "
        "%; models' ellipses: resampling of questions, 95 %. The axes have no meaning of their "
        "own; near means similar answers, as far as the plane shows them.",
        fit=fit,
        axes=(
            Axis(name="first component", variance=first),
            Axis(name="second component", variance=second),
        ),
        questions=list(plane.geometry.question_ids),
        fitted_countries=len(plane.countries),
        marks=marks,
        not_placed=left_out,
    )
