"""Measure how the build grows: CPU and peak memory over the number of respondents.

Every build is the whole release, in a process of its own (`build.py --one full`):

- people: files of wave 7 with 10,000, 94,278 and 471,390 respondents; the last are five copies of
  the second with new ids.
- series: files of the time series with 45,000, 150,000 and 450,000 rows of seven waves, of which
  waves 5 to 7 are read; random answers.
- waves: a file each of waves 5, 6 and 7, built one by one and all at once.

A build has costs that do not depend on the number of respondents: a cell of `distributions` costs
the same whoever answered. So the two smaller sizes say what is fixed and what a respondent costs,
and the largest is held against what that foretells. Bars (`--assert`): the largest takes at most
1.15 times as much CPU as foretold; of three sizes the largest peak is at most 1.3 times the
smallest; three waves at once take at most 1.15 times the CPU of the three alone.

    python benchmarks/growth.py [--smoke] [--assert] [--json OUT]

In full it takes about half an hour and 15 GB of disk; `--smoke` takes a few minutes.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

from build import FULL_PEOPLE, _in_a_process  # noqa: E402

from codebook import value_questions  # noqa: E402
from codebook.crosswalk import recode_to_wave7, wave_variable  # noqa: E402
from dataset_builder.synthesis import synthesize  # noqa: E402

#: Respondents, rows of a time series, and respondents of each of three waves.
SIZES = {
    "people": (10_000, FULL_PEOPLE, 5 * FULL_PEOPLE),
    "series": (45_000, 150_000, 450_000),
    "waves": (10_000, 10_000, 10_000),
}
SMOKE = {
    "people": (1_000, 2_000, 4_000),
    "series": (2_000, 4_000, 8_000),
    "waves": (1_000, 1_000, 1_000),
}

#: How much more than foretold the largest may take, and how far peaks may lie apart.
MOST_CPU, MOST_PEAK = 1.15, 1.3

_JAPAN_AND_OTHERS = (392, 276, 840, 76, 566, 818, 170, 4)
_BLOCK = 50_000


def copied(base: Path, out: Path, *, people: int) -> None:
    """Write the respondents of a file again and again, each time with new ids."""
    with base.open(encoding="utf-8-sig") as handle:
        names = handle.readline().strip().split(",")
    as_text = pacsv.ConvertOptions(column_types=dict.fromkeys(names, pa.string()))
    written, writer = 0, None
    while written < people:
        for batch in pacsv.open_csv(base, convert_options=as_text):
            batch = batch.slice(0, people - written)
            if not batch.num_rows:
                break
            ids = np.arange(written + 1, written + 1 + batch.num_rows)
            columns = {name: batch.column(name) for name in names}
            columns["S007"] = pa.array((1_000_000_000 + ids).astype(str))
            columns["D_INTERVIEW"] = pa.array((5_000_000_000 + ids).astype(str))
            rows = pa.RecordBatch.from_pydict(columns)
            if writer is None:
                options = pacsv.WriteOptions(quoting_style="needed")
                writer = pacsv.CSVWriter(out, rows.schema, write_options=options)
            writer.write_batch(rows)
            written += batch.num_rows
    assert writer is not None
    writer.close()
    sidecar = base.with_name(base.name + ".synthetic.json")
    if sidecar.exists():
        shutil.copyfile(sidecar, out.with_name(out.name + ".synthetic.json"))


def series(out: Path, *, rows: int) -> None:
    """Write a time series of waves 1 to 7 with random answers of nobody."""
    rng = np.random.default_rng(0)
    codes = _series_codes()
    writer = None
    for start in range(0, rows, _BLOCK):
        here = min(_BLOCK, rows - start)
        ids = np.arange(start, start + here)
        columns = {
            "S002VS": (ids % 7 + 1).astype(np.int16),
            "S003": np.array(_JAPAN_AND_OTHERS, np.int16)[ids // 7 % len(_JAPAN_AND_OTHERS)],
            "S006": ids + 1,
            "S017": np.ones(here),
        } | {name: rng.choice(valid_codes, here) for name, valid_codes in codes.items()}
        table = pa.RecordBatch.from_pydict(columns)
        writer = writer or pacsv.CSVWriter(out, table.schema)
        writer.write_batch(table)
    assert writer is not None
    writer.close()


def _series_codes() -> dict[str, list[int]]:
    """Codes of each variable of the time series that all waves which asked it have."""
    valid_codes: dict[str, list[int]] = {}
    for name, question in value_questions().items():
        for wave in (5, 6, 7):
            variable = wave_variable(name, wave, timeseries=True)
            if variable is None or question.scale is None:
                continue
            recoded = recode_to_wave7(name, wave, np.arange(11), timeseries=True)
            good = np.flatnonzero(np.isin(recoded, question.scale.codes)).tolist()
            known = valid_codes.get(variable, good)
            valid_codes[variable] = [code for code in known if code in good]
    return {variable: codes for variable, codes in valid_codes.items() if codes}


def _built(sources: Sequence[Path], folder: Path) -> dict[str, float]:
    out = folder / "built"
    measured = _in_a_process("full", sources, out)
    shutil.rmtree(out)
    return measured


def people_runs(sizes: Sequence[int], folder: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """Builds of wave 7 by number of respondents."""
    base = folder / "base.csv"
    for size in sizes:
        source = folder / f"people-{size}.csv"
        if size == sizes[-1]:
            copied(base, source, people=size)
        else:
            synthesize(base, people=size)
            shutil.copyfile(base, source)
        yield size, _built([source], folder)
        source.unlink()


def series_runs(sizes: Sequence[int], folder: Path) -> Iterator[tuple[int, dict[str, float]]]:
    """Builds of a time series by number of rows."""
    for size in sizes:
        source = folder / f"series-{size}.csv"
        series(source, rows=size)
        yield size, _built([source], folder)
        source.unlink()


def wave_runs(sizes: Sequence[int], folder: Path) -> Iterator[tuple[str, dict[str, float]]]:
    """Builds of waves 5, 6 and 7 alone, then of all three at once."""
    sources = []
    for wave, size in zip((5, 6, 7), sizes, strict=True):
        sources.append(folder / f"wave-{wave}.csv")
        synthesize(sources[-1], people=size, wave=wave)
        yield f"wave {wave}", _built([sources[-1]], folder)
    yield "three waves", _built(sources, folder)


def foretold(sizes: Sequence[int], cpu: Sequence[float]) -> tuple[float, float, float]:
    """Fixed CPU seconds, those of 1,000 more rows, and those of the largest size by the others."""
    each = (cpu[1] - cpu[0]) / (sizes[1] - sizes[0])
    fixed = cpu[0] - each * sizes[0]
    return fixed, 1000 * each, fixed + each * sizes[2]


def measure(sizes: dict[str, tuple[int, ...]]) -> list[tuple[str, float, str]]:
    """Measure, number and bar of each row."""
    rows: list[tuple[str, float, str]] = []
    with tempfile.TemporaryDirectory(prefix="opinion-atlas-growth-") as place:
        folder = Path(place)
        for name, runs in (("people", people_runs), ("series", series_runs)):
            measured = []
            for size, one in runs(sizes[name], folder):
                _print(f"{name} {size:,}", one)
                measured.append(one)
            cpu = [one["cpu"] for one in measured]
            peaks = [one["peak_mib"] for one in measured]
            fixed, each, expected = foretold(sizes[name], cpu)
            rows += [
                (f"{name}: fixed CPU, s", fixed, ""),
                (f"{name}: CPU of 1,000 rows, s", each, ""),
                (f"{name}: CPU of the largest / foretold", cpu[2] / expected, f"<= {MOST_CPU}"),
                (f"{name}: largest / smallest peak", max(peaks) / min(peaks), f"<= {MOST_PEAK}"),
                (f"{name}: largest peak, MiB", max(peaks), ""),
            ]
        single = 0.0
        for label, one in wave_runs(sizes["waves"], folder):
            _print(label, one)
            single += one["cpu"] if label != "three waves" else 0.0
        rows += [
            ("three waves: CPU / of the three alone", one["cpu"] / single, f"<= {MOST_CPU}"),
            ("three waves: peak, MiB", one["peak_mib"], ""),
        ]
    return rows


def _print(label: str, measured: dict[str, float]) -> None:
    print(
        f"{label}: {measured['cpu']:.1f} CPU s, peak {measured['peak_mib']:.0f} MiB, "
        f"{measured['rows']:,.0f} rows, {1e6 * measured['cpu'] / measured['rows']:.2f} us a row",
        flush=True,
    )


def main() -> int:
    """Measure, print, and with --assert fail beyond a bar."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--assert", dest="check", action="store_true", help="fail beyond a bar")
    parser.add_argument("--smoke", action="store_true", help="small files; asserts nothing")
    parser.add_argument("--json", type=Path, help="write the measurements there as well")
    given = parser.parse_args()
    rows = measure(SMOKE if given.smoke else SIZES)
    good = True
    for what, number, bar in rows:
        held = not bar or number <= float(bar.removeprefix("<= "))
        good &= held
        print(f"{'ok ' if held else 'NOT'} {what}: {number:.3g}{f' (bar {bar})' if bar else ''}")
    if given.json:
        given.json.write_text(json.dumps(rows))
    return 0 if good or given.smoke or not given.check else 1


if __name__ == "__main__":
    sys.exit(main())
