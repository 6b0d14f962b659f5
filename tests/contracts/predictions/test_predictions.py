"""Reading predictions: frozen examples, what is tolerated, kinds, metadata."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest

from contracts.errors import ContractError
from contracts.predictions.distributions import whole_number
from contracts.predictions.findings import MOST_PROBLEMS
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import FORMATS, Predictions, read_predictions, write_predictions

FROZEN = Path(__file__).parents[2] / "fixtures" / "predictions" / "v1"
META = PredictionsMeta(model="test/model")


def write_lines(path: Path, *records: object) -> Path:
    path.write_text("".join(f"{json.dumps(r)}\n" for r in records), encoding="utf-8")
    return path


def cells_of(predictions: Predictions) -> dict[tuple[str, str, str], dict[str, object]]:
    assert predictions.cells is not None
    return {
        (row["question_id"], row["country"], row["group"]): row
        for row in predictions.cells.to_pylist()
    }


def ratings_of(predictions: Predictions) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for batch in predictions.batches() for row in batch.to_pylist()]


def read_one(path: Path, shares: object, **fields: object) -> tuple[dict[str, object], Predictions]:
    write_lines(path, {"question_id": "Q1", "country": "CHL", "shares": shares, **fields})
    read = read_predictions(path)
    (cell,) = cells_of(read).values()
    return cell, read


# Frozen examples of version 1


@pytest.mark.parametrize("suffix", FORMATS)
def test_frozen_distribution(suffix: str) -> None:
    read = read_predictions(FROZEN / f"distribution-{suffix[1:]}{suffix}")
    assert (read.kind, read.notices, read.tolerated) == ("distribution", (), {})
    assert (read.meta.model, read.meta.seed, read.meta.coding) == ("fixture/model", 7, "raw")
    cells = cells_of(read)
    assert cells["Q1", "", ""]["shares"] == pytest.approx([0.9, 0.08, 0.01, 0.01])
    # "hard to say" (raw code 0) lies in the middle of Q119's scale: 1, 2, 0, 3, 4.
    assert cells["Q119", "CHL", ""]["shares"] == pytest.approx([0.2, 0.4, 0.1, 0.2, 0.1])
    assert cells["Q46", "DEU", "age=16-29;sex=female"]["status"] == "ok"
    refused = cells["Q46", "DEU", ""]
    assert (refused["shares"], refused["sum_found"], refused["status"]) == (None, None, "refused")


@pytest.mark.parametrize("suffix", FORMATS)
def test_frozen_rating(suffix: str) -> None:
    read = read_predictions(FROZEN / f"rating-{suffix[1:]}{suffix}")
    assert (read.kind, read.rows, read.meta.coding) == ("rating", 4, "worldvaluesbench")
    assert ratings_of(read) == [
        ("Q1", 276070001, None, 1.0),
        ("Q1", 276070002, None, None),
        ("Q119", 276070001, None, 5.0),
        ("Q1", None, 0, 2.5),
    ]
    assert read.tolerated == {"unreadable_scores": 1}


@pytest.mark.parametrize("suffix", FORMATS)
def test_frozen_advice(suffix: str) -> None:
    read = read_predictions(FROZEN / f"advice-{suffix[1:]}{suffix}")
    assert read.kind == "advice"
    assert read.table is not None
    assert [tuple(row.values()) for row in read.table.to_pylist()] == [
        ("ind-01", "CHL", "persona", "en", "high-first", 0, "high"),
        ("ind-01", "", "none", "es", "low-first", 1, "inconclusive"),
    ]


# What is tolerated, and counted


@pytest.mark.parametrize(
    "shares",
    [
        {"1": 0.7, "2": 0.2, "3": 0.07, "4": 0.03},
        {"4": 0.03, "2": 0.2, "1": 0.7, "3": 0.07},
        {"1": "70%", "2": "20 %", "3": "7%", "4": "3%"},
        {"1": 70, "2": 20, "3": 7, "4": 3},
        {"1": "70", "2": "20", "3": "7", "4": "3"},
        {"01": 0.7, "2.0": 0.2, " 3": 0.07, "4": 0.03},
    ],
)
def test_ways_to_write_the_same_shares(tmp_path: Path, shares: dict[str, object]) -> None:
    cell, read = read_one(tmp_path / "p.jsonl", shares)
    assert cell["shares"] == pytest.approx([0.7, 0.2, 0.07, 0.03], abs=1e-12)
    assert cell["sum_found"] == pytest.approx(1.0)
    assert cell["status"] == "ok"
    assert "renormalised" not in read.tolerated


def test_percent_strings_are_counted(tmp_path: Path) -> None:
    _, read = read_one(tmp_path / "p.jsonl", {"1": "70%", "2": "30%", "3": 0, "4": 0})
    assert read.tolerated == {"percent_strings": 2}


@pytest.mark.parametrize(
    ("shares", "total", "status"),
    [
        ({"1": 0.5, "2": 0.51, "3": 0, "4": 0}, 1.01, "ok"),
        ({"1": 0.5, "2": 0.53, "3": 0, "4": 0}, 1.03, "repaired"),
        ({"1": 50, "2": 47, "3": 0, "4": 0}, 0.97, "repaired"),
        ({"1": 0.3, "2": 0.2, "3": 0, "4": 0}, 0.5, "repaired"),
        ({"1": 100, "2": 100, "3": 0, "4": 0}, 2.0, "repaired"),
    ],
)
def test_sums_off_one_are_renormalised(
    tmp_path: Path, shares: dict[str, float], total: float, status: str
) -> None:
    cell, read = read_one(tmp_path / "p.jsonl", shares)
    whole = sum(shares.values())
    assert cell["shares"] == pytest.approx([share / whole for share in shares.values()])
    assert cell["sum_found"] == pytest.approx(total)
    assert cell["status"] == status
    assert read.tolerated["renormalised"] == 1
    assert read.tolerated.get("sums_off_by_over_2_percent", 0) == (status == "repaired")


@pytest.mark.parametrize("shares", [{"1": 0.2, "2": 0.29}, {"1": 20, "2": 0}, {"1": 0, "2": 0}])
def test_a_sum_too_far_off_makes_the_cell_invalid(tmp_path: Path, shares: object) -> None:
    cell, read = read_one(tmp_path / "p.jsonl", shares)
    assert (cell["status"], cell["shares"]) == ("invalid", None)
    assert read.tolerated == {"unusable_sums": 1}


def test_lacking_options_have_share_zero(tmp_path: Path) -> None:
    cell, read = read_one(tmp_path / "p.jsonl", {"2": 1.0})
    assert cell["shares"] == [0.0, 1.0, 0.0, 0.0]
    assert read.tolerated == {"missing_options": 3}


def test_a_cell_without_shares_is_missing_not_zero(tmp_path: Path) -> None:
    cell, _ = read_one(tmp_path / "p.jsonl", {})
    assert (cell["status"], cell["shares"]) == ("missing", None)
    cell, _ = read_one(tmp_path / "p.jsonl", None, status="truncated")
    assert (cell["status"], cell["shares"]) == ("invalid", None)


def test_a_refusal_has_no_shares_even_if_some_stand_there(tmp_path: Path) -> None:
    cell, _ = read_one(tmp_path / "p.jsonl", {"1": 1.0}, status="refused")
    assert (cell["status"], cell["shares"]) == ("refused", None)


def test_off_scale_answers_are_left_out_and_counted(tmp_path: Path) -> None:
    # Q254 (pride): 5 is "not a national of the country", an answer with no place on the scale.
    record = {"question_id": "Q254", "shares": {"1": 0.4, "2": 0.4, "3": 0, "4": 0, "5": 0.2}}
    read = read_predictions(write_lines(tmp_path / "p.jsonl", record))
    (cell,) = cells_of(read).values()
    assert cell["shares"] == pytest.approx([0.5, 0.5, 0, 0])
    assert read.tolerated["off_scale_options"] == 1


def test_what_does_not_exist_is_left_out_and_counted(tmp_path: Path) -> None:
    shares = {"1": 1.0, "2": 0.0, "3": 0.0, "4": 0.0}
    read = read_predictions(
        write_lines(
            tmp_path / "p.jsonl",
            {"question_id": "Q1", "country": "chl", "shares": shares, "remark": "kept out"},
            {"question_id": "Q999", "country": "CHL", "shares": shares},
            {"question_id": "Q260", "country": "CHL", "shares": shares},
            {"question_id": "Q1", "country": "ATL", "shares": shares},
            {"question_id": "Q1", "country": "DEU", "group": "sex=other", "shares": shares},
            {"question_id": "Q1", "country": "DEU", "group": "nonsense", "shares": shares},
        )
    )
    assert list(cells_of(read)) == [("Q1", "CHL", "")]
    assert read.rows == 6
    assert read.tolerated == {
        "extra_columns": 1,
        "unknown_countries": 1,
        "unknown_groups": 2,
        "unknown_questions": 2,
    }


def test_identical_duplicates_count_once(tmp_path: Path) -> None:
    record = {"question_id": "Q1", "country": "CHL", "shares": {"1": 1, "2": 0, "3": 0, "4": 0}}
    read = read_predictions(write_lines(tmp_path / "p.jsonl", record, record))
    assert len(cells_of(read)) == 1
    assert read.tolerated == {"identical_duplicates": 1}


def test_group_parts_may_stand_in_any_order(tmp_path: Path) -> None:
    shares = {"1": 1, "2": 0, "3": 0, "4": 0}
    record = {"question_id": "Q1", "group": "sex=female;age=16-29", "shares": shares}
    read = read_predictions(write_lines(tmp_path / "p.jsonl", record))
    assert list(cells_of(read)) == [("Q1", "", "age=16-29;sex=female")]


def test_null_country_and_group_mean_unsteered_and_everyone(tmp_path: Path) -> None:
    record = {"question_id": "Q1", "country": None, "group": None, "shares": {"1": 1}}
    assert list(cells_of(read_predictions(write_lines(tmp_path / "p.jsonl", record)))) == [
        ("Q1", "", "")
    ]


def test_long_form_in_any_order_with_bom_and_semicolons(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text(
        "\ufeffOption;Share;Question_ID;Country\n"
        "2;0.25;Q1;CHL\n1;0.5;Q2;CHL\n1;0.75;Q1;CHL\n3;0.5;Q2;CHL\n2;0.25;Q1;CHL\n",
        encoding="utf-8",
    )
    read = read_predictions(path)
    cells = cells_of(read)
    assert cells["Q1", "CHL", ""]["shares"] == [0.75, 0.25, 0, 0]
    assert cells["Q2", "CHL", ""]["shares"] == [0.5, 0, 0.5, 0]
    assert read.tolerated["identical_duplicates"] == 1


def test_long_form_in_json_lines(tmp_path: Path) -> None:
    rows = [{"question_id": "Q1", "option": code, "share": 0.25} for code in (1, 2, 3, 4)]
    read = read_predictions(write_lines(tmp_path / "p.jsonl", *rows))
    assert cells_of(read)["Q1", "", ""]["shares"] == [0.25] * 4


@pytest.mark.parametrize(
    ("found", "whole"),
    [
        (3, 3),
        ("3", 3),
        (" 3 ", 3),
        (3.0, 3),
        ("3.0", 3),
        ("-1", -1),
        ("1e1", 10),
        (3.5, None),
        ("3.5", None),
        ("1_0", None),
        ("", None),
        (None, None),
        (True, None),
        ("inf", None),
        ("9" * 400, int("9" * 400)),
        ("1e999", None),
    ],
)
def test_whole_numbers(found: object, whole: int | None) -> None:
    assert whole_number(found) == whole


# Ratings


@pytest.mark.parametrize(
    "columns",
    ["QUESTION_ID,PARTICIPANT_ID,SCORE", "question_id,participant_id,score", "Score,x,y"],
)
def test_rating_columns_in_any_case(tmp_path: Path, columns: str) -> None:
    path = tmp_path / "r.csv"
    if columns.startswith("Score"):
        path.write_text("Score,Question_Id,Participant_Id\n3,Q1,12\n", encoding="utf-8")
    else:
        path.write_text(f"{columns}\nQ1,12,3\n", encoding="utf-8")
    assert ratings_of(read_predictions(path)) == [("Q1", 12, None, 3.0)]


def test_ratings_are_kept_as_given(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    path.write_text(
        "QUESTION_ID,PARTICIPANT_ID,SCORE\n"
        "Q1,1,99\nQ1,2,-3\nQ1,3,2.5\nQ1,4,+2\nQ1,5,1e1\nQ1,6.0,4.0\nq1,7,.5\n",
        encoding="utf-8",
    )
    read = read_predictions(path)
    assert [row[3] for row in ratings_of(read)] == [99, -3, 2.5, 2, 10, 4, 0.5]
    assert [row[1] for row in ratings_of(read)] == [1, 2, 3, 4, 5, 6, 7]
    assert read.tolerated == {}


@pytest.mark.parametrize("text", ["", "NA", "I cannot say", "1-2", "nan", "inf", "3 of 4", "1e999"])
def test_unreadable_scores_are_null_and_counted(tmp_path: Path, text: str) -> None:
    path = tmp_path / "r.csv"
    path.write_text(f"QUESTION_ID,PARTICIPANT_ID,SCORE\nQ1,1,{text}\nQ1,2,3\n", encoding="utf-8")
    read = read_predictions(path)
    assert [row[3] for row in ratings_of(read)] == [None, 3.0]
    assert read.tolerated == {"unreadable_scores": 1}


def test_identical_rating_duplicates_count_once_wherever_they_stand(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    lines = [f"Q{1 + i % 6},{i},{i % 4 + 1}" for i in range(200_000)]
    lines += [lines[5], lines[150_000], lines[5]]
    path.write_text("QUESTION_ID,PARTICIPANT_ID,SCORE\n" + "\n".join(lines), encoding="utf-8")
    read = read_predictions(path)
    found = ratings_of(read)
    assert (read.rows, len(found)) == (200_003, 200_000)
    assert read.tolerated == {"identical_duplicates": 3}
    assert [row[1] for row in found] == list(range(200_000))
    assert ratings_of(read) == found  # a second pass reads the same


def test_a_sample_and_a_person_of_the_same_number_are_two(tmp_path: Path) -> None:
    rows = [
        {"question_id": "Q1", "participant": 3, "score": 1},
        {"question_id": "Q1", "sample": 3, "score": 2},
        {"question_id": "Q2", "sample": 3, "score": 4},
    ]
    path = write_predictions(tmp_path / "r.jsonl", rows, meta=META, kind="rating")
    assert len(ratings_of(read_predictions(path))) == 3


def test_distributions_have_no_batches() -> None:
    read = read_predictions(FROZEN / "distribution-csv.csv")
    with pytest.raises(ContractError, match="no-ratings"):
        read.batches()


# Metadata


def test_missing_metadata_take_defaults_with_a_notice(tmp_path: Path) -> None:
    record = {"question_id": "Q1", "shares": {"1": 1}}
    read = read_predictions(write_lines(tmp_path / "bare.jsonl", record))
    assert read.meta == PredictionsMeta()
    assert read.name == "bare"
    assert [notice.code for notice in read.notices] == ["no-metadata"]


def test_partial_metadata_name_what_took_its_default(tmp_path: Path) -> None:
    header = {"kind": "predictions", "model": "m", "method": "verbalized", "language": "de"}
    record = {"question_id": "Q1", "shares": {"1": 1}}
    read = read_predictions(write_lines(tmp_path / "p.jsonl", header, record))
    (notice,) = read.notices
    assert notice.code == "metadata-defaults"
    assert "steering='none'" in notice.message
    assert "language" not in notice.message
    assert notice.count == 5


def test_header_line_of_a_text_table(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    path.write_text('# {"model": "m"}\nquestion_id,option,share\nQ1,1,1\nQ1,9,0\n', "utf-8")
    with pytest.raises(ContractError, match="row 4, column option"):
        read_predictions(path)
    path.write_text('# {"model": "m"}\nquestion_id,option,share\nQ1,1,1\n', "utf-8")
    assert read_predictions(path).meta.model == "m"


def test_named_metadata_file(tmp_path: Path) -> None:
    path = write_lines(tmp_path / "p.jsonl", {"question_id": "Q1", "shares": {"1": 1}})
    (tmp_path / "other.json").write_text('{"model": "elsewhere"}', encoding="utf-8")
    read = read_predictions(path, meta_path=tmp_path / "other.json")
    assert read.meta.model == "elsewhere"
    with pytest.raises(ContractError, match="no-meta"):
        read_predictions(path, meta_path=tmp_path / "none.json")


def test_digest_depends_on_file_and_metadata_and_not_on_its_name(tmp_path: Path) -> None:
    record = {"question_id": "Q1", "shares": {"1": 1}}
    first = write_lines(tmp_path / "a.jsonl", record)
    second = Path(shutil.copy(first, tmp_path / "b.jsonl"))
    assert read_predictions(first).digest == read_predictions(second).digest
    (tmp_path / "b.meta.json").write_text('{"model": "m"}', encoding="utf-8")
    assert read_predictions(first).digest != read_predictions(second).digest


def test_a_sidecar_of_an_earlier_file_does_not_contradict_a_new_header(tmp_path: Path) -> None:
    records = [{"question_id": "Q1", "shares": {1: 1.0}}]
    write_predictions(tmp_path / "p.csv", records, meta=META, kind="distribution")
    write_predictions(
        tmp_path / "p.jsonl",
        records,
        meta=PredictionsMeta(model="new"),
        kind="distribution",
    )
    assert read_predictions(tmp_path / "p.jsonl").meta.model == "new"


# Bounds


def test_problems_are_capped_when_printed_and_listed_in_full_as_json(tmp_path: Path) -> None:
    records = [{"question_id": "Q1", "country": "CHL", "shares": {"1": -1}}] * 50
    with pytest.raises(ContractError, match=r"and 30 more problems \(--json lists all\)") as caught:
        read_predictions(write_lines(tmp_path / "p.jsonl", *records))
    assert len(caught.value.to_json()["problems"]) == 50  # type: ignore[arg-type]


def test_kept_problems_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "r.csv"
    lines = "Q1,anna,2\n" * (MOST_PROBLEMS + 7)
    path.write_text(f"QUESTION_ID,PARTICIPANT_ID,SCORE\n{lines}", encoding="utf-8")
    with pytest.raises(ContractError, match="not-a-whole-number") as caught:
        read_predictions(path)
    last = caught.value.problems[-1]
    assert (last.code, len(caught.value.problems)) == ("too-many-problems", MOST_PROBLEMS + 1)
    assert last.message.startswith("7 further problems")


def test_too_many_rows_are_refused_before_they_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contracts.predictions.source.MAX_ROWS", 10)
    rows = [{"question_id": "Q1", "sample": i, "score": 1} for i in range(11)]
    path = write_predictions(tmp_path / "r.parquet", rows, meta=META, kind="rating")
    with pytest.raises(ContractError, match=r"too-many-rows.*found 11; allowed: 10"):
        read_predictions(path)


def test_writer_refuses_an_unknown_ending_and_numbers_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="unknown-format"):
        write_predictions(tmp_path / "p.xlsx", [], meta=META, kind="rating")
    bad = [{"question_id": "Q1", "shares": {1: math.nan}}]
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_predictions(tmp_path / "p.jsonl", bad, meta=META, kind="distribution")
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"\[no-file\].*none\.csv"):
        read_predictions(tmp_path / "none.csv")


def test_a_row_too_long_for_a_table_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "p.csv"
    long = "x" * (9 << 20)
    path.write_text(f'question_id,option,share\nQ1,1,"{long}"\nQ1,2,1\n', encoding="utf-8")
    with pytest.raises(ContractError, match=r"\[not-csv\]"):
        read_predictions(path)
