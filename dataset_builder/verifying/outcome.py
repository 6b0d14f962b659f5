"""What a check found."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from contracts.errors import Problem


@dataclass(frozen=True)
class Check:
    """One thing that was checked.

    Attributes:
        name: what, in a few words.
        problems: what is wrong; empty where nothing is.
        detail: what was looked at, for instance "22,644,219 rows".
    """

    name: str
    problems: tuple[Problem, ...] = ()
    detail: str = ""

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


@dataclass(frozen=True)
class Verification:
    """All checks of a release."""

    source: str
    checks: tuple[Check, ...] = field(default=())

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All problems of all checks."""
        return tuple(problem for check in self.checks for problem in check.problems)

    @property
    def passed(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problems


def counted(code: str, what: str, count: int, *, where: str, hint: str = "") -> list[Problem]:
    """A problem that occurs `count` times; none where it never does."""
    if not count:
        return []
    return [Problem(code, what, where=where, count=int(count), hint=hint)]


def gathered(*groups: Iterable[Problem]) -> tuple[Problem, ...]:
    """The problems of several groups in one tuple."""
    return tuple(problem for group in groups for problem in group)


def summed(groups: Iterable[Iterable[Problem]]) -> list[Problem]:
    """Problems of several parts of one table: the same one is one, counted together."""
    problems_by_key: dict[tuple[str, str, str], Problem] = {}
    for group in groups:
        for problem in group:
            key = (problem.code, problem.message, problem.where)
            before = problems_by_key[key].count if key in problems_by_key else 0
            problems_by_key[key] = replace(problem, count=problem.count + before)
    return list(problems_by_key.values())
