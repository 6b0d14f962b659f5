"""Marginal counts of demographic variables that the synthetic twin is modelled on."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from contracts.errors import ContractError, Problem
from contracts.release.disclosure import publish_counts

#: Variables of interview and respondent that the twin draws from counts.
VARIABLES = (
    "E1_LITERACY",
    "E_RESPINT",
    "F_INTPRIVACY",
    "G_TOWNSIZE",
    "G_TOWNSIZE2",
    "H_SETTLEMENT",
    "H_URBRURAL",
    "Q_MODE",
    "S_INTLANGUAGE",
    "Q223",
    "Q260",
    *(f"Q{number}" for number in range(262, 291)),
    *(f"Q{number}A" for number in (275, 276, 277, 278)),
)


def demographic_counts(folder: Path) -> pd.DataFrame:
    """Published counts of each country's codes (rule 7 of the disclosure rule).

    Args:
        folder: folder of aggregates with `wvs7_country_answers.parquet`.

    Returns:
        Columns variable, country, code, people, sorted by the first three.

    Raises:
        ContractError: the file is missing.
    """
    path = folder / "wvs7_country_answers.parquet"
    if not path.exists():
        raise ContractError(
            Problem("file-gone", f"the aggregates lack {path.name}", where=str(folder))
        )
    answers = pd.read_parquet(path, columns=["variable", "country", "code", "n"])
    answers = answers[answers["variable"].isin(VARIABLES)].astype({"variable": str, "country": str})
    rows = []
    for (variable, country), cell in answers.groupby(["variable", "country"], sort=True):
        exact = dict(zip(cell["code"].astype(int).tolist(), cell["n"].tolist(), strict=True))
        rows += [
            (variable, country, code, people)
            for code, people in sorted(publish_counts(exact).items())
        ]
    return pd.DataFrame(rows, columns=["variable", "country", "code", "people"])


def write_demographics(folder: Path, out: Path) -> int:
    """Write `demographic_counts` as Parquet; returns the number of rows."""
    table = demographic_counts(folder)
    table.to_parquet(out, index=False, compression="zstd")
    return len(table)
