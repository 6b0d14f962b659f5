"""Throw hostile uploads at the reader of uploads: it may refuse, and do nothing else.

    python benchmarks/upload_fuzz.py --cases 2000            # says what it found
    python benchmarks/upload_fuzz.py --cases 2000 --assert   # exits with 1 on any finding
    python benchmarks/upload_fuzz.py --smoke --assert        # 100 cases, the lightest bombs only

Cases are bombs made by hand and random changes to good files of every kind and format. Each is
read by the real reader with its real limits. A finding is: an answer without a message, a
traceback or a path of this machine in one, characters that do not show, a reader that died or
hung, more memory than the cap, or anything executed.
"""

from __future__ import annotations

import argparse
import itertools
import logging
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from upload_bombs import COLUMNS, PARQUET, sidecars, texts
from upload_cases import Case, Mutator

from space.board.untrusted_text import is_seen
from space.intake.limits import MEGABYTE, Limits
from space.intake.reader import Job, Outcome, Reader
from space.intake.templates import write_template

#: What a child holds before it reads anything: what it shares with the process it was forked from.
BASE_BYTES = 300 * MEGABYTE

#: Every so many cases one is scored as well, with few replicates.
SCORED_EVERY = 50

#: Bombs that a smoke run leaves out: they take seconds each.
_HEAVY = frozenset(
    {
        "200 million rows",
        "packed zeros",
        "one large entry",
        "many empty lines",
        "half a million problems",
        "many rows of a table",
        "wide report",
        "cells of 90 kB",
        "many options",
    }
)


@dataclass
class Tally:
    """What became of the cases."""

    findings: list[str] = field(default_factory=list)
    codes: Counter[str] = field(default_factory=Counter)
    odd: Counter[str] = field(default_factory=Counter)
    accepted: int = 0
    cases: int = 0
    slowest: tuple[float, str] = (0.0, "")
    largest: tuple[int, str] = (0, "")

    def add(self, case: Case, outcome: Outcome, seconds: float, limits: Limits) -> None:
        """Count an answer, and look for what may not be."""
        self.cases += 1
        self.accepted += outcome.ok
        self.codes.update({problem.code for problem in outcome.problems})
        self.slowest = max(self.slowest, (seconds, case.what))
        self.largest = max(self.largest, (outcome.peak_bytes, case.what))
        for problem in outcome.problems:
            if problem.code in ("unreadable", "cannot-show", "too-slow", "too-much-memory"):
                self.odd[f"{problem.code}: {problem.found[:90]}"] += 1
        self.findings += [f"{case.what}: {text}" for text in _wrong(outcome, seconds, limits)]


def _wrong(outcome: Outcome, seconds: float, limits: Limits) -> Iterator[str]:
    if outcome.problem_count and not outcome.problems:
        yield "problems are counted, and none is named"
    if len(outcome.problems) > limits.problems + 1:
        yield f"{len(outcome.problems)} problems are listed"
    for problem in outcome.problems:
        text = str(problem)
        if not problem.message.strip() or not problem.code:
            yield f"a problem without a message: {text[:100]!a}"
        if "Traceback" in text or "/tmp/" in text or "opinion-atlas-upload" in text:
            yield f"a message shows the machine: {text[:200]!a}"
        if not is_seen(text) or "\n" in text:
            yield f"a message has characters that do not show: {text[:200]!a}"
    if outcome.peak_bytes > BASE_BYTES + limits.memory_bytes:
        yield f"{outcome.peak_bytes / MEGABYTE:.0f} MB were taken"
    if seconds > limits.wall_seconds + 60:
        yield f"{seconds:.0f} s"
    if outcome.problem_count and outcome.problems[0].code in ("no-reader", "busy"):
        yield "the reader was not there"


def handmade(folder: Path, *, smoke: bool) -> Iterator[Case]:
    """All bombs."""
    for name, (file_name, content) in texts(folder / "canary").items():
        if not (smoke and name in _HEAVY):
            yield Case(name, file_name, content)
    for name, content in sidecars().items():
        yield Case(name, "a.csv", f"{COLUMNS}Q1,DEU,1,1\n".encode(), content)
    for name, make in PARQUET.items():
        if not (smoke and name in _HEAVY):
            path = folder / "bomb.parquet"
            make(path)
            yield Case(name, "a.parquet", path.read_bytes())


def run_case(reader: Reader, case: Case, *, number: int) -> tuple[Outcome, float]:
    """Read a case as the desk does; what is raised is a finding of its own."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
        path = Path(folder) / "file"
        path.write_bytes(case.content)
        sidecar = None
        if case.sidecar is not None:
            sidecar = Path(folder) / "sidecar"
            sidecar.write_bytes(case.sidecar)
        score = number % SCORED_EVERY == 0
        job = Job(path, name=case.name, sidecar=sidecar, score=score, replicates=10)
        started = time.perf_counter()
        with reader.read(job) as outcome:
            return outcome, time.perf_counter() - started


def good_report(reader: Reader, folder: Path) -> str:
    """Text of a report that is right."""
    path = write_template(folder, kind="distribution", suffix=".jsonl")
    with reader.read(Job(path, replicates=10)) as outcome:
        if outcome.report_path is None:
            raise SystemExit(f"a template is refused: {outcome.problems}")
        return outcome.report_path.read_text()


def fuzz(*, cases: int, seed: int, smoke: bool) -> Tally:
    """Run bombs and random cases, `cases` in all."""
    limits, tally = Limits(), Tally()
    rng = np.random.default_rng(seed)
    with tempfile.TemporaryDirectory() as name, Reader(limits) as reader:
        folder = Path(name)
        mutator = Mutator(folder, good_report(reader, folder), rng)
        canary = folder / "canary"

        def every() -> Iterator[Case]:
            bombs = handmade(folder, smoke=smoke)
            random = (mutator.case() for _ in itertools.count())
            yield from itertools.islice(itertools.chain(bombs, random), cases)

        def one(numbered: tuple[int, Case]) -> None:
            number, case = numbered
            try:
                outcome, seconds = run_case(reader, case, number=number)
            except Exception as error:
                tally.findings.append(f"{case.what}: raised {type(error).__name__}: {error}")
                return
            tally.add(case, outcome, seconds, limits)

        with ThreadPoolExecutor(2) as pool:
            waiting = []
            for numbered in enumerate(every(), 1):
                waiting.append(pool.submit(one, numbered))
                if len(waiting) >= 8:  # cases are large: few at a time
                    waiting.pop(0).result()
            for left in waiting:
                left.result()
        if canary.exists():
            tally.findings.append("a pickle was opened")
    return tally


def report(tally: Tally, seconds: float) -> None:
    """Print what was found."""
    print(f"{tally.cases} cases in {seconds:.0f} s, {tally.accepted} read without a problem")
    print(f"slowest: {tally.slowest[0]:.1f} s ({tally.slowest[1]})")
    print(f"most memory: {tally.largest[0] / MEGABYTE:.0f} MB ({tally.largest[1]})")
    print("problems named, cases each:")
    for code, number in tally.codes.most_common():
        print(f"  {number:6,}  {code}")
    if tally.odd:
        print("refused without a reason of their own, or by a limit:")
        for text, number in tally.odd.most_common(40):
            print(f"  {number:6,}  {text!a}")
    print(f"findings: {len(tally.findings)}")
    for text in tally.findings[:50]:
        print(f"  {text}")


def main() -> int:
    """Run the fuzzer; 1 where `--assert` and anything was found."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--cases", type=int, default=2000, help="cases in all, bombs included")
    parser.add_argument("--seed", type=int, default=0, help="seed of the random changes")
    parser.add_argument("--smoke", action="store_true", help="100 cases, without the heavy bombs")
    parser.add_argument("--assert", action="store_true", dest="check", help="exit with 1 on any")
    arguments = parser.parse_args()
    logging.disable(logging.WARNING)
    started = time.perf_counter()
    cases = 100 if arguments.smoke else arguments.cases
    tally = fuzz(cases=cases, seed=arguments.seed, smoke=arguments.smoke)
    report(tally, time.perf_counter() - started)
    return int(arguments.check and bool(tally.findings))


if __name__ == "__main__":
    sys.exit(main())
