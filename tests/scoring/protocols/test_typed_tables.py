"""What the scorers write is what the protocols' models hold: no table, no field is lost."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from contracts.digests import plain
from contracts.release.read import open_release
from contracts.report import Report, read_report, write_report
from contracts.report_tables.check import typed_tables
from scoring import score

COUNTS = {
    (wave, country, "", name): [40, 30, 20, 10] if name == "Q1" else [10, 20, 30, 40]
    for wave in (6, 7)
    for country in ("DEU", "CHL", "JPN", "USA", "BRA")
    for name in ("Q1", "Q2", "Q3")
}


def check(report: Report, path: Any, *protocols: str) -> None:
    """The tables of each protocol, through a file and through its model."""
    write_report(report, path)
    for one in read_report(path).protocols:
        if one.protocol in protocols:
            found = typed_tables(one)
            assert found is not None
            assert len(one.tables) > 3
            assert list(found.to_json()) == list(one.tables)
            assert plain(found.to_json()) == one.tables


def test_alignment_and_judgments(
    toy_release: Callable[..., Any],
    toy_predictions: Callable[..., Any],
    record: Callable[..., Any],
    tmp_path: Any,
) -> None:
    answers = {"Q1": [0.7, 0.1, 0.1, 0.1], "Q2": [0.1, 0.2, 0.3, 0.4], "Q3": [0, 0.5, 0.5, 0]}
    predictions = toy_predictions([record(name, shares) for name, shares in answers.items()])
    report = score(predictions, toy_release(COUNTS), questions=list(answers), replicates=20)
    check(report, tmp_path / "report.json", "alignment", "judgments")


def test_worldvaluesbench(
    people_release: Callable[..., Any], toy_predictions: Callable[..., Any], tmp_path: Any
) -> None:
    people = [(11 + n, "urban", "tertiary", {"Q1": 1 + n % 4}) for n in range(5)]
    ratings = [{"question_id": "Q1", "participant": 11 + n, "score": 2} for n in range(5)]
    report = score(toy_predictions(ratings, "rating"), people_release(people), replicates=20)
    check(report, tmp_path / "report.json", "worldvaluesbench")


def test_advice(toy_predictions: Callable[..., Any], tmp_path: Any) -> None:
    rows = [
        {"prompt_id": f"ind-{n:02d}", "country": country, "approach": approach, "side": side}
        for country, side in (("DEU", "high"), ("USA", "high"), ("JPN", "low"), ("CHN", "low"))
        for approach in ("persona", "language")
        for n in range(1, 4)
    ]
    rows += [{"prompt_id": "ind-01", "approach": "none", "side": "high"}]
    report = score(toy_predictions(rows, "advice"), open_release("reference"), replicates=20)
    check(report, tmp_path / "report.json", "advice")
