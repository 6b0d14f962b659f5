"""Scores as evaluation results of a model repository on the Hugging Face Hub.

Format: `.eval_results/*.yaml`, https://huggingface.co/docs/hub/eval-results
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import yaml  # type: ignore[import-untyped]

from contracts.atomic import write_text
from contracts.errors import fail
from contracts.predictions.meta import require_no_microdata
from contracts.release.hub import hub_errors
from contracts.report import Report, Score
from scoring.presentation.summary import number, percent, with_interval

if TYPE_CHECKING:
    from huggingface_hub import EvalResultEntry

#: Folder of a model repository in which the Hub looks for results.
EVAL_RESULTS_FOLDER = ".eval_results"

_DATASET = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*\Z", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}(T\d{2}:\d{2}:\d{2}Z)?\Z")


def eval_result_entries(
    report: Report,
    *,
    dataset: str,
    scores: Sequence[str] = ("alignment",),
    revision: str = "",
    date: str = "",
    source: str = "",
) -> list[EvalResultEntry]:
    """Entries of the chosen scores; their values are the digits that a report prints.

    Args:
        report: the report.
        dataset: `ORG/NAME` of the benchmark's dataset repository.
        scores: names of scores, each the id of a task of the dataset.
        revision: commit of the dataset; "" for none.
        date: when the model was evaluated, `YYYY-MM-DD`; "" for the date of the commit.
        source: address of the whole report or of the board; "" for none.

    Raises:
        ContractError: an argument is wrong, the report lacks a score or is of made-up people, or
            a score could not be computed.
    """
    from huggingface_hub import EvalResultEntry

    _check(report, dataset, date)
    return [
        EvalResultEntry(
            dataset_id=dataset,
            task_id=score.name,
            value=float(number(score.value.estimate)),
            dataset_revision=revision or None,
            date=date or None,
            source_url=source or None,
            source_name="Opinion Atlas" if source else None,
            notes=_notes(report, score),
        )
        for score in (_score(report, name) for name in scores)
    ]


def _check(report: Report, dataset: str, date: str) -> None:
    if not _DATASET.match(dataset):
        raise fail(
            "dataset", "not the name of a dataset repository", column="--dataset", found=dataset,
            allowed="ORG/NAME",
        )  # fmt: skip
    if date and not _DATE.match(date):
        raise fail(
            "date", "not a date", column="--date", found=date,
            allowed="YYYY-MM-DD or YYYY-MM-DDThh:mm:ssZ",
        )  # fmt: skip
    require_no_microdata(report.predictions.meta, where=report.predictions.name)
    if report.release.synthetic:
        raise fail(
            "synthetic",
            "a model's page must not show scores against made-up people",
            where=report.release.name,
            hint="Score the predictions against a release of the survey, such as `reference`.",
        )


def _score(report: Report, name: str) -> Score:
    score_entry = report.score(name)
    if score_entry is None:
        raise fail(
            "score", "the report has no such score", column="--score", found=name,
            allowed=", ".join(score.name for score in report.scores),
        )  # fmt: skip
    if score_entry.value.estimate is None:
        raise fail(
            "score", "the score could not be computed", column="--score", found=name,
            hint="The warnings of the report say why.",
        )  # fmt: skip
    return score_entry


def _notes(report: Report, score: Score) -> str:
    """Interval and condition, in one line."""
    meta, settings = report.predictions.meta, report.settings
    level = f"{100 * settings.level:g} %"
    parts = [
        f"{with_interval(score.value)} ({level} interval)",
        f"method {meta.method}",
        f"steering {meta.steering}",
        f"language {meta.language}",
        f"prompt {meta.prompt_version or 'unknown'}",
        f"wording {meta.wording}",
        f"wave {settings.wave}",
        f"split {settings.split}",
        f"{settings.mode} rules",
        f"coverage {percent(report.coverage.share)}",
        f"release {report.release.name} {report.release.version}",
        f"scorer {report.scorer_version}",
    ]
    if meta.trained_on_wvs:
        parts.append("trained on the survey")
    return "; ".join(parts)


def eval_results_text(entries: Sequence[EvalResultEntry]) -> str:
    """Entries as the YAML file that the Hub reads."""
    from huggingface_hub import eval_result_entries_to_yaml

    yaml_text: str = yaml.safe_dump(
        eval_result_entries_to_yaml(list(entries)), sort_keys=False, allow_unicode=True, width=100
    )
    return yaml_text


def eval_results_name(report: Report) -> str:
    """Name of the file of a report: that of its predictions."""
    plain = re.sub(r"[^a-z0-9]+", "-", report.predictions.name.lower()).strip("-")
    return f"opinion-atlas-{plain or 'report'}.yaml"


def write_eval_results(entries: Sequence[EvalResultEntry], folder: Path, name: str) -> Path:
    """Write the file into `folder`, made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    write_text(path, eval_results_text(entries))
    return path


def open_pull_request(
    entries: Sequence[EvalResultEntry],
    model: str,
    name: str,
    *,
    token: str | None = None,
    endpoint: str | None = None,
) -> str:
    """Propose the results to a model's repository; returns the pull request's address.

    Raises:
        ContractError: the Hub refuses, or there is no such model.
    """
    from huggingface_hub import CommitOperationAdd, HfApi

    api = HfApi(endpoint=endpoint, token=token)
    added = CommitOperationAdd(f"{EVAL_RESULTS_FOLDER}/{name}", eval_results_text(entries).encode())
    with hub_errors(model, "open a pull request"):
        done = api.create_commit(
            model,
            [added],
            commit_message="Add Opinion Atlas evaluation results",
            repo_type="model",
            create_pr=True,
        )
    return str(done.pr_url)
