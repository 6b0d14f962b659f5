"""What may follow upon what: states of a submission and who changes them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from contracts.errors import fail
from space.submissions.record import Action, State, Submission


class Step(NamedTuple):
    """An action: the states it may start from, and the one it leads to (None: the same)."""

    sources: frozenset[State]
    target: State | None


_ALIVE: frozenset[State] = frozenset({"pending", "public", "hidden"})

STEPS: Mapping[Action, Step] = {
    "approve": Step(frozenset({"pending", "rejected"}), "public"),
    "reject": Step(frozenset({"pending"}), "rejected"),
    "hide": Step(frozenset({"public"}), "hidden"),
    "restore": Step(frozenset({"hidden"}), "public"),
    "withdraw": Step(_ALIVE | {"rejected"}, "withdrawn"),
    "delete": Step(_ALIVE | {"rejected", "withdrawn"}, "deleted"),
    "verify": Step(_ALIVE, None),
    "unverify": Step(_ALIVE, None),
}

#: Decisions of maintainers by which an account is judged; the last one counts.
_FAVOURABLE: frozenset[Action] = frozenset({"approve", "restore", "verify"})
_UNFAVOURABLE: frozenset[Action] = frozenset({"reject", "hide", "delete"})


def next_state(submission: Submission, action: Action) -> State:
    """The state that an action leads to.

    Raises:
        ContractError: the action does not fit the present state.
    """
    step = STEPS[action]
    if submission.state not in step.sources:
        raise fail(
            "wrong-state",
            f"{submission.id} is {submission.state}: it is not possible to {action} it",
            allowed=f"submissions that are {', '.join(sorted(step.sources))}",
        )
    return step.target or submission.state


def is_trusted(account: str, submissions: Iterable[Submission]) -> bool:
    """Whether an account's uploads appear without a look by a maintainer.

    They do once a maintainer's last decision on one of them was in its favour. Visitors without
    an account are never trusted.
    """
    if not account:
        return False
    decisions = [
        (event.at, event.what in _FAVOURABLE)
        for one in submissions
        if one.account == account
        for event in one.events
        if event.what in _FAVOURABLE | _UNFAVOURABLE
    ]
    # Of decisions within one second the unfavourable one counts.
    return bool(decisions) and max(decisions, key=lambda one: (one[0], not one[1]))[1]


def other_changes(submission: Submission, action: Action) -> dict[str, object]:
    """What an action changes besides state and events."""
    if action == "verify":
        return {"row_class": "verified"}
    if action == "unverify":
        return {"row_class": "uploaded" if "predictions" in submission.files else "self-reported"}
    if action == "delete":
        return {"name": "", "link": "", "facts": {}, "token_digest": ""}
    return {}
