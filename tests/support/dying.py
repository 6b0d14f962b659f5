"""Children that kill themselves just before a change on disk."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

#: The calls by which anything on disk changes or is made to last.
STEPS = ("replace", "rename", "unlink", "rmdir", "mkdir", "fsync", "open")

#: From a folder to what is done there, all that must not be killed being done already.
Prepare = Callable[[Path], Callable[[], object]]


def die_at(step: int) -> None:
    """Make this process kill itself just before its `step`-th change on disk."""
    count = 0

    def counted(real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == step:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(*arguments, **options)

        return call

    for name in STEPS:
        setattr(os, name, counted(getattr(os, name)))


def run_and_die(prepare: Prepare, root: Path, *, step: int) -> bool:
    """Do something in a child that dies before its `step`-th change; whether it died."""
    process = os.fork()
    if not process:
        code = 3
        try:
            action = prepare(root)
            die_at(step)
            action()
            code = 0
        finally:
            os._exit(code)
    _, status = os.waitpid(process, 0)
    if os.WIFSIGNALED(status):
        assert os.WTERMSIG(status) == signal.SIGKILL
        return True
    assert os.WEXITSTATUS(status) == 0, "the action failed in the child"
    return False
