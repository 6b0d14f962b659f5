"""A run's folder: the store, the predictions, the summary, and a lock against a second run."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import fail
from elicitation.store import STORE_NAME

PREDICTIONS_FOLDER = "predictions"
SUMMARY_NAME = "summary.json"
_LOCK_NAME = ".lock"


def store_path(folder: Path) -> Path:
    """Where the store of a run lies."""
    return folder / STORE_NAME


def existing_store(folder: Path) -> Path:
    """The store of a run that exists.

    Raises:
        ContractError: the folder holds none.
    """
    path = folder if folder.suffix == ".sqlite" else store_path(folder)
    if not path.is_file():
        raise fail(
            "no-run",
            f"{folder} holds no run",
            allowed=f"a folder with a {STORE_NAME}",
            hint="Make one with: opinion-atlas elicit MODEL --out FOLDER",
        )
    return path


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Hold a run's folder for one process; a killed process gives it back by itself.

    Raises:
        ContractError: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    try:
        import fcntl
    except ImportError:  # no such locks on this system
        yield
        return
    with (folder / _LOCK_NAME).open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise fail(
                "run-locked",
                f"another process is writing to {folder}",
                hint="Wait for it, or take another --out and merge the stores afterwards.",
            ) from None
        yield
