"""Synthetic answers follow the reference's shares.

The statement tested: for a country, question and option, z is the difference between the share in
the file and the reference's, over the multinomial standard error sqrt(p (1 - p) / n) of the n
people with a valid answer, divided by 1 + (people per cluster - 1) x rho. If answers are drawn
with the reference's shares, |z| < 1.96 in 95 % of cells. Cells count where they are not borrowed
and n p and n (1 - p) are 5 or more, so that the normal approximation holds.
"""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest
from numpy.typing import NDArray

from codebook import value_questions
from codebook.respondents.harmonised import HARMONISED
from contracts.release.read import open_release
from dataset_builder.reading import read_survey
from dataset_builder.survey import Survey
from dataset_builder.synthesis import synthesize
from dataset_builder.synthesis.clusters import draw_clusters
from dataset_builder.synthesis.marginals import (
    OPTION_SLOTS,
    AnswerShares,
    read_answer_shares,
    slot_codes,
)
from dataset_builder.synthesis.template import country_templates

PEOPLE = 12_000


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Survey:
    path = tmp_path_factory.mktemp("shares") / "twin.csv"
    synthesize(path, people=PEOPLE, seed=2)
    return read_survey(path)


@pytest.fixture(scope="module")
def shares() -> AnswerShares:
    return read_answer_shares()


def scores(
    survey: Survey,
    target: NDArray[np.float64],
    weight: NDArray[np.float64],
    skip: NDArray[np.bool_],
) -> NDArray[np.float64]:
    """z of every cell that counts; `target` has shape (countries, questions, options)."""
    codes = slot_codes()[:, :OPTION_SLOTS]
    found: list[float] = []
    for place in range(len(survey.countries)):
        here = survey.country == place
        answers, own = survey.answers[here], weight[here]
        assert survey.psu is not None
        clusters = len(set(survey.psu[here].tolist()) - {-4})
        template = country_templates()[place]
        drawn = draw_clusters(template.country, template.people, 100, rng=np.random.default_rng())
        rho = drawn.rho
        for j, question in enumerate(value_questions().values()):
            assert question.scale is not None
            share = target[place, j, : question.scale.size].astype(np.float64)
            if skip[place, j] or share.sum() == 0:
                continue
            share = share / share.sum()
            given = answers[:, j, None] == codes[j, : question.scale.size]
            sums = own @ given
            valid = given.any(axis=1)
            n = own[valid].sum() ** 2 / (own[valid] ** 2).sum() if valid.any() else 0
            n /= 1 + (n / clusters - 1) * rho[j] if clusters else 1
            counts = (n * share >= 5) & (n * (1 - share) >= 5)
            z = (sums / max(sums.sum(), 1e-9) - share)[counts]
            found.extend(z / np.sqrt(share * (1 - share) / max(n, 1))[counts])
    return np.array(found)


def test_country_order_is_that_of_the_shares(survey: Survey, shares: AnswerShares) -> None:
    assert survey.countries == shares.countries


def test_unweighted_shares(survey: Survey, shares: AnswerShares) -> None:
    z = scores(survey, shares.everyone, np.ones(len(survey)), shares.borrowed)
    assert len(z) > 40_000
    assert 0.93 < np.mean(np.abs(z) < 1.96) < 0.97
    assert abs(z.mean()) < 0.02


def test_weighted_shares(survey: Survey, shares: AnswerShares) -> None:
    z = scores(survey, shares.weighted, survey.weight, shares.borrowed)
    assert 0.93 < np.mean(np.abs(z) < 1.96) < 0.97


def test_the_target_is_the_reference(shares: AnswerShares) -> None:
    """Shares of three cells, straight from the release's rows."""
    cells = (("CHL", "Q1"), ("JPN", "Q119"), ("NIR", "Q241"))
    wanted = pc.field("country").isin([c for c, _ in cells]) & (pc.field("group") == "")
    rows = open_release("reference").table("distributions", where=wanted).to_pylist()
    for country, question_id in cells:
        cell = [
            row
            for row in rows
            if (row["wave"], row["country"], row["question_id"], row["group"])
            == (7, country, question_id, "")
        ]
        question = value_questions()[question_id]
        assert question.scale is not None
        place = shares.countries.index(country), shares.questions.index(question_id)
        total = sum(row["n"] for row in cell if row["code"] in question.scale.codes)
        weights = sum(row["weighted_share"] for row in cell if row["code"] is not None)
        for row in cell:
            if row["code"] not in question.scale.codes:
                continue
            position = question.scale.position(row["code"])
            valid = shares.everyone[place][:OPTION_SLOTS].sum()
            assert shares.everyone[place][position] / valid == pytest.approx(
                row["n"] / total, abs=1e-6
            )
            assert shares.weighted[place][position] == pytest.approx(
                row["weighted_share"] / weights, abs=1e-6
            )


@pytest.mark.parametrize("variable", ["sex", "age", "education", "settlement"])
def test_groups_differ_as_in_the_reference(
    variable: str, survey: Survey, shares: AnswerShares
) -> None:
    """The gap between a group's and the country's mean position follows the reference's gap.

    Over all countries and the questions with the largest gaps, the regression of the file's gaps on
    the reference's has a slope near 1.
    """
    known = HARMONISED[variable]
    group = known.recode(survey.demographics[known.variable])
    codes = slot_codes()[:, :OPTION_SLOTS]
    positions = np.arange(OPTION_SLOTS)
    expected: list[float] = []
    found: list[float] = []
    weights: list[float] = []
    asked = range(0, len(shares.questions), 4)
    for place in range(len(shares.countries)):
        here = survey.country == place
        for j in asked:
            own = shares.groups[variable][place, :, j, :OPTION_SLOTS].astype(np.float64)
            all_ = shares.everyone[place, j, :OPTION_SLOTS].astype(np.float64)
            if np.isnan(own).any() or all_.sum() < 0.3 or shares.borrowed[place, j]:
                continue
            given = survey.answers[here][:, j, None] == codes[j]
            given[:, value_questions()[shares.questions[j]].scale.size :] = False  # type: ignore[union-attr]
            valid = given.any(axis=1)
            position = given[valid] @ positions
            spread = max(position.std(), 0.1) if valid.any() else 1
            for category in range(len(known.categories)):
                members = group[here][valid] == category
                if members.sum() < 20:
                    continue
                mean = own[category] @ positions / own[category].sum()
                expected.append((mean - all_ @ positions / all_.sum()) / spread)
                found.append((position[members].mean() - position.mean()) / spread)
                weights.append(float(members.sum()))
    x, y, w = np.array(expected), np.array(found), np.array(weights)
    slope = (w * x * y).sum() / (w * x * x).sum()
    assert 0.75 < slope < 1.15, slope


def test_people_hold_together_within_a_category(survey: Survey) -> None:
    """Confidence in two institutions goes together more than confidence and justifiability."""
    place = survey.countries.index("DEU")
    answers = survey.answers[survey.country == place].astype(float)
    answers[answers < 0] = np.nan

    def correlation(first: str, second: str) -> float:
        pair = answers[:, [survey.questions.index(first), survey.questions.index(second)]]
        pair = pair[~np.isnan(pair).any(axis=1)]
        return abs(float(np.corrcoef(pair.T)[0, 1]))

    within = [correlation("Q64", f"Q{n}") for n in range(65, 75)]
    across = [correlation("Q64", f"Q{n}") for n in range(177, 187)]
    assert np.mean(within) > 0.12
    assert np.mean(within) > 2 * np.mean(across)
