"""Gather everything that is wrong with a predictions file, and everything that was tolerated."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from contracts.errors import ContractError, Problem

if TYPE_CHECKING:
    import pyarrow as pa

#: Problems kept with their place; further ones are only counted.
MOST_PROBLEMS = 10_000

#: Longest piece of a file that a problem quotes.
QUOTED_LENGTH = 60


def quote(content: object) -> str:
    """`found` as quoted in a message, cut to `QUOTED_LENGTH` characters."""
    text = repr(content)
    return text if len(text) <= QUOTED_LENGTH else f"{text[: QUOTED_LENGTH - 3]}..."


class Findings:
    """Problems of one file in the order of their rows, and counts of what was tolerated."""

    def __init__(self, where: str) -> None:
        self.where = where
        self.problems: list[Problem] = []
        self.beyond = 0
        self._tolerated: Counter[str] = Counter()
        self.unknown: dict[str, Counter[str]] = {}

    def add(
        self,
        code: str,
        message: str,
        *,
        row: int | None = None,
        column: str = "",
        found: str = "",
        allowed: str = "",
        hint: str = "",
    ) -> None:
        """Note a problem; beyond `MOST_PROBLEMS` it is only counted."""
        if len(self.problems) >= MOST_PROBLEMS:
            self.beyond += 1
            return
        self.problems.append(
            Problem(
                code,
                message,
                where=self.where,
                row=row,
                column=column,
                found=found,
                allowed=allowed,
                hint=hint,
            )
        )

    @property
    def count(self) -> int:
        """How many problems there are."""
        return len(self.problems) + self.beyond

    def tolerate(self, name: str, count: int = 1) -> None:
        """Count something that was mended or left out."""
        self._tolerated[name] += count

    def leave_out(self, name: str, written: str, count: int = 1) -> None:
        """Count what was left out because its name is unknown, and keep the name."""
        self.tolerate(name, count)
        self.unknown.setdefault(name, Counter())[written] += count

    def leave_out_all(self, name: str, texts: pa.Array) -> None:
        """`leave_out` for every one of the texts."""
        for entry in texts.value_counts().to_pylist():
            self.leave_out(name, entry["values"], entry["counts"])

    def forget_since(self, count: int) -> bool:
        """Take back the problems beyond the first `count`; whether there were any."""
        beyond = self.count > count
        del self.problems[count:]
        self.beyond = 0 if beyond else self.beyond
        return beyond

    @property
    def tolerated(self) -> dict[str, int]:
        """What was tolerated, by name, without zeros."""
        return {name: count for name, count in sorted(self._tolerated.items()) if count}

    def raise_if_any(self) -> None:
        """Raise every problem at once.

        Raises:
            ContractError: there is at least one problem.
        """
        if not self.problems:
            return
        ordered = sorted(self.problems, key=lambda p: (p.row is None, p.row or 0))
        if self.beyond:
            ordered.append(
                Problem(
                    "too-many-problems",
                    f"{self.beyond} further problems are not listed",
                    where=self.where,
                )
            )
        raise ContractError(ordered, subject=self.where)
