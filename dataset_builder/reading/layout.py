"""Which columns of a file hold what: questions, demographics, ids, country, weight, wave."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from codebook import value_questions
from contracts.errors import ContractError, Problem
from dataset_builder.reading.relatives import refuse_relatives, refuse_unknown
from dataset_builder.reading.variables import (
    DEMOGRAPHICS,
    INVERTED,
    ON_REQUEST,
    ROLES,
    almost_questions,
    header_style,
    known_names,
    variable_name,
)


@dataclass(frozen=True)
class Layout:
    """Column indices by what they hold.

    Attributes:
        questions: column by value question, in questionnaire order.
        inverted: questions whose column runs against the questionnaire (`Q1P`).
        demographics: column by demographic variable, those given out on request included.
        roles: column by role (`variables.ROLES`).
        header_style: how the columns are headed.
        set_aside: columns that begin like a question (`Q1.x`), which are not read.
    """

    questions: Mapping[str, int]
    inverted: frozenset[str]
    demographics: Mapping[str, int]
    roles: Mapping[str, int]
    header_style: str
    set_aside: tuple[str, ...] = ()

    def columns(self) -> tuple[int, ...]:
        """All columns that are read, in the order of the file."""
        parts = (self.questions, self.demographics, self.roles)
        return tuple(sorted({index for part in parts for index in part.values()}))


def find_layout(headers: Sequence[str], *, where: str) -> Layout:
    """Find out which columns hold what.

    Args:
        headers: headers of all columns, as in the file.
        where: name of the file, for messages.

    Raises:
        ContractError: a column that is read occurs twice; the file is of another wave, or no
            file of the survey.
    """
    refuse_relatives(headers, where=where)
    names = [variable_name(header) for header in headers]
    _refuse_duplicates(headers, names, where=where)
    index = {name: place for place, name in enumerate(names)}
    questions, inverted = _question_columns(index)
    layout = Layout(
        questions=questions,
        inverted=inverted,
        demographics={v: index[v] for v in (*DEMOGRAPHICS, *ON_REQUEST) if v in index},
        roles={
            role: next(index[name] for name in group if name in index)
            for role, group in ROLES.items()
            if any(name in index for name in group)
        },
        header_style=header_style(tuple(headers)),
        set_aside=almost_questions(headers),
    )
    refuse_unknown(
        names,
        questions=len(layout.questions),
        set_aside=layout.set_aside,
        country=any(role in layout.roles for role in ("country", "country_alpha")),
        where=where,
    )
    return layout


def _question_columns(index: Mapping[str, int]) -> tuple[dict[str, int], frozenset[str]]:
    """Column by question; where both directions are there, the questionnaire's counts."""
    turned = {
        match.group(1).upper(): place
        for name, place in index.items()
        if (match := INVERTED.fullmatch(name))
    }
    columns = {}
    inverted = set()
    for question in value_questions():
        if question in index:
            columns[question] = index[question]
        elif question in turned:
            columns[question] = turned[question]
            inverted.add(question)
    return columns, frozenset(inverted)


def _refuse_duplicates(headers: Sequence[str], names: Sequence[str], *, where: str) -> None:
    """A variable that is read, or a header, must not occur twice."""
    read = set(known_names().values()) | {f"{q}P" for q in value_questions()}
    counts = Counter(
        name if name in read else header.strip()
        for header, name in zip(headers, names, strict=True)
        if header.strip()
    )
    problems = [
        Problem(
            "duplicate-column",
            f"{count} columns hold the variable {name}",
            where=where,
            column=name,
            found=", ".join(repr(h) for h, n in zip(headers, names, strict=True) if n == name)[
                :200
            ],
            allowed="one column for each variable",
            hint="Remove the column that is not wanted, or use the file as the survey ships it.",
        )
        for name, count in counts.items()
        if count > 1
    ]
    if problems:
        raise ContractError(problems, subject=where)
