"""How exported studies run in the real harnesses, and what their logs say of it afterwards."""

from __future__ import annotations

import gc
import json
import math
import subprocess
import sys
import warnings
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
from elicitation.interop.exported import read_about
from elicitation.interop.imported import import_log
from elicitation.interop.options import ExportOptions
from elicitation.prompts.plan import Plan
from elicitation.run.session import run_study
from elicitation.study.resolve import make_study
from tests.support.prompt_logprobs_server import serving_model
from tests.support.tiny_models import CHAT_TEMPLATE, save_model

# The harnesses and what they load warn of their own future.
pytestmark = [pytest.mark.models, pytest.mark.slow, pytest.mark.filterwarnings("ignore")]

#: Q46 has four answers, Q106 ten.
QUESTIONS = ("Q46", "Q106")
COUNTRIES = ("DEU", "JPN")
TOLERANCE = 1e-4


@pytest.fixture(scope="module")
def model(tmp_path_factory) -> Path:
    return save_model(tmp_path_factory.mktemp("models") / "tiny", chat=True)


def options(harness: str, method: str, **changes: object) -> ExportOptions:
    fields = {
        "protocol": "judgments",
        "steer": ("persona",),
        "questions": QUESTIONS,
        "countries": COUNTRIES,
        "prompts": "chat",
        # A model that was never trained begins its replies with anything.
        "min_label_mass": 0.0,
        **changes,
    }
    return ExportOptions(to=harness, method=method, **fields)


def ours(given: ExportOptions, model: Path, out: Path) -> dict[tuple[str, str], dict[str, float]]:
    """Shares of our own run of the same study."""
    release = open_release("reference")
    chat = given.prompts == "chat"
    plan = Plan(make_study(given.study(), release, chat=chat, remote=False), release)
    backend = open_backend(f"hf:{model}", BackendOptions(device="cpu", dtype="float32"))
    (written,) = run_study(plan, backend, out).files
    backend.close()
    return shares(written.path)


def shares(path: Path) -> dict[tuple[str, str], dict[str, float]]:
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    return {
        (line["question_id"], line["country"]): line["shares"]
        for line in lines
        if "question_id" in line
    }


def assert_alike(found: dict, expected: dict) -> None:
    assert set(found) == set(expected)
    for key, wanted in expected.items():
        assert found[key] == pytest.approx(wanted, abs=TOLERANCE)


def run_lm_eval(model: Path, folder: Path, name: str, logs: Path, **changes: object) -> dict:
    """The harness as its command line runs it; its results, with samples and results in `logs`."""
    from lm_eval import simple_evaluate
    from lm_eval.loggers import EvaluationTracker
    from lm_eval.tasks import TaskManager

    tracker = EvaluationTracker(output_path=str(logs))
    results = simple_evaluate(
        model="hf",
        model_args=f"pretrained={model},dtype=float32",
        device="cpu",
        tasks=[name],
        task_manager=TaskManager(include_path=str(folder), include_defaults=False),
        log_samples=True,
        evaluation_tracker=tracker,
        batch_size=4,
        **changes,
    )
    samples = results.pop("samples")
    tracker.save_results_aggregated(results=results, samples=samples)
    for task, listed in samples.items():
        tracker.save_results_samples(task_name=task, samples=listed)
    return results


@pytest.fixture(scope="module")
def two_conditions(model, tmp_path_factory):
    """Both conditions run as one group, cut short, as a chat with a system instruction."""
    place = tmp_path_factory.mktemp("group")
    given = options("lm-eval", "label_likelihood", steer=("none", "persona"), protocol="alignment")
    tasks = export_study(given, place / "tasks")
    (group,) = (place / "tasks").glob("*.yaml")
    results = run_lm_eval(
        model, place / "tasks", group.stem, place / "logs",
        limit=3, apply_chat_template=True, system_instruction="Answer as one of many.",
    )  # fmt: skip
    return tasks, group.stem, results, place / "logs"


def test_a_group_has_the_mean_of_its_conditions(two_conditions) -> None:
    tasks, group, results, _ = two_conditions
    names = [task.name for task in tasks]
    assert results["group_subtasks"] == {group: names}
    for metric in ("alignment", "uniform_skill"):
        each = [results["results"][name] for name in names]
        values = [found[f"{metric},none"] for found in each]
        errors = [found[f"{metric}_stderr,none"] for found in each]
        assert all(error > 0 for error in errors)
        mean = results["results"][group]
        assert mean[f"{metric},none"] == pytest.approx(sum(values) / 2)
        # Independent errors: sqrt(e1^2 + e2^2) / 2.
        assert mean[f"{metric}_stderr,none"] == pytest.approx(math.hypot(*errors) / 2)
    versions = [results["versions"][name] for name in names]
    assert versions == [read_about(task.folder)["version"] for task in tasks]
    assert len(set(versions)) == 2


def test_the_table_shows_standard_errors(two_conditions) -> None:
    from lm_eval.utils import make_table

    tasks, _, results, _ = two_conditions
    lines = [line for line in make_table(results).splitlines() if "|alignment" in line]
    assert len(lines) == 3
    assert not [line for line in lines if "N/A" in line.split("±")[1]]
    for task in tasks:
        assert "label_likelihood_2" in task.name
        assert read_about(task.folder)["meta"]["wording_digest"][:6] in task.name


def test_lm_eval_logs_say_how_they_were_asked(two_conditions, tmp_path) -> None:
    from lm_eval import __version__ as version

    from elicitation.interop.harness import text_digest

    tasks, _, _, logs = two_conditions
    task = next(task for task in tasks if "persona" in task.name)
    (log,) = logs.rglob(f"samples_{task.name}_*.jsonl")
    done = import_log(log, tmp_path / "imported.jsonl", task=task.folder)
    # Two questions of two countries in two orders; the run was cut to three.
    assert (done.answers, done.expected) == (3, 8)
    assert done.run.limit == 3
    meta = read_predictions(done.path).meta
    assert meta.extra["answers"]["expected"] == 8
    facts = meta.extra["harness"]
    assert (facts["name"], facts["version"]) == ("lm-evaluation-harness", version)
    assert facts["dtype"] == "float32"
    assert facts["task_version"] == read_about(task.folder)["version"]
    assert facts["chat_template"] == text_digest(CHAT_TEMPLATE)
    assert facts["system_instruction"] == "Answer as one of many."
    assert meta.prompt_version.startswith("label_likelihood-2+system-")
    assert meta.chat is False or meta.chat is True
    assert meta.chat
    assert meta.parameters
    assert any("system instruction" in said for said in done.asked_otherwise)


def test_plain_text_that_was_asked_as_a_chat_is_recorded(model, tmp_path) -> None:
    (task,) = export_study(options("lm-eval", "option_likelihood", prompts="plain"), tmp_path / "t")
    run_lm_eval(model, task.folder, task.name, tmp_path / "logs", apply_chat_template=True, limit=1)
    (log,) = (tmp_path / "logs").rglob("samples_*.jsonl")
    done = import_log(log, tmp_path / "imported.jsonl", task=task.folder)
    assert "Asked as a chat; the task was exported for plain text." in done.asked_otherwise
    assert read_predictions(done.path).meta.chat is True


def run_inspect(model: object, folder: Path, logs: Path, *, limit: int | None = None, **task: str):
    from inspect_ai import eval as run

    from elicitation.interop.inspect_side import survey_task

    (log,) = run(
        survey_task(folder, **task), model=model, log_dir=str(logs), display="none",
        log_format="eval", limit=limit,
    )  # fmt: skip
    with warnings.catch_warnings():
        # The harness leaves streams open; whoever runs later must not be blamed for them.
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()
    return log


def served(provider: str, url: str) -> object:
    from inspect_ai.model import get_model

    return get_model(f"{provider}/local/tiny", base_url=url, api_key="none", memoize=False)


@pytest.mark.parametrize(
    "prompts, provider, terminator",
    [("plain", "openai-api-completions", "newline"), ("chat", "openai-api", "none")],
)
def test_inspect_scores_whole_options(model, tmp_path, prompts, provider, terminator) -> None:
    given = options("inspect", "option_likelihood", prompts=prompts, terminator=terminator)
    expected = ours(given, model, tmp_path / "run")
    (task,) = export_study(given, tmp_path / "tasks")
    with serving_model(model) as (url, _):
        log = run_inspect(served(provider, url), task.folder, tmp_path / "logs")
    assert log.status == "success", log.error
    (path,) = (tmp_path / "logs").rglob("*.eval")
    done = import_log(path, tmp_path / "imported.jsonl")
    assert_alike(shares(done.path), expected)
    assert done.asked_otherwise == ()


def test_ten_answers_have_no_gaps_where_the_list_is_short(model, tmp_path) -> None:
    given = options("inspect", "label_likelihood", questions=("Q106",))
    expected = ours(given, model, tmp_path / "run")
    (task,) = export_study(given, tmp_path / "tasks")
    found = {}
    with serving_model(model, listed=5) as (url, server):
        for scoring in ("listed", "auto", "prompt"):
            logs = tmp_path / scoring
            log = run_inspect(served("openai-api", url), task.folder, logs, scoring=scoring)
            assert log.status == "success", log.error
            (path,) = logs.rglob("*.eval")
            done = import_log(path, tmp_path / f"{scoring}.jsonl")
            found[scoring] = shares(done.path)
    assert all(not given for given in found["listed"].values())
    for scoring in ("auto", "prompt"):
        assert_alike(found[scoring], expected)
    assert any(body.get("continue_final_message") for body in server.asked)


def test_inspect_logs_say_how_they_were_asked(model, tmp_path) -> None:
    from inspect_ai import __version__ as version
    from inspect_ai.model import get_model

    (task,) = export_study(options("inspect", "label_likelihood"), tmp_path / "tasks")
    hf = get_model(
        f"hf/{model.name}", model_path=str(model), device="cpu", dtype="float32", revision="main"
    )
    log = run_inspect(hf, task.folder, tmp_path / "logs", limit=2, countries="JPN")
    assert log.status == "success", log.error
    assert log.eval.task_version == read_about(task.folder)["version"]
    (path,) = (tmp_path / "logs").rglob("*.eval")
    done = import_log(path, tmp_path / "imported.jsonl")
    assert (done.answers, done.expected) == (2, 4)
    meta = read_predictions(done.path).meta
    facts = meta.extra["harness"]
    assert (facts["name"], facts["version"]) == ("inspect_ai", version)
    assert (facts["dtype"], meta.revision) == ("float32", "main")
    assert facts["chat_template"] == "the model's own, by hf"
    assert str(facts["limit"]) == "2"
    assert {country for _, country in shares(done.path)} == {"JPN"}


def test_a_model_without_probabilities_of_prompts_is_named(model, tmp_path) -> None:
    from inspect_ai.model import get_model

    (task,) = export_study(options("inspect", "option_likelihood"), tmp_path / "tasks")
    hf = get_model(f"hf/{model.name}", model_path=str(model), device="cpu", dtype="float32")
    log = run_inspect(hf, task.folder, tmp_path / "logs", limit=1)
    assert log.status == "error"
    assert "no probabilities of its prompt" in log.error.message


@pytest.mark.parametrize(
    "arguments, found",
    [
        ({"countries": "FRA"}, "the task does not ask this"),
        ({"questions": "Q1"}, "the task does not ask this"),
        ({"scoring": "best"}, "no such way to score labels"),
    ],
)
def test_arguments_of_a_task_are_checked(tmp_path, arguments, found) -> None:
    from elicitation.interop.inspect_side import survey_task

    (task,) = export_study(options("inspect", "label_likelihood"), tmp_path / "tasks")
    with pytest.raises(ContractError, match=found):
        survey_task(task.folder, **arguments)


@pytest.mark.parametrize("harness, method", [("lm-eval", "verbalized"),
                                             ("inspect", "option_likelihood")])  # fmt: skip
def test_an_exported_folder_passes_its_own_checks(tmp_path, harness, method) -> None:
    export_study(options(harness, method), tmp_path / "tasks")
    assert "non-profit use" in (tmp_path / "tasks" / "LICENSE").read_text()
    assert "test_tasks.py" in (tmp_path / "tasks" / "README.md").read_text()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_tasks.py"],
        cwd=tmp_path / "tasks", capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


def test_printed_commands_of_inspect_run(model, tmp_path) -> None:
    """One task by its path from the root, and all of a folder, with another model."""
    tasks = export_study(
        options("inspect", "label_likelihood", steer=("none", "persona"), protocol="alignment"),
        tmp_path / "tasks",
    )
    command = str(Path(sys.executable).with_name("inspect"))
    mine = f"--model hf/tiny -M model_path={model} -M device=cpu"
    for place, line, expected in (("one", tasks[0].run, 1), ("all", tasks[0].run_all, 2)):
        logs = tmp_path / place
        line = line.replace("inspect eval", f"{command} eval").replace("--model hf/ORG/NAME", mine)
        done = subprocess.run(
            f"{line} --limit 1 --display none --log-dir {logs}", shell=True, cwd=tmp_path,
            capture_output=True, text=True, check=False, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr[-2000:]
        assert len(list(logs.glob("*.eval"))) == expected
