"""Errors that say what, where, what was found, what is allowed, and the next step."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

#: How many problems a message prints; the rest is counted.
SHOWN_PROBLEMS = 20


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a file.

    Attributes:
        code: stable name of the kind of problem, for instance `negative-share`.
        message: what is wrong, in one sentence.
        where: file, table or record it stands in.
        row: 1-based row or record number, where there is one.
        column: column or key, where there is one.
        found: what was found there.
        allowed: what is allowed there.
        hint: the next step.
        count: how many times the same problem occurs.
    """

    code: str
    message: str
    where: str = ""
    row: int | None = None
    column: str = ""
    found: str = ""
    allowed: str = ""
    hint: str = ""
    count: int = 1

    def __str__(self) -> str:
        place = [self.where] if self.where else []
        if self.row is not None:
            place.append(f"row {self.row}")
        if self.column:
            place.append(f"column {self.column}")
        text = f"{', '.join(place)}: {self.message}" if place else self.message
        if self.found:
            text += f"; found {self.found}"
        if self.allowed:
            text += f"; allowed: {self.allowed}"
        if self.count > 1:
            text += f" ({self.count} times)"
        if self.hint:
            text += f". {self.hint}"
        return f"[{self.code}] {text}"

    def to_json(self) -> dict[str, object]:
        """The problem as a JSON object, empty fields left out."""
        return {key: item for key, item in asdict(self).items() if item not in ("", None)}


class ContractError(ValueError):
    """A file, argument or environment breaks a contract; holds every problem found.

    The command line prints it without a traceback and exits with 2.
    """

    def __init__(self, problems: Problem | Sequence[Problem], *, subject: str = "") -> None:
        self.problems: tuple[Problem, ...] = (
            (problems,) if isinstance(problems, Problem) else tuple(problems)
        )
        self.subject = subject
        super().__init__(render_problems(self.problems, subject=subject))

    def __reduce__(self) -> tuple[type[ContractError], tuple[tuple[Problem, ...]]]:
        return type(self), (self.problems,)

    def to_json(self) -> dict[str, object]:
        """The error as a JSON object: subject and all problems."""
        return {"subject": self.subject, "problems": [p.to_json() for p in self.problems]}


def render_problems(problems: Iterable[Problem], *, subject: str = "") -> str:
    """The problems as text, a line each, capped at `SHOWN_PROBLEMS`."""
    found = list(problems)
    lines = [str(p) for p in found[:SHOWN_PROBLEMS]]
    if len(found) > SHOWN_PROBLEMS:
        lines.append(f"... and {len(found) - SHOWN_PROBLEMS} more problems (--json lists all)")
    if subject:
        noun = "problem" if len(found) == 1 else "problems"
        lines.insert(0, f"{subject}: {len(found)} {noun}")
    return "\n".join(lines)


def fail(code: str, message: str, **fields: object) -> ContractError:
    """A `ContractError` of one problem, to be raised by the caller."""
    return ContractError(Problem(code, message, **fields))  # type: ignore[arg-type]
