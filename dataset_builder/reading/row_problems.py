"""What is wrong with single rows of a file, counted by kind, so that all of it is told at once."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from contracts.errors import Problem

#: Examples of what was found that one problem lists.
_MOST_EXAMPLES = 5


@dataclass
class RowProblems:
    """Problems of rows: one for each kind, with its first row, examples and the number of rows."""

    by_code: dict[str, Problem] = field(default_factory=dict)
    _examples: dict[str, list[str]] = field(default_factory=dict, repr=False)

    def add(self, problem: Problem, examples: list[str]) -> None:
        """Count a block's problem of one kind (its code); `examples` are the entries found."""
        known = self.by_code.get(problem.code)
        if known is None:
            self.by_code[problem.code] = problem
        else:
            self.by_code[problem.code] = replace(known, count=known.count + problem.count)
        listed = self._examples.setdefault(problem.code, [])
        listed += [e for e in dict.fromkeys(examples) if e not in listed]

    def problems(self) -> list[Problem]:
        """All of them, in the order in which they were met."""
        return [
            replace(problem, found=", ".join(self._examples[code][:_MOST_EXAMPLES]))
            for code, problem in self.by_code.items()
        ]


def shown_entry(entry: object) -> str:
    """An entry of a column as it is shown in a message."""
    return "blank" if entry is None or entry == "" else str(entry)
