"""The steps of `scripts/demo`, run inside its environment."""

from __future__ import annotations

import argparse
import json
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Sequence
from pathlib import Path

import _asking

from space.published.store import add_published

QUICK_PEOPLE = 9428
QUICK_BASELINES = ("uniform", "majority", "world-average")
SEED = 1
START_SECONDS = 120


def cli(*arguments: str | Path) -> None:
    """Run one command of opinion-atlas; the demo stops where it fails."""
    shown = shlex.join(map(str, arguments))
    print(f"\n$ opinion-atlas {shown}", flush=True)
    result = subprocess.run(
        [sys.executable, "-m", "opinion_atlas", *map(str, arguments)], check=False
    )
    if result.returncode:
        sys.exit(result.returncode)


def make_files(out: Path, *, quick: bool) -> None:
    """Synthesize, build, verify; score the baselines on the made-up people, put the published
    answers of real models beside them, and write the board."""
    survey, release = out / "survey.csv", out / "release"
    people = ["--people", str(QUICK_PEOPLE)] if quick else []
    cli("synthesize", "--out", survey, "--seed", str(SEED), "--force", *people)
    cli("build", survey, "--out", release, "--force")
    cli("verify", release)
    replicates = ["--replicates", "200"] if quick else []
    only = [part for name in QUICK_BASELINES for part in ("--only", name)] if quick else []
    for old in ("baselines", "store"):
        shutil.rmtree(out / old, ignore_errors=True)
    cli("baselines", "--release", release, "--out", out / "baselines", "--format", "parquet", *only)
    for predictions in sorted((out / "baselines").glob("*.parquet")):
        report = out / "store" / "reports" / f"synthetic-{predictions.stem}.json"
        cli("score", predictions, "--release", release, "--out", report, "--protected", *replicates)
    rows = add_published(out / "store")
    print(f"\n{len(rows)} rows of real models and baselines, scored on the reference beforehand")
    cli("board", "--store", out / "store", "--export", out / "board", "--force")


def free_port(wanted: int) -> int:
    """`wanted` if nobody listens there, else any free port."""
    for port in (wanted, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise SystemExit("no free port")


def fetch(url: str) -> str:
    """The text at a local address."""
    with urllib.request.urlopen(url, timeout=30) as answer:  # noqa: S310
        return str(answer.read().decode("utf-8"))


def wait_until_up(url: str, server: subprocess.Popen[bytes]) -> None:
    """Wait for the server to answer."""
    end = time.monotonic() + START_SECONDS
    while time.monotonic() < end:
        if server.poll() is not None:
            sys.exit(f"the server stopped with {server.returncode}")
        try:
            fetch(f"{url}/healthz")
        except OSError:
            time.sleep(0.3)
        else:
            return
    sys.exit(f"the server did not answer within {START_SECONDS} s")


def serve(out: Path, port: int, *, check: bool, asked: Sequence[str] = ()) -> int:
    """Serve the board; with `check`, look at the page, where the rows `asked` have to be, and
    stop."""
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "opinion_atlas", "space", "--store", str(out / "store")]
    server = subprocess.Popen([*command, "--port", str(port)])
    try:
        wait_until_up(url, server)
        print(f"\nThe board is at {url}; stop it with Ctrl-C.", flush=True)
        if not check:
            return server.wait()
        return check_page(url, out / "store" / "reports") or _asking.check(url, out, asked)
    finally:
        server.terminate()
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()


def check_page(url: str, reports: Path) -> int:
    """Check that the page lists every report on real people by name, and no synthetic one."""
    scored = json.loads(fetch(f"{url}/board.json"))["rows"]
    page = fetch(f"{url}/static-board/index.html") + fetch(f"{url}/static-board/data.js")
    names = {row["name"] for row in scored}
    lost = sorted(name for name in names if name not in page)
    expected = {
        path.stem
        for path in reports.glob("*.json")
        if not json.loads(path.read_text("utf-8"))["release"]["synthetic"]
    }
    if "gradio" not in fetch(f"{url}/").lower():
        print("the app does not answer at /", file=sys.stderr)
        return 1
    wrong = sorted(expected ^ {row["row_id"] for row in scored})
    if wrong or lost or not expected:
        print(f"reports without a row or rows without a report: {wrong}", file=sys.stderr)
        print(f"rows that are not on the page: {lost}", file=sys.stderr)
        return 1
    print(f"\nchecked: all {len(scored)} rows on real people; synthetic ones are not listed")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--ask", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    asked: list[str] = []
    if options.ask:
        asked = _asking.ask(options.out, cli, quick=options.quick)
    else:
        make_files(options.out, quick=options.quick)
    return serve(options.out, free_port(options.port), check=options.check, asked=asked)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(0)
