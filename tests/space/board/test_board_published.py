"""Rows as published: complete, sourced, apart from the ranked ones."""

from __future__ import annotations

from statistics import mean

import pytest

from space.board.page import read_board
from space.board.query import BoardQuery
from space.render.published import published_html, published_rows


def select(**fields: str) -> list[float]:
    """Printed numbers of the rows with these fields."""
    return [
        row.estimate
        for row in published_rows()
        if all(getattr(row, name) == wanted for name, wanted in fields.items())
    ]


def test_printed_numbers_are_quoted_unchanged() -> None:
    # Tables 1 and 9 of the alignment study: Argentina and Germany without steering, GPT-4.
    side = {"protocol": "alignment", "name": "GPT-4", "condition": "none"}
    assert select(part="ARG", **side) == [0.8694]
    assert select(part="DEU", **side) == [0.8468]
    # Its text: DeepSeek-R1 over 66 countries.
    assert select(name="DeepSeek-R1", score="mean alignment over 66 countries") == [0.853]


def test_means_of_a_printed_table_agree_with_the_printed_means() -> None:
    # WorldValuesBench prints 0.38, 0.30, 0.16, 0.14 as means over 36 questions, with demographics.
    for name, printed in (("Alpaca-7B", 0.38), ("Vicuna-7B-v1.5", 0.30), ("GPT-3.5-Turbo", 0.14)):
        found = select(
            protocol="worldvaluesbench", name=name, condition="demographics", score="wasserstein"
        )
        assert len(found) == 36
        assert round(mean(found), 2) == pytest.approx(printed)


def test_every_row_has_a_source_and_a_name() -> None:
    assert all(row.source and row.name for row in published_rows())
    assert {row.protocol for row in published_rows()} == {"alignment", "worldvaluesbench", "advice"}


def test_they_are_never_among_the_ranked_rows(sample_store) -> None:
    names = {row["name"] for row in read_board(sample_store, BoardQuery()).rows}
    assert not names & {row.name for row in published_rows()}


def test_the_page_shows_every_printed_model_and_the_known_slip() -> None:
    shown = published_html()
    for row in published_rows():
        assert row.name in shown
    assert "a slip" in shown
    assert "never ranked" in shown
