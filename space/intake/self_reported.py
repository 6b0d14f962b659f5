"""A report that was made elsewhere: read as hostile, kept as self-reported."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from codebook.countries import CONTINENTS, countries
from codebook.questions import CATEGORIES, value_questions
from contracts.errors import ContractError, Problem, fail
from contracts.models import validation_problems
from contracts.predictions.distributions import canonical_group
from contracts.report import GroupEntry, Report
from contracts.report_tables.check import table_problems
from contracts.specs import score_spec
from contracts.versions import check_schema_version
from scoring.inputs.respondents import cell_names
from space.intake.limits import Limits
from space.intake.precheck import read_json
from space.intake.texts import plain_problems

#: Longest lists that a report of this project can have.
_LONGEST = {
    "scores": 500,
    "countries": 400,
    "questions": 2_000,
    "groups": 20_000,
    "cells": 400_000,
    "protocols": 8,
    "tests": 2_000,
    "warnings": 500,
}

_SCORE_NAME = re.compile(r"[a-z][a-z0-9_.]{0,59}")


def read_self_reported(path: Path, limits: Limits) -> Report:
    """Read a report that someone made on their own machine.

    What would let it pass for more than its own word is taken out: the ceiling of people.

    Raises:
        ContractError: it is no report, or says what no report can say.
    """
    fields = read_json(path, allowed_bytes=limits.report_bytes, limits=limits)
    if not isinstance(fields, dict):
        raise fail("not-object", "the file holds no JSON object", where=path.name)
    if fields.get("kind") != "report":
        raise fail(
            "not-report",
            "the JSON file is no report",
            where=path.name,
            found=f"kind {str(fields.get('kind'))[:40]!a}",
            allowed="report",
            hint="Make one with: opinion-atlas score PREDICTIONS --out FILE.json",
        )
    _check_lists(fields, path.name)
    _raise(plain_problems(fields, where=path.name, limits=limits), path.name)
    check_schema_version(str(fields.get("schema_version", "missing"))[:20], where=path.name)
    try:
        report = Report.model_validate(fields)
    except ValidationError as error:
        problems = validation_problems(error, where=path.name)[: limits.problems]
        raise ContractError(problems, subject=path.name) from None
    # Texts such as "NaN" have become numbers by now.
    _raise(plain_problems(report.model_dump(), where=path.name, limits=limits), path.name)
    _raise(_plausible(report, path.name), path.name)
    _raise(table_problems(report)[: limits.problems], path.name)
    # A ceiling stands for people on the whole board: only reports scored here may give one.
    own = [entry.model_copy(update={"ceiling": None}) for entry in report.countries]
    return report.model_copy(update={"countries": own})


def _raise(problems: list[Problem], name: str) -> None:
    if problems:
        raise ContractError(problems, subject=name)


def _check_lists(fields: Mapping[str, Any], name: str) -> None:
    problems = [
        Problem(
            "long-list",
            "a list of the report is too long",
            where=name,
            column=column,
            found=str(len(fields[column])),
            allowed=f"at most {longest}",
        )
        for column, longest in _LONGEST.items()
        if isinstance(fields.get(column), list) and len(fields[column]) > longest
    ]
    _raise(problems, name)


def _plausible(report: Report, name: str) -> list[Problem]:
    """Names that do not exist, and scores that cannot be."""
    return [*_unknown_names(report, name), *_impossible_scores(report, name)]


def _unknown_names(report: Report, name: str) -> list[Problem]:
    """Countries, questions, groups and scores that would stand in the board's lists for all."""
    named = {one.country for one in report.countries} | {one.country for one in report.cells}
    asked = {one.question_id for one in report.questions}
    asked |= {one.question_id for one in report.cells}
    groups = {one.name for one in report.groups if not _is_group(one)}
    groups |= {one.group for one in report.cells if canonical_group(one.group) is None}
    every = [*report.scores, *(one for section in report.protocols for one in section.scores)]
    unknown_names = {
        "country": named - set(countries()),
        "question": asked - set(value_questions()),
        "group": groups,
        "score": {one.name for one in every if not _SCORE_NAME.fullmatch(one.name)},
    }
    return [
        Problem(
            f"unknown-{what}",
            f"the report names what does not exist ({len(unknown)})",
            where=name,
            column=what,
            found=", ".join(ascii(one[:20]) for one in sorted(unknown)[:10]),
        )
        for what, unknown in unknown_names.items()
        if unknown
    ]


def _is_group(entry: GroupEntry) -> bool:
    """Whether a part of the report is one that there is."""
    if entry.kind == "category":
        return entry.name in CATEGORIES
    if entry.kind == "continent":
        return entry.name in CONTINENTS
    return bool(canonical_group(entry.name)) or entry.name in cell_names()


def _is_share(name: str) -> bool:
    """Whether a score lies in [0, 1] by its definition."""
    spec = score_spec(name)
    return spec is not None and (spec.low, spec.high) == (0.0, 1.0)


def _impossible_scores(report: Report, name: str) -> list[Problem]:
    entries = [
        *((one.name, one.value) for one in report.scores if _is_share(one.name)),
        *((f"countries {one.country}", one.alignment) for one in report.countries),
        *((f"questions {one.question_id}", one.alignment) for one in report.questions),
        *((f"groups {one.name[:40]}", one.alignment) for one in report.groups),
    ]
    problems: list[Problem] = []
    # The paper's own rules let a rating lie off its scale, and so a distance beyond one.
    low = 0.0 if report.settings.mode == "corrected" else -10.0
    problems += [
        Problem(
            "impossible-score",
            f"a score lies outside [{low:g}, 1]",
            where=name,
            column=place,
            found=f"{value.estimate:g}",
            allowed=f"{low:g} to 1",
        )
        for place, value in entries
        if value.estimate is not None and not low - 1e-9 <= value.estimate <= 1 + 1e-9
    ]
    share = report.coverage.share
    if share is not None and not 0 <= share <= 1:
        problems.append(
            Problem(
                "impossible-score", "coverage lies outside [0, 1]", where=name, found=f"{share}"
            )
        )
    return problems
