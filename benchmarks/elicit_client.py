"""How fast a plan is made, a run goes on, and a server is asked.

`python benchmarks/elicit_client.py [--assert]` prints three measurements:

* plan: every call of 144 questions x 66 countries x 6 conditions, with its key; seconds, memory;
* resume: a store of 100,000 finished calls is opened and found to lack nothing;
* client: calls a second against a local OpenAI-compatible server in a process of its own, each
  answer committed to the store.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from codebook import countries  # noqa: E402
from contracts.release import open_release  # noqa: E402
from elicitation.backends.base import Response  # noqa: E402
from elicitation.backends.openai_http import OpenAIBackend  # noqa: E402
from elicitation.backends.registry import BackendOptions  # noqa: E402
from elicitation.keys import CallKeys  # noqa: E402
from elicitation.plan import Plan  # noqa: E402
from elicitation.runner import item_record, run_plan  # noqa: E402
from elicitation.store import Store  # noqa: E402
from elicitation.study import Study  # noqa: E402
from elicitation.study_options import StudyOptions, make_study  # noqa: E402

#: What the benchmark must reach.
PLAN_SECONDS, PLAN_MEMORY_MB, RESUME_SECONDS, CALLS_PER_SECOND = 2.0, 300.0, 2.0, 200.0

SIX = ("default", "shuffled", "reversed-order", "letters", "examples=3", "example-shares=7")
BACKEND = {"backend": "openai", "server": "http://127.0.0.1", "model": "m", "revision": ""}


def study(**fields: Any) -> Study:
    """The alignment study over the 66 countries of wave 7."""
    release = open_release("reference")
    chosen = tuple(c.country for c in countries().values() if c.in_wave7)[:66]
    options = StudyOptions(**{"countries": chosen, "steer": ("persona",), **fields})
    return make_study(options, release, chat=True, remote=True)


def memory_mb() -> float:
    """Most memory that this process has held, in MB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def measure_plan() -> dict[str, Any]:
    """Seconds and memory of making every call of the big plan, with its key."""
    before, started = time.process_time(), time.perf_counter()
    plan = Plan(study(vary=SIX), open_release("reference"))
    keys = CallKeys(BACKEND)
    different = {keys.key(call.request) for call in plan}
    seconds, own = time.perf_counter() - started, time.process_time() - before
    return {
        "calls": len(plan),
        "different": len(different),
        "seconds": seconds,
        "own_cpu_seconds": own,
        "memory_mb": memory_mb(),
    }


class _Silent:
    """A backend that is never to be asked."""

    def __init__(self) -> None:
        self.asked = 0

    def describe(self) -> dict[str, Any]:
        return BACKEND

    def run(self, requests: Any, **_: Any) -> None:
        self.asked += sum(1 for _ in requests)


def measure_resume(folder: Path, count: int = 100_000) -> dict[str, Any]:
    """Seconds until a run over a finished store knows that nothing is lacking."""
    base = study(vary=SIX)
    repeats = -(-count // len(Plan(base, open_release("reference"))))
    plan = Plan(base.model_copy(update={"repeats": repeats}),
                open_release("reference"))  # fmt: skip
    path = folder / "resume.sqlite"
    keys = CallKeys(BACKEND)
    with Store(path) as store:
        store._db.execute("PRAGMA synchronous=OFF")
        for number, call in enumerate(plan):
            if number == count:
                break
            response = Response("r", "ok", ('{"1": 50, "2": 50}',))
            record = item_record(call.item, call, "en")
            store.save(keys.key(call.request), call.request, response, [record])
    silent = _Silent()
    cut = _First(plan, count)
    before, started = time.process_time(), time.perf_counter()
    with Store(path) as store:
        progress = run_plan(cut, silent, store)  # type: ignore[arg-type]
    seconds, own = time.perf_counter() - started, time.process_time() - before
    return {
        "calls": progress.reused,
        "asked": silent.asked,
        "seconds": seconds,
        "own_cpu_seconds": own,
        "store_mb": path.stat().st_size / 1e6,
    }


class _First:
    """The first calls of a plan."""

    def __init__(self, plan: Plan, count: int) -> None:
        self._plan, self._count = plan, count
        self.study = plan.study
        self.language: Callable[..., str] = plan.language

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Any:
        for number, call in enumerate(self._plan):
            if number == self._count:
                return
            yield call


_REPLY = json.dumps(
    {
        "id": "c",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": '{"1": 40, "2": 30, "3": 20, "4": 10}'},
                "finish_reason": "stop",
            }
        ],
        "usage": {"prompt_tokens": 800, "completion_tokens": 20},
    }
).encode()


async def serve() -> None:
    """A server that says the same to everybody, so that the client's speed is what is measured."""
    head = f"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {len(_REPLY)}"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                asked = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = asked.split(b"content-length:")[1].split(b"\r\n", 1)[0]
                await reader.readexactly(int(length))
                await asyncio.sleep(0.02)
                writer.write(f"{head}\r\n\r\n".encode() + _REPLY)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", flush=True)
    await server.serve_forever()


def measure_client(folder: Path, count: int = 2000) -> dict[str, Any]:
    """Calls a second against a server in another process."""
    server = subprocess.Popen(
        [sys.executable, __file__, "--serve"], stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    try:
        url = server.stdout.readline().strip()
        options = BackendOptions(base_url=url, concurrency=32, label_logprobs="censored")
        backend = OpenAIBackend("tiny", options)
        backend.capabilities()
        plan = _First(Plan(study(), open_release("reference")), count)
        with Store(folder / "client.sqlite") as store:
            before, started = time.process_time(), time.perf_counter()
            progress = run_plan(plan, backend, store)  # type: ignore[arg-type]
            seconds, own = time.perf_counter() - started, time.process_time() - before
    finally:
        server.terminate()
        server.wait()
    return {
        "calls": progress.made,
        "statuses": dict(progress.statuses),
        "seconds": seconds,
        "per_second": progress.made / seconds,
        "own_cpu_ms_per_call": 1000 * own / progress.made,
    }


def main() -> None:
    """Measure, print, and compare with what must be reached if asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--assert", dest="strict", action="store_true")
    parser.add_argument("--only", choices=("plan", "resume", "client"))
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        makers: dict[str, Callable[[], dict[str, Any]]] = {
            "plan": measure_plan,
            "resume": lambda: measure_resume(folder),
            "client": lambda: measure_client(folder),
        }
        found = {key: make() for key, make in makers.items() if options.only in (None, key)}
    print(json.dumps(found, indent=1))
    if options.strict:
        check(found)


def check(found: dict[str, Any]) -> None:
    """Fail where a measurement misses what must be reached.

    Times are compared as processor time of this process: on a machine that does nothing else it
    is the time that passes, and on a busy one it does not tell how busy.
    """
    missed = []
    if "plan" in found:
        missed += ["plan: seconds"] * (found["plan"]["own_cpu_seconds"] > PLAN_SECONDS)
        missed += ["plan: memory"] * (found["plan"]["memory_mb"] > PLAN_MEMORY_MB)
    if "resume" in found:
        missed += ["resume: seconds"] * (found["resume"]["own_cpu_seconds"] > RESUME_SECONDS)
        missed += ["resume: asked anew"] * (found["resume"]["asked"] > 0)
    if "client" in found:
        missed += ["client: rate"] * (
            1000 / found["client"]["own_cpu_ms_per_call"] < CALLS_PER_SECOND
        )
    if missed:
        sys.exit(f"missed: {', '.join(missed)}")


if __name__ == "__main__":
    main()
