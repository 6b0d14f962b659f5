"""Write beside, then rename: no reader ever sees a half-written file or folder."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from contracts.errors import ContractError, Problem

#: Unfinished outputs start with this; a later run may clear them away.
PARTIAL_PREFIX = ".partial-"


def fsync_path(path: Path) -> None:
    """Flush a file or folder to disk; a folder's makes renames and removals in it last."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def make_folder(path: Path) -> None:
    """Make a folder with its parents where it is not there yet.

    Raises:
        ContractError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _write_error(path, error) from None


def _prepare_parent(path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _write_error(path, error) from None


def _write_error(path: Path, error: OSError) -> ContractError:
    return ContractError(
        Problem(
            "cannot-write",
            f"cannot write {path}: {error.strerror or error}",
            hint="Choose another output with room and permission; nothing was written there.",
        )
    )


@contextmanager
def atomic_file(path: str | Path) -> Iterator[Path]:
    """Yield a path beside `path` to write to; it takes its place when the block ends well.

    Raises:
        ContractError: the place cannot be written to (read-only, full, missing permission).
    """
    target = Path(path)
    _prepare_parent(target)
    partial = target.parent / f"{PARTIAL_PREFIX}{os.getpid()}-{target.name}"
    try:
        yield partial
        fsync_path(partial)
        partial.replace(target)
    except OSError as error:
        raise _write_error(target, error) from error
    finally:
        partial.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` to `path` in one step."""
    with atomic_file(path) as partial:
        partial.write_text(text, encoding="utf-8")


@contextmanager
def atomic_folder(path: str | Path, *, replace: bool = False) -> Iterator[Path]:
    """Yield an empty folder beside `path`; it takes its place when the block ends well.

    Args:
        path: the folder to make.
        replace: whether a folder that is there already may be replaced.

    Raises:
        ContractError: the folder is there already, or the place cannot be written to.
    """
    target = Path(path)
    if target.exists() and not replace:
        raise ContractError(
            Problem(
                "output-exists",
                f"{target} exists already",
                hint="Choose another output, or pass --force to replace it.",
            )
        )
    _prepare_parent(target)
    try:
        prefix = f"{PARTIAL_PREFIX}{target.name}-"
        partial = Path(tempfile.mkdtemp(prefix=prefix, dir=target.parent))
    except OSError as error:
        raise _write_error(target, error) from None
    try:
        yield partial
        partial.chmod(0o755)
        _exchange(partial, target)
    except OSError as error:
        raise _write_error(target, error) from error
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _exchange(partial: Path, target: Path) -> None:
    """Move `partial` to `target`; an older folder there is set aside first, then removed."""
    if not target.exists():
        partial.replace(target)
        return
    aside = target.parent / f"{PARTIAL_PREFIX}old-{os.getpid()}-{target.name}"
    target.replace(aside)
    try:
        partial.replace(target)
    except OSError:
        aside.replace(target)
        raise
    shutil.rmtree(aside, ignore_errors=True)
