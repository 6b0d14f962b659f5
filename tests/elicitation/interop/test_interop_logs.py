"""Logs of lm-evaluation-harness in the shapes that its filters and interruptions leave."""

from __future__ import annotations

import json

import pytest

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from elicitation.interop.command import export_study
from elicitation.interop.exported import read_items
from elicitation.interop.imported import import_log
from elicitation.interop.options import ExportOptions

COUNTRIES = ("DEU", "JPN")


@pytest.fixture
def task(tmp_path):
    options = ExportOptions(
        to="lm-eval", method="verbalized", questions=("Q1", "Q2"), countries=COUNTRIES
    )
    (task,) = export_study(options, tmp_path / "tasks")
    return task.folder


def write_log(path, docs, resps):
    lines = [json.dumps({"doc": doc, "filtered_resps": resps}) for doc in docs]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


REPLY = '{"1": 40, "2": 30, "3": 20, "4": 10}'


@pytest.mark.parametrize("resps", [[REPLY], [[REPLY]], [[[REPLY]]]])
def test_nested_replies_are_read(task, tmp_path, resps):
    docs = list(read_items(task))
    log = write_log(tmp_path / "samples_x.jsonl", docs, resps)
    done = import_log(log, tmp_path / "out.jsonl", task=task, model="ORG/M")
    assert done.answers == done.expected == len(docs)
    found = read_predictions(done.path)
    assert set(found.cells.column("status").to_pylist()) == {"ok"}


def test_a_log_cut_short_is_counted_against_the_task(task, tmp_path):
    docs = list(read_items(task))
    log = write_log(tmp_path / "samples_x.jsonl", docs[:1], [REPLY])
    done = import_log(log, tmp_path / "out.jsonl", task=task, model="ORG/M")
    assert (done.answers, done.expected) == (1, len(docs))
    answers = read_predictions(done.path).meta.extra["answers"]
    assert answers == {"expected": len(docs), "in_log": 1, "statuses": {"ok": 1}}


@pytest.mark.parametrize("resps", [[], [[]], {}])
def test_what_is_no_answer_is_named(task, tmp_path, resps):
    log = write_log(tmp_path / "samples_x.jsonl", read_items(task), resps)
    with pytest.raises(ContractError, match="filtered_resps are no answers"):
        import_log(log, tmp_path / "out.jsonl", task=task, model="ORG/M")
