"""Tables of reports as models: what is written, what is read, what is refused."""

from __future__ import annotations

import json
from typing import ClassVar

import pytest

from contracts.errors import ContractError
from contracts.report import Interval, ProtocolResult, ProtocolTables, Report
from contracts.report_tables.advice import AdviceTables
from contracts.report_tables.alignment import (
    AlignmentTables,
    AverageHumanRow,
    CellGrid,
    ConsistencyRow,
    WaveChange,
    WaveRow,
    WaveTable,
)
from contracts.report_tables.check import table_problems, typed_tables
from contracts.report_tables.curves import ThresholdCurve
from contracts.specs import ProtocolSpec, declared, load, protocol_specs
from contracts.studies import TrendChange, TrendRow

GRID = {"countries": ["DEU"], "questions": ["Q1", "Q2"], "scores": [[0.5, None]]}


def report(*results: ProtocolResult) -> Report:
    """A report of which only the protocols matter."""
    return Report.model_construct(protocols=list(results))


def result(
    protocol: str = "alignment", *, applies: bool = True, **tables: object
) -> ProtocolResult:
    return ProtocolResult.model_validate(
        {"protocol": protocol, "applies": applies, "tables": tables}
    )


def test_only_the_fields_that_were_given_are_written_in_their_order() -> None:
    table = WaveTable(tau=0.02, rows=[], reason="no second wave")
    assert table.to_json() == {"tau": 0.02, "rows": [], "reason": "no second wave"}
    row = WaveRow(wave=7, countries_kind="selected", alignment=Interval(estimate=None))
    # An interval always has its three ends, also within a row.
    assert json.dumps(row.to_json()) == (
        '{"wave": 7, "countries_kind": "selected", '
        '"alignment": {"estimate": null, "low": null, "high": null}}'
    )
    later = row.model_copy(update={"reason": "1 country remains"})
    assert list(later.to_json())[-1] == "reason"


def test_names_that_are_no_identifiers_are_written_as_they_are() -> None:
    fields = {"country": "DEU", "leave-one-out": 0.8, "difference_leave-one-out": -0.1}
    row = AverageHumanRow.model_validate(fields)
    assert (row.leave_one_out, row.pooled) == (0.8, None)
    assert row.to_json() == fields


def test_a_row_of_a_study_begins_with_its_report() -> None:
    row = TrendRow(report="m", wave=7, countries_kind="selected")
    assert list(row.to_json()) == ["report", "wave", "countries_kind"]
    change = WaveChange(first=5, last=7, difference=None, p_value=None, questions=0)
    fields = {"report": "m", **change.to_json(), "nearer_first": 1, "nearer_last": 2}
    assert list(TrendChange.model_validate(fields).to_json()) == list(fields)


def test_tables_of_a_protocol() -> None:
    found = report(result("judgments"), result(question_scores=GRID)).tables_of(AlignmentTables)
    assert found.question_scores == CellGrid.model_validate(GRID)
    assert found.waves is None


@pytest.mark.parametrize(
    "results", [(), (result(applies=False, question_scores=GRID),), (result("judgments"),)]
)
def test_a_protocol_that_does_not_apply_has_no_tables(results: tuple[ProtocolResult, ...]) -> None:
    assert report(*results).tables_of(AlignmentTables).to_json() == {}
    assert report(*results).table("question_scores", CellGrid) is None


def test_a_table_of_whichever_protocol_has_it() -> None:
    curve = {"threshold": [0.0, 1.0], "share": [0.25, 1.0], "questions": 4}
    empty = result(threshold_curve={})
    found = report(empty, result("judgments", threshold_curve=curve))
    assert found.table("threshold_curve", ThresholdCurve) == ThresholdCurve.model_validate(curve)


def test_tables_of_other_versions_are_read() -> None:
    """Unknown tables and fields are left unread; what later versions added has a default."""
    old_wave = {"wave": 7, "countries_kind": "selected", "countries": ["DEU"]}
    tables = AlignmentTables.model_validate(
        {
            "of_tomorrow": [1, 2],
            "waves": {"rows": [old_wave], "of_tomorrow": True},
            "consistency": [{"topic": "trust", "questions": ["Q57"]}],
        }
    )
    assert tables.waves is not None
    assert tables.waves.change is None
    assert tables.waves.rows[0].alignment.estimate is None
    assert tables.consistency == [ConsistencyRow(topic="trust", questions=["Q57"])]


def test_every_field_of_another_form_is_named() -> None:
    broken = report(
        result(waves={"rows": [{"wave": "last"}]}, question_scores={"countries": 3}),
        result("advice", countries=[{"approach": "persona"}]),
    )
    with pytest.raises(ContractError, match=r"tables of alignment, column waves\.rows\.0\.wave"):
        broken.tables_of(AlignmentTables)
    columns = {problem.column for problem in table_problems(broken)}
    assert {"waves.rows.0.wave", "question_scores.questions", "countries.0.score"} <= columns
    assert table_problems(report(result(question_scores=GRID), result("advice"))) == []


def test_every_declared_model_belongs_to_its_protocol() -> None:
    models = {name: load(spec.tables) for name, spec in protocol_specs().items() if spec.tables}
    assert set(models) >= {"alignment", "worldvaluesbench", "judgments", "advice"}
    for name, model in models.items():
        assert name == model.PROTOCOL


class ToyTables(ProtocolTables):
    """Tables of a protocol that only this file declares."""

    PROTOCOL: ClassVar[str] = "toy"

    cells: int | None = None


def test_a_protocol_declares_its_model_beside_its_scorer() -> None:
    spec = ProtocolSpec(
        "toy", "distribution", "verbalized", ("none",), "all", "all", "counts.",
        tables=f"{__name__}:ToyTables",
    )  # fmt: skip
    with declared(spec):
        found = result("toy", **ToyTables(cells=3).to_json())
        assert report(found).tables_of(ToyTables).cells == 3
        assert typed_tables(found) == ToyTables(cells=3)
    bare = ProtocolSpec("toy", "distribution", "verbalized", ("none",), "all", "all", "counts.")
    with declared(bare):
        assert typed_tables(result("toy", cells=3)) is None


def test_advice_scores_stay_whole_numbers() -> None:
    row = {"approach": "persona", "dimension": "mas", "country": "DEU", "score": 66,
           "counted_share": 0.5, "inconclusive_share": 0.0, "answers": 10}  # fmt: skip
    tables = AdviceTables.model_validate({"countries": [row]})
    assert json.dumps(tables.to_json()["countries"]) == json.dumps([row])
