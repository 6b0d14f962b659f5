"""The store and the real scorer: baselines, rescoring, classes."""

from __future__ import annotations

import json

import pytest

from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import write_predictions
from contracts.release.read import open_release
from contracts.report import read_report, write_report
from space.board.page import read_board
from space.board.query import BoardQuery
from space.board.seed import add_predictions
from space.board.store import open_store
from space.server.rescore import plan_rescore, rescore

QUESTIONS = ("Q1", "Q2", "Q3", "Q46", "Q57", "Q106", "Q199", "Q235")


@pytest.fixture(scope="module")
def scored_root(tmp_path_factory):
    """A store with one real predictions file, scored on the reference."""
    from codebook.questions import questions

    root = tmp_path_factory.mktemp("scored")
    records = []
    for question_id in QUESTIONS:
        codes = questions()[question_id].scale.codes
        shares = {code: 1 / len(codes) for code in codes}
        records.append({"question_id": question_id, "country": "", "group": "", "shares": shares})
    path = write_predictions(
        root / "even.jsonl",
        records,
        meta=PredictionsMeta(name="even", model="org/even", method="verbalized"),
        kind="distribution",
    )
    store = open_store(root / "store", create=True)
    add_predictions(store, path, release=open_release("reference"), row_class="verified")
    return root / "store"


@pytest.fixture
def scored_store(scored_root, tmp_path):
    """A copy of it that a test may change."""
    import shutil

    shutil.copytree(scored_root, tmp_path / "store")
    return open_store(tmp_path / "store")


def row(store):
    """The board's one row of a model; beside it stands the ceiling of its comparison group."""
    store.ensure_index(force=True)
    found = [one for one in read_board(store, BoardQuery()).rows if one["kind"] == "model"]
    assert len(found) == 1
    return found[0]


def test_a_scored_file_becomes_a_row(scored_store) -> None:
    found = row(scored_store)
    report = scored_store.report("even")
    assert (found["name"], found["class"], found["kind"]) == ("even", "verified", "model")
    assert found["cells"]["alignment"]["estimate"] == report.score("alignment").value.estimate
    assert found["cells"]["worth_people"]["estimate"] == report.score("worth_people").value.estimate
    # An even answer is what the skill score compares with.
    assert report.score("uniform_skill").value.estimate == pytest.approx(0, abs=1e-9)
    # All of what was asked, a part of the question set.
    assert found["coverage"] == pytest.approx(1)
    assert report.coverage.share < 0.95


def test_the_raw_answer_is_found(scored_store) -> None:
    from space.board.files.raw_answers import find_answer

    record = json.loads(find_answer(scored_store, "even", country="DEU", question_id="Q46"))
    assert record["question_id"] == "Q46"
    assert find_answer(scored_store, "even", country="DEU", question_id="Q9") is None


def test_rescore_leaves_what_is_current_alone(scored_store) -> None:
    before = scored_store.report_files()
    outcomes = list(rescore(scored_store, source="reference"))
    assert [(one.row_id, one.outcome) for one in outcomes] == [("even", "current")]
    assert scored_store.report_files() == before


def test_rescore_rebuilds_the_report_of_an_older_scorer(scored_store) -> None:
    path = scored_store.reports_folder / "even.json"
    now = read_report(path)
    write_report(now.model_copy(update={"scorer_version": "0.1", "scores": []}), path)
    planned = plan_rescore(scored_store, open_release("reference"), everything=False)
    assert [one.outcome for one in planned] == ["new"]
    assert read_report(path).scorer_version == "0.1"
    assert [one.outcome for one in rescore(scored_store, source="reference")] == ["new"]
    assert read_report(path) == now
    kept = list((scored_store.root / "archive").glob("even-0.1-*.json"))
    assert len(kept) == 1
    assert row(scored_store)["scorer_version"] == now.scorer_version


def test_rescore_with_several_processes_gives_the_same_reports(scored_store) -> None:
    path = scored_store.reports_folder / "even.json"
    now = read_report(path)
    older = now.model_copy(update={"scorer_version": "0.1", "scores": []})
    for name in ("even", "twin", "third"):
        write_report(older, scored_store.reports_folder / f"{name}.json")
        copy = scored_store.predictions_folder / f"{name}.jsonl"
        copy.write_bytes(scored_store.predictions_path("even").read_bytes())
    (scored_store.reports_folder / "broken.json").write_text("{}")
    outcomes = list(rescore(scored_store, source="reference", jobs=2))
    assert [(one.row_id, one.outcome) for one in outcomes] == [
        ("broken", "failed"),
        ("even", "new"),
        ("third", "new"),
        ("twin", "new"),
    ]
    for name in ("even", "twin", "third"):
        assert read_report(scored_store.reports_folder / f"{name}.json").scores == now.scores


def test_rescore_says_what_it_cannot_do(scored_store) -> None:
    path = scored_store.reports_folder / "even.json"
    old = read_report(path).model_copy(update={"scorer_version": "0.1"})
    write_report(old, path)
    (scored_store.reports_folder / "broken.json").write_text("{}")
    other = old.release.model_copy(update={"name": "elsewhere"})
    elsewhere = old.model_copy(update={"release": other})
    write_report(elsewhere, scored_store.reports_folder / "foreign.json")
    source = scored_store.predictions_path("even")
    (scored_store.predictions_folder / "foreign.jsonl").write_text(source.read_text())
    write_report(old, scored_store.reports_folder / "alone.json")
    source.write_text("not a predictions file\n")
    found = {one.row_id: one.outcome for one in rescore(scored_store, source="reference")}
    assert found == {
        "alone": "no predictions",
        "broken": "failed",
        "even": "failed",
        "foreign": "other release",
    }
    assert read_report(path) == old


@pytest.fixture(scope="module")
def advice_store(tmp_path_factory):
    """A store with real scores of advice that leans with Hofstede's individualism."""
    from codebook.countries import countries
    from codebook.dilemmas.dilemma import dilemmas

    root = tmp_path_factory.mktemp("advice")
    asked = [one for one in dilemmas().values() if one.dimension == "individualism"][:10]
    records = [
        {
            "prompt_id": one.dilemma_id,
            "country": country.country,
            "approach": "persona",
            "language": "en",
            "option_order": "",
            "repeat": 0,
            "side": "high" if 10 * at < country.hofstede.scores["individualism"] else "low",
        }
        for country in countries().values()
        if country.hofstede
        for at, one in enumerate(asked)
    ]
    path = write_predictions(
        root / "adviser.jsonl",
        records,
        meta=PredictionsMeta(name="adviser", model="org/adviser", method="forced_choice"),
        kind="advice",
    )
    store = open_store(root / "store", create=True)
    add_predictions(store, path, release=open_release("reference"), row_class="uploaded")
    return store


def test_advice_has_its_own_column_and_tables(advice_store) -> None:
    from space.render.model import model_html

    found = row(advice_store)
    assert found["protocols"] == "advice"
    assert found["cells"]["advice_r"]["estimate"] > 0.9
    assert found["cells"].get("alignment", {}).get("estimate") is None
    assert found["rank"] is None
    page = model_html(advice_store, "adviser")
    assert "Advice: correlation with Hofstede" in page
    assert "individualism" in page
