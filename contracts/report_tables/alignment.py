"""Tables of the alignment protocol."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from contracts.models import Sparse
from contracts.report import Interval, ProtocolTables
from contracts.report_tables.curves import ThresholdCurve
from contracts.specs.protocols import ALIGNMENT


class CountryLevel(Sparse):
    """Mean over countries, sd (ddof 1), and the six best and worst countries by ISO3 code."""

    mean: float | None
    sd_over_countries: float | None
    top: list[str]
    bottom: list[str]


class Noise(Sparse):
    """What sampling people alone does to country-equal means.

    `floor` is the mean distance at which a perfect model would still be found, `ceiling` the
    score that a second sample of the same people would get.
    """

    floor: float | None
    ceiling: float | None
    median_n_eff: float | None
    note: str = ""


class AverageHumanRow(Sparse):
    """A country's alignment with each average human, and the model's less that."""

    country: str
    leave_one_out: float | None = Field(default=None, alias="leave-one-out")
    difference_leave_one_out: float | None = Field(default=None, alias="difference_leave-one-out")
    country_equal: float | None = Field(default=None, alias="country-equal")
    difference_country_equal: float | None = Field(default=None, alias="difference_country-equal")
    pooled: float | None = None
    difference_pooled: float | None = None


class AverageHumans(Sparse):
    """Every country beside the average humans; `used` names the one of the report's scores."""

    used: str
    rows: list[AverageHumanRow]


class PreviousWave(Sparse):
    """How close the people of the wave before are on the cells that the answers are scored on."""

    wave: int
    people: float | None
    model: float | None
    countries: int


class WaveRow(Sparse):
    """A wave and set of countries: mean over countries with its interval, sd (ddof 1).

    A row of fewer than five countries is null and has a `reason`.
    """

    wave: int
    countries_kind: str
    countries: list[str] = Field(default_factory=list)
    questions: int | None = None
    alignment: Interval = Field(default_factory=lambda: Interval(estimate=None))
    sd_over_countries: float | None = None
    previous_wave: PreviousWave | None = None
    reason: str = ""


class WaveChange(Sparse):
    """The last wave less the first over all questions; null with a `reason` where untested."""

    first: int
    last: int
    difference: float | None
    p_value: float | None
    questions: int
    reason: str = ""


class WaveQuestion(Sparse):
    """Whether the answers to a question are nearer to the panel's first or last wave.

    `p_value` is that of a paired sign-flip test over `countries`; `p_holm` and `p_bh` are adjusted
    over the questions.
    """

    question_id: str
    countries: int
    first: float | None
    last: float | None
    difference: float | None
    nearer: str | None
    p_value: float | None
    reason: str = ""
    p_holm: float | None = None
    p_bh: float | None = None


class WaveTable(Sparse):
    """The trend of one report, or the `reason` why there is none.

    `change` and `questions` are absent without a trend, and in reports of versions before trends
    had tests.
    """

    tau: float | None = None
    selected: list[str] = Field(default_factory=list)
    enough: bool | None = None
    rows: list[WaveRow] = Field(default_factory=list)
    left_out: list[str] = Field(default_factory=list)
    reason: str = ""
    change: WaveChange | None = None
    questions: list[WaveQuestion] = Field(default_factory=list)


class ConsistencyRow(Sparse):
    """Whether the answers take one side of a topic throughout: means over sets of answers."""

    topic: str
    questions: list[str]
    rate: float | None = None
    mass: float | None = None
    answers: int | None = None


class CountryMatrix(Sparse):
    """Alignment of every country's people with every other's, shape (C, C)."""

    countries: list[str]
    alignment: list[list[float | None]]


class CellGrid(Sparse):
    """Scores by country (rows) and question (columns), shape (C, Q); null where none."""

    countries: list[str]
    questions: list[str]
    scores: list[list[float | None]]


class CeilingRow(Sparse):
    """A country's ceiling found in three ways, over the scored questions.

    `kind` says which of them the report's scores take; `clusters` is the number of clusters that
    were halved, null without any.
    """

    country: str
    kind: str
    clusters: int | None = None
    by_clusters: float | None = None
    by_respondents: float | None = None
    by_effective_size: float | None = None


class AlignmentTables(ProtocolTables):
    """All tables of the protocol."""

    PROTOCOL: ClassVar[str] = ALIGNMENT

    country_level: CountryLevel | None = None
    noise: Noise | None = None
    average_humans: AverageHumans | None = None
    waves: WaveTable | None = None
    consistency: list[ConsistencyRow] | None = None
    threshold_curve: ThresholdCurve | None = None
    country_matrix: CountryMatrix | None = None
    question_scores: CellGrid | None = None
    ceilings: list[CeilingRow] | None = None
