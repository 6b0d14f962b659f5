"""Public releases made from rows, attacked: shares, correlations and tasks.

Respondents with an answer, or a weight, of their own are planted in synthetic rows.
What strangers know here is the public release alone; what was planted must not follow from it.
"""

from __future__ import annotations

from dataclasses import replace
from itertools import combinations_with_replacement
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from made_surveys import make_survey
from scipy.optimize import Bounds, LinearConstraint, milp

from codebook import value_questions
from contracts.release.correlations import least_deviation, protect_correlations
from contracts.release.disclosure import (
    CORRELATION_STEP,
    MINIMUM_CELL,
    correlation_is_public,
    round_correlation,
    round_count,
)
from contracts.release.read import Release, open_release
from dataset_builder.build import build_release
from dataset_builder.options import BuildOptions
from dataset_builder.publishing.public import make_public
from dataset_builder.reference.aggregates import dominated_by_sums
from dataset_builder.survey import Survey
from dataset_builder.tables.correlations import option_counts, pair_correlations, pair_rows
from dataset_builder.tables.tasks import eval_text

#: The respondent who weighs far more than all others.
HEAVY = 7


def scale_codes(question: str) -> tuple[int, ...]:
    scale = value_questions()[question].scale
    assert scale is not None
    return scale.codes


def heavy_survey(weight: float, *, spread: float = 0.5) -> Survey:
    """A thousand respondents of one country, all with valid answers, one of a large weight."""
    survey = make_survey(people=1000, names=("DEU",), synthetic=False)
    rng = np.random.default_rng(5)
    answers = survey.answers.copy(order="F")
    for place, question in enumerate(survey.questions):
        codes = scale_codes(question)
        shares = rng.dirichlet(np.full(len(codes), 3.0))
        answers[:, place] = rng.choice(codes, len(survey), p=shares)
    drawn = np.exp(rng.normal(0, spread, len(survey)))
    drawn /= drawn.mean()
    drawn[HEAVY] = weight
    return replace(survey, weight=drawn, answers=answers)


def public_of(survey: Survey, folder: Path) -> Release:
    build_release([survey], folder, BuildOptions(public=True))
    return open_release(folder)


def heaviest_options(rows: pd.DataFrame) -> dict[str, int]:
    """Code of each question to which weighting adds most respondents."""
    found = {}
    for question, cell in rows.groupby("question_id", observed=True):
        lean = (cell.weighted_share / cell.unweighted_share).fillna(1.0)
        excess = ((lean - lean.median()) * cell.n).to_numpy()
        found[str(question)] = int(cell.code.iloc[int(excess.argmax())])
    return found


@pytest.mark.parametrize("weight", [40.0, 10.0])
def test_no_interview_follows_from_weights(weight: float, tmp_path: Path) -> None:
    """Of shares that lean to the heavy side, and of the first component of correlations, the
    heaviest respondent's answers were read: 257 of 259 of weight 40, 160 of weight 10."""
    survey = heavy_survey(weight)
    release = public_of(survey, tmp_path / "public")
    assert not release.has("correlations")
    rows = release.table("distributions").to_pandas()
    rows = rows[rows.code.notna()]
    assert (rows.weighted_share == rows.unweighted_share).all()
    everyone = rows[(rows.split == "all") & (rows.group == "")]
    guessed = heaviest_options(everyone)
    right = [
        int(survey.answers[HEAVY, survey.questions.index(name)]) == code
        for name, code in guessed.items()
    ]
    assert len(right) > 200
    assert np.mean(right) < 0.45, "more than who names the first option would know"
    # Nor does it show in sample sizes where the respondent belongs to a group.
    ratio = rows.n_eff / rows.n_valid
    assert ratio[rows.n_valid >= 500].max() - ratio[rows.n_valid >= 500].min() < 0.02


def test_ordinary_weights_are_used(tmp_path: Path) -> None:
    release = public_of(heavy_survey(2.0), tmp_path / "public")
    rows = release.table("distributions").to_pandas()
    assert (rows.weighted_share != rows.unweighted_share)[rows.code.notna()].mean() > 0.5
    assert release.table("correlations").num_rows > 20_000


def test_the_view_of_a_private_release_counts_heads_as_well(tmp_path: Path) -> None:
    survey = heavy_survey(40.0)
    build_release([survey], tmp_path / "private", BuildOptions())
    private = open_release(tmp_path / "private")
    make_public(private, tmp_path / "view")
    view, public = open_release(tmp_path / "view"), public_of(survey, tmp_path / "public")
    for name in ("distributions", "tasks"):
        assert view.table(name).equals(public.table(name)), name
    assert not view.has("correlations")
    assert private.protected().table("correlations").num_rows == 0
    assert private.table("correlations").num_rows > 20_000


@pytest.mark.parametrize(("weight", "found"), [(20.0, {(7, "CHL")}), (2.0, set())])
def test_a_heavy_respondent_is_seen_in_sums_of_weights(weight: float, found: set) -> None:
    """Where only counts and sums of weights are there, as for the reference."""
    rng = np.random.default_rng(2)
    drawn = np.exp(rng.normal(0, 0.5, 1000))
    drawn /= drawn.mean()
    drawn[HEAVY] = weight
    answer = rng.integers(1, 5, 1000)
    answer[HEAVY] = 5
    frame = pd.DataFrame({"code": answer, "weight": drawn}).groupby("code").weight
    answers = frame.agg(n="size", weight="sum").reset_index()
    answers = answers.assign(wave=7, country="CHL", group="", question_id="Q1")
    kish = drawn.sum() ** 2 / np.square(drawn).sum()
    sizes = pd.DataFrame(
        {"n": [1000.0], "n_eff": [kish]},
        index=pd.MultiIndex.from_tuples(
            [(7, "CHL", "Q1")], names=["wave", "country", "question_id"]
        ),
    )
    assert dominated_by_sums(answers, sizes) == found


def few_common(rng: np.random.Generator, odd: int) -> np.ndarray:
    """Positions of 1,000 respondents: the second question was put to a hundred, of whom all but
    one gave the same answer to the first; that one stands at `odd` of the second."""
    positions = np.full((1000, 2), -1, np.int8)
    positions[:, 0] = rng.integers(0, 4, 1000)
    asked = np.arange(100)
    positions[asked, 0] = 1
    positions[asked, 1] = rng.permutation(np.repeat(np.arange(10), 10))
    positions[0, 0], positions[0, 1] = 3, odd
    return positions


def test_what_only_few_answered_together_tells_no_single_answer() -> None:
    """Both questions have many answers outside their commonest option; the pair has one."""
    questions = ["Q1", "Q49"]
    assert [len(scale_codes(name)) for name in questions] == [4, 10]
    told = []
    for odd in (0, 4, 9):
        positions = few_common(np.random.default_rng(3), odd)
        pairs = pair_correlations(positions, np.ones(1000))
        told.append(float(pairs.r[0, 1]))
        exact = pair_rows(pairs, questions, wave=7, country="DEU")
        counts = option_counts(positions, questions, wave=7, country="DEU")
        assert protect_correlations(exact, counts).num_rows == 0
    # It would have been told: r rises with the one answer by more than a step.
    assert min(np.diff(told)) > 2 * CORRELATION_STEP


@pytest.mark.parametrize("seed", range(6))
def test_public_pairs_have_many_on_either_side(seed: int, tmp_path: Path) -> None:
    """Whoever answered both questions of a public pair spread over their options."""
    rng = np.random.default_rng(seed)
    people, questions = int(rng.choice([120, 400, 1500])), ["Q1", "Q2", "Q46", "Q48", "Q49", "Q164"]
    sizes = [len(scale_codes(name)) for name in questions]
    positions = np.stack(
        [rng.choice(k, people, p=rng.dirichlet(np.full(k, 0.7))) for k in sizes], axis=1
    ).astype(np.int8)
    for column in range(len(questions)):  # answers depend on what was answered elsewhere
        other = positions[:, (column + 1) % len(questions)]
        gone = (other >= rng.integers(0, 3)) & (rng.random(people) < rng.choice([0, 0.5, 0.9, 1]))
        positions[gone, column] = -1
    pairs = pair_correlations(positions, np.ones(people))
    exact = pair_rows(pairs, questions, wave=7, country="DEU")
    counts = option_counts(positions, questions, wave=7, country="DEU")
    for row in protect_correlations(exact, counts).to_pylist():
        a, b = (positions[:, questions.index(row[side])] for side in ("question_a", "question_b"))
        both = (a >= 0) & (b >= 0)
        outside = [both.sum() - np.bincount(one[both]).max() for one in (a, b)]
        assert min(outside) >= MINIMUM_CELL
        assert 0.5 * CORRELATION_STEP * both.sum() * a[both].std() * b[both].std() >= 2.5
        assert row["n"] is None


@pytest.mark.parametrize("seed", range(5))
def test_the_least_deviation_is_that_of_the_closest_respondents(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.integers(0, 4, (8, 5))
    size = np.array([rng.integers(0, max(int(one.sum()), 1) + 2) for one in counts])
    found = least_deviation(counts, size)
    for one, wanted, value in zip(counts, size, found, strict=True):
        people = np.repeat(np.arange(5), one)
        if not 0 < wanted <= len(people):
            assert value == 0
            continue
        chosen = {
            taken
            for taken in combinations_with_replacement(range(5), int(wanted))
            if all(taken.count(k) <= one[k] for k in range(5))
        }
        assert value == pytest.approx(min(np.std(taken) for taken in chosen), abs=1e-12)


def near_copies(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, int]:
    """Two questions that almost all answer alike, in one of several ways; and their options."""
    options = int(rng.choice([2, 3, 4, 5, 10]))
    people = int(rng.choice([60, 120, 300, 1000, 1600]))
    first = rng.choice(options, people, p=rng.dirichlet(np.full(options, rng.choice([0.5, 1, 3]))))
    second = first.copy()
    kind = rng.integers(4)
    if kind == 0:
        second = rng.permutation(first)
    elif kind == 1:
        second[0] = (second[0] + 1 + rng.integers(options - 1)) % options
    elif kind == 2:
        step = rng.choice([-1, 0, 1], people, p=[0.02, 0.96, 0.02])
        second = np.clip(first + step, 0, options - 1)
    else:
        second = options - 1 - first
        second[:2] = rng.integers(0, options, 2)
    return first, second, options


class Joint:
    """Joint counts of two questions that agree with their exact counts and a public r.

    The attacker knows more than is published, as counts are rounded. Where even so a count of one
    followed, it is looked for among those with the same published counts.
    """

    def __init__(self, first: np.ndarray, second: np.ndarray, options: int) -> None:
        self.first, self.second, self.options = first, second, options
        self.table = np.zeros((options, options))
        np.add.at(self.table, (first, second), 1)
        self.place = np.arange(options)

    @property
    def r(self) -> float:
        return float(np.corrcoef(self.first, self.second)[0, 1])

    @property
    def public(self) -> bool:
        sides = (self.first, self.second)
        outside = [len(one) - np.bincount(one).max() for one in sides]
        deviation = np.array([[one.std() for one in sides]])
        return bool(
            correlation_is_public(np.array([len(self.first)]), np.array([outside]), deviation)[0]
        )

    def bounds(self, row: int, column: int) -> tuple[int, int]:
        """Least and largest count of a cell."""
        n, rows, low, high = len(self.first), [], [], []
        for axis in (1, 0):
            for option, count in enumerate(self.table.sum(axis=axis)):
                one = np.zeros_like(self.table)
                one[(option, slice(None)) if axis else (slice(None), option)] = 1
                rows.append(one.ravel())
                low.append(count)
                high.append(count)
        apart = [self.place - one.mean() for one in (self.first, self.second)]
        unit = n * self.first.std() * self.second.std()
        shown = float(round_correlation(np.array([self.r]))[0])
        half = CORRELATION_STEP / 2 + 1e-9
        rows.append(np.outer(*apart).ravel())
        low.append((shown - half) * unit)
        high.append((shown + half) * unit)
        target = np.zeros_like(self.table)
        target[row, column] = 1
        found = []
        for sign in (1, -1):
            result = milp(
                sign * target.ravel(),
                constraints=LinearConstraint(np.array(rows), low, high),
                integrality=np.ones(self.table.size),
                bounds=Bounds(0, np.inf),
            )
            assert result.success, result.message
            found.append(round(sign * result.fun))
        return found[0], found[1]

    def published(self) -> tuple[list[int], list[int], float]:
        counts = [
            round_count(np.bincount(one, minlength=self.options)).tolist()
            for one in (self.first, self.second)
        ]
        return counts[0], counts[1], float(round_correlation(np.array([self.r]))[0])

    def has_alternative(self, row: int, column: int, rng: np.random.Generator) -> bool:
        """Whether other answers with the same published figures have another count in a cell."""
        wanted = self.published()
        for _ in range(20_000):
            other = Joint(self.first.copy(), self.second.copy(), self.options)
            for _ in range(int(rng.integers(1, 4))):
                side = other.first if rng.random() < 0.5 else other.second
                near = (other.first == row) | (other.second == column)
                who = rng.choice(np.flatnonzero(near) if near.any() else len(side))
                side[who] = rng.integers(0, self.options)
            count = int(((other.first == row) & (other.second == column)).sum())
            if count != 1 and other.published() == wanted:
                return True
        return False


@pytest.mark.parametrize("seed", range(12))
def test_integer_programs_find_no_joint_answer_of_one(seed: int) -> None:
    rng = np.random.default_rng(seed)
    attacked = 0
    for _ in range(12):
        joint = Joint(*near_copies(rng))
        if not joint.public:
            continue
        for row, column in np.argwhere(joint.table == 1).tolist()[:4]:
            low, high = joint.bounds(row, column)
            assert low <= 1 <= high
            assert low < high or joint.has_alternative(row, column, rng)
            attacked += 1
    assert attacked


def test_the_same_programs_break_finer_correlations() -> None:
    """The attack is able to: of r at four decimals, with the counts, joint answers follow."""
    rng = np.random.default_rng(4)
    determined = 0
    for _ in range(30):
        joint = Joint(*near_copies(rng))
        if joint.options > 2 or not joint.public:
            continue
        n, mean = len(joint.first), [one.mean() for one in (joint.first, joint.second)]
        unit = n * joint.first.std() * joint.second.std()
        found = round(joint.r, 4) * unit + n * mean[0] * mean[1]
        determined += round(found) == joint.table[1, 1]
    assert determined


def test_tasks_follow_from_published_distributions_alone(tmp_path: Path) -> None:
    """Their shares are published ones, and the file that registers them has no figure."""
    survey = make_survey(people=900, synthetic=False)
    survey = replace(survey, weight=np.ones(len(survey)))
    release = public_of(survey, tmp_path / "first")
    shares = {}
    rows = release.table("distributions").to_pylist()
    for row in rows:
        if (row["split"], row["group"]) == ("all", "") and row["code"] is not None:
            key = row["question_id"], row["country"]
            shares.setdefault(key, {})[row["code"]] = row["weighted_share"]
    tasks = release.table("tasks").to_pylist()
    assert len(tasks) > 200
    for task in tasks:
        own = shares[task["question_id"], task["country"]]
        offered = value_questions()[task["question_id"]].scale.offered
        found = np.array([own[code] for code in offered])
        assert task["shares"] == pytest.approx(list(found / found.sum()), abs=1e-6)
        assert task["group"] == ""
        assert "ABCDEFGHIJKLMNOPQRSTUVWXYZ".index(task["target"]) == int(found.argmax())
    assert eval_text(release.manifest) == (tmp_path / "first" / "eval.yaml").read_text()
    other = release.manifest.model_copy(update={"counts": {}, "tables": {}})
    assert eval_text(other) == eval_text(release.manifest)


def test_train_and_test_cells_are_no_way_around_heads(tmp_path: Path) -> None:
    """Splits of a country whose figures count heads count heads as well."""
    rows = public_of(heavy_survey(40.0), tmp_path / "public").table("distributions")
    parts = rows.filter(pa.compute.not_equal(rows["split"], "all")).to_pandas()
    assert len(parts) > 1000
    assert (parts.weighted_share == parts.unweighted_share).all()
