"""Read a folder of published aggregates into cells of the table `distributions`.

The folder holds, as Parquet:

- `wvs7_country_answers`: country, variable, code, n, w (sum of design weights), source;
- `wvs7_group_answers`: the same by group and group_value;
- `wvs7_effective_n`: country, variable, n, n_eff of the valid answers;
- optionally `wvs7_design_effects` (see `dataset_builder.reference.design_effects`);
- optionally `waves56_answers`, `waves56_answers_extra`: wave, country, question_id, code (in
  wave 7's terms), n, w, source; `waves56_effective_n`; and `waves56_cell_flags.csv`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from codebook import MissingKind, value_questions
from contracts.errors import ContractError, Problem
from contracts.release.distributions import Cells
from contracts.release.dominance import LEAST_EFFECTIVE, MOST_OF_VARIANCE, Place
from dataset_builder.reference.design_effects import DESIGN_FILE, DesignEffects

#: Files that are read, the last ones if they are there.
AGGREGATE_FILES = (
    "wvs7_country_answers.parquet",
    "wvs7_group_answers.parquet",
    "wvs7_effective_n.parquet",
    DESIGN_FILE,
    "waves56_answers.parquet",
    "waves56_answers_extra.parquet",
    "waves56_effective_n.parquet",
    "waves56_cell_flags.csv",
)

#: Variances of weights, in units of their squared mean, below which they count as equal.
_NO_VARIANCE = 1e-4

KEYS = ["wave", "group", "country", "question_id"]

#: Names of columns in the files of wave 7 -> ours.
_RENAME = {"variable": "question_id", "w": "weight"}

#: Extra questions of earlier waves that carry codes which wave 7's scale does not have.
_EXTRA_OFF_SCALE = {"Q174": (3,), "Q175": (3,)}


def read_aggregates(folder: Path) -> pd.DataFrame:
    """All answers of value questions in long form.

    Returns:
        Columns wave, country, group ("" for everyone), question_id, code, n, weight, source, flag.

    Raises:
        ContractError: a file or column is missing, or a code is neither on the question's scale
            nor a missing code.
    """
    wave7 = _read(folder, "wvs7_country_answers").assign(group="")
    groups = _read(folder, "wvs7_group_answers").assign(source="")
    groups["group"] = groups["group"].astype(str) + "=" + groups["group_value"].astype(str)
    parts = [part.assign(wave=7, flag="") for part in (wave7, groups)]
    for name, flag in (("waves56_answers", ""), ("waves56_answers_extra", "matched by labels")):
        if (folder / f"{name}.parquet").exists():
            parts.append(_read(folder, name).assign(group="", flag=flag))
    columns = [*KEYS, "code", "n", "weight", "source", "flag"]
    answers = pd.concat([part[columns] for part in parts], ignore_index=True)
    answers = answers[answers["question_id"].isin(value_questions())]
    answers = answers[answers["wave"].isin((5, 6, 7))]
    _check_codes(answers, where=str(folder))
    return answers


def _read(folder: Path, name: str) -> pd.DataFrame:
    path = folder / f"{name}.parquet"
    if not path.exists():
        raise ContractError(
            Problem("file-gone", f"the aggregates lack {path.name}", where=str(folder))
        )
    return pd.read_parquet(path).rename(columns=_RENAME)


def _check_codes(answers: pd.DataFrame, *, where: str) -> None:
    problems = []
    counted = answers.groupby(["question_id", "code"])["n"].sum().reset_index()
    for row in counted.to_dict("records"):
        question_id, code = str(row["question_id"]), int(row["code"])
        scale = value_questions()[question_id].scale
        assert scale is not None
        known = (*scale.codes, *scale.off_scale, *MissingKind)
        if code not in known and code not in _EXTRA_OFF_SCALE.get(question_id, ()):
            problems.append(
                Problem(
                    "unknown-code",
                    f"{question_id}: code {code} is neither on scale {scale.scale_id} nor missing",
                    where=where,
                    found=f"{int(row['n'])} answers",
                    allowed=str(scale.codes),
                )
            )
    if problems:
        raise ContractError(problems, subject="aggregates")


def read_effective_n(folder: Path) -> pd.DataFrame:
    """n and Kish n_eff of everyone's valid answers, indexed by (wave, country, question_id)."""
    parts = [_read(folder, "wvs7_effective_n").assign(wave=7)]
    if (folder / "waves56_effective_n.parquet").exists():
        parts.append(_read(folder, "waves56_effective_n"))
    table = pd.concat(parts, ignore_index=True)
    return table.set_index(["wave", "country", "question_id"])[["n", "n_eff"]].astype(float)


def dominated_by_sums(answers: pd.DataFrame, effective_n: pd.DataFrame) -> frozenset[Place]:
    """Waves and countries in which one respondent's weight is seen to stand out.

    Where single weights are not at hand, the heaviest is at least the largest mean weight of an
    option, of everyone or of a group: few respondents of large weight often stand alone there. The
    sum of squared deviations follows from Kish's n_eff of the question that most answered. The
    bound is that of `contracts.release.dominance`.

    Args:
        answers: as of `read_aggregates`.
        effective_n: as of `read_effective_n`.
    """
    place = ["wave", "country"]
    there = answers[answers["n"] > 0].assign(mean=lambda rows: rows["weight"] / rows["n"])
    everyone = there[there["group"] == ""].groupby(place)[["weight", "n"]].sum()
    most = effective_n[effective_n["n_eff"] > 0].reset_index().sort_values("n", kind="stable")
    most = most.groupby(place)[["n", "n_eff"]].last()
    frame = most.join(there.groupby(place)["mean"].max(), how="inner")
    frame = frame.join((everyone["weight"] / everyone["n"]).rename("of_all"))
    apart = np.square(frame["mean"] / frame["of_all"] - 1)
    variance = frame["n"] * (frame["n"] / frame["n_eff"] - 1)
    stands_out = (variance > _NO_VARIANCE * frame["n"]) & (apart > MOST_OF_VARIANCE * variance)
    dominated = frame[stands_out | (frame["n_eff"] < LEAST_EFFECTIVE)].reset_index()
    waves, names = dominated["wave"].tolist(), dominated["country"].tolist()
    return frozenset(zip(map(int, waves), map(str, names), strict=True))


def read_flags(folder: Path) -> Mapping[tuple[int, str, str], str]:
    """Doubts about cells of earlier waves by (wave, country, question_id)."""
    path = folder / "waves56_cell_flags.csv"
    if not path.exists():
        return {}
    flags = pd.read_csv(path, keep_default_na=False)
    return {
        (int(row["wave"]), str(row["country"]), str(row["question_id"])): str(row["flag"])
        for row in flags.to_dict("records")
    }


class AggregateCells(NamedTuple):
    """Cells, and Kish's effective sample size of each, shape (C,)."""

    cells: Cells
    kish: NDArray[np.float64]


def cells_from_answers(
    answers: pd.DataFrame,
    effective_n: pd.DataFrame,
    flags: Mapping[tuple[int, str, str], str],
    design: DesignEffects | None = None,
) -> AggregateCells:
    """Cells from long answers, with effective sample sizes.

    n_eff is Kish's over the effect of clustering. Kish's is known for everyone; groups, and cells
    whose published n is another, take n over the median effect of weights of the country's
    questions in that wave. The kind is `design` where both are the cell's own, `kish` where
    Kish's is and the sample is unclustered (or no effects are given), else `assumed`.
    """
    frame = answers.merge(_positions(answers), on=["question_id", "code"])
    cells = frame.groupby(KEYS, sort=True).agg(source=("source", "first"), flag=("flag", "first"))
    cells = cells.reset_index()
    cells["cell"] = np.arange(len(cells))
    frame = frame.merge(cells[[*KEYS, "cell"]], on=KEYS)

    valid = frame[frame["slot"] >= 0]
    width = int(valid["slot"].max()) + 1
    counts = np.zeros((len(cells), width))
    weights = np.zeros((len(cells), width))
    np.add.at(counts, (valid["cell"], valid["slot"]), valid["n"])
    np.add.at(weights, (valid["cell"], valid["slot"]), valid["weight"])
    missing = np.zeros((len(cells), len(MissingKind) + 1))
    other = frame[frame["slot"] < 0]
    np.add.at(missing, (other["cell"], -1 - other["slot"]), other["n"])

    kish, exact = _kish_n_eff(cells, counts.sum(axis=1), effective_n)
    n_eff, kind = _with_clustering(cells, counts.sum(axis=1), kish, exact, design)
    tabulated_cells = Cells(
        split=np.full(len(cells), "all", dtype=object),
        wave=cells["wave"].to_numpy(),
        country=cells["country"].to_numpy(dtype=object),
        group=cells["group"].to_numpy(dtype=object),
        question_id=cells["question_id"].to_numpy(dtype=object),
        counts=counts,
        weights=weights,
        n_eff=n_eff,
        n_eff_kind=kind,
        se=np.full(counts.shape, np.nan),
        missing=missing,
        flag=_flags(cells, flags),
    )
    return AggregateCells(tabulated_cells, kish)


def _positions(answers: pd.DataFrame) -> pd.DataFrame:
    """Slot of each (question, code): 0..K-1 on the scale, -1..-5 missing kinds, -6 off scale."""
    pairs = answers[["question_id", "code"]].drop_duplicates()
    slots = []
    for question_id, code in pairs.itertuples(index=False):
        scale = value_questions()[question_id].scale
        assert scale is not None
        slots.append(scale.position(code) if code in scale.codes else code if code < 0 else -6)
    return pairs.assign(slot=slots)


def _kish_n_eff(
    cells: pd.DataFrame, n_valid: NDArray[np.float64], effective_n: pd.DataFrame
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Kish's n_eff of every cell, and whether it is the cell's own.

    The published n counts off-scale answers too; where it is not that of the cell, the effect of
    weights carries over, not n_eff itself.
    """
    everyone = (cells["group"] == "").to_numpy()
    keys = pd.MultiIndex.from_frame(cells[["wave", "country", "question_id"]])
    known = effective_n.reindex(keys)
    effect = (known["n"] / known["n_eff"]).clip(lower=1.0)
    by_country = effect.groupby(level=[0, 1]).transform("median").fillna(1.0)
    n_eff = n_valid / effect.fillna(by_country).to_numpy()
    exact = everyone & (known["n"].to_numpy() == n_valid)
    return np.where(exact, known["n_eff"].to_numpy(), n_eff), exact


def _with_clustering(
    cells: pd.DataFrame,
    n_valid: NDArray[np.float64],
    kish: NDArray[np.float64],
    exact: NDArray[np.bool_],
    design: DesignEffects | None,
) -> tuple[NDArray[np.float64], NDArray[np.object_]]:
    """Effective sample sizes with clusters counted in, and how each was found."""
    if design is None:
        return kish, np.where(exact, "kish", "assumed").astype(object)
    effects = design.by_cell(cells, n_valid)
    own = exact & effects["tabulated"].to_numpy()
    plain = exact & effects["unclustered"].to_numpy()
    kind = np.where(own, "design", np.where(plain, "kish", "assumed")).astype(object)
    return kish / effects["effect"].to_numpy(), kind


def _flags(cells: pd.DataFrame, flags: Mapping[tuple[int, str, str], str]) -> np.ndarray:
    """Doubts of every cell joined by "; "."""
    out = []
    for row in cells.to_dict("records"):
        parts = [row["flag"]] if row["flag"] else []
        for question_id in ("*", row["question_id"]):
            doubt = flags.get((row["wave"], row["country"], question_id), "")
            parts += [doubt] if doubt else []
        if "noweightvar" in str(row["source"]):
            parts.append("unweighted source")
        out.append("; ".join(parts))
    return np.array(out, dtype=object)
