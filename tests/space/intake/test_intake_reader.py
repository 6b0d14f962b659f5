"""Uploads in children: good and bad files, limits, deaths, secrets."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import signal
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.predictions.read import read_predictions
from contracts.predictions.source import FORMATS
from contracts.report import read_report, write_report
from space.intake.limits import MEGABYTE, Limits
from space.intake.reader import Job, Outcome, Reader
from space.intake.templates import KINDS, write_template

COLUMNS = "question_id,country,option,share\n"


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    """A reader with the limits of a server."""
    with Reader() as found:
        yield found


def look(reader: Reader, path: Path, **options: Any) -> Outcome:
    """Read a file, without its scores unless asked for."""
    with reader.read(Job(path, **{"score": False, **options})) as outcome:
        return outcome


def codes(outcome: Outcome) -> list[str]:
    """Codes of the problems, in order."""
    return [problem.code for problem in outcome.problems]


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize("kind", KINDS)
def test_templates_are_read_with_metadata_whole(reader, tmp_path: Path, kind, suffix) -> None:
    path = write_template(tmp_path, kind=kind, suffix=suffix)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]
    assert read_predictions(path).kind == kind
    outcome = look(reader, path)
    assert (outcome.ok, outcome.kind, outcome.lacking) == (True, kind, ())
    assert outcome.rows == read_predictions(path).rows
    assert outcome.meta["model"] == "ORG/NAME"


def test_every_error_is_named_with_its_row(reader, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(COLUMNS + "Q1,DEU,1,-0.5\nQ1,DEU,9,0.5\nQ2,DEU,1,abc\nQ2,DEU,1\n")
    outcome = look(reader, path)
    assert [(p.row, p.code) for p in outcome.problems] == [
        (2, "negative-share"),
        (3, "unknown-option"),
        (4, "not-a-number"),
        (5, "wrong-cell-count"),
    ]
    assert {p.where for p in outcome.problems} == {"bad.csv"}


def test_listed_problems_are_capped_and_all_are_counted(reader, tmp_path: Path) -> None:
    path = tmp_path / "bad.csv"
    path.write_text(COLUMNS + "Q1,DEU,1,x\n" * 12_345)
    outcome = look(reader, path)
    assert outcome.problem_count == 12_345
    assert len(outcome.problems) == Limits().problems


def test_a_score_is_that_of_the_command(reader, tmp_path: Path) -> None:
    from contracts.release.read import open_release
    from scoring.engine import score

    path = write_template(tmp_path, kind="distribution", suffix=".csv")
    with reader.read(Job(path, replicates=10)) as outcome:
        assert outcome.report is not None
        assert outcome.predictions_path is not None
        stored = read_predictions(outcome.predictions_path)
        found = outcome.report
    own = score(read_predictions(path), open_release("reference"), replicates=10, cells=True)
    write_report(own, tmp_path / "own.json")  # writing rounds to nine digits
    expected = read_report(tmp_path / "own.json")
    assert found.scores == expected.scores
    assert found.cells == expected.cells
    assert stored.meta.extra["upload"]["format"] == ".csv"
    assert found.predictions.digest == stored.digest


def test_what_the_form_states_stands_in_the_report(reader, tmp_path: Path) -> None:
    path = write_template(tmp_path, kind="advice", suffix=".jsonl")
    stated = {"name": "Heron", "family": "heron", "link": "", "parameters": None}
    with reader.read(Job(path, stated=stated, replicates=10)) as outcome:
        meta = outcome.report.predictions.meta
    assert (meta.name, meta.family, meta.parameters) == ("Heron", "heron", 7e9)


def test_statements_of_the_wrong_kind_are_problems(reader, tmp_path: Path) -> None:
    path = write_template(tmp_path, kind="advice", suffix=".jsonl")
    outcome = look(reader, path, stated={"parameters": -1, "chat": "perhaps"})
    assert sorted(p.column for p in outcome.problems) == ["chat", "parameters"]


def test_half_a_surrogate_pair_is_one_clear_error(reader, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"question_id": "\\ud800", "participant_id": 1, "score": 1}\n')
    assert codes(look(reader, path)) == ["not-unicode"]


def test_numbers_that_are_none_cannot_be_stated(reader, tmp_path: Path) -> None:
    path = write_template(tmp_path, kind="advice", suffix=".jsonl")
    assert codes(look(reader, path, stated={"parameters": "inf"})) == ["non-finite"]


def test_a_board_needs_metadata_whole(reader, tmp_path: Path) -> None:
    path = tmp_path / "bare.csv"
    path.write_text(COLUMNS + "Q1,DEU,1,1\n")
    assert look(reader, path).lacking[:2] == ("model", "method")
    outcome = look(reader, path, board=True)
    assert codes(outcome) == ["metadata-lacking"]
    assert "prompt_version" in outcome.problems[0].column


def test_a_sidecar_counts_whatever_it_is_called(reader, tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text(COLUMNS + "Q1,DEU,1,1\n")
    sidecar = tmp_path / "other.json"
    sidecar.write_text(json.dumps({"model": "ORG/HERON", "method": "verbalized"}))
    assert look(reader, path, sidecar=sidecar).meta["model"] == "ORG/HERON"


class Opens:
    """Makes a file when it is unpickled."""

    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.target,)


def test_nothing_is_unpickled(reader, tmp_path: Path) -> None:
    target = tmp_path / "opened"
    for name in ("a.jsonl", "a.parquet", "a.json"):
        path = tmp_path / name
        path.write_bytes(pickle.dumps(Opens(target)))
        assert not look(reader, path).ok
    assert not target.exists()


def test_a_small_file_of_40_million_rows_is_refused_unread(reader, tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    rows = 10_000_000
    column = pa.DictionaryArray.from_arrays(
        pa.array(memoryview(bytes(rows)), pa.int8()), pa.array(["1"])
    )
    table = pa.table(dict.fromkeys(("question_id", "option", "share"), column))
    with pq.ParquetWriter(path, table.schema, compression="zstd") as writer:
        for _ in range(4):
            writer.write_table(table, row_group_size=rows)
    assert path.stat().st_size < MEGABYTE
    outcome = look(reader, path)
    assert codes(outcome)[0] == "too-many-rows"
    assert outcome.problems[0].found == "40000000"
    assert outcome.peak_bytes < 300 * MEGABYTE


def test_memory_has_a_cap(reader, tmp_path: Path) -> None:
    """900,000 rows that all name one text of a megabyte."""
    path = tmp_path / "a.parquet"
    index = pa.array(memoryview(bytes(900_000)), pa.int8())
    large = pa.DictionaryArray.from_arrays(index, pa.array(["Q" * MEGABYTE]))
    ones = pa.DictionaryArray.from_arrays(index, pa.array(["1"]))
    pq.write_table(pa.table({"question_id": large, "option": ones, "share": ones}), path)
    outcome = look(reader, path)
    assert codes(outcome)[0] in ("not-parquet", "too-much-memory")
    assert outcome.peak_bytes < Limits().memory_bytes + 300 * MEGABYTE


def test_a_child_out_of_memory_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"question_id": "Q1", "shares": {"1": 1, "2": 0}}\n' * 200_000)
    with Reader(replace(Limits(), memory_bytes=12 * MEGABYTE)) as small:
        outcome = look(small, path)
        assert codes(outcome) == ["too-much-memory"]
        assert look(small, write_template(tmp_path, kind="advice", suffix=".csv")).ok


def test_a_child_that_takes_too_long_is_one_clear_error(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"question_id": "Q1", "shares": {"1": 1, "2": 0}}\n' * 300_000)
    with Reader(replace(Limits(), wall_seconds=0.3)) as hasty:
        assert codes(look(hasty, path)) == ["too-slow"]
    with Reader(replace(Limits(), cpu_seconds=1)) as hasty:
        assert codes(look(hasty, path)) == ["too-slow"]


def test_the_reader_goes_on_when_its_process_is_killed(tmp_path: Path) -> None:
    path = write_template(tmp_path, kind="distribution", suffix=".csv")
    with Reader() as found:
        assert look(found, path).ok
        process = found._server._process
        threading.Timer(0.5, lambda: os.kill(process.pid, signal.SIGKILL)).start()
        with found.read(Job(path, replicates=1_000)) as outcome:
            killed = outcome
        process.wait(timeout=20)
        assert killed.ok or codes(killed) == ["unreadable"]
        assert look(found, path).ok


def test_secrets_of_the_server_do_not_reach_the_children(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    monkeypatch.setenv("OAUTH_CLIENT_SECRET", "secret")
    with Reader() as found:
        assert look(found, write_template(tmp_path, kind="advice", suffix=".csv")).ok
        pid = found._server._process.pid
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    assert b"secret" not in environment
    assert b"ARROW_DEFAULT_MEMORY_POOL" in environment


def test_uploads_leave_nothing_behind(reader, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "work"))
    (tmp_path / "work").mkdir()
    assert look(reader, write_template(tmp_path, kind="advice", suffix=".csv")).ok
    assert list((tmp_path / "work").iterdir()) == []


def good_report(reader: Reader, folder: Path) -> dict[str, Any]:
    """Fields of a report that our scorer wrote."""
    path = write_template(folder, kind="distribution", suffix=".jsonl")
    with reader.read(Job(path, replicates=10)) as outcome:
        return json.loads(outcome.report_path.read_text())


@pytest.fixture(scope="module")
def report_fields(reader, tmp_path_factory) -> dict[str, Any]:
    return good_report(reader, tmp_path_factory.mktemp("report"))


def test_a_report_made_elsewhere_is_read_without_its_ceiling(
    reader, report_fields, tmp_path: Path
) -> None:
    fields = json.loads(json.dumps(report_fields))
    fields["countries"][0]["ceiling"] = 1.0
    path = tmp_path / "report.json"
    path.write_text(json.dumps(fields))
    with reader.read(Job(path)) as outcome:
        assert outcome.kind == "report"
        assert outcome.report is not None
        assert outcome.predictions_path is None
        assert {one.ceiling for one in outcome.report.countries} == {None}
        given = [one["value"]["estimate"] for one in fields["scores"]]
        assert [one.value.estimate for one in outcome.report.scores] == given


def _set(fields: dict[str, Any], place: str, item: Any) -> None:
    *path, last = place.split(".")
    here: Any = fields
    for key in path:
        here = here[int(key)] if isinstance(here, list) else here[key]
    here[last] = item


@pytest.mark.parametrize(
    ("place", "item", "code"),
    [
        ("kind", "release", "not-report"),
        ("schema_version", "99.0", "schema-version"),
        ("countries.0.country", "ZZZ", "unknown-country"),
        ("countries.0.alignment", {"estimate": 7.0}, "impossible-score"),
        ("countries.0.alignment", {"estimate": 0.5, "low": 0.9}, "field-value-error"),
        ("settings.level", "NaN", "non-finite"),
        ("settings.level", "1e999", "non-finite"),
        ("predictions.meta.parameters", "inf", "non-finite"),
        ("predictions.meta.model", "\ud800", "unsafe-text"),
        ("groups.0.name", "made up", "unknown-group"),
        ("questions.0.question_id", "Q999", "unknown-question"),
        ("scores.0.name", "<b>alignment</b>", "unknown-score"),
        ("coverage.share", 2.0, "impossible-score"),
        ("coverage.expected", 2**70, "large-number"),
        ("predictions.meta.model", "<script>", "unsafe-text"),
        ("predictions.meta.link", "javascript:alert(1)", "unsafe-link"),
        ("predictions.meta.baseline", True, "baseline"),
        ("release.name", "x\u202ey", "unsafe-text"),
        ("settings.extra", 1, "field-extra-forbidden"),
        ("scores", [{}] * 501, "long-list"),
    ],
)
def test_reports_that_no_scorer_writes(
    reader, report_fields, tmp_path: Path, place: str, item: Any, code: str
) -> None:
    fields = json.loads(json.dumps(report_fields))
    _set(fields, place, item)
    path = tmp_path / "report.json"
    path.write_text(json.dumps(fields))
    assert code in codes(look(reader, path))


def test_a_report_whose_page_would_be_too_large(reader, report_fields, tmp_path: Path) -> None:
    fields = json.loads(json.dumps(report_fields))
    fields["warnings"] = [{"code": "x", "message": "y" * 9_000}] * 400
    path = tmp_path / "report.json"
    path.write_text(json.dumps(fields))
    assert codes(look(reader, path)) == ["large-page"]


@pytest.mark.parametrize("kind", ["distribution", "advice"])
def test_reports_that_our_scorer_writes_pass(reader, tmp_path: Path, kind) -> None:
    """With groups and with advice tables."""
    path = write_template(tmp_path, kind=kind, suffix=".csv")
    if kind == "distribution":
        text = path.read_text()
        by_sex = [line.replace(",DEU,,", ",DEU,sex=female,") for line in text.splitlines()[2:]]
        path.write_text(text + "\n".join(line for line in by_sex if "sex=" in line) + "\n")
    with reader.read(Job(path, replicates=10)) as outcome:
        assert outcome.ok, outcome.problems
        shutil.copyfile(outcome.report_path, tmp_path / "own.json")
        given = outcome.report
    with reader.read(Job(tmp_path / "own.json")) as outcome:
        assert outcome.ok, outcome.problems
        assert outcome.report.scores == given.scores
        assert outcome.report.groups == given.groups
        assert outcome.report.protocols == given.protocols


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("NaN", "not-json"),
        ('{"kind": "report", "kind": "report"}', "not-json"),
        ("[" * 100_000, "too-deep"),
        ("[]", "not-object"),
        ('{"kind": "report"', "not-json"),
    ],
)
def test_json_that_is_no_report(reader, tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "report.json"
    path.write_text(text)
    assert codes(look(reader, path)) == [code]


def test_persons_are_scored_and_kept_as_they_are(reader, tmp_path: Path) -> None:
    path = write_template(tmp_path, kind="persons", suffix=".csv")
    with reader.read(Job(path, replicates=10)) as outcome:
        assert outcome.ok, outcome.problems
        assert outcome.report.score("structure") is not None
        stored = read_predictions(outcome.predictions_path)
    assert stored.table is not None
    assert stored.table.equals(read_predictions(path).table)


def test_persons_made_from_single_respondents_are_refused(reader, tmp_path: Path) -> None:
    path = write_template(tmp_path, kind="persons", suffix=".jsonl")
    header, _, rest = path.read_text(encoding="utf-8").partition("\n")
    fields = {**json.loads(header), "microdata_derived": True}
    path.write_text(f"{json.dumps(fields)}\n{rest}", encoding="utf-8")
    assert codes(look(reader, path)) == ["microdata"]
