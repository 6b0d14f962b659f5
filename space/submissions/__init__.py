"""Submissions to the board: taken in, moderated, withdrawn; nothing acknowledged is ever lost.

book = open_submissions("board-store")
receipt = book.submit(
    Payload(report=..., predictions=...), Details(name="my-model", accepts_licence=True),
    account="heron-lab", address="203.0.113.7",
)
book.status(receipt.id).state        # "pending" or "public"
book.withdraw(receipt.id, account="heron-lab")
"""

from space.submissions.book import Submissions, open_submissions
from space.submissions.details import Details
from space.submissions.quotas import Quotas
from space.submissions.record import (
    STATES,
    Event,
    Payload,
    Receipt,
    State,
    StoredFile,
    Submission,
)

__all__ = [
    "STATES",
    "Details",
    "Event",
    "Payload",
    "Quotas",
    "Receipt",
    "State",
    "StoredFile",
    "Submission",
    "Submissions",
    "open_submissions",
]
