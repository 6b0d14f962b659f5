"""Fixtures: a store of sample reports, a server over it, a real browser."""

from __future__ import annotations

import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from contracts.release.read import Release, open_release
from elicitation.backends.coroutines import run_coroutine
from space.board.store import Store, open_store

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

CHROMIUM = Path("/usr/bin/chromium")
SECONDS_TO_START = 120


def load_samples() -> ModuleType:
    """The module beside this file that makes sample reports."""
    path = Path(__file__).with_name("board_samples.py")
    spec = importlib.util.spec_from_file_location("board_samples", path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["board_samples"] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def samples() -> ModuleType:
    """Functions that make sample reports."""
    return load_samples()


@pytest.fixture(scope="session")
def sample_root(samples: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a store with the sample reports; not to be changed."""
    root = tmp_path_factory.mktemp("board") / "store"
    (root / "reports").mkdir(parents=True)
    samples.fill_sample_store(root)
    return root


@pytest.fixture(scope="session")
def sample_store(sample_root: Path) -> Store:
    """The store of sample reports, its index built."""
    store = open_store(sample_root)
    store.ensure_index(force=True)
    return store


@pytest.fixture(scope="session")
def reference() -> Release:
    """The embedded reference."""
    return open_release("reference")


@pytest.fixture(scope="session")
def people(reference: Release) -> Any:
    """What the people of the reference answered."""
    from space.board.survey_answers import People

    return People(reference)


@contextmanager
def serving_here(root: Path, people: Any, **options: Any) -> Iterator[Any]:
    """A client of a board over a store that runs in this process, until the block ends."""
    from starlette.testclient import TestClient

    from space.server.web import make_server

    async def made() -> Any:
        # Outside of an event loop gradio makes several of its own, and closes none.
        return make_server(open_store(root), people, **options)

    server = run_coroutine(made())
    with TestClient(
        server,
        base_url="http://127.0.0.1:7860",
        client=("127.0.0.1", 50000),
        raise_server_exceptions=False,
    ) as client:
        yield client


@pytest.fixture(scope="session")
def board_here() -> Callable[..., Any]:
    """The context manager that runs a board in this process."""
    return serving_here


@pytest.fixture
def no_keys_around(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own keys are out of sight, and its network is not said to be off."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    for name in ("OPENAI_API_KEY", "OPINION_ATLAS_API_KEY", "HF_TOKEN", "SPACE_ID"):
        monkeypatch.delenv(name, raising=False)
    # Nor does a test ask the Hub's router for its prices.
    monkeypatch.setattr(
        "elicitation.backends.hub_catalogue.CATALOGUE", "http://127.0.0.1:9/v1/models"
    )


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def start_board(root: Path, log: Path, *, port: int) -> subprocess.Popen[bytes]:
    """Start the real command over a store; wait until it answers."""
    command = [sys.executable, "-m", "opinion_atlas", "space", "--store", str(root)]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [*command, "--no-seed", "--port", str(port)],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"},
        )
    for _ in range(SECONDS_TO_START * 2):
        if process.poll() is not None:
            raise RuntimeError(f"the server stopped: {log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=2) as answer:
                if answer.status == 200:
                    return process
        except OSError:
            time.sleep(0.5)
    process.kill()
    raise RuntimeError(f"the server did not answer: {log.read_text()[-2000:]}")


@pytest.fixture(scope="session")
def board_server(sample_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a running board over the sample store, one for the session."""
    port = free_port()
    log = tmp_path_factory.mktemp("server") / "log.txt"
    process = start_board(sample_root, log, port=port)
    yield f"http://127.0.0.1:{port}/"
    process.terminate()
    process.wait(timeout=20)


@contextmanager
def running_board(root: Path, log: Path) -> Iterator[str]:
    """Address of a running board over a store, until the block ends."""
    port = free_port()
    process = start_board(root, log, port=port)
    try:
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait(timeout=20)


@pytest.fixture(scope="session")
def board_starting() -> Callable[..., Any]:
    """The context manager that runs a board over a store."""
    return running_board


@pytest.fixture(scope="module")
def own_board(sample_root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Address of a running board over a copy of the sample store, for tests that change it."""
    root = tmp_path_factory.mktemp("own")
    shutil.copytree(sample_root, root / "store")
    with running_board(root / "store", root / "log.txt") as address:
        yield address


@pytest.fixture
def board_starter() -> tuple[int, Any]:
    """A free port, and the function that starts a board."""
    return free_port(), start_board


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """A real browser."""
    from playwright.sync_api import sync_playwright

    if not CHROMIUM.exists():
        pytest.skip("needs Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM),
            args=[
                "--no-sandbox",
                "--disable-background-networking",
                "--disable-component-update",
            ],
        )
        yield browser
        browser.close()
