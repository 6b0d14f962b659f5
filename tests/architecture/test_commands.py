"""The command line as a whole: its options are an interface that must not change unnoticed."""

from __future__ import annotations

import json

from tests.support.command_table import COMMANDS_FILE, command_table


def test_options_of_every_command_are_those_recorded() -> None:
    """Names, aliases, negatives, positions, defaults and choices, frozen in a file.

    A deliberate change is recorded with
    `python -m tests.support.command_table`, and belongs into CHANGELOG.md.
    """
    recorded = json.loads(COMMANDS_FILE.read_text(encoding="utf-8"))
    assert command_table() == recorded
