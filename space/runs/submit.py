"""Hand what a run found to the board."""

from __future__ import annotations

from pathlib import Path

from contracts.errors import fail
from space.board.seed import RowClass
from space.runs.record import CALLS, REPORTS, Result, RunRecord
from space.runs.service import Runs, Visitor
from space.submissions import Details, Payload, Receipt


def row_class_of(record: RunRecord) -> RowClass:
    """`verified` (checked here) where this server itself asked a hosted model all of it; else
    `uploaded`: what stands behind the address of a visitor's server nobody knows."""
    return "verified" if record.choice.where == "hub" and record.whole else "uploaded"


def result_of(record: RunRecord, condition: str) -> Result:
    """The result of a condition that was scored.

    Raises:
        ContractError: there is none.
    """
    for result in record.results:
        if result.condition == condition and result.report:
            return result
    known = ", ".join(result.condition for result in record.results if result.report)
    raise fail(
        "no-report",
        "there is no report of this condition",
        found=ascii(condition[:80]),
        allowed=known or "none yet: the run has to finish first",
    )


def report_path(runs: Runs, record: RunRecord, result: Result) -> Path:
    """Where a result's report lies."""
    return runs.book.path(record.id) / REPORTS / result.report


def predictions_path(runs: Runs, record: RunRecord, result: Result) -> Path:
    """Where a result's predictions lie."""
    return runs.book.path(record.id) / CALLS / "predictions" / result.predictions


def submit_run(
    runs: Runs, run_id: str, condition: str, details: Details, visitor: Visitor
) -> Receipt:
    """Submit a condition of a run of one's own.

    Returns:
        The receipt; that of the earlier submission where it was submitted before.

    Raises:
        ContractError: it is not the visitor's, has not finished, or the details break a rule.
    """
    record = runs.own(run_id, visitor)
    if record.state != "finished":
        raise fail("not-finished", "only a run that has finished can be submitted")
    result = result_of(record, condition)
    payload = Payload(
        report=report_path(runs, record, result),
        predictions=predictions_path(runs, record, result),
    )
    receipt = runs.submissions.submit(
        payload,
        details,
        account=visitor.account,
        address=visitor.address,
        row_class=row_class_of(record),
    )
    results = tuple(
        one.model_copy(update={"submission": receipt.id}) if one.condition == condition else one
        for one in record.results
    )
    runs.book.change(run_id, {"results": results}, attempt=record.attempt)
    return receipt
