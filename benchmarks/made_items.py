"""Made-up items with the shape of a survey: long shared beginnings, about six options each."""

from __future__ import annotations

import numpy as np

from elicitation.backends.hf.tokens import Item

#: Tokens that all contexts share, that those of one group share, and that are an item's own.
COMMON, GROUP, OWN = 640, 160, (60, 120)

#: Items that share a group's beginning.
GROUP_ITEMS = 16


def made_items(count: int, *, vocabulary: int, rng: np.random.Generator) -> list[Item]:
    """Items with contexts of about 890 ids and 6.2 options of 2 to 7 ids on average.

    Every option ends with the same id, as a terminator does.
    """

    def ids(size: int) -> tuple[int, ...]:
        return tuple(int(i) for i in rng.integers(10, vocabulary, size))

    common = ids(COMMON)
    items = []
    for index in range(count):
        if index % GROUP_ITEMS == 0:
            group = common + ids(GROUP)
        options = tuple(
            (*ids(int(rng.integers(1, 7))), 9)
            for _ in range(int(rng.choice((4, 5, 10), p=(0.5, 0.26, 0.24))))
        )
        items.append(Item(group + ids(int(rng.integers(*OWN))), options))
    return items


def label_items(items: list[Item]) -> list[Item]:
    """The same contexts with one id per option, as letters are."""
    return [
        Item(item.context, tuple((10 + k,) for k in range(len(item.options)))) for item in items
    ]
