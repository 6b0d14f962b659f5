"""What is scored, and how: question sets, splits and settings resolved from the arguments."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, cast, get_args

import codebook
from contracts.digests import canonical_json, sha256_text
from contracts.errors import ContractError, fail, unknown_values
from contracts.models import Notice
from contracts.release.read import Release
from contracts.report import Settings
from contracts.specs import kind_spec, protocol_names, protocol_specs
from scoring.inference.workspace import Workspace
from scoring.inputs.geometry import Mode
from scoring.inputs.survey import Weights

if TYPE_CHECKING:
    from contracts.predictions.read import Predictions

Split = Literal["all", "train", "test"]


@dataclass(frozen=True)
class Task:
    """Resolved arguments of one scoring run.

    Attributes:
        settings: as they go into the report.
        question_ids: the questions, in the order of the questionnaire.
        protocols: the protocols that were asked for.
        notices: what resolving them gave rise to.
        workspace: holds what scores on the same people have in common, if there are several.
    """

    settings: Settings
    question_ids: tuple[str, ...]
    protocols: tuple[str, ...]
    notices: tuple[Notice, ...]
    workspace: Workspace | None = None


def resolve_task(
    predictions: Predictions,
    release: Release,
    *,
    protocols: Sequence[str] | None,
    mode: str,
    questions: str | Sequence[str] | None,
    weights: str,
    design: str,
    ceiling: str,
    split: str | None,
    seed: int,
    replicates: int,
    wave: int,
    workspace: Workspace | None = None,
) -> Task:
    """Check the arguments of `scoring.score` and fill in what depends on the files.

    Raises:
        ContractError: an argument has a value that does not exist.
    """
    _check(mode, get_args(Mode), "mode")
    _check(weights, ("design", "none"), "weights")
    _check(design, ("design", "kish"), "design")
    _check(ceiling, ("aggregates", "halves"), "ceiling")
    chosen = tuple(protocols) if protocols is not None else protocol_names()
    for name in chosen:
        _check(name, protocol_names(), "protocol")
    if replicates < 2:
        raise fail(
            "few-replicates", "intervals need replicates", found=str(replicates), allowed=">= 2"
        )
    notices: list[Notice] = []
    resolved_mode = cast(Mode, mode)
    resolved_weights: Weights = "none" if weights == "none" else "design"
    if not kind_spec(predictions.kind).population:
        # Ratings stand for single persons and advice for countries: there is nobody to weight.
        resolved_weights = "none"
    elif resolved_mode != "corrected" and resolved_weights == "design":
        resolved_weights = "none"
        notices.append(
            Notice(code="paper-unweighted", message="Paper mode counts people unweighted.")
        )
    name, ids = resolve_questions(questions, predictions)
    digest = sha256_text(canonical_json(list(ids)))
    if not kind_spec(predictions.kind).survey:
        from scoring.inputs.dilemmas import dilemma_set

        if questions is not None:
            message = (
                "Advice is scored on the dilemmas that it answers; the questions were not used."
            )
            notices.append(Notice(code="advice-questions", message=message))
        name, digest = dilemma_set(predictions)
    return Task(
        settings=Settings(
            mode=resolved_mode,
            weights=resolved_weights,
            # Ratings and advice have no cells whose effective size could count clusters in.
            design="design"
            if design == "design" and predictions.kind == "distribution"
            else "kish",
            ceiling="halves"
            if ceiling == "halves" and predictions.kind == "distribution"
            else "aggregates",
            split=resolve_split(predictions, release, split, notices),
            wave=wave,
            questions=name,
            questions_digest=digest,
            seed=seed,
            replicates=replicates,
        ),
        question_ids=ids,
        protocols=tuple(p for p in protocol_names() if p in chosen),
        notices=tuple(notices),
        workspace=workspace,
    )


def _check(setting: str, allowed: Sequence[str], what: str) -> None:
    if setting not in allowed:
        option = {"mode": "mode", "question-set": "--questions"}.get(what, f"--{what}")
        raise ContractError(unknown_values(option, setting, allowed, code=f"unknown-{what}"))


def default_questions(predictions: Predictions) -> str:
    """The question set that a predictions file is scored on when none is named."""
    kind = kind_spec(predictions.kind)
    spec = protocol_specs().get(predictions.meta.protocol) or protocol_specs()[kind.protocol]
    name = kind.scored_on or spec.scored_on
    return name if codebook.question_set(name) else protocol_specs()["alignment"].scored_on


def resolve_questions(
    questions: str | Sequence[str] | None, predictions: Predictions
) -> tuple[str, tuple[str, ...]]:
    """Name and ids of the question set: a set's name, or ids ("file").

    Raises:
        ContractError: there is no such set or question, or none is left.
    """
    if questions is None:
        questions = default_questions(predictions)
    known = codebook.value_questions()
    if isinstance(questions, str):
        _check(questions, ("all", *codebook.QUESTION_SETS), "question-set")
        ids = tuple(name for name in codebook.question_set(questions) if name in known)
        if not ids:
            raise fail("empty-question-set", f"the question set {questions!r} is empty")
        return questions, ids
    wanted = set(questions)
    unknown = sorted(wanted - set(known))
    if unknown or not wanted:
        raise fail(
            "unknown-question",
            "the list of questions names some that cannot be scored"
            if unknown
            else "the list of questions is empty",
            found=", ".join(unknown[:20]),
            allowed="ids of value questions such as Q1 (opinion-atlas score --questions FILE)",
        )
    return "file", tuple(name for name in known if name in wanted)


def resolve_split(
    predictions: Predictions, release: Release, split: str | None, notices: list[Notice]
) -> Split:
    """Whose answers count: everyone's, or the test split's for a model trained on the survey.

    Raises:
        ContractError: there is no such split.
    """
    if split is not None:
        _check(split, ("all", "train", "test"), "split")
        return "test" if split == "test" else "train" if split == "train" else "all"
    if not predictions.meta.trained_on_wvs:
        return "all"
    if release.manifest.split.recipe != "none":
        return "test"
    notices.append(
        Notice(
            code="trained-on-survey",
            message="The model was trained on the survey, but this release has no test split: it "
            "was scored on people whose answers it may have seen.",
        )
    )
    return "all"
