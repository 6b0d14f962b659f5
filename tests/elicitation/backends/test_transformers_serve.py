"""A server that others wrote: `transformers serve` with a tiny random chat model."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.predictions.read import read_predictions
from elicitation.backends.openai.http import OpenAIBackend
from elicitation.backends.registry import BackendOptions
from elicitation.run.session import run_study

pytest.importorskip("torch")
pytestmark = [pytest.mark.models, pytest.mark.slow]


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[tuple[str, str]]:
    """Address of a server and name of its model."""
    from tiny_models import save_model

    folder = tmp_path_factory.mktemp("model")
    save_model(folder, chat=True)
    port = free_port()
    log = (folder / "serve.log").open("w")
    command = Path(sys.executable).with_name("transformers")
    process = subprocess.Popen(
        [str(command), "serve", str(folder), "--host", "127.0.0.1", "--port", str(port),
         "--device", "cpu"],
        stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "OMP_NUM_THREADS": "1"},
    )  # fmt: skip
    try:
        _wait(f"http://127.0.0.1:{port}/health", process, folder / "serve.log")
        yield f"http://127.0.0.1:{port}/v1", str(folder)
    finally:
        process.terminate()
        process.wait(timeout=30)
        log.close()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.5)
    raise RuntimeError(f"transformers serve did not start: {log.read_text()[-2000:]}")


def test_a_study_over_a_server_of_others(served, tmp_path, plan_of):
    url, name = served
    backend = OpenAIBackend(name, BackendOptions(base_url=url, concurrency=2))
    able = backend.capabilities()
    assert able.chat
    plan = plan_of(
        steer=("none", "persona"), countries=("DEU",), questions=("Q1", "Q46"), max_tokens=12,
        vary=("examples=1",), reask=False,
    )  # fmt: skip
    session = run_study(plan, backend, tmp_path)
    assert session.progress.made == len(plan) == 4
    assert set(session.progress.statuses) <= {"ok", "truncated"}
    # What a random model says means nothing: it is kept, and told to be unreadable.
    for file in session.files:
        found = read_predictions(file.path)
        assert set(found.cells.column("status").to_pylist()) <= {"invalid", "ok", "repaired"}
        assert found.meta.extra["backend"]["server"] == url
