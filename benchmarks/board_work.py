"""What the board's work takes in processor time: index, start, page views, rest, static export.

Part of `board.py`, which prints these figures; each is taken from the server's own process, or from
one that does nothing else, so other work on the machine hardly moves it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

#: Page views that are averaged, and seconds at rest that are measured.
VIEWS, REST_SECONDS = 30, 30.0

_ALONE = """
import json, sys, time
from pathlib import Path
from contracts.release.read import open_release
from space.board.store import open_store
from space.board.survey_answers import People
from space.server.static_site import export_board
store, out = open_store(sys.argv[1]), Path(sys.argv[2])
store.index_path.unlink(missing_ok=True)
started = time.process_time()
store.ensure_index(force=True)
index = time.process_time() - started
people = People(open_release("reference"))
started = time.process_time()
export_board(store, out, people=people)
exported = time.process_time() - started
sizes = {path.name: path.stat().st_size for path in out.iterdir() if path.is_file()}
first = sum(sizes[name] for name in ("index.html", "data.js", "board.js", "board.css"))
whole = sum(path.stat().st_size for path in out.rglob("*") if path.is_file())
print(json.dumps({"index": index, "export": exported, "export_mb": whole / 1e6,
                  "first_load_mb": first / 1e6}))
"""


def alone(root: Path, out: Path) -> dict[str, float]:
    """Index and static export, in a process that does nothing else."""
    command = [sys.executable, "-c", _ALONE, str(root), str(out)]
    done = subprocess.run(
        command,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[1])},
    )
    measured: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return measured


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has taken so far, of the user and of the system."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def at_the_server(pid: int, address: str) -> dict[str, float]:
    """Milliseconds of a page view, of a known and of a new session, and the rest's share (%)."""
    event = _load_event(address)

    def view(session: str) -> None:
        with urllib.request.urlopen(address, timeout=60) as answer:
            answer.read()
        _post(f"{address}gradio_api/run/predict", {**event, "session_hash": session})

    view("known")
    measured = {}
    for name, sessions in (
        ("view_known", ["known"] * VIEWS),
        ("view_new", [f"new{number}" for number in range(VIEWS)]),
    ):
        before = cpu_seconds(pid)
        for session in sessions:
            view(session)
        measured[name] = 1000 * (cpu_seconds(pid) - before) / VIEWS
    _keep_open(f"{address}gradio_api/heartbeat/known")
    time.sleep(5)  # what the visits left to do
    before = cpu_seconds(pid)
    time.sleep(REST_SECONDS)
    measured["rest"] = 100 * (cpu_seconds(pid) - before) / REST_SECONDS
    return measured


def _load_event(address: str) -> dict[str, Any]:
    """The call that the board's page makes when it is loaded."""
    with urllib.request.urlopen(address + "config", timeout=60) as answer:
        config = json.load(answer)
    of_page = set(config["page"][""]["dependencies"])
    loads = [
        one
        for one in config["dependencies"]
        if one["id"] in of_page and any(target[1] == "load" for target in one["targets"])
    ]
    contents = {one["id"]: one["props"].get("value") for one in config["components"]}
    data = [contents.get(place) for place in loads[0]["inputs"]]
    return {"fn_index": loads[0]["id"], "data": data, "event_data": None}


def _post(address: str, fields: dict[str, Any]) -> None:
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(address, json.dumps(fields).encode(), headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        answer.read()


def _keep_open(address: str) -> None:
    """The connection that an open page has."""

    def listen() -> None:
        try:
            with urllib.request.urlopen(address) as answer:
                while answer.read(1):
                    pass
        except (OSError, ValueError, urllib.error.URLError):  # the server stopped
            return

    threading.Thread(target=listen, daemon=True).start()
