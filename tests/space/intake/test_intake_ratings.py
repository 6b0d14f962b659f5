"""Ratings compared with a private release: what may leave, and what may not be asked."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from contracts.errors import ContractError
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import write_predictions
from contracts.release.read import Release, open_release
from space.board.store import Store
from space.intake.attached import PEOPLE_VARIABLE, attached_release
from space.intake.desk import Desk, Upload
from space.intake.form import Form
from space.intake.ratings import probe_questions
from space.intake.reader import Job, Reader
from space.server.rescore import rescore
from space.submissions import Quotas, open_submissions
from space.visitors.visitor import Visitor

sys.path.insert(0, str(Path(__file__).parents[2] / "support"))
from toy_people import FIRST_ID, toy_people

#: 40 people answered Q1 and Q46, 20 of them Q57 as well.
ANSWERS = {
    "Q1": [1, 2, 3, 4] * 10,
    "Q46": [1, 2, 2, 3] * 10,
    "Q57": [1, 2] * 10,
}


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return toy_people(tmp_path_factory.mktemp("people") / "release", ANSWERS)


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    with Reader() as found:
        yield found


def write_ratings(path: Path, ratings: dict[str, list[int]], **meta: Any) -> Path:
    """A rating file: one rating per person in turn."""
    records = [
        {"question_id": name, "participant": FIRST_ID + i, "score": score}
        for name, scores in ratings.items()
        for i, score in enumerate(scores)
    ]
    fields = {"model": "ORG/RATER", "method": "rating", "coding": "raw", **meta}
    return write_predictions(
        path, records, meta=PredictionsMeta.model_validate(fields), kind="rating"
    )


#: Of 40 ratings of Q1, ten times 1, 2, 3, 3: shares 1/4, 1/4, 1/2, 0 against 1/4 each.
RATINGS = {"Q1": [1, 2, 3, 3] * 10, "Q46": [1, 2, 2, 3] * 10, "Q57": [1, 2] * 10}


#: Metadata that a board needs.
BOARD = {
    "steering": "persona",
    "language": "en",
    "prompt_version": "1",
    "wording_digest": "abc",
    "release": "toy",
    "trained_on_wvs": False,
}


def guarded(reader: Reader, path: Path, people: Release) -> Any:
    """What a public server says of a rating file."""
    job = Job(path, people=str(people.root), public=True, replicates=50)
    with reader.read(job) as outcome:
        return outcome


def test_questions_of_few_people_are_not_scored(people) -> None:
    assert probe_questions(people) == ("Q1", "Q46")


def test_what_leaves_a_private_release(reader, people, tmp_path: Path) -> None:
    outcome = guarded(reader, write_ratings(tmp_path / "a.csv", RATINGS), people)
    assert outcome.ok, outcome.problems
    report = outcome.report
    assert [one.question_id for one in report.questions] == ["Q1", "Q46"]
    # Cumulative 1/4, 1/2, 1 against 1/4, 1/2, 3/4: a quarter over three steps, 0.0833.
    assert report.questions[0].extra == {"wasserstein": 0.08}
    assert report.questions[0].floor is None
    assert report.questions[0].alignment.estimate == 0.92
    assert report.questions[1].alignment.estimate == 1.0
    assert (report.countries, report.cells, report.tests) == ([], [], [])
    assert {one.kind for one in report.groups} == {"category"}
    assert "private-release" in {one.code for one in report.warnings}
    assert (report.coverage.expected, report.coverage.scored, report.coverage.share) == (80, 80, 1)
    assert {one.name for one in report.scores} == {
        "alignment", "wasserstein", "share_within_0.1", "share_within_0.2",
    }  # fmt: skip
    tables = report.protocols[1].tables
    assert set(tables["threshold_curves"]) == {"model"}
    assert "means" not in tables
    for score in report.scores:
        for end in (score.value.estimate, score.value.low, score.value.high):
            assert end is None or end == round(end, 3)


def test_at_home_everything_is_said(reader, people, tmp_path: Path) -> None:
    path = write_ratings(tmp_path / "a.csv", RATINGS)
    with reader.read(Job(path, people=str(people.root), replicates=50)) as outcome:
        report = outcome.report
        own = tmp_path / "own.json"
        own.write_bytes(outcome.report_path.read_bytes())
    assert [one.question_id for one in report.questions] == ["Q1", "Q46", "Q57"]
    assert report.questions[0].extra["accuracy"] == pytest.approx(0.75)
    assert "cell" in {one.kind for one in report.groups}
    with reader.read(Job(own)) as outcome:
        assert outcome.ok, outcome.problems


@pytest.mark.parametrize(
    ("ratings", "codes"),
    [
        # 35 of 40 people each: 87.5 % of the probe.
        ({"Q1": [1] * 35, "Q46": [1] * 35, "Q57": [1] * 20}, ["low-coverage"]),
        # One question for 20 people only: of 80 pairs 40 lie in questions that are covered.
        ({"Q1": [1] * 40, "Q46": [1] * 20}, ["low-coverage"]),
        ({"Q1": [1]}, ["low-coverage"]),
    ],
)
def test_an_upload_cannot_ask_about_few_people(
    reader, people, tmp_path: Path, ratings: dict[str, list[int]], codes: list[str]
) -> None:
    outcome = guarded(reader, write_ratings(tmp_path / "a.csv", ratings), people)
    assert [problem.code for problem in outcome.problems] == codes
    assert outcome.report is None


def test_questions_beside_the_probe_are_left_out(reader, people, tmp_path: Path) -> None:
    """They would be compared with whoever the upload names."""
    ratings = {**RATINGS, "Q2": [1] * 40}
    outcome = guarded(reader, write_ratings(tmp_path / "a.csv", ratings), people)
    assert [one.question_id for one in outcome.report.questions] == ["Q1", "Q46"]
    # Q2, which nobody of the probe was asked, and Q57, which 20 people were.
    assert {n.code: n.count for n in outcome.report.warnings}["other-questions"] == 60


def desk_of(reader: Reader, root: Path, people: Release | None, *, public: bool) -> Desk:
    """A desk over an empty store."""
    (root / "store" / "reports").mkdir(parents=True)
    store = Store(root / "store")
    private = root / "private"
    private.mkdir()
    limits = {"ratings": {"address": Quotas(private)._limits["ratings"]["address"][:1]}}
    book = open_submissions(store, private, quotas=Quotas(private, limits=limits))
    return Desk(
        store, open_release("reference"), reader=reader, book=book, people=people, public=public
    )


def test_without_a_private_release_the_local_command_is_named(reader, tmp_path: Path) -> None:
    desk = desk_of(reader, tmp_path, None, public=True)
    path = write_ratings(tmp_path / "a.csv", RATINGS)
    assert not desk.takes_ratings
    with desk.dry_run(Upload(path), Form(), Visitor()) as outcome:
        (problem,) = outcome.problems
    assert problem.code == "needs-individuals"
    assert "opinion-atlas score PREDICTIONS --release RELEASE" in problem.hint


def test_attempts_are_limited_and_the_same_file_costs_nothing(
    reader, people, tmp_path: Path
) -> None:
    desk = desk_of(reader, tmp_path, people, public=True)
    visitor = Visitor(account="ann", address="203.0.113.9")

    def ask(number: int) -> list[str]:
        ratings = {**RATINGS, "Q46": [1 + number // 4, *RATINGS["Q46"][1:]]}
        ratings["Q1"] = [1 + number % 4, *RATINGS["Q1"][1:]]
        path = write_ratings(tmp_path / "b.csv", ratings)
        with desk.dry_run(Upload(path), Form(), visitor) as outcome:
            return [problem.code for problem in outcome.problems]

    assert [ask(i) for i in range(5)] == [[]] * 5
    assert ask(4) == []
    assert ask(5) == ["quota"]
    assert ask(0) == []


def problem_codes(desk: Desk, path: Path, visitor: Visitor) -> list[str]:
    """What is wrong with a dry run."""
    with desk.dry_run(Upload(path), Form(), visitor) as outcome:
        return [problem.code for problem in outcome.problems]


def test_on_a_public_server_ratings_need_a_login(reader, people, tmp_path: Path) -> None:
    desk = desk_of(reader, tmp_path, people, public=True)
    path = write_ratings(tmp_path / "a.jsonl", RATINGS, **BOARD)
    nobody = Visitor(address="203.0.113.9")
    assert problem_codes(desk, path, nobody) == ["needs-login"]
    with pytest.raises(ContractError, match="logged in"):
        desk.submit(Upload(path), Form({"name": "Rater"}, accepts_licence=True), nobody)
    assert problem_codes(desk, path, Visitor(account="ann")) == []


def test_a_desk_at_home_that_others_reach_is_public(reader, people, tmp_path: Path) -> None:
    """As when a proxy sends others to a server that was started for its own machine."""
    desk = desk_of(reader, tmp_path, None, public=False)
    desk.rows = people
    path = write_ratings(tmp_path / "a.jsonl", RATINGS, **BOARD)
    with desk.dry_run(Upload(path), Form(), Visitor()) as outcome:
        assert outcome.report.questions[0].extra["accuracy"] == pytest.approx(0.75)
    desk.open_to_others()
    # Its own people are nobody's business then; those that were attached are guarded.
    assert problem_codes(desk, path, Visitor(account="ann")) == ["needs-individuals"]
    desk.people = people
    assert problem_codes(desk, path, Visitor()) == ["needs-login"]
    with desk.dry_run(Upload(path), Form(), Visitor(account="ann")) as outcome:
        assert outcome.report.questions[0].extra == {"wasserstein": 0.08}
    assert desk.book.moderated


def test_where_attempts_cannot_be_counted_nothing_is_scored(reader, people, tmp_path: Path) -> None:
    ann = Visitor(account="ann")
    path = write_ratings(tmp_path / "a.csv", RATINGS)
    desk = desk_of(reader, tmp_path, people, public=True)
    book, desk.book = desk.book, None
    assert not desk.takes_ratings
    assert problem_codes(desk, path, ann) == ["no-quota-book"]
    desk.book = book
    assert desk.takes_ratings
    # A book that is there and can be neither read nor written.
    quotas = tmp_path / "private" / "quotas.sqlite"
    quotas.unlink(missing_ok=True)
    quotas.write_bytes(b"no database" * 500)
    assert problem_codes(desk, path, ann) == ["no-quota-book"]


def own_report(reader: Reader, path: Path, people: Release, out: Path) -> Path:
    """The report that whoever holds the people makes at home."""
    with reader.read(Job(path, people=str(people.root), replicates=20)) as outcome:
        out.write_bytes(outcome.report_path.read_bytes())
    return out


def test_a_report_made_elsewhere_passes_the_same_guard(reader, people, tmp_path: Path) -> None:
    """Neither the file that is kept nor what is shown pairs a rating with its person."""
    ratings = {name: scores for name, scores in RATINGS.items() if name != "Q57"}
    small = toy_people(tmp_path / "small", {name: ANSWERS[name] for name in ratings})
    path = write_ratings(tmp_path / "a.jsonl", ratings, **BOARD)
    own = own_report(reader, path, small, tmp_path / "own.json")
    assert "accuracy" in own.read_text()
    desk = desk_of(reader, tmp_path, None, public=True)
    receipt = desk.submit(Upload(own), Form({"name": "Own"}, accepts_licence=True), Visitor())
    desk.book.approve(receipt.id, by="keeper")
    stored = (desk.store.reports_folder / f"{receipt.id}.json").read_text()
    for name in ("accuracy", "mean_absolute_error", "uniform", "majority", "group_wasserstein"):
        assert name not in stored
    report = desk.store.report(receipt.id)
    assert [one.extra for one in report.questions] == [{"wasserstein": 0.08}, {"wasserstein": 0.0}]
    assert "ratings-withheld" in {one.code for one in report.warnings}


def test_a_report_of_few_people_made_elsewhere_is_refused(reader, people, tmp_path: Path) -> None:
    # Q57 was rated for 20 people, 20 of its probe.
    own = own_report(
        reader, write_ratings(tmp_path / "a.jsonl", RATINGS, **BOARD), people, tmp_path / "a.json"
    )
    # Twelve of 100 pairs.
    few = own_report(
        reader,
        write_ratings(tmp_path / "b.jsonl", {"Q1": [1] * 12}, **BOARD),
        people,
        tmp_path / "b.json",
    )
    for report, codes in ((own, ["few-people"]), (few, ["low-coverage", "few-people"])):
        with reader.read(Job(report, public=True)) as outcome:
            assert [problem.code for problem in outcome.problems] == codes


def test_a_board_at_home_keeps_and_shows_no_more(reader, people, tmp_path: Path) -> None:
    """Nor does it show more of a report that an earlier version has stored whole."""
    desk = desk_of(reader, tmp_path, people, public=False)
    path = write_ratings(tmp_path / "a.jsonl", RATINGS, **BOARD)
    receipt = desk.submit(Upload(path), Form({"name": "Rater"}, accepts_licence=True), Visitor())
    desk.book.approve(receipt.id, by="keeper")
    stored = desk.store.reports_folder / f"{receipt.id}.json"
    assert "accuracy" not in stored.read_text()
    own_report(reader, path, people, stored)
    assert "accuracy" in stored.read_text()
    desk.store.ensure_index(force=True)
    report = desk.store.report(receipt.id)
    assert {one.name for one in report.scores} <= {
        "alignment", "wasserstein", "share_within_0.1", "share_within_0.2",
    }  # fmt: skip
    with desk.store.connect() as db:
        names = {row[0] for row in db.execute("SELECT DISTINCT name FROM scores")}
        kinds = {row[0] for row in db.execute("SELECT DISTINCT kind FROM parts")}
    assert names & {"accuracy", "mean_absolute_error", "uniform_skill"} == set()
    assert kinds == {"question", "category"}


def test_a_rescore_guards_again(reader, people, tmp_path: Path) -> None:
    desk = desk_of(reader, tmp_path, people, public=True)
    path = write_ratings(tmp_path / "a.jsonl", RATINGS, **BOARD)
    form = Form({"name": "Rater"}, accepts_licence=True)
    receipt = desk.submit(Upload(path), form, Visitor(account="ann"))
    desk.book.approve(receipt.id, by="keeper")
    # An owner's own report that stands there whole is cut when it is scored again.
    whole = own_report(reader, path, people, tmp_path / "store" / "reports" / "own.json")
    predictions = desk.store.predictions_path(receipt.id)
    shutil.copy(predictions, predictions.with_name("own.jsonl"))
    outcomes = list(rescore(desk.store, source=str(people.root), everything=True))
    assert "accuracy" not in whole.read_text()
    assert [one.outcome for one in outcomes] == ["new", "new"]
    report = desk.store.report(receipt.id)
    assert "private-release" in {one.code for one in report.warnings}
    assert [one.question_id for one in report.questions] == ["Q1", "Q46"]
    assert {one.kind for one in report.groups} <= {"category"}


def test_a_release_without_people_is_not_attached(people, monkeypatch, tmp_path: Path) -> None:
    assert attached_release() is None
    monkeypatch.setenv(PEOPLE_VARIABLE, str(people.root))
    assert attached_release().root == people.root
    for name in ("reference", str(tmp_path / "nothing")):
        assert attached_release(name) is None


def test_a_probe_of_few_people_is_of_no_use(tmp_path: Path) -> None:
    small = toy_people(tmp_path / "small", {"Q1": [1, 2] * 10})
    with pytest.raises(ContractError, match="at least 30"):
        probe_questions(small)
