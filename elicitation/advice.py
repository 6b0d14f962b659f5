"""The advice protocol: dilemmas, asked as somebody of a country or in a country's language."""

from __future__ import annotations

from codebook import countries
from codebook.dilemmas import Dilemma, dilemma_languages, dilemmas
from codebook.render import fill
from codebook.wordings import languages, wording
from contracts.errors import fail
from elicitation.conditions import NOBODY, Condition, Target
from elicitation.prompts import Prompt
from elicitation.shown import Shown, ShownOption

#: Both orders of the options: as they were written, and swapped.
ORDERS = ("as-written", "swapped")

#: Approaches in which the persona is told, and in which the country's language is spoken.
TOLD = frozenset({"persona", "both"})
SPOKEN = frozenset({"language", "both"})


def advice_countries() -> tuple[str, ...]:
    """The countries of the study: those with Hofstede scores."""
    return tuple(key for key, country in countries().items() if country.hofstede is not None)


def advice_language(country: str) -> str:
    """Language of a country in the study.

    Raises:
        ContractError: the country is none of the study.
    """
    scores = countries()[country].hofstede
    if scores is None:
        raise fail(
            "no-hofstede",
            f"{country} has no Hofstede scores",
            column="--countries",
            allowed=", ".join(advice_countries()),
        )
    return scores.language


def advice_targets(condition: Condition, chosen: tuple[str, ...]) -> tuple[Target, ...]:
    """Whose advice a condition asks for; a language that there are no dilemmas in is left out.

    Raises:
        ContractError: no country is left.
    """
    if condition.approach == "none":
        return (NOBODY,)
    if condition.approach not in SPOKEN:
        return tuple(Target(country) for country in chosen)
    there = set(dilemma_languages()) & set(languages())
    found = tuple(Target(country) for country in chosen if advice_language(country) in there)
    if not found:
        raise fail(
            "no-dilemmas",
            "there are no dilemmas in a language of these countries",
            column="--approach",
            found=condition.approach,
            allowed=", ".join(sorted(there)),
            hint="Take --approach persona, or add dilemmas in codebook/dilemmas/<language>.",
        )
    return found


def advice_dilemma(dilemma_id: str, language: str, order: str) -> Dilemma:
    """A dilemma in a language, with its options in an order."""
    found = dilemmas(language)[dilemma_id]
    return found.swapped() if order == "swapped" else found


def advice_prompt(
    dilemma_id: str, condition: Condition, target: Target, *, language: str, order: str
) -> Prompt:
    """The prompt of a dilemma: the persona where it is told, the situation, the call for a side."""
    texts = wording(language)
    dilemma = advice_dilemma(dilemma_id, language, order)
    told = condition.approach in TOLD
    name = texts.countries.get(target.country, "")
    head = fill(texts, "advice_persona", country=name) if told else ""
    tail = f"{dilemma.situation} {fill(texts, 'advice_choose')}"
    options = tuple(
        ShownOption(str(place), "high" if option == dilemma.high_option else "low", option)
        for place, option in enumerate(dilemma.options, start=1)
    )
    return Prompt(head, tail, Shown("advice", options))
