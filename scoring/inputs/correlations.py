"""How people's answers to two questions go together, from the table `correlations`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from contracts.release.read import Release
from scoring.inputs.geometry import Floats


def read_correlations(
    release: Release, questions: Sequence[str], *, wave: int
) -> Mapping[str, Floats]:
    """Correlation matrices by country.

    Args:
        release: the people.
        questions: ids of the rows and columns.
        wave: the wave of the people.

    Returns:
        Country -> shape (Q, Q); 1 on the diagonal, NaN where the table lacks a pair. Only
        countries that the table holds; empty where the release has no such table for the wave.
    """
    if not release.has("correlations"):
        return {}
    table = release.table("correlations", where=pc.field("wave") == wave)
    if table.num_rows == 0:
        return {}
    place = pa.array(list(questions), pa.string())
    first, second = (
        pc.fill_null(pc.index_in(table[column], value_set=place), -1).to_numpy()
        for column in ("question_a", "question_b")
    )
    countries = table["country"].combine_chunks().dictionary_encode()
    number = countries.indices.to_numpy()
    r = table["r"].to_numpy()
    there = (first >= 0) & (second >= 0)
    names = countries.dictionary.to_pylist()
    out = np.full((len(names), len(questions), len(questions)), np.nan)
    out[:, np.arange(len(questions)), np.arange(len(questions))] = 1.0
    out[number[there], first[there], second[there]] = r[there]
    out[number[there], second[there], first[there]] = r[there]
    return dict(zip(names, out, strict=True))
