"""The codebook as it is once Python has compiled it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import codebook
from codebook.dilemmas.dilemma import dilemma_languages
from codebook.wordings.wording import languages


def test_compiled_modules_are_no_languages(tmp_path: Path) -> None:
    """Python leaves `__pycache__` beside modules, in the folders that hold the languages too."""
    source = Path(codebook.__file__).parent
    shutil.copytree(source, tmp_path / "codebook", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(source.parent / "contracts", tmp_path / "contracts",
                    ignore=shutil.ignore_patterns("__pycache__", "reference"))  # fmt: skip
    script = (
        "from codebook.dilemmas.dilemma import dilemma_languages\n"
        "from codebook.wordings.wording import languages\n"
        "print(*languages())\nprint(*dilemma_languages())"
    )
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", script], cwd=tmp_path, env=environment,
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        spoken, argued = done.stdout.splitlines()
        assert spoken.split() == list(languages())
        assert argued.split() == list(dilemma_languages())
    assert (tmp_path / "codebook" / "wordings" / "__pycache__").is_dir()
