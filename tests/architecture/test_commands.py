"""The command line as a whole: options, help texts, and the commands that documents name."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from cyclopts import App

from opinion_atlas.app import make_app
from tests.support.command_table import COMMANDS_FILE, command_table, every_command

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
APPS = dict(every_command())
RECORDED = json.loads(COMMANDS_FILE.read_text(encoding="utf-8"))

#: Commands with more options than a screen holds, whose help is grouped and has examples.
LONG = ("elicit", "read", "build", "score", "export", "translate", "baselines", "publish", "space")


def test_options_of_every_command_are_those_recorded() -> None:
    """Names, aliases, negatives, positions, defaults and choices, frozen in a file.

    A deliberate change is recorded with
    `python -m tests.support.command_table`, and belongs into CHANGELOG.md.
    """
    assert command_table() == RECORDED


def help_of(path: str) -> str:
    """The help of a command as one line of text, without frames."""
    done = subprocess.run(
        [sys.executable, "-m", "opinion_atlas", *path.split(), "--help"],
        cwd=ROOT,
        env={"COLUMNS": "100", "PYTHONUTF8": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return re.sub(r"[\s\u2500-\u257f]+", " ", done.stdout)


@pytest.mark.parametrize("path", LONG)
def test_help_of_long_commands_is_grouped_and_teaches(path: str) -> None:
    shown = help_of(path)
    assert " Parameters " not in shown, "an option is in no group"
    assert "For example" in shown
    assert "[default: ()]" not in shown
    assert '[default: ""]' not in shown
    assert "[default: False]" not in shown


@pytest.mark.parametrize("path", [path for path in APPS if "--json" in RECORDED[path]])
def test_json_is_explained_the_same_everywhere(path: str) -> None:
    (option,) = (a for a in APPS[path].assemble_argument_collection() if a.name == "--json")
    assert option.parameter.help == "Print machine-readable JSON."


@pytest.mark.parametrize("path", APPS)
def test_every_option_is_explained_in_a_sentence(path: str) -> None:
    for argument in APPS[path].assemble_argument_collection():
        if argument.show and not argument.children:
            text = argument.parameter.help or ""
            assert re.fullmatch(r"(?s)\S.*[.)]", text), f"{path} {argument.name}: {text!r}"


def parse(words: list[str]) -> None:
    """Resolve a command line as far as its options; nothing is run."""
    make_app(words[:1]).parse_args(words, exit_on_error=False, print_error=False)


def examples(app: App) -> list[str]:
    """The command lines of a command's docstring, continued lines joined."""
    lines = re.sub(r"\n {8,}(?=--)", " ", app.help).splitlines()
    return [line.strip() for line in lines if line.strip().startswith("opinion-atlas ")]


@pytest.mark.parametrize("path", LONG)
def test_examples_of_the_help_are_commands(path: str) -> None:
    found = examples(APPS[path])
    assert found
    for line in found:
        parse(shlex.split(line)[1:])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_option_of_a_command_in_the_documents_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8").replace("\\\n", " ")
    for line in re.findall(r"opinion-atlas ([a-z][^\n`]*)", text.replace("-->", "\n")):
        words = line.partition("#")[0].split()
        path = next((p for p in (" ".join(words[:n]) for n in (3, 2, 1)) if p in APPS), None)
        used = [word.partition("=")[0].rstrip(",.;:)") for word in words if word.startswith("--")]
        if path is None or not used:
            continue
        known = {name for a in APPS[path].assemble_argument_collection() for name in a.names}
        assert set(used) <= known | {"--help"}, f"{page.name}: {line}"
