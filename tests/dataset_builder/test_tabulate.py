"""Distributions against a loop over people that follows the definitions word by word."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pyarrow.compute as pc
import pytest

from codebook import value_questions
from codebook.respondents.harmonised import HARMONISED, parse_group
from contracts.errors import ContractError
from contracts.release.tables import MISSING_COUNT_COLUMNS, SPLITS
from dataset_builder.people import describe_people
from dataset_builder.positions import byte_of, column_table, look_up, position_table
from dataset_builder.splits import hash_split
from dataset_builder.survey import Survey
from dataset_builder.tables.tabulate import check_codes, distribution_batches

Factory = Callable[..., Survey]


def tabulated(survey: Survey, *, cells: bool = False):
    people = describe_people(survey, hash_split(survey))
    import pyarrow as pa

    return pa.concat_tables(distribution_batches(people, cells=cells))


def members(survey: Survey, split: np.ndarray, row: dict) -> np.ndarray:
    """Who belongs to the cell of a row, one condition after the other."""
    inside = survey.country == survey.countries.index(row["country"])
    if row["split"] != "all":
        inside &= split == SPLITS.index(row["split"])
    for variable, category in parse_group(row["group"]).items():
        known = HARMONISED[variable]
        allowed = [c for c, i in known.code_categories.items() if known.categories[i] == category]
        inside &= np.isin(survey.demographics[known.variable], allowed)
    return np.flatnonzero(inside)


@pytest.mark.parametrize("cells", [False, True])
def test_every_number_of_a_row(survey: Survey, cells: bool) -> None:
    split = hash_split(survey)
    table = tabulated(survey, cells=cells)
    if cells:
        table = table.filter(pc.match_substring(table["group"], ";"))
    rng = np.random.default_rng(3)
    for row in table.take(rng.choice(table.num_rows, 200, replace=False)).to_pylist():
        people = members(survey, split, row)
        scale = value_questions()[row["question_id"]].scale
        assert scale is not None
        answers = survey.answers[people, survey.questions.index(row["question_id"])].tolist()
        weights = survey.weight[people].tolist()
        valid = [(a, w) for a, w in zip(answers, weights, strict=True) if a in scale.codes]
        chosen = [w for a, w in valid if a == row["code"]]
        total = sum(w for _, w in valid)
        assert row["n"] == len(chosen)
        assert row["n_valid"] == len(valid)
        assert row["weight_sum"] == pytest.approx(sum(chosen))
        assert [row[name] for name in MISSING_COUNT_COLUMNS] == [
            *(answers.count(code) for code in (-1, -2, -3, -4, -5)),
            sum(answers.count(code) for code in scale.off_scale),
        ]
        if not valid:
            assert row["weighted_share"] is row["unweighted_share"] is row["se"] is None
            continue
        share = sum(chosen) / total
        n_eff = total**2 / sum(w * w for _, w in valid)
        assert row["unweighted_share"] == pytest.approx(len(chosen) / len(valid), rel=1e-6)
        assert row["weighted_share"] == pytest.approx(share, rel=1e-6, abs=1e-9)
        assert row["n_eff"] == pytest.approx(n_eff)
        assert row["se"] == pytest.approx((share * (1 - share) / n_eff) ** 0.5, abs=5e-7)


def test_all_is_train_and_validation_and_test(survey: Survey) -> None:
    table = tabulated(survey)
    everyone = pc.and_(pc.equal(table["split"], "all"), pc.equal(table["group"], ""))
    assert pc.sum(table.filter(everyone)["n"]).as_py() == sum(
        int(np.isin(survey.answers[:, j], value_questions()[q].scale.codes).sum())  # type: ignore[union-attr]
        for j, q in enumerate(survey.questions)
    )


def test_every_code_has_a_row_even_if_nobody_chose_it(survey_factory: Factory) -> None:
    survey = survey_factory(people=12)
    table = tabulated(survey)
    chosen = pc.and_(pc.equal(table["split"], "all"), pc.equal(table["group"], ""))
    rows = table.filter(chosen).to_pylist()
    for country in survey.countries:
        for question, known in value_questions().items():
            assert known.scale is not None
            cell = [r for r in rows if r["country"] == country and r["question_id"] == question]
            codes = tuple(r["code"] for r in cell)
            # A cell without a valid answer has one row, without a code.
            assert codes == (known.scale.codes if cell[0]["n_valid"] else (None,))


def test_a_question_that_a_country_was_not_asked(survey: Survey) -> None:
    table = tabulated(survey)
    question = survey.questions[5]
    rows = [
        r
        for r in table.filter(pc.equal(table["question_id"], question)).to_pylist()
        if r["country"] == "DEU"
    ]
    assert rows
    for row in rows:
        assert row["n_valid"] == 0
        assert row["not_asked_count"] > 0
        assert row["weighted_share"] is None


def test_tables_of_positions_follow_the_codebook() -> None:
    for question, known in value_questions().items():
        assert known.scale is not None
        positions, columns = position_table(question), column_table(question)
        for position, code in enumerate(known.scale.codes):
            assert positions[byte_of(code)] == columns[byte_of(code)] == position
        assert (positions >= 0).sum() == known.scale.size
        off = known.scale.off_scale
        assert (columns >= 0).sum() == known.scale.size + 5 + len(off)
        answers = np.array([[*known.scale.codes, *off, -1]], np.int8).T
        found = look_up(answers, [question])[:, 0].tolist()
        assert found == [*range(known.scale.size), *[-1] * (len(off) + 1)]


def test_unknown_codes_are_all_named(survey_factory: Factory) -> None:
    survey = survey_factory(people=30)
    survey.answers[:3, survey.questions.index("Q1")] = 9
    survey.answers[4, survey.questions.index("Q46")] = 77
    people = describe_people(survey, hash_split(survey))
    with pytest.raises(ContractError, match=r"2 problems[\s\S]*Q1: .*found 9 \(3 times\)[\s\S]*77"):
        check_codes(people)
