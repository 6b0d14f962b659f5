"""Paired comparison of two reports, on toys that can be worked out by hand."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from contracts.errors import ContractError
from contracts.predictions.meta import PredictionsMeta
from contracts.report import (
    Coverage,
    Interval,
    PredictionsRef,
    ProtocolResult,
    QuestionEntry,
    ReleaseRef,
    Report,
    Settings,
)
from scoring.comparison.compare import cell_scores, common_cells, compare_reports
from scoring.presentation.summary import comparison_lines, verdict

Matrix = list[list[float | None]]


def make_report(
    name: str,
    *,
    countries: list[str] | None = None,
    questions: list[str],
    scores: Matrix,
    release: str = "r",
    synthetic: bool = False,
    **settings: object,
) -> Report:
    """A report with a cell table, or (without countries) with scores per question only."""
    protocols, entries = [], []
    if countries is not None:
        table = {"countries": countries, "questions": questions, "scores": scores}
        protocols = [
            ProtocolResult(protocol="alignment", applies=True, tables={"question_scores": table})
        ]
    else:
        entries = [
            QuestionEntry(
                question_id=question,
                category="social_values",
                level="ordinal",
                alignment=Interval(estimate=score),
            )
            for question, score in zip(questions, scores[0], strict=True)
        ]
    return Report(
        scorer_version="1.0",
        release=ReleaseRef(name="toy", version="1", digest=release, waves=[7], synthetic=synthetic),
        predictions=PredictionsRef(
            name=name, digest=name, kind="distribution", rows=1, meta=PredictionsMeta()
        ),
        settings=Settings(**settings),  # type: ignore[arg-type]
        coverage=Coverage(expected=1, scored=1),
        scores=[],
        protocols=protocols,
        questions=entries,
    )


def test_difference_and_exact_p_value_by_hand() -> None:
    questions = ["Q1", "Q2", "Q3", "Q4"]
    first = make_report(
        "a", countries=["ARG", "BRA"], questions=questions, scores=[[0.9, 0.8, 0.7, 0.9]] * 2
    )
    second = make_report(
        "b",
        countries=["ARG", "BRA"],
        questions=questions,
        scores=[[0.8, 0.7, 0.6, 1.0], [0.6, 0.7, 0.8, 0.8]],
    )
    found = compare_reports(first, second)
    # Per question, over both countries: (0.1 + 0.3) / 2, 0.1, (0.1 - 0.1) / 2, (-0.1 + 0.1) / 2.
    gaps = np.array([0.2, 0.1, 0.0, 0.0])
    assert found.difference.estimate == pytest.approx(0.075)
    # All 16 sign patterns: |mean| >= 0.075 where 0.2 and 0.1 have the same sign, 8 of 16.
    patterns = [abs(np.dot(s, gaps)) / 4 for s in itertools.product((1, -1), repeat=4)]
    exact = np.mean([p >= 0.075 - 1e-12 for p in patterns])
    assert exact == 0.5
    assert found.p_value == pytest.approx(exact)
    assert (found.questions, found.countries) == (4, 2)
    # ARG alone: 0.1, 0.1, 0.1, -0.1; mean 0.05; 10 of 16 patterns are at least as far from 0.
    argentina = found.by_country[0]
    assert argentina.difference == pytest.approx(0.05)
    assert argentina.p_value == pytest.approx(10 / 16)


def test_only_cells_that_both_scored_count() -> None:
    first = make_report(
        "a",
        countries=["ARG", "BRA", "CHL"],
        questions=["Q1", "Q2", "Q5"],
        scores=[[0.9, 0.1, 0.0], [None, 0.8, 0.0], [0.5, 0.5, 0.0]],
    )
    second = make_report(
        "b",
        countries=["BRA", "ARG"],
        questions=["Q2", "Q1"],
        scores=[[0.7, 0.2], [None, 0.6]],
    )
    countries, questions, one, two = common_cells(cell_scores(first), cell_scores(second))
    assert (countries, questions) == (("ARG", "BRA"), ("Q1", "Q2"))
    np.testing.assert_array_equal(one, [[0.9, np.nan], [np.nan, 0.8]])
    np.testing.assert_array_equal(two, [[0.6, np.nan], [np.nan, 0.7]])
    found = compare_reports(first, second)
    assert found.difference.estimate == pytest.approx((0.3 + 0.1) / 2)


def test_the_first_less_the_second_turns_its_sign() -> None:
    rng = np.random.default_rng(5)
    questions = [f"Q{i}" for i in range(1, 31)]
    sides = [
        make_report(n, countries=["ARG"], questions=questions, scores=[rng.random(30).tolist()])
        for n in "ab"
    ]
    there, back = compare_reports(*sides), compare_reports(*reversed(sides))
    assert there.difference.estimate == pytest.approx(-(back.difference.estimate or 0))
    assert there.p_value == pytest.approx(back.p_value)
    assert (there.ahead, there.behind) == (back.behind, back.ahead)


def test_a_report_against_itself_cannot_be_told_apart() -> None:
    report = make_report(
        "a", countries=["ARG"], questions=["Q1", "Q2", "Q3"], scores=[[0.2, 0.4, 0.9]]
    )
    found = compare_reports(report, report)
    assert found.difference.estimate == 0
    assert found.p_value == 1
    assert verdict(found) == "The two cannot be told apart on these questions."
    assert [notice.code for notice in found.notices] == ["same-predictions"]


def test_same_seed_same_answer() -> None:
    rng = np.random.default_rng(1)
    questions = [f"Q{i}" for i in range(1, 41)]
    sides = [
        make_report(n, countries=["ARG"], questions=questions, scores=[rng.random(40).tolist()])
        for n in "ab"
    ]
    assert compare_reports(*sides, seed=3) == compare_reports(*sides, seed=3)


def test_scores_per_question_alone_are_enough() -> None:
    first = make_report("a", questions=["Q1", "Q2", "Q3"], scores=[[0.9, 0.8, 0.7]])
    second = make_report("b", questions=["Q2", "Q3", "Q4"], scores=[[0.5, 0.5, 0.5]])
    found = compare_reports(first, second)
    assert found.difference.estimate == pytest.approx((0.3 + 0.2) / 2)
    assert (found.questions, found.countries, found.by_country) == (2, 0, ())
    # One side by country: it is averaged over its countries first.
    third = make_report(
        "c", countries=["ARG", "BRA"], questions=["Q2", "Q3"], scores=[[0.1, 0.2], [0.3, 0.4]]
    )
    assert compare_reports(first, third).difference.estimate == pytest.approx(
        ((0.8 - 0.2) + (0.7 - 0.3)) / 2
    )


@pytest.mark.parametrize(
    ("other", "what"),
    [
        ({"release": "s"}, "release"),
        ({"mode": "paper"}, "mode"),
        ({"weights": "none"}, "weights"),
        ({"split": "test"}, "split"),
        ({"wave": 6}, "wave"),
    ],
)
def test_unlike_reports_are_refused(other: dict[str, object], what: str) -> None:
    common = {"countries": ["ARG"], "questions": ["Q1"], "scores": [[0.5]]}
    first = make_report("a", **common)  # type: ignore[arg-type]
    second = make_report("b", **common, **other)  # type: ignore[arg-type]
    with pytest.raises(ContractError, match=f"not-comparable.*differ in their {what}"):
        compare_reports(first, second)


def test_nothing_in_common_is_refused() -> None:
    first = make_report("a", countries=["ARG"], questions=["Q1"], scores=[[0.5]])
    second = make_report("b", countries=["ARG"], questions=["Q2"], scores=[[0.5]])
    with pytest.raises(ContractError, match="share no scored question"):
        compare_reports(first, second)


def test_notices_of_other_questions_and_synthetic_people() -> None:
    common = {"countries": ["ARG"], "questions": ["Q1", "Q2"], "scores": [[0.5, 0.7]]}
    first = make_report("a", **common, synthetic=True, questions_digest="x")  # type: ignore[arg-type]
    second = make_report("b", **common, synthetic=True)  # type: ignore[arg-type]
    found = compare_reports(first, second)
    assert [notice.code for notice in found.notices] == ["other-questions", "synthetic"]
    assert any("SYNTHETIC" in line for line in comparison_lines(found))


def test_one_common_question_has_no_p_value() -> None:
    first = make_report("a", countries=["ARG"], questions=["Q1"], scores=[[0.5]])
    second = make_report("b", countries=["ARG"], questions=["Q1"], scores=[[0.4]])
    found = compare_reports(first, second)
    assert found.p_value is None
    assert verdict(found) == "Too few common questions to tell."
    assert found.difference.low is None
