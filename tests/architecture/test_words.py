"""Code, documents and messages keep to the field's terms."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: Word to avoid -> what to write.
AVOIDED = {
    r"amiss": "inconsistent, wrong",
    r"anew": "again, re-scored, rebuilt, redrawn",
    r"somebody": "someone, another account",
    r"second road": "independent method",
    r"the whole house|the house": "the project, the system",
    r"afresh": "again",
}

#: Texts that people or models are shown as a survey's or a dilemma's own words.
TEXTS = ("codebook/data/", "codebook/dilemmas/", "elicitation/reading/data/", "tests/")
SUFFIXES = {".py", ".md", ".html", ".jinja", ".js", ".toml", ""}


def _files() -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if listed.returncode:  # a copy without history
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
        names = [name for name in names if not name.startswith((".", "build/"))]
    else:
        names = listed.stdout.splitlines()
    return [
        ROOT / name
        for name in names
        if not name.startswith(TEXTS) and Path(name).suffix in SUFFIXES and (ROOT / name).is_file()
    ]


def avoided_words(text: str) -> list[tuple[int, str, str]]:
    """Line, word and what to write in its place, of every word to avoid."""
    return [
        (number, match[0], instead)
        for number, line in enumerate(text.splitlines(), 1)
        for word, instead in AVOIDED.items()
        for match in re.finditer(rf"\b(?:{word})\b", line, re.IGNORECASE)
    ]


def test_the_words_are_found() -> None:
    text = "Rows are scored\nanew by a second road.\nSomebody's renewal, in a household."
    assert [(line, word) for line, word, _ in avoided_words(text)] == [
        (2, "anew"),
        (2, "second road"),
        (3, "Somebody"),
    ]


def test_no_file_has_a_word_to_avoid() -> None:
    files = _files()
    assert len(files) > 500
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {word!r}; write {instead}"
        for path in files
        for line, word, instead in avoided_words(_text(path))
    ]
    assert wrong == []


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:  # a file without an ending that is no text
        return ""
