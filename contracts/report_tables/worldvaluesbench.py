"""Tables of the WorldValuesBench protocol."""

from __future__ import annotations

from typing import ClassVar

from contracts.models import Sparse
from contracts.report import ProtocolTables
from contracts.report_tables.curves import ThresholdCurve
from contracts.specs.protocols import WORLDVALUESBENCH


class BaselineMeans(Sparse):
    """Mean Wasserstein distances over questions of the uniform and the majority answer."""

    uniform: float | None
    majority: float | None


class WorldValuesBenchTables(ProtocolTables):
    """All tables of the protocol; a report that is shown to others has fewer.

    `sd` is over the questions' distances (ddof 1); `threshold_curves` are by name of the answers
    (model, uniform, majority), `category_curves` by category of the questions.
    """

    PROTOCOL: ClassVar[str] = WORLDVALUESBENCH

    compared_with: str | None = None
    unsteered_samples: bool | None = None
    threshold_curves: dict[str, ThresholdCurve] | None = None
    sd: float | None = None
    means: BaselineMeans | None = None
    category_curves: dict[str, ThresholdCurve] | None = None
