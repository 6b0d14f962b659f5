"""The disclosure rule, attacked: nothing small may follow from what is public."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from codebook.harmonised import GROUP_VARIABLES, HARMONISED, group_name
from contracts.disclosure import (
    MINIMUM_CELL,
    POOLED_CODE,
    SLOTS,
    disclosure_problems,
    pool_rare_codes,
    protect_distributions,
)
from contracts.distributions import Cells, distribution_table

QUESTIONS = ("Q1", "Q2", "Q3")
PARTS = ("train", "validation", "test")
SIZES = [len(HARMONISED[v].categories) for v in GROUP_VARIABLES]


def draw_people(rng: np.random.Generator, people: int) -> dict[str, np.ndarray]:
    """People of one country: part, category per variable (-1 unknown), answers (-1 missing).

    Shares differ from draw to draw, so that small groups, single-category variables and few
    unknowns all occur.
    """
    drawn = {"part": rng.choice(3, people, p=rng.dirichlet([4, 1, 1]))}
    for variable, size in zip(GROUP_VARIABLES, SIZES, strict=True):
        unknown = rng.choice([0.0, 0.01, 0.05, 0.3])
        shares = np.append(rng.dirichlet(np.full(size, rng.choice([0.3, 1, 20]))), 0.0)
        shares = shares * (1 - unknown)
        shares[-1] = unknown
        drawn[variable] = rng.choice([*range(size), -1], people, p=shares / shares.sum())
    for question in QUESTIONS:
        missing = rng.choice([0.0, 0.1, 0.9])
        answers = rng.choice(4, people)
        drawn[question] = np.where(rng.random(people) < missing, -1, answers)
    return drawn


def cells_of(people: dict[str, np.ndarray]) -> Iterator[tuple[str, str, str, np.ndarray]]:
    """(split, group, question, who) of every cell that a private release holds."""
    everyone = np.ones(len(people["part"]), bool)
    groups = {"": everyone}
    for variable in GROUP_VARIABLES:
        for i, category in enumerate(HARMONISED[variable].categories):
            groups[group_name({variable: category})] = people[variable] == i
    splits = {"all": everyone, "train": people["part"] == 0, "test": people["part"] == 2}
    for split, in_split in splits.items():
        for group, in_group in groups.items():
            for question in QUESTIONS:
                yield split, group, question, in_split & in_group


def table_of(people: dict[str, np.ndarray]) -> pa.Table:
    keys, counts, missing = [], [], []
    for split, group, question, who in cells_of(people):
        if not who.any():
            continue
        answers = people[question][who]
        keys.append((split, group, question))
        counts.append(np.bincount(answers[answers >= 0], minlength=4))
        missing.append([int((answers < 0).sum()), 0, 0, 0, 0, 0])
    n = np.array(counts)
    split, group, question = (np.array(k, dtype=object) for k in zip(*keys, strict=True))
    return distribution_table(
        Cells(
            split=split,
            wave=np.full(len(keys), 7, np.int8),
            country=np.full(len(keys), "DEU", dtype=object),
            group=group,
            question_id=question,
            counts=n,
            weights=n.astype(float),
            n_eff=n.sum(axis=1).astype(float),
            n_eff_estimated=np.zeros(len(keys), bool),
            missing=np.array(missing),
            flag=np.full(len(keys), "", dtype=object),
        )
    )


def public_cells(table: pa.Table) -> dict[tuple[str, str, str], int]:
    rows = table.select(["split", "group", "question_id", "n_valid"]).to_pylist()
    return {(r["split"], r["group"], r["question_id"]): r["n_valid"] for r in rows}


def atoms_of(people: dict[str, np.ndarray], variable: str, question: str) -> np.ndarray:
    """Part x category (unknown last) of each person with a valid answer, as one number."""
    size = len(HARMONISED[variable].categories)
    category = np.where(people[variable] < 0, size, people[variable])
    atom = people["part"] * (size + 1) + category
    return atom[people[question] >= 0]


def recovered_sets(
    cells: dict[tuple[str, str, str], int], variable: str, question: str
) -> list[np.ndarray]:
    """Sets of (part, category) whose count linear algebra gets out of the public cells.

    All 0/1 combinations of the atoms are tried that are made of whole categories (or the unknown
    ones) in whole parts: these are the sets of people that mean something. One is recovered if
    its indicator lies in the row space of the public cells' indicators.
    """
    size = len(HARMONISED[variable].categories)
    shape = (3, size + 1)
    names = [group_name({variable: c}) for c in HARMONISED[variable].categories]
    public = []
    for (split, group, asked), _ in cells.items():
        if asked != question or (group and group not in names):
            continue
        mask = np.zeros(shape)
        parts = {"all": [0, 1, 2], "train": [0], "test": [2]}[split]
        columns = [names.index(group)] if group else list(range(size + 1))
        mask[np.ix_(parts, columns)] = 1
        public.append(mask.ravel())
    if not public:
        return []
    basis = np.array(public)
    rank = np.linalg.matrix_rank(basis)
    found = []
    for parts in range(1, 8):
        for columns in range(1, 2 ** (size + 1)):
            mask = np.zeros(shape)
            rows = [p for p in range(3) if parts >> p & 1]
            mask[np.ix_(rows, [c for c in range(size + 1) if columns >> c & 1])] = 1
            if np.linalg.matrix_rank(np.vstack([basis, mask.ravel()])) == rank:
                found.append(mask.ravel().astype(bool))
    return found


@pytest.mark.parametrize("seed", range(40))
def test_linear_algebra_recovers_no_small_set(seed: int) -> None:
    rng = np.random.default_rng(seed)
    people = draw_people(rng, int(rng.choice([40, 150, 400, 1200])))
    table = protect_distributions(table_of(people)).table
    cells = public_cells(table)
    for variable in GROUP_VARIABLES:
        for question in QUESTIONS:
            atoms = np.bincount(
                atoms_of(people, variable, question),
                minlength=3 * (len(HARMONISED[variable].categories) + 1),
            )
            for members in recovered_sets(cells, variable, question):
                n = int(atoms[members].sum())
                assert n == 0 or n >= MINIMUM_CELL, (variable, question, n)


@pytest.mark.parametrize("seed", range(40))
def test_intervals_pin_no_small_group_down(seed: int) -> None:
    """Bounds on each hidden group, from the counts per answer, never meet.

    What is left of everyone after the public groups belongs to the hidden ones together. Where
    two or more of them (the unknown count as one) share it, each may be nothing or all of it.
    """
    rng = np.random.default_rng(1000 + seed)
    people = draw_people(rng, int(rng.choice([150, 400, 1200])))
    cells = public_cells(protect_distributions(table_of(people)).table)
    for variable in GROUP_VARIABLES:
        names = [group_name({variable: c}) for c in HARMONISED[variable].categories]
        for question in QUESTIONS:
            if ("all", "", question) not in cells:
                continue
            shown = [n for n in names if ("all", n, question) in cells]
            if not shown:
                continue
            rest = cells["all", "", question] - sum(cells["all", n, question] for n in shown)
            hidden = [n for n in names if n not in shown]
            valid = people[question] >= 0
            sizes = [int((valid & (people[variable] == names.index(n))).sum()) for n in hidden]
            unknown = int((valid & (people[variable] < 0)).sum())
            assert rest == sum(sizes) + unknown
            assert rest == 0 or rest >= MINIMUM_CELL
            if 0 < unknown < MINIMUM_CELL:
                assert hidden, "few unknown people would follow by subtraction"


def test_the_naive_rule_is_broken_by_the_same_attack() -> None:
    """The attack finds what hiding small cells alone gives away: it is able to."""
    people = {
        "part": np.zeros(500, int),
        "sex": np.repeat([0, 1], [10, 490]),
        "age": np.zeros(500, int),
        "education": np.zeros(500, int),
        "settlement": np.zeros(500, int),
        **{question: np.zeros(500, int) for question in QUESTIONS},
    }
    table = table_of(people)
    naive = table.filter(pc.greater_equal(table["n_valid"], MINIMUM_CELL))
    atoms = np.bincount(atoms_of(people, "sex", "Q1"), minlength=9)
    sizes = {int(atoms[s].sum()) for s in recovered_sets(public_cells(naive), "sex", "Q1")}
    assert 10 in sizes
    safe = protect_distributions(table).table
    sizes = {int(atoms[s].sum()) for s in recovered_sets(public_cells(safe), "sex", "Q1")}
    assert 10 not in sizes
    codes = {problem.code for problem in disclosure_problems(naive)}
    assert "small-difference" in codes
    assert disclosure_problems(safe) == []


def _with_sexes(male: int, female: int, unknown: int) -> dict[str, np.ndarray]:
    people = male + female + unknown
    return {
        "part": np.zeros(people, int),
        "sex": np.repeat([0, 1, -1], [male, female, unknown]),
        **{v: np.zeros(people, int) for v in ("age", "education", "settlement")},
        **{question: np.zeros(people, int) for question in QUESTIONS},
    }


@pytest.mark.parametrize(
    ("male", "female", "unknown", "shown"),
    [
        (30, 30, 0, {"male", "female"}),
        (29, 500, 0, set()),  # the other would give it away
        (0, 500, 0, {"female"}),  # nobody is male: there is nobody to give away
        (0, 500, 7, set()),  # the few unknown would follow
        (200, 300, 40, {"male", "female"}),  # the unknown are many enough
        (200, 300, 7, {"female"}),  # the unknown are few: the smaller group hides them
    ],
)
def test_which_groups_are_shown(male: int, female: int, unknown: int, shown: set[str]) -> None:
    cells = public_cells(protect_distributions(table_of(_with_sexes(male, female, unknown))).table)
    found = {g.removeprefix("sex=") for _, g, q in cells if g.startswith("sex=") and q == "Q1"}
    assert found == shown


@pytest.mark.parametrize(
    ("train", "validation", "test", "shown"),
    [
        (700, 150, 150, {"train", "test"}),
        (700, 29, 150, {"train"}),  # validation would follow: the smaller part goes
        (700, 0, 150, {"train", "test"}),  # nobody is in validation
        (700, 150, 12, {"train"}),
        (0, 0, 400, {"test"}),  # a held-out country
        (20, 5, 20, set()),
    ],
)
def test_which_parts_are_shown(train: int, validation: int, test: int, shown: set[str]) -> None:
    people = _with_sexes(0, train + validation + test, 0)
    people["part"] = np.repeat([0, 1, 2], [train, validation, test])
    cells = public_cells(protect_distributions(table_of(people)).table)
    assert {split for split, _, q in cells if q == "Q1"} - {"all"} == shown


def test_what_was_held_back_is_counted() -> None:
    table = table_of(_with_sexes(29, 500, 0))
    found = protect_distributions(table)
    # Per question: sex=male has 29; sex=female would give it away.
    assert found.disclosure.cells_suppressed == 3
    assert found.disclosure.cells_suppressed_secondary == 3
    assert found.disclosure.minimum_cell == MINIMUM_CELL


def test_rows_are_otherwise_untouched() -> None:
    table = table_of(draw_people(np.random.default_rng(0), 1200))
    kept = protect_distributions(table).table
    keys = ["split", "wave", "country", "group", "question_id", "code"]
    both = kept.join(table, keys=keys, join_type="left semi")
    assert both.num_rows == kept.num_rows
    assert disclosure_problems(kept) == []
    # Applied twice it shows no more.
    assert disclosure_problems(protect_distributions(kept).table) == []


def test_groups_of_several_variables_are_never_public() -> None:
    table = table_of(_with_sexes(100, 100, 0))
    group = pa.array(["age=16-29;sex=male"] * table.num_rows)
    crossed = table.set_column(table.column_names.index("group"), "group", group)
    assert protect_distributions(crossed).table.num_rows == 0
    assert [p.code for p in disclosure_problems(crossed)] == ["private-group"]


def test_named_groups_alone_can_be_checked() -> None:
    """Aggregates that others made public may leave few unknown people open, and say so."""
    people = _with_sexes(200, 300, 7)
    table = table_of(people)
    kept = table.filter(
        pc.and_(pc.equal(table["split"], "all"), pc.match_substring(table["group"], "sex"))
    )
    everyone = table.filter(pc.and_(pc.equal(table["split"], "all"), pc.equal(table["group"], "")))
    shown = pa.concat_tables([everyone, kept])
    assert disclosure_problems(shown, unknown_groups=False) == []
    assert [p.code for p in disclosure_problems(shown)] == ["small-difference"]


def test_an_empty_table() -> None:
    table = table_of(_with_sexes(100, 100, 0)).slice(0, 0)
    assert protect_distributions(table).table.num_rows == 0
    assert disclosure_problems(table) == []


def test_slots_name_every_public_kind_of_cell() -> None:
    assert len(SLOTS) == len(set(SLOTS)) == 1 + sum(SIZES) + 2


@given(st.dictionaries(st.integers(-5, 300), st.integers(0, 60), max_size=30))
def test_pooled_codes_hide_the_rare_ones(counts: dict[int, int]) -> None:
    pooled = pool_rare_codes(counts)
    public: dict[int, int] = {}
    for code, n in counts.items():
        public[pooled[code]] = public.get(pooled[code], 0) + n
    valid = {code: n for code, n in public.items() if code >= 0 and n}
    assert sum(valid.values()) == sum(n for code, n in counts.items() if code >= 0)
    assert all(pooled[code] == code for code in counts if code < 0)
    alone = {code: n for code, n in valid.items() if code != POOLED_CODE}
    assert all(n >= 10 for n in alone.values())
    # The pool is large enough, unless it is all there is.
    assert POOLED_CODE not in valid or valid[POOLED_CODE] >= 10 or not alone


def test_pooling_takes_no_more_than_it_needs() -> None:
    assert pool_rare_codes({1: 500, 2: 40, 3: 4, 4: 3, 5: 5, -1: 2}) == {
        1: 1,
        2: 2,
        3: POOLED_CODE,
        4: POOLED_CODE,
        5: POOLED_CODE,
        -1: -1,
    }
    # Three people would stand alone in the pool: the next rarest code joins them.
    assert pool_rare_codes({1: 500, 2: 40, 3: 3}) == {1: 1, 2: POOLED_CODE, 3: POOLED_CODE}
