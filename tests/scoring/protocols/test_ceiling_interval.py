"""The ceiling's interval with questions sampled, against the textbook's standard error."""

from __future__ import annotations

import numpy as np
import pytest

from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import Report
from scoring import score
from scoring.baselines.distributions import write_baselines


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """The world average's report on the reference."""
    release, folder = open_release("reference"), tmp_path_factory.mktemp("ceiling")
    written = {one.name: one.path for one in write_baselines(release, folder)}
    return score(read_predictions(written["world-average"]), release)


def test_the_ceiling_over_all_countries_has_the_interval_of_a_mean_over_questions(report) -> None:
    ceiling = next(one for one in report.scores if one.name == "human_ceiling")
    countries = [one for one in report.countries if one.ceiling is not None]
    mean = np.mean([one.ceiling for one in countries])
    assert ceiling.value.estimate == pytest.approx(mean, abs=1e-9)
    assert ceiling.value.low < mean < ceiling.value.high
    assert ceiling.questions == 144
    # Nearly all questions were asked in nearly all countries, so the standard error is that of a
    # mean of the questions' own ceilings, 1 - sqrt(2) floor.
    ceilings = 1 - np.sqrt(2) * np.array([one.floor for one in report.questions])
    error = 1.96 * ceilings.std(ddof=1) / np.sqrt(ceilings.size)
    assert ceiling.value.low == pytest.approx(mean - error, abs=0.15 * error)
    assert ceiling.value.high == pytest.approx(mean + error, abs=0.15 * error)


def test_a_country_has_its_ceiling_between_its_bounds(report) -> None:
    scored = [one for one in report.countries if one.ceiling is not None]
    assert len(scored) == 57
    for one in scored:
        low, high = one.extra["ceiling_low"], one.extra["ceiling_high"]
        assert low < one.ceiling < high < 1
