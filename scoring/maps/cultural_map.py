"""The Inglehart-Welzel cultural map, from answer shares alone.

Ten items, each linear in the answer shares of one to four questions, are standardised by the
means and standard deviations of respondents and weighted by the first two principal components of
the respondents' correlations. The two scores are turned (orthogonal Procrustes), moved and scaled
by one factor onto the published scores of the countries of wave 7; everybody else is placed by the
same turn. Source of the items and the published scores: R. Inglehart and C. Welzel, World Values
Survey and European Values Study trend files.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources

import numpy as np

from contracts.errors import fail
from contracts.release.read import open_release
from scoring.inputs.geometry import Floats, Geometry, build_geometry
from scoring.inputs.survey import Survey, read_survey
from scoring.maps.ellipses import ellipse_of
from scoring.maps.model import Axis, MapPicture, Mark, NotPlaced
from scoring.maps.rows import MapRow

#: Published scores of earlier years belong to other respondents than those of wave 7.
_FIRST_YEAR = 2017
_WAVE = 7


@dataclass(frozen=True)
class Items:
    """The ten items.

    Attributes:
        names: short names of the items.
        geometry: their questions.
        values: value that an option adds to an item, shape (I, Q, K); 0 for other questions.
        constants: what is added to each item, shape (I,).
        means: mean of respondents, shape (I,).
        deviations: standard deviation of respondents, shape (I,).
        correlations: correlations of respondents, shape (I, I).
    """

    names: tuple[str, ...]
    geometry: Geometry
    values: Floats
    constants: Floats
    means: Floats
    deviations: Floats
    correlations: Floats

    @property
    def loadings(self) -> Floats:
        """Weights of the standardised items in the two component scores, shape (2, I)."""
        values, vectors = np.linalg.eigh(self.correlations)
        top = np.argsort(values)[::-1][:2]
        return (vectors[:, top] / np.sqrt(values[top])).T

    def item_means(self, shares: Floats) -> Floats:
        """Mean of each item, shape (..., I); NaN where a question of it has no answer."""
        there = ~np.isnan(shares[..., 0])
        needs = (self.values != 0).any(axis=-1)
        means = np.einsum("iqk,...qk->...i", self.values, np.nan_to_num(shares)) + self.constants
        whole = (there[..., None, :] | ~needs).all(axis=-1)
        return np.where(whole, means, np.nan)

    def raw_scores(self, shares: Floats) -> Floats:
        """Component scores, shape (..., 2); NaN where an item is missing."""
        standard = (self.item_means(shares) - self.means) / self.deviations
        return standard @ self.loadings.T

    def missing(self, shares: Floats) -> list[str]:
        """Questions of the map that a row of shape (Q, K) has no answer to."""
        lacks = np.isnan(shares[:, 0])
        return [name for name, lack in zip(self.geometry.question_ids, lacks, strict=True) if lack]


def _data(name: str) -> str:
    return resources.files("scoring.maps").joinpath("data", name).read_text(encoding="utf-8")


@cache
def items() -> Items:
    """The ten items, read from the packaged definition."""
    definition = json.loads(_data("cultural_items.json"))
    entries = definition["items"]
    names = sorted(
        {part["question"] for entry in entries for part in entry["parts"]},
        key=lambda name: int(name[1:]),
    )
    geometry = build_geometry(names)
    values = np.zeros((len(entries), len(names), geometry.width))
    for number, entry in enumerate(entries):
        for part in entry["parts"]:
            row = geometry.index[part["question"]]
            for place, code in enumerate(geometry.codes[row]):
                if "sign" in part:
                    values[number, row, place] = part["sign"] * code
                else:
                    values[number, row, place] = part["codes"].get(str(code), part["otherwise"])
    return Items(
        names=tuple(entry["name"] for entry in entries),
        geometry=geometry,
        values=values,
        constants=np.array([entry["constant"] for entry in entries], float),
        means=np.array([entry["mean"] for entry in entries]),
        deviations=np.array([entry["sd"] for entry in entries]),
        correlations=np.array(definition["correlation"]),
    )


@cache
def published_scores() -> dict[str, tuple[int, float, float]]:
    """Published year, survival-self-expression and traditional-secular score by ISO3 code."""
    rows = csv.DictReader(_data("published_scores.csv").splitlines())
    return {
        row["country"]: (
            int(row["year"]),
            float(row["survival_selfexpression"]),
            float(row["traditional_secular"]),
        )
        for row in rows
    }


@dataclass(frozen=True)
class Turn:
    """The similarity that carries component scores onto the published map.

    Attributes:
        matrix: rotation (or reflection) times scale, shape (2, 2).
        shift: added afterwards, shape (2,).
        r: correlation with the published scores on each axis.
        countries: the countries that it was fitted on.
    """

    matrix: Floats
    shift: Floats
    r: tuple[float, float]
    countries: tuple[str, ...]


def fit_turn(survey: Survey) -> Turn:
    """The turn onto the published scores of a survey's countries.

    With A the centred component scores and B the centred published ones, the orthogonal matrix
    that minimises |A R - B| is U V' of the singular value decomposition A'B = U S V'; the factor is
    trace(S) / |A|^2.

    Raises:
        ContractError: fewer than ten countries have both scores.
    """
    scores = items().raw_scores(_take(survey, items().geometry))
    published = published_scores()
    rows = [
        row
        for row, name in enumerate(survey.countries)
        if not np.isnan(scores[row, 0]) and published.get(name, (0,))[0] >= _FIRST_YEAR
    ]
    if len(rows) < 10:
        raise fail(
            "too-few-countries",
            "the cultural map is turned onto the published scores of at least ten countries",
            found=f"{len(rows)} countries with all items and a published score",
        )
    names = tuple(survey.countries[row] for row in rows)
    ours = scores[rows]
    theirs = np.array([published[name][1:] for name in names])
    left, right = ours - ours.mean(axis=0), theirs - theirs.mean(axis=0)
    u, singular, vt = np.linalg.svd(left.T @ right)
    matrix = u @ vt * (singular.sum() / (left**2).sum())
    placed = ours @ matrix
    r = [float(np.corrcoef(placed[:, k], theirs[:, k])[0, 1]) for k in (0, 1)]
    return Turn(matrix, theirs.mean(axis=0) - placed.mean(axis=0), (r[0], r[1]), names)


@cache
def reference_turn() -> Turn:
    """The turn fitted on wave 7 of the embedded reference, by which everybody is placed."""
    reference = open_release("reference")
    return fit_turn(read_survey(reference, items().geometry, wave=_WAVE))


def _take(survey: Survey, geometry: Geometry) -> Floats:
    """Shares of a survey for the questions of `geometry`, shape (C, Q, K)."""
    out = np.full((len(survey.countries), len(geometry.question_ids), geometry.width), np.nan)
    for place, name in enumerate(geometry.question_ids):
        row = survey.geometry.index.get(name)
        if row is not None:
            size = geometry.sizes[place]
            out[:, place, :size] = survey.shares[:, row, :size]
            out[:, place, size:] = np.where(np.isnan(out[:, place, :1]), np.nan, 0.0)
    return out


def sampling_covariance(shares: Floats, n_eff: Floats) -> Floats:
    """Sampling covariance of a country's place, shape (2, 2).

    A score is a weighted sum of item means, so with s_i the standard deviation of item i in the
    country, rho the correlations of respondents and n_i the smallest effective sample size of
    the item's questions, the covariance of two item means is rho_ij s_i s_j / sqrt(n_i n_j). An
    item of several questions takes the sum of their variances.
    """
    parts = items()
    first = np.einsum("iqk,qk->iq", parts.values, shares)
    second = np.einsum("iqk,qk->iq", parts.values**2, shares)
    deviation = np.sqrt(np.maximum(second - first**2, 0.0).sum(axis=1))
    needs = (parts.values != 0).any(axis=-1)
    sizes = np.where(needs, n_eff, np.inf).min(axis=1)
    error = deviation / np.sqrt(sizes) / parts.deviations
    means = parts.correlations * np.outer(error, error)
    weights = parts.loadings.T @ reference_turn().matrix
    return weights.T @ means @ weights


def place(shares: Floats) -> Floats:
    """Position of answers of shape (..., Q, K) in the published map's units, shape (..., 2)."""
    turn = reference_turn()
    return items().raw_scores(shares) @ turn.matrix + turn.shift


def place_model(row: MapRow, *, wave: int) -> Mark | NotPlaced:
    """A model's mark on the cultural map; not placed where it lacks an item.

    Args:
        row: the model's answers.
        wave: the wave of the countries that it is compared with.
    """
    return _mark("model", row.name, wave, row.mean_shares(items().geometry))


def draw_cultural_map(surveys: Mapping[int, Survey], rows: Sequence[MapRow]) -> MapPicture:
    """The cultural map with all countries of some waves and the models placed on it.

    A model that lacks an item is not placed, and the map lists what it lacks. Models have no
    ellipse: their answers have no sampling error of respondents.
    """
    placed: list[Mark | NotPlaced] = []
    for wave, survey in sorted(surveys.items()):
        placed += _country_marks(survey, wave)
    for row in rows:
        placed.append(place_model(row, wave=max(surveys)))
    return _picture(
        [mark for mark in placed if isinstance(mark, Mark)],
        [mark for mark in placed if isinstance(mark, NotPlaced)],
    )


def _country_marks(survey: Survey, wave: int) -> Iterator[Mark | NotPlaced]:
    geometry = items().geometry
    shares = _take(survey, geometry)
    columns = [survey.geometry.index.get(name) for name in geometry.question_ids]
    for number, country in enumerate(survey.countries):
        mark = _mark("country", country, wave, shares[number])
        if isinstance(mark, Mark):
            n_eff = np.array([survey.n_eff[number, column] for column in columns])
            ellipse = ellipse_of(sampling_covariance(shares[number], n_eff))
            mark = mark.model_copy(update={"ellipse": ellipse})
        yield mark


def _mark(kind: str, name: str, wave: int, shares: Floats) -> Mark | NotPlaced:
    lacks = items().missing(shares)
    if lacks:
        reason = f"no answers to {', '.join(lacks)}"
        return NotPlaced.model_validate(
            {"kind": kind, "name": name, "wave": wave, "reason": reason}
        )
    x, y = place(shares)
    count = len(items().geometry.question_ids)
    return Mark.model_validate(
        {"kind": kind, "name": name, "wave": wave, "x": x, "y": y, "questions": count}
    )


def _picture(marks: list[Mark], left_out: list[NotPlaced]) -> MapPicture:
    turn = reference_turn()
    return MapPicture(
        map="cultural_map",
        title="Inglehart-Welzel cultural map",
        how="Ten items, linear in the answer shares of 14 questions, weighted by the first two "
        "principal components of respondents' correlations and turned onto the published country "
        "scores. Countries' ellipses: sampling of respondents, 95 %. Models are placed by the same "
        "formula and have no ellipse.",
        fit=f"Correlation with the published scores of {len(turn.countries)} countries of wave 7: "
        f"{turn.r[0]:.3f} (survival to self-expression), {turn.r[1]:.3f} (traditional to secular).",
        sources=[
            "EVS/WVS: European Values Study and World Values Survey: Joint EVS/WVS and trend files "
            "(doi:10.4232/1.14021, doi:10.14281/18241.27)",
        ],
        axes=(
            Axis(
                name="survival to self-expression",
                low="survival",
                high="self-expression",
                r=turn.r[0],
            ),
            Axis(
                name="traditional to secular-rational",
                low="traditional",
                high="secular-rational",
                r=turn.r[1],
            ),
        ),
        questions=list(items().geometry.question_ids),
        fitted_countries=len(turn.countries),
        marks=marks,
        not_placed=left_out,
    )


def map_questions() -> tuple[str, ...]:
    """Ids of the questions that the cultural map rests on, in questionnaire order."""
    return items().geometry.question_ids
