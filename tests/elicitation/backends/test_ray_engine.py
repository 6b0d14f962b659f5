"""The engine ray: what a dying worker had in hand is answered once, no call is lost."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

pytest.importorskip("ray")
pytest.importorskip("torch")

from contracts.errors import ContractError
from elicitation.backends.base import Message, Request, Response, Sampling
from elicitation.backends.ray import (
    open_backend,
    options_of,
    options_text,
    request_of,
    request_text,
    response_of,
    response_text,
)
from elicitation.backends.registry import BackendOptions
from tests.support.tiny_models import save_model

ROOT = Path(__file__).resolve().parents[3]

#: Runs a study on a cluster of one machine with two workers, one of which dies.
SCRIPT = """
import json, sys
from pathlib import Path
from contracts.release.read import open_release
from elicitation.backends.registry import BackendOptions
from elicitation.backends.ray import RayBackend, RayOptions
from elicitation.prompts.plan import Plan
from elicitation.run.session import run_study
from elicitation.study.options import StudyOptions
from elicitation.study.resolve import make_study

model, out, marks = sys.argv[1:]
release = open_release("reference")
options = StudyOptions(
    protocol="judgments", countries=("DEU", "JPN", "BRA", "EGY", "USA", "KOR"),
    questions=("Q1", "Q2", "Q3", "Q4", "Q5", "Q6", "Q46", "Q57"),
)
plan = Plan(make_study(options, release, chat=True, remote=False), release)
backend = RayBackend(
    model,
    BackendOptions(device="cpu", extra={"marks": marks, "dies_after": 5}),
    RayOptions(workers=2, batch_calls=8, lot_calls=30, cpus_per_worker=0.5),
    opener="tests.support.dying_backend:open_backend",
)
try:
    first = run_study(plan, backend, Path(out))
    second = run_study(plan, backend, Path(out))
    print(json.dumps({
        "planned": first.progress.total, "made": first.progress.made,
        "statuses": dict(first.progress.statuses), "made_again": second.progress.made,
        "reused_again": second.progress.reused, "describe": backend.describe(),
        "environment": backend.environment(),
    }))
finally:
    backend.close()
"""


@pytest.mark.ray
@pytest.mark.models
@pytest.mark.slow
def test_no_call_is_lost_or_repeated_when_a_worker_dies(tmp_path) -> None:
    model = save_model(tmp_path / "tiny", chat=True)
    marks = tmp_path / "marks"
    marks.mkdir()
    environment = {
        **{name: text for name, text in os.environ.items() if not name.startswith("RAY_")},
        "PYTHONPATH": str(ROOT),
        "OMP_NUM_THREADS": "1",
        "RAY_USAGE_STATS_ENABLED": "0",
    }
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT, f"hf:{model}", str(tmp_path / "run"), str(marks)],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=550,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-4000:]
    (line,) = (line for line in result.stdout.splitlines() if line.startswith('{"planned"'))
    said = json.loads(line)
    planned = 6 * 8
    assert (marks / "died.txt").exists(), "no worker died: the test shows nothing"
    assert (said["planned"], said["made"], said["statuses"]) == (planned, planned, {"ok": planned})
    assert (said["made_again"], said["reused_again"]) == (0, planned)
    computed = Counter(
        line.split(" ", 1)[1] for line in (marks / "computed.txt").read_text().splitlines()
    )
    # Before a study scores labels it asks for one free first token (does the template think?).
    assert computed.pop("first-token") >= 1
    assert len(computed) == planned
    assert max(computed.values()) <= 2, "only the dying worker's batch is computed again"
    with sqlite3.connect(tmp_path / "run" / "calls.sqlite") as store:
        assert store.execute("SELECT count(*), count(DISTINCT key) FROM calls").fetchone() == (
            planned,
            planned,
        )
        assert store.execute("SELECT count(*) FROM failures").fetchone() == (0,)
    assert said["environment"]["cluster"]["workers"] == 2
    assert said["describe"]["backend"] == "hf"


def test_requests_and_responses_travel_unchanged() -> None:
    sampling = Sampling(max_tokens=3, stop=("\n",), n=2, response_format={"type": "json"})
    requests = [
        Request("a", messages=(Message("user", "¿Qué?\ud800"),), sampling=sampling, repeat=2),
        Request("b", "score_options", prompt="Q:", options=(" 是", " no"), terminator="newline"),
    ]
    for request in requests:
        assert request_of(request_text(request)) == request
    responses = [
        Response("a", "truncated", ("x", "y"), raw={"replies": [{"ids": [1]}]}, prompt_tokens=3),
        Response("b", "ok", option_logprobs=(-1.5, None), logprobs_kind="exact", seconds=0.5),
    ]
    for response in responses:
        assert response_of(response_text(response)) == response
    options = BackendOptions(dtype="bfloat16", extra={"min_saved": 3})
    assert options_of(options_text(options)) == options


def test_only_local_models_run_on_a_cluster() -> None:
    with pytest.raises(ContractError, match="engine-model"):
        open_backend("openai:gpt")
