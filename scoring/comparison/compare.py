"""Compare two reports: paired over the questions both scored, country by country and in all.

Two averages may lie apart only because other questions or countries were answered. So only cells
that both reports scored count: for each question the mean difference over the common countries,
each counting once. A sign-flip permutation test over these questions asks whether the sign of the
difference could be chance; single countries get the same test, adjusted for their number.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from contracts.errors import ContractError, Problem, fail
from contracts.models import Notice
from contracts.report import Interval, Report
from contracts.report_tables.advice import AdviceCountry, AdviceTables, ApproachPair
from contracts.report_tables.alignment import CellGrid
from scoring.comparison.wordings import wording_notices
from scoring.inference.bootstrap import question_counts, resampled_means
from scoring.inference.intervals import interval, percentile_bounds
from scoring.inference.tests import benjamini_hochberg, holm, sign_flip_test
from scoring.inputs.geometry import Floats
from scoring.protocols.advice.report_tables import paired_rows

#: Where a report keeps the score of every (country, question) cell.
CELL_TABLE = "question_scores"


@dataclass(frozen=True)
class CellScores:
    """Scores by (country, question) of one report; higher is closer to people.

    `countries` is ("",) where the report has scores per question only. `scores` has shape (C, Q).
    """

    countries: tuple[str, ...]
    questions: tuple[str, ...]
    scores: Floats


@dataclass(frozen=True)
class CountryComparison:
    """One country: mean difference over common questions, p-values plain and adjusted."""

    country: str
    difference: float | None
    p_value: float | None
    p_holm: float | None
    p_bh: float | None
    questions: int


@dataclass(frozen=True)
class Comparison:
    """What can be said of the first report less the second.

    Attributes:
        first, second: names of the two.
        difference: mean over common questions, with the interval of resampled questions.
        p_value: two-sided sign-flip permutation test over the common questions.
        questions, countries: how many both scored.
        ahead, behind: questions on which the first is closer, or the second.
        by_country: one entry per common country; empty without scores by country.
        notices: what a reader must know.
    """

    first: str
    second: str
    difference: Interval
    p_value: float | None
    questions: int
    countries: int
    ahead: int
    behind: int
    by_country: tuple[CountryComparison, ...]
    notices: tuple[Notice, ...]
    settings: Mapping[str, int]

    def to_json(self) -> dict[str, Any]:
        """The comparison as plain JSON."""
        fields = asdict(self)
        fields["difference"] = self.difference.model_dump()
        fields["notices"] = [notice.model_dump() for notice in self.notices]
        return fields


def compare_reports(
    first: Report,
    second: Report,
    *,
    seed: int = 0,
    permutations: int = 9999,
    replicates: int = 1000,
) -> Comparison:
    """Compare two reports over what both scored.

    Raises:
        ContractError: they were scored on different releases or under different rules, or
            share no question.
    """
    check_comparable(first, second)
    rng = np.random.default_rng(seed)
    countries, questions, one, two = common_cells(cell_scores(first), cell_scores(second))
    gaps = one - two
    per_question = _row_means(gaps.T)
    known = ~np.isnan(per_question)
    if not known.any():
        raise fail(
            "nothing-common",
            "the two reports share no scored question",
            found=f"{_name(first)} and {_name(second)}",
            hint="Score both on the same question set: opinion-atlas score --questions NAME",
        )
    test = sign_flip_test(
        per_question[known], np.zeros(known.sum()), rng=rng, permutations=permutations
    )
    used = per_question[known]
    return Comparison(
        first=_name(first),
        second=_name(second),
        difference=_resampled(used, replicates, rng),
        p_value=_number(test.p_value),
        questions=int(known.sum()),
        countries=int((~np.isnan(gaps)).any(axis=1).sum()) if countries != ("",) else 0,
        ahead=int((used > 0).sum()),
        behind=int((used < 0).sum()),
        by_country=_by_country(countries, one, two, permutations, rng),
        notices=tuple(_notices(first, second, len(questions))),
        settings={"seed": seed, "permutations": permutations, "replicates": replicates},
    )


def check_comparable(first: Report, second: Report) -> None:
    """Refuse to compare what was scored on other people or under other rules.

    Raises:
        ContractError: every setting in which the two differ.
    """
    pairs = {
        "release": (first.release.digest, second.release.digest),
        "scorer major version": tuple(r.scorer_version.split(".")[0] for r in (first, second)),
        "mode": (first.settings.mode, second.settings.mode),
        "weights": (first.settings.weights, second.settings.weights),
        "split": (first.settings.split, second.settings.split),
        "wave": (str(first.settings.wave), str(second.settings.wave)),
    }
    problems = [
        Problem(
            "not-comparable",
            f"the reports differ in their {what}",
            found=f"{one[:16]} and {two[:16]}",
            hint="Re-score both predictions files on one release with the same options.",
        )
        for what, (one, two) in pairs.items()
        if one != two
    ]
    if problems:
        raise ContractError(problems, subject=f"{_name(first)} and {_name(second)}")


def cell_scores(report: Report) -> CellScores:
    """Scores by (country, question), or by question alone where the report has no more."""
    table = report.table(CELL_TABLE, CellGrid)
    if table is not None:
        scores = np.array(table.scores, dtype=np.float64)
        return CellScores(tuple(table.countries), tuple(table.questions), scores)
    entries = [q for q in report.questions if q.alignment.estimate is not None]
    scores = np.array([[q.alignment.estimate for q in entries]], dtype=np.float64)
    return CellScores(("",), tuple(q.question_id for q in entries), scores)


def common_cells(
    first: CellScores, second: CellScores
) -> tuple[tuple[str, ...], tuple[str, ...], Floats, Floats]:
    """Countries and questions of both, and both scores there, shape (C, Q); NaN unless both."""
    if (first.countries == ("",)) != (second.countries == ("",)):
        first, second = _over_countries(first), _over_countries(second)
    countries = tuple(c for c in first.countries if c in set(second.countries))
    questions = tuple(q for q in first.questions if q in set(second.questions))
    sides = [_take(side, countries, questions) for side in (first, second)]
    both = ~np.isnan(sides[0]) & ~np.isnan(sides[1])
    one, two = (np.where(both, side, np.nan) for side in sides)
    return countries, questions, one, two


def _over_countries(cells: CellScores) -> CellScores:
    if cells.countries == ("",):
        return cells
    return CellScores(("",), cells.questions, _row_means(cells.scores.T)[None, :])


def _take(cells: CellScores, countries: tuple[str, ...], questions: tuple[str, ...]) -> Floats:
    rows = [cells.countries.index(country) for country in countries]
    columns = [cells.questions.index(question) for question in questions]
    return cells.scores[np.ix_(rows, columns)]


def _row_means(scores: Floats) -> Floats:
    present = ~np.isnan(scores)
    total = np.where(present, scores, 0.0).sum(axis=-1)
    mean = np.full(total.shape, np.nan)
    np.divide(total, present.sum(axis=-1), out=mean, where=present.any(axis=-1))
    return mean


def _resampled(gaps: Floats, replicates: int, rng: np.random.Generator) -> Interval:
    counts = question_counts(gaps.size, replicates=replicates, rng=rng)
    means = resampled_means(gaps, counts)
    estimate = np.asarray(gaps.mean())
    bounds = percentile_bounds(means, estimate, units=gaps.size, mean=True, limits=(-1.0, 1.0))
    return interval(float(estimate), float(bounds.low), float(bounds.high))


def _by_country(
    countries: tuple[str, ...],
    one: Floats,
    two: Floats,
    permutations: int,
    rng: np.random.Generator,
) -> tuple[CountryComparison, ...]:
    if countries == ("",):
        return ()
    tests = [
        sign_flip_test(one[row], two[row], rng=rng, permutations=permutations)
        for row in range(len(countries))
    ]
    p_values = [test.p_value for test in tests]
    adjusted = zip(holm(p_values), benjamini_hochberg(p_values), strict=True)
    return tuple(
        CountryComparison(
            country=country,
            difference=_number(test.difference),
            p_value=_number(test.p_value),
            p_holm=_number(float(by_holm)),
            p_bh=_number(float(by_bh)),
            questions=test.pairs,
        )
        for country, test, (by_holm, by_bh) in zip(countries, tests, adjusted, strict=True)
    )


def _number(estimate: float) -> float | None:
    return None if math.isnan(estimate) else float(estimate)


def _name(report: Report) -> str:
    return report.predictions.name


def _notices(first: Report, second: Report, common: int) -> list[Notice]:
    notices = []
    if first.settings.questions_digest != second.settings.questions_digest:
        notices.append(
            Notice(
                code="other-questions",
                message=f"the two were scored on different question sets; only the {common} "
                "questions in both count",
            )
        )
    if first.predictions.digest == second.predictions.digest:
        notices.append(Notice(code="same-predictions", message="both score the same predictions"))
    if {first.release.synthetic, second.release.synthetic} == {True}:
        notices.append(Notice(code="synthetic", message="the release is SYNTHETIC: made-up people"))
    return [*notices, *wording_notices([first, second])]


def advice_rows(report: Report) -> list[AdviceCountry]:
    """Rows of a report's advice table `countries`; empty for reports of other files."""
    return list(report.tables_of(AdviceTables).countries or ())


def compare_advice(
    first: Report, second: Report, *, seed: int = 0, replicates: int = 1000
) -> list[ApproachPair]:
    """Pairs of an approach of the first and one of the second report, with difference and test.

    See `scoring.protocols.advice.lean.paired_approaches`. p-values are adjusted over all pairs.
    """
    rng = np.random.default_rng(seed)
    marked = [
        row.model_copy(update={"approach": f"{place}:{row.approach}"})
        for place, report in (("first", first), ("second", second))
        for row in advice_rows(report)
    ]
    return paired_rows(marked, rng=rng, replicates=replicates, across=True)
