"""The scores of synthetic persons."""

from __future__ import annotations

from contracts.specs.model import BoardColumn, ScoreSpec

_FORMULA = "docs/structure.md"

#: Every score of the protocol `persons`.
STRUCTURE_SCORES = (
    ScoreSpec(
        "structure",
        "Structure",
        "How much of the dependence between people's answers the persons show: 1 as people, 0 as "
        "far from people as answers that do not depend on each other.",
        _FORMULA,
        high=1.0,
        screen="1 as people, 0 as unrelated answers",
        column=BoardColumn(
            "structure",
            "Structure",
            "Do the answers of synthetic respondents hang together as people's do? 1 as people's, "
            "0 as if every question were answered by someone else.",
        ),
    ),
    ScoreSpec(
        "structure_ceiling",
        "Structure of another sample of people",
        "What another sample of the same people would score; it says nothing of the model.",
        _FORMULA,
        high=1.0,
        about_model=False,
    ),
    ScoreSpec(
        "variance_ratio",
        "Variance beside people's",
        "Variance of positions over people's, mean over questions: above 1 too spread, below 1 "
        "too uniform.",
        _FORMULA,
        low=0.0,
    ),
    ScoreSpec(
        "entropy_difference",
        "Entropy less people's",
        "Difference of entropies in nats, mean over questions: above 0 too even, below 0 too "
        "concentrated.",
        _FORMULA,
    ),
    ScoreSpec(
        "distinct_persons",
        "Distinct persons",
        "Share of the persons whose answers are not those of another one.",
        _FORMULA,
        low=0.0,
        high=1.0,
    ),
    ScoreSpec(
        "gap_same_sign",
        "Demographic gaps of the same sign",
        "Share of people's clear gaps between groups that the persons show in the same direction; "
        "one half is chance.",
        _FORMULA,
        low=0.0,
        high=1.0,
    ),
    ScoreSpec(
        "gap_size",
        "Size of demographic gaps",
        "Slope of the persons' gaps between groups on people's: 1 as large, above 1 exaggerated, 0 "
        "absent.",
        _FORMULA,
    ),
)
