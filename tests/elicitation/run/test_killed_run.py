"""A run that is killed under a server that fails now and then goes on where it was stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter

from odd_server import chat, odd

CONCURRENCY = 2
QUESTIONS = tuple(f"Q{number}" for number in range(1, 21))


def test_a_killed_run_resumes_under_a_flaky_server(tmp_path) -> None:
    answered: Counter[str] = Counter()
    seen: Counter[str] = Counter()
    children: list[subprocess.Popen[bytes]] = []
    kill_after = [8]

    def behave(body):
        prompt = json.dumps(body.get("messages"))
        seen[prompt] += 1
        if body.get("max_tokens", body.get("max_completion_tokens", 0)) < 100:  # of the probe
            return chat("1")
        if seen[prompt] == 1:  # the first try of every call fails
            return 503, {"error": {"message": "overloaded"}}
        answered[prompt] += 1
        if kill_after and answered.total() == kill_after[0]:
            kill_after.clear()
            os.kill(children[-1].pid, signal.SIGKILL)
        return chat('{"1": 40, "2": 30, "3": 20, "4": 10}')

    out = tmp_path / "run"
    with odd(behave) as server:
        command = [
            sys.executable, "-m", "opinion_atlas", "elicit", "openai:odd", "--base-url", server.url,
            "--method", "verbalized", "--steer", "none", "--questions", *QUESTIONS,
            "--concurrency", str(CONCURRENCY), "--out", str(out), "--no-reask",
        ]  # fmt: skip

        def run() -> int:
            children.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
            return children[-1].wait(240)

        assert run() == -signal.SIGKILL
        before = Counter(answered)
        assert 8 <= before.total() < len(QUESTIONS)
        run()
        # What was stored is not asked again: at most what was under way when it was killed.
        again = {prompt for prompt, times in answered.items() if times > 1}
        assert again <= set(before)
        assert len(again) <= CONCURRENCY
        assert len(answered) == len(QUESTIONS)
        asked = answered.total()
        run()
        assert answered.total() == asked
    summary = json.loads((out / "summary.json").read_text("utf-8"))
    assert summary["files"][0]["records"] == len(QUESTIONS)
    assert summary["calls"] == {
        "planned": len(QUESTIONS),
        "reused": len(QUESTIONS),
        "made": 0,
        "statuses": {},
    }
