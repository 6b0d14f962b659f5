"""Do the 95 % intervals hold the true score in 95 % of surveys? By simulation, with the real code.

A pool of questions stands for all that might be asked. Each is a real question with four
countries of the reference, whose answer shares are taken for those of whole populations; the
model's answers are the world's average mixed with random ones. So the true scores are known:
over the pool (questions sampled) and over the questions that a survey happens to ask (questions
fixed). Each round draws questions from the pool and people from the
populations, scores the model by `scoring.protocols.alignment.compute`, and notes which
intervals hold the truth.

    python benchmarks/coverage.py            2,000 surveys, a line for each kind of interval
    python benchmarks/coverage.py --assert   fails unless each one's coverage is within 93-97 %
    python benchmarks/coverage.py --smoke    120 surveys and wider bounds
    python benchmarks/coverage.py --design   interviews in clusters; effective sizes by design, and
                                             once more Kish's, which ignore the clusters
    python benchmarks/coverage.py --rows RELEASE
                                             clusters of a private release redrawn: do intervals
                                             of its shares hold the shares of the whole?
"""

from __future__ import annotations

import argparse
import sys
import time
from dataclasses import dataclass, replace

import numpy as np
from coverage_design import NORMAL, clustered_survey, read_rows, rows_coverage

import codebook
from contracts.errors import ContractError
from contracts.release.read import open_release
from scoring.estimates import row_means
from scoring.inference.worth import people_worth, worth_curve
from scoring.inputs.answers import Answers
from scoring.inputs.geometry import Geometry, build_geometry
from scoring.inputs.survey import Survey, read_survey
from scoring.protocols.alignment.compute import score_alignment
from scoring.protocols.alignment.worth import worth_people
from scoring.protocols.score_distributions import group_entry

POOL, COUNTRIES, REPLICATES = 3000, 4, 400

#: Names of the countries.
NAMES = tuple(f"C{number}" for number in range(COUNTRIES))

#: Categories that the questions of a survey are dealt to in turn.
CATEGORIES = 4

#: Surveys that are drawn for one model; then another is made.
PER_MODEL = 25

#: Coverage in percent that --assert accepts, and the wider bounds of a short run.
BOUNDS, SMOKE_BOUNDS = (93.0, 97.0), (87.0, 100.0)


@dataclass(frozen=True)
class Scenario:
    """A kind of model and survey: share of foreign answers in the model's, people, questions."""

    name: str
    foreign: float
    people: int
    questions: int


SCENARIOS = (
    Scenario("ordinary model, 1,000 people, 144 questions", 0.5, 1000, 144),
    Scenario("ordinary model, 1,000 people, 40 questions", 0.5, 1000, 40),
    Scenario("close model, 1,000 people, 80 questions", 0.2, 1000, 80),
    Scenario("ordinary model, 100 people, 60 questions", 0.5, 100, 60),
)

#: Clustered samples are of a thousand and more, as the survey's are.
CLUSTERED = (
    Scenario("clusters, ordinary model, 1,000 people, 144 questions", 0.5, 1000, 144),
    Scenario("clusters, ordinary model, 2,000 people, 60 questions", 0.5, 2000, 60),
)

#: Intervals of effective sizes that ignore clusters: shown, and not expected to hold.
IGNORED = "kish: "


@dataclass(frozen=True)
class Pool:
    """Populations (C, P, K), model answers (P, K), and what is true of them.

    Attributes:
        scores, differences, uniform: scores of the model, their differences from those of the
            average human, and scores of the uniform answer, shape (C, P).
        worth: people that the model is worth over all questions, shape (C,).
    """

    geometry: Geometry
    people: np.ndarray
    model: np.ndarray
    scores: np.ndarray
    differences: np.ndarray
    uniform: np.ndarray
    worth: np.ndarray


def reference_survey() -> Survey:
    """People of wave 7 on every value question that all kinds of scales are among."""
    ids = tuple(codebook.value_questions())
    return read_survey(open_release("reference"), build_geometry(ids))


def make_pool(reference: Survey, foreign: float, rng: np.random.Generator) -> Pool:
    """Real questions and countries by chance, and a model that is partly right."""
    asked = np.flatnonzero(reference.answered.sum(axis=0) > COUNTRIES)
    rows = rng.choice(asked, size=POOL)
    geometry = reference.geometry.take(rows)
    answered = reference.answered[:, rows].T
    order = np.argsort(rng.random(answered.shape) - answered, axis=1)[:, :COUNTRIES]
    people = reference.shares[order.T, rows]
    world = np.nanmean(reference.shares[:, rows], axis=0)
    draws = rng.standard_gamma(np.where(geometry.source >= 0, 1.0, 0.0))
    model = (1 - foreign) * world + foreign * draws / draws.sum(axis=-1, keepdims=True)
    scores = 1 - geometry.distance(people, model)
    rest = (people.sum(axis=0) - people) / (COUNTRIES - 1)
    differences = scores - 1 + geometry.distance(people, rest)
    uniform = 1 - geometry.distance(people, geometry.uniform)
    worth = _worth(geometry, people, scores)
    return Pool(geometry, people, model, scores, differences, uniform, worth)


def _worth(geometry: Geometry, people: np.ndarray, scores: np.ndarray) -> np.ndarray:
    """People that the model is worth to each population, shape (C,)."""
    n = np.ones(people.shape[:2])
    survey = Survey(NAMES, geometry, people, n, n, people)
    curve = worth_curve(survey, np.ones(n.shape, bool)).distance
    means = 1 - scores.mean(axis=1)
    return np.array([people_worth(one, own) for one, own in zip(means, curve, strict=True)])


def draw_survey(
    pool: Pool, scenario: Scenario, rng: np.random.Generator
) -> tuple[np.ndarray, Survey, Answers]:
    """Questions from the pool, and people from the populations."""
    rows = rng.choice(POOL, size=scenario.questions, replace=False)
    geometry = pool.geometry.take(rows)
    counts = rng.multinomial(scenario.people, pool.people[:, rows])
    shares = counts / scenario.people
    n = np.full(counts.shape[:2], float(scenario.people))
    survey = Survey(NAMES, geometry, shares, n, n.copy(), counts.astype(float))
    model = np.broadcast_to(pool.model[rows], shares.shape)
    return rows, survey, Answers(model, np.zeros(n.shape, np.int8), True)


#: Intra-cluster correlations of questions, drawn evenly: about the range of those of real files.
RHO = (0.005, 0.25)


def draw_clustered(
    pool: Pool, scenario: Scenario, rng: np.random.Generator
) -> tuple[np.ndarray, Survey, Answers, dict[str, float]]:
    """Questions from the pool, people in clusters; and how many intervals of shares hold them."""
    rows, survey, answers = draw_survey(pool, scenario, rng)
    rho = rng.uniform(*RHO, len(rows))
    people = pool.people[:, rows]
    survey, se = clustered_survey(survey, people, rho, scenario.people, rng)
    shares = survey.shares
    middle = (people > 0.2) & (people < 0.8)
    gap = np.abs(shares - people)[middle]
    plain = np.sqrt(shares * (1 - shares) / scenario.people)
    own = {
        "share of a cell": float(np.mean(gap <= NORMAL * se[middle])),
        f"{IGNORED}share of a cell": float(np.mean(gap <= NORMAL * plain[middle])),
    }
    return rows, survey, answers, own


def clustered_hits(pool: Pool, scenario: Scenario, rng: np.random.Generator) -> dict[str, float]:
    """Which intervals of one clustered survey hold the truth, by design and by Kish."""
    rows, survey, answers, design_hits = draw_clustered(pool, scenario, rng)
    design_hits |= interval_hits(pool, rows, survey, answers, rng)
    plain = interval_hits(pool, rows, replace(survey, n_eff=survey.n), answers, rng)
    return design_hits | {f"{IGNORED}{name}": hit for name, hit in plain.items()}


def hits(pool: Pool, scenario: Scenario, rng: np.random.Generator) -> dict[str, bool]:
    """Which intervals of one survey hold the truth."""
    return interval_hits(pool, *draw_survey(pool, scenario, rng), rng)


def interval_hits(
    pool: Pool, rows: np.ndarray, survey: Survey, answers: Answers, rng: np.random.Generator
) -> dict[str, bool]:
    """Which intervals hold the truth."""
    ends = intervals_and_truths(pool, rows, survey, answers, rng)
    return {name: bool(low <= truth <= high) for name, (low, high, truth) in ends.items()}


def intervals_and_truths(
    pool: Pool, rows: np.ndarray, survey: Survey, answers: Answers, rng: np.random.Generator
) -> dict[str, tuple[float, float, float]]:
    """Ends of every kind of interval, and what they should hold."""
    scores = score_alignment(
        survey,
        answers,
        excluded=np.zeros(len(rows), bool),
        parts=np.arange(len(rows)) % CATEGORIES,
        mode="corrected",
        average="leave-one-out",
        replicates=REPLICATES,
        rng=rng,
    )
    worth = worth_people(scores)
    group = group_entry("", survey, answers, np.zeros(len(rows), bool), REPLICATES, rng)
    assert group is not None
    everywhere, asked = pool.scores.mean(axis=1), pool.scores[:, rows].mean(axis=1)
    uniform = pool.uniform.mean()
    category = pool.scores[:, rows[1::CATEGORIES]].mean()
    truths = {
        "overall, questions sampled": (scores.overall, everywhere.mean(), None),
        "overall, questions fixed": (scores.overall_fixed, asked.mean(), None),
        "country, questions sampled": (scores.country, everywhere[0], 0),
        "country, questions fixed": (scores.country_fixed, asked[0], 0),
        "difference, overall": (scores.overall_difference, pool.differences.mean(), None),
        "difference of a country": (scores.difference, pool.differences[0].mean(), 0),
        "question, people only": (scores.question, pool.scores[:, rows[1]].mean(), 1),
        "category, questions sampled": (scores.part, everywhere.mean(), 1),
        "category, questions fixed": (scores.part_fixed, category, 1),
        "skill over uniform answers": (
            scores.overall_uniform_skill,
            (everywhere.mean() - uniform) / (1 - uniform),
            None,
        ),
        "worth N people, median country": (worth.overall, np.median(pool.worth), None),
        "worth N people, country": (worth.country, pool.worth[0], 0),
    }
    assert np.allclose(scores.overall.value, row_means(row_means(scores.cells)))
    ends = {}
    for name, (estimate, truth, row) in truths.items():
        low, high = (end if row is None else end[row] for end in estimate.bounds)
        ends[name] = (float(low), float(high), float(truth))
    low, high = group.alignment.low, group.alignment.high
    return ends | {"group, questions sampled": (low, high, everywhere.mean())}


def run(
    reference: Survey,
    scenario: Scenario,
    surveys: int,
    rng: np.random.Generator,
    *,
    clustered: bool,
) -> dict[str, list[float]]:
    """Hits of every kind of interval, survey by survey."""
    hits_by_interval: dict[str, list[float]] = {}
    for number in range(surveys):
        if number % PER_MODEL == 0:
            pool = make_pool(reference, scenario.foreign, rng)
        one = clustered_hits if clustered else hits
        for name, hit in one(pool, scenario, rng).items():
            hits_by_interval.setdefault(name, []).append(hit)
    return hits_by_interval


def check_rows(source: str, *, draws: int) -> int:
    """Print the coverage of intervals of shares for every country with clusters."""
    rng = np.random.default_rng(20260101)
    try:
        for rows in read_rows(source):
            design, kish = rows_coverage(rows, draws, rng)
            print(
                f"{rows.country}  {len(rows.stratum):4d} clusters  "
                f"design {design:5.1f} %  Kish {kish:5.1f} %"
            )
    except ContractError as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def main() -> int:
    """Print coverage; with --assert, 1 where an interval misses its bounds."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--assert", dest="check", action="store_true")
    parser.add_argument("--smoke", action="store_true")
    parser.add_argument("--design", action="store_true", help="interviews in clusters")
    parser.add_argument("--rows", metavar="RELEASE", help="redraw a private release's clusters")
    parser.add_argument("--surveys", type=int, default=2000, help="over all scenarios together")
    options = parser.parse_args()
    if options.rows:
        return check_rows(options.rows, draws=20 if options.smoke else 200)
    surveys = 120 if options.smoke else options.surveys
    bounds = SMOKE_BOUNDS if options.smoke else BOUNDS
    rng, reference = np.random.default_rng(20260101), reference_survey()
    together: dict[str, list[float]] = {}
    scenarios = CLUSTERED if options.design else SCENARIOS
    for scenario in scenarios:
        start = time.process_time()
        each = -(-surveys // len(scenarios))
        part = run(reference, scenario, each, rng, clustered=options.design)
        for name, one in part.items():
            together.setdefault(name, []).extend(one)
        means = ", ".join(f"{name} {100 * np.mean(one):.1f}" for name, one in part.items())
        print(f"{scenario.name} ({time.process_time() - start:.0f} CPU s)\n  {means}", flush=True)
    failed = []
    for name, one in together.items():
        coverage = 100 * float(np.mean(one))
        inside = name.startswith(IGNORED) or bounds[0] <= coverage <= bounds[1]
        failed += [] if inside else [f"{name} {coverage:.2f} %"]
        print(f"{coverage:6.2f} %  {name}, {len(one)} surveys{'' if inside else '   <-- outside'}")
    if options.check and failed:
        print("Outside {:.0f}-{:.0f} %: ".format(*bounds) + "; ".join(failed))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
