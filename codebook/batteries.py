"""Batteries: questions about one topic that respondents answer one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from types import MappingProxyType

from codebook.resources import read_toml


@dataclass(frozen=True)
class Battery:
    """Some ordinal questions of one topic.

    Attributes:
        name: key of the battery.
        title: what it is about.
        questions: ids in questionnaire order.
        reversed: ids of the items whose positions run against the others.
    """

    name: str
    title: str
    questions: tuple[str, ...]
    reversed: frozenset[str] = frozenset()

    @property
    def signs(self) -> tuple[int, ...]:
        """1 for each item, -1 for those that are reversed."""
        return tuple(-1 if name in self.reversed else 1 for name in self.questions)


@cache
def batteries() -> Mapping[str, Battery]:
    """All batteries by name.

    Source: blocks of the World Values Survey's wave 7 master questionnaire.
    """
    return MappingProxyType(
        {
            name: Battery(
                name,
                entry["title"],
                tuple(entry["questions"]),
                frozenset(entry.get("reversed", ())),
            )
            for name, entry in read_toml("data/batteries.toml").items()
        }
    )


def battery_questions() -> tuple[str, ...]:
    """Ids of the questions of all batteries, in questionnaire order."""
    return tuple(name for battery in batteries().values() for name in battery.questions)
