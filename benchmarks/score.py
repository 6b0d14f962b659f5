"""How fast scoring is, and how exact, on the embedded reference.

    python benchmarks/score.py            prints the measurements
    python benchmarks/score.py --assert   fails where one misses its bound
    python benchmarks/score.py --smoke    fewer models, samples and replicates, no speed bounds

Measured: 100 models x 57 countries x 239 questions against scipy.stats.wasserstein_distance with
weights (timed on a sample and scaled up); the largest difference from it; the time `import
scoring` takes; CPU seconds and peak memory of a whole report with 1,000 replicates; seconds from
8,280 ratings to a report.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

import codebook
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import read_predictions, write_predictions
from contracts.release.read import open_release
from scoring.inputs.geometry import Geometry, build_geometry
from scoring.inputs.survey import Survey, read_survey

#: name -> (bound, whether the measurement must lie above it)
BOUNDS = {
    "times faster than scipy": (150.0, True),
    "largest difference from scipy": (1e-9, False),
    "import seconds": (1.0, False),
    "report CPU seconds": (20.0, False),
    "report peak memory MB": (1000.0, False),
    "ratings seconds": (2.0, False),
}


def random_models(geometry: Geometry, count: int, rng: np.random.Generator) -> np.ndarray:
    """Answer shares of made-up models, shape (M, Q, K)."""
    draws = rng.standard_gamma(0.8, (count, *geometry.source.shape)) + 1e-9
    draws *= geometry.source >= 0
    return draws / draws.sum(axis=-1, keepdims=True)


def against_scipy(survey: Survey, models: int, sample: int) -> dict[str, float]:
    """Speed and exactness of the distances of all models, countries and questions."""
    from scipy.stats import wasserstein_distance

    rng = np.random.default_rng(0)
    geometry = survey.geometry
    answers = random_models(geometry, models, rng)
    geometry.distance(survey.shares, answers[0])  # warm up
    start = time.perf_counter()
    cube = np.stack([1 - geometry.distance(survey.shares, model) for model in answers])
    ours = time.perf_counter() - start
    ordinal = survey.answered & geometry.ordinal
    places = rng.permutation(np.argwhere(np.broadcast_to(ordinal, cube.shape)))[:sample]
    error = 0.0
    elapsed = 0.0
    for model, country, question in places:
        size = geometry.sizes[question]
        points = np.arange(size)
        p, q = survey.shares[country, question, :size], answers[model, question, :size]
        start = time.perf_counter()
        oracle = wasserstein_distance(points, points, p, q)
        elapsed += time.perf_counter() - start
        error = max(error, abs(1 - oracle / (size - 1) - cube[model, country, question]))
    scipy_seconds = elapsed / len(places) * cube.size
    print(f"{cube.size:,} comparisons: {ours:.3f} s here, {scipy_seconds:.0f} s by scipy (scaled)")
    return {
        "times faster than scipy": scipy_seconds / ours,
        "largest difference from scipy": error,
    }


def import_seconds() -> float:
    """Seconds that `import scoring` takes in a fresh interpreter, its own start left out."""
    code = "import time; t = time.perf_counter(); import scoring; print(time.perf_counter() - t)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


_REPORT = """
import resource, sys, time
import scoring
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import write_report
path, replicates = sys.argv[1], int(sys.argv[2])
start = time.process_time()
report = scoring.score(read_predictions(path), open_release("reference"), replicates=replicates)
write_report(report, path + ".report.json")
usage = resource.getrusage(resource.RUSAGE_SELF)
print(time.process_time() - start, usage.ru_maxrss / 1024)
"""


def whole_report(survey: Survey, replicates: int, folder: Path) -> dict[str, float]:
    """CPU seconds and peak memory of one report in a fresh interpreter, reading and writing."""
    answers = random_models(survey.geometry, 1, np.random.default_rng(1))[0]
    records = (
        {
            "question_id": name,
            "country": "",
            "shares": dict(zip(codes, row[: len(codes)].tolist(), strict=True)),
        }
        for name, codes, row in zip(
            survey.geometry.question_ids, survey.geometry.codes, answers, strict=True
        )
    )
    path = folder / "model.jsonl"
    write_predictions(path, records, meta=PredictionsMeta(name="made up"), kind="distribution")
    done = subprocess.run(
        [sys.executable, "-c", _REPORT, str(path), str(replicates)],
        capture_output=True,
        text=True,
        check=True,
    )
    seconds, memory = (float(part) for part in done.stdout.split())
    return {"report CPU seconds": seconds, "report peak memory MB": memory}


def ratings_seconds(folder: Path, replicates: int) -> float:
    """Seconds from a file of 8,280 ratings to a report, on made-up people."""
    from made_people import RATINGS, made_ratings, made_release

    import scoring
    import scoring.protocols.worldvaluesbench.score_file

    release = made_release(folder / "people")
    path = folder / "ratings.csv"
    meta = PredictionsMeta(name="made up", coding="worldvaluesbench")
    write_predictions(path, made_ratings(release), meta=meta, kind="rating")
    start = time.perf_counter()
    predictions = read_predictions(path)
    report = scoring.score(predictions, release, replicates=replicates)
    seconds = time.perf_counter() - start
    assert predictions.rows == RATINGS
    assert report.coverage.share == 1
    return seconds


def main() -> int:
    """Print every measurement; with --assert, 1 where one misses its bound."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assert", dest="check", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    options = parser.parse_args()
    models, sample, replicates = (5, 200, 50) if options.smoke else (100, 4000, 1000)
    geometry = build_geometry(codebook.question_set("worldvaluesbench"))
    survey = read_survey(open_release("reference"), geometry)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        found = against_scipy(survey, models, sample)
        found["import seconds"] = min(import_seconds() for _ in range(3))
        found |= whole_report(survey, replicates, folder)
        found["ratings seconds"] = ratings_seconds(folder, replicates)
    failed = []
    for measure, value in found.items():
        bound, above = BOUNDS[measure]
        fine = value >= bound if above else value <= bound
        print(f"{measure:32} {value:12.4g}   {'>=' if above else '<='} {bound:g}")
        # A short run measures no speed: there only exactness counts.
        if not fine and (not options.smoke or "difference" in measure):
            failed.append(measure)
    if options.check and failed:
        print(f"missed: {', '.join(failed)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
