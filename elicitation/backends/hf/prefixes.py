"""Which beginnings of contexts are computed once: a walk over the tree of shared prefixes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from elicitation.backends.hf.packing import Unit
from elicitation.backends.hf.tokens import Ids, common_prefix


class Step(NamedTuple):
    """One prefix and the units that are computed right behind it.

    Attributes:
        depth: number of steps above this one: its prefix extends the last one seen there.
        prefix: the whole prefix from the first token on; may be empty.
        units: units whose rest follows the prefix directly; may be none.
    """

    depth: int
    prefix: Ids
    units: list[Unit]


def prefix_steps(units: Sequence[Unit], *, min_saved: int) -> Iterator[Step]:
    """Prefixes depth first, so that one cache per depth is enough.

    A prefix gets a step of its own where that saves at least `min_saved` ids of computing:
    its new ids times the units that share it, less one. Every unit keeps at least the last
    id of its context, from which its options' first ids are predicted.

    Args:
        units: units in any order.
        min_saved: ids that a step must save; small where computing is dear (a processor),
            large where a separate, smaller batch is (an accelerator).
    """
    ordered = sorted(units, key=lambda unit: unit.context)
    if ordered:
        yield from _walk(ordered, 0, 0, min_saved)


def _walk(units: Sequence[Unit], depth: int, known: int, min_saved: int) -> Iterator[Step]:
    shared = _shared(units)
    if (shared - known) * (len(units) - 1) < min_saved:
        shared = known
    direct: list[Unit] = []
    branches: list[Sequence[Unit]] = []
    for branch in _branches(units, shared):
        saved = (_shared(branch) - shared) * (len(branch) - 1)
        if saved >= min_saved and len(branch) < len(units):
            branches.append(branch)
        else:
            direct.extend(branch)
    yield Step(depth, units[0].context[:shared], direct)
    for branch in branches:
        yield from _walk(branch, depth + 1, shared, min_saved)


def _shared(units: Sequence[Unit]) -> int:
    """Ids that all of some sorted units' contexts begin with, the last id of each left out."""
    shortest = min(len(unit.context) for unit in units)
    return min(common_prefix(units[0].context, units[-1].context), shortest - 1)


def _branches(units: Sequence[Unit], shared: int) -> Iterator[Sequence[Unit]]:
    """Runs of sorted units with the same next id."""
    start = 0
    for index in range(1, len(units) + 1):
        if index == len(units) or units[index].context[shared] != units[start].context[shared]:
            yield units[start:index]
            start = index
