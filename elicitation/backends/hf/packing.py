"""Rows of a batch: a context's rest with one option, or with all options as a tree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import torch

from elicitation.backends.hf.tokens import Ids, Item

#: Segment of the padding; the context is 0, the options are 1, 2, ...
_PADDING = -1


class Unit(NamedTuple):
    """One row to be: a context and the options that share it.

    Attributes:
        item: index of the item.
        numbers: which of the item's options these are.
        context: ids of the context.
        options: ids of these options.
    """

    item: int
    numbers: tuple[int, ...]
    context: Ids
    options: tuple[Ids, ...]

    @property
    def length(self) -> int:
        """Ids that are fed to the model: all but the last of each option."""
        return len(self.context) + sum(len(option) - 1 for option in self.options)

    @property
    def branches(self) -> int:
        """Options that are fed to the model; more than one need a mask of their own."""
        return sum(len(option) > 1 for option in self.options)


class Packed(NamedTuple):
    """A batch of rows behind a shared prefix.

    Attributes:
        input_ids: shape (rows, length), padded on the right.
        positions: position ids, the same shape; options restart behind their context. None
            where plain counting is right.
        allowed: shape (rows, 1, length, prefix + length), whether a token sees another. None
            where the causal mask is right.
        rows, columns: where to read a prediction, each pair once.
        reads: index into those pairs, one per option token.
        targets: the id whose probability is wanted, one per option token.
        owners: (item, option number), one per option token.
    """

    input_ids: Any
    positions: Any
    allowed: Any
    rows: list[int]
    columns: list[int]
    reads: list[int]
    targets: list[int]
    owners: list[tuple[int, int]]


def units_of(items: Sequence[Item], *, tree: bool) -> list[Unit]:
    """Rows to be: one per item (tree), or one per option.

    Options of one id are all read at the end of the context: they never need rows of their own.
    """
    units = []
    for index, item in enumerate(items):
        long = [number for number, option in enumerate(item.options) if len(option) > 1]
        every = range(len(item.options))
        if tree or len(long) < 2:
            groups = [list(every)]
        else:
            groups = [[number] for number in long]
            groups[0] = [number for number in every if number not in long[1:]]
        units += [
            Unit(index, tuple(group), item.context, tuple(item.options[k] for k in group))
            for group in groups
        ]
    return units


def batches(
    units: Sequence[Unit], *, prefix: int, max_tokens: int, max_reads: int
) -> Iterator[list[Unit]]:
    """Units in batches of like length, longest first.

    Args:
        units: the units.
        prefix: length of the prefix that every row gets a copy of.
        max_tokens: bound of rows x (prefix + padded length); a single row may exceed it.
        max_reads: bound of the option tokens in a batch, which is that of its logits.
    """
    batch: list[Unit] = []
    width = reads = 0
    for unit in sorted(units, key=lambda one: -one.length):
        count = sum(map(len, unit.options))
        full = (len(batch) + 1) * (width + prefix) > max_tokens or reads + count > max_reads
        if batch and full:
            yield batch
            batch, reads = [], 0
        if not batch:
            width = unit.length - prefix
        batch.append(unit)
        reads += count
    if batch:
        yield batch


def pack(units: Sequence[Unit], *, prefix: int, device: Any) -> Packed:
    """One batch of rows; `prefix` ids of every context are already in the cache."""
    length = max(unit.length for unit in units) - prefix
    ids = torch.zeros(len(units), length, dtype=torch.long)
    segments = torch.full((len(units), length), _PADDING, dtype=torch.long)
    positions = torch.zeros(len(units), length, dtype=torch.long)
    reader = _Reader()
    for row, unit in enumerate(units):
        _fill(row, unit, prefix, (ids, segments, positions), reader)
    is_tree = any(unit.branches > 1 for unit in units)
    allowed = _tree_mask(segments.to(device), prefix) if is_tree else None
    return Packed(
        ids.to(device),
        positions.to(device) if is_tree else None,
        allowed,
        reader.rows,
        reader.columns,
        reader.reads,
        reader.targets,
        reader.owners,
    )


class _Reader:
    """Collects where predictions are read, each place once."""

    def __init__(self) -> None:
        self.rows: list[int] = []
        self.columns: list[int] = []
        self.reads: list[int] = []
        self.targets: list[int] = []
        self.owners: list[tuple[int, int]] = []

    def place(self, row: int, column: int) -> int:
        self.rows.append(row)
        self.columns.append(column)
        return len(self.rows) - 1

    def read(self, place: int, target: int, owner: tuple[int, int]) -> None:
        self.reads.append(place)
        self.targets.append(target)
        self.owners.append(owner)


def _fill(
    row: int, unit: Unit, prefix: int, tensors: tuple[Any, Any, Any], reader: _Reader
) -> None:
    ids, segments, positions = tensors
    rest = unit.context[prefix:]
    end = len(rest)
    line, segment = list(rest), [0] * end
    position = list(range(prefix, prefix + end))
    first = reader.place(row, end - 1)
    for branch, (number, option) in enumerate(zip(unit.numbers, unit.options, strict=True), 1):
        owner = (unit.item, number)
        reader.read(first, option[0], owner)
        for step, target in enumerate(option[1:]):
            reader.read(reader.place(row, len(line) + step), target, owner)
        fed = len(option) - 1
        line.extend(option[:-1])
        segment.extend([branch] * fed)
        position.extend(range(prefix + end, prefix + end + fed))
    ids[row, : len(line)] = torch.tensor(line)
    segments[row, : len(line)] = torch.tensor(segment)
    positions[row, : len(line)] = torch.tensor(position)


def _tree_mask(segments: Any, prefix: int) -> Any:
    """Whether a token sees another: the prefix, its context so far, and its own option so far.

    Padding sees the context and itself; nothing is read there, but no row may be empty.
    """
    rows, length = segments.shape
    queries, keys = segments[:, :, None], segments[:, None, :]
    causal = torch.ones(length, length, dtype=torch.bool, device=segments.device).tril()
    own = causal & ((keys == 0) | (keys == queries))
    before = torch.ones(rows, length, prefix, dtype=torch.bool, device=segments.device)
    return torch.cat([before, own], dim=-1)[:, None]
