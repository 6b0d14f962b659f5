"""What a prompt showed: what a reader of the reply has to know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from codebook.render import RenderedQuestion
from elicitation.methods import Reader


class ShownOption(NamedTuple):
    """An answer on offer: its label, what it stands for (a raw code or a side), its text."""

    label: str
    code: int | str
    text: str


class Shown(NamedTuple):
    """The answers that a prompt offered, and how the reply is read.

    Attributes:
        reader: how the reply is read.
        options: answers on offer in the order shown.
        wanted: answers asked for in a row; 0 where it is one.
    """

    reader: Reader
    options: tuple[ShownOption, ...]
    wanted: int = 0

    def to_json(self) -> dict[str, Any]:
        """As JSON types."""
        return {
            "reader": self.reader,
            "options": [list(option) for option in self.options],
            "wanted": self.wanted,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> Shown:
        """The inverse of `to_json`."""
        options = tuple(ShownOption(*option) for option in fields["options"])
        return cls(fields["reader"], options, fields["wanted"])


def shown_question(question: RenderedQuestion, reader: Reader, *, wanted: int = 0) -> Shown:
    """What a rendered question offered."""
    options: Sequence[ShownOption] = [ShownOption(*option) for option in question.options]
    return Shown(reader, tuple(options), wanted)
