"""Reports for tests and benchmarks: made-up models scored on real people by plain arithmetic."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from codebook.countries import countries as known_countries
from codebook.questions import questions as known_questions
from contracts.models import Notice
from contracts.predictions.meta import PredictionsMeta
from contracts.release.read import open_release, release_summary
from contracts.report import (
    CellEntry,
    CountryEntry,
    Coverage,
    GroupEntry,
    Interval,
    PredictionsRef,
    ProtocolResult,
    QuestionEntry,
    ReleaseRef,
    Report,
    Score,
    Settings,
    write_report,
)
from space.board.survey_answers import People


def alignment(model: np.ndarray, people: np.ndarray) -> float:
    """1 - W1/(K-1) for shares in scale order."""
    return float(1 - np.abs(np.cumsum(model)[:-1] - np.cumsum(people)[:-1]).mean())


def interval(scores: np.ndarray) -> Interval:
    """Mean with a normal interval."""
    mean = float(scores.mean())
    half = float(1.96 * scores.std(ddof=1) / np.sqrt(len(scores))) if len(scores) > 1 else 0.0
    return Interval(estimate=mean, low=mean - half, high=mean + half)


def sample_people(countries: list[str], questions: list[str]) -> dict[tuple[str, str], np.ndarray]:
    """Shares of people in the reference by (country, question)."""
    people = People(open_release("reference"))
    found = {}
    for country in countries:
        for question in questions:
            answers = people.answers.get((7, country, question))
            if answers is not None and answers.n:
                shares = np.array([share or 0.0 for share in answers.shares])
                found[country, question] = shares / shares.sum()
    return found


def sample_cells(
    people: dict[tuple[str, str], np.ndarray], *, skill: float, rng: np.random.Generator
) -> list[CellEntry]:
    """A model that mixes people's shares (weight `skill`) with random ones."""
    cells = []
    for (country, question), shares in people.items():
        noise = rng.dirichlet(np.ones(len(shares)))
        model = skill * shares + (1 - skill) * noise
        cells.append(
            CellEntry(
                country=country,
                question_id=question,
                alignment=alignment(model, shares),
                people=[float(x) for x in shares],
                model=[float(x) for x in model],
                n=1000,
                n_eff=800.0,
                floor=0.01,
            )
        )
    return cells


def _questions(cells: list[CellEntry]) -> list[QuestionEntry]:
    by_question: dict[str, list[float]] = {}
    for cell in cells:
        by_question.setdefault(cell.question_id, []).append(cell.alignment)
    return [
        QuestionEntry(
            question_id=name,
            category=known_questions()[name].category,
            level="ordinal",
            alignment=interval(np.array(scores)),
            countries=len(scores),
            coverage=1.0,
        )
        for name, scores in by_question.items()
    ]


def _countries(cells: list[CellEntry]) -> list[CountryEntry]:
    by_country: dict[str, list[float]] = {}
    for cell in cells:
        by_country.setdefault(cell.country, []).append(cell.alignment)
    return [
        CountryEntry(
            country=name,
            alignment=interval(np.array(scores)),
            questions=len(scores),
            coverage=1.0,
            average_human=0.85,
            verdict="within",
        )
        for name, scores in by_country.items()
    ]


def _groups(cells: list[CellEntry]) -> list[GroupEntry]:
    found = []
    for kind, of in (
        ("category", lambda cell: known_questions()[cell.question_id].category),
        ("continent", lambda cell: known_countries()[cell.country].continent),
    ):
        names = sorted({of(cell) for cell in cells})
        for name in names:
            scores = np.array([cell.alignment for cell in cells if of(cell) == name])
            found.append(GroupEntry(kind=kind, name=name, alignment=interval(scores)))
    return found


def sample_report(
    name: str,
    people: dict[tuple[str, str], np.ndarray],
    *,
    skill: float,
    seed: int,
    with_cells: bool = True,
    **meta: object,
) -> Report:
    """A report of a made-up model; `meta` goes into the predictions' metadata."""
    rng = np.random.default_rng(seed)
    cells = sample_cells(people, skill=skill, rng=rng)
    by_country = _countries(cells)
    whole = interval(np.array([one.alignment.estimate for one in by_country]))
    fields = {"model": f"org/{name}", "method": "verbalized", "family": "made-up"} | meta
    below = float(np.mean([1 - cell.alignment <= 0.2 for cell in cells]))
    return Report(
        scorer_version="1.0",
        release=ReleaseRef(**release_summary(open_release("reference"))),
        predictions=PredictionsRef(
            name=name,
            digest=f"{seed:064x}",
            kind="distribution",
            rows=len(cells),
            meta=PredictionsMeta(name=name, **fields),
        ),
        settings=Settings(seed=seed),
        coverage=Coverage(expected=len(cells), scored=len(cells), share=1.0),
        scores=[
            Score(name="alignment", value=whole, coverage=1.0, questions=len(_questions(cells))),
            Score(name="uniform_skill", value=Interval(estimate=skill, low=skill, high=skill)),
            Score(name="share_w1_below_0.2", value=Interval(estimate=below, low=0.0, high=1.0)),
        ],
        countries=by_country,
        questions=_questions(cells),
        groups=_groups(cells),
        cells=cells if with_cells else [],
        protocols=[
            ProtocolResult(
                protocol="alignment", applies=True, tables={"question_scores": _grid(cells)}
            )
        ],
        warnings=[Notice(code="made-up", message="this model does not exist", count=1)],
    )


def _grid(cells: list[CellEntry]) -> dict[str, object]:
    scores = {(cell.country, cell.question_id): cell.alignment for cell in cells}
    names = sorted({country for country, _ in scores})
    ids = sorted({question for _, question in scores})
    return {
        "countries": names,
        "questions": ids,
        "scores": [[scores.get((country, question)) for question in ids] for country in names],
    }


COUNTRIES = ["DEU", "JPN", "USA", "BRA", "NGA", "EGY", "SGP", "NZL"]
QUESTIONS = ["Q1", "Q2", "Q3", "Q46", "Q48", "Q57", "Q106", "Q112", "Q164", "Q199", "Q235", "Q240"]

#: name -> skill, metadata. Two of equal skill cannot be told apart; two are conditions of one.
MODELS: dict[str, tuple[float, dict[str, object]]] = {
    "heron-70b": (0.9, {"family": "heron", "parameters": 7e10, "open_weights": True}),
    "heron-8b": (0.6, {"family": "heron", "parameters": 8e9, "open_weights": True}),
    "ibis-large": (0.6, {"family": "ibis", "open_weights": False}),
    "ibis-small": (0.2, {"family": "ibis", "parameters": 2e9, "open_weights": False}),
    "heron-70b-persona": (
        0.93,
        {"family": "heron", "parameters": 7e10, "open_weights": True, "steering": "persona"},
    ),
    "ibis-large-de": (0.55, {"family": "ibis", "language": "de", "trained_on_wvs": True}),
    "<b>sneaky</b>": (0.5, {"family": '"><script>alert(1)</script>', "method": "sampling"}),
    "uniform": (0.0, {"method": "baseline", "baseline": True, "family": ""}),
    "world-average": (0.8, {"method": "baseline", "baseline": True, "uses_survey": True}),
}


def fill_sample_store(folder: Path) -> None:
    """Write the reports of `MODELS` into a store."""
    people = sample_people(COUNTRIES, QUESTIONS)
    for seed, (name, (skill, meta)) in enumerate(MODELS.items()):
        stem = "sneaky" if "<" in name else name
        report = sample_report(name, people, skill=skill, seed=seed, **meta)
        write_report(report, folder / "reports" / f"{stem}.json")
