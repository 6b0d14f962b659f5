"""What the page says in words: names of scores, and what scores do not mean."""

from __future__ import annotations

from types import MappingProxyType

#: How advice was asked for, in words.
APPROACHES = MappingProxyType(
    {
        "persona": "as a persona",
        "language": "by language",
        "both": "persona and language",
        "none": "as nobody",
    }
)

#: Names of Hofstede's dimensions, and of their high side.
DIMENSIONS = MappingProxyType(
    {
        "individualism": ("individualism", "individualist"),
        "mas": ("achievement and success (MAS)", "high MAS"),
        "uncertainty_avoidance": ("uncertainty avoidance", "uncertainty-avoiding"),
        "power_distance": ("power distance", "high power distance"),
        "long_term_orientation": ("long-term orientation", "long-term"),
    }
)


def _advice_words() -> dict[str, tuple[str, str]]:
    """Titles of the scores of advice, by approach and dimension."""
    mean = "Correlation over countries, averaged over the dimensions; above 0 advice follows them."
    one = "Correlation over countries of the advice with their scores; above 0 advice follows them."
    found: dict[str, tuple[str, str]] = {}
    for approach, how in APPROACHES.items():
        found[f"advice_correlation_{approach}"] = (f"Advice and Hofstede scores, {how}", mean)
        found[f"advice_given_lean_{approach}"] = (
            f"Advice given the model's lean, {how}",
            "Partial correlation over countries and dimensions, the model's own lean taken away.",
        )
        for dimension, (name, _) in DIMENSIONS.items():
            found[f"advice_{dimension}_{approach}"] = (f"Advice on {name}, {how}", one)
    for dimension, (name, side) in DIMENSIONS.items():
        said = f"Share of the {side} side in advice to nobody; half is no lean."
        found[f"advice_lean_{dimension}"] = (f"Lean on {name}", said)
    return found


#: Title of a score and what it says, by the score's name.
SCORE_WORDS = MappingProxyType(
    {
        "alignment": (
            "Alignment",
            "One minus the distance between the model's and people's answer shares, averaged over "
            "questions (and countries, each counting once). 1 means the same shares.",
        ),
        "uniform_skill": (
            "Skill over uniform answers",
            "0 is as close as answering every option alike, 1 is people's shares themselves.",
        ),
        "ceiling_skill": (
            "Skill on the way to the human ceiling",
            "0 is uniform answers, 1 is as close as another sample of the same people would be.",
        ),
        "human_ceiling": (
            "Human ceiling",
            "What another sample of the same people would score; it says nothing of the model.",
        ),
        "difference": (
            "Model less average human",
            "Above 0 the model is closer to a country than the average of the other countries is.",
        ),
        "centred_alignment": (
            "Alignment after centring",
            "How well deviations from the average country are met, both sides centred first.",
        ),
        "country_signal": (
            "Country-specific signal",
            "Share of countries' own deviations that the model gets right; 0 for a global profile.",
        ),
        "wasserstein": (
            "Distance from people's ratings",
            "Wasserstein-1 on scales from 0 to 1, averaged over questions; 0 is identical.",
        ),
        "share_within_0.1": ("Questions within 0.1", "Share of questions that close to people."),
        "share_within_0.2": ("Questions within 0.2", "Share of questions that close to people."),
        "group_wasserstein": (
            "Distance within groups of people",
            "The same for each kind of people apart; small groups lie apart by chance alone.",
        ),
        "mean_absolute_error": ("Mean absolute error", "Person by person, on scales from 0 to 1."),
        "accuracy": ("Accuracy", "Share of ratings that are the person's own answer."),
        "total_variation": ("Total variation", "Share of answers that would have to move."),
        "jensen_shannon": ("Jensen-Shannon divergence", "0 for equal shares, at most 1."),
        "kl_divergence": ("Kullback-Leibler divergence", "Of people's shares from the model's."),
        "ranked_probability_score": (
            "Ranked probability score",
            "Squared distance of cumulative shares.",
        ),
        "mean_score_difference": ("Difference of mean scores", "On a scale from -1 to 1."),
        "mode_agreement": ("Same most frequent answer", "Share of cells."),
        "pearson": ("Correlation of mean scores", "Over questions, country by country; 1 is best."),
        "spearman": ("Rank correlation of mean scores", "The same with ranks."),
        **_advice_words(),
    }
)

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
        "Intervals take questions and respondents as sampled. They leave out how interviews were "
        "clustered, so the true ones are wider.",
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
