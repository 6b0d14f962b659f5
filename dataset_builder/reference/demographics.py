"""What the synthetic twin is modelled on: counts of demographics, clusters, effects of weights."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from contracts.errors import ContractError, Problem
from contracts.release.disclosure import publish_counts
from dataset_builder.reference.aggregates import read_effective_n
from dataset_builder.reference.design_effects import DESIGN_FILE, DESIGN_WAVE

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


def design_tables(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """What the twin's clusters and weights are modelled on.

    Returns:
        By wave and country: clusters (0 where none are usable), whether regions are strata, and
        the effect of weights, n over Kish's n_eff (median over questions, two decimals).
        By country and question: rho, the intra-cluster correlation, two decimals.

    Raises:
        ContractError: a file is missing.
    """
    paths = [folder / DESIGN_FILE, folder / "wvs7_effective_n.parquet"]
    gone = [path.name for path in paths if not path.exists()]
    if gone:
        raise ContractError(
            Problem("file-gone", f"the aggregates lack {', '.join(gone)}", where=str(folder))
        )
    effects = pd.read_parquet(paths[0]).astype({"country": str, "question_id": str})
    clusters = effects.groupby("country").agg(clusters=("psus", "max"), strata=("strata", "max"))
    known = read_effective_n(folder).reset_index()
    known["effect"] = (known["n"] / known["n_eff"]).clip(lower=1.0)
    weights = known.groupby(["wave", "country"])["effect"].median().round(2)
    countries = weights.rename("weight_effect").reset_index()
    countries = countries.merge(clusters, how="left", left_on="country", right_index=True)
    countries["clusters"] = countries["clusters"].where(countries["wave"] == DESIGN_WAVE)
    countries = countries.fillna({"clusters": 0}).astype({"clusters": int})
    countries["strata"] = countries["strata"].fillna(False).astype(bool) & (
        countries["clusters"] > 0
    )
    rho = effects[["country", "question_id"]].assign(rho=effects["rho"].astype(float).round(2))
    return countries, rho.astype({"rho": "float32"})


def write_design(folder: Path, countries: Path, rho: Path) -> int:
    """Write `design_tables` as CSV and Parquet; returns the number of rows."""
    tables = design_tables(folder)
    tables[0].to_csv(countries, index=False, lineterminator="\n")
    tables[1].to_parquet(rho, index=False, compression="zstd")
    return len(tables[0]) + len(tables[1])


def write_demographics(folder: Path, out: Path) -> int:
    """Write `demographic_counts` as Parquet; returns the number of rows."""
    table = demographic_counts(folder)
    table.to_parquet(out, index=False, compression="zstd")
    return len(table)
