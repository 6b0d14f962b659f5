"""What the page says in words: names of scores, and what scores do not mean."""

from __future__ import annotations

from types import MappingProxyType

from contracts.specs import score_specs


def score_words() -> dict[str, tuple[str, str]]:
    """Title of every declared score and how to read it, by the score's name."""
    return {key: (spec.title, spec.reading) for key, spec in score_specs().items()}


#: What a reader must not conclude, each as (claim, why).
ETHICS = (
    (
        "Close is not good.",
        "A high score says that a model answers like the people who were asked. It does not say "
        "that the model is better, or that those answers are right or deserve approval.",
    ),
    (
        "A model is no respondent.",
        "Its answers can stand in for nobody. Who wants to know what people think has to ask them.",
    ),
    (
        "Nothing follows for a single person.",
        "Shares describe groups. No trait or opinion of anybody may be inferred from them.",
    ),
    (
        "A country is not of one mind.",
        "Averages hide the people within a country, and read as portraits they become stereotypes.",
    ),
    (
        "Small differences are noise.",
        "Intervals take questions and respondents as sampled, interviews in clusters where the "
        "survey's file names them. Where it does not, the clustering of other countries is "
        "assumed.",
    ),
)

LICENCE = (
    "The people's side comes from the World Values Survey: non-commercial use, with citation; the "
    "survey's own files are not redistributed."
)


#: Names that are no words.
_ABBREVIATIONS = MappingProxyType({"mas": "MAS"})


def group_title(name: str) -> str:
    """A group of people in words: `continent=Asia;sex=female` becomes `Asia, female`."""
    return ", ".join(part.partition("=")[2] or part for part in name.split(";"))


def plain_name(name: str) -> str:
    """A name from a report as words: `mean_score` becomes `Mean score`."""
    if name in _ABBREVIATIONS:
        return _ABBREVIATIONS[name]
    words = name.replace("_", " ").replace("-", " ").strip()
    return words[:1].upper() + words[1:]
