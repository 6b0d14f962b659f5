"""The advice protocol: correlations over countries, separation, inconclusive shares, by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import pearsonr

import codebook
from contracts.errors import ContractError
from contracts.release.read import open_release
from scoring import score
from scoring.protocols.advice.correlation import (
    best_in_sample,
    correlation_over_countries,
    counted_share,
    separation,
)
from scoring.protocols.advice.score_file import _row


def test_counted_sides_and_inconclusive_answers() -> None:
    # Inconclusive answers stay in the denominator; power distance counts the low side.
    assert counted_share(6, 2, 2, "individualism") == pytest.approx(0.6)
    assert counted_share(6, 2, 2, "power_distance") == pytest.approx(0.2)
    assert np.isnan(counted_share(0, 0, 0, "mas"))


def test_the_papers_accuracy_drops_inconclusive_answers() -> None:
    """The authors' code leaves them out there, and there alone."""
    assert counted_share(6, 2, 2, "mas", conclusive_only=True) == pytest.approx(0.75)
    assert counted_share(6, 2, 2, "power_distance", conclusive_only=True) == pytest.approx(0.25)
    assert np.isnan(counted_share(0, 0, 9, "mas", conclusive_only=True))
    names = [c for c, known in sorted(codebook.countries().items()) if known.hofstede]
    scores = {c: codebook.countries()[c].hofstede.scores["individualism"] for c in names}  # type: ignore[union-attr]
    # Of those who decide, all lean as their country does; the many undecided hide it.
    cells = {c: np.array([9, 1, 0] if scores[c] > 50 else [1, 9, 90], np.int64) for c in names}
    cells |= {c: np.array([2, 0, 98], np.int64) for c in names[:3] if scores[c] > 50}
    paper = _row("persona", "individualism", cells, paper=True)
    assert paper.accuracy == 1.0
    hidden = {c: np.array([9, 1, 990] if scores[c] > 50 else [1, 9, 0], np.int64) for c in names}
    assert _row("persona", "individualism", hidden, paper=True).accuracy == 1.0
    assert _row("persona", "individualism", hidden, paper=False).pearson < 0.8


def test_correlation_runs_over_countries() -> None:
    rng = np.random.default_rng(0)
    scores, shares = rng.uniform(0, 100, 36), rng.uniform(0, 1, 36)
    oracle = pearsonr(scores, shares)
    found = correlation_over_countries(scores, shares)
    interval = oracle.confidence_interval(0.95)
    assert found.value == pytest.approx(oracle.statistic)
    assert found.p_value == pytest.approx(oracle.pvalue)
    assert (found.low, found.high) == (pytest.approx(interval.low), pytest.approx(interval.high))
    assert found.countries == 36
    # Paper mode takes 1,800 rows for independent: the same r, a far smaller p.
    assert correlation_over_countries(scores, shares, rows=1800).p_value < found.p_value


def test_correlation_at_its_ends_and_without_enough_countries() -> None:
    assert correlation_over_countries([1, 2, 3, 4], [1, 2, 3, 4]).value == pytest.approx(1)
    few = correlation_over_countries([1, 2, 4], [1, 2, 3])
    assert not np.isnan(few.value)
    assert np.isnan(few.low)
    assert np.isnan(correlation_over_countries([1, 2], [1, 2]).value)


def test_separation_in_the_fixed_direction() -> None:
    # High countries 60, 80, 90 have shares .5, .7, .2; low ones .4, .3.
    scores, shares = [60, 80, 90, 10, 20], [0.5, 0.7, 0.2, 0.4, 0.3]
    found = separation(scores, shares, "individualism")
    # Pairs won: .5 > .4, .3; .7 > .4, .3; .2 wins none: 4 of 6.
    assert found.auroc == pytest.approx(4 / 6)
    assert found.floor == pytest.approx(3 / 5)
    # In sample: a threshold of .45 gets .5, .7, .4, .3 right.
    assert found.paper == pytest.approx(4 / 5)
    turned = separation(scores, [1 - share for share in shares], "power_distance")
    assert turned.auroc == pytest.approx(4 / 6)


def test_in_sample_accuracy_may_turn_the_direction_and_flatters() -> None:
    labels, values = np.array([True, True, False, False]), np.array([0.1, 0.2, 0.8, 0.9])
    assert best_in_sample(labels, values) == 1
    backwards = separation([90, 80, 10, 20], values, "mas")
    assert backwards.auroc == 0
    assert backwards.paper == 1
    assert backwards.accuracy == 0


def test_leave_one_out_accuracy_by_hand() -> None:
    # Values .9 .8 (high) .2 .1 (low): any threshold between is right for whoever is left out.
    assert separation([90, 80, 10, 20], [0.9, 0.8, 0.2, 0.1], "mas").accuracy == 1


def test_one_label_only_cannot_be_separated() -> None:
    assert np.isnan(separation([60, 70, 80], [0.1, 0.2, 0.3], "mas").auroc)


def advice_rows(share_of: Callable[[int], float], dimension: str, prefix: str) -> list[dict]:
    rows = []
    for country in codebook.countries().values():
        if country.hofstede is None:
            continue
        high = round(10 * share_of(country.hofstede.scores[dimension]))
        for number in range(1, 11):
            rows.append(
                {
                    "prompt_id": f"{prefix}-{number:02d}",
                    "country": country.country,
                    "approach": "persona",
                    "language": "en",
                    "option_order": "",
                    "repeat": 0,
                    "side": "high" if number <= high else "inconclusive" if number == 10 else "low",
                }
            )
    return rows


def test_a_whole_file(toy_predictions: Callable[..., Any]) -> None:
    rows = advice_rows(lambda s: s / 100, "individualism", "ind")
    rows += advice_rows(lambda s: s / 100, "power_distance", "pdi")
    known = {row["prompt_id"] for row in rows}
    from codebook.dilemmas.dilemma import dilemmas

    rows = [row for row in rows if row["prompt_id"] in dilemmas()]
    assert {name[:3] for name in known} == {"ind", "pdi"}
    report = score(toy_predictions(rows, "advice"), open_release("reference"), replicates=200)
    result = report.protocols[-1]
    assert result.applies
    table = {row["dimension"]: row for row in result.tables["correlations"]}
    scores = [c.hofstede for c in codebook.countries().values() if c.hofstede]
    high = [round(10 * one.scores["individualism"] / 100) / 10 for one in scores]
    expected = pearsonr([one.scores["individualism"] for one in scores], high).statistic
    assert table["individualism"]["pearson"] == pytest.approx(expected)
    assert table["individualism"]["aligned"]["estimate"] == pytest.approx(expected)
    assert table["individualism"]["countries"] == 36
    assert table["individualism"]["auroc"] > 0.95
    levels = {r["level"] for r in result.tables["resource_levels"]}
    assert levels == {"high", "mid", "low"}
    distance = table["power_distance"]
    # Countries above lean to the high side, so fewer answers are on the counted low side.
    assert distance["pearson"] < 0
    assert distance["aligned"]["estimate"] == pytest.approx(-distance["pearson"])
    assert distance["aligned"]["low"] <= distance["aligned"]["estimate"]
    overall = report.score("advice_correlation_persona")
    mean = np.mean([row["aligned"]["estimate"] for row in table.values()])
    assert overall.value.estimate == pytest.approx(mean)
    assert all(row["p_adjusted"] >= row["p_value"] for row in table.values())
    assert report.coverage.share < 1


def test_a_language_stands_for_its_country(toy_predictions: Callable[..., Any]) -> None:
    rows = [
        {"prompt_id": "ind-01", "approach": "language", "language": "sq", "side": "high"},
        {"prompt_id": "ind-01", "approach": "language", "language": "xx", "side": "high"},
        {"prompt_id": "ind-01", "approach": "none", "side": "low"},
    ]
    report = score(toy_predictions(rows, "advice"), open_release("reference"), replicates=20)
    countries = [row["country"] for row in report.protocols[-1].tables["countries"]]
    assert countries == ["ALB"]
    assert {n.code: n.count for n in report.warnings}["advice-left-out"] == 1


def test_advice_for_nobody_is_an_error(toy_predictions: Callable[..., Any]) -> None:
    rows = [{"prompt_id": "xyz-01", "country": "DEU", "approach": "persona", "side": "high"}]
    with pytest.raises(ContractError, match="no row answers a known dilemma"):
        score(toy_predictions(rows, "advice"), open_release("reference"))


def lean_rows(*sides: str, approach: str = "none") -> list[dict[str, Any]]:
    return [
        {"prompt_id": f"{prefix}-{number:02d}", "approach": approach, "side": side}
        for prefix in ("ind", "pdi")
        for number, side in enumerate(sides, start=1)
    ]


def test_advice_to_nobody_has_a_lean_and_says_why_it_has_no_correlation(
    toy_predictions: Callable[..., Any],
) -> None:
    file = toy_predictions(lean_rows("high", "high", "high", "low", "inconclusive"), "advice")
    report = score(file, open_release("reference"), replicates=200)
    tables = report.protocols[-1].tables
    assert [row["dimension"] for row in tables["lean"]] == ["individualism", "power_distance"]
    for row in tables["lean"]:
        assert row["high"]["estimate"] == pytest.approx(3 / 4)
        assert row["high"]["low"] < 3 / 4 < row["high"]["high"]
    for row in tables["correlations"]:
        assert row["aligned"] == {"estimate": None, "low": None, "high": None}
        assert row["p_value"] is row["p_adjusted"] is row["auroc"] is None
        assert "asked as nobody" in row["reason"]
        assert (row["high"], row["inconclusive"]) == (pytest.approx(0.6), pytest.approx(0.2))
    assert report.score("advice_correlation_none").value.estimate is None
    assert report.score("advice_lean_individualism").value.estimate == pytest.approx(0.75)
    coverage = report.coverage
    assert (coverage.expected, coverage.scored, coverage.invalid) == (10, 8, 2)
    assert [notice.code for notice in report.warnings].count("advice-nobody") == 1


def test_advice_that_never_changes_says_so(toy_predictions: Callable[..., Any]) -> None:
    rows = [
        {"prompt_id": "ind-01", "country": country, "approach": "persona", "side": "high"}
        for country in ("DEU", "JPN", "USA", "ALB")
    ]
    report = score(toy_predictions(rows, "advice"), open_release("reference"), replicates=20)
    (row,) = report.protocols[-1].tables["correlations"]
    assert row["pearson"] is None
    assert "the same share for every country" in row["reason"]


def test_the_report_names_its_dilemmas(toy_predictions: Callable[..., Any]) -> None:
    from codebook.dilemmas.dilemma import dilemmas

    def settings_of(ids: list[str], **facts: Any) -> Any:
        rows = [{"prompt_id": name, "approach": "none", "side": "low"} for name in ids]
        file = toy_predictions(rows, "advice", **facts)
        return score(file, open_release("reference"), replicates=5).settings

    part = settings_of(["ind-01", "pdi-02"])
    assert part.questions == "dilemmas (2 of 250)"
    assert settings_of(["pdi-02", "ind-01"]).questions_digest == part.questions_digest
    assert settings_of(["ind-01", "pdi-03"]).questions_digest != part.questions_digest
    whole = settings_of(list(dilemmas()))
    assert whole.questions == "dilemmas"
    own = {"digest": "abc", "own": {"mas": ["mine-1"]}}
    named = settings_of(["mine-1", "ind-01"], extra={"dilemmas": own})
    assert named.questions == "dilemmas (1 of 250) and own dilemmas (1)"
    other = settings_of(["mine-1", "ind-01"], extra={"dilemmas": own | {"digest": "abd"}})
    assert other.questions_digest != named.questions_digest


def test_own_dilemmas_are_scored_and_checked(toy_predictions: Callable[..., Any]) -> None:
    rows = [
        {"prompt_id": "mine-1", "country": country, "approach": "persona", "side": side}
        for country, side in (("DEU", "high"), ("SWE", "low"), ("JPN", "high"), ("NLD", "low"))
    ]
    told = {"dilemmas": {"digest": "abc", "own": {"mas": ["mine-1"]}}}
    file = toy_predictions(rows, "advice", extra=told)
    report = score(file, open_release("reference"), replicates=20)
    (row,) = report.protocols[-1].tables["correlations"]
    # MAS: DEU 66, SWE 5, JPN 95, NLD 14 against 1, 0, 1, 0.
    assert row["pearson"] == pytest.approx(pearsonr([66, 5, 95, 14], [1, 0, 1, 0]).statistic)
    bad = {"dilemmas": {"own": {"love": ["mine-1"], "mas": ["ind-01"]}}}
    with pytest.raises(ContractError, match=r"ids of their own.*found love, ind-01"):
        score(toy_predictions(rows, "advice", extra=bad), open_release("reference"))


def test_prompts_without_an_answer_are_missing(toy_predictions: Callable[..., Any]) -> None:
    file = toy_predictions(lean_rows("high", "low"), "advice", extra={"answers": {"expected": 10}})
    coverage = score(file, open_release("reference"), replicates=5).coverage
    assert (coverage.expected, coverage.missing, coverage.share) == (10, 6, pytest.approx(0.4))


#: Correlations of the paper's table 2 with their stars (persona, then language; dimensions in its
#: order). Those of its other three models do not follow from any one number of rows.
PAPER_STARS = {
    "Gemma": [(0.3188, 3), (0.2584, 3), (0.0319, 0), (0.0606, 1), (-0.2410, 3),
              (0.0526, 1), (-0.0038, 0), (-0.0424, 0), (-0.1025, 3), (-0.0284, 0)],
    "Llama 3": [(0.1825, 3), (0.1565, 3), (0.3541, 3), (-0.0062, 0), (0.1446, 3),
                (0.0479, 1), (0.0028, 0), (-0.1433, 3), (0.0329, 0), (-0.3994, 3)],
}  # fmt: skip


@pytest.mark.parametrize("model", PAPER_STARS)
def test_the_paper_s_stars_follow_from_its_rows_and_not_from_countries(model: str) -> None:
    rng = np.random.default_rng(2)
    scores = rng.normal(size=36)
    rest = rng.normal(size=36)
    scores, rest = ((side - side.mean()) / side.std() for side in (scores, rest))
    rest -= scores * (scores @ rest) / 36
    rest /= rest.std()
    starred = []
    for value, stars in PAPER_STARS[model]:
        shares = value * scores + np.sqrt(1 - value**2) * rest
        paper = correlation_over_countries(scores, shares, rows=1800)
        assert paper.value == pytest.approx(value)
        assert sum(paper.p_value < level for level in (0.05, 0.01, 0.001)) == stars
        starred.append(correlation_over_countries(scores, shares).p_value < 0.05)
    # Over 36 countries |r| has to be 0.33 at least.
    assert sum(starred) == sum(abs(value) > 0.3292 for value, _ in PAPER_STARS[model])
