"""The record of a submission: what came, from whom, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal, get_args

from pydantic import Field

from contracts.models import Strict
from contracts.versions import SCHEMA_VERSION
from space.board.seed import RowClass

#: pending: waits for a maintainer; public: on the board; hidden: taken off by a maintainer, can
#: come back; withdrawn: taken back by the owner; rejected: never came on; deleted: contents gone.
State = Literal["pending", "public", "hidden", "withdrawn", "rejected", "deleted"]
STATES: tuple[State, ...] = get_args(State)

Action = Literal[
    "submit", "approve", "reject", "hide", "restore", "withdraw", "delete", "verify", "unverify"
]
Role = Literal["report", "predictions", "meta"]


#: Who did something, where it was no maintainer.
OWNER = "owner"


class Event(Strict):
    """Something that happened to a submission.

    `by` is `owner` or the name of a maintainer; pages show the latter as "a
    maintainer".
    """

    at: str = Field(description="UTC, ISO 8601 with seconds")
    by: str
    what: Action
    why: str = ""


class StoredFile(Strict):
    """A file of a submission: its name in the store, its size and sha256 when it came in."""

    name: str
    size: int = Field(ge=0, description="bytes")
    sha256: str


class Submission(Strict):
    """The record of a submission. It holds neither contact nor address.

    `id` is also the id of the row on the board. `account` is the name that the visitor logged in
    with, empty where there was no login. A deleted submission keeps id, state, times and events.
    """

    schema_version: str = SCHEMA_VERSION
    id: str
    state: State
    row_class: RowClass
    account: str = ""
    submitted_at: str
    name: str = ""
    link: str = ""
    facts: dict[str, Any] = Field(default_factory=dict, description="of the model, as given")
    files: dict[Role, StoredFile] = Field(default_factory=dict)
    digest: str = Field(default="", description="of all files: equal uploads have equal ones")
    token_digest: str = Field(default="", description="sha256 of the withdrawal token")
    events: tuple[Event, ...] = ()

    @property
    def on_board(self) -> bool:
        """Whether the board shows it."""
        return self.state == "public"

    @property
    def has_files(self) -> bool:
        """Whether its files are still kept, publicly or not."""
        return self.state != "deleted"

    @property
    def details(self) -> dict[str, Any]:
        """Name, link and facts of the model, as stated; empty ones left out."""
        stated = {"name": self.name, "link": self.link, **self.facts}
        return {key: item for key, item in stated.items() if item not in (None, "")}


@dataclass(frozen=True)
class Payload:
    """The files of a submission, to be copied; they are taken as checked.

    Attributes:
        report: the report (`contracts.report`), with cells.
        predictions: the predictions file it was scored from; None for a self-reported one.
        sidecar: `<name>.meta.json` of the predictions, where there is one.
    """

    report: Path
    predictions: Path | None = None
    sidecar: Path | None = None


@dataclass(frozen=True)
class Receipt:
    """What a submitter is given.

    Attributes:
        id: id of the submission and of its row; the receipt's page is found by it.
        state: `pending` or `public`; for a file that was there already, its present state.
        token: secret that lets its bearer withdraw; empty for a logged-in account, which needs
            none, and for a duplicate.
        duplicate: whether the same account had submitted the same files before.
        message: what happens next, in a sentence or two.
    """

    id: str
    state: State
    token: str = ""
    duplicate: bool = False
    message: str = ""


def utc_text(seconds: float) -> str:
    """Seconds since 1970 as UTC, ISO 8601 with seconds."""
    return datetime.fromtimestamp(seconds, tz=UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
