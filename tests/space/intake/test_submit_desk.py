"""The desk: dry runs store nothing, submissions appear, owners withdraw."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import read_report
from space.board.page import read_board
from space.board.query import BoardQuery
from space.board.store import Store
from space.intake.desk import Desk, Upload, open_desk
from space.intake.form import Form
from space.intake.normalise import read_stored
from space.intake.reader import Reader
from space.intake.templates import write_template
from space.pages.submission_html import dry_run_html
from space.pages.submit import read_boxes
from space.server.rescore import rescore
from space.submissions import open_submissions
from space.visitors.visitor import Visitor

FORM = Form(
    stated={"name": "Heron 8B", "link": "https://example.org/heron", "family": "heron"},
    contact="somebody@example.org",
    accepts_licence=True,
)
VISITOR = Visitor(account="somebody", address="203.0.113.9")


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as found:
        yield found


@pytest.fixture
def desk(reader, tmp_path: Path) -> Desk:
    """A desk at home over an empty store."""
    return desk_of(reader, tmp_path, public=False)


def desk_of(reader: Reader, root: Path, *, public: bool) -> Desk:
    (root / "store" / "reports").mkdir(parents=True)
    store = Store(root / "store")
    book = open_submissions(store, root / "private", moderated=public)
    return Desk(store, open_release("reference"), reader=reader, book=book, public=public)


@pytest.fixture
def answers(tmp_path: Path) -> Upload:
    return Upload(write_template(tmp_path, kind="distribution", suffix=".csv"))


def files(root: Path) -> set[str]:
    """Every file below a folder but the locks and the quotas."""
    kept = (".sqlite", "lock")
    return {
        path.relative_to(root).as_posix()
        for path in root.rglob("*")
        if path.is_file() and not path.name.endswith(kept)
    }


def names(store: Store) -> list[tuple[str, str]]:
    """(name, class) of the board's rows."""
    rows = read_board(store, BoardQuery()).rows
    return [(row["name"], row["class"]) for row in rows if not row["derived"]]


def test_a_dry_run_shows_everything_and_stores_nothing(desk, answers, tmp_path: Path) -> None:
    before = files(tmp_path)
    with desk.dry_run(answers, FORM, VISITOR) as outcome:
        assert outcome.ok
        assert outcome.report.predictions.meta.family == "heron"
        scored = [one for one in outcome.report.cells if one.alignment is not None]
        assert len(scored) == 6
    assert files(tmp_path) == before
    assert names(desk.store) == []


def test_a_submission_appears_at_once_as_uploaded(desk, answers) -> None:
    receipt = desk.submit(answers, FORM, VISITOR)
    assert receipt.state == "public"
    assert names(desk.store) == [("Heron 8B", "uploaded")]
    report = desk.store.report(receipt.id)
    assert report.predictions.meta.link == "https://example.org/heron"
    stored = desk.store.predictions_path(receipt.id)
    assert stored.suffix == ".jsonl"
    assert read_predictions(stored).digest == report.predictions.digest
    assert not any("somebody@" in path.read_text() for path in desk.store.root.rglob("*.json*"))


def test_the_owner_withdraws_and_a_tombstone_stays(desk, answers) -> None:
    receipt = desk.submit(answers, FORM, VISITOR)
    with pytest.raises(ContractError, match="belongs to another account"):
        desk.withdraw(receipt.id, Visitor(account="else"))
    desk.withdraw(receipt.id, VISITOR, why="a mistake")
    assert names(desk.store) == []
    found = desk.status(receipt.id)
    assert (found.state, found.events[-1].why) == ("withdrawn", "a mistake")


def test_without_a_login_a_code_withdraws(desk, answers) -> None:
    receipt = desk.submit(answers, FORM, Visitor())
    assert receipt.token
    with pytest.raises(ContractError, match="belongs to another account"):
        desk.withdraw(receipt.id, Visitor(), code="guess")
    assert desk.withdraw(receipt.id, Visitor(), code=f" {receipt.token} ").state == "withdrawn"


def test_first_uploads_wait_on_a_public_server(reader, answers, tmp_path: Path) -> None:
    desk = desk_of(reader, tmp_path / "public", public=True)
    receipt = desk.submit(answers, FORM, VISITOR)
    assert (receipt.state, names(desk.store)) == ("pending", [])
    desk.book.approve(receipt.id, by="keeper")
    assert names(desk.store) == [("Heron 8B", "uploaded")]


def test_a_report_made_elsewhere_is_self_reported(desk, answers, tmp_path: Path) -> None:
    with desk.dry_run(answers, FORM, VISITOR) as outcome:
        own = tmp_path / "report.json"
        own.write_bytes(outcome.report_path.read_bytes())
    receipt = desk.submit(Upload(own), FORM, VISITOR)
    assert names(desk.store) == [("Heron 8B", "self-reported")]
    assert desk.store.predictions_path(receipt.id) is None


@pytest.mark.parametrize("kind", ["distribution", "persons"])
def test_a_report_of_exact_tables_is_not_even_stored(
    desk, answers, tmp_path: Path, kind: str
) -> None:
    with desk.dry_run(answers, FORM, VISITOR) as outcome:
        fields = json.loads(outcome.report_path.read_text())
    fields["release"] |= {"tables": "exact", "public": False, "synthetic": False}
    fields["predictions"]["kind"] = kind
    own = tmp_path / "report.json"
    own.write_text(json.dumps(fields))
    with pytest.raises(ContractError, match=r"\[exact-tables\].*--protected"):
        desk.submit(Upload(own), FORM, VISITOR)
    assert names(desk.store) == []
    assert not list(desk.store.root.rglob("*report*.json"))


def test_the_same_answers_are_ranked_apart_by_class(desk, answers, tmp_path: Path) -> None:
    receipt = desk.submit(answers, FORM, VISITOR)
    own = tmp_path / "report.json"
    own.write_bytes((desk.store.reports_folder / f"{receipt.id}.json").read_bytes())
    desk.submit(Upload(own), Form({"name": "Claimed"}, accepts_licence=True), VISITOR)
    desk.store.ensure_index(force=True)
    with desk.store.connect() as db:
        keys = db.execute("SELECT class, comparison FROM rows WHERE derived = 0").fetchall()
    assert {key["class"] for key in keys} == {"uploaded", "self-reported"}
    assert len({key["comparison"] for key in keys}) == 2
    assert "" not in {key["comparison"] for key in keys}


def test_all_errors_of_form_and_file_at_once(desk, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("question_id,country,option,share\nQ1,DEU,1,-1\n")
    form = Form(
        stated={"link": "javascript:alert(1)", "name": "x" * 81, "colour": "red"},
        contact="nobody",
    )
    with pytest.raises(ContractError, match="negative-share") as caught:
        desk.submit(Upload(path), form, VISITOR)
    codes = [problem.code for problem in caught.value.problems]
    assert {
        "negative-share",
        "licence",
        "unsafe-link",
        "too-long",
        "contact",
        "unknown-field",
    } <= set(codes)
    assert names(desk.store) == []


def test_metadata_is_asked_for_and_can_be_stated(desk, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("question_id,country,option,share\nQ1,DEU,1,1\n")
    with pytest.raises(ContractError, match="needs its metadata whole"):
        desk.submit(Upload(path), FORM, VISITOR)
    whole = {
        "model": "ORG/HERON",
        "method": "verbalized",
        "steering": "none",
        "language": "en",
        "prompt_version": "1",
        "wording_digest": "abc",
        "release": "reference",
        "trained_on_wvs": "no",
        "parameters": 8,
        "chat": "base",
        "open_weights": "unknown",
    }
    form = Form({**FORM.stated, **whole}, accepts_licence=True)
    receipt = desk.submit(Upload(path), form, VISITOR)
    meta = read_report(desk.store.reports_folder / f"{receipt.id}.json").predictions.meta
    assert (meta.parameters, meta.chat, meta.open_weights) == (8e9, False, None)
    assert (meta.model, meta.trained_on_wvs) == ("ORG/HERON", False)


def test_a_rescore_keeps_what_was_said_of_the_upload(desk, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    template = write_template(tmp_path, kind="distribution", suffix=".csv").read_text()
    path.write_text(template + "Q999,DEU,,1,1,ok\n")
    receipt = desk.submit(Upload(path), FORM, VISITOR)
    report = desk.store.reports_folder / f"{receipt.id}.json"
    before = read_report(report)
    assert before.predictions.tolerated == {"unknown_questions": 1}
    assert before.predictions.rows == 25
    outcomes = [one.outcome for one in rescore(desk.store, source="reference", everything=True)]
    assert outcomes == ["new"]
    after = read_report(report)
    assert after.predictions == before.predictions
    assert after.scores == before.scores


def test_a_dry_run_of_nothing_says_so(desk) -> None:
    with desk.dry_run(Upload(None), FORM, VISITOR) as outcome:
        assert [problem.code for problem in outcome.problems] == ["no-file"]


def test_checks_are_limited_on_a_public_server(reader, tmp_path: Path) -> None:
    desk = desk_of(reader, tmp_path / "public", public=True)
    path = tmp_path / "a.csv"
    path.write_text("question_id\n")
    for _ in range(60):
        desk._spend("check", VISITOR)
    with desk.dry_run(Upload(path), FORM, VISITOR) as outcome:
        assert {problem.code for problem in outcome.problems} == {"quota"}


def test_a_store_that_cannot_be_written_to_takes_nothing(monkeypatch, tmp_path: Path) -> None:
    (tmp_path / "store" / "reports").mkdir(parents=True)
    monkeypatch.setattr("os.access", lambda *_: False)
    desk = open_desk(Store(tmp_path / "store"), open_release("reference"))
    with pytest.raises(ContractError, match="takes no submissions"):
        desk.submit(Upload(None), FORM, VISITOR)


@pytest.fixture
def children(monkeypatch) -> list[str]:
    """Files that a child was started for."""
    from space.intake.process import ReaderProcess

    started: list[str] = []
    ask = ReaderProcess.ask

    def counted(self, number, folder, job):
        started.append(job["file"])
        return ask(self, number, folder, job)

    monkeypatch.setattr(ReaderProcess, "ask", counted)
    return started


def test_a_submission_over_the_limit_is_not_read(reader, children, answers, tmp_path: Path) -> None:
    desk = desk_of(reader, tmp_path / "public", public=True)
    desk.submit(answers, FORM, VISITOR)
    assert children  # so the count counts
    children.clear()
    for _ in range(4):
        desk.book.quotas.spend("submit", account=VISITOR.account, address=VISITOR.address)
    for _ in range(20):
        with pytest.raises(ContractError, match="no more submissions are left for this account"):
            desk.submit(answers, FORM, VISITOR)
    assert children == []
    other = Visitor(account="another", address="198.51.100.4")
    assert desk.submit(answers, FORM, other).state == "pending"


def test_submissions_that_fail_count_as_checks_before_they_are_read(
    reader, children, tmp_path: Path
) -> None:
    desk = desk_of(reader, tmp_path / "public", public=True)
    path = tmp_path / "a.csv"
    path.write_text("question_id\n")
    for _ in range(59):
        desk._spend("check", VISITOR)
    with pytest.raises(ContractError, match=r"missing|column"):
        desk.submit(Upload(path), FORM, VISITOR)
    assert children
    children.clear()
    for _ in range(20):
        with pytest.raises(ContractError, match="no more checks are left"):
            desk.submit(Upload(path), FORM, VISITOR)
    assert children == []
    desk.book.quotas.check("submit", account=VISITOR.account, address=VISITOR.address)


def test_at_home_a_submission_is_no_check(desk, children, tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("question_id\n")
    for _ in range(60):
        desk.book.quotas.spend("check", account=VISITOR.account, address=VISITOR.address)
    with pytest.raises(ContractError, match=r"missing|column"):
        desk.submit(Upload(path), FORM, VISITOR)
    assert children


BAD = """{"question_id": "Q1", "country": "CHL", "shares": {"1": 0.7, "2": 0.2, "3": 0.1}}
{"question_id": "Q46", "country": "CHL", "shares": {"1": 0.7, "9": 0.3}}
{"question_id": "Q57", "country": "CHL", "shares": {"1": "most", "2": 0.3}}
"""


def test_cells_with_wrong_options_are_refused_or_counted(desk, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    path.write_text(BAD, encoding="utf-8")
    with desk.dry_run(Upload(path), FORM, VISITOR) as outcome:
        assert outcome.report is None
        assert outcome.problem_count == 2
    names = ("name",)
    upload, _ = read_boxes(names, (str(path), None, "invalid", "Heron"))
    assert read_boxes(names, (str(path), None, "refuse", "Heron"))[0].bad_cells == "refuse"
    with desk.dry_run(upload, FORM, VISITOR) as outcome:
        assert outcome.ok
        assert outcome.tolerated["bad_cells"] == 2
        assert [w.count for w in outcome.report.warnings if w.code == "bad-cells"] == [2]
        scored = [one for one in outcome.report.cells if one.alignment is not None]
        assert [(one.question_id, one.country) for one in scored] == [("Q1", "CHL")]
        assert "2 cells have wrong options or shares" in dry_run_html(outcome, desk.store)
        # A rescored board reads the stored file, which holds them as invalid answers.
        stored = read_stored(outcome.predictions_path)
    assert [n.count for n in stored.notices if n.code == "bad-cells"] == [2]
