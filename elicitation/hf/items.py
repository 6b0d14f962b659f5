"""What a scorer takes: token ids of a context and of the options that may follow it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

Ids = tuple[int, ...]


class Item(NamedTuple):
    """One context and its options, as token ids.

    Attributes:
        context: ids of the context; at least one, for a first token has no probability.
        options: ids of each option; at least one each. No option is fed to the model with its
            last token, so an option of one token costs no forward pass of its own.
    """

    context: Ids
    options: tuple[Ids, ...]

    @property
    def longest(self) -> int:
        """Length of the context with its longest option."""
        return len(self.context) + max(map(len, self.options))


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """Number of ids that two sequences begin with alike."""
    limit = min(len(first), len(second))
    if first[:limit] == second[:limit]:
        return limit
    low, high = 0, limit
    while low + 1 < high:
        middle = (low + high) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle
    return low
