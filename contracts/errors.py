"""Errors that say what, where, what was found, what is allowed, and the next step."""

from __future__ import annotations

import difflib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

#: How many allowed values an error about an unknown value lists before it cuts the list.
SHOWN_VALUES = 20

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
        named = self.message.startswith("unknown value") and self.column in self.message
        if self.column and not named:
            # An option of the command line has its dashes, which say what it is.
            option = self.column.startswith("--")
            place.append(self.column if option else f"column {self.column}")
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
    all_problems = list(problems)
    lines = [str(p) for p in all_problems[:SHOWN_PROBLEMS]]
    if len(all_problems) > SHOWN_PROBLEMS:
        lines.append(
            f"... and {len(all_problems) - SHOWN_PROBLEMS} more problems (--json lists all)"
        )
    if subject:
        noun = "problem" if len(all_problems) == 1 else "problems"
        lines.insert(0, f"{subject}: {len(all_problems)} {noun}")
    return "\n".join(lines)


def fail(code: str, message: str, **fields: object) -> ContractError:
    """A `ContractError` of one problem, to be raised by the caller."""
    return ContractError(Problem(code, message, **fields))  # type: ignore[arg-type]


def unknown_values(
    option: str,
    given_values: str | Iterable[str],
    allowed: Iterable[str],
    *,
    code: str = "unknown-name",
    described: str = "",
    hint: str = "",
) -> Problem:
    """The problem of a value, or of several, that an option does not know.

    It names the option, what was found, the nearest allowed values ("did you mean ...?") and what
    is allowed.

    Args:
        option: the option with its dashes, or the name of a key or argument.
        found: the unknown value or values.
        allowed: all known values, from which the nearest are suggested.
        code: name of the kind of problem.
        described: what is allowed, in words, where a list would be too long.
        hint: the next step.
    """
    unknown = [given_values] if isinstance(given_values, str) else list(given_values)
    known = list(allowed)
    noun = "value" if len(unknown) == 1 else "values"
    nearest = _nearest(unknown, known)
    question = f"; did you mean {', '.join(nearest)}?" if nearest else ""
    shown = known if len(known) <= SHOWN_VALUES else [*known[:SHOWN_VALUES], "..."]
    return Problem(
        code,
        f"unknown {noun} for {option}{question}",
        column=option,
        found=", ".join(map(repr, unknown[:SHOWN_VALUES])),
        allowed=described or ", ".join(shown),
        hint=hint,
    )


def _nearest(unknown: Sequence[str], known: Sequence[str]) -> list[str]:
    """For each unknown value the known one most similar to it, where one is; case is ignored."""
    folded = {name.casefold(): name for name in known}
    nearest: dict[str, None] = {}
    for name in unknown[:SHOWN_VALUES]:
        for match in difflib.get_close_matches(name.casefold(), folded, n=1):
            nearest[folded[match]] = None
    return list(nearest)


def invalid_json(error: Exception, *, line: int | None = None) -> str:
    """What is wrong with a text that is not JSON, where, and what to do; a message.

    Args:
        error: what the parser raised.
        line: line of the file, where each line is a text of its own.
    """
    if isinstance(error, json.JSONDecodeError):
        place = f"line {line or error.lineno}, column {error.colno}"
        return f"invalid JSON at {place}: {error.msg}; correct it there or write the file again"
    if isinstance(error, RecursionError):
        return "invalid JSON: nested too deeply"
    return f"invalid JSON: {error}"
