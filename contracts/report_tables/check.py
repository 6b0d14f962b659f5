"""Whether a report's tables have the fields of the models that their protocols declare."""

from __future__ import annotations

from contracts.errors import ContractError, Problem
from contracts.report import ProtocolResult, ProtocolTables, Report
from contracts.specs import load, protocol_spec


def typed_tables(result: ProtocolResult) -> ProtocolTables | None:
    """A result's tables as the model that its protocol declares; None where it declares none.

    Raises:
        ContractError: a table does not have the fields of the model.
    """
    name = protocol_spec(result.protocol).tables
    if not name:
        return None
    model = load(name)
    assert isinstance(model, type)
    assert issubclass(model, ProtocolTables)
    return result.read_tables(model)


def table_problems(report: Report) -> list[Problem]:
    """Every field of a report's tables that its protocol's model does not allow."""
    problems: list[Problem] = []
    for result in report.protocols:
        try:
            typed_tables(result)
        except ContractError as error:
            problems += error.problems
    return problems
