"""Exported studies in the real harnesses: the same scores as ours; their logs read back."""

from __future__ import annotations

import gc
import json
import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("lm_eval")
pytest.importorskip("inspect_ai")

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from elicitation.backends.registry import BackendOptions, open_backend
from elicitation.interop.command import export_study
from elicitation.interop.exported import read_items
from elicitation.interop.imported import import_log
from elicitation.interop.options import ExportOptions
from elicitation.prompts.plan import Plan
from elicitation.run.session import run_study
from elicitation.study.options import StudyOptions
from elicitation.study.resolve import make_study
from tests.support.tiny_models import save_model

# The harnesses and what they load warn of their own future.
pytestmark = [pytest.mark.models, pytest.mark.filterwarnings("ignore")]

QUESTIONS = ("Q1", "Q2", "Q46", "Q57")
COUNTRIES = ("DEU", "JPN")

#: How near the harness's scores have to be to ours.
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "tiny", chat=True)


def _options(
    method: str, harness: str = "lm-eval", *, chat: bool = False, **changes: object
) -> ExportOptions:
    fields = {"protocol": "judgments", "steer": ("persona",), "questions": QUESTIONS, **changes}
    # A model that was never trained begins its replies with anything.
    fields.setdefault("min_label_mass", 0.0)
    return ExportOptions(
        to=harness,
        prompts="chat" if chat else "plain",
        method=method,
        countries=COUNTRIES,
        **fields,
    )


def _ours(options: StudyOptions, model: Path, out: Path, *, chat: bool) -> Path:
    """Our own run of the same study; its predictions file."""
    release = open_release("reference")
    plan = Plan(make_study(options, release, chat=chat, remote=False), release)
    backend = open_backend(f"hf:{model}", BackendOptions(device="cpu", dtype="float32"))
    (written,) = run_study(plan, backend, out).files
    backend.close()
    return written.path


def _shares(path: Path) -> dict[tuple[str, str], dict[str, float]]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {
        (line["question_id"], line["country"]): line["shares"]
        for line in lines
        if "question_id" in line
    }


def _assert_alike(first: Path, second: Path) -> None:
    ours, theirs = _shares(first), _shares(second)
    assert set(ours) == set(theirs)
    assert len(ours) == len(QUESTIONS) * len(COUNTRIES)
    for key, shares in ours.items():
        assert theirs[key] == pytest.approx(shares, abs=TOLERANCE)


def _alignment(path: Path) -> float:
    from scoring import score

    report = score(
        read_predictions(path), open_release("reference"), questions=QUESTIONS, replicates=20
    )
    (found,) = [s.value.estimate for s in report.scores if s.name == "alignment"]
    assert found is not None
    return found


def _run_lm_eval(model: Path, folder: Path, logs: Path, *, chat: bool) -> tuple[float, Path]:
    """The harness as its command line runs it; its aggregate and its log of samples."""
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    tracker = EvaluationTracker(output_path=str(logs))
    results = simple_evaluate(
        model="hf",
        model_args=f"pretrained={model},dtype=float32",
        device="cpu",
        tasks=[folder.name],
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        apply_chat_template=chat,
        log_samples=True,
        evaluation_tracker=tracker,
        batch_size=4,
        bootstrap_iters=0,
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for name, listed in samples.items():
        tracker.save_results_samples(task_name=name, samples=listed)
    (log,) = logs.rglob("samples_*.jsonl")
    return results["results"][folder.name]["alignment,none"], log


@pytest.mark.slow
@pytest.mark.parametrize(
    "method, terminator, chat",
    [
        ("option_likelihood", "newline", False),
        ("option_likelihood", "none", True),
        ("label_likelihood", "newline", True),
    ],
)
def test_lm_eval_gives_our_scores(model, tmp_path, method, terminator, chat) -> None:
    options = _options(method, chat=chat, terminator=terminator)
    ours = _ours(options.study(), model, tmp_path / "run", chat=chat)
    (task,) = export_study(options, tmp_path / "tasks")
    assert task.items == len(QUESTIONS) * len(COUNTRIES)
    alignment, log = _run_lm_eval(model, task.folder, tmp_path / "logs", chat=chat)
    assert alignment == pytest.approx(_alignment(ours), abs=TOLERANCE)
    done = import_log(log, tmp_path / "imported.jsonl", task=task.folder)
    _assert_alike(ours, done.path)
    assert _alignment(done.path) == pytest.approx(alignment, abs=1e-9)
    meta = read_predictions(done.path).meta
    assert meta.method == method
    assert meta.model.rsplit("/", 1)[-1].endswith("tiny")
    assert not [n for n in read_predictions(done.path).notices if n.code == "meta-default"]


def _run_inspect(model: Path, folder: Path, logs: Path, **arguments: object) -> object:
    from inspect_ai import eval as run
    from inspect_ai.model import get_model

    from elicitation.interop.inspect_side import survey_task

    hf = get_model(f"hf/{model.name}", model_path=str(model), device="cpu", dtype="float32")
    (log,) = run(
        survey_task(folder, **arguments),
        model=hf,
        log_dir=str(logs),
        display="none",
        log_format="eval",
    )
    with warnings.catch_warnings():
        # The harness leaves streams open; whoever runs later must not be blamed for them.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    assert log.status == "success", log.error
    return log


@pytest.mark.slow
def test_inspect_gives_our_scores(model, tmp_path) -> None:
    """Labels by listed probabilities; the list is as long as the vocabulary, so none is cut."""
    options = _options("label_likelihood", "inspect", chat=True)
    ours = _ours(options.study(), model, tmp_path / "run", chat=True)
    (task,) = export_study(options, tmp_path / "tasks")
    log = _run_inspect(model, task.folder, tmp_path / "logs", top_logprobs=1200)
    metrics = {k: m.value for s in log.results.scores for k, m in s.metrics.items()}
    assert metrics["mean"] == 1
    assert metrics["answered_JPN"] == 1
    assert metrics["alignment"] == pytest.approx(_alignment(ours), abs=TOLERANCE)
    (path,) = (tmp_path / "logs").rglob("*.eval")
    done = import_log(path, tmp_path / "imported.jsonl")
    _assert_alike(ours, done.path)
    assert read_predictions(done.path).meta.method == "label_likelihood"


@pytest.mark.slow
def test_inspect_finds_labels_beyond_the_list_unknown(model, tmp_path) -> None:
    """Censored labels leave answers without shares: nothing is taken for zero."""
    options = _options("label_likelihood", "inspect", chat=True)
    (task,) = export_study(options, tmp_path / "tasks")
    log = _run_inspect(model, task.folder, tmp_path / "logs", top_logprobs=1)
    metrics = {k: m.value for s in log.results.scores for k, m in s.metrics.items()}
    assert metrics["mean"] == 0
    (path,) = (tmp_path / "logs").rglob("*.eval")
    done = import_log(path, tmp_path / "imported.jsonl")
    assert all(not shares for shares in _shares(done.path).values())


def test_exported_items_hold_what_is_asked(tmp_path) -> None:
    options = _options("option_likelihood", terminator="newline")
    (task,) = export_study(options, tmp_path / "tasks")
    release = open_release("reference")
    plan = Plan(make_study(options.study(), release, chat=False, remote=False), release)
    for doc, call in zip(read_items(task.folder), plan, strict=True):
        assert doc["prompt"] == call.request.prompt
        assert doc["choices"] == [f"{option}\n" for option in call.request.options]
    text = (task.folder / f"{task.name}.yaml").read_text()
    assert "output_type: multiple_choice" in text
    assert "scoring" not in text + (task.folder / "atlas_task.py").read_text()


def test_a_folder_per_condition(tmp_path) -> None:
    options = _options(
        "verbalized", "inspect", chat=True, protocol="alignment", steer=("none", "persona")
    )
    tasks = export_study(options, tmp_path / "tasks")
    assert [task.items for task in tasks] == [len(QUESTIONS), len(QUESTIONS) * len(COUNTRIES)]
    for task in tasks:
        compile((task.folder / f"{task.name}.py").read_text(), task.name, "exec")


@pytest.mark.parametrize(
    "method, changes, harness, said",
    [
        ("option_likelihood", {"terminator": "end"}, "lm-eval", "export-terminator"),
        ("sampling", {}, "lm-eval", "export-repeats"),
        ("rating", {"protocol": "worldvaluesbench", "steer": ()}, "lm-eval", "export-kind"),
    ],
)
def test_what_a_harness_cannot_is_said(tmp_path, method, changes, harness, said) -> None:
    options = _options(method, harness, chat=True, **changes)
    with pytest.raises(ContractError, match=said):
        export_study(options, tmp_path / "tasks")
    assert not (tmp_path / "tasks").exists()


def _logs(folder: Path) -> Iterator[tuple[Path, str]]:
    texts = {
        "samples_a.jsonl": ("nonsense\n", "bad-log"),
        "samples_b.jsonl": ('{"doc": {"query": "?"}, "filtered_resps": ["x"]}\n', "bad-log"),
        "c.csv": ("a,b\n", "unknown-log"),
        "d.eval": ("no archive", "bad-log"),
    }
    for name, (text, said) in texts.items():
        path = folder / name
        path.write_text(text)
        yield path, said
    yield folder / "none.jsonl", "no-log"


def test_logs_that_cannot_be_read(tmp_path) -> None:
    for path, said in _logs(tmp_path):
        with pytest.raises(ContractError, match=said):
            import_log(path, tmp_path / "out.jsonl")
    assert not (tmp_path / "out.jsonl").exists()


@pytest.mark.slow
def test_command_line_there_and_back(model, tmp_path, capsys) -> None:
    from cyclopts import App

    from elicitation.interop.cli import export, import_log

    app = App(result_action="return_value")
    app.command(export, name="export")
    app.command(import_log, name="import")
    tasks, out = tmp_path / "tasks", tmp_path / "out.csv"
    app(f"export {tasks} --to lm-eval --countries DEU,JPN --questions Q1,Q2,Q46,Q57")
    said = capsys.readouterr().out
    (folder,) = (path for path in tasks.iterdir() if path.is_dir())
    assert f"{folder.name}: 8 items" in said
    assert f"--include_path {folder} --tasks {folder.name}" in said
    _, log = _run_lm_eval(model, folder, tmp_path / "logs", chat=False)
    app(f"import {log} --task {folder} --out {out} --model ORG/tiny")
    assert "8 records of 8 of 8 answers" in capsys.readouterr().out
    found = read_predictions(out)
    assert (found.kind, found.meta.model) == ("distribution", "ORG/tiny")
