"""How fast a plan is made, a run goes on, and a server is asked.

`python benchmarks/elicit_client.py [--smoke] [--assert]` prints three measurements:

* plan: every call of 144 questions x 66 countries x 6 conditions, with its key; seconds, memory;
* resume: a store of 100,000 finished calls is opened and found to lack nothing;
* client: calls a second against a local OpenAI-compatible server in a process of its own, each
  answer committed to the store.

Each is the best of three rounds, in seconds on the clock; the processor time of the same round
stands beside it, and tells whether the machine had other work. `--smoke` does a little of each and
asserts no time.
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
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from codebook import countries  # noqa: E402
from contracts.release.read import open_release  # noqa: E402
from elicitation.backends.base import Response  # noqa: E402
from elicitation.backends.call_key import CallKeys  # noqa: E402
from elicitation.backends.openai.http import OpenAIBackend  # noqa: E402
from elicitation.backends.registry import BackendOptions  # noqa: E402
from elicitation.prompts.plan import Call, Item, Plan  # noqa: E402
from elicitation.run.runner import Progress, item_record, run_plan  # noqa: E402
from elicitation.run.store import Store  # noqa: E402
from elicitation.study.options import StudyOptions  # noqa: E402
from elicitation.study.resolve import make_study  # noqa: E402
from elicitation.study.study import Study  # noqa: E402

#: What the benchmark must reach.
PLAN_SECONDS, PLAN_MEMORY_MB, RESUME_SECONDS, CALLS_PER_SECOND = 2.0, 300.0, 2.0, 200.0

#: Calls of the store that is gone on with, and calls made of a server.
RESUME_CALLS, CLIENT_CALLS = 100_000, 2000

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


class Timed(NamedTuple):
    """Seconds on the clock and of this process's own processor time."""

    seconds: float
    own_cpu_seconds: float


def timed(work: Callable[[], Any]) -> tuple[Any, Timed]:
    """What a piece of work gives, and how long it takes."""
    before, started = time.process_time(), time.perf_counter()
    returned = work()
    return returned, Timed(time.perf_counter() - started, time.process_time() - before)


def best(rounds: Iterable[tuple[Any, Timed]]) -> tuple[Any, Timed]:
    """The quickest round."""
    return min(rounds, key=lambda one: one[1].seconds)


def measure_plan(rounds: int, *, smoke: bool) -> dict[str, Any]:
    """Seconds and memory of making every call of the big plan, with its key."""
    vary = SIX[:1] if smoke else SIX

    def make() -> tuple[int, int]:
        plan = Plan(study(vary=vary), open_release("reference"))
        keys = CallKeys(BACKEND)
        return len(plan), len({keys.key(call.request) for call in plan})

    (calls, different), took = best(timed(make) for _ in range(rounds))
    return {
        "calls": calls,
        "different": different,
        **took._asdict(),
        "memory_mb": memory_mb(),
    }


class _Silent:
    """A backend that is never to be asked."""

    def __init__(self) -> None:
        self.asked = 0

    def describe(self) -> dict[str, Any]:
        return BACKEND

    def scoring(self) -> dict[str, Any]:
        return {}

    def run(self, requests: Any, **_: Any) -> None:
        self.asked += sum(1 for _ in requests)


def measure_resume(folder: Path, rounds: int, *, smoke: bool) -> dict[str, Any]:
    """Seconds until a run over a finished store knows that nothing is lacking."""
    count = RESUME_CALLS // 50 if smoke else RESUME_CALLS
    base = study(vary=SIX)
    repeats = -(-count // len(Plan(base, open_release("reference"))))
    plan = _First(base.model_copy(update={"repeats": repeats}), count)
    path = folder / "resume.sqlite"
    keys = CallKeys(BACKEND)
    with Store(path) as store:
        store._db.execute("PRAGMA synchronous=OFF")
        for call in plan:
            response = Response("r", "ok", ('{"1": 50, "2": 50}',))
            record = item_record(call.item, call, "en")
            store.save(keys.key(call.request), call.request, response, [record])
    silent = _Silent()

    def go_on() -> Progress:
        fresh = _First(plan.study, count)
        with Store(path) as store:
            return run_plan(fresh, silent, store)  # type: ignore[arg-type]

    progress, took = best(timed(go_on) for _ in range(rounds))
    return {
        "calls": progress.reused,
        "asked": silent.asked,
        **took._asdict(),
        "store_mb": path.stat().st_size / 1e6,
    }


class _First(Plan):
    """The first calls of a plan."""

    def __init__(self, study: Study, count: int) -> None:
        super().__init__(study, open_release("reference"))
        self._count = count

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Call]:
        return islice(super().__iter__(), self._count)

    def round_items(self, number: int) -> Iterator[tuple[int, Item]]:
        return islice(super().round_items(number), self._count)


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


def measure_client(folder: Path, rounds: int, *, smoke: bool) -> dict[str, Any]:
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
        plan = _First(study(reask=False), CLIENT_CALLS // 20 if smoke else CLIENT_CALLS)

        def ask(number: int) -> Progress:
            with Store(folder / f"client{number}.sqlite") as store:
                return run_plan(plan, backend, store)

        progress, took = best(timed(lambda n=n: ask(n)) for n in range(rounds))  # type: ignore[misc]
    finally:
        server.terminate()
        server.wait()
    return {
        "calls": progress.made,
        "statuses": dict(progress.statuses),
        **took._asdict(),
        "per_second": progress.made / took.seconds,
        "own_cpu_ms_per_call": 1000 * took.own_cpu_seconds / progress.made,
    }


def main() -> int:
    """Measure, print, and compare with what must be reached if asked to."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--smoke", action="store_true", help="a little of each; no time counts")
    parser.add_argument("--assert", dest="strict", action="store_true", help="1 where too slow")
    parser.add_argument("--only", choices=("plan", "resume", "client"))
    parser.add_argument("--rounds", type=int, default=3, help="times that each is measured")
    parser.add_argument("--serve", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        asyncio.run(serve())
    rounds = 1 if options.smoke else options.rounds
    with tempfile.TemporaryDirectory() as name:
        folder, smoke = Path(name), options.smoke
        makers: dict[str, Callable[[], dict[str, Any]]] = {
            "plan": lambda: measure_plan(rounds, smoke=smoke),
            "resume": lambda: measure_resume(folder, rounds, smoke=smoke),
            "client": lambda: measure_client(folder, rounds, smoke=smoke),
        }
        measurements = {key: make() for key, make in makers.items() if options.only in (None, key)}
    print(json.dumps(measurements, indent=1))
    missed = wrong(measurements) + ([] if options.smoke else slow(measurements))
    for line in missed:
        print(f"missed: {line}")
    return 1 if missed and (options.strict or wrong(measurements)) else 0


def wrong(measurements: dict[str, dict[str, Any]]) -> list[str]:
    """What is wrong whatever the machine does besides."""
    missed = []
    if measurements.get("resume", {}).get("asked"):
        missed.append(f"resume: {measurements['resume']['asked']} finished calls were made again")
    if "client" in measurements and set(measurements["client"]["statuses"]) != {"ok"}:
        missed.append(f"client: statuses {measurements['client']['statuses']}")
    return missed


def slow(measurements: dict[str, dict[str, Any]]) -> list[str]:
    """What takes longer, or more, than it may."""
    bounds = (
        ("plan", "seconds", PLAN_SECONDS),
        ("plan", "memory_mb", PLAN_MEMORY_MB),
        ("resume", "seconds", RESUME_SECONDS),
    )
    missed = [
        f"{name}: {field} {measurements[name][field]:.2f}, not below {bound:g}"
        for name, field, bound in bounds
        if name in measurements and not measurements[name][field] < bound
    ]
    if "client" in measurements and measurements["client"]["per_second"] < CALLS_PER_SECOND:
        missed.append(
            f"client: {measurements['client']['per_second']:.0f} calls a second, "
            f"not {CALLS_PER_SECOND:g}"
        )
    return missed


if __name__ == "__main__":
    sys.exit(main())
