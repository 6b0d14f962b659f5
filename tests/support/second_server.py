"""Another process of a server, over the same store: `python second_server.py ROOT URL WHAT`.

With WHAT `run` it starts a run of a model at URL, says its name, and keeps house until its input
ends; with `wait` three, of which one waits; with `resume:NAME` it resumes a run.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def second(root: Path, url: str, what: str) -> Iterator[tuple[subprocess.Popen[str], list[str]]]:
    """Another process of the server; and the names of the runs that it started."""
    process = subprocess.Popen(
        [sys.executable, __file__, str(root), url, what],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        ready, *names = process.stdout.readline().split()
        assert ready == "ready"
        yield process, names
    finally:
        process.stdin.close()
        process.wait(timeout=60)
        process.stdout.close()


def main() -> None:
    """Serve until the input ends."""
    from runs_house import HOME_QUICK, HOME_VISITOR, KEY, house, server_choice, started, wait_for

    from contracts.release.read import open_release
    from space.runs.keys import Key

    root, url, what = sys.argv[1:4]
    runs = house(Path(root), open_release("reference"), rules=HOME_QUICK)
    names = []
    if what == "run":
        names.append(started(runs, server_choice(url, sample=40)))
    elif what == "wait":
        names += [started(runs, server_choice(url, sample=40)) for _ in range(3)]
    elif what.startswith("resume:"):
        name = what.removeprefix("resume:")
        wait_for(runs, name, "stopped")
        runs.resume(name, Key(KEY), HOME_VISITOR)
    runs.pool.keep_house()
    print(" ".join(["ready", *names]), flush=True)
    sys.stdin.read()
    runs.close()


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    main()
