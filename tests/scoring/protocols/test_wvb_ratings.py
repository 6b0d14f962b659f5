"""The worldvaluesbench protocol on people and ratings small enough for pencil and paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from contracts.errors import ContractError
from contracts.release.read import open_release
from scoring import score
from scoring.protocols.worldvaluesbench.scales import (
    majority_shares,
    rating_scales,
    wasserstein_points,
)

TERTIARY, PRIMARY = "tertiary", "primary or none"

# Q1 has codes 1-4. Town people answer 1, 1, 2; country people 4, 4.
PEOPLE = [
    (11, "urban", TERTIARY, {"Q1": 1, "Q56": 2}),
    (12, "urban", TERTIARY, {"Q1": 1, "Q56": 3}),
    (13, "urban", TERTIARY, {"Q1": 2, "Q56": 1}),
    (14, "rural", PRIMARY, {"Q1": 4, "Q56": 1}),
    (15, "rural", PRIMARY, {"Q1": 4}),
]


def rating(question_id: str, participant: int, rated: float | None) -> dict[str, Any]:
    return {"question_id": question_id, "participant": participant, "score": rated}


def entry(report: Any, question_id: str) -> Any:
    return next(one for one in report.questions if one.question_id == question_id)


def test_points_on_a_line_agree_with_scipy() -> None:
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=9), rng.normal(size=7)
    counts = rng.integers(1, 5, 7)
    found = wasserstein_points(first, second, second_counts=counts)
    assert found == pytest.approx(wasserstein_distance(first, second, None, counts))
    assert np.isnan(wasserstein_points([], [1.0]))


def test_pooled_and_group_distances(
    people_release: Callable[..., Any], toy_predictions: Callable[..., Any]
) -> None:
    release = people_release(PEOPLE)
    ratings = [1, 2, 2, 4, 3]
    records = [rating("Q1", 11 + i, r) for i, r in enumerate(ratings)]
    report = score(toy_predictions(records, "rating"), release, replicates=200)
    # People 2/5, 1/5, 0, 2/5; ratings 1/5, 2/5, 1/5, 1/5.
    # Cumulative 2/5, 3/5, 3/5 against 1/5, 3/5, 4/5: (1/5 + 0 + 1/5) / 3 = 2/15.
    found = entry(report, "Q1")
    assert found.extra["wasserstein"] == pytest.approx(2 / 15)
    assert found.alignment.estimate == pytest.approx(13 / 15)
    # Town: 2/3, 1 against 1/3, 1: 1/9. Country: 0 0 0 against 0 0 1/2: 1/6. Mean 5/36.
    assert found.extra["group_wasserstein"] == pytest.approx(5 / 36)
    # Errors 0, 1, 0, 0, 1 over a range of 3.
    assert found.extra["mean_absolute_error"] == pytest.approx(2 / 15)
    assert found.extra["accuracy"] == pytest.approx(3 / 5)
    # Uniform: cumulative 1/4, 1/2, 3/4: (.15 + .1 + .15) / 3.
    assert found.extra["uniform"] == pytest.approx(0.4 / 3)
    # Majority of each group: 1 in town (3 people), 4 in the country (2): 3/5, 3/5, 3/5.
    assert found.extra["majority"] == pytest.approx(0.2 / 3)
    assert report.coverage.share == 1
    assert [one.protocol for one in report.protocols if one.applies] == ["worldvaluesbench"]


def test_paper_mode_keeps_what_is_off_the_scale_and_drops_one_side_only(
    people_release: Callable[..., Any], toy_predictions: Callable[..., Any]
) -> None:
    release = people_release(PEOPLE)
    ratings = [1, 7, None, 4, 3]
    records = [rating("Q1", 11 + i, r) for i, r in enumerate(ratings)]
    predictions = toy_predictions(records, "rating", coding="worldvaluesbench")
    paper = score(predictions, release, mode="paper", replicates=50)
    # People stay five: 0, 0, 1/3, 1, 1. Ratings are four, 7 normalised to 2: 0, 2, 1, 2/3.
    expected = wasserstein_distance([0, 0, 1 / 3, 1, 1], [0, 2, 1, 2 / 3])
    assert entry(paper, "Q1").extra["wasserstein"] == pytest.approx(expected)
    # Majority over everybody is code 1: mean distance (0 + 0 + 1/3 + 1 + 1) / 5.
    assert entry(paper, "Q1").extra["majority"] == pytest.approx((7 / 3) / 5)

    corrected = score(predictions, release, replicates=50)
    # Pairs 1-1, 4-4, 4-3 are left: 1/3, 1/3, 1/3 against 1/3, 1/3, 2/3: 1/9.
    assert entry(corrected, "Q1").extra["wasserstein"] == pytest.approx(1 / 9)
    assert corrected.coverage.invalid == 2
    assert corrected.coverage.share == pytest.approx(3 / 5)
    codes = {notice.code: notice.count for notice in corrected.warnings}
    assert codes["off-scale-ratings"] == 1
    assert codes["unreadable-ratings"] == 1


def test_recoded_ratings_and_raw_ratings_of_a_reordered_question(
    people_release: Callable[..., Any], toy_predictions: Callable[..., Any]
) -> None:
    # Q56: raw 2 "worse off" and 3 "about the same" swap places; answers 2, 3, 1, 1.
    release = people_release(PEOPLE)
    raw = [rating("Q56", 11 + i, r) for i, r in enumerate([2, 3, 1, 1])]
    recoded = [rating("Q56", 11 + i, r) for i, r in enumerate([3, 2, 1, 1])]
    for records, coding in ((raw, "raw"), (recoded, "worldvaluesbench")):
        for mode in ("corrected", "paper"):
            predictions = toy_predictions(records, "rating", coding=coding)
            report = score(predictions, release, mode=mode, replicates=20)
            assert entry(report, "Q56").extra["wasserstein"] == pytest.approx(0)
            assert entry(report, "Q56").extra["accuracy"] == pytest.approx(1)
    wrong = score(toy_predictions(raw, "rating", coding="worldvaluesbench"), release, replicates=20)
    assert entry(wrong, "Q56").extra["accuracy"] == pytest.approx(1 / 2)


def test_code_zero_of_democracy_questions_has_its_own_place_in_corrected_mode() -> None:
    corrected = rating_scales(("Q241",), mode="corrected", coding="worldvaluesbench")
    paper = rating_scales(("Q241",), mode="paper", coding="worldvaluesbench")
    assert corrected.answer_slots[0][0] == 0
    assert corrected.answer_slots[0][1] == 1
    assert corrected.rating_slots[0][1] == 1
    assert paper.answer_slots[0][0] == paper.answer_slots[0][1] == 0
    assert paper.geometry.codes[0] == tuple(range(1, 11))


def test_blanked_codes_are_no_answers_in_paper_mode() -> None:
    paper = rating_scales(("Q111", "Q119"), mode="paper", coding="raw")
    assert 3 not in paper.answer_slots[0]
    # Q119: 0, 3, 4 become 3, 4, 5 at once; 1 and 2 stay.
    assert paper.answer_slots[1] == {1: 0, 2: 1, 0: 2, 3: 3, 4: 4}
    corrected = rating_scales(("Q111",), mode="corrected", coding="raw")
    assert not corrected.geometry.ordinal[0]


def test_the_probe_is_what_coverage_counts(
    people_release: Callable[..., Any], toy_predictions: Callable[..., Any]
) -> None:
    release = people_release(PEOPLE, probe=[11, 12, 14])
    records = [rating("Q1", 11, 1), rating("Q1", 14, 4)]
    report = score(toy_predictions(records, "rating"), release, replicates=20)
    # The probe asks three people two questions: six pairs, two of them rated.
    assert report.coverage.expected == 6
    assert report.coverage.missing == 4
    assert report.protocols[1].tables["compared_with"] == "the probe"


def test_unsteered_samples_meet_all_answers_of_the_probe(
    people_release: Callable[..., Any], toy_predictions: Callable[..., Any]
) -> None:
    release = people_release(PEOPLE, probe=[11, 12, 13, 14, 15])
    samples = [{"question_id": "Q1", "sample": i, "score": r} for i, r in enumerate([1, 2, 4, 4])]
    report = score(toy_predictions(samples, "rating"), release, replicates=20)
    # People 2/5, 3/5, 3/5; samples 1/4, 1/2, 1/2: (.15 + .1 + .1) / 3.
    assert entry(report, "Q1").extra["wasserstein"] == pytest.approx(0.35 / 3)
    assert report.protocols[1].tables["unsteered_samples"] is True


def test_ratings_need_single_persons_and_the_error_names_the_command(
    toy_predictions: Callable[..., Any],
) -> None:
    predictions = toy_predictions([rating("Q1", 11, 1)], "rating")
    with pytest.raises(ContractError, match="opinion-atlas build FILE --out RELEASE") as caught:
        score(predictions, open_release("reference"))
    assert caught.value.problems[0].code == "needs-individuals"


def test_an_id_of_several_people_names_nobody(
    people_release: Callable[..., Any], toy_predictions: Callable[..., Any]
) -> None:
    release = people_release([*PEOPLE, (15, "urban", TERTIARY, {"Q1": 1})])
    assert score(toy_predictions([rating("Q1", 11, 1)], "rating"), release, replicates=20)
    with pytest.raises(ContractError, match=r"more than one person.*15"):
        score(toy_predictions([rating("Q1", 15, 1)], "rating"), release, replicates=20)


def test_unknown_people_are_counted_and_nothing_scored_is_said(
    people_release: Callable[..., Any], toy_predictions: Callable[..., Any]
) -> None:
    release = people_release(PEOPLE)
    records = [rating("Q1", 11, 1), rating("Q1", 99, 1)]
    report = score(toy_predictions(records, "rating"), release, replicates=20)
    assert {n.code: n.count for n in report.warnings}["unknown-participants"] == 1
    with pytest.raises(ContractError, match="1 of unknown people"):
        score(toy_predictions([rating("Q1", 99, 1)], "rating"), release, replicates=20)


def test_participants_and_samples_do_not_mix(
    people_release: Callable[..., Any], toy_predictions: Callable[..., Any]
) -> None:
    records = [rating("Q1", 11, 1), {"question_id": "Q1", "sample": 0, "score": 2}]
    with pytest.raises(ContractError, match="others only a sample"):
        score(toy_predictions(records, "rating"), people_release(PEOPLE))


def test_majority_takes_the_first_of_equals() -> None:
    assert majority_shares(np.array([0.4, 0.4, 0.2])).tolist() == [1, 0, 0]


def test_intervals_of_few_questions_stay_on_the_scale(
    people_release: Callable[..., Any], toy_predictions: Callable[..., Any]
) -> None:
    people = [(11 + i, "urban", TERTIARY, {"Q1": 1, "Q2": 1}) for i in range(4)]
    # Q1 is met by everybody, Q2 by nobody: distances 0 and 1, in one category.
    records = [rating(q, 11 + i, r) for q, r in (("Q1", 1), ("Q2", 4)) for i in range(4)]
    report = score(toy_predictions(records, "rating"), people_release(people), replicates=200)
    found = next(one for one in report.groups if one.kind == "category").alignment
    assert (found.low, found.estimate, found.high) == (0, 0.5, 1)
    whole = next(one for one in report.scores if one.name == "alignment").value
    assert (whole.low, whole.estimate, whole.high) == (0, 0.5, 1)
