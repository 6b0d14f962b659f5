"""Studies over several reports: prompt sensitivity, and models side by side."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from contracts.models import Notice, Strict


class StudyRelease(Strict):
    """The release that all reports of a study were scored on."""

    name: str
    digest: str


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
