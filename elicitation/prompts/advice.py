"""The advice protocol: dilemmas, asked as someone of a country or in a country's language."""

from __future__ import annotations

from collections.abc import Iterable

from codebook.dilemmas.sets import DilemmaSet
from elicitation.backends.base import Kind
from elicitation.prompts.prompts import BLOCK_SEPARATOR, Prompt, Shown, ShownOption
from elicitation.study.advice import WITH_PERSONA
from elicitation.study.conditions import NOBODY, Condition, Target
from elicitation.study.methods import Reader

#: Both orders of the options: as they were written, and swapped.
ORDERS = ("as-written", "swapped")

#: What the options of a piece of advice stand for.
SIDES = frozenset({"high", "low"})


def advice_targets(condition: Condition, chosen: Iterable[str]) -> tuple[Target, ...]:
    """Whose advice a condition asks for."""
    if condition.approach == "none":
        return (NOBODY,)
    return tuple(Target(country) for country in chosen)


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
    head = texts.personas[target.country] if condition.approach in WITH_PERSONA else ""
    labels = ("A", "B") if kind == "score_labels" else ("1", "2")
    options = tuple(
        ShownOption(label, "high" if option == dilemma.high_option else "low", option)
        for label, option in zip(labels, dilemma.options, strict=True)
    )
    blocks = [f"{dilemma.situation} {texts.choose}"]
    if kind == "score_labels":
        listed = "\n".join(f"{option.label}. {option.text}" for option in options)
        blocks = [dilemma.situation, listed, texts.choose]
    scored_options = (
        () if kind == "generate" else labels if kind == "score_labels" else dilemma.options
    )
    reader: Reader = "advice" if kind == "generate" else "scores"
    return Prompt(head, BLOCK_SEPARATOR.join(blocks), Shown(reader, options), tuple(scored_options))
