"""Measure the running board: first paint, facet change, many visitors, memory, processor time.

    python benchmarks/board.py            # 1,000 reports x 57 countries; prints what it measured
    python benchmarks/board.py --assert   # exits with 1 beyond a limit
    python benchmarks/board.py --smoke    # a tenth of the reports and a short crowd

The reports are made up: real people's answers, models that mix them with noise. The app is the
real command, in a process of its own; first paint and facet changes are seen by a real Chromium,
visitors are HTTP clients that do what the page does.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib.util
import json
import os
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any, NamedTuple

from board_work import alone, at_the_server, cpu_seconds

CHROMIUM = "/usr/bin/chromium"
QUESTIONS = ("Q1", "Q6", "Q46", "Q57", "Q106", "Q164", "Q199", "Q235")


class Limit(NamedTuple):
    """What is measured, its unit and the most it may be."""

    name: str
    unit: str
    most: float


LIMITS = {
    "first_paint": Limit("first paint of the board (median of 5)", "s", 3.0),
    "facet_change": Limit("facet change in the browser (median of 12)", "s", 0.3),
    "visitors_p95": Limit("answer for 50 visitors with 10 s think time, p95", "s", 1.0),
    "memory": Limit("memory of the server afterwards", "GB", 1.5),
    "index": Limit("index from nothing, processor time", "s", 4.0),
    "start": Limit("start of the server with an index, processor time", "s", 4.0),
    "view_known": Limit("page view of a known session, processor time", "ms", 10.0),
    "view_new": Limit("page view of a new session, processor time", "ms", 25.0),
    "rest": Limit("at rest with one page open, of a core", "%", 0.5),
    "export": Limit("static export, processor time", "s", 8.0),
    "export_mb": Limit("static export, size", "MB", 60.0),
    "first_load_mb": Limit("static export, first load", "MB", 1.0),
}


def samples() -> Any:
    """The tests' module that makes reports."""
    path = Path(__file__).parent.parent / "tests" / "space" / "board_samples.py"
    spec = importlib.util.spec_from_file_location("board_samples", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def fill_store(root: Path, *, reports: int) -> None:
    """Write made-up reports of all countries of the reference."""
    from contracts.release.read import open_release
    from contracts.report import write_report
    from space.board.survey_answers import People

    module = samples()
    countries = list(People(open_release("reference")).countries(7))
    people = module.sample_people(countries, list(QUESTIONS))
    rng = random.Random(0)
    for number in range(reports):
        report = module.sample_report(
            f"model-{number:04d}",
            people,
            skill=rng.random(),
            seed=number,
            with_cells=False,
            family=f"family-{number % 40:02d}",
            method=("verbalized", "option_likelihood", "sampling")[number % 3],
            steering=("none", "persona")[number % 2],
            language=("en", "de", "es", "zh")[number % 4],
            parameters=rng.choice([1e9, 7e9, 3e10, 7e10]),
            open_weights=number % 5 > 0,
        )
        write_report(report, root / "reports" / f"model-{number:04d}.json")


def start(root: Path, log: Path) -> tuple[subprocess.Popen[bytes], str, float]:
    """Start the real command; give the process, its address and the seconds until it answered."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    started = time.perf_counter()
    with log.open("wb") as out:
        process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "opinion_atlas",
                "space",
                "--store",
                str(root),
                "--no-seed",
                "--port",
                str(port),
            ],
            stdout=out,
            stderr=subprocess.STDOUT,
            env={**os.environ, "GRADIO_ANALYTICS_ENABLED": "False"},
        )
    address = f"http://127.0.0.1:{port}/"
    while process.poll() is None:
        try:
            with urllib.request.urlopen(address + "healthz", timeout=5):
                return process, address, time.perf_counter() - started
        except OSError:
            time.sleep(0.5)
    raise SystemExit(f"the server stopped:\n{log.read_text()[-3000:]}")


def in_browser(address: str, *, repeats: int) -> tuple[list[float], list[float]]:
    """Seconds to the first paint of the table, and of facet changes, as a visitor sees them."""
    from playwright.sync_api import sync_playwright

    paints, changes = [], []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM,
            args=["--no-sandbox", "--disable-background-networking", "--disable-component-update"],
        )
        for _ in range(repeats):
            page = browser.new_page()
            begun = time.perf_counter()
            page.goto(address, wait_until="commit")
            page.wait_for_selector("#board tbody tr[data-row]", timeout=60_000)
            paints.append(time.perf_counter() - begun)
            page.close()
        page = browser.new_page(viewport={"width": 1400, "height": 1600})
        for number in range(12):
            if number % 4 == 0:  # on a new page: the chosen names would fill the box
                page.goto(address)
                page.wait_for_selector("#row-count")
                page.click("#facets button.label-wrap")
            changes.append(change_facet(page, number))
        browser.close()
    return paints, changes


#: Resolves with the milliseconds from the press of the mouse until the count line has changed.
WATCH = """() => {
  const box = document.querySelector('#board-count');
  document.addEventListener('mousedown', () => { window.begun = performance.now(); },
    {once: true, capture: true});
  window.changed = new Promise(done => {
    const seen = new MutationObserver(() => {
      seen.disconnect();
      requestAnimationFrame(() => done(performance.now() - window.begun));
    });
    seen.observe(box, {childList: true, subtree: true, characterData: true});
  });
}"""


def change_facet(page: Any, number: int) -> float:
    """Pick one more family; seconds from the click until the table has changed."""
    before = page.inner_text("#row-count")
    page.click("#facet-family input")
    option = page.locator(f"[role=option][aria-label^='family-{number:02d}']")
    option.wait_for()
    page.wait_for_timeout(400)
    page.evaluate(WATCH)
    option.click()
    milliseconds = page.evaluate("() => window.changed")
    page.keyboard.press("Escape")
    page.click("#board-header")
    page.wait_for_timeout(400)
    if page.inner_text("#row-count") == before:
        raise SystemExit(f"the facet changed nothing: {before}")
    return float(milliseconds) / 1000


async def crowd(address: str, *, visitors: int, seconds: float, think: float) -> list[float]:
    """Seconds of every answer to visitors who change a facet, then pause.

    Each pauses for a random time with mean `think`; the first moves are spread over one pause.
    """
    import httpx

    event = board_event(address)
    until = time.perf_counter() + seconds
    took: list[float] = []

    async def visit(client: httpx.AsyncClient, rng: random.Random) -> None:
        await asyncio.sleep(rng.uniform(0, think))
        while time.perf_counter() < until:
            payload = {
                **event,
                "data": facet_payload(event, rng),
                "session_hash": f"{rng.getrandbits(64):x}",
            }
            payload.pop("facets")
            begun = time.perf_counter()
            answer = await client.post("gradio_api/run/predict", json=payload)
            if answer.status_code != 200:
                raise SystemExit(f"{answer.status_code}: {answer.text[:300]}")
            took.append(time.perf_counter() - begun)
            await asyncio.sleep(rng.uniform(0.5 * think, 1.5 * think))

    limits = httpx.Limits(max_connections=visitors)
    async with httpx.AsyncClient(base_url=address, timeout=60, limits=limits) as client:
        await asyncio.gather(*(visit(client, random.Random(n)) for n in range(visitors)))
    return took


def board_event(address: str) -> dict[str, Any]:
    """The app's own event of a facet change: its number, and where each box stands in its data."""
    with urllib.request.urlopen(address + "config", timeout=60) as answer:
        config = json.load(answer)
    ids = {c["props"].get("elem_id"): c["id"] for c in config["components"]}
    trigger = [ids["facet-family"], "input"]
    dependency = next(
        d for d in config["dependencies"] if trigger in [list(t) for t in d["targets"]]
    )
    by_id = {c["id"]: c["props"].get("value") for c in config["components"]}
    defaults = [by_id.get(one) for one in dependency["inputs"]]
    places = {
        name: dependency["inputs"].index(one)
        for name, one in ids.items()
        if one in dependency["inputs"]
    }
    return {"fn_index": dependency["id"], "data": defaults, "facets": places, "event_data": None}


def facet_payload(event: dict[str, Any], rng: random.Random) -> list[Any]:
    """The boxes' contents after a visitor chose a family, a language or a country."""
    data = list(event["data"])
    box, choices = rng.choice(
        [
            ("facet-family", [f"family-{n:02d}" for n in range(40)]),
            ("facet-language", ["en", "de", "es", "zh"]),
            ("facet-country", ["DEU", "JPN", "USA", "BRA", "NGA"]),
            ("facet-steering", ["none", "persona"]),
        ]
    )
    data[event["facets"][box]] = [rng.choice(choices)]
    return data


def memory_gb(process: subprocess.Popen[bytes]) -> float:
    """Resident memory of the server in GB."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    kilobytes = next(line for line in status.splitlines() if line.startswith("VmRSS")).split()[1]
    return int(kilobytes) * 1024 / 1e9


def measure(*, smoke: bool) -> dict[str, float]:
    """Everything in `LIMITS`, and what helps to read it."""
    reports, seconds = (100, 15.0) if smoke else (1000, 60.0)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "store"
        (root / "reports").mkdir(parents=True)
        fill_store(root, reports=reports)
        work = alone(root, Path(folder) / "site")
        process, address, started = start(root, Path(folder) / "log.txt")
        try:
            work["start"] = cpu_seconds(process.pid)
            work |= at_the_server(process.pid, address)
            paints, changes = in_browser(address, repeats=2 if smoke else 5)
            took = asyncio.run(
                crowd(address, visitors=10 if smoke else 50, seconds=seconds, think=10.0)
            )
            memory = memory_gb(process)
        finally:
            process.terminate()
            process.wait(timeout=30)
    took.sort()
    return {
        "reports": reports,
        "start_with_index": started,
        "first_paint": statistics.median(paints),
        "facet_change": statistics.median(changes),
        "facet_change_worst": max(changes),
        "visits": len(took),
        "visitors_median": statistics.median(took),
        "visitors_p95": took[int(0.95 * (len(took) - 1))],
        "memory": memory,
        **work,
    }


def main() -> int:
    """Measure, print, and with --assert fail beyond a limit."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assert", dest="check", action="store_true", help="fail beyond a limit")
    parser.add_argument("--smoke", action="store_true", help="a tenth of it")
    parser.add_argument("--json", type=Path, help="write the measurements there as well")
    arguments = parser.parse_args()
    measurements = measure(smoke=arguments.smoke)
    failed = []
    for name, amount in measurements.items():
        limit = LIMITS.get(name)
        line = f"{limit.name if limit else name}: {amount:.3f}"
        if limit:
            line += f" {limit.unit} (at most {limit.most})"
            if amount > limit.most:
                failed.append(name)
                line += "  TOO MUCH"
        print(line)
    if arguments.json:
        rows = [
            (f"{limit.name}, {limit.unit}", measurements[name], f"<= {limit.most:g}")
            for name, limit in LIMITS.items()
        ]
        arguments.json.write_text(json.dumps(rows))
    return 1 if arguments.check and failed else 0


if __name__ == "__main__":
    sys.exit(main())
