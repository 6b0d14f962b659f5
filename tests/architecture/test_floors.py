"""The layers of the system, and what must not be loaded."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


def _python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_import_contracts_hold() -> None:
    result = _python(
        "from importlinter.cli import lint_imports; import sys; sys.exit(lint_imports())"
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert "0 broken" in result.stdout


def test_help_loads_no_numpy() -> None:
    result = _python(
        "import sys\n"
        "from opinion_atlas.app import main\n"
        "try:\n    main(['--help'])\nexcept SystemExit:\n    pass\n"
        "heavy = {'numpy', 'pandas', 'pyarrow', 'scipy', 'gradio', 'datasets', 'torch'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))\n"
    )
    assert "Usage: opinion-atlas" in result.stdout
    assert "loaded: []" in result.stdout, result.stdout + result.stderr


@pytest.mark.parametrize("package", ["scoring", "contracts", "codebook", "dataset_builder"])
def test_import_loads_no_model_or_page_library(package: str) -> None:
    result = _python(
        f"import {package}, sys\n"
        "heavy = {'torch', 'transformers', 'gradio', 'plotly', 'openai', 'ray'}\n"
        "print('loaded:', sorted(heavy & set(sys.modules)))\n"
    )
    assert result.stdout.strip() == "loaded: []", result.stdout + result.stderr


def test_codebook_needs_only_the_standard_library() -> None:
    result = _python(
        "import codebook, sys\n"
        "foreign = {'numpy', 'pandas', 'pyarrow', 'pydantic', 'rich'} & set(sys.modules)\n"
        "print('foreign:', sorted(foreign))\n"
    )
    assert result.stdout.strip() == "foreign: []", result.stdout + result.stderr


def test_every_command_of_the_table_can_be_imported() -> None:
    from importlib import import_module

    from opinion_atlas.app import COMMANDS

    for name, (target, _, _) in COMMANDS.items():
        module, _, attribute = target.partition(":")
        assert hasattr(import_module(module), attribute), f"{name}: {target} does not exist"


def test_every_command_explains_itself() -> None:
    from opinion_atlas.app import COMMANDS

    for name in COMMANDS:
        result = _python(f"from opinion_atlas.app import main; main([{name!r}, '--help'])")
        assert result.returncode == 0, f"{name}: {result.stderr}"
        assert "Usage: opinion-atlas" in result.stdout


def test_tests_can_be_collected_without_model_libraries() -> None:
    # The plain profile installs neither torch nor transformers nor ray.
    result = _python(
        "import sys\n"
        "from functools import partial\n"
        "from importlib.machinery import PathFinder\n"
        "find = PathFinder.find_spec\n"
        "def without_models(name, *rest):\n"
        "    hidden = ('torch', 'transformers', 'ray', 'accelerate')\n"
        "    return None if name.partition('.')[0] in hidden else find(name, *rest)\n"
        "PathFinder.find_spec = partial(without_models)\n"
        "import pytest\n"
        "sys.exit(pytest.main(['--collect-only', '-qq', 'tests']))\n"
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
