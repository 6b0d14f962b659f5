"""The index: what it takes from reports, when it is rebuilt, what it leaves out."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3

import numpy as np
import pytest
from waiting import wait_until

from codebook.wordings.wording import wording
from contracts.errors import ContractError
from contracts.report import Interval, Score, write_report
from space.board.columns import FACETS
from space.board.facts import read_facts
from space.board.index import read_grid
from space.board.page import read_board
from space.board.query import BoardQuery
from space.board.rows import comparison_key, grid_of, row_kind, wilson, wording_label
from space.board.store import open_store


@pytest.fixture
def store(sample_root, tmp_path):
    """A copy of the sample store that a test may change."""
    shutil.copytree(sample_root, tmp_path / "store")
    store = open_store(tmp_path / "store")
    store.look_every = 0.0
    store.ensure_index(force=True)
    return store


def rows(store):
    """Rows of the default view by id."""
    store.ensure_index(force=True)
    return {row["row_id"]: row for row in read_board(store, BoardQuery()).rows}


def test_a_row_says_what_its_report_says(store) -> None:
    report = store.report("heron-70b")
    row = rows(store)["heron-70b"]
    assert row["cells"]["alignment"]["estimate"] == report.score("alignment").value.estimate
    assert row["parameters"] == 70
    assert (row["family"], row["size"], row["open_weights"]) == ("heron", "40B and more", "open")
    assert row["release"] == f"{report.release.name} {report.release.version}"
    assert row["coverage"] == report.coverage.share


def test_baselines_are_rows_of_their_own_kind_without_rank(store) -> None:
    found = rows(store)
    for name in ("uniform", "world-average"):
        assert found[name]["kind"] == "baseline"
        assert found[name]["rank"] is None


def test_ranked_only_among_equals(store) -> None:
    found = rows(store)
    equals = ["heron-70b", "ibis-large", "heron-8b", "ibis-small"]
    assert {found[name]["ranked"] for name in equals} == {4}
    for other in ("heron-70b-persona", "ibis-large-de", "sneaky"):
        assert found[other]["ranked"] == 1
    order = sorted(equals, key=lambda name: -found[name]["cells"]["alignment"]["estimate"])
    assert [found[name]["rank"] for name in order] == [1, 2, 3, 4]


def test_comparison_key_tells_conditions_apart(samples, store) -> None:
    report = store.report("heron-70b")
    key = comparison_key(report, row_class="uploaded")
    assert key
    assert key != comparison_key(report, row_class="verified")
    for field in ("method", "steering", "language", "wording", "wording_digest"):
        meta = report.predictions.meta.model_copy(update={field: "other"})
        other = report.model_copy(
            update={"predictions": report.predictions.model_copy(update={"meta": meta})}
        )
        assert comparison_key(other, row_class="uploaded") != key, field
    for field, setting in (("mode", "paper"), ("questions", "all"), ("wave", 6), ("split", "test")):
        settings = report.settings.model_copy(update={field: setting})
        other = report.model_copy(update={"settings": settings})
        assert comparison_key(other, row_class="uploaded") != key, field
    assert comparison_key(store.report("uniform"), row_class="uploaded") == ""


def test_partial_answers_are_not_ranked(store) -> None:
    path = store.reports_folder / "ibis-small.json"
    report = store.report("ibis-small")
    refused = round(report.coverage.expected * 0.06) + 1
    scored = report.coverage.expected - refused
    coverage = report.coverage.model_copy(
        update={"scored": scored, "refused": refused, "share": scored / report.coverage.expected}
    )
    write_report(report.model_copy(update={"coverage": coverage}), path)
    found = rows(store)
    assert found["ibis-small"]["rank"] is None
    assert found["heron-70b"]["ranked"] == 3


def test_index_follows_new_changed_and_removed_reports(store, samples) -> None:
    before = rows(store)
    (store.reports_folder / "sneaky.json").unlink()
    people = samples.sample_people(["DEU", "JPN"], ["Q1", "Q46"])
    report = samples.sample_report("newcomer", people, skill=0.5, seed=99)
    write_report(report, store.reports_folder / "newcomer.json")
    changed = store.report("ibis-large").model_copy(update={"scorer_version": "2.0"})
    write_report(changed, store.reports_folder / "ibis-large.json")
    after = rows(store)
    assert set(after) == set(before) - {"sneaky"} | {"newcomer"}
    assert after["ibis-large"]["scorer_version"] == "2.0"
    # The newcomer was asked other cells, and another major version scored the changed one.
    assert (before["heron-8b"]["ranked"], after["heron-8b"]["ranked"]) == (4, 3)
    assert after["newcomer"]["ranked"] == 1
    assert after["ibis-large"]["ranked"] == 1
    assert read_facts(store).scorers == ("1.0", "2.0")


def test_an_incremental_index_equals_one_from_nothing(store, samples) -> None:
    people = samples.sample_people(["DEU", "JPN"], ["Q1", "Q46"])
    report = samples.sample_report("newcomer", people, skill=0.5, seed=99)
    write_report(report, store.reports_folder / "newcomer.json")
    incremental = rows(store)
    store.index_path.unlink()
    assert rows(store) == incremental


def test_serving_goes_on_while_the_index_is_rebuilt(store) -> None:
    (store.reports_folder / "sneaky.json").unlink()
    wait_until(lambda: len(read_board(store, BoardQuery()).rows) == 8, "the index is not rebuilt")


def test_a_store_in_which_nothing_came_or_went_is_not_listed_over_and_over(
    store, samples, monkeypatch
) -> None:
    listings: list[None] = []
    listed = type(store).report_files

    def counted(self):
        listings.append(None)
        return listed(self)

    monkeypatch.setattr(type(store), "report_files", counted)
    for folder in (store.reports_folder, store.predictions_folder, store.root / "entries"):
        if folder.is_dir():
            os.utime(folder, (1e9, 1e9))
    store.ensure_index(force=True)
    for _ in range(3):
        store._build_behind()
    assert len(listings) == 1
    # What comes changes its folder, and is found.
    write_report(
        samples.sample_report("new", samples.sample_people(["DEU"], ["Q1"]), skill=0.5, seed=99),
        store.reports_folder / "new.json",
    )
    store._build_behind()
    assert "new" in {row["row_id"] for row in read_board(store, BoardQuery()).rows}


def test_a_folder_that_has_just_changed_is_looked_at_once_more(store) -> None:
    os.utime(store.reports_folder)
    store.ensure_index(force=True)
    assert not store._is_quiet()


def test_a_broken_report_is_left_out_and_listed(store) -> None:
    (store.reports_folder / "broken.json").write_text('{"schema_version": "1.0"}')
    (store.reports_folder / "binary.json").write_bytes(b"\xff\xfe\x00")
    found = rows(store)
    assert "broken" not in found
    assert "binary" not in found
    assert len(found) == 9
    problems = dict(read_facts(store).problems)
    assert set(problems) == {"broken", "binary"}
    assert "scorer_version" in problems["broken"]


def test_an_unreadable_index_is_built_anew(store) -> None:
    store.index_path.write_bytes(b"no database")
    assert len(rows(store)) == 9


def test_class_comes_from_entry_then_predictions(store) -> None:
    (store.root / "entries").mkdir(exist_ok=True)
    (store.root / "entries" / "heron-8b.json").write_text(json.dumps({"class": "verified"}))
    (store.root / "entries" / "ibis-large.json").write_text("no json")
    store.predictions_folder.mkdir(exist_ok=True)
    (store.predictions_folder / "ibis-small.jsonl").write_text("{}\n")
    found = rows(store)
    assert found["heron-8b"]["class"] == "verified"
    assert found["ibis-small"]["class"] == "uploaded"
    assert found["ibis-large"]["class"] == "self-reported"


def test_grid_holds_the_cells(store) -> None:
    report = store.report("heron-8b")
    grid = grid_of(report)
    with sqlite3.connect(store.index_path) as db:
        countries, questions, alignment = read_grid(db, "heron-8b")
    assert (tuple(countries), tuple(questions)) == (grid.countries, grid.questions)
    for cell in report.cells:
        at = countries.index(cell.country), questions.index(cell.question_id)
        assert alignment[at] == pytest.approx(cell.alignment, abs=1e-6)
    assert np.isfinite(alignment).sum() == len(report.cells)


def test_unknown_rows_and_stores_are_errors(store, tmp_path) -> None:
    with pytest.raises(ContractError, match=r"no row '\.\./secret'"):
        store.report("../secret")
    with pytest.raises(ContractError, match="no store at"):
        open_store(tmp_path / "nowhere")


def test_kind_of_a_ceiling(store) -> None:
    report = store.report("uniform")
    meta = report.predictions.meta.model_copy(update={"name": "human ceiling"})
    named = report.predictions.model_copy(update={"meta": meta})
    assert row_kind(report.model_copy(update={"predictions": named})) == "ceiling"


def test_wilson_interval_against_a_worked_example() -> None:
    # Newcombe (1998), Stat. Med. 17, 857-872, table I: 81 of 263, method 3: 0.2553 to 0.3662.
    low, high = wilson(81 / 263, 263)
    assert (round(low, 4), round(high, 4)) == (0.2553, 0.3662)
    # The same table: 0 of 20 gives 0 to 0.1611.
    low, high = wilson(0.0, 20)
    assert (low, round(high, 4)) == (0.0, 0.1611)


def test_the_human_ceiling_is_a_row_of_its_own(store) -> None:
    from space.server.static_site import board_payload

    path = store.reports_folder / "world-average.json"
    report = store.report("world-average")
    ceilings = {country.country: 0.97 + at / 1000 for at, country in enumerate(report.countries)}
    countries = [
        country.model_copy(update={"ceiling": ceilings[country.country]})
        for country in report.countries
    ]
    write_report(report.model_copy(update={"countries": countries}), path)
    found = rows(store)
    row = found["human-ceiling-world-average"]
    assert (row["kind"], row["name"], row["rank"]) == ("ceiling", "human ceiling", None)
    mean = sum(ceilings.values()) / len(ceilings)
    assert row["cells"]["alignment"]["estimate"] == pytest.approx(mean)
    payload = board_payload(store)
    assert [one["row_id"] for one in payload["ceilings"]] == ["human-ceiling-world-average"]
    assert len(payload["rows"]) == read_facts(store).reports == 9
    part = payload["ceilings"][0]["parts"]["country:DEU"]["estimate"]
    assert part == pytest.approx(ceilings["DEU"])
    assert row["cells"]["alignment"]["low"] is None
    # A report that holds the ceiling over all countries gives the row its interval.
    value = Interval(estimate=0.98, low=0.97, high=0.99)
    scores = [*report.scores, Score(name="human_ceiling", value=value, questions=4)]
    write_report(report.model_copy(update={"countries": countries, "scores": scores}), path)
    cell = rows(store)["human-ceiling-world-average"]["cells"]["alignment"]
    assert (cell["estimate"], cell["low"], cell["high"]) == (0.98, 0.97, 0.99)
    # It goes with the report that it comes from.
    path.unlink()
    assert set(rows(store)) == set(found) - {"world-average", "human-ceiling-world-average"}


def test_a_row_says_that_its_wording_is_machine_drafted(store) -> None:
    meta = store.report("heron-70b").predictions.meta
    digest = wording("en").digest
    ours = meta.model_copy(
        update={"wording": "atlas", "wording_digest": digest, "language": "en", "baseline": False}
    )
    assert wording_label(ours) == "atlas, machine-drafted wording"
    other = ours.model_copy(update={"wording": "official", "wording_digest": "o"})
    assert wording_label(other) == "official"
    before = ours.model_copy(update={"wording_digest": "d" * 64})
    assert wording_label(before) == "atlas, machine-drafted wording of another version"
    several = {
        "wordings": {
            "en": {"name": "atlas", "digest": digest},
            "de": {"name": "atlas", "digest": "d"},
        }
    }
    mixed = ours.model_copy(update={"language": "own", "extra": several})
    assert wording_label(mixed) == "atlas, machine-drafted wording of another version"
    dilemmas = before.model_copy(update={"protocol": "advice"})
    assert wording_label(dilemmas) == "atlas"
    for facet in ("language", "wave"):
        assert facet in FACETS
