"""Splits: stable, keyed, per country; and WorldValuesBench's own on the layout of version 5.0."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from contracts.errors import ContractError
from contracts.release.manifest import SplitRecipe
from dataset_builder.splits import (
    AMBIGUOUS_INTERVIEW,
    DROPPED,
    TEST,
    TRAIN,
    VALIDATION,
    hash_split,
    split_people,
    worldvaluesbench_split,
)
from dataset_builder.survey import Survey

Factory = Callable[..., Survey]

#: Rows of version 5.0, and of Uruguay in it (wvs7 pooled file, 0-based).
ROWS_V5 = 94_278
URUGUAY = (91_641, 92_640)


def permuted(survey: Survey, order: np.ndarray) -> Survey:
    """The same people in another order, as a later file might have them."""
    return replace(
        survey,
        respondent_id=survey.respondent_id[order],
        interview_id=survey.interview_id[order],
        country=survey.country[order],
        weight=survey.weight[order],
        answers=np.asfortranarray(survey.answers[order]),
        demographics={k: v[order] for k, v in survey.demographics.items()},
        row_number=np.arange(len(order), dtype=np.int64),
    )


def by_id(survey: Survey, split: np.ndarray) -> dict[int, int]:
    return dict(zip(survey.respondent_id.tolist(), split.tolist(), strict=True))


def test_the_hash_is_the_documented_formula(survey: Survey) -> None:
    split = hash_split(survey, key="secret")
    for row in (0, 17, 599):
        name = survey.countries[survey.country[row]]
        text = f"7:{name}:{survey.respondent_id[row]}".encode()
        digest = hashlib.blake2b(text, key=b"secret", digest_size=8).digest()
        u = int.from_bytes(digest, "big") / 2**64
        expected = TRAIN if u < 0.70 else VALIDATION if u < 0.85 else TEST
        assert split[row] == expected


def test_a_new_file_version_moves_nobody(survey_factory: Factory) -> None:
    old = survey_factory(people=900)
    # The next version: other row order, a country less, its people renumbered.
    order = np.random.default_rng(1).permutation(len(old))
    order = order[old.country[order] != 1]
    new = permuted(old, order)
    before, after = by_id(old, hash_split(old)), by_id(new, hash_split(new))
    assert len(after) == 600
    assert all(before[person] == place for person, place in after.items())


def test_another_key_gives_another_split(survey: Survey) -> None:
    assert (hash_split(survey) != hash_split(survey, key="other")).mean() > 0.2


def test_shares_are_70_15_15_in_every_country(survey_factory: Factory) -> None:
    survey = survey_factory(people=30_000)
    split = hash_split(survey)
    for country in range(3):
        people = split[survey.country == country]
        for place, share in ((TRAIN, 0.70), (VALIDATION, 0.15), (TEST, 0.15)):
            # Five standard errors of a binomial share.
            allowed = 5 * np.sqrt(share * (1 - share) / len(people))
            assert abs((people == place).mean() - share) < allowed


def test_held_out_countries_are_all_in_test(survey: Survey) -> None:
    split = hash_split(survey, held_out_countries=["CHL"])
    held = survey.country == survey.countries.index("CHL")
    assert (split[held] == TEST).all()
    assert np.array_equal(split[~held], hash_split(survey)[~held])


@pytest.fixture(scope="module")
def layout_of_v5(survey_factory: Factory) -> Survey:
    """The ids of version 5.0 alone: all people of Uruguay share one interview id."""
    small = survey_factory(people=3)
    ids = np.arange(ROWS_V5, dtype=np.int64) + 10_000_000
    ids[URUGUAY[0] : URUGUAY[1] + 1] = AMBIGUOUS_INTERVIEW
    return replace(
        small,
        respondent_id=np.arange(ROWS_V5, dtype=np.int32),
        interview_id=ids,
        country=np.zeros(ROWS_V5, np.int16),
        row_number=np.arange(ROWS_V5, dtype=np.int64),
    )


def test_worldvaluesbench_has_the_published_sizes(layout_of_v5: Survey) -> None:
    # Published: 65,294 / 13,993 / 13,991 of 93,278 people.
    split = worldvaluesbench_split(layout_of_v5)
    assert [(split == i).sum() for i in (TRAIN, VALIDATION, TEST)] == [65_294, 13_993, 13_991]
    assert (split == DROPPED).sum() == 1000


def test_worldvaluesbench_is_their_recipe_step_by_step(layout_of_v5: Survey) -> None:
    # Their script: drop the id, shuffle the index that is left (gaps kept) with seed 0.
    index = [i for i in range(ROWS_V5) if not URUGUAY[0] <= i <= URUGUAY[1]]
    random.seed(0)
    random.shuffle(index)
    n = len(index)
    train, test = int(0.7 * n), int(0.15 * n)
    split = worldvaluesbench_split(layout_of_v5)
    assert set(np.flatnonzero(split == TRAIN)) == set(index[:train])
    assert set(np.flatnonzero(split == TEST)) == set(index[train : train + test])
    assert set(np.flatnonzero(split == VALIDATION)) == set(index[train + test :])


def test_worldvaluesbench_goes_by_the_rows_of_the_file(layout_of_v5: Survey) -> None:
    # A reader that hands over the people in another order gets the same split.
    order = np.random.default_rng(2).permutation(ROWS_V5)
    shuffled = replace(
        layout_of_v5,
        respondent_id=layout_of_v5.respondent_id[order],
        interview_id=layout_of_v5.interview_id[order],
        row_number=layout_of_v5.row_number[order],
    )
    assert np.array_equal(
        worldvaluesbench_split(shuffled), worldvaluesbench_split(layout_of_v5)[order]
    )


def test_worldvaluesbench_needs_one_file_of_wave_7(survey_factory: Factory) -> None:
    recipe = SplitRecipe(recipe="worldvaluesbench")
    older = survey_factory(people=30, wave=6)
    with pytest.raises(ContractError, match=r"one pooled file of wave 7; found made_up\.csv"):
        split_people([older], recipe)
    with pytest.raises(ContractError, match="one pooled file"):
        split_people([survey_factory(people=30), older], recipe)
