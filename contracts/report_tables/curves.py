"""Tables that several protocols have."""

from __future__ import annotations

from contracts.models import Sparse


class ThresholdCurve(Sparse):
    """Share of questions at or below each distance; null without questions.

    `threshold` and `share` have the same length; `questions` is the number of questions counted.
    """

    threshold: list[float]
    share: list[float | None]
    questions: int = 0
