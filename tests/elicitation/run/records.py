"""Records of predictions files, for tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def records_of(path: Path) -> list[dict[str, Any]]:
    """Records of a JSON lines file, without its header."""
    return [json.loads(line) for line in path.read_text().splitlines()[1:]]
