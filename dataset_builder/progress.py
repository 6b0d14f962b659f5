"""Say what is being done, and how far it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

#: Told (done, total) while a step goes on.
Report = Callable[[int, int], None]

#: Given the name of a step, a context that lasts as long as the step and gives its `Report`.
Progress = Callable[[str], AbstractContextManager[Report]]


def _ignore(done: int, total: int) -> None:
    """Tell nobody."""


def silent(step: str) -> AbstractContextManager[Report]:  # noqa: ARG001
    """Say nothing."""
    return nullcontext(_ignore)


def on_terminal() -> Progress:
    """Steps with a bar and their time, on standard error."""
    from rich.console import Console
    from rich.progress import BarColumn, TextColumn, TimeElapsedColumn
    from rich.progress import Progress as Bars

    console = Console(stderr=True)

    @contextmanager
    def step(name: str) -> Iterator[Report]:
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Bars(*columns, console=console) as bars:
            task = bars.add_task(name, total=None)

            def report(done: int, total: int) -> None:
                bars.update(task, completed=done, total=total)

            yield report
            bars.update(task, completed=1, total=1)

    return step
