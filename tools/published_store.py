"""Score the published answers and write the reports that the board starts with.

    python -m tools.published_store                      scores all rows and baselines, makes the
                                                         maps (some minutes)
    python -m tools.published_store --only ROW           scores one; `maps` makes the maps only
    python -m tools.published_store --answers FILE       takes the answers in from a table first
    python -m tools.published_store --measured RUN --date YYYY-MM-DD --only ROW ...
                                                         takes in a run of `scripts/demo --ask`

FILE has the columns model, steering, language, country, question_id, code, percent.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from codebook import question_set
from contracts.predictions.read import read_predictions
from contracts.release.read import Release, open_release
from contracts.report import Report
from scoring.baselines.distributions import write_baselines
from scoring.engine import score
from scoring.inference.workspace import Workspace
from scoring.inputs.geometry import build_geometry
from scoring.inputs.survey import read_survey
from scoring.maps.make import make_map
from scoring.maps.opinion_plane import fit_plane
from scoring.maps.plane_file import plane_text
from scoring.maps.rows import row_of_predictions
from space.published.answers import (
    PublishedRow,
    folder,
    published_answer_rows,
    write_published_predictions,
)
from space.published.measured import measured_path, measured_rows, write_measured_predictions
from space.published.store import pack_report, pack_text

#: Model of the measured rows: the beginning of their ids.
MEASURED = "smollm2-135m"

FOLDER = Path(__file__).parents[1] / "space" / "published"


def take_in(path: Path) -> None:
    """Write the answers of a table in the compact form."""
    table = pq.read_table(path)
    names = ("model", "steering", "language", "country", "question_id")
    columns = {name: table[name].cast(pa.string()) for name in names}
    columns["code"] = table["code"].cast(pa.int16())
    percent = pc.round(pc.multiply(table["percent"], 100.0))
    columns["hundredths"] = percent.cast(pa.int32())
    made = pa.table(columns).sort_by([(name, "ascending") for name in (*names, "code")])
    pq.write_table(made, FOLDER / "answers.parquet", compression="zstd", compression_level=19)


def take_in_run(run: Path, date: str) -> None:
    """Pack the predictions of a run of the demo, with the day on which it was made."""
    for file in sorted((run / "predictions").glob("*.jsonl")):
        header, *lines = file.read_text(encoding="utf-8").splitlines()
        meta = json.loads(header)
        meta["extra"]["measured"] = {"date": date}
        condition = meta["extra"]["condition"].replace("_", "-")
        path = measured_path(f"{MEASURED}-{condition}")
        path.parent.mkdir(exist_ok=True)
        text = "\n".join([json.dumps(meta, ensure_ascii=False), *lines]) + "\n"
        pack_text(text, path)


def score_measured(row_id: str, release: Release, workspace: Workspace) -> Report:
    """The report of a measured row, without cells."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / f"{row_id}.jsonl"
        write_measured_predictions(row_id, path)
        return score(read_predictions(path), release, wave=7, cells=False, workspace=workspace)


def score_row(row: PublishedRow, release: Release, workspace: Workspace) -> Report:
    """The report of a row, without cells."""
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / f"{row.row_id}.jsonl"
        write_published_predictions(row, path)
        return score(read_predictions(path), release, wave=7, cells=False, workspace=workspace)


def make_maps(release: Release) -> None:
    """Write the maps of the last wave with all published rows, under the rows' ids."""
    rows = []
    with tempfile.TemporaryDirectory() as place:
        for row in published_answer_rows():
            path = Path(place) / f"{row.row_id}.jsonl"
            write_published_predictions(row, path)
            rows.append(row_of_predictions(read_predictions(path), name=row.row_id))
    wave = max(release.manifest.waves)
    survey = read_survey(release, build_geometry(question_set("alignment")), wave=wave)
    pack_text(plane_text(fit_plane(survey)), folder() / "plane.json.gz")
    made = make_map(release, rows, waves=[wave])
    pack_text(made.model_dump_json(exclude_none=True), folder() / "maps.json.gz")


def score_baselines(release: Release, workspace: Workspace) -> None:
    """Score the baselines of answer distributions."""
    with tempfile.TemporaryDirectory() as place:
        for written in write_baselines(release, place):
            if written.path is None:
                continue
            predictions = read_predictions(written.path)
            report = score(predictions, release, wave=7, cells=False, workspace=workspace)
            pack_report(report, folder() / "reports" / f"{written.path.stem}.json.gz")
            print(written.path.stem, flush=True)


def main() -> None:
    """Take answers in, score rows."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--answers", type=Path)
    parser.add_argument("--only", action="append", default=[])
    parser.add_argument("--measured", type=Path)
    parser.add_argument("--date", default="")
    arguments = parser.parse_args()
    if arguments.measured:
        take_in_run(arguments.measured, arguments.date)
    if arguments.answers:
        take_in(arguments.answers)
    release, workspace = open_release("reference"), Workspace()
    if not arguments.only or "maps" in arguments.only:
        make_maps(release)
    if not arguments.only or "baselines" in arguments.only:
        score_baselines(release, workspace)
    (folder() / "reports").mkdir(exist_ok=True)
    for row_id, made in _all_reports(release, arguments.only, workspace):
        pack_report(made, folder() / "reports" / f"{row_id}.json.gz")
        alignment = made.score("alignment")
        print(row_id, alignment and alignment.value.estimate, flush=True)


def _all_reports(
    release: Release, only: list[str], workspace: Workspace
) -> Iterator[tuple[str, Report]]:
    """Published and measured rows with their reports, one after the other."""
    for row in published_answer_rows():
        if not only or row.row_id in only:
            yield row.row_id, score_row(row, release, workspace)
    for row_id in measured_rows():
        if not only or row_id in only:
            yield row_id, score_measured(row_id, release, workspace)


if __name__ == "__main__":
    main()
