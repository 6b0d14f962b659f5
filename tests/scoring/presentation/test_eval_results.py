"""Reports as evaluation results of model repositories, read back by huggingface_hub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]
from hub_server import HubServer
from huggingface_hub import parse_eval_result_entries
from publish_samples import ACCOUNTS, STRANGER

from contracts.errors import ContractError
from contracts.report import Report, read_report
from opinion_atlas.app import main
from scoring.presentation.eval_results import (
    eval_result_entries,
    eval_results_text,
    open_pull_request,
)
from scoring.presentation.summary import number

# The Hub client itself still calls httpx in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

DATASET = "atlas/wvs-aggregates"
MODEL = "maker/model"


def run(*arguments: object) -> int:
    """Exit code of one command line."""
    try:
        main([str(argument) for argument in arguments])
    except SystemExit as done:
        return int(done.code or 0)
    return 0


@pytest.fixture(scope="module")
def report_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of a baseline."""
    place = tmp_path_factory.mktemp("hub")
    assert run("baselines", "--out", place, "--only", "uniform") == 0
    path = place / "report.json"
    assert run("score", place / "uniform.jsonl", "--replicates", 20, "--out", path) == 0
    return path


@pytest.fixture
def report(report_file: Path) -> Report:
    return read_report(report_file)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> HubServer:
    """A local Hub with one model that a stranger made."""
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    server = HubServer()
    server.state.accounts = dict(ACCOUNTS)
    server.state.add_repo(MODEL, private=False)
    return server


def test_a_file_reads_back_as_the_printed_digits(report_file: Path, tmp_path: Path) -> None:
    out = tmp_path / ".eval_results"
    date, source = "2026-11-28", "https://example.org/report.html"
    arguments = ("--dataset", DATASET, "--date", date, "--source", source)
    assert run("report", "hub", report_file, *arguments, "--out", out) == 0
    (path,) = out.glob("*.yaml")
    (entry,) = parse_eval_result_entries(yaml.safe_load(path.read_text()))
    score = read_report(report_file).score("alignment")
    assert score is not None
    assert f"{entry.value:.3f}" == number(score.value.estimate)
    assert (entry.dataset_id, entry.task_id) == (DATASET, "alignment")
    assert (str(entry.date), entry.source_url) == (date, source)
    assert entry.notes is not None
    for needed in (
        f"[{number(score.value.low)}, {number(score.value.high)}] (95 % interval)",
        "method baseline",
        "steering none",
        "coverage 100",
        f"release reference {read_report(report_file).release.version}",
    ):
        assert needed in entry.notes


def test_entries_survive_the_round_trip(report: Report) -> None:
    names = [score.name for score in report.scores if score.value.estimate is not None]
    entries = eval_result_entries(report, dataset=DATASET, scores=names, revision="a" * 40)
    assert parse_eval_result_entries(yaml.safe_load(eval_results_text(entries))) == entries


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"dataset": "atlas"}, "not the name of a dataset repository"),
        ({"scores": ["accuracy"]}, "the report has no such score"),
        ({"date": "yesterday"}, "not a date"),
    ],
)
def test_wrong_arguments_are_named(report: Report, changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ContractError, match=message):
        eval_result_entries(report, **({"dataset": DATASET} | changed))


def test_made_up_people_have_no_place_on_a_model_page(report: Report) -> None:
    release = report.release.model_copy(update={"synthetic": True})
    with pytest.raises(ContractError, match="made-up people"):
        eval_result_entries(report.model_copy(update={"release": release}), dataset=DATASET)


def test_a_pull_request_leaves_the_main_branch_alone(hub: HubServer, report_file: Path) -> None:
    entries = eval_result_entries(read_report(report_file), dataset=DATASET)
    with hub:
        url = open_pull_request(entries, MODEL, "x.yaml", token=STRANGER, endpoint=hub.url)
    assert url == f"{hub.url}/{MODEL}/discussions/1"
    repo = hub.state.repos[MODEL]
    assert len(repo.commits) == 1
    proposed = repo.refs["refs/pr/1"][-1].files[".eval_results/x.yaml"]
    assert parse_eval_result_entries(yaml.safe_load(proposed)) == entries


def test_a_refused_pull_request_is_an_error_of_ours(hub: HubServer, report: Report) -> None:
    entries = eval_result_entries(report, dataset=DATASET)
    with hub, pytest.raises(ContractError, match="open a pull request"):
        open_pull_request(entries, "maker/none", "x.yaml", token=STRANGER, endpoint=hub.url)
