"""Which scorer is used: the fastest one that agrees with the naive one on this model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from elicitation.backends.hf.scorers import (
    SCORERS,
    Check,
    Limits,
    ScorerName,
    check_scorer,
    tree_reach,
)
from elicitation.backends.hf.tokens import Item, common_prefix

#: Largest difference of an option's log-probability from the naive one, in nats, by number
#: type. In 16 bits two right ways of adding up differ by some hundredths already.
TOLERANCES = {"torch.float32": 1e-3, "torch.float64": 1e-3}
_TOLERANCE_16_BIT = 0.3

#: Items that are compared.
CHECKED_ITEMS = 2


class ScorerChoice:
    """Chooses once, on the first items that are seen, and remembers why.

    Args:
        model: the model.
        asked: `auto`, or a scorer; that one is checked all the same, but nothing faster is
            tried.
        limits: how much is computed at once.
    """

    def __init__(self, model: Any, asked: str, limits: Limits) -> None:
        self._model = model
        self._asked = asked
        self._limits = limits
        self._chosen: ScorerName | None = None
        self._checks: list[Check] = []

    def scorer(self, items: Sequence[Item]) -> ScorerName:
        """The scorer to use; the first call compares on two of the items."""
        if self._chosen is None:
            self._chosen = self._choose(checked_items(items))
        return self._chosen

    def forget_model(self) -> None:
        """Let go of the model; what was found out stays."""
        self._model = None

    def environment(self) -> dict[str, Any]:
        """Scorer used and distances found, as JSON types."""
        if self._chosen is None:
            return {}
        return {
            "scorer_used": self._chosen,
            "scorer_checks": [check._asdict() for check in self._checks],
        }

    def notes(self) -> tuple[str, ...]:
        """What was given up, a sentence each."""
        return tuple(
            f"The scorer {check.scorer} was given up: "
            + (check.error or f"{check.distance:.2g} nats from the naive one")
            + "."
            for check in self._checks
            if check.scorer != self._chosen
        )

    def _choose(self, items: Sequence[Item]) -> ScorerName:
        for name in self._candidates():
            if name == "naive":
                return name
            check = check_scorer(self._model, items, scorer=name, limits=self._limits)
            self._checks.append(check)
            if check.distance is not None and check.distance <= self._tolerance():
                return name
        return "naive"

    def _candidates(self) -> tuple[ScorerName, ...]:
        names = SCORERS if self._asked == "auto" else SCORERS[SCORERS.index(self._asked) :]  # type: ignore[arg-type]
        reach = tree_reach(self._model.config)
        return tuple(name for name in names if name != "tree" or reach != 0)

    def _tolerance(self) -> float:
        return TOLERANCES.get(str(self._model.dtype), _TOLERANCE_16_BIT)


def checked_items(items: Sequence[Item]) -> list[Item]:
    """Items that put a scorer to the test: the longest, and the one that shares most with it."""
    longest = max(items, key=lambda item: item.longest)
    others = [item for item in items if item is not longest]
    ordered = sorted(others, key=lambda item: -common_prefix(item.context, longest.context))
    return [longest, *ordered[: CHECKED_ITEMS - 1]]
