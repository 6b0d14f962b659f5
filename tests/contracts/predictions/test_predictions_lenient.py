"""Files as people hold them: country names, decimal commas, lists of shares, wrong cells."""

from __future__ import annotations

import json

import pytest

from codebook import countries
from codebook.countries import country_named
from contracts.errors import ContractError
from contracts.predictions.read import read_predictions


@pytest.fixture
def jsonl(tmp_path):
    def write(*rows):
        path = tmp_path / "answers.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows), "utf-8")
        return path

    return write


def record(**fields):
    return {"question_id": "Q1", "country": "DEU", "shares": {"1": 1}, **fields}


@pytest.mark.parametrize(
    "written", ["DEU", "deu", "DE", "276", "276.0", "Germany", " germany ", "GERMANY"]
)
def test_a_country_is_known_by_any_of_its_names(written):
    assert country_named(written) == "DEU"


def test_no_name_of_a_country_is_that_of_another():
    for code, country in countries().items():
        for name in (code, country.name, str(country.wvs_code), country.iso2 or code):
            assert country_named(name) in (code, None if name == "NA" else code)


@pytest.mark.parametrize("written", ["Atlantis", "XX", "9999", "NA", ""])
def test_what_is_no_country_is_none(written):
    assert country_named(written) is None


def test_unknown_countries_are_named(jsonl):
    found = read_predictions(jsonl(record(country="Japan"), record(country="Atlantis")))
    assert found.cells.column("country").to_pylist() == ["JPN"]
    assert found.tolerated["unknown_countries"] == 1
    (notice,) = [n for n in found.notices if n.code == "unknown-countries"]
    assert "Atlantis" in notice.message


def test_decimal_commas_are_read(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text(
        "question_id;country;option;share\nQ1;DEU;1;62,5\nQ1;DEU;2;37,5\n", encoding="utf-8"
    )
    found = read_predictions(path)
    assert found.cells.to_pylist()[0]["shares"] == [0.625, 0.375, 0, 0]
    assert found.tolerated["decimal_commas"] == 2


def test_a_list_of_shares_is_in_the_order_of_the_scale(jsonl):
    found = read_predictions(jsonl(record(shares=[0.4, 0.3, "20%", "0,1"])))
    assert found.cells.to_pylist()[0]["shares"] == pytest.approx([0.4, 0.3, 0.2, 0.1])
    with pytest.raises(ContractError, match="list-length"):
        read_predictions(jsonl(record(shares=[0.5, 0.5])))


def test_a_table_may_hold_shares_as_text(tmp_path):
    path = tmp_path / "answers.tsv"
    path.write_text("question_id\tshares\nQ1\t[0.4, 0.3, 0.2, 0.1]\n", encoding="utf-8")
    assert read_predictions(path).cells.to_pylist()[0]["shares"] == [0.4, 0.3, 0.2, 0.1]


def test_wrong_cells_count_as_invalid_where_asked(jsonl):
    path = jsonl(
        record(),
        record(question_id="Q2", shares={"1": 0.5, "77": 0.5}),
        record(question_id="Q3", shares={"1": "much"}),
        record(question_id="Q4", shares={"1": -1}),
        record(question_id="Q5"),
        record(question_id="Q5", shares={"2": 1}),
    )
    with pytest.raises(ContractError, match="unknown-option") as caught:
        read_predictions(path)
    assert len(caught.value.problems) == 4
    found = read_predictions(path, bad_cells="invalid")
    assert found.cells.column("status").to_pylist() == ["ok", *["invalid"] * 4]
    assert found.tolerated["bad_cells"] == 4
    assert "bad-cells" in [notice.code for notice in found.notices]


def test_a_wrong_row_of_a_long_table_spoils_its_cell_alone(tmp_path):
    path = tmp_path / "answers.csv"
    path.write_text(
        "question_id,option,share\nQ1,1,0.5\nQ1,99,0.5\nQ1,2,0.5\nQ2,1,1\n", encoding="utf-8"
    )
    found = read_predictions(path, bad_cells="invalid")
    assert found.cells.column("status").to_pylist() == ["invalid", "ok"]


def test_a_row_is_called_by_the_model(tmp_path, jsonl):
    header = {"kind": "predictions", "schema_version": "1.0", "model": "ORG/Model-7B"}
    assert read_predictions(jsonl(header, record())).name == "Model-7B"
    assert read_predictions(jsonl(record())).name == "answers"


def test_a_report_is_called_a_report(tmp_path):
    path = tmp_path / "report.json"
    path.write_text(json.dumps({"kind": "report"}), encoding="utf-8")
    with pytest.raises(ContractError, match=r"is-report.*this is a report"):
        read_predictions(path)


def test_shares_are_an_object_or_a_list(jsonl):
    with pytest.raises(ContractError, match="not-object"):
        read_predictions(jsonl(record(shares="much")))
