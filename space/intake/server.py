"""The process that children are forked from: libraries loaded once, one child per upload.

It reads a line of JSON per job from standard input and answers with a line per finished child.
It never looks at an upload itself. When its input ends, it kills what still runs and ends.
"""

from __future__ import annotations

import contextlib
import gc
import json
import os
import resource
import select
import signal
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from contracts.predictions.source import FORMATS

#: Seconds between looks at running children.
_LOOK = 0.01
_BLOCK = 1 << 16


@dataclass
class _Child:
    """A running child: number of its job, its process, and when it is killed."""

    number: int
    pid: int
    deadline: float
    killed: bool = False


def _preload() -> None:
    """Load what children need, single-threaded, so that a fork copies no thread's locks."""
    import pyarrow as pa
    import pyarrow.compute
    import pyarrow.csv
    import pyarrow.dataset
    import pyarrow.parquet

    pa.set_cpu_count(1)
    pa.set_io_thread_count(1)

    from codebook.questions import value_questions
    from contracts.release.read import REFERENCE, open_release

    value_questions()
    _ = open_release(REFERENCE).digest
    _warm_up()
    gc.collect()
    gc.freeze()


def _warm_up() -> None:
    """Read a file of each kind of our own, so that tables are built once and not by every child."""
    from contracts.predictions.read import read_predictions
    from space.intake.templates import KINDS, write_template

    with tempfile.TemporaryDirectory() as folder:
        for kind in KINDS:
            for suffix in FORMATS:
                read_predictions(write_template(Path(folder), kind=kind, suffix=suffix))


def _limit_self(limits: Mapping[str, Any]) -> None:
    """Caps of this process, memory beyond what it has now."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    memory = pages * resource.getpagesize() + limits["memory_bytes"]
    cpu = limits["cpu_seconds"]
    for kind, soft, hard in (
        (resource.RLIMIT_AS, memory, memory),
        (resource.RLIMIT_CPU, cpu, cpu + 5),
        (resource.RLIMIT_FSIZE, limits["output_bytes"], limits["output_bytes"]),
        (resource.RLIMIT_NOFILE, limits["open_files"], limits["open_files"]),
        (resource.RLIMIT_CORE, 0, 0),
    ):
        resource.setrlimit(kind, (soft, hard))
    # Should the server die, nobody else would look at the clock.
    signal.alarm(int(limits["wall_seconds"]) + 5)


def _run_child(folder: Path, job: Mapping[str, Any]) -> None:
    """The child: no input, output to a log in its folder, limits, then the job."""
    code = 1
    try:
        os.setsid()
        null = os.open(os.devnull, os.O_RDONLY)
        log = os.open(folder / "log.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        for source, target in ((null, 0), (log, 1), (log, 2)):
            os.dup2(source, target)
        os.closerange(3, 256)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        _limit_self(job["limits"])
        from space.intake.work import run_job

        run_job(folder, job)
        code = 0
    except BaseException as error:
        # Even saying what is wrong takes memory and room; without, only the exit code can say it.
        code = _code_of(error)
    finally:
        os._exit(code)


def _code_of(error: BaseException) -> int:
    from space.intake.work import OUT_OF_MEMORY, OUT_OF_ROOM, lacks_memory, lacks_room

    if lacks_memory(error):
        return OUT_OF_MEMORY
    return OUT_OF_ROOM if lacks_room(error) else 1


def _start(line: bytes) -> _Child:
    asked = json.loads(line)
    pid = os.fork()
    if pid == 0:
        _run_child(Path(asked["folder"]), asked["job"])
    deadline = time.monotonic() + asked["job"]["limits"]["wall_seconds"]
    return _Child(asked["number"], pid, deadline)


def _reap(children: dict[int, _Child]) -> None:
    """Kill children whose time is up; answer for those that have ended."""
    now = time.monotonic()
    for child in children.values():
        if now > child.deadline and not child.killed:
            child.killed = True
            os.kill(child.pid, signal.SIGKILL)
    for pid in list(children):
        ended, status, usage = os.wait4(pid, os.WNOHANG)
        if ended:
            child = children.pop(pid)
            _answer(
                number=child.number,
                code=os.waitstatus_to_exitcode(status),
                late=child.killed,
                peak_bytes=usage.ru_maxrss * 1024,
                cpu_seconds=usage.ru_utime + usage.ru_stime,
            )


def _answer(**fields: Any) -> None:
    os.write(1, json.dumps(fields).encode() + b"\n")


def main() -> None:
    """Serve jobs until the input ends."""
    _preload()
    _answer(number=-1, code=0)
    children: dict[int, _Child] = {}
    pending = b""
    while True:
        ready, _, _ = select.select([0], [], [], _LOOK if children else None)
        if ready:
            block = os.read(0, _BLOCK)
            if not block:
                break
            *lines, pending = (pending + block).split(b"\n")
            for child in map(_start, filter(None, lines)):
                children[child.pid] = child
        _reap(children)
    for pid in children:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    main()
