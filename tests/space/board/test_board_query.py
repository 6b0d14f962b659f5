"""The query and its permalink; filters, order and columns of the board."""

from __future__ import annotations

import math
from dataclasses import replace
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from space.board.columns import COLUMNS, DEFAULT_COLUMNS, MAX_COLUMNS
from space.board.facts import read_facts
from space.board.page import read_board
from space.board.query import BoardQuery, parse_query

KNOWN = {
    "method": ("verbalized", "a b&c=d", "ü"),
    "kind": ("model", "baseline"),
    "country": ("DEU", "JPN"),
    "continent": (),
    "category": ("economic_values",),
    "group": ("age=16-29;settlement=urban",),
    "score": ("kl_divergence",),
}

names = st.lists(st.sampled_from(KNOWN["method"]), unique=True, max_size=3).map(tuple)
parts = st.lists(
    st.sampled_from(["country:DEU", "country:JPN", "group:age=16-29;settlement=urban"]),
    unique=True,
    max_size=3,
).map(lambda found: tuple(sorted(found)))
columns = st.lists(
    st.sampled_from([*COLUMNS, "kl_divergence"]), unique=True, min_size=1, max_size=6
).map(tuple)


@given(
    methods=names,
    parts=parts,
    search=st.text(max_size=20).map(str.strip),
    sort=st.sampled_from(["-alignment", "name", "-kl_divergence", "coverage"]),
    columns=columns,
    page=st.integers(1, 500),
)
def test_permalink_restores_the_query(methods, parts, search, sort, columns, page) -> None:
    facets = {"method": methods} if methods else {}
    query = BoardQuery(facets, parts, search, sort, columns, page)
    again = parse_query(query.permalink(), known=KNOWN)
    assert again == query


def test_the_default_view_has_an_empty_permalink() -> None:
    assert BoardQuery().permalink() == ""
    assert parse_query("", known=KNOWN) == BoardQuery()


@pytest.mark.parametrize(
    "link",
    [
        "method=nothing&country=XXX&sort=--alignment&columns=nope&page=-3",
        "sort='; DROP TABLE rows; --&page=1e9&continent=Atlantis",
        "page=²&q=&foo=bar",
    ],
)
def test_what_the_board_does_not_know_is_left_out(link: str) -> None:
    assert parse_query(link, known=KNOWN) == BoardQuery()


def test_at_most_twelve_columns_rank_name_and_parts_first() -> None:
    query = BoardQuery(parts=("country:DEU",), columns=tuple(COLUMNS))
    shown = query.shown_columns()
    assert len(shown) == MAX_COLUMNS
    assert shown[:3] == ("rank", "name", "country:DEU")


def found(store, link: str) -> list[str]:
    """Ids of the rows that a permalink shows."""
    query = parse_query(link, known=read_facts(store).known)
    return [row["row_id"] for row in read_board(store, query).rows]


def by_group(page) -> list[list]:
    """Rows of a page by comparison group, in the order shown; those of no group last."""
    groups: dict = {}
    for row in page.rows:
        groups.setdefault(row["group_number"], []).append(row)
    numbers = [number or math.inf for number in groups]
    assert numbers == sorted(numbers)
    assert [row for group in groups.values() for row in group] == list(page.rows)
    return list(groups.values())


def test_default_order_is_by_alignment(sample_store) -> None:
    page = read_board(sample_store, BoardQuery())
    for group in by_group(page):
        scores = [row["cells"]["alignment"]["estimate"] for row in group]
        assert scores == sorted(scores, reverse=True)
    assert page.total == len(page.rows) == 9


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("kind=baseline", {"uniform", "world-average"}),
        ("family=heron&steering=persona", {"heron-70b-persona"}),
        ("language=de", {"ibis-large-de"}),
        ("size=3-10B", {"heron-8b"}),
        ("size=3-10B&size=under+3B", {"heron-8b", "ibis-small"}),
        ("open_weights=closed&language=en", {"ibis-large", "ibis-small"}),
        ("q=HERON+70b", {"heron-70b", "heron-70b-persona"}),
        ("q=sampl", {"sneaky"}),
        ("q=%25", set()),
        ("q=_", set()),
        ("protocol=alignment&q=ibis-small", {"ibis-small"}),
    ],
)
def test_facets_and_search(sample_store, link: str, expected: set[str]) -> None:
    assert set(found(sample_store, link)) == expected


def test_every_facet_name_gives_the_rows_it_counts(sample_store) -> None:
    facts = read_facts(sample_store)
    for facet, counts in facts.counts.items():
        for name, number in counts.items():
            query = BoardQuery(facets={facet: (name,)})
            assert read_board(sample_store, query).total == number, (facet, name)


def test_every_column_sorts_both_ways_with_missing_last(sample_store) -> None:
    facts = read_facts(sample_store)
    for key, column in facts.columns.items():
        for sort in (key, f"-{key}"):
            page = read_board(sample_store, BoardQuery(sort=sort, columns=("name", key)))
            for group in by_group(page):
                if column.kind == "score":
                    cells = [row["cells"].get(key, {}).get("estimate") for row in group]
                else:
                    cells = [row[key] for row in group]
                present = [cell for cell in cells if cell is not None]
                assert cells == present + [None] * (len(cells) - len(present)), sort
                if column.kind in ("score", "number", "rank"):
                    assert present == sorted(present, reverse=sort.startswith("-")), sort


def test_a_part_adds_its_scores(sample_store) -> None:
    query = parse_query("country=DEU&sort=-country:DEU", known=read_facts(sample_store).known)
    page = read_board(sample_store, query)
    report = sample_store.report("heron-8b")
    expected = next(c.alignment for c in report.countries if c.country == "DEU")
    row = next(row for row in page.rows if row["row_id"] == "heron-8b")
    assert row["cells"]["country:DEU"]["estimate"] == expected.estimate
    for group in by_group(page):
        scores = [row["cells"]["country:DEU"]["estimate"] for row in group]
        assert scores == sorted(scores, reverse=True)


def test_pages_cut_the_rows_without_loss(sample_store) -> None:
    seen = []
    for number in (1, 2, 3):
        page = read_board(sample_store, BoardQuery(page=number), page_rows=4)
        assert page.pages == 3
        seen += [row["row_id"] for row in page.rows]
    assert seen == found(sample_store, "")
    beyond = read_board(sample_store, BoardQuery(page=99), page_rows=4)
    assert [row["row_id"] for row in beyond.rows] == seen[8:]


def test_default_columns_are_known() -> None:
    assert set(DEFAULT_COLUMNS) <= set(COLUMNS)
    assert len(DEFAULT_COLUMNS) <= MAX_COLUMNS
    assert parse_qsl(BoardQuery(columns=("name",)).permalink()) == [("columns", "name")]


def test_boxes_are_given_choices_only_where_these_changed(sample_store) -> None:
    from space.board.columns import FACETS, PARTS
    from space.pages.board import _fill

    facts = read_facts(sample_store)
    facets = {"family": ("heron",)}
    query = BoardQuery(facets=facets)
    boxes = [*FACETS, *PARTS]
    held = dict(zip(boxes, _fill(query, facts, boxes, laid_out=facts)[5:], strict=True))
    assert held["family"] == ["heron"]
    later = replace(facts, known={**facts.known, "family": (*facts.known["family"], "new")})
    changed = dict(zip(boxes, _fill(query, later, boxes, laid_out=facts)[5:], strict=True))
    assert changed["family"]["value"] == ["heron"]
    assert changed["family"]["choices"]
