"""Whatever is written reads back the same in every format; ratings in bounded memory."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codebook import countries, value_questions
from contracts.errors import ContractError, Problem
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import FORMATS, Predictions, read_predictions, write_predictions

PLACES = st.sampled_from(["", *countries()])
IDS = st.sampled_from(list(value_questions()))
METAS = st.builds(
    PredictionsMeta,
    model=st.text(min_size=1, max_size=20),
    seed=st.none() | st.integers(0, 2**40),
    notes=st.text(max_size=40),
    coding=st.sampled_from(["raw", "worldvaluesbench"]),
    decoding=st.dictionaries(st.text(max_size=5), st.floats(0, 2), max_size=2),
)


@st.composite
def distributions(draw: Any) -> list[dict[str, Any]]:
    keys = draw(st.lists(st.tuples(IDS, PLACES), min_size=1, max_size=8, unique=True))
    records = []
    for question_id, country in keys:
        scale = value_questions()[question_id].scale
        assert scale is not None
        weights = draw(st.lists(st.integers(0, 50), min_size=scale.size, max_size=scale.size))
        weights[draw(st.integers(0, scale.size - 1))] += 1
        order = draw(st.permutations(range(scale.size)))
        shares = {scale.codes[i]: weights[i] / sum(weights) for i in order}
        records.append({"question_id": question_id, "country": country, "shares": shares})
    return records


def written_and_read(records: list[dict[str, Any]], meta: PredictionsMeta, kind: Any) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        for suffix in FORMATS:
            path = write_predictions(Path(folder) / f"p{suffix}", records, meta=meta, kind=kind)
            read = read_predictions(path)
            batches = list(read.batches()) if kind == "rating" else []
            yield read, [row for batch in batches for row in batch.to_pylist()]


@settings(max_examples=25)
@given(records=distributions(), meta=METAS)
def test_distributions_round_trip(records: list[dict[str, Any]], meta: PredictionsMeta) -> None:
    for read, _ in written_and_read(records, meta, "distribution"):
        assert read.meta == meta
        assert read.notices == ()
        for record, cell in zip(records, read.cells.to_pylist(), strict=True):
            scale = value_questions()[record["question_id"]].scale
            assert scale is not None
            wanted = [record["shares"][code] for code in scale.codes]
            assert cell["shares"] == pytest.approx(wanted, abs=1e-12)
            assert sum(cell["shares"]) == pytest.approx(1, abs=1e-12)
            assert (cell["country"], cell["status"]) == (record["country"], "ok")


@settings(max_examples=25)
@given(
    keys=st.lists(
        st.tuples(IDS, st.integers(0, 10**12), st.booleans()), min_size=1, max_size=20, unique=True
    ),
    scores=st.lists(st.none() | st.floats(-1e6, 1e6), min_size=20, max_size=20),
    meta=METAS,
)
def test_ratings_round_trip(
    keys: list[tuple[str, int, bool]], scores: list[float | None], meta: PredictionsMeta
) -> None:
    records = [
        {"question_id": q, "participant": None, "sample": number % 2**31, "score": score}
        if sampled
        else {"question_id": q, "participant": number, "sample": None, "score": score}
        for (q, number, sampled), score in zip(keys, scores, strict=False)
    ]
    names = {(r["question_id"], r["participant"], r["sample"]) for r in records}
    if len(names) < len(records):
        return
    for read, rows in written_and_read(records, meta, "rating"):
        assert rows == records
        assert read.meta == meta


def without_side(row: tuple[Any, ...]) -> tuple[Any, ...]:
    return row[:-1]


@settings(max_examples=25)
@given(
    rows=st.lists(
        st.tuples(
            st.text("abc-0123456789", min_size=1, max_size=8),
            PLACES,
            st.sampled_from(["persona", "language", "both", "none"]),
            st.sampled_from(["en", "es", "zh"]),
            st.sampled_from(["", "high-first"]),
            st.integers(0, 5),
            st.sampled_from(["high", "low", "inconclusive"]),
        ),
        min_size=1,
        max_size=10,
        unique_by=without_side,
    ),
    meta=METAS,
)
def test_advice_round_trips(rows: list[tuple[Any, ...]], meta: PredictionsMeta) -> None:
    names = ("prompt_id", "country", "approach", "language", "option_order", "repeat", "side")
    records = [dict(zip(names, row, strict=True)) for row in rows]
    for read, _ in written_and_read(records, meta, "advice"):
        assert read.table.to_pylist() == records


def read_or_problems(path: Path) -> Predictions | tuple[Problem, ...]:
    """What was read, or the problems of a clear error; anything else escapes."""
    try:
        return read_predictions(path)
    except ContractError as error:
        return error.problems


@given(noise=st.binary(min_size=1, max_size=400), suffix=st.sampled_from(FORMATS))
def test_noise_never_raises_anything_but_a_clear_error(noise: bytes, suffix: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"noise{suffix}"
        path.write_bytes(noise)
        assert read_or_problems(path)


NAMES = (
    "question_id country group option share status score sample side prompt_id "
    "participant_id repeat approach"
)
COLUMNS = st.lists(st.sampled_from(NAMES.split(" ")), min_size=2, max_size=8, unique=True)
CELLS = st.sampled_from(["", "Q1", "Q119", "CHL", "1", "0.5", "50%", "-1", "nan", "high", "x", "é"])


@settings(max_examples=100)
@given(columns=COLUMNS, data=st.data())
def test_odd_tables_never_raise_anything_but_a_clear_error(columns: list[str], data: Any) -> None:
    row = st.lists(CELLS, min_size=len(columns), max_size=len(columns))
    rows = data.draw(st.lists(row, max_size=5))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "odd.csv"
        lines = [",".join(columns), *(",".join(row) for row in rows)]
        path.write_text("\n".join(lines), encoding="utf-8")
        found = read_or_problems(path)
        assert found
        assert isinstance(found, tuple) or found.rows == len(rows)


READ = """
import resource, sys
from contracts.predictions.read import read_predictions
import numpy, pyarrow.csv, pyarrow.compute
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
read = read_predictions(sys.argv[1])
total = sum(batch.num_rows for batch in read.batches())
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(total, (after - before) // 1024)
"""


@pytest.mark.slow
def test_three_million_ratings_read_in_bounded_memory(tmp_path: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows, people = 3_000_000, 13_000
    ids = [f"Q{1 + i % 240}" for i in range(240)]
    number = list(range(rows))
    path = tmp_path / "ratings.csv"
    with path.open("w", encoding="utf-8") as handle:
        handle.write("QUESTION_ID,PARTICIPANT_ID,SCORE\n")
        for start in range(0, rows, 100_000):
            handle.writelines(
                f"{ids[i // people % 240]},{276_000_000 + i % people},{i % 4 + 1}\n"
                for i in number[start : start + 100_000]
            )
    parquet = tmp_path / "ratings.parquet"
    pq.write_table(
        pa.table(
            {
                "QUESTION_ID": pa.array(
                    [ids[i // people % 240] for i in number]
                ).dictionary_encode(),
                "PARTICIPANT_ID": [276_000_000 + i % people for i in number],
                "SCORE": [i % 4 + 1 for i in number],
            }
        ),
        parquet,
    )
    for source in (path, parquet):
        done = subprocess.run(
            [sys.executable, "-c", READ, str(source)], capture_output=True, text=True, check=True
        )
        kept, mebibytes = map(int, done.stdout.split())
        known = sum(ids[i // people % 240] in value_questions() for i in range(0, rows, people))
        assert kept == known * people - (people - (rows % people or people)) * (
            ids[(rows - 1) // people % 240] in value_questions()
        )
        assert mebibytes < 400, f"{source.suffix}: {mebibytes} MiB"
