"""The published answers of seven models: the matrices in docs/robustness.md, and its diagonal."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from contracts.predictions.read import Predictions, read_predictions
from contracts.release.read import open_release
from contracts.robustness import PersonaMatrix, SteerabilityStudy
from scoring import score
from scoring.studies.robustness.steerability import steerability_study
from scoring.studies.robustness.study import robustness_study
from scoring.studies.steering import steering_study
from space.published.answers import published_answer_rows, write_published_predictions

pytestmark = pytest.mark.slow

PAGE = Path(__file__).parents[2] / "docs" / "robustness.md"
CONDITIONS = ("persona", "none+language", "persona+language", "few-shot", "few-shot+language")


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., list[Predictions]]:
    """The predictions of some models, or of all."""
    folder = tmp_path_factory.mktemp("published")

    @cache
    def read(*models: str) -> list[Predictions]:
        found = []
        for row in published_answer_rows():
            if not models or row.model in models:
                path = folder / f"{row.row_id}.jsonl"
                write_published_predictions(row, path)
                found.append(read_predictions(path))
        return found

    return read


@pytest.fixture(scope="module")
def study(published: Callable[..., list[Predictions]]) -> SteerabilityStudy:
    """All matrices."""
    return steerability_study(published(), open_release("reference"))


def test_the_diagonal_is_that_of_report_steering(
    published: Callable[..., list[Predictions]], study: SteerabilityStudy
) -> None:
    files = published("gpt-4", "deepseek-r1")
    release = open_release("reference")
    reports = [score(file, release, replicates=2, protocols=["alignment"]) for file in files]
    rows = {
        (row.model, row.condition, row.country): row
        for row in steering_study(reports, permutations=9).rows
    }
    names = {file.meta.model for file in files}
    matrices = [one for one in study.matrices if one.model in names]
    assert len(matrices) == 5 * len(names) > 0
    for one in matrices:
        assert len(one.personas) == 9
        for place, country in enumerate(one.personas):
            row = rows[one.model, one.condition, country]
            assert one.alignment[place][place] == pytest.approx(row.alignment, abs=1e-6)
            assert one.questions[place] == row.questions


def test_the_tables_of_the_page(
    published: Callable[..., list[Predictions]], study: SteerabilityStudy
) -> None:
    text = PAGE.read_text("utf-8")
    names = {file.meta.name: file.meta.model for file in published()}
    found = {(one.model, one.condition): one for one in study.matrices}
    rows = re.findall(r"(?m)^\| ([A-Z][^|]+) \| (\+0.*) \|$", text)
    assert len(rows) == 7
    for name, cells in rows:
        shown = [_cell(found[names[name], condition]) for condition in CONDITIONS]
        assert cells.split(" | ") == shown, name
    whole = found[names["DeepSeek R1"], "persona"]
    for persona, values in zip(whole.personas, whole.alignment, strict=True):
        line = next(line for line in text.splitlines() if line.startswith(f"| {persona} |"))
        printed = [float(cell.strip(" *")) for cell in line.strip("| ").split("|")[1:]]
        assert printed == pytest.approx(values, abs=5.1e-4)


def _cell(one: PersonaMatrix) -> str:
    found = one.advantage
    assert found.estimate is not None
    assert found.share_of_people is not None
    return f"{found.estimate:+.3f}, {100 * found.share_of_people:.0f} %, {one.advantage_own}"


def test_what_the_page_says_of_chance(study: SteerabilityStudy) -> None:
    chance = [
        one for one in study.matrices if one.advantage.p_value and one.advantage.p_value >= 0.05
    ]
    assert {one.condition for one in chance} == {"persona"}
    assert len(chance) == 2
    people = [one.advantage.people for one in study.matrices if one.condition == "persona"]
    assert people == pytest.approx([0.1435] * 7, abs=5e-4)


def test_conditions_as_forms(published: Callable[..., list[Predictions]]) -> None:
    found = robustness_study(published(), open_release("reference"))
    shares = {share.source: share.share for share in found.decompositions[0].shares}
    assert [round(100 * share) for share in shares.values()] == [71, 24, 6]
    ranks = {one.model: (one.best_rank, one.worst_rank) for one in found.robustness}
    assert ranks["deepseek-reasoner"] == (1, 3)
    assert ranks["gpt-3.5-turbo"] == (7, 7)
    pair = next(p for p in found.pairs if (p.first, p.second) == ("deepseek-reasoner", "gpt-4"))
    assert (pair.same_order, pair.forms) == (3, 6)
    assert np.isclose(sum(shares.values()), 1)
    assert {round(one.difference.estimate or 9, 3) for one in found.recall} <= {
        -0.001, 0.0, 0.001, 0.002, 0.003,
    }  # fmt: skip
    assert min(one.difference.p_value or 0 for one in found.recall) > 0.3
    assert {(one.difference.questions, one.countries) for one in found.recall} == {(84, 10)}
    assert {round(one.uniform or 0, 3) for one in found.recall} == {-0.004}
