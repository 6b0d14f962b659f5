"""Receipts: what they say, and whose they are."""

from __future__ import annotations

import hmac

from contracts.digests import sha256_text
from space.submissions.record import Receipt, State, Submission

_MESSAGES: dict[State, str] = {
    "pending": "It waits for a maintainer, as the first upload of every account does.",
    "public": "It is on the board.",
    "hidden": "A maintainer has taken it off the board; see the receipt.",
    "withdrawn": "It was withdrawn.",
    "rejected": "A maintainer has refused it; see the receipt.",
    "deleted": "It was deleted.",
}


def receipt_of(submission: Submission, *, token: str = "", duplicate: bool = False) -> Receipt:
    """The receipt of a submission as it stands."""
    message = _MESSAGES[submission.state]
    if duplicate:
        message = f"These files were submitted before, as {submission.id}. {message}"
    return Receipt(submission.id, submission.state, token, duplicate, message)


def is_owner(submission: Submission, *, account: str = "", token: str = "") -> bool:
    """Whether a visitor submitted this: by the same login, or by the receipt's token."""
    if submission.account:
        return account == submission.account
    digest = sha256_text(token) if token else ""
    return bool(digest) and hmac.compare_digest(digest, submission.token_digest)
