"""Reference points for the rating protocol: one rating per person and question of the probe."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from codebook import value_questions
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.read import write_predictions
from contracts.release.read import Release

#: Codes of a question in rising order, and the true codes of its people -> a rating for each.
Rate = Callable[[tuple[int, ...], list[int | None]], list[int]]


class RatingBaseline(NamedTuple):
    """A named way to rate: name of the file, what it is in words, and how."""

    name: str
    title: str
    uses_survey: bool
    rate: Rate


def uniform_ratings(codes: tuple[int, ...], answers: list[int | None]) -> list[int]:
    """Every code in turn, so that each is given equally often."""
    return [codes[place % len(codes)] for place in range(len(answers))]


def majority_ratings(codes: tuple[int, ...], answers: list[int | None]) -> list[int]:
    """The code that most of these people chose; the lowest of equal ones."""
    counts = Counter(answer for answer in answers if answer in codes)
    return [max(codes, key=lambda code: (counts[code], -code))] * len(answers)


RATING_BASELINES = (
    RatingBaseline("uniform-ratings", "every code equally often", False, uniform_ratings),
    RatingBaseline(
        "majority-ratings", "the most frequent code of the people rated", True, majority_ratings
    ),
)


def write_rating_baseline(
    baseline: RatingBaseline, release: Release, folder: Path, *, suffix: str = ".jsonl"
) -> tuple[Path, int]:
    """Write one file of ratings for the probe, in the coding of WorldValuesBench.

    People whose interview id names several persons are left out: a rating could not say whose
    it is.

    Returns:
        The path, and the number of ratings.

    Raises:
        ContractError: the release holds no probe.
    """
    records = list(_records(baseline.rate, _probe_answers(release)))
    meta = PredictionsMeta(
        name=baseline.name,
        model=f"baseline/{baseline.name}",
        protocol="worldvaluesbench",
        method="baseline",
        coding="worldvaluesbench",
        prompt_version="none",
        wording="none",
        wording_digest="none",
        release=release.digest,
        baseline=True,
        uses_survey=baseline.uses_survey,
        notes=baseline.title,
    )
    path = write_predictions(folder / f"{baseline.name}{suffix}", records, meta=meta, kind="rating")
    return path, len(records)


def _records(rate: Rate, people: dict[str, dict[int, int | None]]) -> Iterator[dict[str, Any]]:
    for question_id, answers in people.items():
        codes = value_questions()[question_id].worldvaluesbench_codes()
        ratings = rate(codes, list(answers.values()))
        for participant, score in zip(answers, ratings, strict=True):
            yield {"question_id": question_id, "participant": participant, "score": score}


def _probe_answers(release: Release) -> dict[str, dict[int, int | None]]:
    """True code by question and interview id, people with an ambiguous id left out."""
    ids = release.table("respondents", columns=["interview_id"])["interview_id"].to_pylist()
    several = {name for name, count in Counter(ids).items() if count > 1}
    columns = ["question_id", "interview_id", "worldvaluesbench_code"]
    codes_by_question: dict[str, dict[int, int | None]] = {}
    for row in release.table("probe", columns=columns).to_pylist():
        if row["interview_id"] is not None and row["interview_id"] not in several:
            answers = codes_by_question.setdefault(row["question_id"], {})
            answers[row["interview_id"]] = row["worldvaluesbench_code"]
    return codes_by_question
