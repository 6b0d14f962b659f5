"""Measures of agreement between answer distributions, vectorised over arrays (..., k)."""

from scoring.measures.agreement import (
    mean_score,
    mean_score_difference,
    mode_agreement,
    option_scores,
    pearson,
    spearman,
)
from scoring.measures.checks import ShareError, checked_shares, renormalise
from scoring.measures.distances import (
    alignment,
    jensen_shannon,
    kl_divergence,
    ranked_probability_score,
    total_variation,
    wasserstein_ordinal,
)
from scoring.measures.individual import (
    absolute_error,
    accuracy,
    brier_score,
    individual_rps,
    log_score,
)

__all__ = [
    "ShareError",
    "absolute_error",
    "accuracy",
    "alignment",
    "brier_score",
    "checked_shares",
    "individual_rps",
    "jensen_shannon",
    "kl_divergence",
    "log_score",
    "mean_score",
    "mean_score_difference",
    "mode_agreement",
    "option_scores",
    "pearson",
    "ranked_probability_score",
    "renormalise",
    "spearman",
    "total_variation",
    "wasserstein_ordinal",
]
