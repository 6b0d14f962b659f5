"""What the Question page says of people, read back from its HTML."""

from __future__ import annotations

import re

import pytest

from codebook.questions import questions
from contracts.release.read import open_release
from space.board.columns import MAX_COLUMNS, PAGE_ROWS
from space.board.survey_answers import People
from space.render.survey import all_countries_table


@pytest.fixture(scope="module")
def people() -> People:
    return People(open_release("reference"))


def cells_of(html: str) -> list[list[str]]:
    """The text of a table's cells, row by row, headings first."""
    rows = re.findall(r"<tr[^>]*>(.*?)</tr>", html, re.S)
    return [
        [
            re.sub("<[^>]*>", " ", cell)
            for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S)
        ]
        for row in rows
    ]


@pytest.mark.parametrize("size", sorted({q.scale.size for q in questions().values() if q.scale}))
def test_no_table_is_wider_or_longer_than_allowed(people, size: int) -> None:
    asked = [q.question_id for q in questions().values() if q.scale and q.scale.size == size]
    name = next(one for one in asked if one in people.questions(7))
    headings, *rows = cells_of(all_countries_table(people, wave=7, question_id=name))
    assert size + 1 <= len(headings) <= MAX_COLUMNS
    assert 50 <= len(rows) <= PAGE_ROWS
    assert {len(row) for row in rows} == {len(headings)}


def test_the_longest_scale_keeps_its_counts(people) -> None:
    name = next(
        q.question_id
        for q in questions().values()
        if q.scale and q.scale.size == 11 and q.question_id in people.questions(7)
    )
    headings, *rows = cells_of(all_countries_table(people, wave=7, question_id=name))
    germany = next(row for row in rows if "Germany" in row[0])
    answers = people.answers[(7, "DEU", name)]
    assert headings[0] == "Country, answers, effective"
    assert f"{answers.n:,}" in germany[0]
    shares = [float(cell.strip().rstrip("%")) / 100 for cell in germany[1:]]
    assert shares == pytest.approx(list(answers.shares), abs=0.0006)
