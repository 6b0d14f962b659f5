"""Whose time answers speak for: the same answers against the people of every wave.

Two sets of countries are followed. The panel is fixed: countries of every wave, on the cells
(country and question) that every wave has, so that neither a change of countries nor one of
questions is taken for a change of people. C* is the alignment paper's: countries that the answers
neither over- nor under-align in wave 7, whichever of them a wave has.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import codebook
from contracts.release.read import Release
from contracts.report import Interval
from contracts.report_tables.alignment import (
    PreviousWave,
    WaveChange,
    WaveQuestion,
    WaveRow,
    WaveTable,
)
from scoring.estimates import Estimate, number, row_means, single
from scoring.inference.bootstrap import question_counts, resampled_means
from scoring.inference.intervals import percentile_bounds
from scoring.inference.tests import benjamini_hochberg, holm, sign_flip_test
from scoring.inputs.answers import read_answers
from scoring.inputs.geometry import Floats, build_geometry
from scoring.inputs.survey import Survey, read_survey
from scoring.protocols.alignment.compute import AlignmentScores
from scoring.settings import Task

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


#: |difference| below this puts a country into C*, the countries whose trend is followed.
TAU = 0.02

#: Earlier waves have too few questions in common.
FIRST_TREND_WAVE = 5

#: Grades of questions whose answers can be followed over waves; "" is ungraded.
ALIKE = ("identical", "", None)

#: Fewer countries than this give no trend.
MINIMUM_TREND_COUNTRIES = 5

#: Why nothing can be said over all questions.
NO_QUESTION = f"no question has {MINIMUM_TREND_COUNTRIES} countries in every wave"

PANEL, SELECTED = "every-wave", "selected"


def wave_table(
    scores: AlignmentScores,
    predictions: Predictions,
    release: Release,
    task: Task,
    rng: np.random.Generator,
) -> WaveTable:
    """The trend of one report: a row per wave and set of countries, and what became of questions.

    `rows` hold the mean over countries with its interval, the sd over countries (ddof 1), and as
    `previous_wave` how close the people of the wave before are, beside the answers' own score on
    the same cells. A row of fewer than five countries is null and has a `reason`. `questions` says
    of every question whether the answers are nearer to the panel's first or last wave, `change`
    the same over all questions; questions of fewer than five countries are null there, too.
    """
    chosen = _chosen(scores)
    ids, left_out = _trend_questions(predictions, release, task)
    table = WaveTable(
        tau=TAU,
        selected=chosen,
        enough=len(chosen) >= MINIMUM_TREND_COUNTRIES,
        rows=[],
        left_out=left_out,
    )
    waves = [wave for wave in sorted(release.manifest.waves) if wave >= FIRST_TREND_WAVE]
    reason = _no_trend(task, waves, ids)
    if reason:
        return table.model_copy(update={"reason": reason})
    trend = _Trend(predictions, release, task, ids, waves)
    counts = question_counts(len(ids), replicates=task.settings.replicates, rng=rng)
    rows = [
        trend.row(wave, kind, names, counts)
        for wave in waves
        for kind, names in ((SELECTED, chosen), (PANEL, trend.panel))
    ]
    change, questions = trend.change(rng), trend.questions(rng)
    return table.model_copy(update={"rows": rows, "change": change, "questions": questions})


def _chosen(scores: AlignmentScores) -> list[str]:
    pairs = zip(scores.survey.countries, scores.difference.value, strict=True)
    return [name for name, gap in pairs if abs(gap) < TAU]


def _no_trend(task: Task, waves: Sequence[int], ids: Sequence[str]) -> str:
    """Why there is no trend at all; empty where there may be one."""
    if len(waves) < 2:
        return "the release holds no second wave to compare"
    if task.settings.split != "all":
        return f"the split {task.settings.split} is scored, which earlier waves do not have"
    if task.settings.wave != 7:
        return f"wave {task.settings.wave} is scored; a trend starts from wave 7"
    return "" if ids else "no question can be followed over the waves"


def _trend_questions(
    predictions: Predictions, release: Release, task: Task
) -> tuple[tuple[str, ...], list[str]]:
    """Questions of the trend, and those of the 75 that are left out.

    Left out are examples of the prompts, and in corrected mode questions that were not asked
    alike in every wave: their answers changed with the question.
    """
    common = codebook.question_set("common75")
    out = set(predictions.meta.few_shot_questions)
    if task.settings.mode == "corrected" and release.has("questions"):
        columns = ["question_id", "wave", "comparability"]
        for row in release.table("questions", columns=columns).to_pylist():
            if row["wave"] >= FIRST_TREND_WAVE and row["comparability"] not in ALIKE:
                out.add(row["question_id"])
    return tuple(q for q in common if q not in out), [q for q in common if q in out]


class _Trend:
    """Scores against every wave on common axes: all countries of any wave, the questions."""

    def __init__(
        self,
        predictions: Predictions,
        release: Release,
        task: Task,
        ids: tuple[str, ...],
        waves: Sequence[int],
    ) -> None:
        geometry = build_geometry(ids, mode=task.settings.mode)
        self.ids, self.waves = ids, tuple(waves)
        surveys = {
            wave: read_survey(
                release,
                geometry,
                wave=wave,
                weights=task.settings.weights,
                design=task.settings.design,
            )
            for wave in waves
        }
        self.countries = tuple(sorted({c for one in surveys.values() for c in one.countries}))
        self.people = {wave: self._spread(one, one.shares) for wave, one in surveys.items()}
        self.cells = {
            wave: self._spread(one, _cells(predictions, one)) for wave, one in surveys.items()
        }
        self.geometry = geometry
        self.common = np.asarray(np.isfinite(np.stack(list(self.cells.values()))).all(axis=0))
        self.panel = [self.countries[row] for row in np.flatnonzero(self.common.any(axis=1))]

    def _spread(self, survey: Survey, survey_rows: Floats) -> Floats:
        """Rows of a survey's countries on the axis of all countries, NaN where it lacks one."""
        whole = np.full((len(self.countries), *survey_rows.shape[1:]), np.nan)
        whole[[self.countries.index(name) for name in survey.countries]] = survey_rows
        return whole

    def _used(self, wave: int, kind: str, names: Sequence[str]) -> Floats:
        """Cells of some countries in a wave, the others NaN, shape (C, Q)."""
        rows = np.array([name in set(names) for name in self.countries], bool)
        mask = np.broadcast_to(rows[:, None], self.common.shape)
        if kind == PANEL:
            mask = mask & self.common
        return np.where(mask, self.cells[wave], np.nan)

    def row(self, wave: int, kind: str, names: Sequence[str], counts: Floats) -> WaveRow:
        """What stands in the table for a wave and a set of countries."""
        used = self._used(wave, kind, names)
        rows = np.flatnonzero(np.isfinite(used).any(axis=1))
        country_names = [self.countries[row] for row in rows]
        questions = int(np.isfinite(used).any(axis=0).sum())
        if len(country_names) < MINIMUM_TREND_COUNTRIES:
            return WaveRow(
                wave=wave,
                countries_kind=kind,
                countries=country_names,
                questions=questions,
                alignment=Interval(estimate=None),
                sd_over_countries=None,
                previous_wave=None,
                reason=few_countries(len(country_names)),
            )
        mean = row_means(used[rows])
        value = np.asarray(mean.mean())
        drawn = resampled_means(used[rows], counts).mean(axis=0)
        bounds = percentile_bounds(drawn, value, units=questions, mean=True, limits=(0.0, 1.0))
        return WaveRow(
            wave=wave,
            countries_kind=kind,
            countries=country_names,
            questions=questions,
            alignment=single(Estimate(value, bounds)),
            sd_over_countries=number(mean.std(ddof=1)),
            previous_wave=self._previous(wave, used),
        )

    def _previous(self, wave: int, used: Floats) -> PreviousWave | None:
        """How close the people of the wave before are on the same cells; None for the first."""
        place = self.waves.index(wave)
        if place == 0:
            return None
        before = self.waves[place - 1]
        close = 1 - self.geometry.distance(self.people[wave], self.people[before])
        both = np.isfinite(used) & np.isfinite(close)
        people = row_means(np.where(both, close, np.nan))
        model = row_means(np.where(both, used, np.nan))
        return PreviousWave(
            wave=before,
            people=number(row_means(people)),
            model=number(row_means(model)),
            countries=int(both.any(axis=1).sum()),
        )

    def _ends(self) -> tuple[Floats, Floats]:
        """The panel's cells in the first and the last wave, shape (C, Q)."""
        return tuple(  # type: ignore[return-value]
            self._used(wave, PANEL, self.panel) for wave in (self.waves[0], self.waves[-1])
        )

    def change(self, rng: np.random.Generator) -> WaveChange:
        """Last wave less first over all questions; the sign-flip test pairs questions."""
        change_row = WaveChange(
            first=self.waves[0], last=self.waves[-1], difference=None, p_value=None, questions=0
        )
        if len(self.panel) < MINIMUM_TREND_COUNTRIES:
            return change_row.model_copy(update={"reason": few_countries(len(self.panel))})
        first, last = self._ends()
        gap = row_means((last - first).T)
        gap[np.isfinite(last - first).sum(axis=0) < MINIMUM_TREND_COUNTRIES] = np.nan
        test = sign_flip_test(gap, np.zeros_like(gap), rng=rng)
        change_row = WaveChange(
            first=self.waves[0],
            last=self.waves[-1],
            difference=number(test.difference),
            p_value=number(test.p_value),
            questions=test.pairs,
        )
        return change_row if test.pairs else change_row.model_copy(update={"reason": NO_QUESTION})

    def questions(self, rng: np.random.Generator) -> list[WaveQuestion]:
        """For each question: nearer to the first or the last wave; countries are paired."""
        if len(self.panel) < MINIMUM_TREND_COUNTRIES:
            return []
        rows = [
            self._question(name, first, last, rng)
            for name, first, last in zip(self.ids, *(side.T for side in self._ends()), strict=True)
            if np.isfinite(first).any()
        ]
        p_values = [np.nan if row.p_value is None else row.p_value for row in rows]
        adjusted = zip(rows, holm(p_values), benjamini_hochberg(p_values), strict=True)
        return [
            row.model_copy(update={"p_holm": number(by_holm), "p_bh": number(by_bh)})
            for row, by_holm, by_bh in adjusted
        ]

    def _question(
        self, name: str, first: Floats, last: Floats, rng: np.random.Generator
    ) -> WaveQuestion:
        test = sign_flip_test(last, first, rng=rng)
        row = WaveQuestion(
            question_id=name,
            countries=test.pairs,
            first=number(row_means(first)),
            last=number(row_means(last)),
            difference=number(test.difference),
            nearer=nearer(test.difference),
            p_value=number(test.p_value),
        )
        if test.pairs >= MINIMUM_TREND_COUNTRIES:
            return row
        reason = few_countries(test.pairs)
        return row.model_copy(update={"nearer": None, "p_value": None, "reason": reason})


def nearer(difference: float) -> str:
    """`last` where the last wave is closer by more than rounding, `first`, or `neither`."""
    if abs(difference) <= 1e-9:
        return "neither"
    return "last" if difference > 0 else "first"


def few_countries(count: int) -> str:
    """Why a row is null."""
    noun = "country remains" if count == 1 else "countries remain"
    return f"{count} {noun}; a trend needs {MINIMUM_TREND_COUNTRIES}"


def _cells(predictions: Predictions, survey: Survey) -> Floats:
    answers = read_answers(predictions, survey)
    cells = 1 - survey.geometry.distance(survey.shares, answers.shares)
    usable: NDArray[np.bool_] = survey.answered & answers.usable
    return np.where(usable, cells, np.nan)
