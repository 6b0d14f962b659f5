"""How fast scoring is, and how exact, on the embedded reference.

    python benchmarks/score.py            prints the measurements
    python benchmarks/score.py --assert   fails where one misses its bound
    python benchmarks/score.py --smoke    fewer models, samples and replicates, no speed bounds

Measured: 100 models x 57 countries x 239 questions against scipy.stats.wasserstein_distance with
weights (timed on a sample and scaled up); the largest difference from it; the time `import
scoring` takes; CPU seconds from 8,280 ratings to a report. Bars of CPU seconds are ratios to an
alternative in the same run, since machines differ and are shared:

- one report of 57 countries x 144 questions in a fresh interpreter, and each further one of a
  `Workspace`, over the multinomial redraws of the same respondents that numpy makes;
- sign-flip tests that share their signs, over tests with signs of their own;
- `individual_rps` of a million forecasts on ten options, over its formula written in numpy.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from bounds import print_measured

import codebook
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import read_predictions, write_predictions
from contracts.release.read import open_release
from scoring.inference.tests import sign_flip_test, sign_flip_tests
from scoring.inputs.geometry import Geometry, build_geometry
from scoring.inputs.survey import Survey, read_survey
from scoring.measures import individual_rps

#: name -> (bound, whether the measurement must lie above it)
BOUNDS = {
    "times faster than scipy": (150.0, True),
    "largest difference from scipy": (1e-9, False),
    "import seconds": (1.0, False),
    "report CPU / numpy redraws": (1.2, False),
    "further report CPU / numpy redraws": (0.35, False),
    "report peak memory MB": (1000.0, False),
    "shared sign flips / own signs": (0.05, False),
    "individual_rps / numpy formula": (1.0, False),
    "ratings CPU seconds": (2.0, False),
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
from scoring.inference.workspace import Workspace
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import write_report
path, replicates = sys.argv[1], int(sys.argv[2])
shared, used = Workspace(), []
for number in range(3):
    start = time.process_time()
    report = scoring.score(
        read_predictions(path),
        open_release("reference"),
        questions="alignment",
        replicates=replicates,
        workspace=shared,
    )
    write_report(report, path + ".report.json")
    used.append(time.process_time() - start)
usage = resource.getrusage(resource.RUSAGE_SELF)
print(used[0], min(used[1:]), usage.ru_maxrss / 1024)
"""


def whole_report(survey: Survey, replicates: int, folder: Path) -> dict[str, float]:
    """CPU and peak memory of a report and of a further one, reading and writing."""
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
    first, further, memory = (float(part) for part in done.stdout.split())
    redraws = multinomial_seconds(replicates)
    print(f"one report {first:.2f} CPU s, a further one {further:.2f}, numpy redraws {redraws:.2f}")
    return {
        "report CPU / numpy redraws": first / redraws,
        "further report CPU / numpy redraws": further / redraws,
        "report peak memory MB": memory,
    }


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds of a call."""
    start = time.process_time()
    work()
    return time.process_time() - start


def multinomial_seconds(replicates: int) -> float:
    """CPU seconds in which numpy draws the respondents of 57 countries x 144 questions."""
    geometry = build_geometry(codebook.question_set("alignment"))
    survey = read_survey(open_release("reference"), geometry)
    people = np.maximum(np.rint(survey.n_eff), 1).astype(np.int64)
    rng = np.random.default_rng(0)

    def draw() -> None:
        for row, size in enumerate(geometry.sizes):
            shares = np.nan_to_num(survey.shares[:, row, :size], nan=1 / size)
            shares /= shares.sum(axis=-1, keepdims=True)
            rng.multinomial(people[:, row, None], shares[:, None], size=(len(people), replicates))

    return cpu_seconds(draw)


def sign_flips(tests: int) -> dict[str, float]:
    """CPU of tests that share their signs over that of tests with signs of their own."""
    gaps = np.random.default_rng(2).normal(0.1, 1, (tests, 144))
    rng, nothing = np.random.default_rng(3), np.zeros(144)
    shared = cpu_seconds(lambda: sign_flip_tests(gaps, rng=rng))
    sample = gaps[: max(1, tests // 20)]
    own = cpu_seconds(lambda: [sign_flip_test(gap, nothing, rng=rng) for gap in sample])
    return {"shared sign flips / own signs": shared / (own * tests / len(sample))}


def person_scores(people: int) -> dict[str, float]:
    """CPU of `individual_rps` over that of its formula written in numpy."""
    rng = np.random.default_rng(4)
    shares, answers = rng.dirichlet(np.ones(10), people), rng.integers(0, 10, people)

    def formula() -> np.ndarray:
        reached = answers[:, None] <= np.arange(9)
        return ((np.cumsum(shares, axis=-1)[:, :-1] - reached) ** 2).sum(axis=-1) / 9

    assert np.allclose(individual_rps(shares, answers), formula())
    ours = min(cpu_seconds(lambda: individual_rps(shares, answers)) for _ in range(3))
    theirs = min(cpu_seconds(formula) for _ in range(3))
    return {"individual_rps / numpy formula": ours / theirs}


def ratings_seconds(folder: Path, replicates: int) -> float:
    """CPU seconds from a file of 8,280 ratings to a report, on made-up people."""
    from made_people import RATINGS, made_ratings, made_release

    import scoring
    import scoring.protocols.worldvaluesbench.score_file

    release = made_release(folder / "people")
    path = folder / "ratings.csv"
    meta = PredictionsMeta(name="made up", coding="worldvaluesbench")
    write_predictions(path, made_ratings(release), meta=meta, kind="rating")
    start = time.process_time()
    predictions = read_predictions(path)
    report = scoring.score(predictions, release, replicates=replicates)
    seconds = time.process_time() - start
    assert predictions.rows == RATINGS
    assert report.coverage.share == 1
    return seconds


def rows(measurements: dict[str, float]) -> list[tuple[str, float, str]]:
    """Measure, number and bar of each measurement, as `benchmarks/run` prints them."""
    signs = {True: ">=", False: "<="}
    return [
        (name, value, f"{signs[BOUNDS[name][1]]} {BOUNDS[name][0]:g}")
        for name, value in measurements.items()
    ]


def main() -> int:
    """Print every measurement; with --assert, 1 where one misses its bound."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assert", dest="check", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--json", type=Path, help="write the measurements there as well")
    options = parser.parse_args()
    models, sample, replicates = (5, 200, 50) if options.smoke else (100, 4000, 1000)
    geometry = build_geometry(codebook.question_set("worldvaluesbench"))
    survey = read_survey(open_release("reference"), geometry)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        measurements = against_scipy(survey, models, sample)
        measurements["import seconds"] = min(import_seconds() for _ in range(3))
        measurements |= whole_report(survey, replicates, folder)
        measurements["ratings CPU seconds"] = ratings_seconds(folder, replicates)
    measurements |= sign_flips(60 if options.smoke else 3000)
    measurements |= person_scores(10_000 if options.smoke else 1_000_000)
    failed = print_measured(measurements, BOUNDS, smoke=options.smoke, exact="difference")
    if options.json:
        options.json.write_text(json.dumps(rows(measurements)))
    if options.check and failed:
        print(f"missed: {', '.join(failed)}")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
