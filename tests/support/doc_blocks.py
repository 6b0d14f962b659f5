"""Code blocks of README and docs, and how a test runs them.

A comment on the line before a block says what is special about it:

    <!-- given: release WVS7.csv -->   files that the block's reader has; see GIVEN
    <!-- in: checkout -->              it is run in the checkout, not in the page's own folder
    <!-- not run: REASON -->           it is not run; its commands are still resolved

All other blocks of a page are run in their order in one folder: `bash` by bash, `python` by Python,
`json` and `csv` by reading them as predictions or as metadata. A `text` block is no code.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md")))
LANGUAGES = ("bash", "python", "json", "csv", "text")

_BLOCK = re.compile(
    r"(?ms)(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<language>\w*)\n(?P<code>.*?)^```$"
)
_KINDS = ("given", "in", "not run")


@dataclass(frozen=True)
class Block:
    """A code block of a page."""

    page: Path
    line: int
    language: str
    code: str
    mark: str = ""
    note: str = ""

    @property
    def name(self) -> str:
        """Page and line."""
        return f"{self.page.name}:{self.line}"

    @property
    def is_run(self) -> bool:
        """Whether a test runs it."""
        return self.mark != "not run" and self.language != "text"


def blocks(page: Path) -> Iterator[Block]:
    """All code blocks of a page, in their order."""
    text = page.read_text(encoding="utf-8")
    for found in _BLOCK.finditer(text):
        kind, _, note = (found["mark"] or "").partition(": ")
        mark = kind if kind in _KINDS else ""
        line = text[: found.start("language")].count("\n") + 1
        yield Block(page, line, found["language"], found["code"], mark, note if mark else "")


def command_lines(block: Block) -> list[str]:
    """The `opinion-atlas` commands of a bash block, without comments; continued lines joined."""
    joined = block.code.replace("\\\n", " ")
    lines = (re.sub(r"\s#.*", "", line).strip() for line in joined.splitlines())
    starts = (re.search(r"(?:^|[ ;])(opinion-atlas [^>&|;]*)", line) for line in lines)
    return [found[1] for found in starts if found]


def _survey(folder: Path) -> None:
    from dataset_builder.synthesis import synthesize

    synthesize(folder / "WVS7.csv", people=660)


def _release(folder: Path) -> None:
    from opinion_atlas import build_release

    if not (folder / "WVS7.csv").exists():
        _survey(folder)
    build_release(folder / "WVS7.csv", folder / "release")


def _predictions(folder: Path) -> None:
    from opinion_atlas import run_study

    asked = {"steer": "persona", "countries": "DEU,JPN,USA", "questions": "Q1,Q46,Q164"}
    run = run_study("mock:steady", folder / "given-run", **asked)
    run.files[0].path.rename(folder / "predictions.jsonl")


def _ratings(folder: Path) -> None:
    from opinion_atlas import run_study

    asked = {"protocol": "worldvaluesbench", "questions": "Q1,Q2", "people": 5}
    run = run_study("mock:steady", folder / "given-run", release=folder / "release", **asked)
    run.files[0].path.rename(folder / "ratings.jsonl")


def _answers(folder: Path) -> None:
    line = '{"answer": "1: 60%, 2: 40%", "options": {"1": "Yes", "2": "No"}}\n'
    (folder / "answers.jsonl").write_text(line, encoding="utf-8")


def _store(folder: Path) -> None:
    from contracts.report import write_report
    from opinion_atlas import score

    if not (folder / "predictions.jsonl").exists():
        _predictions(folder)
    report = score(folder / "predictions.jsonl", replicates=20)
    write_report(report, folder / "store" / "reports" / "one.json")


def _persons(folder: Path) -> None:
    """The template of synthetic respondents, under the name that a page uses."""
    from space.intake.templates import write_template

    write_template(folder, kind="persons", suffix=".parquet").rename(folder / "persons.parquet")


#: What a block may take as given, by the name of the file or folder.
GIVEN: Mapping[str, Callable[[Path], None]] = {
    "WVS7.csv": _survey,
    "release": _release,
    "predictions.jsonl": _predictions,
    "ratings.jsonl": _ratings,
    "answers.jsonl": _answers,
    "store": _store,
    "persons.parquet": _persons,
}


def run_block(block: Block, folder: Path) -> str:
    """Run a block in `folder`; what it wrote, where it failed, else an empty text."""
    if block.mark == "given":
        for name in block.note.split():
            if not (folder / name).exists():
                GIVEN[name](folder)
    if block.language in ("json", "csv"):
        return _read(block, folder)
    command = (
        ["bash", "-euo", "pipefail", "-c", block.code]
        if block.language == "bash"
        else [sys.executable, "-c", block.code]
    )
    done = subprocess.run(
        command,
        cwd=ROOT if block.mark == "in" else folder,
        env=_environment(folder),
        capture_output=True,
        text=True,
        check=False,
    )
    return f"ended with {done.returncode}\n{done.stdout}{done.stderr}" if done.returncode else ""


def _environment(folder: Path) -> dict[str, str]:
    scripts = Path(sys.executable).parent
    return {
        **os.environ,
        "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HF_HOME": str(folder / ".cache"),
        "HF_HUB_OFFLINE": "1",
    }


def _read(block: Block, folder: Path) -> str:
    """Read a block of data as what the page says it is."""
    import json

    from contracts.errors import ContractError
    from contracts.predictions.meta import parse_meta
    from contracts.predictions.read import read_predictions

    try:
        fields = json.loads(block.code) if block.language == "json" else {}
    except ValueError:
        fields = {}  # several lines, a record each
    try:
        if "schema_version" in fields:
            parse_meta({k: v for k, v in fields.items() if k != "kind"}, where=block.name)
            return ""
        path = folder / f"block-{block.line}.{block.language.replace('json', 'jsonl')}"
        path.write_text(block.code, encoding="utf-8")
        read_predictions(path)
    except ContractError as error:
        return str(error)
    return ""
