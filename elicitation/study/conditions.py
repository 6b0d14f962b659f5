"""Perturbations: what of a prompt's form is changed, to see what depends on it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

from codebook.render.question import Labels

Order = Literal["scale", "reversed", "shuffled"]

#: Examples that a prompt shows, unless a variant shows fewer.
EXAMPLE_COUNT = 5

#: Texts that name the country asked about: the usual one, and those of `prompts.persona_texts`.
PERSONA_COUNT = 4

VARIANT_HELP = (
    "default, shuffled (answers in another order, their numbers with them), reversed-order, "
    "reversed-scale (the labels run from the other end), letters, numbers, examples=N, "
    "example-shares=SEED, persona=N (another text that names the country), repeat=N (the same "
    "prompts once more); join with +, as in shuffled+letters"
)


class VariantError(ValueError):
    """A variant that does not exist."""


class Variant(NamedTuple):
    """One form of the prompts.

    Attributes:
        name: as it was given; `default` changes nothing.
        order: order in which answers are shown; numbers keep belonging to them, letters go by
            place.
        reverse: the labels run from the scale's other end.
        labels: `numbers` or `letters`; None leaves it to the method.
        example_count: examples shown.
        opposite: whether that order is turned round: the second of two orders that are averaged.
        example_seed: seed of the shares that format examples show.
        persona: number of the text that names the country asked about; 1 is the usual one.
        repeat: number of the run of the same prompts, from 1.
    """

    name: str = "default"
    order: Order = "scale"
    reverse: bool = False
    labels: Labels | None = None
    example_count: int = EXAMPLE_COUNT
    example_seed: int = 0
    opposite: bool = False
    persona: int = 1
    repeat: int = 1


#: Order of an item that is asked with its answers the other way round.
OPPOSITE = "opposite"

#: The form that changes nothing.
DEFAULT_VARIANT = Variant()

_FLAGS: dict[str, dict[str, object]] = {
    "default": {},
    "shuffled": {"order": "shuffled"},
    "reversed-order": {"order": "reversed"},
    "reversed-scale": {"reverse": True},
    "letters": {"labels": "letters"},
    "numbers": {"labels": "numbers"},
}
_NUMBERED = {
    "examples": "example_count",
    "example-shares": "example_seed",
    "persona": "persona",
    "repeat": "repeat",
}

#: Highest number of a variant's part, where there is one; the lowest is 1.
_HIGHEST = {"examples": EXAMPLE_COUNT, "persona": PERSONA_COUNT, "repeat": 99}


#: Sets of forms by one name: the alignment study's own test of prompt sensitivity.
PRESETS = {"alignment-study": ("default", "shuffled", "examples=3", "example-shares=1")}


def named_variants(names: Iterable[str]) -> tuple[str, ...]:
    """Names of forms, each once, with the forms of a set in place of its name."""
    return tuple(dict.fromkeys(form for name in names for form in PRESETS.get(name, (name,))))


def parse_variant(name: str) -> Variant:
    """The variant of a name such as `shuffled+letters` or `examples=3`.

    Raises:
        VariantError: a part of the name is unknown, out of range, or given twice.
    """
    fields: dict[str, object] = {}
    for part in name.split("+"):
        part_fields = _part(part.strip(), name)
        twice = sorted(set(part_fields) & set(fields))
        if twice:
            raise VariantError(f"variant {name!r} says twice what {', '.join(twice)} is")
        fields |= part_fields
    return Variant(name=name, **fields)  # type: ignore[arg-type]


def _part(part: str, name: str) -> dict[str, object]:
    if part in _FLAGS:
        return _FLAGS[part]
    numbered = re.fullmatch(r"([a-z-]+)=(\d{1,9})", part)
    if numbered and numbered[1] in _NUMBERED:
        number = int(numbered[2])
        highest = _HIGHEST.get(numbered[1])
        if highest is not None and not 1 <= number <= highest:
            raise VariantError(f"variant {name!r}: {numbered[1]} is 1 to {highest}")
        return {_NUMBERED[numbered[1]]: number}
    raise VariantError(f"no variant {part!r}; there are: {VARIANT_HELP}")


#: Language of a condition in which every country is asked in its own.
OWN_LANGUAGE = "own"


class Target(NamedTuple):
    """Whose answers are wanted.

    Attributes:
        country: ISO3, empty for nobody's in particular.
        group: for instance `sex=female`, empty for everyone.
        participant: interview id of a described person; it never leaves the machine.
        person: the description of that person.
        person_id: name of a synthetic respondent, such as `DEU-017`.
    """

    country: str = ""
    group: str = ""
    participant: int | None = None
    person: str = ""
    person_id: str = ""


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
