"""The part of a report that one kind of predictions fills."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from contracts.models import Notice
from contracts.report import (
    PROTOCOLS,
    CellEntry,
    CountryEntry,
    Coverage,
    GroupEntry,
    Protocol,
    ProtocolResult,
    QuestionEntry,
    Score,
)


@dataclass
class Part:
    """Lists that go into a report as they are."""

    coverage: Coverage
    scores: list[Score] = field(default_factory=list)
    countries: list[CountryEntry] = field(default_factory=list)
    questions: list[QuestionEntry] = field(default_factory=list)
    groups: list[GroupEntry] = field(default_factory=list)
    cells: list[CellEntry] = field(default_factory=list)
    protocols: list[ProtocolResult] = field(default_factory=list)
    tests: list[dict[str, Any]] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


def all_protocols(
    applied: Iterable[ProtocolResult], asked: Iterable[Protocol], reasons: dict[Protocol, str]
) -> list[ProtocolResult]:
    """Every protocol in the usual order: its result, or why it does not apply."""
    found = {result.protocol: result for result in applied}
    wanted = set(asked)
    results = []
    for name in PROTOCOLS:
        if name in found:
            results.append(found[name])
            continue
        reason = reasons.get(name, "") if name in wanted else "not asked for"
        results.append(ProtocolResult(protocol=name, applies=False, reason=reason))
    return results
