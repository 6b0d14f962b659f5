"""Code, documents and messages keep to the field's terms."""

from __future__ import annotations

import ast
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

#: Names that do not say what a variable, parameter, function or class holds.
VAGUE = {"found", "said", "told", "kept", "got", "stuff", "thing", "amiss", "somebody"}

#: Vague names that stay: a field of every problem, and the function that hands it on.
FIELDS = {("contracts/errors.py", "found"), ("contracts/predictions/findings.py", "found")}

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


def vague_names(source: str) -> list[tuple[int, str]]:
    """Line and name of everything that a module defines by a vague name."""
    named: list[tuple[int, str]] = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            named.append((node.lineno, node.id))
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            named.append((node.lineno, node.attr))
        elif isinstance(node, ast.arg):
            named.append((node.lineno, node.arg))
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            named.append((node.lineno, node.name))
    return [(line, name) for line, name in named if name.strip("_").lower() in VAGUE]


def test_vague_names_are_found() -> None:
    source = "def _told(kept, rows):\n    found: int = 1\n    for Said in rows:\n        pass\n"
    names = sorted(name for _, name in vague_names(source))
    assert names == ["Said", "_told", "found", "kept"]


def test_names_say_what_they_hold() -> None:
    modules = [path for path in _files() if path.suffix == ".py"]
    assert len(modules) > 500
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {name}"
        for path in modules
        for line, name in vague_names(_text(path))
        if (str(path.relative_to(ROOT)), name) not in FIELDS
    ]
    assert wrong == []
