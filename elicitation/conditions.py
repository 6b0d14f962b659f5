"""Conditions: one predictions file each; and the targets whose answers are asked for."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from elicitation.variants import DEFAULT_VARIANT, Variant

#: Language of a condition in which every country is asked in its own.
OWN_LANGUAGE = "own"


class Target(NamedTuple):
    """Whose answers are wanted.

    Attributes:
        country: ISO3, empty for nobody's in particular.
        group: for instance `sex=female`, empty for everyone.
        participant: interview id of a described person; it never leaves the machine.
        person: the description of that person.
    """

    country: str = ""
    group: str = ""
    participant: int | None = None
    person: str = ""


NOBODY = Target()


@dataclass(frozen=True, eq=False)
class Condition:
    """What is alike in all calls whose answers make one predictions file.

    Attributes:
        steering: none, persona or few-shot.
        language: of the prompts, or `own`.
        variant: form of the prompts.
        demographics: whether persons are described (ratings).
        approach: persona, language, both or none (advice), else empty.
    """

    steering: str = "none"
    language: str = "en"
    variant: Variant = DEFAULT_VARIANT
    demographics: bool = False
    approach: str = ""

    @cached_property
    def name(self) -> str:
        """Name of the condition: unique in its study, fit for a file's name."""
        parts = [f"approach-{self.approach}" if self.approach else self.steering, self.language]
        if self.demographics:
            parts.append("described")
        if self.variant.name != "default":
            parts.append(self.variant.name.replace("=", "-").replace("+", "-"))
        return "_".join(parts)
