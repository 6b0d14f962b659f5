"""Tasks of a public release: their rows, and `eval.yaml` as its readers take it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
import yaml
from hub_server import HubServer
from publish_samples import REPO, TOKEN, publish

from codebook import value_questions
from contracts.release.read import open_release
from contracts.release.tables import TASKS
from dataset_builder.describing.card import card_configs
from dataset_builder.publishing.public import make_public
from dataset_builder.tables.tasks import EVAL_NAME, tasks_table
from dataset_builder.verifying.run import verify_release

# The Hub client itself still calls httpx in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture(scope="module")
def face(release_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The public face of a release."""
    folder = tmp_path_factory.mktemp("face") / "public"
    make_public(open_release(release_folder), folder)
    return folder


def test_rows_say_what_most_people_answered(face: Path) -> None:
    release = open_release(face)
    table, cells = release.table("tasks"), release.table("distributions")
    assert table.schema == TASKS
    rows = table.to_pylist()
    assert len({(row["question_id"], row["country"]) for row in rows}) == len(rows) > 100
    for row in rows[:: len(rows) // 25]:
        scale = value_questions()[row["question_id"]].scale
        assert scale is not None
        where = pc.field("split") == "all"
        for name in ("wave", "country", "group", "question_id"):
            where &= pc.field(name) == row[name]
        cell = cells.filter(where & pc.field("code").is_valid()).to_pylist()
        shares = {one["code"]: one["weighted_share"] for one in cell}
        expected = np.array([shares.get(code, 0.0) for code in scale.offered])
        assert row["shares"] == pytest.approx(expected / expected.sum(), abs=1e-6)
        assert len(row["choices"]) == len(expected)
        assert row["target"] == "ABCDEFGHIJKLMNOPQRSTUVWXYZ"[int(np.argmax(expected))]


def test_the_release_verifies_and_describes_its_tasks(face: Path) -> None:
    assert not [problem for check in verify_release(face).checks for problem in check.problems]
    card = (face / "README.md").read_text()
    assert "tasks" in {entry["config_name"] for entry in card_configs(card)}
    assert "inspect eval hf/ORG/NAME" in card
    croissant = json.loads((face / "croissant.json").read_text())
    assert "tasks" in {record["name"] for record in croissant["recordSet"]}


def test_datasets_loads_the_config(face: Path, tmp_path: Path) -> None:
    loaded = datasets.load_dataset(
        str(face), "tasks", split="data", cache_dir=str(tmp_path / "cache")
    )
    assert loaded.column_names == TASKS.names
    assert loaded[0] == open_release(face).table("tasks").to_pylist()[0]


def cell(shares: dict[int, float], **changes: object) -> list[dict[str, object]]:
    about = {"split": "all", "wave": 7, "country": "DEU", "group": "", "question_id": "Q1",
             "flag": ""} | changes  # fmt: skip
    return [about | {"code": code, "weighted_share": share} for code, share in shares.items()]


@pytest.mark.parametrize(
    ("changes", "shares"),
    [
        ({}, {1: 0.4, 2: 0.4, 3: 0.1, 4: 0.1}),
        ({"flag": "suspect"}, {1: 0.7, 2: 0.1, 3: 0.1, 4: 0.1}),
        ({"group": "sex=female"}, {1: 0.7, 2: 0.1, 3: 0.1, 4: 0.1}),
        ({"split": "train"}, {1: 0.7, 2: 0.1, 3: 0.1, 4: 0.1}),
        ({"wave": 6}, {1: 0.7, 2: 0.1, 3: 0.1, 4: 0.1}),
        ({}, {1: None, 2: None, 3: None, 4: None}),
    ],
)
def test_cells_without_one_most_frequent_answer_are_left_out(changes, shares) -> None:
    sound = cell({1: 0.1, 2: 0.2, 3: 0.6, 4: 0.1}, country="JPN")
    found = tasks_table(pa.Table.from_pylist([*sound, *cell(shares, **changes)])).to_pylist()
    assert [(row["country"], row["target"]) for row in found] == [("JPN", "C")]
    assert "Japan" in found[0]["input"]


@pytest.mark.models
@pytest.mark.filterwarnings("ignore")
def test_inspect_runs_the_task_from_the_hub(hub: HubServer, face: Path, tmp_path: Path) -> None:
    """`inspect eval hf/ORG/NAME`: its loader takes file, config, solver and scorer."""
    pytest.importorskip("inspect_ai")
    publish(hub, face, public=True)
    assert (
        yaml.safe_load(hub.state.repos[REPO].head.files[EVAL_NAME])["tasks"][0]["config"] == "tasks"
    )
    script = """
from inspect_ai import eval
from inspect_ai._eval.task.hf import task_create_from_hf
from inspect_ai.model import ModelOutput, ModelUsage, get_model
import sys
def answer(messages, tools, choice, config):
    output = ModelOutput.from_content("mockllm", "ANSWER: A")
    output.usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)
    return output
(task,) = task_create_from_hf("hf/REPO")
(log,) = eval(task, model=get_model("mockllm/model", custom_outputs=answer), limit=40,
              log_dir=sys.argv[1], display="none")
assert log.status == "success", log.error
wanted = [sample.target for sample in log.samples]
(score,) = log.results.scores
print("SCORE", score.name, score.metrics["accuracy"].value, wanted.count("A") / len(wanted))
""".replace("REPO", REPO)
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "logs")],
        env=inherited | {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1",
                         "HF_HOME": str(tmp_path / "hf")},
        capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("SCORE")]
    _, name, found, expected = line.split()
    assert name == "choice"
    assert float(found) == pytest.approx(float(expected))
