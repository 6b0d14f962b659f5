"""What a board shows of people, and a store that lies on the Hub."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import get_args

import huggingface_hub.constants
import numpy as np
import pytest
from hub_server import Account, HubServer, add_commit
from made_surveys import make_survey

from contracts.errors import ContractError
from contracts.release.read import open_release
from contracts.report import CellEntry, read_report_apart, write_report
from contracts.specs import kind_spec
from contracts.specs.model import Kind
from dataset_builder.build import build_release
from dataset_builder.publishing.public import make_public
from dataset_builder.synthesis import synthesize
from scoring.baselines.distributions import write_baselines
from scoring.maps.rows import row_of_report
from space.board.files.raw_answers import find_answer
from space.board.page import read_board
from space.board.public import public_release, public_report, public_report_apart
from space.board.query import BoardQuery
from space.board.store import open_store
from space.board.survey_answers import People
from space.render.answers import answer_html
from space.server.rescore import rescore
from space.server.serve import prepare_store
from space.server.static_pages import row_page

KINDS = get_args(Kind)


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


@pytest.mark.parametrize("updates", [{}, {"n": 29}, {"group": "sex=female"}])
def test_cells_read_apart_are_withheld_alike(sample_store, tmp_path, updates) -> None:
    report = changed_cells(sample_store.report("heron-8b"), **updates)
    write_report(report, tmp_path / "report.json")
    whole = public_report(report)
    shown, cells = public_report_apart(*read_report_apart(tmp_path / "report.json"))
    assert shown == whole.model_copy(update={"cells": []})
    assert [CellEntry.model_validate(cell) for cell in cells] == whole.cells
    assert row_of_report(shown, cells=cells) == row_of_report(whole)


def test_cells_that_are_no_list_are_a_problem(sample_store, tmp_path) -> None:
    fields = sample_store.report("heron-8b").model_dump(mode="json") | {"cells": {"n": 1}}
    (tmp_path / "report.json").write_text(json.dumps(fields))
    with pytest.raises(ContractError, match="cells are no list of objects"):
        read_report_apart(tmp_path / "report.json")


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


def with_release(report, **updates):
    release = report.release.model_copy(update=updates)
    return report.model_copy(update={"release": release})


def test_reports_of_exact_tables_are_not_shown(sample_store) -> None:
    report = sample_store.report("heron-8b")
    private = with_release(report, tables="exact", public=False)
    with pytest.raises(ContractError, match=r"\[exact-tables\].*--protected"):
        public_report(private)
    assert public_report(with_release(private, synthetic=True)).cells == report.cells


@pytest.mark.parametrize("kind", sorted(name for name in KINDS if kind_spec(name).survey))
def test_no_kind_that_is_compared_with_respondents_is_shown_of_exact_tables(
    sample_store, kind
) -> None:
    """Structure of synthetic persons rests on correlations, whose exact figures it gives back."""
    report = with_release(sample_store.report("heron-8b"), tables="exact", public=False)
    predictions = report.predictions.model_copy(update={"kind": kind})
    with pytest.raises(ContractError, match=r"\[exact-tables\]"):
        public_report(report.model_copy(update={"predictions": predictions}))


def test_reports_of_the_withdrawn_reference_are_named_and_renewed(
    sample_root, tmp_path, capsys
) -> None:
    shutil.copytree(sample_root, tmp_path / "store")
    store = open_store(tmp_path / "store")
    report = store.report("heron-8b")
    folder = tmp_path / "answers"
    written = write_baselines(open_release("reference"), folder, names=("uniform",))
    store.predictions_folder.mkdir(exist_ok=True)
    shutil.copy(written[0].path, store.predictions_folder / "heron-8b.jsonl")
    old = with_release(report, tables="exact", version="1.0.0", digest="1" * 64)
    write_report(old, store.reports_folder / "heron-8b.json")
    prepare_store(str(store.root), release="reference", fill=False)
    told = capsys.readouterr().err
    assert "1 reports are not shown: heron-8b" in told
    assert "opinion-atlas rescore --store STORE" in told
    assert "heron-8b" not in {row["row_id"] for row in read_board(store, BoardQuery()).rows}
    with pytest.raises(ContractError, match="withdrawn-release"):
        store.report("heron-8b")
    outcomes = {one.row_id: one.outcome for one in rescore(store, source="reference")}
    assert outcomes["heron-8b"] == "new"
    assert store.report("heron-8b").release.version == "2.2.0"


def test_pages_of_a_private_release_show_published_figures(tmp_path, monkeypatch) -> None:
    """Figures on pages are those that `publish --public` would publish."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    synthesize(tmp_path / "people.csv", people=6000, seed=3)
    build_release([tmp_path / "people.csv"], tmp_path / "private")
    private = open_release(tmp_path / "private")
    shown = public_release(private)
    assert shown.is_protected
    assert not shown.has_individuals
    make_public(private, tmp_path / "public")
    assert shown.digest == open_release(tmp_path / "public").digest
    assert public_release(private).root == shown.root
    people, published = People(private).answers, People(shown).answers
    assert people == published
    assert all(cell.n % 5 == 0 for cell in people.values())


@pytest.mark.parametrize("damage", ["cut", "changed", "gone", "manifest"])
def test_a_damaged_public_view_is_made_again(tmp_path, monkeypatch, damage) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    build_release([make_survey(people=300, synthetic=False)], tmp_path / "private")
    private = open_release(tmp_path / "private")
    view = public_release(private)
    answers = People(view).answers
    (file,) = view.files("distributions")
    content = file.read_bytes()
    match damage:
        case "cut":
            file.write_bytes(content[:1000])
        case "changed":
            file.write_bytes(content[:5000] + bytes(100) + content[5100:])
        case "gone":
            file.unlink()
        case "manifest":
            (view.root / "manifest.json").write_bytes(b"{\xff")
    again = public_release(private)
    assert again.root == view.root
    assert People(again).answers == answers
    assert file.read_bytes() == content


def test_ratings_of_single_persons_are_no_raw_answers(sample_root, tmp_path) -> None:
    shutil.copytree(sample_root, tmp_path / "store")
    store = open_store(tmp_path / "store")
    store.predictions_folder.mkdir(exist_ok=True)
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
