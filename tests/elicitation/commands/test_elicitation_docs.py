"""What the documents say of elicitation is true: methods, forms and options that they name."""

from __future__ import annotations

import re
from pathlib import Path

from elicitation.study.conditions import parse_variant
from elicitation.study.methods import METHODS
from tests.support.command_table import command_table

DOCS = Path(__file__).parents[3] / "docs"


def test_every_option_named_in_running_text_exists():
    text = (DOCS / "elicitation.md").read_text("utf-8")
    named = set(re.findall(r"`(--[a-z-]+)", text))
    table = command_table()
    known = {
        name
        for command in ("elicit", "read")
        for option, facts in table[command].items()
        for name in (option, *facts.get("aliases", ()), *facts.get("negatives", ()))
    }
    assert named <= known | {"--assert"}


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
