"""Where a release may be written."""

from __future__ import annotations

import re
from pathlib import Path

from contracts.errors import ContractError, Problem

#: Characters that `datasets` and the Hub take for a pattern in a path.
_PATTERN = re.compile(r"[\[\]*?]")


def check_release_folder(out: str | Path, *, force: bool) -> None:
    """Whether a release may be written there; said before the work, not after it.

    Raises:
        ContractError: the folder exists, or `load_dataset` would take its path for a pattern and
            find nothing.
    """
    problems = []
    if pattern_characters := sorted(set(_PATTERN.findall(str(Path(out).absolute())))):
        problems.append(
            Problem(
                "folder-name",
                f"the path of the release {out} holds {' '.join(pattern_characters)}, "
                "which `load_dataset` takes for a pattern, so that it would find no file",
                found=str(Path(out).absolute()),
                allowed="a path without [ ] * ?",
                hint="Choose another name, such as release-a in place of release[a].",
            )
        )
    if not force and Path(out).exists():
        problems.append(
            Problem(
                "output-exists",
                f"{out} exists already",
                hint="Choose another output, or pass --force to replace it.",
            )
        )
    if problems:
        raise ContractError(problems, subject=str(out) if len(problems) > 1 else "")
