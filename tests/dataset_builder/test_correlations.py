"""Correlations of a build: exact in private releases, under the rule in public ones, verified."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from changed_release import codes, replace_column, rewrite
from scipy import stats

from codebook import value_questions
from contracts.release.correlations import EVERYONE, protect_correlations, public_pair_problems
from contracts.release.disclosure import CORRELATION_STEP
from contracts.release.read import open_release
from contracts.release.tables import CORRELATIONS
from dataset_builder.build import build_release
from dataset_builder.options import BuildOptions
from dataset_builder.tables.correlations import pair_correlations
from dataset_builder.verifying.run import verify_release
from scoring.structure.people import read_structure


def row_of(table: pa.Table, country: str, first: str, second: str) -> dict:
    where = (pc.field("country") == country) & (pc.field("question_a") == first)
    (row,) = table.filter(where & (pc.field("question_b") == second)).to_pylist()
    return row


def test_weights_and_gaps_as_scipy_sees_them() -> None:
    random = np.random.default_rng(0)
    positions = random.integers(0, 5, (400, 4)).astype(np.int8)
    positions[:, 1] = np.clip(positions[:, 0] + random.integers(-1, 2, 400), 0, 4)
    positions[random.random(positions.shape) < 0.2] = -1
    weight = random.integers(1, 4, 400)
    found = pair_correlations(positions, weight.astype(float))
    repeated = np.repeat(positions, weight, axis=0)
    for a in range(4):
        for b in range(a):
            both = (positions[:, [a, b]] >= 0).all(axis=1)
            assert found.n[a, b] == both.sum()
            some = (repeated[:, [a, b]] >= 0).all(axis=1)
            r = stats.pearsonr(repeated[some, a], repeated[some, b]).statistic
            assert found.r[a, b] == pytest.approx(r, abs=1e-12)
    positions[:, 3] = 2
    assert np.isnan(pair_correlations(positions, weight.astype(float)).r[3, 0])


def test_a_private_release_holds_exact_figures_of_every_pair(release_folder, survey) -> None:
    table = open_release(release_folder).table("correlations")
    assert table.schema.equals(CORRELATIONS)
    ordinal = [n for n, q in value_questions().items() if q.scale and q.scale.is_ordinal]
    asked = len(ordinal) - sum(n in ordinal for n in (survey.questions[5], survey.questions[40]))
    pairs = {"DEU": asked, "CHL": len(ordinal), "JPN": len(ordinal)}
    counts = {row["values"]: row["counts"] for row in pc.value_counts(table["country"]).to_pylist()}
    assert counts == {country: size * (size - 1) // 2 for country, size in pairs.items()}
    first, second = "Q106", "Q164"
    columns = [survey.questions.index(name) for name in (first, second)]
    here = survey.country == survey.countries.index("JPN")
    answers, weight = survey.answers[here][:, columns].astype(int), survey.weight[here]
    scales = [value_questions()[name].scale for name in (first, second)]
    both = np.all([np.isin(answers[:, i], scales[i].codes) for i in (0, 1)], axis=0)
    x = np.array([[scales[i].codes.index(code[i]) for i in (0, 1)] for code in answers[both]])
    w = weight[both] / weight[both].sum()
    covariance = np.cov(x.T, aweights=w, ddof=0)
    r = covariance[0, 1] / np.sqrt(covariance[0, 0] * covariance[1, 1])
    row = row_of(table, "JPN", first, second)
    assert row["n"] == both.sum()
    assert row["r"] == pytest.approx(r, abs=1e-6)


def test_public_figures_follow_from_the_rule_alone(release_folder, survey, tmp_path: Path) -> None:
    private = open_release(release_folder)
    build_release([survey], tmp_path / "public", BuildOptions(public=True))
    public = open_release(tmp_path / "public").table("correlations")
    # The public view of the private release, and a public release of the files, are the same.
    assert private.protected().has("correlations")
    assert public.equals(private.protected().table("correlations"))
    assert public["n"].null_count == public.num_rows > 0
    exact = (
        private.table("correlations").to_pandas().set_index(["country", "question_a", "question_b"])
    )
    cells = private.table("distributions", where=EVERYONE).to_pandas().dropna(subset=["position"])
    people = {
        key: np.repeat(part.position.to_numpy(float), part.n.to_numpy(int))
        for key, part in cells.sort_values("position").groupby(
            ["country", "question_id"], observed=True
        )
    }

    @cache
    def least(country: str, question: str, n: int) -> tuple[int, float]:
        """Outside the commonest option, and closest together, of any n of a cell's people."""
        own = people[country, question]
        size = len(own) - n + 1
        first, second = (np.cumsum(np.append(0.0, own**power)) for power in (1, 2))
        mean = (first[n : n + size] - first[:size]) / n
        variance = (second[n : n + size] - second[:size]) / n - mean**2
        return n - int(np.bincount(own.astype(int)).max()), float(np.sqrt(max(variance.min(), 0)))

    shown = {}
    for (country, a, b), row in exact.iterrows():
        sides = [least(country, name, int(row.n)) for name in (a, b)]
        if min(s[0] for s in sides) >= 30 and 0.01 * row.n * sides[0][1] * sides[1][1] >= 2.5:
            shown[country, a, b] = round(row.r / CORRELATION_STEP) * CORRELATION_STEP
    found = {
        (row["country"], row["question_a"], row["question_b"]): row["r"]
        for row in public.to_pylist()
    }
    assert found.keys() == shown.keys()
    assert 0 < len(found) < len(exact)
    for key, r in shown.items():
        assert found[key] == pytest.approx(r, abs=1e-6)


def test_a_question_that_almost_all_answer_alike_is_left_out() -> None:
    n = np.array([970, 29, 0, 0, 300, 300, 300, 100])
    distributions = pa.table(
        {
            "wave": pa.array([7] * 8, pa.int8()),
            "country": ["DEU"] * 8,
            "question_id": ["Q1"] * 4 + ["Q2"] * 4,
            "position": pa.array([0, 1, 2, 3] * 2, pa.int8()),
            "n": pa.array(n, pa.int32()),
        }
    )
    row = {
        "wave": 7,
        "country": "DEU",
        "question_a": "Q1",
        "question_b": "Q2",
        "n": 999,
        "r": 0.317,
    }
    table = pa.Table.from_pylist([row], schema=CORRELATIONS)
    assert protect_correlations(table, distributions).num_rows == 0
    distributions = distributions.set_column(
        4, "n", pa.array(np.array([900, 99, 0, 0, 300, 300, 300, 100]), pa.int32())
    )
    (shown,) = protect_correlations(table, distributions).to_pylist()
    assert shown["n"] is None
    assert shown["r"] == pytest.approx(0.32)


def test_the_structure_of_people_follows_from_either_view(release_folder) -> None:
    release = open_release(release_folder)
    questions = [f"Q{number}" for number in range(106, 111)]
    exact = read_structure(release, questions)["JPN"]
    shown = read_structure(release.protected(), questions)["JPN"]
    pairs = ~np.isnan(shown.correlations) & ~np.eye(len(questions), dtype=bool)
    assert pairs.any()
    apart = np.abs(exact.correlations - shown.correlations)[pairs]
    assert 0 < apart.max() <= CORRELATION_STEP / 2 + 1e-6
    # Rounded figures are less sure by the variance of rounding.
    sampling = (1 - shown.correlations**2) ** 2
    r = exact.correlations
    n_eff = 1 + (1 - r[pairs] ** 2) ** 2 / exact.noise[pairs]
    assert (shown.noise[pairs] > sampling[pairs] / (n_eff * 1.2)).all()


@pytest.fixture
def copy(release_folder: Path, tmp_path: Path) -> Path:
    """A release to be broken."""
    shutil.copytree(release_folder, tmp_path / "r")
    return tmp_path / "r"


def shifted(column: str, by: float) -> Callable[[pa.Table], pa.Table]:
    """Adds to the first row of a column."""

    def change(old: np.ndarray) -> np.ndarray:
        old[0] += by
        return old

    return replace_column(column, change)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (shifted("r", 0.001), "pair-r"),
        (shifted("n", 1), "pair-n"),
        (lambda table: table.slice(1), "pair-gone"),
        (lambda table: pa.concat_tables([table.slice(0, 1), table]), "pair-twice"),
        (shifted("r", 2.0), "correlation-range"),
        (
            lambda table: table.rename_columns(
                ["wave", "country", "question_b", "question_a", "n", "r"]
            ).select(table.column_names),
            "pair-order",
        ),
    ],
)
def test_verify_finds_what_is_wrong(copy: Path, change, code: str) -> None:
    rewrite(copy, "correlations", change)
    assert code in codes(verify_release(copy))


def test_held_out_answers_are_no_fault(survey, tmp_path: Path) -> None:
    build_release([survey], tmp_path / "r", BuildOptions(hold_out_questions=("Q106",)))
    found = verify_release(tmp_path / "r")
    assert found.passed, found.problems


def test_exact_figures_in_a_public_release_are_found(release_folder) -> None:
    release = open_release(release_folder)
    everyone = release.table("distributions", where=EVERYONE)
    found = public_pair_problems(release.table("correlations"), everyone)
    assert {problem.code for problem in found} == {"pair-count", "exact-correlation"}
    reference = open_release("reference")
    everyone = reference.table("distributions", where=EVERYONE)
    assert public_pair_problems(reference.table("correlations"), everyone) == []
    few = everyone.set_column(
        everyone.column_names.index("n"), "n", pa.array([0] * everyone.num_rows, pa.int32())
    )
    (problem,) = public_pair_problems(reference.table("correlations"), few)
    assert problem.code == "thin-pair"
