"""From a survey with clusters to a report whose human ceiling rests on halves of clusters."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from made_surveys import make_survey

from contracts.errors import ContractError
from contracts.predictions.read import Predictions, read_predictions
from contracts.release.read import open_release
from contracts.report import Report
from dataset_builder.build import build_release
from dataset_builder.options import BuildOptions
from scoring.baselines.distributions import write_baselines
from scoring.engine import score


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clusters in two countries; one cluster for all in the third."""
    survey = make_survey(people=3000, clusters=60)
    assert survey.psu is not None
    survey.psu[survey.country == 2] = 77
    out = tmp_path_factory.mktemp("halves") / "release"
    build_release([survey], out, BuildOptions(cells=True))
    return out


@pytest.fixture(scope="module")
def uniform(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Predictions:
    place = tmp_path_factory.mktemp("answers")
    write_baselines(open_release(folder), place, names=("uniform",))
    return read_predictions(next(place.glob("uniform.*")))


@pytest.fixture(scope="module")
def reports(folder: Path, uniform: Predictions) -> dict[str, Report]:
    release = open_release(folder)
    return {
        way: score(uniform, release, ceiling=way, replicates=50) for way in ("aggregates", "halves")
    }


def test_the_report_says_what_a_ceiling_rests_on(reports: dict[str, Report]) -> None:
    assert reports["aggregates"].settings.ceiling == "aggregates"
    assert reports["halves"].settings.ceiling == "halves"
    kinds = {one.country: one.ceiling_kind for one in reports["halves"].countries}
    assert kinds == {
        "CHL": "halves of clusters",
        "DEU": "halves of clusters",
        "JPN": "halves of respondents",
    }
    stated = {one.ceiling_kind for one in reports["aggregates"].countries}
    assert stated == {"effective sample sizes"}
    assert "ceilings" not in reports["aggregates"].protocols[0].tables


def test_halves_of_clusters_are_lower_and_agree_with_the_design(
    reports: dict[str, Report],
) -> None:
    table = {row["country"]: row for row in reports["halves"].protocols[0].tables["ceilings"]}
    by_formula = {one.country: one.ceiling for one in reports["aggregates"].countries}
    for country in ("CHL", "DEU"):
        row = table[country]
        assert row["clusters"] == 60
        assert row["by_clusters"] < row["by_respondents"] - 0.005
        assert row["by_effective_size"] == pytest.approx(by_formula[country], abs=1e-9)
        assert 1 - row["by_clusters"] == pytest.approx(1 - row["by_effective_size"], rel=0.05)
    unclustered = table["JPN"]
    assert unclustered["clusters"] is None
    assert unclustered["by_clusters"] is None
    found = 1 - unclustered["by_respondents"]
    assert found == pytest.approx(1 - unclustered["by_effective_size"], rel=0.05)


def test_ceilings_of_the_report_are_those_of_the_table(reports: dict[str, Report]) -> None:
    report = reports["halves"]
    table = {row["country"]: row for row in report.protocols[0].tables["ceilings"]}
    for entry in report.countries:
        row = table[entry.country]
        own = row["by_clusters"] if row["clusters"] else row["by_respondents"]
        assert entry.ceiling == pytest.approx(own, abs=1e-9)
        low, high = entry.extra["ceiling_low"], entry.extra["ceiling_high"]
        assert low is not None
        assert high is not None
        assert low <= own <= high
    mean = np.mean([entry.ceiling for entry in report.countries])
    assert report.score("human_ceiling").value.estimate == pytest.approx(mean)
    assert report.protocols[0].tables["noise"]["ceiling"] == pytest.approx(mean)


def test_only_ceilings_change(reports: dict[str, Report]) -> None:
    """Halves are drawn apart: every other score and interval is the same."""
    moved = {"human_ceiling", "ceiling_skill"}
    one, other = (reports[way] for way in ("aggregates", "halves"))
    for score_name in {entry.name for entry in one.scores} - moved:
        assert one.score(score_name) == other.score(score_name)
    assert [c.alignment for c in one.countries] == [c.alignment for c in other.countries]
    assert one.score("human_ceiling") != other.score("human_ceiling")


def test_aggregates_alone_have_no_halves(uniform: Predictions, folder: Path) -> None:
    with pytest.raises(ContractError, match="halves of respondents are made from their rows"):
        score(uniform, open_release("reference"), ceiling="halves")
    with pytest.raises(ContractError, match="halves of respondents are made from their rows"):
        score(uniform, open_release(folder), ceiling="halves", protected=True)
    with pytest.raises(ContractError, match="--ceiling"):
        score(uniform, open_release(folder), ceiling="thirds")
