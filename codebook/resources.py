"""Access to the data files that live beside this package's modules."""

from __future__ import annotations

import csv
import hashlib
import re
import tomllib
from collections.abc import Iterator
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

#: Files that hold texts in one language, such as `demographics_es.toml`, and the meaning cards.
_TEXTS = re.compile(r"(_[a-z]{2}\.toml|/meanings\.csv)$")


def resource(path: str) -> Traversable:
    """The packaged file or folder at `path`, relative to the package."""
    return resources.files("codebook").joinpath(path)


def read_toml(path: str) -> dict[str, Any]:
    """The packaged TOML file at `path`."""
    return tomllib.loads(resource(path).read_text(encoding="utf-8"))


def read_csv(path: str) -> list[dict[str, str]]:
    """The rows of the packaged CSV file at `path`."""
    text = resource(path).read_text(encoding="utf-8")
    return list(csv.DictReader(text.splitlines()))


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda item: item.name):
        if entry.is_dir():
            yield from _files(entry, f"{prefix}{entry.name}/")
        elif entry.name.endswith((".csv", ".toml")):
            yield f"{prefix}{entry.name}", entry.read_bytes()


def codebook_digest() -> str:
    """sha256 over the packaged data files of the codebook, texts in a language left out.

    Two releases with the same digest use the same scales, codes and memberships.
    """
    digest = hashlib.sha256()
    for name, content in _files(resource("data"), "data/"):
        if not _TEXTS.search(name):
            digest.update(name.encode() + b"\0" + content + b"\0")
    return digest.hexdigest()
