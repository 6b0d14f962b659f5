"""A study as tasks of lm-evaluation-harness."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml  # type: ignore[import-untyped]

from contracts.digests import sha256_text
from contracts.errors import ContractError, fail
from contracts.predictions.findings import quote
from contracts.release.read import open_release
from elicitation.interop.aggregate import SCORES, STDERR, aggregate_scores, scores_or_nothing
from elicitation.interop.exported import (
    failed,
    min_label_mass,
    read_about,
    read_items,
    record_of,
    scored,
    written,
)
from elicitation.interop.naming import TAG, group_name
from elicitation.prompts.plan import Plan
from elicitation.run.gather import answer_of
from elicitation.run.store import StoredItem

#: Module of a task folder that the YAML file names functions of.
TASK_MODULE = "atlas_task"

_MODULE_TEXT = '''"""Functions of this task; the installed opinion-atlas scores the answers."""

from pathlib import Path

from elicitation.interop.lm_eval_side import TaskFunctions

_functions = TaskFunctions(Path(__file__).resolve().parent)
dataset = _functions.dataset
process_results = _functions.process_results
alignment = _functions.alignment
alignment_stderr = _functions.alignment_stderr
uniform_skill = _functions.uniform_skill
uniform_skill_stderr = _functions.uniform_skill_stderr
'''


class TaskFunctions:
    """What the harness calls for one exported folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._scored: tuple[Sequence[Any], dict[str, float]] | None = None

    def dataset(self, **_: Any) -> dict[str, Any]:
        """The documents, as the only split.

        Raises:
            ContractError: the release of the task cannot be opened here. Checked before a model
                is asked: scores come last.
        """
        from datasets import Dataset

        open_release(self._about["release"])
        return {"test": Dataset.from_list(list(read_items(self._folder)))}

    def process_results(self, doc: dict[str, Any], results: Sequence[Any]) -> dict[str, Any]:
        """One document's part of the metrics.

        The standard errors are metrics of their own, under the names that the harness gives to
        those that it computes itself, and stand behind the scores: so they take the place of its
        "N/A" in its tables and groups.
        """
        part = {"item_id": record_of(doc).item_id, "results": _plain(results)}
        return {
            **dict.fromkeys(SCORES, part),
            **dict.fromkeys((f"{name}{STDERR}" for name in SCORES), part),
            "answered": float(self._is_answered(doc, results)),
        }

    def alignment(self, parts: Sequence[dict[str, Any]]) -> float:
        """1 - W1 / (K - 1) over all documents, as `opinion-atlas score` has it."""
        return self._scores(parts)["alignment"]

    def alignment_stderr(self, parts: Sequence[dict[str, Any]]) -> float:
        """Standard error of `alignment`: of the questions and of the people asked."""
        return self._scores(parts)[f"alignment{STDERR}"]

    def uniform_skill(self, parts: Sequence[dict[str, Any]]) -> float:
        """Share of the way from equal shares (0) to the people (1); below 0 it is worse."""
        return self._scores(parts)["uniform_skill"]

    def uniform_skill_stderr(self, parts: Sequence[dict[str, Any]]) -> float:
        """Standard error of `uniform_skill`."""
        return self._scores(parts)[f"uniform_skill{STDERR}"]

    @cached_property
    def _about(self) -> dict[str, Any]:
        return read_about(self._folder)

    @cached_property
    def _docs(self) -> dict[str, dict[str, Any]]:
        return {record_of(doc).item_id: doc for doc in read_items(self._folder)}

    def _is_answered(self, doc: dict[str, Any], results: Sequence[Any]) -> bool:
        try:
            item = stored_item(doc, results)
        except ContractError as error:
            warnings.warn(f"not an answer: {error}", RuntimeWarning, stacklevel=3)
            return False
        least = min_label_mass(self._about)
        return answer_of(item.record.shown, item.response, min_mass=least).is_usable

    def _scores(self, parts: Sequence[dict[str, Any]]) -> dict[str, float]:
        """All scores of these documents; computed once, though the harness asks for each."""
        if self._scored is not None and list(self._scored[0]) == list(parts):
            return self._scored[1]
        estimates = scores_or_nothing(lambda: aggregate_scores(self._items(parts), self._about))
        self._scored = (parts, estimates)
        return estimates

    def _items(self, parts: Sequence[dict[str, Any]]) -> list[StoredItem]:
        stored_items = []
        for part in parts:
            doc = self._docs[part["item_id"]]
            try:
                stored_items.append(stored_item(doc, part["results"]))
            except ContractError:
                stored_items.append(failed(doc, "bad-log"))
        return stored_items


def stored_item(doc: dict[str, Any], results: Sequence[Any], *, where: str = "") -> StoredItem:
    """An answered item of a document: from (log-likelihood, is greedy) pairs, or a reply."""
    try:
        if doc["choices"]:
            log_likelihoods = [float(_unnested(result)) for result in results]
            if len(log_likelihoods) == len(doc["choices"]):
                return scored(doc, log_likelihoods, where=where)
        elif results:
            return written(doc, str(_unnested(results)), where=where)
    except (TypeError, ValueError, IndexError):
        pass
    raise fail(
        "bad-log",
        "the sample's filtered_resps are no answers to its document",
        where=where,
        found=quote(results),
        allowed=f"{len(doc['choices'])} pairs of log-likelihood and greedy"
        if doc["choices"]
        else "a list with the reply",
    )


def _unnested(result: Any) -> Any:
    """The first entry of a result, at whatever depth the harness's filters left it."""
    while isinstance(result, (list, tuple)):
        result = result[0]
    return result


def _plain(results: Sequence[Any]) -> list[Any]:
    """Results as JSON types: replies, or log-likelihoods without the mark of greediness."""
    try:
        unnested = [_unnested(result) for result in results]
    except IndexError:
        return []
    return [one if isinstance(one, str) else float(one) for one in unnested]


def write_task(plan: Plan, folder: Path, name: str) -> Path:
    """Write the YAML file and the module of a folder that holds exported items.

    Args:
        plan: the plan of the study.
        folder: the folder with the items.
        name: name of the task.

    Returns:
        The YAML file.
    """
    path = folder / f"{name}.yaml"
    path.write_text(_yaml(plan, name, read_about(folder)), encoding="utf-8")
    (folder / f"{TASK_MODULE}.py").write_text(_MODULE_TEXT, encoding="utf-8")
    return path


def write_group(plan: Plan, folder: Path, names: Sequence[str]) -> Path:
    """Write the YAML file of the group of all conditions: its scores are their plain means.

    Args:
        plan: the plan of the study.
        folder: the folder that holds a folder of each task.
        names: names of the tasks.

    Returns:
        The YAML file.
    """
    name = group_name(plan)
    versions = "\n".join(str(read_about(folder / task)["version"]) for task in names)
    group = {
        "group": name,
        "task": list(names),
        "aggregate_metric_list": [
            {"metric": metric, "aggregation": "mean", "weight_by_size": False}
            for metric in (*SCORES, "answered")
        ],
        "metadata": {"version": f"{plan.study.prompt_version}+{sha256_text(versions)[:8]}"},
    }
    path = folder / f"{name}.yaml"
    path.write_text(yaml.safe_dump(group, sort_keys=False), encoding="utf-8")
    return path


#: A task; `{...}` are filled in as JSON, which is YAML too.
_YAML_TEXT = """task: {name}
tag: {tags}
custom_dataset: !function {module}.dataset
test_split: test
num_fewshot: 0
doc_to_text: prompt
target_delimiter: ""
{how}
process_results: !function {module}.process_results
metric_list:
{metrics}
  - metric: answered
    aggregation: mean
    higher_is_better: true
metadata: {metadata}
"""

_METRIC_TEXT = """  - metric: {metric}
    aggregation: !function {module}.{metric}
    higher_is_better: {better}"""

_SCORED_TEXT = "output_type: multiple_choice\ndoc_to_choice: choices\ndoc_to_target: target"


def _yaml(plan: Plan, name: str, about: Mapping[str, Any]) -> str:
    metrics = [
        _METRIC_TEXT.format(metric=f"{name}{end}", module=TASK_MODULE, better=better)
        for end, better in (("", "true"), (STDERR, "false"))
        for name in SCORES
    ]
    return _YAML_TEXT.format(
        name=json.dumps(name),
        tags=json.dumps([TAG, f"{TAG}_{plan.study.protocol}"]),
        module=TASK_MODULE,
        how=_how_asked(plan),
        metrics="\n".join(metrics),
        metadata=json.dumps(task_metadata(about)),
    )


def task_metadata(about: Mapping[str, Any]) -> dict[str, Any]:
    """What a task says of itself in a harness's results."""
    meta = about["meta"]
    reported_fields = (
        "prompt_version", "wording", "wording_digest", "protocol", "method", "steering",
        "language", "release",
    )  # fmt: skip
    return {
        "version": about["version"],
        **{name: meta[name] for name in reported_fields},
        "opinion_atlas": meta["extra"]["opinion_atlas"],
        "items": about["items"],
    }


def _how_asked(plan: Plan) -> str:
    if plan.study.how.request_kind != "generate":
        return _SCORED_TEXT
    sampling = plan.decoding()
    kwargs = {
        "until": sampling["stop"],
        "max_gen_toks": sampling["max_tokens"],
        "do_sample": sampling["temperature"] > 0,
        "temperature": sampling["temperature"],
    }
    return (
        f'output_type: generate_until\ndoc_to_target: ""\ngeneration_kwargs: {json.dumps(kwargs)}'
    )
