"""Answers of the upload endpoints, as plain JSON."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contracts.errors import ContractError
from space.intake.reader import Outcome
from space.submissions import Receipt, Submission


def answered(work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What `work` gives, or its problems."""
    try:
        return {"ok": True, **work()}
    except ContractError as error:
        return {
            "ok": False,
            "problems": [problem.to_json() for problem in error.problems],
            "problem_count": len(error.problems),
        }


def outcome_fields(outcome: Outcome) -> dict[str, Any]:
    """A dry run: problems, or the report without its single answers."""
    report = outcome.report
    return {
        "ok": outcome.ok,
        "problems": [problem.to_json() for problem in outcome.problems],
        "problem_count": outcome.problem_count,
        "kind": outcome.kind,
        "rows": outcome.rows,
        "tolerated": dict(outcome.tolerated),
        "lacking": list(outcome.lacking),
        "notices": [{"code": code, "message": text} for code, text in outcome.notices],
        "report": report.model_dump(mode="json", exclude={"cells"}) if report else None,
    }


def receipt_fields(receipt: Receipt) -> dict[str, Any]:
    """A receipt; `code` is empty for a logged-in account, and for files that were known."""
    return {
        "id": receipt.id,
        "state": receipt.state,
        "code": receipt.token,
        "duplicate": receipt.duplicate,
        "message": receipt.message,
        "receipt": f"receipt?id={receipt.id}",
    }


def submission_fields(submission: Submission) -> dict[str, Any]:
    """What anybody who knows the id may see of a submission; maintainers are not named."""
    return {
        "id": submission.id,
        "state": submission.state,
        "class": submission.row_class,
        "name": submission.name,
        "submitted_at": submission.submitted_at,
        "on_board": submission.on_board,
        "events": [
            {
                "at": event.at,
                "what": event.what,
                "by": event.by if event.by in ("owner", "system") else "a maintainer",
                "why": event.why,
            }
            for event in submission.events
        ],
    }
