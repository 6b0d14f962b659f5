"""The baselines' reports on the embedded reference, in short: what the golden file keeps.

`python tests/scoring/baselines/golden_reports.py` writes the file after a change of the scorer that
is meant to change scores; the difference then belongs into the changelog.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import scoring
from contracts.digests import plain
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from contracts.report import Interval, Report
from scoring.baselines.distributions import write_baselines

GOLDEN = Path(__file__).parents[2] / "fixtures" / "reports" / "baselines.json"
REPLICATES = 100


def golden_reports() -> dict[str, Any]:
    """Short reports by baseline; `uniform` in paper mode as well."""
    release = open_release("reference")
    found: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, path, *_ in write_baselines(release, folder):
            if path is None:  # the reference has no single persons to rate for
                continue
            predictions = read_predictions(path)
            report = scoring.score(predictions, release, replicates=REPLICATES)
            found[name] = in_short(report)
            if name == "uniform":
                paper = scoring.score(predictions, release, replicates=REPLICATES, mode="paper")
                found["uniform-paper"] = in_short(paper)
    return plain(found)


def in_short(report: Report) -> dict[str, Any]:
    """Coverage, overall scores, countries, categories and continents with their intervals."""
    return {
        "coverage": report.coverage.model_dump(),
        "scores": {one.name: _ends(one.value) for one in report.scores},
        "fixed": _ends(report.scores[0].fixed_questions),
        "countries": {
            one.country: [*_ends(one.alignment), one.rank, one.rank_low, one.rank_high, one.verdict]
            for one in report.countries
        },
        "groups": {f"{one.kind}:{one.name}": _ends(one.alignment) for one in report.groups},
        "warnings": [notice.code for notice in report.warnings],
    }


def _ends(value: Interval | None) -> list[float | None]:
    return [None] * 3 if value is None else [value.estimate, value.low, value.high]


def lines(found: dict[str, Any]) -> str:
    """JSON with one line per entry, so that a change can be read."""
    return json.dumps(found, indent=None, separators=(",", ":")).replace('],"', '],\n"') + "\n"


if __name__ == "__main__":
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text(lines(golden_reports()), encoding="utf-8")
    print(f"{GOLDEN}: {GOLDEN.stat().st_size:,} bytes")
