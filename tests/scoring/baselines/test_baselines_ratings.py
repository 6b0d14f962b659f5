"""Rating baselines: one rating per person and question of the probe."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from contracts.predictions.read import read_predictions
from scoring import score
from scoring.baselines.distributions import write_baselines
from scoring.baselines.ratings import majority_ratings, uniform_ratings


def test_uniform_gives_every_code_equally_often() -> None:
    found = uniform_ratings((1, 2, 3, 4), [None] * 10)
    assert Counter(found) == {1: 3, 2: 3, 3: 2, 4: 2}


def test_majority_is_the_most_frequent_code_and_the_lowest_of_equal_ones() -> None:
    assert majority_ratings((1, 2, 3), [3, 2, 3, None]) == [3] * 4
    assert majority_ratings((1, 2, 3), [3, 2, None]) == [2] * 3
    # A code that the recoding blanks is no answer.
    assert majority_ratings((1, 2), [3, 3, 3, 2]) == [2] * 4


def test_written_for_the_probe_without_people_of_ambiguous_id(
    people_release, tmp_path: Path
) -> None:
    answers = {"Q1": 1, "Q2": 2}
    people = [
        (number, "urban", "tertiary", answers) for number in (1, 2, 3, 4, 858069901, 858069901)
    ]
    release = people_release(people, probe=[1, 2, 3, 858069901])
    names = ("uniform-ratings", "majority-ratings")
    written = write_baselines(release, tmp_path / "out", wave=7, names=names)
    assert [(entry.name, entry.records, entry.reason) for entry in written] == [
        ("uniform-ratings", 6, ""),
        ("majority-ratings", 6, ""),
    ]
    path = written[0].path
    assert path is not None
    read = read_predictions(path)
    assert (read.meta.coding, read.meta.baseline) == ("worldvaluesbench", True)
    rows = [tuple(row.values()) for batch in read.batches() for row in batch.to_pylist()]
    assert rows == [
        (question, person, None, score)
        for question in ("Q1", "Q2")
        for person, score in ((1, 1.0), (2, 2.0), (3, 3.0))
    ]


def test_a_file_of_ratings_scores(people_release, tmp_path: Path) -> None:
    people = [(n, "urban", "tertiary", {"Q1": 1 + n % 2, "Q2": 1}) for n in range(1, 9)]
    release = people_release(people, probe=list(range(1, 9)))
    (entry,) = write_baselines(release, tmp_path / "out", names=("uniform-ratings",))
    assert entry.path is not None
    report = score(read_predictions(entry.path), release, replicates=20)
    # Q1: people (.5, .5, 0, 0), Q2: people (1, 0, 0, 0), ratings a quarter each on both:
    # W1 = (|.25| + |.5| + |.25|) / 3 and (|.75| + |.5| + |.25|) / 3, mean (1/3 + 1/2) / 2.
    found = report.score("wasserstein")
    assert found is not None
    assert abs((found.value.estimate or 0) - 5 / 12) < 1e-9
