"""Score a distribution file: the alignment and judgments protocols."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from contracts.errors import ContractError, fail
from contracts.models import Notice
from contracts.release.read import Release
from contracts.report import GroupEntry, ProtocolResult
from contracts.report_tables.alignment import AlignmentTables
from contracts.specs import ProtocolSpec, load, protocol_specs
from scoring.estimates import Estimate, row_means, single
from scoring.inference.bootstrap import question_counts, resampled_means
from scoring.inference.intervals import percentile_bounds
from scoring.inference.sampling import debiased_distance
from scoring.inputs.answers import (
    MISSING,
    Answers,
    cell_coverage,
    few_shot_rows,
    groups_of,
    read_answers,
)
from scoring.inputs.geometry import build_geometry
from scoring.inputs.survey import Survey, read_survey
from scoring.protocols.alignment.ceiling import Ceiling, ceiling_of_rows, ceiling_table
from scoring.protocols.alignment.compute import PAPER_EXAMPLES, AlignmentScores, score_alignment
from scoring.protocols.alignment.further_measures import centred_scores
from scoring.protocols.alignment.report_entries import (
    category_entries,
    category_names,
    cell_entries,
    continent_entries,
    country_entries,
    overall_scores,
    question_entries,
)
from scoring.protocols.alignment.report_tables import alignment_tables
from scoring.protocols.alignment.worth import worth_people
from scoring.protocols.distribution_inputs import DistributionInputs
from scoring.protocols.report_part import Outcome, Part, all_protocols, with_fields
from scoring.settings import Task

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


#: Streams of random numbers: the cells, two protocols, demographic groups; others follow. A stream
#: belongs to one purpose: leaving a protocol out moves no interval of another.
_CELLS, _GROUPS, _PROTOCOLS_FIRST = 0, 3, (1, 2)


def score_distributions(
    predictions: Predictions, release: Release, task: Task, *, cells: bool
) -> Part:
    """Everything a report says of a distribution file.

    Raises:
        ContractError: the release has no answers of that wave, or the file none to its questions.
    """
    settings = task.settings
    geometry = build_geometry(task.question_ids, mode=settings.mode)
    survey = read_survey(
        release,
        geometry,
        wave=settings.wave,
        split=settings.split,
        weights=settings.weights,
        design=settings.design,
    )
    answers = read_answers(predictions, survey)
    specs = [spec for spec in protocol_specs().values() if spec.scorer]
    further = range(_GROUPS + 1, _GROUPS + 1 + len(specs))
    streams = np.random.default_rng(settings.seed).spawn(further.stop)
    excluded = _excluded(predictions, survey, task)
    ceiling = None
    if settings.ceiling == "halves":
        ceiling = ceiling_of_rows(release, survey, settings, task.workspace)
    overall, by_country = _score_twice(survey, answers, excluded, task, streams[_CELLS], ceiling)
    if not overall.scored.any() and not _was_asked(overall):
        raise fail(
            "nothing-scored",
            "no usable answer of the predictions meets an answer of people",
            where=predictions.name,
            found=f"{predictions.rows} rows",
            hint=f"They were scored on the question set {settings.questions!r}, wave "
            f"{settings.wave}; name another with --questions.",
        )
    part = _part(
        overall,
        by_country,
        predictions,
        release,
        task,
        specs,
        [streams[at] for at in (*_PROTOCOLS_FIRST, *further)],
        ceiling,
    )
    if cells:
        part.cells = cell_entries(by_country)
    part.groups += _demographic_groups(predictions, release, task, excluded, streams[_GROUPS])
    part.notices += _notices(predictions, answers, survey, excluded, task)
    return part


def _was_asked(scores: AlignmentScores) -> bool:
    """Whether the file answers questions that people answered, even if no answer is usable."""
    status = scores.answers.status[scores.expected]
    return bool((status != MISSING).any())


def _excluded(predictions: Predictions, survey: Survey, task: Task) -> NDArray[np.bool_]:
    """Questions that the prompts showed with answers, or the paper's own examples."""
    shown = list(predictions.meta.few_shot_questions)
    if task.settings.mode != "corrected" and not shown:
        shown = list(PAPER_EXAMPLES)
    return few_shot_rows(survey, shown)


def _score_twice(
    survey: Survey,
    answers: Answers,
    excluded: NDArray[np.bool_],
    task: Task,
    rng: np.random.Generator,
    ceiling: Ceiling | None,
) -> tuple[AlignmentScores, AlignmentScores]:
    """Scores for means over countries, and for single countries.

    Both are the same, but in paper mode: there a country is scored on every question, while the
    model's mean leaves the example questions out.
    """
    paper = task.settings.mode != "corrected"
    _, parts = category_names(survey.geometry.question_ids)

    def run(left_out: NDArray[np.bool_]) -> AlignmentScores:
        return score_alignment(
            survey,
            answers,
            excluded=left_out,
            parts=parts,
            mode=task.settings.mode,
            average="pooled" if paper else "leave-one-out",
            replicates=task.settings.replicates,
            rng=rng,
            workspace=task.workspace,
            ceiling=None if ceiling is None else ceiling.cells,
        )

    overall = run(excluded)
    if not paper or not excluded.any():
        return overall, overall
    return overall, run(np.zeros_like(excluded))


def _part(
    overall: AlignmentScores,
    by_country: AlignmentScores,
    predictions: Predictions,
    release: Release,
    task: Task,
    specs: Sequence[ProtocolSpec],
    streams: Sequence[np.random.Generator],
    ceiling: Ceiling | None,
) -> Part:
    further = centred_scores(overall), worth_people(overall, task.workspace)
    part = Part(coverage=cell_coverage(overall.answers, overall.expected))
    part.scores = overall_scores(overall, *further)
    inputs = DistributionInputs(
        overall, by_country, tuple(part.scores), predictions, release, task, ceiling
    )
    if by_country is not overall:
        further = centred_scores(by_country), worth_people(by_country, task.workspace)
    part.countries = country_entries(by_country, *further, kinds=ceiling and ceiling.kinds)
    results = []
    for spec, stream in zip(specs, streams, strict=False):
        if spec.name not in task.protocols:
            continue
        outcome: Outcome = load(spec.scorer)(inputs, stream)
        results.append(outcome.result)
        there = {score.name for score in part.scores}
        part.scores += [score for score in outcome.result.scores if score.name not in there]
        part.countries = with_fields(part.countries, outcome.country_fields)
    part.questions = question_entries(overall, task.settings.wave)
    names, _ = category_names(overall.survey.geometry.question_ids)
    part.groups = [*category_entries(overall, names), *continent_entries(overall)]
    part.protocols = all_protocols(results, task.protocols, predictions.kind)
    return part


def alignment_outcome(inputs: DistributionInputs, rng: np.random.Generator) -> Outcome:
    """The alignment protocol's scores and tables."""
    overall, by_country, headline, predictions, release, task, ceiling = inputs
    tables = AlignmentTables()
    if overall.scored.any():
        tables = alignment_tables(overall, by_country, predictions, release, task, rng)
    if ceiling is not None:
        rows = ceiling_table(ceiling, by_country.survey, by_country.scored)
        tables = tables.model_copy(update={"ceilings": rows})
    return Outcome(
        ProtocolResult(
            protocol="alignment",
            applies=True,
            scores=list(headline),
            tables=tables.to_json(),
        )
    )


# Demographic groups


def _demographic_groups(
    predictions: Predictions,
    release: Release,
    task: Task,
    excluded: NDArray[np.bool_],
    rng: np.random.Generator,
) -> list[GroupEntry]:
    """Scores of answers given for demographic groups, against the people of each group."""
    settings = task.settings
    geometry = build_geometry(task.question_ids, mode=settings.mode)
    entries = []
    for name in groups_of(predictions):
        try:
            survey = read_survey(
                release,
                geometry,
                wave=settings.wave,
                split=settings.split,
                group=name,
                weights=settings.weights,
                design=settings.design,
            )
        except ContractError:
            continue
        answers = read_answers(predictions, survey, group=name)
        entry = group_entry(name, survey, answers, excluded, settings.replicates, rng)
        if entry is not None:
            entries.append(entry)
    return entries


def group_entry(
    name: str,
    survey: Survey,
    answers: Answers,
    excluded: NDArray[np.bool_],
    replicates: int,
    rng: np.random.Generator,
) -> GroupEntry | None:
    """A demographic group's score with questions sampled; None where nothing is scored.

    Groups are small, so that the distance that sampling adds is taken off the centre of the
    replicates (`debiased_distance`); the spread between questions holds the respondents' noise.
    """
    expected = survey.answered & ~excluded
    scored = expected & answers.usable
    if not scored.any():
        return None
    cells = np.where(scored, 1 - survey.geometry.distance(survey.shares, answers.shares), np.nan)
    rows, columns = scored.any(axis=1), np.flatnonzero(scored.any(axis=0))
    corrected = np.where(scored, 1 - debiased_distance(survey, answers.shares), np.nan)
    counts = question_counts(len(columns), replicates=replicates, rng=rng)
    drawn = resampled_means(corrected[rows][:, columns], counts).mean(axis=0)
    value = np.asarray(row_means(row_means(cells)))
    bounds = percentile_bounds(drawn, value, units=len(columns), mean=True, limits=(0.0, 1.0))
    return GroupEntry(
        kind="group",
        name=name,
        alignment=single(Estimate(value, bounds)),
        questions=len(columns),
        countries=int(rows.sum()),
        coverage=float(scored.sum() / expected.sum()),
    )


# Notices


def _notices(
    predictions: Predictions,
    answers: Answers,
    survey: Survey,
    excluded: NDArray[np.bool_],
    task: Task,
) -> list[Notice]:
    notices = []
    if not answers.usable.any():
        counts = predictions.cells.column("status").to_pylist() if predictions.cells else []
        status_counts = ", ".join(f"{name} {counts.count(name)}" for name in sorted(set(counts)))
        notices.append(
            Notice(
                code="no-usable-answer",
                message=f"No answer can be used ({status_counts}): "
                "the report has coverage and no scores.",
                count=len(counts),
            )
        )
    if answers.set_aside:
        kind = "for single countries" if answers.unsteered else "without a country"
        notices.append(
            Notice(
                code="answers-set-aside",
                message=f"The file holds answers both with and without a country; those {kind} "
                "were left out.",
                count=answers.set_aside,
            )
        )
    if answers.strangers:
        notices.append(
            Notice(
                code="countries-without-people",
                message="Answers for countries that the release holds no answers of, in this "
                "wave, were left out.",
                count=answers.strangers,
            )
        )
    if excluded.any():
        names = [q for q, out in zip(survey.geometry.question_ids, excluded, strict=True) if out]
        notices.append(
            Notice(
                code="examples-left-out",
                message=f"Questions that the prompts showed with answers are left out: "
                f"{', '.join(names)}.",
                count=len(names),
            )
        )
    if predictions.meta.wave != task.settings.wave:
        notices.append(
            Notice(
                code="other-wave",
                message=f"The predictions were made for wave {predictions.meta.wave} and are "
                f"scored on wave {task.settings.wave}.",
            )
        )
    return notices
