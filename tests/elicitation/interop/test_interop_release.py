"""The release of an exported task, found from everywhere and checked before a model is asked."""

from __future__ import annotations

import json
import math
import shutil
from pathlib import Path

import pytest

from contracts.errors import ContractError
from contracts.release.read import open_release
from elicitation.interop.command import export_study
from elicitation.interop.exported import ABOUT_NAME, read_about, read_items
from elicitation.interop.lm_eval_side import TaskFunctions
from elicitation.interop.options import ExportOptions


def _export(release: str, out: Path) -> Path:
    options = ExportOptions(
        to="lm-eval", release=release, method="option_likelihood", questions=("Q1",),
        countries=("DEU",), protocol="judgments", steer=("persona",),
    )  # fmt: skip
    (task,) = export_study(options, out)
    return task.folder


def _move_release(folder: Path, release: str) -> None:
    about = json.loads((folder / ABOUT_NAME).read_text())
    (folder / ABOUT_NAME).write_text(json.dumps(about | {"release": release}))


def test_a_relative_release_is_found_from_another_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(open_release("reference").root, tmp_path / "release")
    monkeypatch.chdir(tmp_path)
    folder = _export("release", tmp_path / "tasks")
    assert read_about(folder)["release"] == str(tmp_path / "release")
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    open_release(read_about(folder)["release"])


def test_a_missing_release_stops_the_harness_before_it_asks(tmp_path: Path) -> None:
    pytest.importorskip("datasets")
    folder = _export("reference", tmp_path / "tasks")
    assert len(TaskFunctions(folder).dataset()["test"]) == 1
    _move_release(folder, str(tmp_path / "gone"))
    with pytest.raises(ContractError, match="gone"):
        TaskFunctions(folder).dataset()


def test_a_release_that_vanished_gives_no_number_and_no_error(tmp_path: Path) -> None:
    folder = _export("reference", tmp_path / "tasks")
    (doc,) = read_items(folder)
    results = [(-float(number), False) for number in range(len(doc["choices"]))]
    functions = TaskFunctions(folder)
    part = functions.process_results(doc, results)["alignment"]
    assert 0 < functions.alignment([part]) < 1
    _move_release(folder, str(tmp_path / "gone"))
    functions = TaskFunctions(folder)
    with pytest.warns(RuntimeWarning, match="no scores: .*gone"):
        assert math.isnan(functions.alignment([part]))
    assert math.isnan(functions.alignment_stderr([part]))


def test_whatever_fails_in_scoring_costs_no_answers(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Samples are written after aggregation: no error of any kind may leave it."""
    import elicitation.interop.aggregate as aggregate

    folder = _export("reference", tmp_path / "tasks")
    (doc,) = read_items(folder)
    functions = TaskFunctions(folder)
    part = functions.process_results(doc, [(-1.0, False)] * len(doc["choices"]))["alignment"]
    monkeypatch.setattr(aggregate, "open_release", lambda _: 1 / 0)
    with pytest.warns(RuntimeWarning, match="no scores: division by zero"):
        assert math.isnan(functions.uniform_skill([part]))


def test_a_result_that_is_no_answer_counts_as_unanswered(tmp_path: Path) -> None:
    folder = _export("reference", tmp_path / "tasks")
    (doc,) = read_items(folder)
    functions = TaskFunctions(folder)
    with pytest.warns(RuntimeWarning, match="not an answer: .*filtered_resps are no answers"):
        found = functions.process_results(doc, [[]])
    assert found["answered"] == 0.0
    assert math.isnan(functions.alignment([found["alignment"]]))


def test_labels_that_hold_too_little_are_no_answer(tmp_path: Path) -> None:
    """The least mass that the metadata state is the one that is applied."""
    options = ExportOptions(
        to="lm-eval", method="label_likelihood", questions=("Q1",), countries=("DEU",),
        protocol="judgments", steer=("persona",),
    )  # fmt: skip
    (task,) = export_study(options, tmp_path / "tasks")
    assert read_about(task.folder)["meta"]["decoding"]["min_label_mass"] == 0.1
    (doc,) = read_items(task.folder)
    functions = TaskFunctions(task.folder)
    answered = [
        functions.process_results(doc, [(logprob, False)] * 4)["answered"]
        # Four labels: 4 exp(-5) = 0.03 and 4 exp(-3) = 0.2.
        for logprob in (-5.0, -3.0)
    ]
    assert answered == [0.0, 1.0]
