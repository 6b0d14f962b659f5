"""How fast synthetic respondents are scored, on the embedded reference.

    python benchmarks/persons.py            prints the measurements
    python benchmarks/persons.py --assert   fails where one misses its bound
    python benchmarks/persons.py --smoke    fewer answers and replicates, no speed bounds

Measured in a fresh interpreter each, reading the file and writing the report included: CPU seconds
of 1,000,000 answers of persons of 57 countries with few replicates, and with 1,000; peak memory;
and how far the structure of persons without dependence is from 0.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from bounds import print_measured
from made_persons import ANSWERS, made_persons

#: name -> (bound, whether the measurement must lie above it)
BOUNDS = {
    "answers": (1_000_000, True),
    "CPU seconds": (5.0, False),
    "CPU seconds, 1,000 replicates": (60.0, False),
    "peak memory MB": (1000.0, False),
    "structure of unrelated answers": (0.05, False),
}

#: Replicates where the time of scoring alone is meant.
FEW = 10

_SCORE = """
import resource, sys, time
start = time.process_time()
import scoring
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import write_report
path, replicates = sys.argv[1], int(sys.argv[2])
report = scoring.score(read_predictions(path), open_release("reference"), replicates=replicates)
write_report(report, path + ".report.json")
usage = resource.getrusage(resource.RUSAGE_SELF)
structure = report.score("structure").value.estimate
print(time.process_time() - start, usage.ru_maxrss / 1024, structure)
"""


def scored(path: Path, replicates: int) -> tuple[float, float, float]:
    """CPU seconds, peak memory in MB and structure of a file scored in a fresh interpreter."""
    done = subprocess.run(
        [sys.executable, "-c", _SCORE, str(path), str(replicates)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, memory, structure = (float(part) for part in done.stdout.split())
    return seconds, memory, structure


def measure(folder: Path, *, answers: int, replicates: int, tries: int) -> dict[str, float]:
    """Every measurement."""
    path = folder / "persons.parquet"
    measurements: dict[str, float] = {"answers": made_persons(path, answers=answers)}
    runs = [scored(path, FEW) for _ in range(tries)]
    measurements["CPU seconds"] = min(seconds for seconds, _, _ in runs)
    seconds, memory, _ = scored(path, replicates)
    measurements["CPU seconds, 1,000 replicates"] = seconds
    measurements["peak memory MB"] = max(memory, *(used for _, used, _ in runs))
    apart = folder / "unrelated.parquet"
    made_persons(apart, answers=answers, common=0.0)
    measurements["structure of unrelated answers"] = abs(scored(apart, FEW)[2])
    return measurements


def main() -> int:
    """Print every measurement; with --assert, 1 where one misses its bound."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assert", dest="check", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    answers, replicates, tries = (250_000, 50, 1) if options.smoke else (ANSWERS, 1000, 3)
    with tempfile.TemporaryDirectory() as name:
        measurements = measure(Path(name), answers=answers, replicates=replicates, tries=tries)
    failed = print_measured(measurements, BOUNDS, smoke=options.smoke, exact="structure")
    if options.check and failed:
        print(f"missed: {', '.join(failed)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
