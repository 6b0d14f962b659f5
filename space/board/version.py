"""Which version of the project runs: a staged Space carries a stamp, else the installed package."""

from __future__ import annotations

import json
from functools import cache
from importlib import metadata, resources

STAMP_NAME = "stamp.json"


@cache
def project_version() -> str:
    """Version of the project; `unknown` where it is neither installed nor stamped."""
    stamp = resources.files("space").joinpath(STAMP_NAME)
    if stamp.is_file():
        return str(json.loads(stamp.read_text(encoding="utf-8"))["version"])
    try:
        return metadata.version("opinion-atlas")
    except metadata.PackageNotFoundError:
        return "unknown"


def current_scorer_version() -> str:
    """Version of the rules by which this installation scores."""
    from scoring.engine import SCORER_VERSION

    return SCORER_VERSION
