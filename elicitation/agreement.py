"""Agreement of two readers beyond chance."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple


class Agreement(NamedTuple):
    """Agreement of two readers.

    Attributes:
        readings: pieces that both read.
        agreement: share on which they agree; None without readings.
        kappa: Cohen's kappa; None without readings, or where both always say the same one thing.
    """

    readings: int
    agreement: float | None
    kappa: float | None

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        return self._asdict()


def cohen_kappa(first: Sequence[str], second: Sequence[str]) -> Agreement:
    """Cohen's kappa of two readers' labels of the same pieces, in the same order.

    Formula: (p_o - p_e) / (1 - p_e), p_e = sum_k p_1k p_2k.
    Source: Cohen (1960), Educational and Psychological Measurement 20, 37-46.

    Raises:
        ValueError: the readers labelled different numbers of pieces.
    """
    if len(first) != len(second):
        raise ValueError(f"{len(first)} labels of one reader, {len(second)} of the other")
    count = len(first)
    if not count:
        return Agreement(0, None, None)
    observed = sum(a == b for a, b in zip(first, second, strict=True)) / count
    one, two = Counter(first), Counter(second)
    by_chance = sum(one[label] * two[label] for label in one) / count**2
    kappa = None if by_chance == 1 else (observed - by_chance) / (1 - by_chance)
    return Agreement(count, observed, kappa)
