"""The sub-commands `report robustness` and `report steerability`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from contracts.command_line import Json, ReleaseName, paths

if TYPE_CHECKING:
    from scoring.studies.text import Study

PredictionsFile = Annotated[
    Path,
    Parameter(help="Predictions files of answer distributions, or folders of them or of runs."),
]
StudyFolder = Annotated[
    tuple[Path, ...],
    paths(
        "Files to write: .json (everything), .md (tables), .html (one page that opens offline); or "
        "a folder for all three."
    ),
]
Questions = Annotated[
    str | None,
    Parameter(
        help="Questions that count: a set or a text file with one id per line. Default: the sets "
        "that the predictions were made for."
    ),
]
Wave = Annotated[int, Parameter(help="Survey wave of the people compared with.")]
Weights = Annotated[
    Literal["design", "none"],
    Parameter(help="Whether people count by the survey's design weights or equally."),
]


def report_robustness(
    *predictions: PredictionsFile,
    release: ReleaseName = "reference",
    questions: Questions = None,
    wave: Wave = 7,
    weights: Weights = "design",
    out: StudyFolder = (),
    json: Json = False,
) -> None:
    """Measure how far scores and rankings depend on the form of the prompt.

    Takes predictions of one or more models under several forms (elicit --robustness or --vary):
    variance of scores by form, model, question and country; ranks under every form; position,
    label and scale-direction bias, acquiescence; agreement of repeated runs; refusals by form.

    For example:

        opinion-atlas report robustness run-a run-b --release reference --out robustness
    """
    from scoring.presentation.terminal import working
    from scoring.studies.robustness.study import robustness_study

    with working("reading predictions"):
        loaded_predictions, opened = _read(predictions, release)
    with working(f"comparing {len(loaded_predictions)} predictions files"):
        study = robustness_study(
            loaded_predictions, opened, questions=_named(questions), wave=wave, weights=weights
        )
    _write(study, out, "robustness", json=json)


def report_steerability(
    *predictions: PredictionsFile,
    release: ReleaseName = "reference",
    questions: Questions = None,
    wave: Wave = 7,
    weights: Weights = "design",
    seed: Annotated[int, Parameter(help="Seed of the permutations.")] = 0,
    permutations: Annotated[int, Parameter(help="Random assignments of each test.")] = 9999,
    out: StudyFolder = (),
    json: Json = False,
) -> None:
    """Measure whether a persona moves answers towards its people more than towards others.

    Takes predictions made as countries, or as groups within countries, and those without steering.
    For every model and condition: alignment of the answers as each persona with every people, the
    diagonal's advantage with a permutation test, and the same of people's own answers.

    For example:

        opinion-atlas report steerability run --release reference --out steerability
    """
    from scoring.presentation.terminal import working
    from scoring.studies.robustness.steerability import steerability_study

    with working("reading predictions"):
        loaded_predictions, opened = _read(predictions, release)
    with working(f"comparing personas of {len(loaded_predictions)} predictions files"):
        study = steerability_study(
            loaded_predictions,
            opened,
            questions=_named(questions),
            wave=wave,
            weights=weights,
            seed=seed,
            permutations=permutations,
        )
    _write(study, out, "steerability", json=json)


def _read(predictions: tuple[Path, ...], release: str) -> tuple[list[Any], Any]:
    from contracts.predictions.read import read_predictions
    from contracts.release.read import open_release
    from scoring.studies.robustness.inputs import predictions_paths

    files = predictions_paths(predictions)
    return [read_predictions(path) for path in files], open_release(release)


def _named(questions: str | None) -> Any:
    from scoring.cli import named_questions

    return named_questions(questions)


def _write(study: Study, out: tuple[Path, ...], name: str, *, json: bool) -> None:
    from scoring.studies.files import say_study, study_paths, write_study

    say_study(study, write_study(study, study_paths(out, name)), json=json)
