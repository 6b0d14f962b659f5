"""Rating files without metadata are coded as their format's home codes them."""

from __future__ import annotations

from pathlib import Path

import pytest

from contracts.predictions.read import read_predictions


@pytest.mark.parametrize(
    ("header", "coding", "noticed"),
    [
        ("", "worldvaluesbench", True),
        ('# {"schema_version": "1.0", "kind": "predictions"}\n', "worldvaluesbench", True),
        ('# {"schema_version": "1.0", "kind": "predictions", "coding": "raw"}\n', "raw", False),
    ],
)
def test_coding_of_a_rating_file(tmp_path: Path, header: str, coding: str, noticed: bool) -> None:
    path = tmp_path / "ratings.csv"
    path.write_text(f"{header}QUESTION_ID,PARTICIPANT_ID,SCORE\nQ1,276070001,1\n", encoding="utf-8")
    read = read_predictions(path)
    assert read.meta.coding == coding
    assert ("coding-default" in {notice.code for notice in read.notices}) is noticed


def test_shares_are_keyed_by_raw_codes(tmp_path: Path) -> None:
    path = tmp_path / "shares.jsonl"
    path.write_text('{"question_id": "Q1", "shares": {"1": 1}}\n', encoding="utf-8")
    assert read_predictions(path).meta.coding == "raw"
