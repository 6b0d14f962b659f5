"""Predictions and a release in, a report out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from threadpoolctl import threadpool_limits

from contracts.models import Notice
from contracts.release.read import Release, release_summary
from contracts.report import PredictionsRef, ReleaseRef, Report
from contracts.specs import kind_spec, load
from scoring.comparison.wordings import drafted_notices
from scoring.inference.workspace import Workspace
from scoring.inputs.label_mass import label_mass_notices
from scoring.protocols.report_part import Part
from scoring.protocols.worldvaluesbench.protected_report import protected_report
from scoring.settings import Task, resolve_task

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions

#: Version of the rules of scoring; boards rank only rows of one major version.
SCORER_VERSION = "1.5"


def score(
    predictions: Predictions,
    release: Release,
    *,
    protocols: Sequence[str] | None = None,
    mode: str = "corrected",
    questions: str | Sequence[str] | None = None,
    weights: str = "design",
    design: str = "design",
    ceiling: str = "aggregates",
    split: str | None = None,
    seed: int = 0,
    replicates: int = 1000,
    wave: int = 7,
    cells: bool = False,
    protected: bool = False,
    workspace: Workspace | None = None,
) -> Report:
    """Score predictions against people.

    Args:
        predictions: from `contracts.predictions.read.read_predictions`.
        release: from `contracts.release.read.open_release`.
        protocols: names of protocols to score by; None is all that apply.
        mode: `corrected`, or `paper` for each paper's own rules; `paper-listed` is `paper` with
            Q119 in the order of the alignment paper's prompt (`scoring.inputs.geometry`).
        questions: name of a question set, or question ids; None takes the set that the
            predictions were made for (`alignment`, or `worldvaluesbench` for ratings).
        weights: `design` or `none`.
        design: whether floors, ceilings and intervals count the clustering of interviews in
            (`design`) or unequal weights alone (`kish`).
        ceiling: whether human ceilings follow from effective sample sizes (`aggregates`), or from
            halves of the release's respondents that keep clusters whole (`halves`).
        split: `all`, `train` or `test`; None is `test` for a model trained on the survey where
            the release has one, else `all`.
        seed: seed of every random draw; it stands in the report.
        replicates: bootstrap replicates.
        wave: wave of the people compared with.
        cells: whether the report lists every cell with both sides' shares (large).
        protected: whether the report is to be shown to others than whoever holds the release's
            rows: then only figures under disclosure control enter. Of ratings these are rounded
            counts of the probe, and nothing is given that pairs a rating with its respondent.
        workspace: handed from one score to the next, it holds what they have in common: with the
            same people, questions, weights, split, seed and replicates, each further score costs
            a fraction of the first. Reports are the same with and without.

    Returns:
        The report; the same arguments give the same report.

    Raises:
        ContractError: an argument does not exist, or the release lacks what the predictions
            need (ratings need single persons), or a protected file answers too little of the
            probe.
    """
    view = release.protected() if protected else release
    if protected and not kind_spec(predictions.kind).individuals:
        release = view
    task = resolve_task(
        predictions,
        release,
        protocols=protocols,
        mode=mode,
        questions=questions,
        weights=weights,
        design=design,
        ceiling=ceiling,
        split=split,
        seed=seed,
        replicates=replicates,
        wave=wave,
        workspace=workspace,
    )
    # Matrices here are small: threads of the linear algebra wait for each other longer than they
    # work, and cost ten times the CPU seconds.
    with threadpool_limits(limits=1, user_api="blas"):
        part = _score_kind(predictions, release, task, cells=cells, protected=protected)
    report = Report(
        scorer_version=SCORER_VERSION,
        release=ReleaseRef(**release_summary(view)),
        predictions=PredictionsRef(
            name=predictions.name,
            digest=predictions.digest,
            kind=predictions.kind,
            rows=predictions.rows,
            meta=predictions.meta,
            tolerated=predictions.tolerated,
        ),
        settings=task.settings,
        coverage=part.coverage,
        scores=part.scores,
        countries=part.countries,
        questions=part.questions,
        groups=part.groups,
        cells=part.cells,
        protocols=part.protocols,
        tests=part.tests,
        warnings=[
            *predictions.notices,
            *task.notices,
            *_withdrawn(view),
            *part.notices,
            *drafted_notices(predictions.meta),
            *label_mass_notices(predictions.meta),
        ],
    )
    return protected_report(report) if protected else report


def _withdrawn(release: Release) -> list[Notice]:
    """A notice where a public release is of an earlier disclosure rule."""
    if not release.manifest.public or release.is_protected:
        return []
    return [
        Notice(
            code="withdrawn-release",
            message="The release is public under an earlier disclosure rule, by which single "
            "respondents could be identified. It is withdrawn: delete its copies, and score on "
            "one made since. Boards do not show this report.",
        )
    ]


def _score_kind(
    predictions: Predictions, release: Release, task: Task, *, cells: bool, protected: bool
) -> Part:
    spec = kind_spec(predictions.kind)
    scorer = load((protected and spec.protected_scorer) or spec.scorer)
    part: Part = scorer(predictions, release, task, cells=cells)
    return part
