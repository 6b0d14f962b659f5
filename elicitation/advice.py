"""The advice protocol: dilemmas, asked as somebody of a country or in a country's language."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from codebook import countries
from codebook.dilemma_sets import DilemmaSet, load_sets
from codebook.dilemmas import DilemmaError
from contracts.errors import ContractError, Problem, fail
from elicitation.backends.base import Kind
from elicitation.conditions import NOBODY, Condition, Target
from elicitation.methods import Reader
from elicitation.prompts import BLOCK_SEPARATOR, Prompt
from elicitation.shown import Shown, ShownOption

#: Both orders of the options: as they were written, and swapped.
ORDERS = ("as-written", "swapped")

#: Approaches in which the persona is told, and in which the country's language is spoken.
TOLD = frozenset({"persona", "both"})
SPOKEN = frozenset({"language", "both"})

#: What the options of a piece of advice stand for.
SIDES = frozenset({"high", "low"})


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


def advice_sets(folders: tuple[str, ...] = ()) -> Mapping[str, DilemmaSet]:
    """Sets of dilemmas by language: the project's, and those of folders in their place.

    Raises:
        ContractError: a folder is faulty.
    """
    try:
        return load_sets(folders)
    except DilemmaError as error:
        raise ContractError(
            [
                Problem("bad-dilemmas", line, column="--dilemmas")
                for line in str(error).splitlines()
            ],
            subject="dilemmas",
        ) from None


def advice_targets(condition: Condition, chosen: Iterable[str]) -> tuple[Target, ...]:
    """Whose advice a condition asks for."""
    if condition.approach == "none":
        return (NOBODY,)
    return tuple(Target(country) for country in chosen)


def spoken_language(approach: str, language: str, country: str) -> str:
    """The language in which somebody of a country is answered.

    Args:
        approach: of the condition.
        language: the language of prompts that are not in the country's own.
        country: ISO3, empty for nobody's.
    """
    return advice_language(country) if approach in SPOKEN else language


def is_advice(shown: Shown) -> bool:
    """Whether what was shown is a dilemma: its options stand for the two sides."""
    return {option.code for option in shown.options} == SIDES


def advice_prompt(
    dilemma_id: str,
    condition: Condition,
    target: Target,
    *,
    texts: DilemmaSet,
    order: str,
    kind: Kind = "generate",
) -> Prompt:
    """The prompt of a dilemma: the persona where it is told, the situation, the call for a side.

    Args:
        dilemma_id: one of the set.
        condition, target: the approach, and whose advice.
        texts: the set, which decides the language.
        order: one of `ORDERS`.
        kind: `generate` for advice in words; `score_options` to score the two options as they
            stand in the question; `score_labels` to list them as A and B and score the letters.
    """
    dilemma = texts.dilemmas[dilemma_id]
    if order == "swapped":
        dilemma = dilemma.swapped()
    head = texts.personas[target.country] if condition.approach in TOLD else ""
    labels = ("A", "B") if kind == "score_labels" else ("1", "2")
    options = tuple(
        ShownOption(label, "high" if option == dilemma.high_option else "low", option)
        for label, option in zip(labels, dilemma.options, strict=True)
    )
    blocks = [f"{dilemma.situation} {texts.choose}"]
    if kind == "score_labels":
        listed = "\n".join(f"{option.label}. {option.text}" for option in options)
        blocks = [dilemma.situation, listed, texts.choose]
    said = () if kind == "generate" else labels if kind == "score_labels" else dilemma.options
    reader: Reader = "advice" if kind == "generate" else "scores"
    return Prompt(head, BLOCK_SEPARATOR.join(blocks), Shown(reader, options), tuple(said))
