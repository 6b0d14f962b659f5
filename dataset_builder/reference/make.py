"""Make the reference release: aggregates of real answers under disclosure control."""

from __future__ import annotations

from collections.abc import Mapping, Set
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

import codebook
from codebook import codebook_digest, value_questions
from codebook.wordings.wording import languages, wording
from contracts.atomic import atomic_folder
from contracts.digests import sha256_file
from contracts.errors import ContractError, Problem
from contracts.release.codebook_tables import countries_table, questions_table
from contracts.release.disclosure import (
    correlation_problems,
    protect_distributions,
    round_correlation,
)
from contracts.release.distributions import Cells, distribution_table, sort_distributions
from contracts.release.dominance import Place, in_places
from contracts.release.manifest import Manifest, SourceFile, SplitRecipe
from contracts.release.write import write_tables
from dataset_builder.build import build_release, write_descriptions
from dataset_builder.design_effects.summary import kish_over_n_eff
from dataset_builder.options import BuildOptions
from dataset_builder.reference.aggregates import (
    AGGREGATE_FILES,
    cells_from_answers,
    dominated_by_sums,
    read_aggregates,
    read_effective_n,
    read_flags,
)
from dataset_builder.reference.design_effects import UNCLUSTERED, read_design_effects

#: Version of the reference release; it grows whenever its rows change.
REFERENCE_VERSION = "2.2.0"

#: File of correlations in a folder of aggregates.
CORRELATIONS_FILE = "wvs7_correlations.parquet"

_KISH = "Kish: unequal weights only"
_DESIGN_EFFECTS = (
    "Wave 7, 38 countries: Taylor linearisation, primary sampling units as ultimate clusters, "
    "regions as strata where clusters lie in one; Kish where the sample is unclustered "
    f"({', '.join(UNCLUSTERED)}); else the median of the other countries, by question"
)

_NOTES = [
    "Tabulated from country files of wave 7 v5.0 (56 countries) and USA v1.5, and from files of "
    "waves 5 and 6 (ten countries each), that others had made public; checked against published "
    "tables; not official tables.",
    "Where n_eff_kind is assumed, n_eff is Kish's over 1 + (respondents per cluster - 1) x "
    "intra-cluster correlation (groups), or over the median design effect of the other countries "
    "(everyone where the file has no usable clusters; waves 5 and 6). Kish's of a group is n over "
    "its country's effect of weights. Single groups can be off by a factor of 2.",
    "Correlations: wave 7, pairs of the ordinal questions of the set `alignment`, weighted.",
    "Missing countries of wave 7: CAN, CHN, GBR, HKG, IDN, NLD, TUR (v5.0) and IND, UZB (v6.0).",
    "Wave 6 of USA, RUS and EGY has no weight in its source (flag: unweighted source).",
]


def make_reference(source: str | Path, out: str | Path, *, replace: bool = False) -> Manifest:
    """Write the reference release to `out`.

    Args:
        source: a folder of aggregates (see `aggregates`) or an official survey file.
        out: the folder to make.
        replace: whether an older reference there may be replaced.

    Raises:
        ContractError: the source cannot be read or breaks the codebook.
    """
    path = Path(source)
    if path.is_dir():
        return _from_aggregates(path, Path(out), replace=replace)
    if not path.exists():
        raise ContractError(Problem("file-gone", f"there is nothing at {path}"))
    return _from_survey_file(path, Path(out), replace=replace)


def _from_survey_file(path: Path, out: Path, *, replace: bool) -> Manifest:
    """An official file goes through the pipeline of every public release."""
    return build_release([path], out, BuildOptions(public=True, name="reference"), force=replace)


def _from_aggregates(folder: Path, out: Path, *, replace: bool) -> Manifest:
    answers = read_aggregates(folder)
    design = read_design_effects(folder)
    effective_n = read_effective_n(folder)
    cells, kish = cells_from_answers(answers, effective_n, read_flags(folder), design)
    dominated = dominated_by_sums(answers, effective_n)
    exact = sort_distributions(distribution_table(cells))
    protected = protect_distributions(exact, dominated=dominated)
    tables = {
        "questions": _questions(answers),
        "countries": countries_table(_people(cells), rounded=True),
        "distributions": protected.table,
    }
    if (folder / CORRELATIONS_FILE).exists():
        pairs = _correlations(folder / CORRELATIONS_FILE)
        tables["correlations"] = pairs.filter(pa.array(~in_places(pairs, dominated)))
    with atomic_folder(out, replace=replace) as partial:
        entries = write_tables(partial, tables)
        manifest = Manifest(
            name="reference",
            release_version=REFERENCE_VERSION,
            builder_version=REFERENCE_VERSION,
            public=True,
            waves=sorted({int(wave) for wave in cells.wave}),
            sources=_sources(folder),
            codebook_digest=codebook_digest(),
            wording_digests={language: wording(language).digest for language in languages()},
            tables=entries,
            counts={"cells": _cells(protected.table), "countries": tables["countries"].num_rows},
            split=SplitRecipe(recipe="none"),
            demographics="none",
            disclosure=protected.disclosure,
            kish_over_n_eff=kish_over_n_eff(
                cells.wave, cells.country, cells.group, kish, cells.n_eff
            ),
            notes=[*_NOTES, *_heads_notes(dominated)],
            design_effects=_KISH if design is None else _DESIGN_EFFECTS,
        )
        write_descriptions(partial, manifest)
    return manifest


def _heads_notes(dominated: Set[Place]) -> list[str]:
    """What is said of countries whose figures count heads."""
    if not dominated:
        return []
    names = ", ".join(f"{country} (wave {wave})" for wave, country in sorted(dominated))
    return [
        f"Unweighted, and without correlations: {names}. One respondent's weight stands out there, "
        "and weighted figures would tell what this respondent answered."
    ]


def _cells(table: pa.Table) -> int:
    """Number of cells of `distributions`: rows of a first option, or without a code."""
    first = pc.fill_null(pc.equal(table.column("position"), 0), fill_value=True)
    return int(pc.sum(first).as_py() or 0)


def _correlations(path: Path) -> pa.Table:
    """Correlations that others tabulated under the disclosure rule, in our columns.

    Raises:
        ContractError: they are no published figures.
    """
    frame = pd.read_parquet(path).astype({"question_a": str, "question_b": str})
    order = {name: number for number, name in enumerate(value_questions())}
    frame = frame.assign(a=frame["question_a"].map(order), b=frame["question_b"].map(order))
    turned = frame["a"] > frame["b"]
    frame.loc[turned, ["question_a", "question_b"]] = frame.loc[
        turned, ["question_b", "question_a"]
    ].to_numpy()
    frame["low"], frame["high"] = frame[["a", "b"]].min(axis=1), frame[["a", "b"]].max(axis=1)
    frame = frame.sort_values(["country", "low", "high"])
    table = pa.table(
        {
            "wave": pa.array(np.full(len(frame), 7, np.int8)),
            "country": pa.array(frame["country"], pa.string()),
            "question_a": pa.array(frame["question_a"], pa.string()),
            "question_b": pa.array(frame["question_b"], pa.string()),
            "n": pa.nulls(len(frame), pa.int32()),
            "r": pa.array(round_correlation(frame["r"].to_numpy()), pa.float32()),
        }
    )
    problems = correlation_problems(table)
    if problems:
        raise ContractError(problems, subject=path.name)
    return table


def _sources(folder: Path) -> list[SourceFile]:
    names = (*AGGREGATE_FILES, CORRELATIONS_FILE)
    files = sorted(path for name in names if (path := folder / name).exists())
    return [
        SourceFile(
            name=path.name,
            sha256=sha256_file(path),
            survey="WVS aggregates",
            rows=len(pd.read_parquet(path)) if path.suffix == ".parquet" else 0,
        )
        for path in files
    ]


def _questions(answers: pd.DataFrame) -> pa.Table:
    pairs = answers[["wave", "question_id"]].drop_duplicates()
    asked: dict[int, set[str]] = {}
    for row in pairs.to_dict("records"):
        asked.setdefault(int(row["wave"]), set()).add(str(row["question_id"]))
    return questions_table(asked)


def _people(cells: Cells) -> Mapping[str, Mapping[int, int]]:
    """Most people that any question of a country and wave reached, missing answers included."""
    totals = cells.counts.sum(axis=1) + cells.missing.sum(axis=1)
    people: dict[str, dict[int, int]] = {}
    everyone = np.flatnonzero(np.asarray(cells.group, dtype=object) == "")
    for i in everyone.tolist():
        waves = people.setdefault(str(cells.country[i]), {})
        wave = int(cells.wave[i])
        waves[wave] = max(waves.get(wave, 0), int(totals[i]))
    unknown = sorted(set(people) - set(codebook.countries()))
    if unknown:
        raise ContractError(Problem("unknown-country", "no such country", found=str(unknown)))
    return people
