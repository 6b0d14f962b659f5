"""Studies of one model's answers under several forms of the prompt, and of personas."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from contracts.models import Notice, Strict
from contracts.studies import StudyRelease


class Effect(Strict):
    """An estimate with its 95 % interval and p-value; questions are the sampling units."""

    estimate: float | None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    questions: int = Field(default=0, ge=0)
    reason: str = Field(default="", description="why there is none, or what it is confounded with")


class FormRow(Strict):
    """One form of the prompts: the level of each factor, and every model's score under it."""

    form: str
    levels: dict[str, str]
    scores: dict[str, float | None]
    ranks: dict[str, float | None] = Field(description="1 is the highest score; ties share a rank")


class ModelRobustness(Strict):
    """A model's scores over the common forms."""

    model: str
    mean: float
    lowest: float
    highest: float
    sd: float | None = Field(description="standard deviation over forms")
    best_rank: float
    worst_rank: float
    same_rank: int = Field(ge=0, description="forms in which it has its most frequent rank")
    forms: int = Field(ge=1)


class PairOrder(Strict):
    """Two models over the common forms: in how many the order is that of their mean scores."""

    first: str = Field(description="the one with the higher mean over forms")
    second: str
    difference: float = Field(description="mean over forms of first less second")
    lowest: float
    highest: float
    same_order: int = Field(ge=0)
    forms: int = Field(ge=1)
    clear: int = Field(
        ge=0, description="forms in that order with a paired t-test over questions below 0.05"
    )
    clear_opposite: int = Field(ge=0, description="forms in the opposite order, likewise")


class VarianceShare(Strict):
    """A source of variance: sum of squares and its share of the total."""

    source: str
    sum_of_squares: float
    share: float = Field(ge=0, le=1)


class Decomposition(Strict):
    """Analysis of variance of scores on a complete grid; shares sum to 1."""

    of: Literal["cells", "means"]
    method: str
    models: int
    forms: int
    countries: int
    questions: int
    shares: list[VarianceShare]


class FactorEffect(Strict):
    """By how much a level of a factor moves the score, other factors as they are."""

    factor: str
    level: str
    reference: str
    effect: Effect


class Biases(Strict):
    """Response biases of a model; see docs/robustness.md for the definitions."""

    model: str
    forms: int
    first_position: Effect
    last_position: Effect
    first_less_last: Effect
    first_label: Effect
    scale_direction: Effect
    acquiescence: Effect


class Retest(Strict):
    """Agreement of repeated runs of one form."""

    model: str
    form: str
    repeats: int = Field(ge=2)
    cells: int = Field(ge=0)
    icc_answers: float | None = Field(description="ICC(A,1) of the mean answers of ordinal cells")
    icc_scores: float | None = Field(description="ICC(A,1) of the scores of cells")
    total_variation: float | None = Field(description="mean distance of two repeats of a cell")


class RefusalRow(Strict):
    """What came back under one form: shares of the cells in its files."""

    model: str
    form: str
    asked: int = Field(ge=0)
    answered: float
    refused: float
    invalid: float
    missing: float


class WaveRecall(Strict):
    """Whether a model is closer to a wave than to the one before, on cells that both hold."""

    model: str
    wave: int
    earlier: int
    later_score: float | None
    earlier_score: float | None
    difference: Effect = Field(description="alignment with the later wave less the earlier one")
    uniform: float | None = Field(description="the same difference of uniform answers")
    countries: int = Field(ge=0)


class RobustnessStudy(Strict):
    """How far scores and rankings depend on the form of the prompt."""

    kind: Literal["robustness"] = "robustness"
    mode: str = "corrected"
    release: StudyRelease
    wave: int
    questions: str
    factors: list[str]
    models: list[str]
    common_cells: int
    curve: list[FormRow]
    robustness: list[ModelRobustness]
    pairs: list[PairOrder]
    decompositions: list[Decomposition]
    effects: list[FactorEffect]
    biases: list[Biases]
    retests: list[Retest]
    refusals: list[RefusalRow]
    recall: list[WaveRecall] = Field(default_factory=list)
    notices: list[Notice] = Field(default_factory=list)


class PersonaRow(Strict):
    """One persona: how close its answers come to its own people, and to others."""

    persona: str
    own: float | None = Field(description="alignment with its own people")
    others: float | None = Field(description="mean alignment with the other people")
    gain_own: float | None = Field(description="own, less the answers without steering")
    gain_others: float | None
    rank: int | None = Field(
        description="place of its own people among all by gain (else by alignment)"
    )


class Advantage(Strict):
    """Mean of a matrix's diagonal less the mean beside it, with a permutation test."""

    estimate: float | None
    p_value: float | None = Field(description="one-sided: as high by chance")
    permutations: int
    exact: bool
    people: float | None = Field(description="the same of people's own answers: 1 less distances")
    share_of_people: float | None
    questions: int


class PersonaMatrix(Strict):
    """Alignment of the answers given as each persona (rows) with each people (columns)."""

    model: str
    condition: str
    targets: Literal["countries"] | str = Field(description="countries, or a variable of groups")
    personas: list[str]
    peoples: list[str]
    alignment: list[list[float | None]]
    unsteered: list[float | None] = Field(description="alignment of answers without steering")
    questions: list[int] = Field(description="questions of each column")
    rows: list[PersonaRow]
    advantage: Advantage
    advantage_own: int = Field(description="personas nearest, by gain, to their own people")


class SteerabilityStudy(Strict):
    """Whether a persona moves answers towards its people more than towards others."""

    kind: Literal["steerability"] = "steerability"
    mode: str = "corrected"
    release: StudyRelease
    wave: int
    matrices: list[PersonaMatrix]
    seed: int
    notices: list[Notice] = Field(default_factory=list)
