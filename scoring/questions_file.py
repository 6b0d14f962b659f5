"""The questions that a command line names: a set, or a file with ids."""

from __future__ import annotations

from pathlib import Path

from codebook import MEMBERSHIPS
from contracts.errors import fail


def named_questions(questions: str | None) -> str | tuple[str, ...] | None:
    """A set's name as it is, else the ids in the file of that name.

    A file holds one id per line; blank lines and what follows a # do not count.

    Raises:
        ContractError: it is neither a set nor a file that can be read.
    """
    if questions is None or questions == "all" or questions in MEMBERSHIPS:
        return questions
    path = Path(questions)
    if not path.is_file():
        raise fail(
            "unknown-question-set",
            "there is neither a question set nor a file of this name",
            found=questions,
            allowed=", ".join(("all", *MEMBERSHIPS)),
        )
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError:
        raise fail("not-utf8", "the list of questions is not UTF-8 text", where=questions) from None
    ids = tuple(text.upper() for line in lines if (text := line.partition("#")[0].strip()))
    if not ids:
        raise fail("empty-question-set", "the file names no question", where=questions)
    return ids
