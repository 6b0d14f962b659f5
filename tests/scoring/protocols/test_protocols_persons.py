"""Persons files scored whole: structure, shares, gaps, and what cannot be scored."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy import stats

import codebook
from codebook.batteries import batteries
from contracts.digests import plain
from contracts.errors import ContractError
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import Predictions, read_predictions, write_predictions
from contracts.release.read import open_release
from contracts.report import Report
from contracts.report_tables.persons import PersonsTables
from scoring.engine import score
from scoring.structure.people import read_structure
from scoring.structure.persons import as_distributions

QUESTIONS = (*batteries()["gender"].questions, *batteries()["justifiable"].questions)
COUNTRIES = ("AUS", "KEN", "URY")
PERSONS = 250


@pytest.fixture(scope="module")
def reference():
    return open_release("reference")


def _people_shares(reference) -> dict[tuple[str, str], np.ndarray]:
    table = reference.table("distributions").to_pandas()
    table = table[(table.wave == 7) & (table.group == "") & (table.split == "all")]
    table = table[table.country.isin(COUNTRIES) & table.question_id.isin(QUESTIONS)]
    found = {}
    for (country, question), part in table.groupby(["country", "question_id"], observed=True):
        part = part.dropna(subset=["code"]).sort_values("position")
        shares = np.zeros(len(codebook.questions()[question].scale.codes))
        shares[part.position.astype(int)] = part.weighted_share
        found[country, question] = shares / shares.sum()
    return found


def _records(
    reference, *, dependent: bool, groups: tuple[str, ...] = ("",), shift: float = 0.0
) -> Iterator[dict[str, Any]]:
    """Persons with people's marginals; their answers hang together as people's, or not at all."""
    structures = read_structure(reference, QUESTIONS)
    shares = _people_shares(reference)
    random = np.random.default_rng(3)
    for country in COUNTRIES:
        matrix = np.nan_to_num(structures[country].correlations)
        np.fill_diagonal(matrix, 1.0)
        values, vectors = np.linalg.eigh(matrix)
        root = vectors * np.sqrt(np.maximum(values, 0))
        draws = random.normal(size=(PERSONS, len(QUESTIONS)))
        scores = draws @ root.T if dependent else draws
        scores /= scores.std(axis=0)
        for person in range(PERSONS):
            group = groups[person % len(groups)]
            for column, question in enumerate(QUESTIONS):
                if (country, question) not in shares:
                    continue
                level = stats.norm.cdf(scores[person, column] + shift * (person % len(groups)))
                place = int(np.searchsorted(np.cumsum(shares[country, question])[:-1], level))
                yield {
                    "person_id": str(person),
                    "country": country,
                    "group": group,
                    "question_id": question,
                    "code": codebook.questions()[question].scale.codes[place],
                }


def _file(path: Path, records: Iterator[dict[str, Any]]) -> Predictions:
    meta = PredictionsMeta(model="toy/persons", steering="persona", method="persons")
    return read_predictions(write_predictions(path, records, meta=meta, kind="persons"))


@pytest.fixture(scope="module")
def reports(reference, tmp_path_factory) -> dict[bool, Report]:
    folder = tmp_path_factory.mktemp("persons")
    return {
        dependent: score(
            _file(folder / f"{dependent}.parquet", _records(reference, dependent=dependent)),
            reference,
            questions=QUESTIONS,
            replicates=40,
            seed=4,
        )
        for dependent in (True, False)
    }


def _value(report: Report, name: str) -> float:
    found = report.score(name)
    assert found is not None
    assert found.value.estimate is not None
    return found.value.estimate


def test_shares_alone_cannot_tell_what_structure_tells(reports) -> None:
    together, apart = reports[True], reports[False]
    for report in (together, apart):
        assert _value(report, "alignment") > 0.96
        assert _value(report, "variance_ratio") == pytest.approx(1, abs=0.15)
        assert _value(report, "distinct_persons") > 0.9
    # Coarse scales weaken the correlations of the normal scores behind them.
    assert _value(together, "structure") > 0.75
    assert _value(apart, "structure") <= 0.05
    value = together.score("structure").value
    assert value.low <= value.estimate <= value.high
    assert value.high - value.low < 0.2
    scored = [entry.country for entry in together.countries if entry.alignment.estimate is not None]
    assert scored == list(COUNTRIES)


def test_tables_hold_both_sides(reports) -> None:
    (result,) = [one for one in reports[False].protocols if one.protocol == "persons"]
    rows = {row["battery"]: row for row in result.tables["batteries"]}
    assert set(rows) == {"gender", "justifiable"}
    assert abs(rows["justifiable"]["alpha_model"]) < 0.15
    assert rows["justifiable"]["alpha_people"] > 0.75
    assert rows["justifiable"]["questions"] <= 19
    assert [row["country"] for row in result.tables["countries"]] == list(COUNTRIES)
    assert result.tables["countries"][0]["persons"] == PERSONS


def test_same_seed_same_report(reference, tmp_path) -> None:
    file = _file(tmp_path / "p.parquet", _records(reference, dependent=True))
    first, second = (score(file, reference, replicates=20, seed=1) for _ in range(2))
    assert first.digest == second.digest
    other = score(file, reference, replicates=20, seed=2)
    assert other.score("structure").value.estimate == first.score("structure").value.estimate


def test_planted_gap_shows_in_its_direction(reference, tmp_path) -> None:
    """Everybody of the second group answers higher: gaps of one sign, larger than people's."""
    groups = ("sex=male", "sex=female")
    found = {}
    for shift in (0.6, -0.6):
        records = _records(reference, dependent=True, groups=groups, shift=shift)
        file = _file(tmp_path / f"g{shift}.parquet", records)
        report = score(file, reference, questions=QUESTIONS, replicates=20)
        (result,) = [one for one in report.protocols if one.protocol == "persons"]
        (row,) = [one for one in result.tables["gaps"] if one["variable"] == "sex"]
        assert row["gaps"] >= 5
        found[shift] = row
    # Women are more often against inequality: gaps of either sign add to one.
    assert found[0.6]["same_sign"] + found[-0.6]["same_sign"] == pytest.approx(1, abs=0.25)


def test_shares_of_persons() -> None:

    import pyarrow as pa

    from contracts.predictions.persons import persons_schema

    rows = [
        {"person": n, "person_id": str(n), "country": "JPN", "group": "", "question_id": "Q1"}
        for n in range(4)
    ]
    for row, position in zip(rows, (0, 0, 3, None), strict=True):
        row |= {"code": None if position is None else position + 1, "position": position}
    table = pa.Table.from_pylist(rows, schema=persons_schema())
    source: Any = object()
    file = Predictions(PredictionsMeta(), "persons", "x", "", 4, {}, (), source, table=table)
    cells = as_distributions(file).cells
    assert cells is not None
    assert cells.to_pylist()[0]["shares"] == pytest.approx([2 / 3, 0, 0, 1 / 3])


def test_too_few_persons_have_shares_and_the_reason(reference, tmp_path) -> None:
    records = [
        {"person_id": str(n), "country": "KEN", "group": "", "question_id": name, "code": 1}
        for name in QUESTIONS[:3]
        for n in range(25)
    ]
    file = _file(tmp_path / "few.jsonl", iter(records))
    report = score(file, reference, replicates=20)
    assert report.score("alignment") is not None
    assert report.score("structure") is None
    (result,) = [one for one in report.protocols if one.protocol == "persons"]
    assert not result.applies
    assert "persons of KEN: 25, questions of gender with 20 answers: 3" in result.reason


def test_persons_of_whom_nothing_can_be_scored_are_refused(reference, tmp_path) -> None:
    records = [{"person_id": "1", "country": "CHN", "group": "", "question_id": "Q1", "code": 1}]
    file = _file(tmp_path / "none.jsonl", iter(records))
    with pytest.raises(ContractError, match="neither structure nor shares"):
        score(file, reference, replicates=20)


def test_answers_that_are_all_alike_have_no_structure(reference, tmp_path) -> None:
    """A model that gives every person the most frequent answer is scored, at 0."""
    records = [
        {"person_id": str(n), "country": "KEN", "group": "", "question_id": name, "code": 1}
        for name in QUESTIONS
        for n in range(40)
    ]
    report = score(_file(tmp_path / "alike.jsonl", iter(records)), reference, replicates=20)
    assert _value(report, "structure") == pytest.approx(0, abs=1e-6)
    assert _value(report, "distinct_persons") == pytest.approx(1 / 40)
    (result,) = [one for one in report.protocols if one.protocol == "persons"]
    rows = {row["battery"]: row for row in result.tables["batteries"]}
    assert rows["gender"]["questions"] == len(batteries()["gender"].questions)


def test_the_tables_are_those_of_the_model(reports) -> None:
    (result,) = [one for one in reports[False].protocols if one.protocol == "persons"]
    found = reports[False].tables_of(PersonsTables)
    assert plain(found.to_json()) == plain(result.tables)
    assert [list(row) for row in found.to_json()["batteries"]] == [
        list(row) for row in result.tables["batteries"]
    ]
    assert found.countries is not None
    assert [row.country for row in found.countries] == list(COUNTRIES)
