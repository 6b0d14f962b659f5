"""Tables of the advice protocol."""

from __future__ import annotations

from typing import ClassVar

from contracts.models import Sparse
from contracts.report import Interval, ProtocolTables
from contracts.specs.protocols import ADVICE

_NONE = Interval(estimate=None)


class AdviceCorrelation(Sparse):
    """Correlation of Hofstede's scores and shares of advice over countries, by approach.

    `pearson` is the plain correlation of score and counted share, `aligned` the same with its sign
    turned for power distance; `p_adjusted` is adjusted over all rows (Benjamini-Hochberg).
    `auroc`, `accuracy` and `majority_floor` say how well shares tell countries on either side of
    50 apart. `inconclusive` and `high` are shares of all answers.
    """

    approach: str
    dimension: str
    pearson: float | None = None
    aligned: Interval = _NONE
    p_value: float | None = None
    countries: int = 0
    auroc: float | None = None
    accuracy: float | None = None
    majority_floor: float | None = None
    inconclusive: float | None = None
    high: float | None = None
    reason: str = ""
    p_adjusted: float | None = None


class ResourceLevel(Sparse):
    """The correlation over countries whose language has one level of resources."""

    approach: str
    dimension: str
    level: str
    pearson: float | None = None
    aligned: Interval = _NONE
    p_value: float | None = None
    countries: int | None = None


class AdviceCountry(Sparse):
    """A country's score and the shares of the advice given for it.

    `counted_share` is that of the side which the paper counts: the low one for power distance, the
    high one else.
    """

    approach: str
    dimension: str
    country: str
    score: int | float
    counted_share: float | None
    inconclusive_share: float
    answers: int


class Lean(Sparse):
    """Share of the high side in the advice that took a side, whoever asked."""

    approach: str
    dimension: str
    high: Interval
    dilemmas: int | None = None


class GivenLean(Sparse):
    """Partial correlation over countries and dimensions given the lean of `lean_from`."""

    approach: str
    partial: Interval
    lean_from: str = ""
    countries: int | None = None


class ApproachPair(Sparse):
    """Difference of two approaches' mean aligned correlations over the same countries."""

    first: str
    second: str
    difference: Interval
    p_value: float | None = None
    p_adjusted: float | None = None
    countries: int | None = None
    dimensions: int | None = None


class AdviceTables(ProtocolTables):
    """All tables of the protocol."""

    PROTOCOL: ClassVar[str] = ADVICE

    correlations: list[AdviceCorrelation] | None = None
    resource_levels: list[ResourceLevel] | None = None
    countries: list[AdviceCountry] | None = None
    note: str = ""
    lean: list[Lean] | None = None
    given_lean: list[GivenLean] | None = None
    paired: list[ApproachPair] | None = None
