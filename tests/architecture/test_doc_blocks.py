"""Every code block of README and docs runs, or says in the page's source why it does not."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from opinion_atlas.app import make_app
from tests.support.command_table import every_command
from tests.support.doc_blocks import GIVEN, LANGUAGES, PAGES, blocks, command_lines, run_block

ALL = [block for page in PAGES for block in blocks(page)]
COMMANDS = {path for path, _ in every_command()}
ROOTS = {path.split()[0] for path in COMMANDS}

#: Blocks that are not run; a new one needs a reason in the page, and this number.
NOT_RUN = 36

#: Pages whose blocks call commands, which takes more than a few seconds.
SLOW = {block.page for block in ALL if block.is_run and block.language == "bash"}
RUN = [
    pytest.param(page, id=page.stem, marks=[pytest.mark.slow] if page in SLOW else [])
    for page in PAGES
    if any(block.is_run for block in blocks(page))
]


def test_every_block_says_its_language() -> None:
    fences = sum(len(re.findall(r"(?m)^```", page.read_text("utf-8"))) for page in PAGES)
    assert fences == 2 * len(ALL), "a fence is open, or is not at the start of its line"
    assert [block.name for block in ALL if block.language not in LANGUAGES] == []
    hidden = [b.name for b in ALL if b.language == "text" and command_lines(b)]
    assert hidden == [], "commands are in blocks of bash"


def test_marks_are_known_and_reasons_given() -> None:
    for block in ALL:
        if block.mark == "not run":
            assert re.fullmatch(r"[a-z].{10,}", block.note), block.name
        elif block.mark == "given":
            assert set(block.note.split()) <= set(GIVEN), block.name
        elif block.mark == "in":
            assert block.note == "checkout", block.name


def test_blocks_that_are_not_run_are_counted() -> None:
    assert len([block.name for block in ALL if block.mark == "not run"]) == NOT_RUN


@pytest.mark.timeout(1800)
@pytest.mark.parametrize("page", RUN)
def test_blocks_of_a_page_run(page: Path, tmp_path: Path) -> None:
    for block in blocks(page):
        if block.is_run:
            assert run_block(block, tmp_path) == "", block.name


LINES = [
    pytest.param(line, id=f"{block.name}-{number}")
    for block in ALL
    if block.language == "bash"
    for number, line in enumerate(command_lines(block))
]


@pytest.mark.parametrize("line", LINES)
def test_commands_of_a_block_resolve(line: str) -> None:
    words = shlex.split(line)[1:]
    make_app(words[:1]).parse_args(words, exit_on_error=False, print_error=False)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_that_a_page_names_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    spans = re.findall(r"`opinion-atlas ([^`\n]*)`", text)
    for words in (span.split() for span in spans):
        if words and re.fullmatch(r"[a-z][a-z-]*", words[0]):
            assert words[0] in ROOTS, f"{page.name}: opinion-atlas {words[0]}"
            groups = {path for path in COMMANDS if path.startswith(f"{words[0]} ")}
            if groups and words[0] not in COMMANDS and len(words) > 1:
                assert any(
                    f"{words[0]} {words[1]}" == p.rpartition(" ")[0]
                    or f"{words[0]} {words[1]}" in COMMANDS
                    for p in groups
                ), f"{page.name}: opinion-atlas {' '.join(words)}"
