"""The alignment protocol on countries small enough for pencil and paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from contracts.errors import ContractError
from scoring import score
from scoring.inputs.average_human import average_shares
from scoring.inputs.geometry import build_geometry
from scoring.measures import brier_score, individual_rps, log_score
from scoring.protocols.alignment.cells import expected_individual_scores
from scoring.studies.sensitivity import country_model_matrix, sensitivity

# Q1 has four options, Q165 two, Q111 three without an order.
# Counts of people: Germany, Chile, Japan.
COUNTS = {
    (7, "DEU", "", "Q1"): [40, 30, 20, 10],
    (7, "CHL", "", "Q1"): [80, 10, 10, 0],
    (7, "JPN", "", "Q1"): [10, 20, 30, 40],
    (7, "DEU", "", "Q165"): [50, 50],
    (7, "CHL", "", "Q165"): [90, 10],
    (7, "DEU", "", "Q111"): [50, 30, 20],
    (7, "CHL", "", "Q111"): [20, 50, 30],
}
QUESTIONS = ["Q1", "Q111", "Q165"]
MODEL = {"Q1": [0.25] * 4, "Q165": [1, 0], "Q111": [0.2, 0.3, 0.5]}

# Distances by hand.
# Q1, uniform model with F = .25 .5 .75:
#   DEU .4 .7 .9: .15 + .2 + .15 = .5, over 3: 1/6. CHL .8 .9 1: .55 + .4 + .25 = 1.2: .4.
#   JPN .1 .3 .6: .15 + .2 + .15 = .5: 1/6.
# Q165: DEU .5, CHL .1.
# Q111 (total variation): DEU (.3 + 0 + .3) / 2 = .3; CHL (0 + .2 + .2) / 2 = .2.
DISTANCES = {
    "DEU": {"Q1": 1 / 6, "Q165": 0.5, "Q111": 0.3},
    "CHL": {"Q1": 0.4, "Q165": 0.1, "Q111": 0.2},
    "JPN": {"Q1": 1 / 6},
}


@pytest.fixture
def unsteered(toy_predictions: Callable[..., Any], record: Callable[..., Any]) -> Any:
    return toy_predictions([record(name, shares) for name, shares in MODEL.items()])


def by_country(report: Any) -> dict[str, Any]:
    return {entry.country: entry for entry in report.countries}


def test_scores_by_country_question_and_overall(
    toy_release: Callable[..., Any], unsteered: Any
) -> None:
    report = score(unsteered, toy_release(COUNTS), questions=QUESTIONS, replicates=300)
    entries = by_country(report)
    for country, distances in DISTANCES.items():
        expected = 1 - np.mean(list(distances.values()))
        assert entries[country].alignment.estimate == pytest.approx(expected)
        assert entries[country].questions == len(distances)
        assert entries[country].coverage == 1
    means = [1 - np.mean(list(one.values())) for one in DISTANCES.values()]
    alignment = report.score("alignment")
    assert alignment.value.estimate == pytest.approx(np.mean(means))
    assert alignment.penalised == pytest.approx(np.mean(means))
    assert alignment.countries == 3
    questions = {entry.question_id: entry for entry in report.questions}
    assert questions["Q1"].alignment.estimate == pytest.approx(1 - (1 / 6 + 0.4 + 1 / 6) / 3)
    assert questions["Q111"].level == "nominal"
    assert questions["Q111"].alignment.estimate == pytest.approx(1 - 0.25)
    # sd with ddof 1 of 5/6, .5, .7.
    assert entries["DEU"].sd == pytest.approx(np.std([5 / 6, 0.5, 0.7], ddof=1))
    # One question has no spread, so Japan has no interval over questions.
    assert entries["JPN"].alignment.low is None
    ranks = {name: entry.rank for name, entry in entries.items()}
    assert ranks == {"JPN": 1, "CHL": 2, "DEU": 3}


def test_every_interval_contains_its_estimate(
    toy_release: Callable[..., Any], unsteered: Any
) -> None:
    report = score(unsteered, toy_release(COUNTS), questions=QUESTIONS, replicates=200)
    intervals = [
        entry.alignment for entry in (*report.countries, *report.questions, *report.groups)
    ]
    intervals += [s.value for s in report.scores] + [e.difference for e in report.countries]
    checked = 0
    for one in intervals:
        if one is not None and one.estimate is not None and one.low is not None:
            assert one.low - 1e-12 <= one.estimate <= one.high + 1e-12
            checked += 1
    assert checked > 15


def test_uniform_and_ceiling_skill(toy_release: Callable[..., Any], unsteered: Any) -> None:
    report = score(unsteered, toy_release(COUNTS), questions=["Q165", "Q1"], replicates=50)
    germany = by_country(report)["DEU"]
    # Q1: the model is uniform; Q165: uniform is at 0, the model at .5.
    model, uniform = (1 / 6 + 0.5) / 2, (1 / 6 + 0) / 2
    assert germany.uniform_skill.estimate == pytest.approx(1 - model / uniform)
    ceiling = germany.ceiling
    assert ceiling is not None
    expected = ((1 - model) - (1 - uniform)) / (ceiling - (1 - uniform))
    assert germany.ceiling_skill.estimate == pytest.approx(expected)


def test_three_average_humans(toy_release: Callable[..., Any], unsteered: Any) -> None:
    counts = dict(COUNTS)
    counts[7, "JPN", "", "Q1"] = [20, 40, 60, 80]  # twice the people
    report = score(unsteered, toy_release(counts), questions=["Q1"], replicates=50)
    rows = {row["country"]: row for row in report.protocols[0].tables["average_humans"]["rows"]}
    # Leave-one-out for Germany: mean of (.8 .1 .1 0) and (.1 .2 .3 .4): F = .45 .6 .8;
    # against .4 .7 .9: (.05 + .1 + .1) / 3.
    assert rows["DEU"]["leave-one-out"] == pytest.approx(1 - 0.25 / 3)
    # Country-equal: mean of three: F = (1.3 1.9 2.5) / 3; gaps 1/30, 2/30, 2/30.
    assert rows["DEU"]["country-equal"] == pytest.approx(1 - (5 / 30) / 3)
    # Pooled: counts 140 80 90 90 of 400: F = .35 .55 .775; gaps .05 .15 .125.
    assert rows["DEU"]["pooled"] == pytest.approx(1 - 0.325 / 3)
    gap = rows["DEU"]["difference_leave-one-out"]
    assert gap == pytest.approx(-1 / 6 + 0.25 / 3)
    assert by_country(report)["DEU"].average_human == pytest.approx(1 - 0.25 / 3)


def test_leave_one_out_needs_another_country() -> None:
    shares = np.array([[0.5, 0.5], [np.nan, np.nan]])
    weights = np.array([1.0, 0.0])
    found = average_shares(shares, weights, "leave-one-out")
    assert np.isnan(found[0]).all()
    assert found[1] == pytest.approx([0.5, 0.5])
    assert average_shares(shares, weights, "country-equal")[0] == pytest.approx([0.5, 0.5])


def test_verdicts_need_an_interval_without_zero_except_in_paper_mode(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    names = ("Q1", "Q2", "Q3", "Q4", "Q5", "Q6")
    rng = np.random.default_rng(0)
    counts = {
        (7, country, "", name): rng.multinomial(900, rng.dirichlet(np.ones(4) * 4))
        for country in ("DEU", "CHL", "JPN")
        for name in names
    }
    same = [record(name, counts[7, "DEU", "", name] / 900) for name in names]
    release = toy_release(counts)
    corrected = by_country(score(toy_predictions(same), release, questions=names, replicates=300))
    assert corrected["DEU"].verdict == "over"
    for entry in corrected.values():
        low, high = entry.difference.low, entry.difference.high
        verdict = "over" if low > 0 else "under" if high < 0 else "within"
        assert entry.verdict == verdict
    paper = score(toy_predictions(same), release, questions=names, replicates=50, mode="paper")
    for entry in paper.countries:
        assert entry.verdict == ("over" if entry.difference.estimate > 0 else "under")


def test_a_missing_answer_is_not_zero_but_lowers_coverage(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    records = [
        record("Q1", MODEL["Q1"]),
        {"question_id": "Q165", "country": "", "shares": {}, "status": "refused"},
    ]
    report = score(
        toy_predictions(records), toy_release(COUNTS), questions=["Q1", "Q165"], replicates=50
    )
    # Five cells asked; the two of Q165 were refused.
    coverage = report.coverage
    assert (coverage.expected, coverage.scored, coverage.refused) == (5, 3, 2)
    germany = by_country(report)["DEU"]
    assert germany.alignment.estimate == pytest.approx(5 / 6)
    assert germany.coverage == pytest.approx(1 / 2)
    # Penalised: the uniform answer to Q165 is at distance 0 from half and half.
    assert germany.extra["penalised"] == pytest.approx((5 / 6 + 1) / 2)
    chile = by_country(report)["CHL"]
    assert chile.extra["penalised"] == pytest.approx((0.6 + 0.6) / 2)


def test_steered_answers_meet_their_own_country_only(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    records = [
        record("Q1", [0.4, 0.3, 0.2, 0.1], country="DEU"),
        record("Q1", [0.25] * 4, country="CHL"),
        record("Q1", [0.25] * 4, country="USA"),
    ]
    predictions = toy_predictions(records, steering="persona")
    report = score(predictions, toy_release(COUNTS), questions=["Q1"], replicates=50)
    entries = by_country(report)
    assert entries["DEU"].alignment.estimate == pytest.approx(1)
    assert entries["CHL"].alignment.estimate == pytest.approx(0.6)
    assert entries["JPN"].alignment.estimate is None
    assert report.coverage.share == pytest.approx(2 / 3)
    assert {n.code: n.count for n in report.warnings}["countries-without-people"] == 1


@pytest.mark.parametrize(("steering", "expected"), [("persona", 1.0), ("none", 5 / 6)])
def test_a_file_with_both_kinds_is_scored_by_one(
    toy_release: Callable[..., Any],
    toy_predictions: Callable[..., Any],
    record: Callable[..., Any],
    steering: str,
    expected: float,
) -> None:
    records = [record("Q1", [0.4, 0.3, 0.2, 0.1], country="DEU"), record("Q1", [0.25] * 4)]
    predictions = toy_predictions(records, steering=steering)
    report = score(predictions, toy_release(COUNTS), questions=["Q1"], replicates=50)
    assert by_country(report)["DEU"].alignment.estimate == pytest.approx(expected)
    assert "answers-set-aside" in [notice.code for notice in report.warnings]


def test_questions_whose_answers_were_shown_are_left_out(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    records = [record(name, shares) for name, shares in MODEL.items()]
    predictions = toy_predictions(records, few_shot_questions=["Q165"])
    report = score(predictions, toy_release(COUNTS), questions=QUESTIONS, replicates=50)
    assert "Q165" not in [entry.question_id for entry in report.questions]
    assert by_country(report)["DEU"].alignment.estimate == pytest.approx(1 - (1 / 6 + 0.3) / 2)
    assert "examples-left-out" in [notice.code for notice in report.warnings]


def test_weights_and_effective_sizes(toy_release: Callable[..., Any], unsteered: Any) -> None:
    weighted = {(7, "DEU", "", "Q165"): ([50, 50], [80.0, 20.0]), (7, "CHL", "", "Q165"): [90, 10]}
    release = toy_release(weighted, n_eff=40.0)
    design = score(unsteered, release, questions=["Q165"], replicates=50)
    plain = score(unsteered, release, questions=["Q165"], replicates=50, weights="none")
    assert by_country(design)["DEU"].alignment.estimate == pytest.approx(0.8)
    assert by_country(plain)["DEU"].alignment.estimate == pytest.approx(0.5)
    assert by_country(design)["DEU"].extra["n_eff"] == pytest.approx(40)
    assert by_country(plain)["DEU"].extra["n_eff"] == pytest.approx(100)


def test_weights_of_one_reproduce_the_unweighted_report(
    toy_release: Callable[..., Any], unsteered: Any
) -> None:
    release = toy_release(COUNTS)
    design = score(unsteered, release, questions=QUESTIONS, replicates=50)
    plain = score(unsteered, release, questions=QUESTIONS, replicates=50, weights="none")
    settings = design.settings.model_copy(update={"weights": "none"})
    assert design.model_copy(update={"settings": settings}) == plain


def test_centring_shows_a_model_with_one_profile_for_all(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    release = toy_release({k: v for k, v in COUNTS.items() if k[3] == "Q1"})
    flat = score(
        toy_predictions([record("Q1", [0.43, 0.2, 0.2, 0.17])]),
        release,
        questions=["Q1"],
        replicates=50,
    )
    assert flat.score("country_signal").value.estimate == pytest.approx(0)
    own = [
        record("Q1", np.array(COUNTS[7, country, "", "Q1"]) / 100, country=country)
        for country in ("DEU", "CHL", "JPN")
    ]
    exact = score(
        toy_predictions(own, steering="persona"), release, questions=["Q1"], replicates=50
    )
    assert exact.score("country_signal").value.estimate == pytest.approx(1)
    assert exact.score("centred_alignment").value.estimate == pytest.approx(1)
    # Deviations of F from the mean (1.3 1.9 2.5)/3 of a flat model: those of the people.
    mean = np.array([1.3, 1.9, 2.5]) / 3
    gaps = [
        np.abs(np.array(f) - mean).sum() / 3
        for f in ([0.4, 0.7, 0.9], [0.8, 0.9, 1], [0.1, 0.3, 0.6])
    ]
    assert flat.score("centred_alignment").value.estimate == pytest.approx(1 - np.mean(gaps))


@pytest.mark.parametrize(
    ("mode", "germany", "chile"),
    [
        # Everyone strongly agrees (1), the model says "hard to say" (0) or strongly disagrees (4).
        ("corrected", 1 - 2 / 4, 1 - 4 / 4),  # 1 2 0 3 4
        ("paper", 1 - 1 / 4, 1 - 3 / 4),  # 0 1 2 3 4
        ("paper-listed", 1 - 4 / 4, 1 - 3 / 4),  # 1 2 3 4 0
    ],
)
def test_where_hard_to_say_lies(
    mode: str,
    germany: float,
    chile: float,
    toy_release: Callable[..., Any],
    toy_predictions: Callable[..., Any],
    record: Callable[..., Any],
) -> None:
    """Distances between whole answers to Q119 are differences of positions over 4."""
    everyone_agrees = [50, 0, 0, 0, 0]  # in the codebook's order: 1, 2, 0, 3, 4
    release = toy_release({(7, c, "", "Q119"): everyone_agrees for c in ("DEU", "CHL")})
    answers = [
        record("Q119", [0, 0, 1, 0, 0], country="DEU"),
        record("Q119", [0, 0, 0, 0, 1], country="CHL"),
    ]
    report = score(
        toy_predictions(answers, steering="persona"),
        release,
        questions=["Q119"],
        mode=mode,
        replicates=50,
    )
    found = by_country(report)
    assert found["DEU"].alignment.estimate == pytest.approx(germany)
    assert found["CHL"].alignment.estimate == pytest.approx(chile)
    assert report.settings.mode == mode


def test_paper_mode_positions_and_examples(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    paper = build_geometry(("Q241", "Q119", "Q122", "Q111"), mode="paper")
    assert paper.codes == (tuple(range(1, 11)), (0, 1, 2, 3, 4), (0, 1, 2), (1, 2, 3))
    assert paper.ordinal.all()
    listed = build_geometry(("Q241", "Q119", "Q122", "Q111"), mode="paper-listed")
    assert listed.codes == (tuple(range(1, 11)), (1, 2, 3, 4, 0), (0, 1, 2), (1, 2, 3))
    corrected = build_geometry(("Q241", "Q119", "Q111"))
    assert corrected.codes == (tuple(range(11)), (1, 2, 0, 3, 4), (1, 2, 3))
    assert corrected.ordinal.tolist() == [True, True, False]

    counts = {
        (7, "DEU", "", "Q1"): [40, 30, 20, 10],
        (7, "DEU", "", "Q60"): [100, 0, 0, 0],
        (7, "DEU", "", "Q111"): [50, 30, 20],
        (7, "CHL", "", "Q1"): [80, 10, 10, 0],
    }
    answers = [
        record("Q1", [0.25] * 4),
        record("Q60", [0, 0, 0, 1]),
        record("Q111", [0.2, 0.3, 0.5]),
    ]
    report = score(
        toy_predictions(answers),
        toy_release(counts),
        questions=["Q1", "Q60", "Q111"],
        mode="paper",
        replicates=50,
    )
    # Q111 counts as ordered: F .2 .5 against .5 .8: .6 / 2.
    germany = 1 - (1 / 6 + 1 + 0.3) / 3
    assert by_country(report)["DEU"].alignment.estimate == pytest.approx(germany)
    # The model's mean leaves the example question Q60 out: Germany (1/6, .3), Chile .4.
    mean = ((1 - (1 / 6 + 0.3) / 2) + 0.6) / 2
    assert report.score("alignment").value.estimate == pytest.approx(mean)
    assert report.settings.weights == "none"


def test_paper_mode_leaves_code_zero_out_on_both_sides(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    people = [50, 25, 0, 0, 0, 0, 0, 0, 0, 0, 25]
    counts = {(7, "DEU", "", "Q241"): people, (7, "CHL", "", "Q241"): people}
    answer = [record("Q241", [0.5, 0.5, *[0] * 9])]
    release = toy_release(counts)
    paper = score(toy_predictions(answer), release, questions=["Q241"], mode="paper", replicates=20)
    # People 1/2 at 1 and 1/2 at 10, the model all at 1: distance 1/2 over codes 1 to 10.
    assert by_country(paper)["DEU"].alignment.estimate == pytest.approx(1 / 2)
    corrected = score(toy_predictions(answer), release, questions=["Q241"], replicates=20)
    # On 0..10: F .5 .75 (nine times) against .5 1 (nine times): .25 * 9 / 10.
    assert by_country(corrected)["DEU"].alignment.estimate == pytest.approx(1 - 0.225)


def test_consistency_of_sides(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    # Three of four modes on the agreeing side; masses .6 .7 .2 .5 on it.
    answers = [
        record("Q29", [0.4, 0.2, 0.3, 0.1]),
        record("Q30", [0.2, 0.5, 0.2, 0.1]),
        record("Q31", [0.1, 0.1, 0.7, 0.1]),
        record("Q33", [0.3, 0.2, 0.1, 0.2, 0.2]),
        record("Q1", [0.25] * 4),
    ]
    report = score(toy_predictions(answers), toy_release(COUNTS), questions=["Q1"], replicates=20)
    table = {row["topic"]: row for row in report.protocols[0].tables["consistency"]}
    assert table["gender"]["rate"] == pytest.approx(3 / 4)
    assert table["gender"]["mass"] == pytest.approx((0.6 + 0.7 + 0.2 + 0.5) / 4)
    assert table["atheism"]["rate"] is None


def test_country_matrix_and_threshold_curve(
    toy_release: Callable[..., Any], unsteered: Any
) -> None:
    tables = (
        score(unsteered, toy_release(COUNTS), questions=["Q1"], replicates=20).protocols[0].tables
    )
    matrix = tables["country_matrix"]
    assert matrix["countries"] == ["CHL", "DEU", "JPN"]
    # CHL - DEU: .4 + .2 + .1 over 3; DEU - JPN: .3 + .4 + .3 over 3.
    assert matrix["alignment"][0][1] == pytest.approx(1 - 0.7 / 3, abs=1e-6)
    assert matrix["alignment"][1][2] == pytest.approx(1 - 1 / 3, abs=1e-6)
    assert [matrix["alignment"][row][row] for row in range(3)] == [1, 1, 1]
    curve = tables["threshold_curve"]
    # The one question lies at (1/6 + .4 + 1/6) / 3 = .244.
    assert curve["share"][4] == 0
    assert curve["share"][5] == 1


def test_groups_meet_the_people_of_their_group(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    counts = dict(COUNTS)
    counts[7, "DEU", "sex=female", "Q1"] = [25, 25, 25, 25]
    answers = [record("Q1", [0.25] * 4), record("Q1", [0, 0, 0, 1], group="sex=female")]
    report = score(toy_predictions(answers), toy_release(counts), questions=["Q1"], replicates=20)
    group = next(entry for entry in report.groups if entry.kind == "group")
    assert group.name == "sex=female"
    # F .25 .5 .75 against 0 0 0: 1.5 / 3.
    assert group.alignment.estimate == pytest.approx(0.5)
    assert by_country(report)["DEU"].alignment.estimate == pytest.approx(5 / 6)


def test_the_same_report_twice_is_not_sensitive(
    toy_release: Callable[..., Any], unsteered: Any
) -> None:
    plain = score(unsteered, toy_release(COUNTS), questions=["Q1", "Q165"], replicates=20)
    same = sensitivity(plain, plain)
    assert same.countries.pearson == pytest.approx(1)
    assert same.questions.mean_absolute_change == 0


def test_arguments_that_do_not_exist_are_named(
    toy_release: Callable[..., Any], unsteered: Any
) -> None:
    release = toy_release(COUNTS)
    with pytest.raises(
        ContractError,
        match="unknown value for mode; found 'modern'; allowed: corrected, paper",
    ):
        score(unsteered, release, mode="modern")
    with pytest.raises(ContractError, match="names some that cannot be scored; found Q999"):
        score(unsteered, release, questions=["Q1", "Q999"])
    with pytest.raises(ContractError, match="unknown value for --questions; found 'opinions'"):
        score(unsteered, release, questions="opinions")
    with pytest.raises(ContractError, match="holds no answers of wave 6"):
        score(unsteered, release, wave=6)
    with pytest.raises(ContractError, match="no usable answer"):
        score(unsteered, release, questions=["Q2"])
    with pytest.raises(ContractError, match="unknown value for --protocol"):
        score(unsteered, release, protocols=["opinions"])


def test_individual_scores_follow_from_the_shares_of_people() -> None:
    model, people = np.array([0.5, 0.3, 0.2]), np.array([0.2, 0.2, 0.6])
    found = expected_individual_scores(model[None, None], people[None, None], np.array([3]))
    for own, single in (
        (found.rps, individual_rps),
        (found.log_score, log_score),
        (found.brier, brier_score),
    ):
        by_person = sum(people[answer] * float(single(model, answer)) for answer in range(3))
        assert own[0, 0] == pytest.approx(by_person)


def test_countries_beside_models(
    toy_release: Callable[..., Any], toy_predictions: Callable[..., Any], record: Callable[..., Any]
) -> None:
    release = toy_release(COUNTS)
    reports = [
        score(
            toy_predictions([record(n, MODEL[n]) for n in names], name=names[0]),
            release,
            questions=QUESTIONS,
            replicates=20,
        )
        for names in (("Q1", "Q165"), ("Q111",))
    ]
    matrix = country_model_matrix(reports)
    assert matrix.models == ["Q1", "Q111"]
    assert matrix.countries == ["CHL", "DEU", "JPN"]
    found = np.array(matrix.alignment, float)
    assert found[:, 0] == pytest.approx([1 - 0.25, 1 - (1 / 6 + 0.5) / 2, 5 / 6], abs=1e-6)
    assert found[:2, 1] == pytest.approx([0.8, 0.7])
    assert np.isnan(found[2, 1])
