"""Moves and copies that are whole or not there, also after the machine stops."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from pathlib import Path

from contracts.atomic import atomic_file, fsync_path, write_text

_CHUNK = 1 << 20


def write_durable(path: Path, text: str) -> None:
    """Write a text in one step that lasts."""
    write_text(path, text)
    fsync_path(path.parent)


def copy_hashed(source: Path, target: Path) -> tuple[int, str]:
    """Copy a file, flush it to disk, and return its size and sha256."""
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reading, target.open("xb") as writing:
        while chunk := reading.read(_CHUNK):
            digest.update(chunk)
            size += len(chunk)
            writing.write(chunk)
        writing.flush()
        os.fsync(writing.fileno())
    return size, digest.hexdigest()


def move_file(source: Path, target: Path) -> None:
    """Move a file in one step; across file systems the source goes once the copy is whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.replace(target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        with atomic_file(target) as partial:
            shutil.copyfile(source, partial)
        fsync_path(target.parent)
        source.unlink()
    fsync_path(target.parent)
    fsync_path(source.parent)


def remove_file(path: Path) -> None:
    """Remove a file for good, if it is there."""
    if path.exists():
        path.unlink(missing_ok=True)
        fsync_path(path.parent)
