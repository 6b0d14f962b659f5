"""Score a rating file so that its report may be given to those who may not see the people.

The human side is a table of the release's probe with every count to the nearest 5
(`scoring.protocols.worldvaluesbench.probe_counts`), the same for every file; the model's side are
all ratings of a question, whoever they name. Who is named only decides how much of the probe is
covered: a question is scored where nearly all of it is, else not at all.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from contracts.errors import ContractError, Problem, fail
from contracts.models import Notice
from contracts.release.disclosure import ROUNDING, round_count
from contracts.release.read import Release
from contracts.report import Coverage
from scoring.inputs.respondents import cell_names, need_individuals
from scoring.protocols.report_part import Part
from scoring.protocols.worldvaluesbench.compute import score_counts
from scoring.protocols.worldvaluesbench.count import RatingCounts, count_ratings, first_rows
from scoring.protocols.worldvaluesbench.probe_counts import Covered, ProbeCounts, read_probe_counts
from scoring.protocols.worldvaluesbench.protected_report import PRIVATE_RELEASE
from scoring.protocols.worldvaluesbench.report_entries import PROTECTED_PROBE, fill_part
from scoring.protocols.worldvaluesbench.scales import rating_scales
from scoring.settings import Task

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions


#: Share of the probe that a file answers, of each question that is scored and in all.
LEAST_COVERAGE = 0.9

#: Marks a report of this kind: what is scored again is protected again.
NOTICE = Notice(
    code=PRIVATE_RELEASE,
    message="Compared with a table of the release's probe in which every count of people is "
    f"rounded to the nearest {ROUNDING} before anything else is computed; nothing here comes "
    "from exact answers of single persons, which are not public. Scores that pair a rating with "
    "its person are not given.",
)


def score_protected(
    predictions: Predictions,
    release: Release,
    task: Task,
    *,
    cells: bool = False,  # noqa: ARG001 - scorers of all kinds take the same arguments
) -> Part:
    """What a report may say of a rating file where its people are private.

    Raises:
        ContractError: the release has no probe, the file answers too little of it, or the
            settings would make a second table of the same people.
    """
    _check_settings(task)
    need_individuals(release)
    if not release.has("probe"):
        raise fail("no-probe", "the release has no probe to compare with", where=release.source)
    coding = predictions.meta.coding
    _, samples = first_rows(predictions)
    probe = read_probe_counts(release, task.question_ids, wave=task.settings.wave, coding=coding)
    covered = probe.covered(predictions, samples=samples)
    scored = covered.inside >= LEAST_COVERAGE * (probe.people + covered.beside)
    coverage = _coverage(probe, covered, scored)
    _check_coverage(coverage, predictions.name)

    ids = tuple(np.array(probe.question_ids)[scored].tolist())
    scales = rating_scales(ids, mode="corrected", coding=coding)
    counts = count_ratings(predictions, None, scales, samples=samples, keep=False)
    answered = np.zeros((len(cell_names()), len(ids), scales.geometry.width), np.int64)
    answered[-1] = probe.counts[scored][:, : scales.geometry.width]
    rng = np.random.default_rng(task.settings.seed)
    scores = score_counts(counts, answered, scales, task, rng)
    part = Part(coverage=_with_unusable(coverage, counts))
    fill_part(part, scores, scales, counts, task, rng, PROTECTED_PROBE)
    part.notices += _notices(probe, scored, covered)
    return part


def _check_settings(task: Task) -> None:
    """Only one table of the probe may leave: two roundings of the same people tell more."""
    problems = [
        Problem(
            "protected-settings",
            f"scores that may be shown to others are not made with this {name}",
            column=name,
            found=setting,
            allowed=allowed,
        )
        for name, setting, allowed in (
            ("mode", task.settings.mode, "corrected"),
            ("split", task.settings.split, "all, test"),
        )
        if setting not in allowed.split(", ")
    ]
    if problems:
        raise ContractError(problems, subject="ratings")


def _coverage(probe: ProbeCounts, covered: Covered, scored: NDArray[np.bool_]) -> Coverage:
    """Of published numbers of people, in steps of 5; the share is rounded down to whole per cent.

    Questions that are not scored are expected all the same, and so is what lies beside the probe.
    """
    expected = int((probe.people + covered.beside).sum())
    inside = int(covered.inside[scored].sum())
    share = int(100 * inside / expected + 1e-9) / 100 if expected else None
    rounded = np.array([expected, inside])
    expected, inside = round_count(rounded).tolist()
    return Coverage(expected=expected, scored=inside, missing=expected - inside, share=share)


def _check_coverage(coverage: Coverage, name: str) -> None:
    share = coverage.share or 0.0
    if share >= LEAST_COVERAGE:
        return
    raise fail(
        "low-coverage",
        "ratings are scored here only if they answer the release's probe",
        where=name,
        found=f"{share:.0%} of the probe, in questions that are covered to "
        f"{LEAST_COVERAGE:.0%} each",
        allowed=f"at least {LEAST_COVERAGE:.0%}",
        hint="The probe's pairs of person and question stand in the release's table `probe`; "
        "anything else is scored locally with: opinion-atlas score",
    )


def _with_unusable(coverage: Coverage, counts: RatingCounts) -> Coverage:
    """With the file's own ratings that cannot be used, of what is missing."""
    invalid = min(counts.off_scale() + counts.unreadable(), coverage.missing)
    return coverage.model_copy(update={"invalid": invalid, "missing": coverage.missing - invalid})


def _notices(probe: ProbeCounts, scored: NDArray[np.bool_], covered: Covered) -> list[Notice]:
    notices = [NOTICE]
    left_out = np.array(probe.question_ids)[~scored].tolist()
    if left_out:
        notices.append(
            Notice(
                code="questions-not-scored",
                message="Questions of which the file answers less than "
                f"{LEAST_COVERAGE:.0%} of the probe are not scored: {', '.join(left_out)}.",
                count=len(left_out),
            )
        )
    if covered.beside.any():
        notices.append(
            Notice(
                code="beside-the-probe",
                message="The file rates people, or pairs of person and question, that the "
                "release's probe does not hold; they lower the coverage.",
            )
        )
    if covered.elsewhere:
        notices.append(
            Notice(
                code="other-questions",
                message="Ratings for questions that the release's probe does not hold for enough "
                "people were left out.",
                count=covered.elsewhere,
            )
        )
    return notices
