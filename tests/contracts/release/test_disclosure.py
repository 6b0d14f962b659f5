"""The disclosure rule, attacked: nothing small may follow from what is public."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import Bounds, LinearConstraint, milp

from codebook.respondents.harmonised import GROUP_VARIABLES, HARMONISED, group_name
from contracts.errors import ContractError
from contracts.release.disclosure import (
    MINIMUM_CELL,
    MINIMUM_GROUP,
    MISSING_CODE,
    NOT_ASKED_CODE,
    POOLED_CODE,
    ROUNDING,
    RULE_VERSION,
    SLOTS,
    UNKNOWN_CODES,
    correlation_is_public,
    correlation_problems,
    disclosure_problems,
    pool_rare_codes,
    protect_distributions,
    publish_counts,
    round_correlation,
    round_count,
    round_n_eff,
)
from contracts.release.distributions import Cells, distribution_table
from contracts.release.tables import MISSING_COUNT_COLUMNS

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
    weight = people.get("weight", np.ones(len(people["part"])))
    keys, counts, weights, missing = [], [], [], []
    for split, group, question, who in cells_of(people):
        if not who.any():
            continue
        answers = people[question][who]
        keys.append((split, group, question))
        given = answers >= 0
        counts.append(np.bincount(answers[given], minlength=4))
        weights.append(np.bincount(answers[given], weight[who][given], minlength=4))
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
            weights=np.array(weights),
            n_eff=n.sum(axis=1).astype(float),
            n_eff_kind=np.full(len(keys), "kish", dtype=object),
            se=np.full(n.shape, np.nan),
            missing=np.array(missing),
            flag=np.full(len(keys), "", dtype=object),
        )
    )


class Figures(NamedTuple):
    """Published figures of one cell."""

    n: list[int]
    n_valid: int
    missing: int | None


def published(table: pa.Table) -> dict[tuple[str, str, str], Figures]:
    """Published figures by (split, group, question)."""
    found: dict[tuple[str, str, str], Figures] = {}
    columns = ["split", "group", "question_id", "position", "n", "n_valid", "missing_total"]
    for row in table.select(columns).to_pylist():
        key = (row["split"], row["group"], row["question_id"])
        cell = found.setdefault(key, Figures([], row["n_valid"], row["missing_total"]))
        cell.n.append(row["n"])
    return found


class Program:
    """All true counts that agree with the published figures of one question, as integers.

    Unknowns: respondents by part (train, validation, test) and option (missing answers last), and,
    for each variable, by category (unknown last) and option. Each variable splits the same
    respondents, so its counts add up to those of all parts, option by option. A published count
    says that the true one is at most `ROUNDING // 2` away; unpublished cells say nothing.
    """

    def __init__(self, cells: dict[tuple[str, str, str], Figures], question: str) -> None:
        self.options = 5
        self.blocks = {"part": 3} | dict(zip(GROUP_VARIABLES, (s + 1 for s in SIZES), strict=True))
        self.start, at = {}, 0
        for name, size in self.blocks.items():
            self.start[name] = at
            at += size * self.options
        self.size = at
        self.rows: list[np.ndarray] = []
        self.low: list[float] = []
        self.high: list[float] = []
        for variable in GROUP_VARIABLES:
            for option in range(self.options):
                whole = self.sum_of("part", range(3), [option])
                split = self.sum_of(variable, range(self.blocks[variable]), [option])
                self.add(whole - split, 0, 0)
        for (split, group, asked), figures in cells.items():
            if asked == question:
                self.publish(split, group, figures)

    def sum_of(self, block: str, members, options) -> np.ndarray:
        row = np.zeros(self.size)
        for member in members:
            for option in options:
                row[self.start[block] + member * self.options + option] = 1
        return row

    def add(self, row: np.ndarray, low: float, high: float) -> None:
        self.rows.append(row)
        self.low.append(low)
        self.high.append(high)

    def publish(self, split: str, group: str, figures: Figures) -> None:
        if group:
            variable, _, category = group.partition("=")
            block, members = variable, [HARMONISED[variable].categories.index(category)]
        else:
            block, members = "part", {"all": [0, 1, 2], "train": [0], "test": [2]}[split]
        slack = ROUNDING // 2
        pairs = [([option], count) for option, count in enumerate(figures.n)]
        pairs.append((range(4), figures.n_valid))
        if figures.missing is not None:
            pairs.append(([4], figures.missing))
        for options, count in pairs:
            self.add(self.sum_of(block, members, options), count - slack, count + slack)

    def bounds(self, target: np.ndarray) -> tuple[int, int]:
        """Least and largest sum that agrees with everything published."""
        found = []
        for sign in (1, -1):
            result = milp(
                sign * target,
                constraints=LinearConstraint(np.array(self.rows), self.low, self.high),
                integrality=np.ones(self.size),
                bounds=Bounds(0, np.inf),
            )
            assert result.success, result.message
            found.append(round(sign * result.fun))
        return found[0], found[1]


def planted(seed: int) -> dict[str, np.ndarray]:
    """Respondents of one country with single ones planted: options that one person chose."""
    rng = np.random.default_rng(seed)
    people = draw_people(rng, int(rng.choice([205, 400, 1000])))
    size = len(people["part"])
    for variable, categories in zip(GROUP_VARIABLES, SIZES, strict=True):
        if seed % 2:  # everybody's group is known and large, so that all splits are public
            people[variable] = rng.integers(0, categories, size)
    for question in QUESTIONS:
        people[question] = rng.choice(3, size)
        few = int(rng.integers(1, 4))
        people[question][rng.choice(size, few, replace=False)] = 3
        people[question][rng.choice(size, int(rng.integers(0, 4)), replace=False)] = -1
    people["weight"] = np.ones(size) if seed % 3 else rng.uniform(0.3, 3, size)
    return people


def small_targets(
    program: Program, people: dict[str, np.ndarray], question: str
) -> Iterator[tuple[np.ndarray, int]]:
    """Sums of unknowns that stand for one to four respondents, with the true count."""
    answers = np.where(people[question] < 0, 4, people[question])
    for option in range(5):
        chosen = answers == option
        yield program.sum_of("part", range(3), [option]), int(chosen.sum())
        for part in range(3):
            yield (
                program.sum_of("part", [part], [option]),
                int((chosen & (people["part"] == part)).sum()),
            )
        for variable, size in zip(GROUP_VARIABLES, SIZES, strict=True):
            for category in (*range(size), -1):
                true = int((chosen & (people[variable] == category)).sum())
                yield program.sum_of(variable, [category % (size + 1)], [option]), true


@pytest.mark.parametrize("seed", range(12))
def test_integer_programs_determine_no_single_respondent(seed: int) -> None:
    people = planted(seed)
    cells = published(protect_distributions(table_of(people)).table)
    question = QUESTIONS[seed % 3]
    program = Program(cells, question)
    attacked = 0
    for target, true in small_targets(program, people, question):
        if true != 1:
            continue
        low, high = program.bounds(target)
        assert low <= true <= high
        assert low < high, "a count of one follows"
        attacked += 1
    assert attacked


def test_the_same_programs_break_exact_counts() -> None:
    """The attack is able to: with exact counts of four one-way splits it finds single persons."""
    people = planted(1)
    exact = {}
    for split, group, question, who in cells_of(people):
        answers = people[question][who]
        counts = np.bincount(answers[answers >= 0], minlength=4).tolist()
        if split == "all":
            exact[split, group, question] = Figures(counts, sum(counts), None)
    program = Program(exact, "Q1")
    row = program.sum_of("part", range(3), [3])
    slack = ROUNDING // 2
    for at, kept in enumerate(program.rows):  # exact figures have no slack
        if program.high[at] - program.low[at] == 2 * slack:
            assert kept.any()
            program.low[at] += slack
            program.high[at] -= slack
    low, high = program.bounds(row)
    assert low == high == int((people["Q1"] == 3).sum())


@pytest.mark.parametrize("seed", range(20))
def test_differences_of_public_cells_give_no_small_set_away(seed: int) -> None:
    """What is left of everyone after public groups or parts may always be nobody, or enough."""
    rng = np.random.default_rng(1000 + seed)
    people = draw_people(rng, int(rng.choice([150, 400, 1200])))
    cells = published(protect_distributions(table_of(people)).table)
    for question in QUESTIONS:
        if ("all", "", question) not in cells:
            continue
        valid = people[question] >= 0
        for variable, size in zip(GROUP_VARIABLES, SIZES, strict=True):
            names = [group_name({variable: c}) for c in HARMONISED[variable].categories]
            shown = [i for i, name in enumerate(names) if ("all", name, question) in cells]
            rest = valid & ~np.isin(people[variable], shown)
            assert not shown or rest.sum() == 0 or rest.sum() >= MINIMUM_CELL
            if shown:
                sizes = [int((valid & (people[variable] == i)).sum()) for i in range(size)]
                assert all(n == 0 or n >= MINIMUM_GROUP for n in sizes)
        parts = [i for i, part in ((0, "train"), (2, "test")) if (part, "", question) in cells]
        rest = valid & ~np.isin(people["part"], parts)
        assert not parts or rest.sum() == 0 or rest.sum() >= MINIMUM_CELL


def shown_groups(people: dict[str, np.ndarray]) -> set[str]:
    cells = published(protect_distributions(table_of(people)).table)
    return {g.removeprefix("sex=") for _, g, q in cells if g.startswith("sex=") and q == "Q1"}


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
        (50, 50, 0, {"male", "female"}),
        (49, 500, 0, set()),  # one group is too small: the whole variable goes
        (0, 500, 0, {"female"}),  # nobody is male: there is nobody to give away
        (0, 500, 7, set()),  # the few unknown would follow
        (200, 300, 40, {"male", "female"}),  # the unknown are many enough
        (200, 300, 29, {"female"}),  # the unknown are few: the smaller group hides them
        (0, 500, 78, set()),  # a group that the source left out may hide: 49 and 29 unknown
        (0, 500, 79, {"female"}),
    ],
)
def test_which_groups_are_shown(male: int, female: int, unknown: int, shown: set[str]) -> None:
    assert shown_groups(_with_sexes(male, female, unknown)) == shown


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
    cells = published(protect_distributions(table_of(people)).table)
    assert {split for split, _, q in cells if q == "Q1"} - {"all"} == shown


@pytest.mark.parametrize(("people", "shown"), [(29, False), (30, True)])
def test_everyone_is_shown_from_thirty(people: int, shown: bool) -> None:
    table = protect_distributions(table_of(_with_sexes(0, people, 0))).table
    assert (("all", "", "Q1") in published(table)) is shown


def test_what_was_held_back_is_counted() -> None:
    table = table_of(_with_sexes(49, 500, 0))
    found = protect_distributions(table)
    # Per question: sex=male has 49; sex=female would give it away.
    assert found.disclosure.cells_suppressed == 3
    assert found.disclosure.cells_suppressed_secondary == 3
    assert found.disclosure.rule_version == RULE_VERSION
    assert found.disclosure.minimum_cell == MINIMUM_CELL
    assert found.disclosure.minimum_group == MINIMUM_GROUP


def test_published_figures_by_hand() -> None:
    """Counts 101, 52, 8, 2 with mean weights 1.2, .5, 3 and 9, and seven missing answers.

    Published counts are 100, 50, 10 and 0 of 165; the cell's mean weight is 189.2 / 163. The three
    options with ten and more weigh 1.2, .5 and 3 over it: 120, 25 and 30 of 175.
    """
    table = distribution_table(
        Cells(
            split=["all"],
            wave=np.array([7]),
            country=["DEU"],
            group=[""],
            question_id=["Q1"],
            counts=np.array([[101, 52, 8, 2]]),
            weights=np.array([[101 * 1.2, 52 * 0.5, 8 * 3.0, 2 * 9.0]]),
            n_eff=np.array([100.7]),
            n_eff_kind=["kish"],
            se=np.full((1, 4), np.nan),
            missing=np.array([[3, 2, 1, 0, 1, 0]]),
            flag=[""],
        )
    )
    found = protect_distributions(table).table.to_pydict()
    assert found["n"] == [100, 50, 10, 0]
    assert found["n_valid"] == [165] * 4
    assert found["missing_total"] == [5] * 4
    assert found["weighted_share"] == pytest.approx([0.686, 0.143, 0.171, 0.0], abs=1e-6)
    assert found["unweighted_share"] == pytest.approx([0.625, 0.312, 0.062, 0.0], abs=1e-6)
    # 165 x .62 = 102.3
    assert found["n_eff"] == [100.0] * 4
    expected = [(p * (1 - p) / 100) ** 0.5 for p in (0.686, 0.143, 0.171, 0.0)]
    assert found["se"] == pytest.approx(expected, abs=1e-6)
    assert found["weight_sum"] == [None] * 4
    assert all(found[name] == [None] * 4 for name in MISSING_COUNT_COLUMNS)


def test_options_of_few_respondents_weigh_like_their_cell() -> None:
    """Seven respondents of tenfold weight: the published count is 5, so the weight is not used."""
    people = _with_sexes(0, 100, 0)
    people["Q1"] = np.repeat([0, 1], [93, 7])
    people["weight"] = np.where(people["Q1"] == 1, 10.0, 1.0)
    where = (pc.field("question_id") == "Q1") & (pc.field("group") == "")
    where &= pc.field("split") == "all"
    rows = protect_distributions(table_of(people)).table.filter(where).to_pydict()
    factor = 93 / 93 / ((93 + 70) / 100)
    expected = [95 * factor, 5.0]
    assert rows["weighted_share"][:2] == pytest.approx(
        [round(x / sum(expected), 3) for x in expected], abs=1e-6
    )


@pytest.mark.parametrize("seed", range(20))
def test_the_rule_holds_for_what_it_made(seed: int) -> None:
    rng = np.random.default_rng(2000 + seed)
    people = draw_people(rng, int(rng.choice([40, 150, 400, 1200])))
    people["weight"] = rng.uniform(0.1, 4, len(people["part"]))
    table = protect_distributions(table_of(people)).table
    assert disclosure_problems(table) == []


def test_it_is_applied_once() -> None:
    table = protect_distributions(table_of(_with_sexes(100, 100, 0))).table
    with pytest.raises(ContractError, match="under disclosure control already"):
        protect_distributions(table)


def _changed(table: pa.Table, name: str, change) -> pa.Table:
    column = pa.array(change(table.column(name)), table.schema.field(name).type)
    return table.set_column(table.column_names.index(name), name, column)


@pytest.mark.parametrize(
    ("name", "change", "code"),
    [
        ("n", lambda c: pc.add(c, 1), "exact-count"),
        ("n_valid", lambda c: pc.add(c, 2), "exact-count"),
        ("n_eff", lambda c: pc.add(c, 0.5), "exact-count"),
        ("missing_total", lambda c: pc.add(c, 1), "exact-count"),
        ("missing_total", lambda c: pc.fill_null(c, 5), "missing-kinds"),
        ("no_answer_count", lambda c: pc.fill_null(c, 0), "missing-kinds"),
        ("weight_sum", lambda c: pc.fill_null(c, 1.0), "weight-sum"),
        ("weighted_share", lambda c: pc.multiply(c, 0.99993), "exact-share"),
        ("unweighted_share", lambda c: pc.subtract(c, 0.004), "exact-share"),
        ("n", lambda c: pc.multiply(c, 2), "count-sum"),
        ("n_valid", lambda c: pc.multiply(pc.min_element_wise(c, 1), 25), "small-cell"),
        ("group", lambda c: pa.array(["age=16-29;sex=male"] * len(c)), "private-group"),
    ],
)
def test_verify_finds_figures_that_are_not_published_ones(name: str, change, code: str) -> None:
    people = _with_sexes(200, 300, 0)
    people["Q1"] = np.arange(500) % 4
    table = protect_distributions(table_of(people)).table
    broken = _changed(table, name, lambda c: change(c.combine_chunks()))
    assert code in {problem.code for problem in disclosure_problems(broken)}


def test_verify_finds_few_respondents_left_of_everyone() -> None:
    """15 of 515 are neither male nor female."""
    table = protect_distributions(table_of(_with_sexes(200, 300, 0))).table
    everyone = pc.and_(pc.equal(table["group"], ""), pc.equal(table["split"], "all"))
    more = pc.if_else(everyone, pc.add(table["n_valid"], 15), table["n_valid"])
    broken = _changed(table, "n_valid", lambda _: more.combine_chunks())
    assert "small-difference" in {problem.code for problem in disclosure_problems(broken)}


def test_exact_tables_fail_the_check() -> None:
    codes = {problem.code for problem in disclosure_problems(table_of(planted(1)))}
    assert {"exact-count", "weight-sum", "missing-kinds", "private-group"} <= codes


def test_groups_of_several_variables_are_never_public() -> None:
    table = table_of(_with_sexes(100, 100, 0))
    crossed = _changed(table, "group", lambda c: pa.array(["age=16-29;sex=male"] * len(c)))
    assert protect_distributions(crossed).table.num_rows == 0
    assert "private-group" in {problem.code for problem in disclosure_problems(crossed)}


def test_an_empty_table() -> None:
    table = table_of(_with_sexes(100, 100, 0)).slice(0, 0)
    assert protect_distributions(table).table.num_rows == 0
    assert disclosure_problems(table) == []


@pytest.mark.parametrize(
    ("flag", "not_asked", "shown"),
    [(UNKNOWN_CODES, 0, 1), ("", 200, 1), ("", 0, 0), ("suspect", 200, 0)],
)
def test_rows_that_say_why_there_is_no_answer(flag: str, not_asked: int, shown: int) -> None:
    table = distribution_table(
        Cells(
            split=["all", "all"],
            wave=np.array([7, 7]),
            country=["DEU", "DEU"],
            group=["", "sex=female"],
            question_id=["Q1", "Q1"],
            counts=np.zeros((2, 4), int),
            weights=np.zeros((2, 4)),
            n_eff=np.zeros(2),
            n_eff_kind=["kish"] * 2,
            se=np.full((2, 4), np.nan),
            missing=np.array([[0, 0, 0, not_asked, 200 - not_asked, 0]] * 2),
            flag=[flag] * 2,
        )
    )
    assert table.num_rows == 2
    assert table["code"].null_count == 2
    found = protect_distributions(table).table
    assert found.num_rows == shown
    assert found["missing_total"].null_count == shown
    assert disclosure_problems(found) == []


def test_slots_name_every_public_kind_of_cell() -> None:
    assert len(SLOTS) == len(set(SLOTS)) == 1 + sum(SIZES) + 2


@given(st.integers(0, 10_000))
def test_counts_are_rounded_to_the_nearest_five(count: int) -> None:
    assert abs(int(round_count(count)) - count) <= 2
    assert int(round_count(count)) % 5 == 0


@given(st.integers(1, 3000), st.floats(0.05, 1.2))
def test_effective_sizes_follow_from_published_figures(n: int, ratio: float) -> None:
    found = float(round_n_eff(np.array([n]), np.array([n * ratio]))[0])
    near = float(round_n_eff(np.array([int(round_count(n))]), np.array([found]))[0])
    assert found % 5 == 0
    assert (found > 0) == (n > 2)
    assert abs(near - found) <= 0.005 * n + 5


def test_correlations_are_coarse_and_of_many() -> None:
    assert round_correlation(np.array([0.014, -0.031, 1.0])) == pytest.approx([0.02, -0.04, 1.0])
    n = np.array([1000.0, 1000.0, 300.0])
    outside = np.array([[400, 30], [400, 29], [100, 100]])
    sd = np.array([[0.5, 0.5], [0.5, 0.5], [0.9, 0.9]])
    assert correlation_is_public(n, outside, sd).tolist() == [True, False, False]
    table = pa.table({"n": pa.nulls(2, pa.int32()), "r": pa.array([0.02, -0.5], pa.float32())})
    assert correlation_problems(table) == []
    exact = pa.table({"n": pa.array([812, None], pa.int32()), "r": [0.021, 1.02]})
    assert {(p.code, p.found) for p in correlation_problems(exact)} == {
        ("pair-count", "1"),
        ("exact-correlation", "2"),
    }


def test_demographic_counts_are_pooled_rounded_and_their_missing_taken_together() -> None:
    assert publish_counts({1: 501, 2: 43, 3: 4, 4: 9, -1: 2, -2: 6}) == {
        1: 500,
        2: 45,
        POOLED_CODE: 15,
        MISSING_CODE: 10,
    }
    assert publish_counts({-4: 1003}) == {NOT_ASKED_CODE: 1005}


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
