"""Score a persons file: do the answers of synthetic respondents hang together as people's do?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

import codebook
from codebook.batteries import Battery, batteries
from contracts.errors import ContractError, fail
from contracts.models import Notice
from contracts.release.read import Release
from contracts.report import Coverage, Interval, ProtocolResult, Score
from contracts.report_tables.persons import (
    BatteryStructure,
    CountryStructure,
    GapRow,
    PersonsTables,
)
from scoring.estimates import number
from scoring.inference.intervals import interval
from scoring.inputs.geometry import build_geometry
from scoring.inputs.survey import read_survey
from scoring.protocols.report_part import Part, all_protocols
from scoring.protocols.score_distributions import score_distributions
from scoring.settings import Task
from scoring.structure.moments import Floats
from scoring.structure.people import read_structure
from scoring.structure.persons import Persons, as_distributions, persons_by_country
from scoring.structure.score import (
    LEAST_BOTH,
    LEAST_PERSONS,
    LEAST_QUESTIONS,
    BatteryResult,
    StructureResult,
    over_countries,
    score_structure,
)
from scoring.structure.spread import Gap, Spread, demographic_gaps, spread_of

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions

#: Stream of random numbers of the structure score, far behind those of distributions.
_STREAM = 100


def score_persons(predictions: Predictions, release: Release, task: Task, *, cells: bool) -> Part:
    """Everything a report says of a persons file: structure, and its shares as distributions.

    Raises:
        ContractError: no answer meets an answer of people.
    """
    part = _as_distributions(predictions, release, task, cells=cells)
    results = [result for result in part.protocols if result.applies]
    if "persons" in task.protocols:
        result, notices = _structure(predictions, release, task)
        if not result.applies and not part.coverage.scored:
            raise _nothing_scored(predictions, result.reason)
        results.append(result)
        part.scores = [*result.scores, *part.scores]
        part.notices += notices
    part.protocols = all_protocols(results, task.protocols, predictions.kind)
    return part


def _as_distributions(
    predictions: Predictions, release: Release, task: Task, *, cells: bool
) -> Part:
    """The file's shares scored as distributions; nothing but a notice where none can be."""
    try:
        return score_distributions(as_distributions(predictions), release, task, cells=cells)
    except ContractError as error:
        if error.problems[0].code != "nothing-scored":
            raise
        notice = Notice(
            code="no-distribution-scores",
            message="No answer of the persons is to a question that the shares are scored on.",
        )
        return Part(coverage=Coverage(expected=0, scored=0), notices=[notice])


def _nothing_scored(predictions: Predictions, reason: str) -> ContractError:
    return fail(
        "nothing-scored",
        f"neither structure nor shares can be scored: {reason}",
        where=predictions.name,
        found=f"{predictions.rows} rows",
        allowed=f"{LEAST_PERSONS} persons of a country of the release, {LEAST_QUESTIONS} questions "
        f"of a battery",
        hint="The batteries are listed in docs/structure.md.",
    )


def _too_few(persons: Mapping[str, Persons], questions: Sequence[str]) -> str:
    """Why no battery of any country could be scored, by the country with most persons."""
    country, most = max(persons.items(), key=lambda item: len(item[1].answers))
    place = {name: column for column, name in enumerate(questions)}
    answered = (~np.isnan(most.answers)).sum(axis=0)
    counts = {
        battery.name: sum(answered[place[name]] >= LEAST_BOTH for name in battery.questions)
        for battery in batteries().values()
    }
    largest = max(counts, key=lambda name: counts[name])
    return (
        f"structure needs {LEAST_PERSONS} persons of a country that the release has correlations "
        f"of, {LEAST_BOTH} of whom answered both questions of a pair, and {LEAST_QUESTIONS} such "
        f"questions of a battery; persons of {country}: {len(most.answers)}, questions of "
        f"{largest} with {LEAST_BOTH} answers: {counts[largest]}"
    )


def _structure(
    predictions: Predictions, release: Release, task: Task
) -> tuple[ProtocolResult, list[Notice]]:
    chosen = list(batteries().values())
    questions = tuple(dict.fromkeys(name for battery in chosen for name in battery.questions))
    settings = task.settings
    people = read_structure(
        release,
        questions,
        wave=settings.wave,
        batteries=[battery.questions for battery in chosen],
    )
    if not people:
        reason = f"the release holds no correlations of wave {settings.wave}"
        return ProtocolResult(protocol="persons", applies=False, reason=reason), []
    rng = np.random.default_rng(settings.seed).spawn(_STREAM + 1)[_STREAM]
    ids = tuple(codebook.value_questions())
    persons = persons_by_country(predictions, ids)
    columns = [ids.index(name) for name in questions]
    structure = score_structure(
        {country: group.of(columns) for country, group in persons.items()},
        people,
        questions,
        chosen,
        replicates=settings.replicates,
        rng=rng,
    )
    if not structure.countries:
        return ProtocolResult(protocol="persons", applies=False, reason=_too_few(persons, ids)), []
    geometry = build_geometry(ids, mode="corrected")
    survey = read_survey(release, geometry, wave=settings.wave, split=settings.split)
    spread = spread_of(persons, survey)
    gaps = demographic_gaps(persons, release, geometry, wave=settings.wave, split=settings.split)
    tables = _tables(structure, gaps, persons, chosen)
    result = ProtocolResult(
        protocol="persons",
        applies=True,
        scores=_scores(structure, spread, gaps),
        tables=tables.to_json(),
    )
    return result, _notices(structure, persons)


def _scores(structure: StructureResult, spread: Spread, gaps: Sequence[Gap]) -> list[Score]:
    estimate, low, high, ceiling = structure.overall
    countries = len(structure.countries)
    questions = sum({r.battery: r.questions for r in structure.batteries}.values())
    scores = [
        Score(
            name="structure",
            value=interval(estimate, low, high),
            questions=questions,
            countries=countries,
        ),
        Score(name="structure_ceiling", value=Interval(estimate=number(ceiling))),
    ]
    clear = [gap for gap in gaps if gap.gaps]
    count = np.array([gap.gaps for gap in clear], float)
    same = np.array([gap.same_sign for gap in clear])
    size = np.array([gap.size for gap in clear])
    plain = {
        "variance_ratio": spread.variance_ratio,
        "entropy_difference": spread.entropy_difference,
        "distinct_persons": spread.distinct,
        "gap_same_sign": float((same * count).sum() / count.sum()) if len(clear) else np.nan,
        "gap_size": float((size * count).sum() / count.sum()) if len(clear) else np.nan,
    }
    scores += [
        Score(name=name, value=Interval(estimate=number(value)), countries=countries)
        for name, value in plain.items()
    ]
    return scores


def _tables(
    structure: StructureResult,
    gaps: Sequence[Gap],
    persons: dict[str, Persons] | Any,
    chosen: Sequence[Battery],
) -> PersonsTables:
    titles = {battery.name: battery.title for battery in chosen}
    return PersonsTables(
        countries=[
            CountryStructure(
                country=country,
                persons=len(persons[country].answers),
                structure=interval(score, low, high),
                ceiling=number(ceiling),
            )
            for country, (score, low, high, ceiling) in structure.countries.items()
        ],
        country_batteries={
            country: {
                result.battery: number(result.score)
                for result in structure.batteries
                if result.country == country
            }
            for country in structure.countries
        },
        batteries=[
            _battery_row(name, [r for r in structure.batteries if r.battery == name], titles[name])
            for name in titles
            if any(result.battery == name for result in structure.batteries)
        ],
        gaps=[
            GapRow(
                variable=gap.variable,
                contrast=" less ".join(reversed(gap.contrast)),
                same_sign=number(gap.same_sign),
                size=number(gap.size),
                gaps=gap.gaps,
            )
            for gap in gaps
        ],
    )


def _battery_row(name: str, results: Sequence[BatteryResult], title: str) -> BatteryStructure:
    """Means over the countries of one battery."""

    def mean(measure: str, side: Literal["model", "people"]) -> float | None:
        return number(_mean([getattr(result, side)[measure] for result in results]))

    structure, _, _, ceiling = over_countries(results)
    return BatteryStructure(
        battery=name,
        title=title,
        countries=len(results),
        questions=max(result.questions for result in results),
        structure=number(structure),
        ceiling=number(ceiling),
        first_component_model=mean("first_component", "model"),
        first_component_people=mean("first_component", "people"),
        dependence_model=mean("dependence", "model"),
        dependence_people=mean("dependence", "people"),
        alpha_model=mean("alpha", "model"),
        alpha_people=mean("alpha", "people"),
    )


def _mean(values: Sequence[float]) -> Floats:
    known = np.array([value for value in values if not np.isnan(value)])
    return known.mean() if len(known) else np.array(np.nan)


def _notices(structure: StructureResult, persons: Any) -> list[Notice]:
    left_out = sorted(set(persons) - set(structure.countries))
    if not left_out:
        return []
    return [
        Notice(
            code="structure-left-out",
            message="Countries without a structure score, with too few persons or questions, or no "
            f"correlations of people: {', '.join(left_out[:20])}",
            count=len(left_out),
        )
    ]
