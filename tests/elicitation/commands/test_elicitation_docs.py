"""What the documents say of the commands is true: every option that they name exists."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from elicitation.commands import cli
from elicitation.study.conditions import parse_variant
from elicitation.study.methods import METHODS

DOCS = Path(__file__).parents[3] / "docs"
COMMANDS = {"elicit": cli.elicit, "read": cli.read, "translate": cli.translate}
#: Options that bear another name than their parameter.
NAMED = {"--format": "suffix", "--no-reask": "reask"}


def options_of(command) -> set[str]:
    """Options of a command as they are typed."""
    names = set(inspect.signature(command).parameters)
    typed = {f"--{name.replace('_', '-')}" for name in names}
    return typed | {option for option, name in NAMED.items() if name in names}


def commands_in(page: str) -> list[tuple[str, str]]:
    """Commands of a page: (sub-command, the line)."""
    text = (DOCS / page).read_text("utf-8").replace("\\\n", " ")
    return re.findall(r"opinion-atlas (elicit|read|translate) ([^\n`]*)", text)


@pytest.mark.parametrize("page", ["elicitation.md", "recipes.md", "advice.md", "dilemmas.md"])
def test_every_option_of_a_command_exists(page):
    found = commands_in(page)
    assert found
    for name, line in found:
        used = set(re.findall(r"--[a-z-]+", line.split("#")[0]))
        assert used <= options_of(COMMANDS[name]), line


def test_every_option_named_in_running_text_exists():
    text = (DOCS / "elicitation.md").read_text("utf-8")
    named = set(re.findall(r"`(--[a-z-]+)", text))
    known = options_of(cli.elicit) | options_of(cli.read) | {"--assert"}
    assert named <= known


def test_methods_and_forms_are_those_that_there_are():
    text = (DOCS / "elicitation.md").read_text("utf-8")
    for name in METHODS:
        assert f"| {name} |" in text
    for line in re.findall(r"--vary (\S+)", (DOCS / "recipes.md").read_text("utf-8")):
        for variant in line.split(","):
            assert parse_variant(variant).name == variant


def test_the_command_line_loads_little():
    import subprocess
    import sys

    code = (
        "import sys, elicitation.commands.cli; "
        "print([m for m in ('numpy', 'pyarrow', 'openai', 'torch', 'rich') if m in sys.modules])"
    )
    root = Path(__file__).parents[3]
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root, check=True)
    assert done.stdout.strip() in ("[]", "['rich']"), done.stderr
