"""Small made-up submissions, and what must hold of every store of submissions."""

from __future__ import annotations

import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

from contracts.atomic import PARTIAL_PREFIX
from contracts.digests import sha256_file, sha256_text
from contracts.predictions.meta import PredictionsMeta
from contracts.report import (
    CountryEntry,
    Coverage,
    Interval,
    PredictionsRef,
    ReleaseRef,
    Report,
    Score,
    Settings,
    read_report,
    write_report,
)
from space.board.store import Store
from space.submissions import Details, Payload, Submissions
from space.submissions.records import Records


def tiny_report(name: str, *, score: float = 0.5) -> Report:
    """A report of one score in one country."""
    found = Interval(estimate=score, low=score - 0.1, high=score + 0.1)
    return Report(
        scorer_version="1.0",
        release=ReleaseRef(
            name="made-up",
            version="1",
            digest="0" * 64,
            waves=[7],
            synthetic=False,
            public=True,
            tables="protected",
        ),
        predictions=PredictionsRef(
            name=name,
            digest=sha256_text(name),
            kind="distribution",
            rows=1,
            meta=PredictionsMeta(name=name, model=f"org/{name}", method="verbalized"),
        ),
        settings=Settings(),
        coverage=Coverage(expected=1, scored=1, share=1.0),
        scores=[Score(name="alignment", value=found, coverage=1.0, questions=1)],
        countries=[CountryEntry(country="DEU", alignment=found, questions=1, coverage=1.0)],
    )


def write_payload(folder: Path, name: str, *, predictions: bool = True) -> Payload:
    """Files of a submission whose contents follow from its name alone."""
    folder.mkdir(parents=True, exist_ok=True)
    report = folder / f"{name}-report.json"
    write_report(tiny_report(name), report)
    if not predictions:
        return Payload(report)
    answers = folder / f"{name}.csv"
    answers.write_text(f"question_id,country,option,share\nQ1,DEU,1,1\n# {name}\n" * 50)
    sidecar = folder / f"{name}.meta.json"
    sidecar.write_text(f'{{"schema_version": "1.0", "model": "org/{name}"}}\n')
    return Payload(report, answers, sidecar)


def details(name: str, *, contact: str = "") -> Details:
    """What the form says of a sample."""
    return Details(name=name, accepts_licence=True, contact=contact)


def visible_rows(store: Store) -> dict[str, dict[str, str]]:
    """Rows of submissions that a reader of the store finds: id -> sha256 of its files by name.

    Reads as any reader does, without a lock and without recovering anything first; raises where
    a row is not whole.
    """
    found = {}
    for file in store.report_files():
        if not file.row_id.startswith("sub-"):
            continue
        read_report(file.path)
        paths = [file.path, *store.predictions_folder.glob(f"{file.row_id}.*")]
        assert store.entry(file.row_id)["state"] == "public", file.row_id
        found[file.row_id] = {path.name: sha256_file(path) for path in paths}
    return found


def check_whole(store: Store, records: Records) -> None:
    """What a reader finds is whole: every file of every visible row, byte by byte."""
    for row_id, files in visible_rows(store).items():
        wanted = {file.name: file.sha256 for file in records.read(row_id).files.values()}
        assert files == wanted, f"{row_id}: {sorted(files)} instead of {sorted(wanted)}"


def check_invariants(
    book: Submissions,
    *,
    expected: Mapping[str, frozenset[str]],
    contacts: Mapping[str, str] | None = None,
) -> None:
    """Everything that must hold of a store that was opened after a kill.

    Args:
        book: the submissions, opened again.
        expected: id -> states that are possible after what was acknowledged.
        contacts: id -> contact that was given, of those that may have one.
    """
    states = {one.id: one.state for one in book.list()}
    for submission_id, possible in expected.items():
        assert states.get(submission_id) in possible, (
            f"{submission_id} is {states.get(submission_id)}, not one of {sorted(possible)}"
        )
    for submission_id, state in states.items():
        _check_files(book, submission_id, public=state == "public", kept=state != "deleted")
        _check_contact(book, submission_id, state, (contacts or {}).get(submission_id, ""))
    _check_nothing_else(book, set(states))
    _check_index(book, {name for name, state in states.items() if state == "public"})


def _check_files(book: Submissions, submission_id: str, *, public: bool, kept: bool) -> None:
    record = book.status(submission_id)
    held = book.layout.held(submission_id)
    for role, file in record.files.items():
        on_board = book.layout.public(role, file.name)
        wanted, other = (on_board, held / file.name) if public else (held / file.name, on_board)
        assert not other.exists(), f"{other} of a submission that is {record.state}"
        assert wanted.exists() == kept, f"{wanted} of a submission that is {record.state}"
        if kept:
            assert sha256_file(wanted) == file.sha256, wanted
    assert [event.what for event in record.events].count("submit") == 1


def _check_contact(book: Submissions, submission_id: str, state: str, given: str) -> None:
    if state in ("withdrawn", "deleted"):
        given = ""
    assert book.contact(submission_id) == given, submission_id


def _check_nothing_else(book: Submissions, known: set[str]) -> None:
    layout = book.layout
    assert not list(layout.arrivals.iterdir())
    assert not list(layout.unsettled.iterdir())
    held = {path.name for path in (layout.private / "held").iterdir()}
    assert held <= known, held - known
    contacts = {path.name.removesuffix(".json") for path in layout.contacts.iterdir()}
    assert contacts <= known, contacts - known
    assert not list(layout.private.rglob(f"{PARTIAL_PREFIX}*"))


def _check_index(book: Submissions, public: set[str]) -> None:
    path = book.store.ensure_index(force=True)
    with closing(sqlite3.connect(path)) as db:
        rows = {name for (name,) in db.execute("SELECT row_id FROM rows WHERE derived = 0")}
        problems = db.execute("SELECT row_id, problem FROM files WHERE problem != ''").fetchall()
    assert rows == public, rows ^ public
    assert not problems, problems
