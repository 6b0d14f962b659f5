"""`opinion-atlas map` from files to files."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import write_report
from scoring.baselines.distributions import write_baselines
from scoring.engine import score
from scoring.map_command import draw_map


@pytest.fixture(scope="module")
def world(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("baselines")
    write_baselines(open_release("reference"), folder, names=["world-average", "uniform"])
    return folder


def test_predictions_and_reports_are_placed_alike(world, tmp_path, capsys) -> None:
    predictions = world / "uniform.jsonl"
    report = score(
        read_predictions(predictions), open_release("reference"), cells=True, replicates=50
    )
    write_report(report, tmp_path / "report.json")
    draw_map(predictions, tmp_path / "report.json", out=tmp_path / "m.csv", wave=(7,))
    with (tmp_path / "m.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    models = [row for row in rows if row["kind"] == "model"]
    assert len({row["name"] for row in models}) == 2
    plane = [row for row in models if row["map"] == "opinion_plane"]
    assert plane[0]["x"] == plane[1]["x"]
    assert 0 < float(plane[0]["outside"]) < 1
    printed = capsys.readouterr().out
    assert "57 countries' marks, 2 models" in printed
    assert "Written:" in printed


def test_report_without_cells_is_refused_with_the_remedy(world, tmp_path) -> None:
    report = score(
        read_predictions(world / "uniform.jsonl"), open_release("reference"), replicates=50
    )
    write_report(report, tmp_path / "report.json")
    with pytest.raises(ContractError, match="--cells"):
        draw_map(tmp_path / "report.json", out=tmp_path / "m.csv")
    assert not (tmp_path / "m.csv").exists()


def test_unknown_ending_is_refused_before_any_work(tmp_path) -> None:
    with pytest.raises(ContractError, match="in which form"):
        draw_map(tmp_path / "no-such-report.json", out=tmp_path / "m.png")
