"""Predictions of several models under several forms, on one grid of countries and questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

import codebook
from contracts.errors import ContractError, Problem, fail
from contracts.models import Notice
from contracts.predictions.form import FACTORS, PromptForm, form_name, form_of
from contracts.predictions.source import FORMATS
from contracts.release.read import Release
from scoring.inputs.answers import Answers, few_shot_rows, read_answers
from scoring.inputs.geometry import Floats, build_geometry
from scoring.inputs.survey import Survey, Weights, read_survey
from scoring.settings import resolve_questions

if TYPE_CHECKING:
    from contracts.predictions.meta import PredictionsMeta
    from contracts.predictions.read import Predictions


@dataclass(frozen=True)
class FormFile:
    """One predictions file on the grid of a study.

    Attributes:
        name: of the file.
        model: its model, with the revision where the study holds several.
        form: how it was asked.
        meta: its metadata.
        answers: its shares and statuses, shapes (C, Q, K) and (C, Q).
        scores: one less the distance from people's shares, shape (C, Q); NaN where either side
            is missing or the prompts showed the question.
        asked: cells of the file by status, one for each question and country (or for everyone).
    """

    name: str
    model: str
    form: PromptForm
    meta: PredictionsMeta
    answers: Answers
    scores: Floats
    asked: Mapping[str, int]


@dataclass(frozen=True)
class FormSet:
    """The files of a study.

    Attributes:
        survey: the people.
        questions: name of the question set.
        files: the files, in the order given.
        shown: questions that any prompt showed, shape (Q,).
        notices: what a reader must know.
    """

    survey: Survey
    questions: str
    files: tuple[FormFile, ...]
    shown: NDArray[np.bool_]
    notices: tuple[Notice, ...] = ()

    @cached_property
    def models(self) -> tuple[str, ...]:
        """Names of the models, in the order given."""
        return tuple(dict.fromkeys(file.model for file in self.files))

    @cached_property
    def factors(self) -> tuple[str, ...]:
        """Factors whose level differs between the files."""
        return tuple(
            factor
            for factor in FACTORS
            if len({getattr(file.form, factor) for file in self.files}) > 1
        )

    def of(self, model: str, form: PromptForm | None = None) -> tuple[FormFile, ...]:
        """The files of a model, of one form where it is given."""
        return tuple(f for f in self.files if f.model == model and (form is None or f.form == form))

    def forms_of(self, model: str) -> tuple[PromptForm, ...]:
        """The forms of a model, in the order given."""
        return tuple(dict.fromkeys(file.form for file in self.of(model)))

    @cached_property
    def common_forms(self) -> tuple[PromptForm, ...]:
        """Forms under which every model was asked."""
        sets = [set(self.forms_of(model)) for model in self.models]
        every = set.intersection(*sets)
        return tuple(form for form in self.forms_of(self.models[0]) if form in every)

    def name(self, form: PromptForm) -> str:
        """A form by the factors that differ in this study."""
        return form_name(form, self.factors)


def predictions_paths(paths: Sequence[Path]) -> list[Path]:
    """Predictions files of files and of folders (a run's own `predictions` before the folder).

    Raises:
        ContractError: a path does not exist, or a folder holds none.
    """
    prediction_paths: list[Path] = []
    problems = []
    for path in paths:
        if not path.exists():
            problems.append(Problem("no-file", "there is no such file or folder", where=str(path)))
            continue
        here = sorted(_of_folder(path)) if path.is_dir() else [path]
        if not here:
            problems.append(
                Problem(
                    "no-predictions",
                    "the folder holds no predictions files",
                    where=str(path),
                    allowed=", ".join(FORMATS),
                    hint="Give the folder of a run, or files.",
                )
            )
        prediction_paths += here
    if problems:
        raise ContractError(problems, subject="predictions")
    if not prediction_paths:
        raise fail(
            "no-predictions",
            "a study needs predictions files",
            hint="Make them with: opinion-atlas elicit MODEL --robustness --out RUN",
        )
    return list(dict.fromkeys(prediction_paths))


def _of_folder(folder: Path) -> list[Path]:
    runs = sorted(folder.glob("**/predictions"))
    places = [place for place in runs if place.is_dir()] or [folder]
    return [path for place in places for path in place.iterdir() if path.suffix in FORMATS]


def read_forms(
    predictions: Sequence[Predictions],
    release: Release,
    *,
    questions: str | Sequence[str] | None = None,
    wave: int = 7,
    weights: Weights = "design",
) -> FormSet:
    """Put predictions on one grid, and score their cells by the corrected rules.

    Args:
        predictions: files of answer distributions.
        release: the people.
        questions: a question set or ids; by default the sets that the files were made for.
        wave: wave of the people.
        weights: `design` or `none`.

    Raises:
        ContractError: a file is of another kind, is there twice, or no file is left.
    """
    _check(predictions)
    used = [one for one in predictions if not one.meta.baseline]
    if not used:
        raise fail("no-models", "all of the files are baselines, which have no prompts")
    name, ids = _questions(used, questions)
    survey = read_survey(release, build_geometry(ids), wave=wave, weights=weights)
    names = _model_names(used)
    files = tuple(_file(one, model, survey) for one, model in zip(used, names, strict=True))
    shown = np.any([few_shot_rows(survey, file.meta.few_shot_questions) for file in files], axis=0)
    return FormSet(survey, name, files, shown, tuple(_notices(predictions, files, release)))


def _file(one: Predictions, model: str, survey: Survey) -> FormFile:
    answers = read_answers(one, survey)
    shown = few_shot_rows(survey, one.meta.few_shot_questions)
    scores = 1 - survey.geometry.distance(survey.shares, answers.shares)
    scores = np.where(survey.answered & ~shown & answers.usable, scores, np.nan)
    return FormFile(
        one.name, model, form_of(one.meta), one.meta, answers, scores, _asked(one, survey)
    )


def _asked(one: Predictions, survey: Survey) -> Counter[str]:
    """Cells of a file for everyone, by status, as far as the study asks about them."""
    assert one.cells is not None
    rows = zip(*(one.cells[name].to_pylist() for name in ("question_id", "group", "status")),
               strict=True)  # fmt: skip
    known = survey.geometry.index
    return Counter(status for question, group, status in rows if question in known and not group)


def _check(predictions: Sequence[Predictions]) -> None:
    problems = [
        Problem(
            "wrong-kind",
            "the study compares answer distributions",
            where=one.name,
            found=one.kind,
            allowed="distribution",
        )
        for one in predictions
        if one.kind != "distribution"
    ]
    seen: dict[str, str] = {}
    for one in predictions:
        if one.digest in seen:
            problems.append(
                Problem(
                    "same-file",
                    "two files hold the same predictions",
                    where=str(one.source.path),
                    found=seen[one.digest],
                    hint="Give each once; a second run of a form needs a seed of its own.",
                )
            )
        seen.setdefault(one.digest, str(one.source.path))
    if problems:
        raise ContractError(problems, subject="study")


def _questions(
    predictions: Sequence[Predictions], questions: str | Sequence[str] | None
) -> tuple[str, tuple[str, ...]]:
    """The question set: by default every set that a file was made for, in the survey's order."""
    ids_by_set = dict(resolve_questions(questions, one) for one in predictions)
    ids = {question for one in ids_by_set.values() for question in one}
    return "+".join(ids_by_set), tuple(key for key in codebook.value_questions() if key in ids)


def _model_names(predictions: Sequence[Predictions]) -> list[str]:
    revisions: dict[str, set[str]] = {}
    for one in predictions:
        revisions.setdefault(one.meta.model, set()).add(one.meta.revision)
    return [
        one.meta.model
        + (f"@{one.meta.revision or 'unknown'}" if len(revisions[one.meta.model]) > 1 else "")
        for one in predictions
    ]


def _notices(
    predictions: Sequence[Predictions], files: Sequence[FormFile], release: Release
) -> list[Notice]:
    notices = []
    if release.manifest.synthetic is not None:
        notices.append(
            Notice(code="synthetic", message="The release is SYNTHETIC: made-up people.")
        )
    left = len(predictions) - len(files)
    if left:
        message = "Baselines have no prompts, and are left out."
        notices.append(Notice(code="baselines", message=message, count=left))
    trained = sorted({file.model for file in files if file.meta.trained_on_wvs})
    if trained:
        message = f"Trained on the survey, and scored on everyone here: {', '.join(trained)}."
        notices.append(Notice(code="trained-on-survey", message=message, count=len(trained)))
    versions = {file.meta.prompt_version for file in files}
    methods = {file.meta.method for file in files}
    if len(versions) > len(methods):
        message = (
            f"Prompts of several versions: {', '.join(sorted(v or 'unknown' for v in versions))}."
        )
        notices.append(Notice(code="other-prompts", message=message, count=len(versions)))
    return notices
