"""Synthetic respondents from elicit to a board row, and what must not get there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import Report, read_report, write_report
from opinion_atlas.app import main
from scoring.presentation.eval_results import eval_result_entries
from space.board.page import read_board
from space.board.query import BoardQuery
from space.board.seed import add_predictions
from space.board.store import Store, open_store
from space.intake.desk import Desk, Upload
from space.intake.form import Form
from space.intake.reader import Reader
from space.render.model import model_html
from space.submissions import Details, Payload, open_submissions
from space.visitors.visitor import Visitor

COUNTRIES = ("DEU", "JPN")


def atlas(*tokens: object) -> None:
    """One command line, as a user types it, in this process."""
    with pytest.raises(SystemExit, match=r"^0$"):
        main([str(token) for token in tokens])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of a mock model by the persons protocol, in conversations, and its report."""
    place = tmp_path_factory.mktemp("persons")
    atlas(
        "elicit", "mock:messy", "--protocol", "persons", "--conversation",
        "--questions", "trust,duty", "--countries", ",".join(COUNTRIES), "--persons", 40,
        "--out", place / "run",
    )  # fmt: skip
    (predictions,) = (place / "run" / "predictions").glob("*.jsonl")
    predictions.rename(place / "persons.jsonl")
    atlas("score", place / "persons.jsonl", "--replicates", 50, "--out", place / "report.json")
    return place


@pytest.fixture(scope="module")
def report(place: Path) -> Report:
    return read_report(place / "report.json")


def board_row(store: Store) -> dict:
    """The one row of a model, with the structure column."""
    store.ensure_index(force=True)
    page = read_board(store, BoardQuery(columns=("name", "structure", "alignment", "protocols")))
    (row,) = (one for one in page.rows if one["kind"] == "model")
    return row


def test_the_report_has_structure_and_shares(report: Report) -> None:
    result = next(one for one in report.protocols if one.protocol == "persons")
    assert result.applies
    assert [row["country"] for row in result.tables["countries"]] == list(COUNTRIES)
    assert {row["battery"] for row in result.tables["batteries"]} == {"trust", "duty"}
    structure = report.score("structure")
    assert structure is not None
    assert structure.value.estimate is not None
    # Answers that a mock draws by themselves do not hang together.
    assert structure.value.estimate < 0.3
    alignment = report.score("alignment")
    assert alignment is not None
    assert alignment.value.estimate is not None
    assert "alignment" in [one.protocol for one in report.protocols if one.applies]


def test_a_row_of_the_board(place: Path, report: Report) -> None:
    store = open_store(place / "store", create=True)
    add_predictions(
        store, place / "persons.jsonl", release=open_release("reference"), row_class="verified"
    )
    row = board_row(store)
    structure = report.score("structure")
    assert structure is not None
    # Another number of replicates moves the interval alone.
    assert row["cells"]["structure"]["estimate"] == pytest.approx(structure.value.estimate)
    assert row["cells"]["alignment"]["estimate"] is not None
    assert "persons" in str(row["protocols"]).split()
    page = model_html(store, "persons")
    assert "Structure: do answers hang together?" in page
    assert 'class="oa-structure"' in page
    assert "Germany, Trust in people: " in page


def test_a_submission_becomes_a_row(place: Path) -> None:
    root = place / "submitted"
    (root / "store" / "reports").mkdir(parents=True)
    store = Store(root / "store")
    book = open_submissions(store, root / "private", moderated=False)
    with Reader() as reader:
        desk = Desk(store, open_release("reference"), reader=reader, book=book)
        form = Form({"name": "Heron 8B"}, accepts_licence=True)
        receipt = desk.submit(Upload(place / "persons.jsonl"), form, Visitor(account="ann"))
    row = board_row(store)
    assert row["name"] == "Heron 8B"
    assert row["cells"]["structure"]["estimate"] is not None
    stored = store.predictions_path(receipt.id)
    assert stored is not None
    assert read_predictions(stored).table == read_predictions(place / "persons.jsonl").table


def test_what_is_made_from_single_respondents_goes_nowhere(place: Path, report: Report) -> None:
    private = place / "private"
    private.mkdir()
    header, _, rest = (place / "persons.jsonl").read_text(encoding="utf-8").partition("\n")
    fields = {**json.loads(header), "microdata_derived": True}
    answers = private / "respondents.jsonl"
    answers.write_text(f"{json.dumps(fields)}\n{rest}", encoding="utf-8")
    meta = report.predictions.meta.model_copy(update={"microdata_derived": True})
    predictions = report.predictions.model_copy(update={"meta": meta})
    derived = report.model_copy(update={"predictions": predictions})
    write_report(derived, private / "report.json")

    store = open_store(private / "store", create=True)
    with pytest.raises(ContractError, match="made from the answers or demographics of single"):
        add_predictions(store, answers, release=open_release("reference"), row_class="verified")
    book = open_submissions(store, private / "book", moderated=False)
    details = Details(name="Heron", accepts_licence=True)
    with pytest.raises(ContractError, match="made from the answers or demographics of single"):
        book.submit(Payload(private / "report.json"), details)
    with Reader() as reader:
        desk = Desk(store, open_release("reference"), reader=reader, book=book)
        form = Form({"name": "Heron"}, accepts_licence=True)
        for path in (answers, private / "report.json"):
            with pytest.raises(ContractError, match="made from the answers or demographics"):
                desk.submit(Upload(path), form, Visitor(account="ann"))
    with pytest.raises(ContractError, match="made from the answers or demographics of single"):
        eval_result_entries(derived, dataset="org/name", scores=("structure",))

    # A report that someone copies into the store's folder is left out, and named.
    write_report(derived, store.reports_folder / "copied.json")
    store.ensure_index(force=True)
    assert not read_board(store, BoardQuery()).rows
    with store.connect() as db:
        (problem,) = db.execute("SELECT problem FROM files").fetchone()
    assert "made from the answers or demographics of single respondents" in problem
