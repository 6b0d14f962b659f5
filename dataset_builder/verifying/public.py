"""A public release holds published figures and nothing else: judged from its contents alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from codebook import value_questions
from contracts.errors import Problem
from contracts.release.correlations import EVERYONE, public_pair_problems
from contracts.release.disclosure import (
    ROUNDING,
    RULE_VERSION,
    disclosure_problems,
)
from contracts.release.manifest import MANIFEST_NAME, Manifest
from contracts.release.read import Release
from contracts.release.tables import AGGREGATE_TABLES, table_schema
from dataset_builder.verifying.outcome import Check, counted

_REMAKE = "Make it again with: opinion-atlas build ... --public"

#: Tables of texts with shares as targets.
_TARGET_TABLES = ("soft", "tasks")

_CELL = ("wave", "country", "group", "question_id")

#: How far the share of a target may lie from a published one, for shares that were made to add up.
_SHARE_TOLERANCE = 2e-3

#: Published shares by code and effective sample sizes by cell; one of each per split.
_Cells = dict[tuple[object, ...], list[tuple[dict[int, float], float]]]


def check_public(release: Release, table: pa.Table) -> Check:
    """A public release has no rows of single respondents, and its figures are published ones.

    Args:
        release: the release, whose files have the columns of their tables.
        table: its `distributions`.
    """
    manifest = release.manifest
    problems = [
        Problem("microdata", f"a public release holds the table {name!r}", where=name, hint=_REMAKE)
        for name in manifest.tables
        if name not in AGGREGATE_TABLES
    ]
    rule_version = manifest.disclosure.rule_version
    if rule_version != RULE_VERSION:
        problems.append(
            Problem(
                "withdrawn",
                "the release was made under an earlier disclosure rule, by which single "
                "respondents could be identified; such releases are withdrawn",
                where=MANIFEST_NAME,
                column="disclosure.rule_version",
                found=rule_version or "none",
                allowed=RULE_VERSION,
                hint="Delete its public copies, and make it again from the survey files: "
                "opinion-atlas build ... --public",
            )
        )
    problems += [*_column_problems(release), *_manifest_problems(manifest)]
    problems += _country_problems(release)
    problems += disclosure_problems(table)
    if release.has("correlations"):
        everyone = table.filter(EVERYONE)
        problems += public_pair_problems(release.table("correlations"), everyone)
    problems += _target_problems(release, table)
    return Check("disclosure control", tuple(problems), f"rule {RULE_VERSION}")


def _column_problems(release: Release) -> Iterator[Problem]:
    """Columns beside those of the schema: nobody has looked at what they say."""
    for name, entry in release.manifest.tables.items():
        if name not in AGGREGATE_TABLES:
            continue
        known = set(table_schema(name, major=release.schema_major).names)
        for file in entry.files:
            further = [
                column
                for column in pq.read_schema(release.root / file.path).names
                if column not in known
                and not (name == "questions" and column.startswith("wording_"))
            ]
            if further:
                yield Problem(
                    "private-column",
                    "a table of a public release has columns that are not of its schema",
                    where=file.path,
                    found=", ".join(further[:10]),
                    allowed="none",
                    hint=_REMAKE,
                )


def _manifest_problems(manifest: Manifest) -> list[Problem]:
    """Numbers of respondents in the manifest are rounded, and rare codes are not listed."""
    stated = {f"split.people.{name}": n for name, n in manifest.split.people.items()}
    stated["counts.people"] = manifest.counts.get("people", 0)
    exact = [name for name, n in stated.items() if n % ROUNDING]
    problems = counted(
        "exact-count",
        f"numbers of respondents that are no multiples of {ROUNDING}: {', '.join(exact)}",
        len(exact),
        where=MANIFEST_NAME,
    )
    return problems + counted(
        "unlisted-codes",
        "codes that the codebook lacks, with the exact number of respondents",
        len(manifest.unlisted_codes),
        where=MANIFEST_NAME,
    )


def _country_problems(release: Release) -> list[Problem]:
    numbers = release.table("countries", columns=["respondents"])["respondents"].to_pylist()
    exact = sum(n % ROUNDING != 0 for of_country in numbers for n in of_country or ())
    return counted(
        "exact-count",
        f"numbers of respondents that are no multiples of {ROUNDING}",
        exact,
        where="countries",
    )


def _target_problems(release: Release, table: pa.Table) -> list[Problem]:
    """Targets of training texts and tasks are the shares of public cells."""
    names = [name for name in _TARGET_TABLES if release.has(name)]
    if not names:
        return []
    cells = _published_shares(table)
    return [
        problem
        for name in names
        for problem in counted(
            "private-target",
            "rows whose shares are not those of a published cell",
            sum(not _is_published(row, cells) for row in release.table(name).to_pylist()),
            where=name,
        )
    ]


def _published_shares(table: pa.Table) -> _Cells:
    cells: _Cells = {}
    columns = ("split", *_CELL, "code", "weighted_share", "n_eff")
    by_split: dict[tuple[object, ...], tuple[dict[int, float], float]] = {}
    rows = zip(*(table.column(c).to_pylist() for c in columns), strict=True)
    for *key, code, share, n_eff in rows:
        if share is not None:
            by_split.setdefault(tuple(key), ({}, n_eff))[0][code] = share
    for (_, *cell), figures in by_split.items():
        cells.setdefault(tuple(cell), []).append(figures)
    return cells


def _is_published(row: dict[str, Any], cells: _Cells) -> bool:
    """Whether the shares of a row are those of its cell, of any split.

    The shares are those of the answers on offer, made to add up to 1, in the order of the row's
    options, or, where it names none by code, of the scale.
    """
    published_cells = cells.get(
        tuple(row[name] or "" if name == "group" else row[name] for name in _CELL)
    )
    return any(
        _are_alike(row, published) and row.get("n_eff", n_eff) == n_eff
        for published, n_eff in published_cells or ()
    )


def _are_alike(row: dict[str, Any], published: dict[int, float]) -> bool:
    codes = [option["code"] for option in row.get("options") or ()] or _offered(row["question_id"])
    shares = np.array([published.get(code, 0.0) for code in codes])
    shares = shares / (shares.sum() or 1.0)
    stated = np.asarray(row["shares"] or [], np.float64)
    return len(stated) == len(shares) and bool(np.all(np.abs(stated - shares) <= _SHARE_TOLERANCE))


def _offered(question_id: str) -> tuple[int, ...]:
    """Codes of the answers that a question offers, in the order of its scale."""
    question = value_questions().get(question_id)
    return question.scale.offered if question is not None and question.scale is not None else ()
