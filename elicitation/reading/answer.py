"""What reading a reply gives."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, get_args

ReadStatus = Literal["ok", "repaired", "refused", "invalid", "truncated", "error"]
READ_STATUSES: tuple[ReadStatus, ...] = get_args(ReadStatus)


class Option(NamedTuple):
    """An answer on offer, as a reader sees it: its label and its text."""

    label: str
    text: str


@dataclass(frozen=True)
class Answer:
    """A reply, read.

    Attributes:
        status: `ok`: exactly in the form asked for; `repaired`: readable after repairs, which
            `notes` name; `refused`; `invalid`: it says no usable answer; `truncated`: it ended
            before the answer did; `error`: there is no reply.
        shares: share by label, summing to 1, every label present; None where there are none.
        score: the number of a rating, also one outside the scale (then the status is
            `invalid`); None where there is none.
        sum_found: sum of the shares as they were written, 1 for a whole; None where not shares.
        notes: repairs made, or why nothing could be read: short stable words.
        mass: probability that the labels or options hold together, for scored ones; None where
            it is not known.
    """

    status: ReadStatus
    shares: Mapping[str, float] | None = None
    score: float | None = None
    sum_found: float | None = None
    notes: tuple[str, ...] = field(default=())
    mass: float | None = None

    @property
    def is_usable(self) -> bool:
        """Whether it says an answer."""
        return self.status in ("ok", "repaired")


def invalid(*notes: str) -> Answer:
    """An answer that says nothing usable, and why."""
    return Answer("invalid", notes=notes)
