"""The staged Space: a whole one, which installs and starts by itself."""

from __future__ import annotations

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from importlib import metadata
from pathlib import Path

import pytest
from huggingface_hub import SpaceCard

from contracts.errors import ContractError
from space.server.deploy import deploy, stage_space


@pytest.fixture(scope="module")
def staged(sample_root, tmp_path_factory) -> Path:
    """A staged Space with the sample store."""
    folder = tmp_path_factory.mktemp("deploy") / "stage"
    stage_space(folder, store=sample_root, datasets=["org/release"])
    return folder


def test_the_readme_heads_a_gradio_space(staged: Path) -> None:
    heading = SpaceCard.load(staged / "README.md").data
    assert heading.sdk == "gradio"
    assert heading.sdk_version == metadata.version("gradio")
    assert heading.python_version == "3.11"
    assert (staged / heading.app_file).is_file()
    assert heading.to_dict()["hf_oauth_scopes"] == ["inference-api"]
    assert heading.datasets == ["org/release"]


def test_requirements_are_pinned(staged: Path) -> None:
    lines = (staged / "requirements.txt").read_text().split()
    assert all(re.fullmatch(r"[A-Za-z0-9_.\-\[\]]+==[\w.+]+", line) for line in lines)
    assert f"gradio[oauth]=={metadata.version('gradio')}" in lines


def test_the_stamp_names_version_and_files(staged: Path) -> None:
    stamp = json.loads((staged / "space" / "stamp.json").read_text())
    assert stamp["version"] == metadata.version("opinion-atlas")
    assert "space/server/app.py" in stamp["files"]
    assert "store/reports/heron-8b.json" in stamp["files"]
    assert not [path for path in staged.rglob("*") if path.name == "__pycache__"]


def test_an_existing_folder_is_left_alone(staged: Path) -> None:
    with pytest.raises(ContractError, match="exists already"):
        stage_space(staged)
    with pytest.raises(ContractError, match="no store at"):
        stage_space(staged, store=staged / "codebook", replace=True)
    assert (staged / "app.py").is_file()


def test_dry_run_lists_and_uploads_nothing(sample_root, tmp_path, capsys) -> None:
    deploy("org/board", out=tmp_path / "stage", store=sample_root, dry_run=True)
    said = capsys.readouterr().out
    assert "app.py" in said
    assert "Nothing was uploaded" in said


def wait_for(address: str, process: subprocess.Popen[bytes], log: Path) -> dict[str, object]:
    """The answer of `address` once it comes."""
    for _ in range(300):
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            with urllib.request.urlopen(address, timeout=2) as answer:
                return json.load(answer)
        except OSError:
            time.sleep(0.5)
    raise AssertionError(f"no answer: {log.read_text()[-3000:]}")


def start_staged(staged: Path, python: Path, log: Path) -> dict[str, object]:
    """Start the staged app.py with an interpreter that knows nothing of this checkout."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    with log.open("wb") as out:
        process = subprocess.Popen(
            [python, "app.py"],
            cwd=staged,
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**environment, "PORT": str(port)},
        )
    try:
        return wait_for(f"http://127.0.0.1:{port}/healthz", process, log)
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.mark.slow
def test_it_installs_in_a_fresh_environment_and_starts(staged: Path, tmp_path: Path) -> None:
    uv = shutil.which("uv") or str(Path(sys.executable).with_name("uv"))
    if not Path(uv).exists():
        pytest.skip("needs uv to make an environment quickly")
    environment = tmp_path / "environment"
    subprocess.run([uv, "venv", "-q", "--python", sys.executable, environment], check=True)
    python = environment / "bin" / "python"
    subprocess.run(
        [uv, "pip", "install", "-q", "--python", python, "-r", staged / "requirements.txt"],
        check=True,
    )
    found = start_staged(staged, python, tmp_path / "log.txt")
    assert found["status"] == "ok"
    assert found["rows"] == 9
    assert found["project_version"] == metadata.version("opinion-atlas")
