"""Whether a model thought: stated in the form of an upload, chosen for a run."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from contracts.predictions.meta import PredictionsMeta
from space.board.rows import thinking_label
from space.intake.form import FIELDS, NOT_STATED, Form
from space.intake.normalise import stated_meta
from space.pages.submit import extension_html
from space.runs.choice import RunChoice
from space.runs.keys import Key
from space.runs.rules import rules_here
from space.runs.work import Task, backend_options


def test_thinking_joins_the_decoding_that_the_file_states() -> None:
    form = Form({"thinking": "on", "family": NOT_STATED, "chat": NOT_STATED})
    assert form.metadata() == {"decoding": {"thinking": "on"}}
    own = PredictionsMeta(name="m", decoding={"temperature": 0.5, "thinking": "off"})
    meta = stated_meta(own, form.metadata(), where="the form")
    assert meta.decoding == {"temperature": 0.5, "thinking": "on"}
    assert thinking_label(meta) == "on"
    assert Form({"thinking": NOT_STATED}).metadata() == {}
    assert "thinking" in FIELDS


@pytest.mark.parametrize("thinking", ["default", "on", "off"])
def test_a_run_opens_its_model_with_the_chosen_switch(thinking: str, reference) -> None:
    choice = RunChoice(model="org/tiny", thinking=thinking)
    task = Task(
        "run", Path(), choice, Key("k"), reference, rules_here(public=False), 1,
        threading.Event(), lambda _: None, lambda *_: None,
    )  # fmt: skip
    assert backend_options(task).thinking == thinking
    assert RunChoice(model="org/tiny").digest != RunChoice(model="org/tiny", thinking="on").digest


def test_a_wrong_extension_is_named_with_those_that_are_read() -> None:
    said = extension_html("/tmp/x/answers.TXT")
    assert "its name ends in <code>.txt</code>" in said
    assert ".jsonl, .csv, .tsv, .parquet" in said
    assert "its name has no end" in extension_html({"path": "/tmp/x/answers"})
    assert extension_html({"path": "/tmp/x/a.CSV"}) == extension_html(None) == ""
    assert "<b>x" not in extension_html("/tmp/a.<b>x")
