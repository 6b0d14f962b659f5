"""The scores of answers to the survey's questions, in the order of reports."""

from __future__ import annotations

from contracts.specs.model import BoardColumn, ScoreSpec

_CELLS = "scoring.protocols.alignment.cells"

SCORES = (
    ScoreSpec(
        "alignment",
        "Alignment",
        "One minus the distance between the model's and people's answer shares, averaged over "
        "questions (and countries, each counting once). 1 means the same shares.",
        low=0.0,
        high=1.0,
        screen="with people; 1 is identical",
        column=BoardColumn(
            "alignment",
            "Alignment",
            "1 - normalised Wasserstein distance between the model's and "
            "people's answers, mean over questions, then over countries. 1 is identical.",
        ),
        protected=True,
    ),
    ScoreSpec(
        "worth_people",
        "Worth N people",
        "How many randomly drawn residents would be expected to come as close to their country's "
        "answers; median over countries.",
        formula="docs/scoring.md#worth-n-people",
        low=0.0,
        high=10_000.0,
        screen="drawn residents who come as close",
        column=BoardColumn(
            "worth_people",
            "Worth N people",
            "How many randomly drawn residents would be expected to come as close to their "
            "country's answers; median over countries.",
        ),
        decimals=1,
    ),
    ScoreSpec(
        "uniform_skill",
        "Skill over uniform answers",
        "0 is as close as answering every option alike, 1 is people's shares themselves.",
        high=1.0,
        screen="0 as uniform answers, 1 perfect",
        column=BoardColumn(
            "uniform_skill",
            "Skill over uniform",
            "1 - W1 / W1 of a uniform answer: 0 is no better "
            "than answering every option alike, 1 is perfect.",
        ),
    ),
    ScoreSpec(
        "ceiling_skill",
        "Skill on the way to the human ceiling",
        "0 is uniform answers, 1 is as close as another sample of the same people would be.",
        screen="0 as uniform, 1 as other people",
        column=BoardColumn(
            "ceiling_skill",
            "Skill to ceiling",
            "Where the score lies between a uniform answer (0) "
            "and what a second sample of the same people, of the same size, would score (1).",
        ),
    ),
    ScoreSpec(
        "human_ceiling",
        "Human ceiling",
        "What another sample of the same people would score; it says nothing of the model.",
        high=1.0,
        about_model=False,
    ),
    ScoreSpec(
        "difference",
        "Model less average human",
        "Above 0 the model is closer to a country than the average of the other countries is.",
    ),
    ScoreSpec(
        "centred_alignment",
        "Alignment after centring",
        "How well deviations from the average country are met, both sides centred first.",
        high=1.0,
    ),
    ScoreSpec(
        "country_signal",
        "Country-specific signal",
        "Share of countries' own deviations that the model gets right; 0 for a global profile.",
        high=1.0,
        screen="country-specific signal",
        column=BoardColumn(
            "country_specific",
            "Country-specific",
            "Share of what sets a country apart from the others "
            "that the answers get right: 1 is all of it, 0 is one profile for the whole world.",
        ),
    ),
    ScoreSpec(
        "wasserstein",
        "Distance from people's ratings",
        "Wasserstein-1 on scales from 0 to 1, averaged over questions; 0 is identical.",
        higher_is_better=False,
        low=0.0,
        screen="distance from people; 0 is identical",
        protected=True,
    ),
    ScoreSpec(
        "share_within_0.1",
        "Questions within 0.1",
        "Share of questions that close to people.",
        low=0.0,
        high=1.0,
        protected=True,
    ),
    ScoreSpec(
        "share_within_0.2",
        "Questions within 0.2",
        "Share of questions that close to people.",
        low=0.0,
        high=1.0,
        column=BoardColumn(
            "share_w1_below_0.2",
            "W1 ≤ 0.2",
            "Share of questions whose normalised Wasserstein distance is at most 0.2.",
        ),
        protected=True,
    ),
    ScoreSpec(
        "group_wasserstein",
        "Distance within groups of people",
        "The same for each kind of people apart; small groups lie apart by chance alone.",
        higher_is_better=False,
        low=0.0,
    ),
    ScoreSpec(
        "mean_absolute_error",
        "Mean absolute error",
        "Person by person, on scales from 0 to 1.",
        higher_is_better=False,
        low=0.0,
    ),
    ScoreSpec(
        "accuracy",
        "Accuracy",
        "Share of ratings that are the person's own answer.",
        low=0.0,
        high=1.0,
    ),
    ScoreSpec(
        "total_variation",
        "Total variation",
        "Share of answers that would have to move.",
        higher_is_better=False,
        low=0.0,
        high=1.0,
        cells=f"{_CELLS}:total_variation",
    ),
    ScoreSpec(
        "jensen_shannon",
        "Jensen-Shannon divergence",
        "0 for equal shares, at most 1.",
        higher_is_better=False,
        low=0.0,
        high=1.0,
        cells=f"{_CELLS}:jensen_shannon",
    ),
    ScoreSpec(
        "kl_divergence",
        "Kullback-Leibler divergence",
        "Of people's shares from the model's.",
        higher_is_better=False,
        low=0.0,
        cells=f"{_CELLS}:kl_divergence",
    ),
    ScoreSpec(
        "ranked_probability_score",
        "Ranked probability score",
        "Squared distance of cumulative shares.",
        higher_is_better=False,
        low=0.0,
        high=1.0,
        cells=f"{_CELLS}:ranked_probability_score",
    ),
    ScoreSpec(
        "mean_score_difference",
        "Difference of mean scores",
        "On a scale from -1 to 1.",
        higher_is_better=False,
        low=0.0,
        high=2.0,
        cells=f"{_CELLS}:mean_score_difference",
    ),
    ScoreSpec(
        "mode_agreement",
        "Same most frequent answer",
        "Share of cells.",
        low=0.0,
        high=1.0,
        cells=f"{_CELLS}:mode_agreement",
    ),
    ScoreSpec(
        "individual_rps",
        "Ranked probability score, person by person",
        "The model's shares as a forecast of each respondent's answer; 0 is a sure, right one.",
        higher_is_better=False,
        low=0.0,
        high=1.0,
        cells=f"{_CELLS}:individual_rps",
    ),
    ScoreSpec(
        "individual_log_score",
        "Log score, person by person",
        "Bits by which the forecast of each respondent's answer misses; 0 is a sure, right one.",
        higher_is_better=False,
        low=0.0,
        cells=f"{_CELLS}:individual_log_score",
    ),
    ScoreSpec(
        "individual_brier_score",
        "Brier score, person by person",
        "Squared error of the forecast of each respondent's answer; 0 is a sure, right one.",
        higher_is_better=False,
        low=0.0,
        high=2.0,
        cells=f"{_CELLS}:individual_brier_score",
    ),
    ScoreSpec(
        "pearson",
        "Correlation of mean scores",
        "Over questions, country by country; 1 is best.",
        low=-1.0,
        high=1.0,
        screen="correlation of mean scores",
        column=BoardColumn(
            "judgments_r",
            "Judgments r",
            "Pearson correlation of mean scores in [-1, 1] over questions, mean over countries.",
        ),
    ),
    ScoreSpec(
        "spearman",
        "Rank correlation of mean scores",
        "The same with ranks.",
        low=-1.0,
        high=1.0,
        column=BoardColumn("judgments_spearman"),
    ),
)
