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
from hub_server import HubServer
from huggingface_hub import SpaceCard
from PIL import Image
from publish_samples import ACCOUNTS, TOKEN

from contracts.errors import ContractError
from space.server.deploy import deploy, mount_bucket, stage_space


@pytest.fixture(scope="module")
def staged(sample_root, tmp_path_factory) -> Path:
    """A staged Space with the sample store."""
    folder = tmp_path_factory.mktemp("deploy") / "stage"
    stage_space(folder, store=sample_root, repo="org/board", datasets=["org/release"])
    return folder


def test_the_readme_heads_a_gradio_space(staged: Path) -> None:
    heading = SpaceCard.load(staged / "README.md").data
    assert heading.sdk == "gradio"
    assert heading.sdk_version == metadata.version("gradio")
    assert heading.python_version == "3.11"
    assert (staged / heading.app_file).is_file()
    assert heading.to_dict()["hf_oauth_scopes"] == ["inference-api"]
    assert heading.datasets == ["org/release"]
    assert "leaderboard" in heading.tags


def test_the_card_links_models_and_a_picture(staged: Path, sample_root: Path) -> None:
    heading = SpaceCard.load(staged / "README.md").data.to_dict()
    address = "https://huggingface.co/spaces/org/board/resolve/main/thumbnail.png"
    assert heading["thumbnail"] == address
    reports = [json.loads(path.read_text()) for path in (sample_root / "reports").glob("*.json")]
    named = {
        report["predictions"]["meta"]["model"]
        for report in reports
        if not report["predictions"]["meta"]["baseline"] and not report["release"]["synthetic"]
    }
    on_the_hub = {name for name in named if name.count("/") == 1}
    assert set(heading["models"]) <= on_the_hub
    assert heading["models"] == sorted(heading["models"])
    assert heading["models"]
    with Image.open(staged / "thumbnail.png") as picture:
        assert picture.size == (1200, 630)
        colours = picture.convert("RGB").getcolors(1 << 20)
    # Dots of several continents on paper, and not paper alone.
    assert len(colours) > 50


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
def test_a_bucket_is_made_and_mounted(
    sample_root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    """On a local Hub: the Space, its bucket, where it is mounted, and where the board's folders
    lie."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_XET", True)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    with HubServer() as hub:
        hub.state.accounts = dict(ACCOUNTS)
        monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", hub.url)
        monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", hub.url)
        for _ in range(2):  # a second time changes nothing
            deploy("atlas/board", out=tmp_path / "stage", store=sample_root, bucket="atlas/kept")
        space = hub.state.repos["atlas/board"]
        assert hub.state.buckets == {"atlas/kept": {"visibility": "private"}}
        assert space.volumes == [{"type": "bucket", "source": "atlas/kept", "mountPath": "/data"}]
        assert space.variables == {
            "OPINION_ATLAS_STORE": "/data/store", "OPINION_ATLAS_PRIVATE": "/data/private",
        }  # fmt: skip
        assert {"app.py", "README.md", "thumbnail.png"} <= set(space.head.files)
        with pytest.raises(ContractError, match="create the bucket"):
            mount_bucket("atlas/board", "others/kept")
    assert "Mounted the bucket atlas/kept at /data" in capsys.readouterr().out


def test_the_first_start_on_a_volume_takes_the_shipped_store(staged: Path, tmp_path: Path) -> None:
    """What lies on the volume afterwards is the board's, and is not replaced again."""
    app = (staged / "app.py").read_text()
    served = []
    code = app.replace("from space.server.serve import serve", "serve = served")
    volume = tmp_path / "data" / "store"
    for _ in range(2):
        names = {
            "__name__": "__main__", "__file__": str(staged / "app.py"),
            "served": lambda store, **_: served.append(store),
        }  # fmt: skip
        with pytest.MonkeyPatch.context() as patched:
            patched.setenv("OPINION_ATLAS_STORE", str(volume))
            exec(compile(code, "app.py", "exec"), names)
        (volume / "reports" / "mark.txt").write_text("kept")
    assert served == [str(volume)] * 2
    assert (volume / "reports" / "heron-8b.json").is_file()
    assert (volume / "reports" / "mark.txt").read_text() == "kept"


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
