"""What a board shows of people, and a store that lies on the Hub."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator

import huggingface_hub.constants
import numpy as np
import pytest
from hub_server import Account, HubServer, add_commit

from contracts.errors import ContractError
from contracts.report import write_report
from space.board import read_board
from space.people import WITHHELD, _answers
from space.public import public_report
from space.query import BoardQuery
from space.raw_answers import find_answer
from space.render.answers import answer_html
from space.static_site import row_page
from space.store import open_store


def changed_cells(report, **updates):
    """The report with its first cell changed."""
    first = report.cells[0].model_copy(update=updates)
    return report.model_copy(update={"cells": [first, *report.cells[1:]]})


@pytest.mark.parametrize("updates", [{"n": 29}, {"n": 0}, {"group": "sex=female"}])
def test_cells_of_few_people_and_of_groups_are_withheld(sample_store, updates) -> None:
    report = sample_store.report("heron-8b")
    shown = public_report(changed_cells(report, **updates))
    assert shown.cells == report.cells[1:]
    notice = shown.warnings[-1]
    assert (notice.code, notice.count) == ("cells-withheld", 1)


def test_cells_of_enough_people_are_shown(sample_store) -> None:
    report = sample_store.report("heron-8b")
    assert public_report(changed_cells(report, n=30)).cells[1:] == report.cells[1:]
    assert len(public_report(changed_cells(report, n=30)).cells) == len(report.cells)


def test_no_way_to_a_withheld_cell(sample_root, tmp_path) -> None:
    shutil.copytree(sample_root, tmp_path / "store")
    store = open_store(tmp_path / "store")
    report = store.report("heron-8b")
    secret = [0.123456, 0.876544]
    cell = report.cells[0]
    write_report(changed_cells(report, n=7, people=secret), store.reports_folder / "heron-8b.json")
    shown = store.report("heron-8b")
    assert "0.123456" not in shown.model_dump_json()
    bars = answer_html(shown, country=cell.country, question_id=cell.question_id)
    assert "12.3%" not in bars
    assert "0.123456" not in row_page(store, "heron-8b")


def test_shares_of_few_people_in_a_release_are_withheld() -> None:
    counts = {
        name: [0, 0]
        for name in (
            "dont_know_count",
            "no_answer_count",
            "not_applicable_count",
            "not_asked_count",
            "missing_count",
            "off_scale_count",
        )
    }
    listed = {
        "code": [1, 2],
        "weighted_share": [0.25, 0.75],
        "se": [0.1, 0.1],
        "n_eff": [20.0, 20.0],
        "n_eff_estimated": [False, False],
        "flag": ["", ""],
        **counts,
    }
    few = _answers({**listed, "n_valid": [29, 29]}, 0, 2)
    assert few.shares == (None, None)
    assert few.flag == WITHHELD
    enough = _answers({**listed, "n_valid": [30, 30]}, 0, 2)
    assert enough.shares == (0.25, 0.75)
    nobody = _answers({**listed, "n_valid": [0, 0], "weighted_share": [None, None]}, 0, 2)
    assert nobody.flag == ""


def test_ratings_of_single_persons_are_no_raw_answers(sample_root, tmp_path) -> None:
    shutil.copytree(sample_root, tmp_path / "store")
    store = open_store(tmp_path / "store")
    store.predictions_folder.mkdir()
    lines = [
        {"question_id": "Q1", "participant_id": 276070001, "score": 2},
        {"question_id": "Q2", "country": "DEU", "group": "sex=female", "shares": {"1": 1}},
        {"question_id": "Q3", "country": "DEU", "shares": {"1": 1}},
    ]
    text = "\n".join(json.dumps(line) for line in lines)
    (store.predictions_folder / "heron-8b.jsonl").write_text(text)
    assert find_answer(store, "heron-8b", country="", question_id="Q1") is None
    assert find_answer(store, "heron-8b", country="DEU", question_id="Q2") is None
    assert find_answer(store, "heron-8b", country="DEU", question_id="Q3") == json.dumps(lines[2])


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path) -> Iterator[HubServer]:
    """A local Hub for the real client."""
    constants = huggingface_hub.constants
    with HubServer() as server:
        monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
        monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)
        monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
        monkeypatch.setattr(constants, "ENDPOINT", server.url)
        template = server.url + "/{repo_id}/resolve/{revision}/{filename}"
        monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
        server.state.accounts = {"hf_reader": Account("reader")}
        yield server


def test_a_store_on_the_hub_opens_at_a_tag(hub: HubServer, sample_root) -> None:
    files = {
        f"reports/{path.name}": path.read_bytes()
        for path in sorted((sample_root / "reports").glob("heron*.json"))
    }
    repo = hub.state.add_repo("atlas/board", private=False)
    repo.tags["v1"] = add_commit(repo, "three reports", {**files, "README.md": b"x"}).sha
    add_commit(repo, "none", {"README.md": b"x"})
    store = open_store("hub:atlas/board@v1")
    found = [row["row_id"] for row in read_board(store, BoardQuery()).rows]
    assert set(found) == {"heron-70b", "heron-70b-persona", "heron-8b"}
    assert np.isfinite(store.report("heron-8b").score("alignment").value.estimate)
    assert not (store.root / "README.md").exists()


def test_a_store_that_the_hub_does_not_have_is_an_error(hub: HubServer) -> None:
    with pytest.raises(ContractError, match="cannot fetch the store atlas/nothing at its main"):
        open_store("hub:atlas/nothing")
