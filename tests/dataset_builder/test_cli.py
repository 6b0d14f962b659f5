"""The sub-commands, run as a user runs them; and what they say when a disk is in the way."""

from __future__ import annotations

import errno
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from dataset_builder.build import build_release


def run(
    *arguments: str | Path, limit_file_size: int | None = None
) -> subprocess.CompletedProcess[str]:
    """Run `opinion-atlas`; with a limit, no file may grow beyond that many bytes."""
    code = "from opinion_atlas.app import main; main()"
    if limit_file_size is not None:
        code = (
            "import resource, signal; signal.signal(signal.SIGXFSZ, signal.SIG_IGN); "
            f"resource.setrlimit(resource.RLIMIT_FSIZE, ({limit_file_size},) * 2); " + code
        )
    return subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200"},
    )


@pytest.fixture(scope="module")
def survey_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("survey") / "people.csv"
    done = run("synthesize", "--out", path, "--people", "700", "--seed", "3")
    assert done.returncode == 0, done.stderr
    assert "SYNTHETIC" in done.stdout
    return path


@pytest.mark.slow
def test_synthesize_build_verify(survey_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "r"
    plan = run("build", survey_file, "--out", out, "--dry-run", "--json")
    assert plan.returncode == 0, plan.stderr
    assert not out.exists()
    assert json.loads(plan.stdout)["counts"]["people"] == 700
    built = run("build", survey_file, "--out", out)
    assert built.returncode == 0, built.stderr
    assert "SYNTHETIC: these people do not exist" in built.stdout
    assert "reading people.csv" in built.stderr
    checked = run("verify", out)
    assert checked.returncode == 0, checked.stdout
    again = run("build", survey_file, "--out", out)
    assert again.returncode == 2
    assert "--force" in again.stderr


@pytest.mark.slow
def test_verify_says_what_is_wrong_with_exit_code_1(survey_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "r"
    assert run("build", survey_file, "--out", out, "--public").returncode == 0
    with (out / "questions" / "data-00000-of-00001.parquet").open("ab") as handle:
        handle.write(b"x")
    found = run("verify", out)
    assert found.returncode == 1
    assert "file-changed" in found.stdout
    as_json = run("verify", out, "--json")
    assert as_json.returncode == 1
    problems = json.loads(as_json.stdout)["problems"]
    assert [p["code"] for p in problems] == ["file-changed"]


@pytest.mark.slow
@pytest.mark.parametrize("limit", [1_000, 60_000])
def test_a_full_disk_leaves_nothing_behind(survey_file: Path, tmp_path: Path, limit: int) -> None:
    # A limit on the size of files fails like a full disk: in the middle of a write.
    out = tmp_path / "r"
    done = run("build", survey_file, "--out", out, limit_file_size=limit)
    assert done.returncode == 2, done.stderr
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def tiny_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, where the machine lets us mount one."""
    place = tmp_path / "disk"
    place.mkdir()
    if shutil.which("mount") is None or os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(place)],
        check=False,
        capture_output=True,
    )
    if done.returncode:
        pytest.skip("this machine does not let us mount a file system")
    yield place
    subprocess.run(["umount", str(place)], check=True)


@pytest.mark.slow
def test_a_really_full_disk(survey_file: Path, tiny_disk: Path) -> None:
    done = run("build", survey_file, "--out", tiny_disk / "r")
    assert done.returncode == 2, done.stderr
    assert os.strerror(errno.ENOSPC) in done.stderr
    assert list(tiny_disk.iterdir()) == []


@pytest.mark.slow
def test_a_place_that_cannot_be_written(survey_file: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_text("no folder")
    done = run("build", survey_file, "--out", blocked / "r")
    assert done.returncode == 2
    assert "cannot write" in done.stderr
    assert "Traceback" not in done.stderr
    if Path("/proc/1/fd").exists():
        done = run("build", survey_file, "--out", "/proc/r")
        assert done.returncode == 2
        assert "cannot write" in done.stderr


def test_bad_input_is_one_clear_line(tmp_path: Path) -> None:
    done = run("build", tmp_path / "gone.csv", "--out", tmp_path / "r")
    assert done.returncode == 2
    assert "there is no file" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "r").exists()
    done = run("verify", tmp_path / "nothing")
    assert done.returncode == 1
    assert "no release at" in done.stdout


def test_synthesize_says_which_suffixes_there_are(tmp_path: Path) -> None:
    done = run("synthesize", "--out", tmp_path / "people.parquet")
    assert done.returncode == 2
    assert ".csv, .sav" in done.stderr


def test_help_teaches(tmp_path: Path) -> None:
    for command in ("build", "verify", "synthesize", "publish"):
        done = run(command, "--help")
        assert done.returncode == 0
        assert "--json" in done.stdout


@pytest.mark.slow
def test_sav_and_csv_of_the_same_people_give_the_same_rows(tmp_path: Path) -> None:
    tables = {}
    for suffix in ("csv", "sav"):
        survey = tmp_path / f"people.{suffix}"
        done = run("synthesize", "--out", survey, "--people", "200", "--seed", "8")
        assert done.returncode == 0, done.stderr
        manifest = build_release([survey], tmp_path / suffix)
        tables[suffix] = {name: entry.row_digest for name, entry in manifest.tables.items()}
        assert suffix in manifest.sources[0].detected["format"]
    assert tables["csv"] == tables["sav"]
