"""Scores of the baselines on the reference, made again from the table by plain arithmetic."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from codebook import question_set, questions
from contracts.predictions.read import Predictions, read_predictions
from contracts.release.read import open_release
from contracts.report import Report
from scoring import score
from scoring.baselines.distributions import write_baselines

NAMES = ("uniform", "majority", "world-average", "nearest-country", "previous-wave")


@pytest.fixture(scope="module")
def people() -> dict[tuple[str, str], np.ndarray]:
    """Weighted shares by (country, question) of wave 7, normalised."""
    table = open_release("reference").table("distributions").to_pandas()
    rows = table[(table.wave == 7) & (table.group == "") & (table.split == "all")]
    rows = rows[rows.question_id.isin(question_set("alignment"))].sort_values("position")
    groups: dict[tuple[str, str], pd.DataFrame] = dict(
        tuple(rows.groupby(["country", "question_id"]))  # type: ignore[arg-type]
    )
    sums = {key: group.weighted_share.to_numpy(float).round(3) for key, group in groups.items()}
    return {key: found / found.sum() for key, found in sums.items() if found.sum() > 0}


@pytest.fixture(scope="module")
def scored(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Predictions, Report]]:
    release = open_release("reference")
    folder = tmp_path_factory.mktemp("scored")
    found = {}
    for entry in write_baselines(release, folder, names=NAMES):
        assert entry.path is not None
        read = read_predictions(entry.path)
        found[entry.name] = (read, score(read, release, replicates=20))
    return found


def alignment(one: np.ndarray, two: np.ndarray, *, ordinal: bool) -> float:
    if not ordinal:
        return 1 - float(np.abs(one - two).sum() / 2)
    return 1 - float(np.abs(np.cumsum(one) - np.cumsum(two))[:-1].sum() / (len(one) - 1))


@pytest.mark.parametrize("name", NAMES)
def test_country_scores_and_their_mean(name: str, people, scored) -> None:
    read, report = scored[name]
    answers = {
        (row["country"], row["question_id"]): np.array(row["shares"])
        for row in read.cells.to_pylist()
        if row["shares"] is not None
    }
    cells: dict[str, list[float]] = {}
    for (country, question_id), shares in people.items():
        answer = answers.get((country, question_id), answers.get(("", question_id)))
        if answer is not None:
            scale = questions()[question_id].scale
            assert scale is not None
            value = alignment(shares, answer, ordinal=scale.is_ordinal)
            cells.setdefault(country, []).append(value)
    expected = {country: float(np.mean(values)) for country, values in cells.items()}
    found = {
        e.country: e.alignment.estimate
        for e in report.countries
        if e.alignment.estimate is not None
    }
    assert found == pytest.approx(expected, abs=1e-9)
    overall = report.score("alignment")
    assert overall is not None
    assert overall.value.estimate == pytest.approx(np.mean(list(expected.values())), abs=1e-9)
    count = sum(len(values) for values in cells.values())
    assert (report.coverage.scored, report.coverage.expected) == (count, len(people))
    assert report.coverage.share == pytest.approx(count / len(people))


def test_baselines_rank_as_what_they_know(scored) -> None:
    value = {name: report.score("alignment").value.estimate for name, (_, report) in scored.items()}
    assert value["majority"] < value["uniform"] < value["world-average"] < value["nearest-country"]


def test_uniform_has_no_skill_over_itself(scored) -> None:
    _, report = scored["uniform"]
    skill = report.score("uniform_skill")
    assert skill is not None
    assert skill.value.estimate == pytest.approx(0, abs=1e-12)
