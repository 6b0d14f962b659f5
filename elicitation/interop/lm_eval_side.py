"""A study as tasks of lm-evaluation-harness."""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from contracts.errors import ContractError, fail
from contracts.predictions.findings import quote
from contracts.release.read import open_release
from elicitation.interop.aggregate import aggregate_scores
from elicitation.interop.exported import read_about, read_items, scored, written
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
'''


class TaskFunctions:
    """What the harness calls for one exported folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def dataset(self, **_: Any) -> dict[str, Any]:
        """The documents, as the only split.

        Raises:
            ContractError: the release of the task cannot be opened here. Checked before a model
                is asked: scores come last.
        """
        from datasets import Dataset

        open_release(read_about(self._folder)["release"])
        return {"test": Dataset.from_list(list(read_items(self._folder)))}

    def process_results(self, doc: dict[str, Any], results: Sequence[Any]) -> dict[str, Any]:
        """One document's part of the metrics."""
        item = stored_item(doc, results)
        usable = answer_of(item.record.shown, item.response).is_usable
        part = {"doc": {k: v for k, v in doc.items() if k != "prompt"}, "results": _plain(results)}
        return {"alignment": part, "answered": float(usable)}

    def alignment(self, parts: Sequence[dict[str, Any]]) -> float:
        """1 - W1 / (K - 1) over all documents, as `opinion-atlas score` has it.

        Not a number, with a warning, where the answers cannot be scored: an error here would
        cost the harness's samples, which can still be imported.
        """
        try:
            items = [stored_item(part["doc"], part["results"]) for part in parts]
            return aggregate_scores(items, read_about(self._folder))["alignment"]
        except ContractError as error:
            warnings.warn(f"no alignment: {error}", RuntimeWarning, stacklevel=2)
            return float("nan")


def stored_item(doc: dict[str, Any], results: Sequence[Any], *, where: str = "") -> StoredItem:
    """An answered item of a document: from (log-likelihood, is greedy) pairs, or a reply."""
    try:
        if doc["choices"]:
            found = [float(_unnested(result)) for result in results]
            if len(found) == len(doc["choices"]):
                return scored(doc, found, where=where)
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
    return [r if isinstance(r, str) else [float(r[0]), bool(r[1])] for r in results]


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
    path.write_text(_yaml(plan, name), encoding="utf-8")
    (folder / f"{TASK_MODULE}.py").write_text(_MODULE_TEXT, encoding="utf-8")
    return path


#: A task; `{...}` are filled in as JSON, which is YAML too.
_YAML_TEXT = """task: {name}
custom_dataset: !function {module}.dataset
test_split: test
num_fewshot: 0
doc_to_text: prompt
target_delimiter: ""
{how}
process_results: !function {module}.process_results
metric_list:
  - metric: alignment
    aggregation: !function {module}.alignment
    higher_is_better: true
  - metric: answered
    aggregation: mean
    higher_is_better: true
metadata:
  version: 1.0
"""

_SCORED_TEXT = "output_type: multiple_choice\ndoc_to_choice: choices\ndoc_to_target: target"


def _yaml(plan: Plan, name: str) -> str:
    how = _SCORED_TEXT
    if plan.study.how.request_kind == "generate":
        sampling = plan.decoding()
        kwargs = {
            "until": sampling["stop"],
            "max_gen_toks": sampling["max_tokens"],
            "do_sample": sampling["temperature"] > 0,
            "temperature": sampling["temperature"],
        }
        how = (
            'output_type: generate_until\ndoc_to_target: ""\n'
            f"generation_kwargs: {json.dumps(kwargs)}"
        )
    return _YAML_TEXT.format(name=json.dumps(name), module=TASK_MODULE, how=how)
