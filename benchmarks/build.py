"""Measure the build: CPU, wall, peak memory and bytes of ours, of pandas melt, and of the floor.

Every pipeline runs in a process of its own on the same synthetic file:

- floor: parse the columns of a release with pyarrow, and write long rows that are ready made.
  What it does not do is everything between: no codes checked, no people, no splits, no digests.
- lean: our reader, checks, splits and digests; rows of respondent, question, answer alone, and
  the table of respondents, which has the demographics once per person.
- full: `opinion-atlas build` as it is, all tables.
- melt: the same by pandas alone, as it is usually done: read_csv, melt with the main demographics
  as id columns, filter, sort by person, three files. The same rows with the same information.
- verify: `opinion-atlas verify` of the release that `full` made.
- load: first `load_dataset` of the configs `responses` and `lean`, and a pass over their rows.

Bars (`--assert`): lean takes at most 1.5 times the floor's CPU, a third of melt's CPU and a sixth
of its memory; a full build peaks below 600 MiB; the Arrow cache of `responses` stays under 2.5 GB
and that of `lean` under 350 MB; a full file gives at least 21 million rows, and its `distributions`
take at most 39 MB; `verify` takes at most 0.85 of the full build's CPU and 850 MiB; whoever reads
`split=all, group=""` of them touches at most 3 row groups.

    python benchmarks/build.py [--people N] [--source FILE.csv] [--assert] [--json OUT]
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

HERE = Path(__file__).resolve()
sys.path.insert(0, str(HERE.parents[1]))

FULL_PEOPLE = 94_278
PIPELINES = ("floor", "lean", "full", "melt", "verify", "load")

#: Pipelines that read the release which `full` made.
READERS = ("verify", "load")


def _cpu() -> float:
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime + usage.ru_stime


def _peak_mib() -> float:
    """Peak memory of this process. What `getrusage` tells holds that of whoever started it, too."""
    status = Path("/proc/self/status")
    if status.is_file():
        line = next(one for one in status.read_text().splitlines() if one.startswith("VmHWM"))
        return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def _needed_columns(source: Path) -> list[str]:
    from codebook import value_questions

    with source.open(encoding="utf-8-sig") as handle:
        header = handle.readline().strip().split(",")
    return ["S007", *(name for name in value_questions() if name in header)]


def _release_columns(source: Path) -> list[str]:
    """Columns that a release is made from: ids, weight, demographics, value questions."""
    from codebook.respondents.demographics import demographics

    with source.open(encoding="utf-8-sig") as handle:
        header = set(handle.readline().strip().split(","))
    others = ("D_INTERVIEW", "W_WEIGHT", "version", *demographics())
    return [*_needed_columns(source), *(name for name in others if name in header)]


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def floor(source: Path, out: Path) -> dict[str, float]:
    """Parse, and write rows that someone else made: only these two are measured."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet as pq

    from contracts.release.tables import SPLITS
    from contracts.release.write import ROW_GROUP_ROWS
    from dataset_builder.build import prepare
    from dataset_builder.options import BuildOptions
    from dataset_builder.reading import read_survey
    from dataset_builder.tables.responses import LEAN_LAYOUT, response_batches

    start = _cpu()
    columns = _release_columns(source)
    types = dict.fromkeys(_needed_columns(source)[1:], pa.int8()) | {"S007": pa.int32()}
    convert = pa.csv.ConvertOptions(include_columns=columns, column_types=types)
    parsed = pa.csv.read_csv(source, convert_options=convert)
    taken = _cpu() - start
    del parsed

    (people,) = prepare([read_survey(source)], BuildOptions())
    rows = 0
    for number, name in enumerate(SPLITS):
        batches = list(response_batches(people, number, layout=LEAN_LAYOUT))
        start = _cpu()
        writer = pq.ParquetWriter(
            out / f"{name}.parquet",
            batches[0].schema,
            compression="zstd",
            write_statistics=["respondent_id", "question_id"],
            write_page_index=True,
            use_content_defined_chunking=True,
            store_schema=False,
        )
        for batch in batches:
            writer.write_table(batch, row_group_size=ROW_GROUP_ROWS)
            rows += batch.num_rows
        writer.close()
        taken += _cpu() - start
    return {"cpu": taken, "rows": rows}


def lean(source: Path, out: Path) -> dict[str, float]:
    """Our pipeline, with the columns of the config `lean` alone."""
    import contracts.release.write
    from contracts.release.write import TableWriter, write_tables
    from dataset_builder.build import prepare
    from dataset_builder.options import BuildOptions
    from dataset_builder.people import respondents_table
    from dataset_builder.reading import read_survey
    from dataset_builder.tables.responses import LEAN_LAYOUT, file_counts, write_responses

    # A release has these columns as a view of `responses`, never as files: let the writer pass.
    contracts.release.write.schema_problems = lambda *_: []
    (people,) = prepare([read_survey(source)], BuildOptions())
    writer = TableWriter(out, "responses", parts=file_counts([people]))
    write_responses(writer, [people], layout=LEAN_LAYOUT)
    write_tables(out, {"respondents": respondents_table(people, tuple(people.codes))})
    return {"rows": writer.close().rows}


def full(source: Path | Sequence[Path], out: Path) -> dict[str, float]:
    """The whole release, of one file or of several."""
    from dataset_builder.build import build_release

    sources = [source] if isinstance(source, Path) else list(source)
    manifest = build_release(sources, out / "release")
    groups, touched = _row_groups(out / "release" / manifest.tables["distributions"].files[0].path)
    return {
        "rows": manifest.tables["responses"].rows,
        "distributions_bytes": sum(f.size for f in manifest.tables["distributions"].files),
        "distributions_groups": groups,
        "distributions_touched": touched,
    }


def _row_groups(path: Path) -> tuple[int, int]:
    """Row groups of `distributions`, and those that a reader of everyone cannot skip."""
    import pyarrow.parquet as pq

    footer = pq.read_metadata(path)
    columns = {footer.schema.column(i).path: i for i in range(footer.num_columns)}
    wanted = {"split": "all", "group": ""}
    touched = 0
    for number in range(footer.num_row_groups):
        group = footer.row_group(number)
        bounds = {name: group.column(columns[name]).statistics for name in wanted}
        touched += all(
            bounds[name].min <= text <= bounds[name].max for name, text in wanted.items()
        )
    return footer.num_row_groups, touched


def melt(source: Path, out: Path) -> dict[str, float]:
    """Long rows with the main demographics, as one writes them with pandas alone."""
    import hashlib

    import pandas as pd

    from codebook import value_questions
    from codebook.respondents.harmonised import HARMONISED
    from contracts.release.tables import ROW_DEMOGRAPHICS

    columns = _needed_columns(source)
    persons = ["B_COUNTRY", *(HARMONISED[name].variable for name in ROW_DEMOGRAPHICS)]
    wide = pd.read_csv(source, usecols=[*columns, *persons])
    for name in columns[1:]:
        scale = value_questions()[name].scale
        assert scale is not None
        wide[name] = wide[name].where(wide[name].isin(scale.codes), -1).astype("int16")
    uniform = [
        int.from_bytes(hashlib.blake2b(str(i).encode(), digest_size=8).digest()) / 2**64
        for i in wide["S007"]
    ]
    wide = pd.concat([wide, pd.Series(uniform, name="u")], axis=1)
    long = wide.melt(
        id_vars=["S007", "u", *persons], var_name="question_id", value_name="answer_code"
    )
    long = long[long["answer_code"] >= 0].sort_values("S007", kind="stable")
    bounds = {"train": (0.0, 0.7), "validation": (0.7, 0.85), "test": (0.85, 1.0)}
    for name, (low, high) in bounds.items():
        rows = long.loc[(long["u"] >= low) & (long["u"] < high)].drop(columns="u")
        rows.to_parquet(out / f"{name}.parquet", compression="zstd", index=False)
    return {"rows": len(long)}


def verify(source: Path, out: Path) -> dict[str, float]:
    """Every check of a release."""
    from dataset_builder.verifying.run import verify_release

    del out
    verification = verify_release(source)
    assert all(check.passed for check in verification.checks)
    return {"rows": 0}


def load(source: Path, out: Path) -> dict[str, float]:
    """First load of both configs and one pass over all rows, as a trainer does it."""
    os.environ["HF_HOME"] = str(out / "cache")
    os.environ["HF_HUB_OFFLINE"] = "1"
    import datasets

    datasets.disable_progress_bars()
    measurements: dict[str, float] = {}
    for config in ("responses", "lean"):
        start = time.monotonic()
        loaded = datasets.load_dataset(str(source), config)
        measurements[f"{config}_load_s"] = time.monotonic() - start
        measurements[f"{config}_cache_bytes"] = sum(
            Path(f["filename"]).stat().st_size
            for files in loaded.cache_files.values()
            for f in files
        )
        start = time.monotonic()
        seen = sum(
            batch.num_rows
            for split in loaded.values()
            for batch in split.with_format("arrow").iter(batch_size=50_000)
        )
        measurements[f"{config}_iterate_s"] = time.monotonic() - start
        measurements["rows"] = seen
    return measurements


def _measure(pipeline: str, source: Path | Sequence[Path], out: Path) -> dict[str, float]:
    """Run one pipeline in this process, what has to be imported imported before."""
    import pandas  # noqa: F401
    import pyarrow.csv  # noqa: F401

    import dataset_builder.build  # noqa: F401

    work: Callable[..., dict[str, float]] = globals()[pipeline]
    out.mkdir(parents=True)
    started, used = time.monotonic(), _cpu()
    figures = work(source, out)
    measured = {"cpu": _cpu() - used, "wall": time.monotonic() - started, "peak_mib": _peak_mib()}
    return measured | figures | {"bytes": _size(out)}


def _in_a_process(pipeline: str, source: Path | Sequence[Path], out: Path) -> dict[str, float]:
    sources = [source] if isinstance(source, Path) else source
    command = [sys.executable, str(HERE), "--one", pipeline, "--source", *map(str, sources)]
    done = subprocess.run(
        [*command, "--out", str(out)], check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def _best(pipeline: str, source: Path, root: Path, *, repeats: int) -> dict[str, float]:
    """The run with the least CPU: others on the machine can only make it more."""
    runs = []
    for number in range(repeats):
        out = root / pipeline
        if number:
            shutil.rmtree(out)
        runs.append(_in_a_process(pipeline, source, out))
    return min(runs, key=lambda run: run["cpu"])


def bars(
    measurements: dict[str, dict[str, float]], *, people: int
) -> list[tuple[str, float, float, bool]]:
    """(what, measured, allowed, whether it holds) of every bar."""
    lean_cpu, lean_peak = measurements["lean"]["cpu"], measurements["lean"]["peak_mib"]
    limits = [
        ("lean CPU / floor CPU", lean_cpu / measurements["floor"]["cpu"], 1.5),
        ("lean CPU / melt CPU", lean_cpu / measurements["melt"]["cpu"], 1 / 3),
        ("lean peak / melt peak", lean_peak / measurements["melt"]["peak_mib"], 1 / 6),
        (
            "verify CPU / full build CPU",
            measurements["verify"]["cpu"] / measurements["full"]["cpu"],
            0.85,
        ),
        ("verify peak, MiB", measurements["verify"]["peak_mib"], 850.0),
        ("full build peak, MiB", measurements["full"]["peak_mib"], 600.0),
        ("cache of responses, GB", measurements["load"]["responses_cache_bytes"] / 1e9, 2.5),
        ("cache of lean, MB", measurements["load"]["lean_cache_bytes"] / 1e6, 350.0),
        ("distributions, MB", measurements["full"]["distributions_bytes"] / 1e6, 39.0),
        ("row groups read for everyone", measurements["full"]["distributions_touched"], 3.0),
    ]
    held = [(what, number, limit, number <= limit) for what, number, limit in limits]
    if people >= FULL_PEOPLE:
        rows = measurements["full"]["rows"] / 1e6
        held.append(("rows of responses, million (at least)", rows, 21.0, rows >= 21.0))
    return held


def _report(measurements: dict[str, dict[str, float]], *, people: int) -> bool:
    print(f"{'pipeline':10}{'CPU s':>8}{'wall s':>8}{'peak MiB':>10}{'MB':>9}{'rows':>13}")
    for name, row in measurements.items():
        print(
            f"{name:10}{row['cpu']:8.1f}{row['wall']:8.1f}{row['peak_mib']:10.0f}"
            f"{row['bytes'] / 1e6:9.1f}{row['rows']:13,.0f}"
        )
    for config in ("responses", "lean"):
        load_s, pass_s = (
            measurements["load"][f"{config}_{what}_s"] for what in ("load", "iterate")
        )
        print(f"{config}: first load {load_s:.1f} s, one pass over the rows {pass_s:.1f} s")
    held = bars(measurements, people=people)
    for what, number, limit, good in held:
        print(f"{'ok ' if good else 'NOT'} {what}: {number:.2f} (bar {limit:.2f})")
    return all(good for *_, good in held)


#: People of the run that only shows that everything works.
SMOKE_PEOPLE = 2000


def main() -> int:
    """Run all pipelines, print a table, and check the bars if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--people", type=int, default=FULL_PEOPLE)
    parser.add_argument("--source", type=Path, nargs="+", help="a CSV that is there already")
    parser.add_argument("--repeats", type=int, default=3, help="runs of floor and lean")
    parser.add_argument("--assert", dest="check", action="store_true")
    parser.add_argument("--smoke", action="store_true", help="few people, once; asserts nothing")
    parser.add_argument("--json", type=Path, help="write the measurements there as well")
    parser.add_argument("--one", choices=PIPELINES, help=argparse.SUPPRESS)
    parser.add_argument("--out", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.smoke:
        given.people, given.repeats, given.check = SMOKE_PEOPLE, 1, False
    if given.one:
        source = given.source if given.one == "full" else given.source[0]
        print(json.dumps(_measure(given.one, source, given.out)))
        return 0
    with tempfile.TemporaryDirectory(prefix="opinion-atlas-benchmark-") as folder:
        root = Path(folder)
        source = given.source[0] if given.source else root / "people.csv"
        if given.source is None:
            from dataset_builder.synthesis import synthesize

            synthesize(source, people=given.people)
        # Only the two that are compared closely are run more than once.
        measurements = {
            name: _best(
                name, source, root, repeats=given.repeats if name in ("floor", "lean") else 1
            )
            for name in PIPELINES
            if name not in READERS
        }
        release = root / "full" / "release"
        measurements |= {name: _in_a_process(name, release, root / name) for name in READERS}
    good = _report(measurements, people=given.people)
    if given.json:
        held = bars(measurements, people=given.people)
        rows = [(what, number, f"<= {limit:.3g}") for what, number, limit, _ in held]
        given.json.write_text(json.dumps(rows))
    return 0 if good or not given.check else 1


if __name__ == "__main__":
    sys.exit(main())
