"""What training rows must not hold: the release's own held-out parts and those asked for."""

from __future__ import annotations

from typing import NamedTuple

from contracts.errors import fail
from contracts.release.read import Release
from dataset_builder.training.options import TrainingOptions, expanded_groups


class Scope(NamedTuple):
    """What training rows may hold.

    Attributes:
        wave: the wave.
        questions: question ids, in the order of the questionnaire.
        countries: countries asked for; empty for all.
        held_countries: countries that are left out.
        groups: groups besides everyone.
        held_groups: groups that are left out, and whose members are.
    """

    wave: int
    questions: tuple[str, ...]
    countries: frozenset[str]
    held_countries: frozenset[str]
    groups: frozenset[str]
    held_groups: frozenset[str]

    def has_country(self, country: str) -> bool:
        """Whether rows of a country may be there."""
        return country not in self.held_countries and (
            not self.countries or country in self.countries
        )


def training_scope(release: Release, options: TrainingOptions) -> Scope:
    """What rows of a release may hold under the options.

    Raises:
        ContractError: an option is wrong, or nothing is left.
    """
    options.check()
    split = release.manifest.split
    held_questions = {*split.held_out_questions, *options.hold_out_questions}
    held_countries = frozenset({*split.held_out_countries, *options.hold_out_countries})
    questions = tuple(key for key in options.question_ids if key not in held_questions)
    countries = frozenset(options.countries)
    if not questions or (countries and countries <= held_countries):
        raise fail(
            "nothing-left",
            "every question or country asked for is held out of training",
            where=release.source,
            found=", ".join(sorted(held_questions | held_countries)),
        )
    held_groups = expanded_groups(options.hold_out_groups)
    return Scope(
        wave=options.wave or max(release.manifest.waves),
        questions=questions,
        countries=countries,
        held_countries=held_countries,
        groups=expanded_groups(options.groups) - held_groups,
        held_groups=held_groups,
    )
