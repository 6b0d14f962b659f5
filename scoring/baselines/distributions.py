"""Reference points as predictions files: what a score would be without any model.

Every baseline answers from the survey alone. Those that answer for one country never look at the
answer they are scored against: averages leave the country out, the nearest country is chosen
without the question, the previous wave is another survey. So each is a bar that a model which
knows something about the country can pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from codebook import value_questions
from contracts.errors import ContractError, unknown_values
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import write_predictions
from contracts.release.read import Release
from scoring.baselines.ratings import RATING_BASELINES, write_rating_baseline
from scoring.inputs.geometry import Floats, Geometry, build_geometry
from scoring.inputs.survey import Survey, continent_of, read_survey

#: Questions that two countries must share before one can stand in for the other.
NEAREST_MINIMUM = 20

#: The wave whose people the probe holds.
RATED_WAVE = 7

#: A country as baselines name it in an unsteered record.
UNSTEERED = ""

Shares = Mapping[str, Floats]


class NotPossibleError(ValueError):
    """A baseline cannot be made from this release; the message says why."""


class Written(NamedTuple):
    """One baseline's outcome: its file and number of answers, or why there is none."""

    name: str
    path: Path | None
    records: int
    reason: str


@dataclass(frozen=True)
class Baseline:
    """A named reference point.

    Attributes:
        name: its name and that of its file.
        title: what it is, in words.
        uses_survey: whether it is made from the survey's answers.
        per_country: whether it answers for each country apart.
        answer: (survey, earlier surveys, newest first) -> shares (Q, K) by country ("" is
            unsteered); NaN where it has no answer.
    """

    name: str
    title: str
    uses_survey: bool
    per_country: bool
    answer: Callable[[Survey, list[Survey]], Shares]


# Answers


def uniform_answer(survey: Survey, earlier: list[Survey]) -> Shares:  # noqa: ARG001
    """Every option alike."""
    return {UNSTEERED: survey.geometry.uniform}


def majority_answer(survey: Survey, earlier: list[Survey]) -> Shares:  # noqa: ARG001
    """All mass on the option that is largest in the country-equal average of all countries.

    The first of equal options in scale order counts.
    """
    average = _mean(survey.shares)
    filled = np.nan_to_num(average, nan=-1.0)
    top = np.eye(survey.geometry.width)[filled.argmax(axis=-1)]
    return {UNSTEERED: np.where(np.isnan(average), np.nan, top)}


def world_average_answer(survey: Survey, earlier: list[Survey]) -> Shares:  # noqa: ARG001
    """For each country the mean of the other countries' shares, a country counting once."""
    return {
        country: _mean(np.delete(survey.shares, row, axis=0))
        for row, country in enumerate(survey.countries)
    }


def continent_average_answer(survey: Survey, earlier: list[Survey]) -> Shares:  # noqa: ARG001
    """For each country the mean of the other countries of its continent, a country counting once.

    A country that is alone on its continent has no answer.
    """
    continents = np.array([continent_of(country) for country in survey.countries])
    out: dict[str, Floats] = {}
    for row, country in enumerate(survey.countries):
        others = np.flatnonzero(continents == continents[row])
        out[country] = _mean(survey.shares[others[others != row]])
    return out


def nearest_country_answer(survey: Survey, earlier: list[Survey]) -> Shares:  # noqa: ARG001
    """For each country and question the shares of the country that is nearest without it.

    Nearest is the lowest mean distance over all *other* questions that both countries answered
    (at least `NEAREST_MINIMUM`), among the countries that answered this one. The first in
    alphabetical order counts among equals.
    """
    choice = nearest_countries(survey)
    shares = np.concatenate([survey.shares, np.full((1, *survey.shares.shape[1:]), np.nan)])
    questions = np.arange(shares.shape[1])
    # A choice of -1 picks the row of NaN behind the last country.
    return {c: shares[choice[row], questions] for row, c in enumerate(survey.countries)}


def nearest_countries(survey: Survey) -> NDArray[np.int64]:
    """Row of the nearest country by country and question, shape (C, Q); -1 where there is none."""
    rows, questions = survey.shares.shape[:2]
    choice = np.full((rows, questions), -1, np.int64)
    answered = survey.answered
    for row in range(rows):
        distance = survey.geometry.distance(survey.shares[row], survey.shares)
        common = ~np.isnan(distance)
        distance = np.where(common, distance, 0.0)
        total = distance.sum(axis=1, keepdims=True) - distance
        count = common.sum(axis=1, keepdims=True) - common
        mean = np.full(distance.shape, np.inf)
        np.divide(total, count, out=mean, where=(count >= NEAREST_MINIMUM) & answered)
        mean[row] = np.inf
        best = mean.argmin(axis=0)
        has_neighbour = np.isfinite(mean[best, np.arange(questions)])
        choice[row] = np.where(has_neighbour, best, -1)
    return choice


def previous_wave_answer(survey: Survey, earlier: list[Survey]) -> Shares:
    """For each country and question its own shares in the latest earlier wave that has them."""
    if not earlier:
        raise NotPossibleError("the release holds no earlier wave")
    out: dict[str, Floats] = {}
    for country in survey.countries:
        latest_shares = np.full(survey.geometry.uniform.shape, np.nan)
        for past in earlier:
            if country in past.countries:
                own = past.shares[past.countries.index(country)]
                latest_shares = np.where(np.isnan(latest_shares), own, latest_shares)
        out[country] = latest_shares
    if all(np.isnan(shares).all() for shares in out.values()):
        raise NotPossibleError("no country of this wave was asked any of its questions before")
    return out


def _mean(shares: Floats) -> Floats:
    """Mean over the first axis of what is not NaN; NaN where nothing is."""
    answered = ~np.isnan(shares)
    total = np.where(answered, shares, 0.0).sum(axis=0)
    mean = np.full(total.shape, np.nan)
    np.divide(total, answered.sum(axis=0), out=mean, where=answered.any(axis=0))
    return mean


BASELINES: tuple[Baseline, ...] = (
    Baseline("uniform", "every option alike", False, False, uniform_answer),
    Baseline("majority", "the world's most frequent option", True, False, majority_answer),
    Baseline("world-average", "mean of all other countries", True, True, world_average_answer),
    Baseline(
        "continent-average",
        "mean of the other countries of the continent",
        True,
        True,
        continent_average_answer,
    ),
    Baseline(
        "nearest-country",
        "the country that answers the other questions most alike",
        True,
        True,
        nearest_country_answer,
    ),
    Baseline("previous-wave", "the country itself, years before", True, True, previous_wave_answer),
)


# Files


def baseline_names() -> tuple[str, ...]:
    """Names of all baselines: those of answer shares, then those of ratings."""
    return (*(one.name for one in BASELINES), *(one.name for one in RATING_BASELINES))


def write_baselines(
    release: Release,
    out: str | Path,
    *,
    wave: int | None = None,
    names: tuple[str, ...] | None = None,
    suffix: str = ".jsonl",
) -> list[Written]:
    """Write a predictions file per baseline into the folder `out`.

    Args:
        release: release whose aggregates they are made from.
        out: folder; made if needed.
        wave: wave to answer for; the release's last one by default.
        names: which baselines; all by default.
        suffix: format of the files.

    Returns:
        What became of each, in the order of `baseline_names`; one that the release does not
        allow has no path and a reason.

    Raises:
        ContractError: a name is unknown, or the release has no answers of that wave.
    """
    chosen = choose_baselines(names)
    wave = max(release.manifest.waves) if wave is None else wave
    kinds = {baseline.name: baseline for baseline in BASELINES if baseline.name in chosen}
    # Predictions files are made to be shared, so they rest on published figures alone.
    surveys = read_surveys(release.protected(), wave) if kinds else None
    written = []
    for name in chosen:
        if name in kinds and surveys is not None:
            written.append(_write_shares(kinds[name], surveys, release, wave, Path(out), suffix))
        else:
            written.append(_write_ratings(name, release, wave, Path(out), suffix))
    return written


def _write_shares(
    baseline: Baseline,
    surveys: tuple[Survey, list[Survey]],
    release: Release,
    wave: int,
    folder: Path,
    suffix: str,
) -> Written:
    survey, earlier = surveys
    try:
        shares = baseline.answer(survey, earlier)
    except NotPossibleError as error:
        return Written(baseline.name, None, 0, str(error))
    records = list(records_of(shares, survey.geometry))
    if not records:
        return Written(baseline.name, None, 0, "it has an answer for no country of the release")
    path = write_predictions(
        folder / f"{baseline.name}{suffix}",
        records,
        meta=baseline_meta(baseline, release, wave),
        kind="distribution",
    )
    return Written(baseline.name, path, len(records), "")


def _write_ratings(name: str, release: Release, wave: int, folder: Path, suffix: str) -> Written:
    if not release.has("probe"):
        return Written(name, None, 0, "the release holds no single persons to rate")
    if wave != RATED_WAVE:
        return Written(name, None, 0, f"people are rated for wave {RATED_WAVE} only")
    baseline = next(b for b in RATING_BASELINES if b.name == name)
    path, records = write_rating_baseline(baseline, release, folder, suffix=suffix)
    return Written(name, path, records, "")


def choose_baselines(names: tuple[str, ...] | None) -> list[str]:
    """Names of baselines in the order of `baseline_names`; all of them for None.

    Raises:
        ContractError: a name is unknown.
    """
    unknown = [name for name in names or () if name not in baseline_names()]
    if unknown:
        raise ContractError(
            unknown_values("--only", unknown, baseline_names(), code="unknown-baseline")
        )
    return [name for name in baseline_names() if names is None or name in names]


def read_surveys(release: Release, wave: int) -> tuple[Survey, list[Survey]]:
    """The survey of a wave over all value questions, and the earlier waves, newest first."""
    geometry = build_geometry(tuple(value_questions()))
    survey = read_survey(release, geometry, wave=wave)
    earlier = []
    for past in sorted((w for w in release.manifest.waves if w < wave), reverse=True):
        try:
            earlier.append(read_survey(release, geometry, wave=past))
        except ContractError:  # a wave that the manifest names without a whole-country answer
            continue
    return survey, earlier


def records_of(shares: Shares, geometry: Geometry) -> Iterator[dict[str, Any]]:
    """Records for `write_predictions`; questions without an answer are left out."""
    for country, answers in shares.items():
        for row, question_id in enumerate(geometry.question_ids):
            codes = geometry.codes[row]
            option_shares = answers[row, : len(codes)]
            if np.isnan(option_shares).any():
                continue
            yield {
                "question_id": question_id,
                "country": country,
                "group": "",
                "shares": dict(zip(codes, option_shares.tolist(), strict=True)),
            }


def baseline_meta(baseline: Baseline, release: Release, wave: int) -> PredictionsMeta:
    """Metadata of a baseline's file."""
    return PredictionsMeta(
        name=baseline.name,
        model=f"baseline/{baseline.name}",
        method="baseline",
        wave=wave,
        prompt_version="none",
        wording="none",
        wording_digest="none",
        release=release.digest,
        baseline=True,
        uses_survey=baseline.uses_survey,
        notes=baseline.title,
    )
