"""Reports of ratings that others may see: no choice of ratings tells more than the table does.

All people are made up. The attacks are those of a visitor who may send any file, knows the
interview ids and compares the reports.
"""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest
from scipy.stats import wasserstein_distance

from contracts.errors import ContractError
from contracts.predictions.read import Predictions
from contracts.release.disclosure import round_count
from contracts.release.read import Release
from contracts.report import Report, read_report
from opinion_atlas.app import main
from scoring import score
from scoring.protocols.worldvaluesbench.protected_report import protected_report

FIRST = 11

#: Answers of fifty people to a question with four options, and to one with ten.
FOUR = [1] * 8 + [2] * 17 + [3] * 22 + [4] * 3
TEN = [1] * 2 + [2] * 3 + [3] * 5 + [4] * 7 + [5] * 12 + [6] * 8 + [7] * 6 + [8] * 4 + [10] * 3
TRUE = {"Q1": FOUR, "Q112": TEN}
SIZES = {"Q1": 4, "Q112": 10}

#: What no report that others may see holds, by name of score, field or table.
GONE = {
    "accuracy",
    "mean_absolute_error",
    "group_wasserstein",
    "group_floor",
    "uniform",
    "uniform_skill",
    "majority",
    "ratings",
    "means",
}


def answers_of(answers: Mapping[str, Sequence[int]]) -> list[tuple[int, str, str, dict[str, int]]]:
    """People by their answers to each question, in turn."""
    return [
        (FIRST + i, "urban", "tertiary", {name: codes[i] for name, codes in answers.items()})
        for i in range(len(next(iter(answers.values()))))
    ]


@pytest.fixture
def release_of(people_release: Callable[..., Release]) -> Callable[..., Release]:
    """Make a release whose people are all in its probe."""

    def make(answers: Mapping[str, Sequence[int]]) -> Release:
        people = answers_of(answers)
        return people_release(people, probe=[person[0] for person in people])

    return make


def rows(ratings: Mapping[str, Sequence[int | None]], first: int = FIRST) -> list[dict[str, Any]]:
    """One rating per person and question; None rates nobody."""
    return [
        {"question_id": name, "participant": first + i, "score": rated}
        for name, scores in ratings.items()
        for i, rated in enumerate(scores)
        if rated is not None
    ]


@pytest.fixture
def file_of(toy_predictions: Callable[..., Predictions]) -> Callable[..., Predictions]:
    """Write ratings to a file."""

    def make(ratings: Mapping[str, Sequence[int | None]], *more: dict[str, Any]) -> Predictions:
        return toy_predictions([*rows(ratings), *more], "rating", coding="raw")

    return make


def protected(file: Predictions, release: Release, *, replicates: int = 20) -> Report:
    return score(file, release, replicates=replicates, protected=True)


def shown(report: Report) -> str:
    """The report but for the digest of its release."""
    return json.dumps({**report.model_dump(mode="json"), "release": None}, sort_keys=True)


def nearest_five(codes: Sequence[int], size: int) -> tuple[int, ...]:
    """Counts by option to the nearest 5, worked out here."""
    return tuple(int(5 * np.floor(codes.count(code) / 5 + 0.5)) for code in range(1, size + 1))


def w1(human: Sequence[int], ratings: Sequence[int]) -> float:
    """Distance of ratings from counts of people over the scale's range."""
    places = np.arange(len(human))
    model = [ratings.count(place + 1) for place in places]
    return float(wasserstein_distance(places, places, human, model)) / (len(human) - 1)


def edge_files(human: Sequence[int], people: int, decimals: int, count: int) -> list[list[int]]:
    """Ratings whose distance lies closest to where its rounding turns over."""
    size = len(human)
    rng = np.random.default_rng(0)
    if size == 4:
        cuts = itertools.combinations(range(people + 3), 3)
        models = np.array([np.diff([-1, *cut, people + 3]) - 1 for cut in cuts])
    else:
        models = rng.multinomial(people, rng.dirichlet(np.ones(size), 30_000))
    shares = np.cumsum(models, axis=1) / people
    target = np.cumsum(human) / np.sum(human)
    distance = np.abs(shares - target)[:, :-1].sum(axis=1) / (size - 1)
    scaled = distance * 10**decimals
    nearest = np.argsort(np.abs(scaled - np.floor(scaled) - 0.5), kind="stable")[:count]
    return [np.repeat(np.arange(1, size + 1), models[i]).tolist() for i in nearest]


def test_counts_are_rounded_to_the_nearest_five() -> None:
    counts = np.arange(13)
    assert round_count(counts).tolist() == [0, 0, 0, 5, 5, 5, 5, 5, 10, 10, 10, 10, 10]


def test_one_persons_answer_never_shows_at_a_rounding_edge(release_of, file_of) -> None:
    """Fifty people, every code of both questions, files at the edges of both roundings."""
    tables = {name: nearest_five(codes, SIZES[name]) for name, codes in TRUE.items()}
    edges = {
        name: [edge for decimals in (2, 3) for edge in edge_files(table, 50, decimals, 2)]
        for name, table in tables.items()
    }
    files = [
        file_of(dict(zip(edges, pair, strict=True))) for pair in zip(*edges.values(), strict=True)
    ]
    truth = [protected(file, release_of(TRUE), replicates=2) for file in files]
    seen: dict[Any, set[str]] = defaultdict(set)
    for number, (person, code) in enumerate(itertools.product(range(50), range(1, 11))):
        changed = {name: list(codes) for name, codes in TRUE.items()}
        changed["Q1"][person] = 1 + (code + person) % 4
        changed["Q112"][person] = code
        now = {name: nearest_five(codes, SIZES[name]) for name, codes in changed.items()}
        which = number % len(files)
        report = protected(files[which], release_of(changed), replicates=2)
        # Identical wherever the table is: nothing beyond it shows, whoever it was.
        key = (which, *now.values())
        seen[key].add(shown(report))
        assert len(seen[key]) == 1
        if now == tables:
            assert shown(report) == shown(truth[which])
        # Else options have moved by one step of the table, as for anybody in them.
        for entry, before in zip(report.questions, truth[which].questions, strict=True):
            one, other = now[entry.question_id], tables[entry.question_id]
            moved = [abs(a - b) for a, b in zip(one, other, strict=True)]
            assert set(moved) <= {0, 5}
            assert sum(moved) <= 10
            step = sum(moved) / min(sum(one), sum(other))
            gap = entry.extra["wasserstein"] - before.extra["wasserstein"]
            assert abs(gap) <= step + 0.01 * bool(moved) + 1e-9


def test_exact_answers_would_have_shown(release_of, file_of) -> None:
    """The same files against the exact answers tell the person's answer: the attack is real."""
    table = [FOUR.count(code) for code in range(1, 5)]
    file = file_of({"Q1": edge_files(table, 50, 2, 1)[0]})
    found = set()
    for code in range(1, 5):
        exact = score(file, release_of({"Q1": [*FOUR[:49], code]}), replicates=20)
        found.add(round(exact.questions[0].extra["wasserstein"], 4))
    assert len(found) == 4


def test_two_files_that_differ_by_one_person_tell_nothing_of_them(release_of, file_of) -> None:
    """The attack found: the distances times the numbers of people, taken from each other."""
    # No count of the table moves when one of these people changes their answer.
    true = [1] * 10 + [2] * 15 + [3] * 20 + [4] * 5
    release, table = release_of({"Q1": true}), nearest_five(true, 4)
    ratings = [1 + i % 4 for i in range(50)]
    for person in (0, 5, 9, 14, 20, 24, 30, 35, 40, 46, 48, 49):
        other = [*true[:person], 1 + true[person] % 4, *true[person + 1 :]]
        changed = release_of({"Q1": other})
        without = [*ratings[:person], None, *ratings[person + 1 :]]
        stranger = {"question_id": "Q1", "participant": 999_999, "score": ratings[person]}
        for file, counted in (
            (file_of({"Q1": ratings}), ratings),
            (file_of({"Q1": without}), [one for one in without if one]),
            (file_of({"Q1": without}, stranger), ratings),
        ):
            report = protected(file, release)
            assert shown(report) == shown(protected(file, changed))
            # The human side is the whole table each time, whoever was left out.
            expected = w1(table, counted)
            assert report.questions[0].extra["wasserstein"] == pytest.approx(expected, abs=0.0051)


def test_who_is_named_counts_for_coverage_alone(release_of, file_of) -> None:
    """Ratings that change places among people give the same report."""
    release = release_of({"Q1": FOUR})
    ratings = [1 + i % 4 for i in range(50)]
    one, two = (protected(file_of({"Q1": order}), release) for order in (ratings, ratings[::-1]))
    fields = ("scores", "questions", "groups", "protocols", "coverage", "warnings")
    assert [getattr(one, name) for name in fields] == [getattr(two, name) for name in fields]


#: Eleven questions, so that one of them may be left out.
MANY = ("Q1", "Q2", "Q3", "Q46", "Q47", "Q106", "Q107", "Q108", "Q112", "Q113", "Q114")


def test_a_question_cannot_shrink_to_few_people(release_of, file_of) -> None:
    """Of 440 pairs 430 are rated: 97.7 % in all, but 75 % of one question."""
    people = [1 + i % 4 for i in range(40)]
    release = release_of(dict.fromkeys(MANY, people))
    whole = dict.fromkeys(MANY, people)
    report = protected(file_of({**whole, "Q113": people[:30]}), release)
    assert [one.question_id for one in report.questions] == [q for q in MANY if q != "Q113"]
    assert (report.coverage.expected, report.coverage.scored) == (440, 400)
    assert report.coverage.share == 0.90
    notice = next(one for one in report.warnings if one.code == "questions-not-scored")
    assert (notice.count, "Q113" in notice.message) == (1, True)
    # 36 of 40 is 90 %, and enough; two such questions as the first are too little in all.
    assert protected(file_of({**whole, "Q113": people[:36]}), release).coverage.share == 0.99
    with pytest.raises(ContractError, match=r"only if they answer.*at least 90%"):
        protected(file_of({**whole, "Q113": people[:30], "Q114": people[:30]}), release)


def test_strangers_do_not_cover_the_probe(release_of, file_of) -> None:
    """Seventy-two of 720 ratings, and one stranger or as many as are lacking."""
    people = [1 + i % 4 for i in range(72)]
    release = release_of(dict.fromkeys(MANY[:10], people))
    one = {"Q1": people}
    stranger = {"question_id": "Q2", "participant": 999_999, "score": 1}
    found = score(file_of(one, stranger), release, replicates=20)
    assert found.coverage.share == pytest.approx(72 / 721)
    assert (found.coverage.expected, found.coverage.scored) == (721, 72)
    assert found.coverage.missing == 649
    assert found.protocols[1].tables["compared_with"] == "the probe"
    strangers = rows(dict.fromkeys(MANY[1:10], people), first=100_000)
    for more in ([stranger], strangers):
        with pytest.raises(ContractError, match="only if they answer"):
            protected(file_of(one, *more), release)
    whole = dict.fromkeys(MANY[:10], people)
    beside = protected(file_of(whole, *rows({"Q1": people[:7]}, first=100_000)), release)
    assert beside.coverage.share == 0.99
    assert "beside-the-probe" in {one.code for one in beside.warnings}
    # Eleven strangers more, and the question is not scored: 70 of 81.
    with pytest.raises(ContractError, match="found 88% of the probe"):
        protected(file_of(whole, *rows({"Q1": people[:11]}, first=100_000)), release)


def test_local_coverage_counts_the_probe_and_what_lies_beside_it(
    people_release, toy_predictions
) -> None:
    people = answers_of({"Q1": [1, 2, 3, 4], "Q2": [1, 1, 2, 2]})
    release = people_release(people, probe=[FIRST, FIRST + 1])
    # One pair of the probe's four, and one of someone who is not in it.
    records = rows({"Q1": [1, None, 3]})
    report = score(toy_predictions(records, "rating", coding="raw"), release, replicates=20)
    assert report.protocols[1].tables["compared_with"] == "the answers of the people named"
    assert (report.coverage.expected, report.coverage.scored) == (5, 2)


def every_name(item: Any) -> set[str]:
    """Keys of a JSON and names of its scores."""
    if isinstance(item, dict):
        named = {item["name"]} if isinstance(item.get("name"), str) else set()
        return named | set(item) | {name for inner in item.values() for name in every_name(inner)}
    return (
        {name for inner in item for name in every_name(inner)} if isinstance(item, list) else set()
    )


def test_nothing_that_pairs_ratings_with_people_is_said(release_of, file_of) -> None:
    release = release_of({"Q1": FOUR, "Q112": TEN})
    file = file_of({"Q1": FOUR, "Q112": TEN})
    local = score(file, release, replicates=20)
    assert GONE - {"ratings"} <= every_name(local.model_dump(mode="json")) | {"ratings"}
    assert "cell" in {one.kind for one in local.groups}
    for report in (protected(file, release), protected_report(local)):
        fields = report.model_dump(mode="json", exclude={"predictions"})
        assert every_name(fields) & GONE == set()
        assert {one.kind for one in report.groups} == {"category"}
        assert all(one.floor is None for one in report.questions)
        assert protected_report(report) == report
    assert "ratings-withheld" in {one.code for one in protected_report(local).warnings}
    assert "ratings-withheld" not in {one.code for one in protected(file, release).warnings}


def test_the_command_writes_it_and_its_page(release_of, file_of, tmp_path) -> None:
    release, file = release_of(TRUE), file_of({"Q1": FOUR, "Q112": TEN})
    out, page = tmp_path / "report.json", tmp_path / "report.html"
    source = next(tmp_path.glob("predictions-*.jsonl"))
    arguments = ["--release", str(release.root), "--replicates", "20", "--out", str(out)]
    for command in (
        ["score", str(source), "--protected", *arguments],
        ["report", "html", str(out), "--out", str(page)],
    ):
        with pytest.raises(SystemExit, match="0"):
            main(command)
    assert shown(read_report(out)) == shown(protected(file, release))
    text = page.read_text()
    assert "nearest 5" in text
    assert "Accuracy" not in text


def test_unsteered_samples_are_compared_with_the_same_table(release_of, toy_predictions) -> None:
    release = release_of({"Q1": FOUR})
    ratings = [1 + i % 4 for i in range(50)]
    samples = [{"question_id": "Q1", "sample": i, "score": r} for i, r in enumerate(ratings)]
    report = protected(toy_predictions(samples, "rating", coding="raw"), release)
    assert report.protocols[1].tables["unsteered_samples"] is True
    expected = w1(nearest_five(FOUR, 4), ratings)
    assert report.questions[0].extra["wasserstein"] == pytest.approx(expected, abs=0.0051)
    assert report.coverage.share == 1


@pytest.mark.parametrize("options", [{"mode": "paper"}, {"split": "train"}])
def test_there_is_one_table_only(release_of, file_of, options: dict[str, str]) -> None:
    """A second rounding of the same people would tell more than one."""
    with pytest.raises(ContractError, match="are not made with this"):
        score(file_of({"Q1": FOUR}), release_of({"Q1": FOUR}), protected=True, **options)


def test_small_questions_and_shared_ids_are_left_out(people_release, toy_predictions) -> None:
    """As in probes of older releases, which hold people of one interview id."""
    people = answers_of({"Q1": FOUR, "Q2": FOUR})
    few = [(*one[:3], {k: v for k, v in one[3].items() if k == "Q1" or i < 29})
           for i, one in enumerate(people)]  # fmt: skip
    shared = [(858069901, "urban", "tertiary", {"Q1": 1})] * 3
    release = people_release([*few, *shared], probe=[*(p[0] for p in few), 858069901])
    file = toy_predictions(rows({"Q1": FOUR, "Q2": FOUR[:29]}), "rating", coding="raw")
    report = protected(file, release)
    assert [one.question_id for one in report.questions] == ["Q1"]
    assert (report.coverage.expected, report.coverage.share) == (50, 1)
    assert report.questions[0].extra["wasserstein"] == pytest.approx(
        w1(nearest_five(FOUR, 4), FOUR), abs=0.0051
    )
    assert score(file, release, replicates=20).coverage.share == 1
    tiny = people_release(few[:29], probe=[p[0] for p in few[:29]])
    with pytest.raises(ContractError, match="at least 30 people"):
        protected(file, tiny)
