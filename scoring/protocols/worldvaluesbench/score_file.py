"""Score a rating file: the worldvaluesbench protocol."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from contracts.errors import fail
from contracts.models import Notice
from contracts.release.read import Release
from contracts.report import Coverage
from scoring.inputs.respondents import People, need_individuals, read_people
from scoring.protocols.report_part import Part
from scoring.protocols.worldvaluesbench.compute import score_counts
from scoring.protocols.worldvaluesbench.count import (
    RatingCounts,
    count_ratings,
    first_rows,
    probe_answers,
)
from scoring.protocols.worldvaluesbench.report_entries import NAMED, PROBE, fill_part
from scoring.protocols.worldvaluesbench.scales import rating_scales
from scoring.settings import Task

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


def score_ratings(
    predictions: Predictions,
    release: Release,
    task: Task,
    *,
    cells: bool = False,  # noqa: ARG001 - scorers of all kinds take the same arguments
) -> Part:
    """Everything a report says of a rating file.

    Raises:
        ContractError: the release holds no single persons, an id names several people, or no
            rating meets an answer.
    """
    need_individuals(release)
    table, samples = first_rows(predictions)
    settings = task.settings
    source = _source(table, release, samples=samples, wave=settings.wave)
    ids = _question_ids(release, task, source)
    people = read_people(release, ids, wave=settings.wave, source=source, split=settings.split)
    scales = rating_scales(ids, mode=settings.mode, coding=predictions.meta.coding)
    paper = settings.mode != "corrected"
    counts = count_ratings(predictions, people, scales, samples=samples, keep=paper)
    answered = probe_answers(people, scales)
    rng = np.random.default_rng(settings.seed)
    scores = score_counts(counts, answered, scales, task, rng)
    if np.isnan(scores.distance).all():
        raise fail(
            "nothing-scored",
            "no rating meets an answer of the release's people",
            where=predictions.name,
            found=f"{predictions.rows} rows, {counts.unknown_people} of unknown people, "
            f"{counts.off_scale()} off the scale, {counts.unreadable()} unreadable",
            hint="Participants are named by interview id (D_INTERVIEW); ratings are coded as "
            "the metadata's `coding` says.",
        )
    part = Part(coverage=_coverage(counts, answered, people))
    fill_part(part, scores, scales, counts, task, rng, PROBE if source == "probe" else NAMED)
    part.notices += _notices(counts, predictions)
    return part


# What the ratings are compared with


def _source(table: pa.Table | None, release: Release, *, samples: bool, wave: int) -> str:
    """`probe` where the file rates people of the release for the probe only, else `responses`.

    People that the release does not know do not turn a run over the probe into another one.
    """
    if table is None or not release.has("probe"):
        return "responses"
    where = pc.field("wave") == wave
    probe = release.table("probe", columns=["interview_id", "question_id"], where=where)
    if samples:
        inside = pc.is_in(
            pc.unique(table["question_id"]),
            value_set=pc.unique(probe["question_id"].cast(pa.string())),
        )
        return "probe" if pc.all(inside).as_py() else "responses"
    known = release.table("respondents", columns=["interview_id"], where=where)["interview_id"]
    rated = table.filter(pc.is_in(table["participant"], value_set=known.combine_chunks()))
    pairs = {*zip(probe["interview_id"].to_pylist(), probe["question_id"].to_pylist(), strict=True)}
    rows = zip(rated["participant"].to_pylist(), rated["question_id"].to_pylist(), strict=True)
    return "probe" if all(row in pairs for row in rows) else "responses"


def _question_ids(release: Release, task: Task, source: str) -> tuple[str, ...]:
    """The questions of the task; those of the probe where the file answers for it."""
    if source != "probe" or task.settings.questions == "file":
        return task.question_ids
    probe = set(release.table("probe", columns=["question_id"])["question_id"].unique().to_pylist())
    return tuple(name for name in task.question_ids if name in probe)


def _coverage(counts: RatingCounts, answered: NDArray[np.int64], people: People) -> Coverage:
    """Pairs of person and question: all of the release's probe, and what the file rates beyond.

    Rows for people that the release does not know are expected and not scored, so that nobody
    gets a full coverage by naming strangers. For unsteered samples one sample is expected per
    answer they are compared with.
    """
    scored = int(counts.pairs.sum())
    off, unreadable = counts.off_scale(), counts.unreadable()
    if counts.samples:
        expected = int(answered.sum())
        scored = int(np.minimum(counts.ratings.sum(axis=(0, 2)), answered.sum(axis=(0, 2))).sum())
    else:
        rated = int(counts.people.sum())
        unrated = int(people.sampled.sum()) - counts.in_probe
        expected = rated + unrated + counts.unknown_people
    expected = max(expected, scored)
    return Coverage(
        expected=expected,
        scored=scored,
        missing=max(expected - scored - off - unreadable, 0),
        invalid=off + unreadable,
        share=scored / expected if expected else None,
    )


def _notices(counts: RatingCounts, predictions: Predictions) -> list[Notice]:
    notices = []
    if counts.unknown_people:
        notices.append(
            Notice(
                code="unknown-participants",
                message=f"Ratings for people that the release does not hold were left out of "
                f"{predictions.name}.",
                count=counts.unknown_people,
            )
        )
    if counts.off_scale():
        notices.append(
            Notice(
                code="off-scale-ratings",
                message="Ratings that lie on no option of their question.",
                count=counts.off_scale(),
            )
        )
    if counts.unreadable():
        notices.append(
            Notice(
                code="unreadable-ratings",
                message="Ratings that could not be read.",
                count=counts.unreadable(),
            )
        )
    return notices
