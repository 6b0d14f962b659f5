"""Studies over several reports: steering, trends, prompt sensitivity, models side by side."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from contracts.models import Notice, Sparse, Strict
from contracts.report_tables.alignment import WaveChange, WaveQuestion, WaveRow


class StudyRelease(Strict):
    """The release that all reports of a study were scored on."""

    name: str
    digest: str


# Steering


class SteeringRow(Sparse):
    """Alignment of a condition over the questions that all conditions of its country have.

    `averaged` is the number of models or countries that the row is a mean over. Only rows with a
    base have `difference` (from no steering) and `p_value`; of the rest `p_holm` and `p_bh` stand
    in corrected mode, `stars` in paper mode.
    """

    country: str
    model: str
    condition: str
    alignment: float | None
    questions: int
    averaged: int
    difference: float | None = None
    p_value: float | None = None
    p_holm: float | None = None
    p_bh: float | None = None
    stars: int = 0

    @property
    def has_base(self) -> bool:
        """Whether the row is compared with answers without steering."""
        return "p_value" in self.model_fields_set


class SteeringStudy(Strict):
    """The steering table: alignment by country, condition and model, against no steering."""

    kind: Literal["steering"] = "steering"
    mode: str
    release: StudyRelease
    wave: int
    models: list[str]
    countries: list[str]
    conditions: list[str]
    rows: list[SteeringRow]
    shown_questions: list[str] = Field(
        description="questions that any prompt of the study showed with answers"
    )
    test: str
    seed: int
    permutations: int
    notices: list[Notice] = Field(default_factory=list)


# Trends over waves


class Reported(Sparse):
    """A row of a study over several reports; `report` names the one that it is of."""

    report: str


class TrendRow(WaveRow, Reported):
    """A wave and set of countries of one report."""


class TrendChange(WaveChange, Reported):
    """The last wave less the first, with the questions nearer to either.

    `p_holm` and `p_bh` are adjusted over the reports.
    """

    nearer_first: int
    nearer_last: int
    p_holm: float | None = None
    p_bh: float | None = None


class TrendQuestion(WaveQuestion, Reported):
    """A question of one report."""


class TrendReport(Strict):
    """How the answers of one report of a trend were asked for."""

    report: str
    model: str
    method: str
    steering: str
    language: str


class TrendStudy(Strict):
    """Trends of several reports: the same answers against the people of every wave.

    `left_out` lists by report the questions that were not asked alike in every wave; `without`
    says by report why it has no trend.
    """

    kind: Literal["trend"] = "trend"
    mode: str
    release: StudyRelease
    reports: list[TrendReport]
    rows: list[TrendRow]
    changes: list[TrendChange]
    questions: list[TrendQuestion]
    left_out: dict[str, list[str]]
    without: dict[str, str]
    notices: list[Notice] = Field(default_factory=list)


# Prompt sensitivity


class MeanAgreement(Strict):
    """Pearson's r of the means of two grids over `count` rows or columns."""

    pearson: float | None
    count: int = Field(ge=0)


class QuestionAgreement(MeanAgreement):
    """The same over questions, and the mean over questions of a cell's absolute change."""

    mean_absolute_change: float | None


class CellAgreement(Strict):
    """How far two grids of scores go together over the cells that both have."""

    countries: MeanAgreement
    questions: QuestionAgreement


class SensitivityRow(Strict):
    """One variant of the prompt beside the default one.

    Means are over the cells that both reports scored: a country's over its questions, a
    question's over its countries. `mean_absolute_change` is the mean over questions of the
    absolute change of a cell.
    """

    report: str
    variant: str
    score: float | None
    difference: float | None = Field(description="score less that of the default prompt")
    countries: int = Field(ge=0)
    countries_pearson: float | None
    questions: int = Field(ge=0)
    questions_pearson: float | None
    mean_absolute_change: float | None


class SensitivityGroup(Strict):
    """The variants of one way of asking one model, beside the default prompt."""

    model: str
    method: str
    steering: str
    language: str
    default: str
    score: float | None
    rows: list[SensitivityRow]


class SensitivityStudy(Strict):
    """How far scores depend on the form of the prompt."""

    kind: Literal["sensitivity"] = "sensitivity"
    mode: str
    release: StudyRelease
    groups: list[SensitivityGroup]
    notices: list[Notice] = Field(default_factory=list)


# Models side by side


class ModelTrend(Strict):
    """How a score goes with a quantity over models: Spearman's correlation, permutation p."""

    quantity: Literal["parameters", "training_tokens"]
    score: str
    models: int = Field(ge=0)
    spearman: float | None
    p_value: float | None


class ChatPair(Strict):
    """A chat model beside the base model that its metadata name."""

    chat: str
    base: str
    chat_score: float | None
    base_score: float | None
    difference: float | None


class CountryModelMatrix(Strict):
    """Alignment of every country (rows) with every model (columns)."""

    models: list[str]
    countries: list[str]
    alignment: list[list[float | None]]


class ModelRow(Strict):
    """A model and its score."""

    model: str
    report: str
    parameters: float | None
    training_tokens: float | None
    chat: bool | None
    score: float | None
    low: float | None
    high: float | None


class ModelsStudy(Strict):
    """Models side by side: trends over size and training, base beside chat, countries."""

    kind: Literal["models"] = "models"
    mode: str
    release: StudyRelease
    score: str
    rows: list[ModelRow]
    trends: list[ModelTrend]
    pairs: list[ChatPair]
    matrix: CountryModelMatrix | None
    notices: list[Notice] = Field(default_factory=list)
