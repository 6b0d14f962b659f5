"""The steps of `scripts/demo`, run inside its environment."""

from __future__ import annotations

import argparse
import json
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

QUICK_PEOPLE = 9428
QUICK_BASELINES = ("uniform", "majority", "world-average")
SEED = 1
START_SECONDS = 120


def cli(*arguments: str | Path) -> None:
    """Run one command of opinion-atlas; the demo stops where it fails."""
    shown = " ".join(str(a) for a in arguments)
    print(f"\n$ opinion-atlas {shown}", flush=True)
    result = subprocess.run(
        [sys.executable, "-m", "opinion_atlas", *map(str, arguments)], check=False
    )
    if result.returncode:
        sys.exit(result.returncode)


def make_files(out: Path, *, quick: bool) -> None:
    """Synthesize, build, verify, write the baselines and score them on both releases."""
    survey, release = out / "survey.csv", out / "release"
    people = ["--people", str(QUICK_PEOPLE)] if quick else []
    cli("synthesize", "--out", survey, "--seed", str(SEED), "--force", *people)
    cli("build", survey, "--out", release, "--force")
    cli("verify", release)
    replicates = ["--replicates", "200"] if quick else []
    only = [part for name in QUICK_BASELINES for part in ("--only", name)] if quick else []
    for old in ("baselines", "store"):
        shutil.rmtree(out / old, ignore_errors=True)
    for source in ("reference", release):
        name = Path(source).name
        folder = out / "baselines" / name
        cli("baselines", "--release", source, "--out", folder, "--format", "parquet", *only)
        for predictions in sorted(folder.glob("*.parquet")):
            report = out / "store" / "reports" / f"{name}-{predictions.stem}.json"
            options = ("--protected", *replicates)
            cli("score", predictions, "--release", source, "--out", report, *options)
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


def serve(out: Path, port: int, *, check: bool) -> int:
    """Serve the board; with `check`, look at the page and stop."""
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "opinion_atlas", "space", "--store", str(out / "store")]
    server = subprocess.Popen([*command, "--port", str(port)])
    try:
        wait_until_up(url, server)
        print(f"\nThe board is at {url}; stop it with Ctrl-C.", flush=True)
        if not check:
            return server.wait()
        return check_page(url, expected=len(list((out / "store" / "reports").glob("*.json"))))
    finally:
        server.terminate()
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()


def check_page(url: str, *, expected: int) -> int:
    """Check that every report in the store is a row of the page, by name and in number."""
    board = json.loads(fetch(f"{url}/board.json"))
    scored, published = board["rows"], board["published"]
    page = fetch(f"{url}/static-board/index.html") + fetch(f"{url}/static-board/data.js")
    lost = sorted({row["name"] for row in (*scored, *published) if row["name"] not in page})
    if "gradio" not in fetch(f"{url}/").lower():
        print("the app does not answer at /", file=sys.stderr)
        return 1
    if len(scored) != expected or lost:
        print(f"{expected} reports, {len(scored)} rows; not on the page: {lost}", file=sys.stderr)
        return 1
    print(f"\nchecked: all {len(scored)} scored rows and {len(published)} published rows")
    return 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--port", type=int, default=7860)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    make_files(options.out, quick=options.quick)
    return serve(options.out, free_port(options.port), check=options.check)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit(0)
