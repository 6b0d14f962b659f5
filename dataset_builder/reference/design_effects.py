"""Effective sample sizes of aggregates: unequal weights, and design effects that were tabulated.

`wvs7_design_effects` holds, by country and question, the clusters, `ratio_shares` and `ratio_mean`
(design variance over Kish's) and `rho` (intra-cluster correlation of the mean), from files whose
primary sampling units are usable.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codebook import value_questions
from contracts.errors import ContractError, Problem

DESIGN_FILE = "wvs7_design_effects.parquet"

#: Countries whose samples are unclustered: drawn from registers, or one respondent per unit.
UNCLUSTERED = ("AUS", "NZL", "KOR", "NIR")

#: Wave whose files the effects were tabulated from.
DESIGN_WAVE = 7

_COLUMNS = ("country", "question_id", "psus", "ratio_shares", "ratio_mean", "rho")


@dataclass(frozen=True)
class DesignEffects:
    """Design effects by country and question.

    Attributes:
        own: indexed by (country, question_id): `effect` (of the mean position, of the shares
            where the question is nominal), `rho`, `clusters`.
    """

    own: pd.DataFrame

    def by_cell(self, cells: pd.DataFrame, n_valid: NDArray[np.float64]) -> pd.DataFrame:
        """Effect of clustering on each cell.

        Everyone of a country takes the tabulated effect. A group takes 1 + (b - 1) rho, with b
        its respondents per cluster (Kish, 1965, Survey Sampling, section 5.4). Countries without
        usable clusters take the median of the others, by question; so do other waves. Samples
        that are unclustered have none.

        Args:
            cells: columns wave, country, group, question_id.
            n_valid: valid answers of each cell.

        Returns:
            `effect`, and `tabulated`: whether it is the cell's own.
        """
        keys = pd.MultiIndex.from_frame(cells[["country", "question_id"]])
        own = self.own.reindex(keys)
        clustered = cells["country"].isin(self.own.index.get_level_values(0)).to_numpy()
        clustered = clustered & (cells["wave"] == DESIGN_WAVE).to_numpy()
        # A question without figures of its own takes the country's median, else the question's.
        by_country = self.own.groupby(level=0).median().reindex(cells["country"])
        by_question = self.own.groupby(level=1).median().reindex(cells["question_id"])
        overall = self.own.median()
        figures = {}
        for name in ("effect", "rho", "clusters"):
            column = own[name].to_numpy()
            lent = by_country[name].to_numpy()
            own_or_lent = np.where(np.isnan(column), lent, column)
            others = by_question[name].fillna(overall[name]).to_numpy()
            figures[name] = np.where(clustered, own_or_lent, others)
        everyone = (cells["group"] == "").to_numpy()
        size = n_valid / np.clip(figures["clusters"], 1, np.maximum(n_valid, 1))
        of_group = 1 + (size - 1) * figures["rho"]
        effect = np.where(everyone, figures["effect"], of_group)
        free = cells["country"].isin(UNCLUSTERED).to_numpy() & ~clustered
        tabulated = everyone & clustered & own["effect"].notna().to_numpy()
        return pd.DataFrame(
            {"effect": np.where(free, 1.0, effect), "tabulated": tabulated, "unclustered": free}
        )


def read_design_effects(folder: Path) -> DesignEffects | None:
    """Design effects of a folder of aggregates, None where it has none.

    Raises:
        ContractError: the file lacks a column.
    """
    path = folder / DESIGN_FILE
    if not path.exists():
        return None
    frame = pd.read_parquet(path)
    lacking = [name for name in _COLUMNS if name not in frame]
    if lacking:
        raise ContractError(
            Problem("no-column", f"columns are missing: {', '.join(lacking)}", where=str(path))
        )
    known = value_questions()
    frame = frame[frame["question_id"].isin(known)].astype({"country": str, "question_id": str})
    ordinal = {name: bool(q.scale and q.scale.is_ordinal) for name, q in known.items()}
    effect = frame["ratio_mean"].where(frame["question_id"].map(ordinal), frame["ratio_shares"])
    figures = pd.DataFrame(
        {
            "country": frame["country"],
            "question_id": frame["question_id"],
            "effect": effect.astype(float),
            "rho": frame["rho"].astype(float),
            "clusters": frame["psus"].astype(float),
        }
    )
    return DesignEffects(figures.set_index(["country", "question_id"]))
