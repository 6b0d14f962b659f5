"""Parameters, help groups and defaults' display that the sub-commands of all packages share.

Nothing here imports more than cyclopts, so that `--help` stays fast.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Any

from cyclopts import Group, Parameter, Token

#: Groups of `--help`, in their order; a command shows those that it has options of.
QUESTIONS = Group("What is asked", sort_key=10)
STEERING = Group("Steering and personas", sort_key=11)
CONTENTS = Group("Contents", sort_key=12)
SPLITS = Group("Splits and held-out data", sort_key=13)
SCORED = Group("What is scored", sort_key=14)
RULES = Group("Scoring rules", sort_key=15)
MODEL = Group("Model and server", sort_key=20)
DECODING = Group("Prompts and decoding", sort_key=21)
SECOND_READERS = Group("Advice: second readers and labels", sort_key=22)
RUN = Group("Run", sort_key=30)
HUB = Group("Repository on the Hub", sort_key=31)
SERVER = Group("Board and server", sort_key=32)
OUTPUT = Group("Output", sort_key=40)


_BETWEEN_PAIRS = re.compile(r",(?=\s*[A-Za-z_]\w*=)")


def shown_default(default: Any) -> str | None:
    """A default as `--help` shows it; None where there is nothing worth showing.

    An empty text, tuple or None stands for "decided elsewhere" (the option's help says how), and
    a flag that is off needs no words.
    """
    if default is None or default is False or default == "" or default == ():
        return None
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    return str(default)


def split_names(_type: Any, tokens: Sequence[Token]) -> tuple[str, ...]:
    """Names given with commas, spaces, or both; a converter for cyclopts."""
    parts = (part.strip() for token in tokens for part in token.value.split(","))
    return tuple(part for part in parts if part)


def split_pairs(_type: Any, tokens: Sequence[Token]) -> tuple[str, ...]:
    """Pairs KEY=VALUE; a comma parts two of them only where another key and `=` follow it, so that
    values may hold commas. A converter for cyclopts."""
    parts = (part.strip() for token in tokens for part in _BETWEEN_PAIRS.split(token.value))
    return tuple(part for part in parts if part)


def names(text: str, **more: Any) -> Parameter:
    """A parameter that takes names separated by commas or spaces; `text` is its help."""
    return Parameter(help=text, consume_multiple=True, negative="", converter=split_names, **more)


def pairs(text: str, **more: Any) -> Parameter:
    """A parameter that takes pairs KEY=VALUE; `text` is its help."""
    return Parameter(help=text, consume_multiple=True, negative="", converter=split_pairs, **more)


def paths(text: str, **more: Any) -> Parameter:
    """A parameter that takes several files or folders, separated by spaces."""
    return Parameter(help=text, consume_multiple=True, negative="", **more)


def flag(text: str, **more: Any) -> Parameter:
    """A switch without a negative form."""
    return Parameter(help=text, negative="", **more)


Json = Annotated[bool, flag("Print machine-readable JSON.", name="--json", group=OUTPUT)]
DryRun = Annotated[bool, flag("Show what would be written; write nothing.", group=OUTPUT)]
Force = Annotated[bool, flag("Replace existing output.", group=OUTPUT)]
ReleaseName = Annotated[
    str,
    Parameter(
        help="Folder of a release, ORG/NAME@tag on the Hub, or `reference` (embedded aggregates "
        "of 57 countries)."
    ),
]
FileFormat = Annotated[
    str,
    Parameter(
        name="--format",
        help="Format of the predictions files: jsonl, csv, tsv or parquet.",
        group=OUTPUT,
    ),
]
