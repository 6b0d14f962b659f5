"""Every command with its options, as cyclopts resolves them: names, aliases, defaults."""

from __future__ import annotations

import json
from collections.abc import Iterator
from inspect import Parameter
from pathlib import Path
from typing import Any

from cyclopts import App

from opinion_atlas.app import COMMANDS, make_app


def every_command() -> Iterator[tuple[str, App]]:
    """Path and app of every command and sub-command."""
    for name in COMMANDS:
        yield from _walk(name, make_app([name])[name])


def _walk(path: str, app: App) -> Iterator[tuple[str, App]]:
    if app.default_command is not None:
        yield path, app
    for name in app:
        if not name.startswith("-"):
            yield from _walk(f"{path} {name}", app[name])


def options_of(app: App) -> dict[str, dict[str, Any]]:
    """Options of a command by name; defaults as JSON types, empty facts left out."""
    found = {}
    for argument in app.assemble_argument_collection():
        if not argument.parse or argument.children:
            continue
        default = argument.field_info.default
        names = [name for name in argument.names if name not in argument.negatives]
        facts = {
            "aliases": names[1:],
            "negatives": list(argument.negatives),
            "position": argument.index,
            "choices": list(argument.get_choices() or ()),
            "takes_many": argument.parameter.consume_multiple is not None,
        }
        found[names[0]] = {name: fact for name, fact in facts.items() if fact not in ([], None)}
        if default is not Parameter.empty:
            found[names[0]]["default"] = _plain(default)
    return found


def _plain(default: Any) -> Any:
    if isinstance(default, tuple):
        return [_plain(one) for one in default]
    return default if isinstance(default, str | int | float | None) else str(default)


def command_table() -> dict[str, dict[str, dict[str, Any]]]:
    """Options of every command."""
    return {path: options_of(app) for path, app in every_command()}


COMMANDS_FILE = Path(__file__).parents[1] / "fixtures" / "commands.json"


def write_table(path: Path) -> None:
    """Write the table, an option on each line."""
    commands = []
    for command, options in sorted(command_table().items()):
        lines = [f"  {json.dumps(name)}: {json.dumps(options[name])}" for name in sorted(options)]
        commands.append(f" {json.dumps(command)}: {{\n" + ",\n".join(lines) + "\n }")
    path.write_text("{\n" + ",\n".join(commands) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    write_table(COMMANDS_FILE)
