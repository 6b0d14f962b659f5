"""Digests depend on content alone."""

from __future__ import annotations

import math

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.digests import RowDigest, canonical_json, plain, round_float, row_digest

ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.text(max_size=5)),
        st.one_of(st.none(), st.integers(-5, 10)),
        st.one_of(st.none(), st.booleans()),
        st.lists(st.integers(0, 3), max_size=3),
    ),
    max_size=30,
)


def _table(rows: list[tuple]) -> pa.Table:
    columns = list(zip(*rows, strict=True)) if rows else [[], [], [], []]
    types = [pa.string(), pa.int16(), pa.bool_(), pa.list_(pa.int16())]
    arrays = [pa.array(list(c), t) for c, t in zip(columns, types, strict=True)]
    return pa.table(arrays, names=["text", "number", "flag", "list"])


@given(ROWS, st.integers(0, 30))
def test_row_digest_ignores_how_rows_are_cut(rows: list[tuple], cut: int) -> None:
    table = _table(rows)
    cut = min(cut, len(rows))
    parts = RowDigest()
    parts.update(table.slice(0, cut))
    parts.update(table.slice(cut))
    assert parts.hexdigest() == row_digest(table)


def test_row_digest_ignores_dictionary_encoding() -> None:
    plain_table = pa.table({"a": ["x", None, "yé", "x"]})
    encoded = pa.table({"a": plain_table["a"].combine_chunks().dictionary_encode()})
    assert row_digest(plain_table) == row_digest(encoded)


@pytest.mark.parametrize(
    "other",
    [
        {"a": ["y", "x"]},
        {"a": ["x", None]},
        {"a": ["xy", ""]},
        {"b": ["x", "y"]},
        {"a": ["x"]},
    ],
)
def test_row_digest_tells_different_rows_apart(other: dict) -> None:
    assert row_digest(pa.table({"a": ["x", "y"]})) != row_digest(pa.table(other))


def test_floats_are_written_to_nine_significant_digits() -> None:
    assert round_float(1 / 3) == 0.333333333
    assert round_float(math.nan) is None
    assert round_float(math.inf) is None
    assert canonical_json({"b": 0.1 + 0.2, "a": -0.0}) == '{"a":0.0,"b":0.3}'


def test_plain_refuses_what_is_no_json() -> None:
    with pytest.raises(TypeError, match="cannot write object"):
        plain(object())
