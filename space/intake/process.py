"""The process that uploads are read by, as seen from the server."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Mapping
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeout
from pathlib import Path
from typing import Any

from contracts.errors import fail

_START_SECONDS = 120.0

#: The only variables that the children see: no token, no secret.
_INHERITED_VARIABLES = ("PATH", "LANG", "LC_ALL", "TMPDIR", "HOME", "VIRTUAL_ENV", "SYSTEMROOT")


class ReaderProcess:
    """The process `space.intake.server`, and who waits for which of its children.

    Raises:
        ContractError: it does not start.
    """

    def __init__(self) -> None:
        self._waiting: dict[int, Future[Mapping[str, Any]]] = {}
        self._lock = threading.Lock()
        ready: Future[Mapping[str, Any]] = Future()
        self._waiting[-1] = ready
        self._process = subprocess.Popen(
            [sys.executable, "-m", "space.intake.server"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=_environment(),
            start_new_session=True,
        )
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()
        try:
            started = ready.result(timeout=_START_SECONDS)["code"] == 0
        except FutureTimeout:
            started = False
        if not started:
            self.close()
            raise fail("no-reader", "the process that reads uploads does not start")

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def ask(
        self, number: int, folder: Path, job: Mapping[str, Any]
    ) -> Future[Mapping[str, Any]] | None:
        """The coming end of a child for `job`; None where the process is gone."""
        line = json.dumps({"number": number, "folder": str(folder), "job": job}).encode() + b"\n"
        future: Future[Mapping[str, Any]] = Future()
        with self._lock:
            if not self.alive or self._process.stdin is None:
                return None
            self._waiting[number] = future
            try:
                self._process.stdin.write(line)
                self._process.stdin.flush()
            except OSError:
                del self._waiting[number]
                return None
        return future

    def _listen(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            ended = json.loads(line)
            with self._lock:
                waiting = self._waiting.pop(ended["number"], None)
            if waiting is not None:
                waiting.set_result(ended)
        self._process.wait()
        with self._lock:
            left, self._waiting = list(self._waiting.values()), {}
        for waiting in left:
            waiting.set_result({"code": 1, "late": False})

    def close(self) -> None:
        assert self._process.stdin is not None
        with contextlib.suppress(OSError):  # what was not sent any more
            self._process.stdin.close()
        try:
            self._process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._thread.join(timeout=5)
        if self._process.stdout is not None:
            self._process.stdout.close()


def _environment() -> dict[str, str]:
    inherited = {name: os.environ[name] for name in _INHERITED_VARIABLES if name in os.environ}
    return {
        **inherited,
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ARROW_DEFAULT_MEMORY_POOL": "system",
        "HF_HUB_OFFLINE": "1",
        **dict.fromkeys(
            ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "ARROW_IO_THREADS"), "1"
        ),
    }
