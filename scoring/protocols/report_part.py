"""The part of a report that one kind of predictions fills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.models import JsonFields, Notice
from contracts.report import (
    CellEntry,
    CountryEntry,
    Coverage,
    GroupEntry,
    ProtocolResult,
    QuestionEntry,
    Score,
)
from contracts.specs import kind_spec, protocol_specs
from contracts.specs.model import Kind


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
    tests: list[JsonFields] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)


@dataclass
class Outcome:
    """What the scorer of one protocol adds to a report.

    Attributes:
        result: the protocol's result; its scores join those of the report.
        country_fields: values of further fields of the country entries, by name, each in the
            order of the survey's countries.
    """

    result: ProtocolResult
    country_fields: Mapping[str, Sequence[Any]] = field(default_factory=dict)


def with_fields(
    entries: Sequence[CountryEntry], fields: Mapping[str, Sequence[Any]]
) -> list[CountryEntry]:
    """The entries with further fields."""
    extended = list(entries)
    for name, values in fields.items():
        extended = [
            entry.model_copy(update={name: value})
            for entry, value in zip(extended, values, strict=True)
        ]
    return extended


def all_protocols(
    applied: Iterable[ProtocolResult], asked: Iterable[str], kind: Kind
) -> list[ProtocolResult]:
    """Every protocol in the usual order: its result, or why it does not apply to such a file."""
    results_by_protocol = {result.protocol: result for result in applied}
    wanted = set(asked)
    results = []
    reasons = kind_spec(kind).reasons
    for name, spec in protocol_specs().items():
        if name in results_by_protocol:
            results.append(results_by_protocol[name])
            continue
        reason = reasons.get(spec.kind, "") if name in wanted else "not asked for"
        results.append(ProtocolResult(protocol=name, applies=False, reason=reason))
    return results
