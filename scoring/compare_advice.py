"""Compare two advice reports: every approach of the one with every approach of the other."""

from __future__ import annotations

from typing import Any

import numpy as np

from contracts.report import Report
from scoring.advice_tables import paired_rows


def advice_rows(report: Report) -> list[dict[str, Any]]:
    """Rows of a report's advice table `countries`; empty for reports of other files."""
    for result in report.protocols:
        if result.protocol == "advice" and result.applies:
            return list(result.tables.get("countries", []))
    return []


def compare_advice(
    first: Report, second: Report, *, seed: int = 0, replicates: int = 1000
) -> list[dict[str, Any]]:
    """Pairs of an approach of the first and one of the second report, with difference and test.

    See `scoring.protocols.advice_lean.paired_approaches`. p-values are adjusted over all pairs.
    """
    rng = np.random.default_rng(seed)
    marked = [
        {**row, "approach": f"{place}:{row['approach']}"}
        for place, report in (("first", first), ("second", second))
        for row in advice_rows(report)
    ]
    return paired_rows(marked, rng=rng, replicates=replicates, across=True)
