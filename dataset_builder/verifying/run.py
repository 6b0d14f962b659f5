"""All checks of a release, in order; the later ones rest on the earlier."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa

from codebook import codebook_digest, value_questions
from contracts.errors import ContractError, Problem
from contracts.release.read import Release, open_release
from dataset_builder.progress import Progress, silent
from dataset_builder.verifying.correlations import PairRecount, check_pairs
from dataset_builder.verifying.distributions import (
    check_distributions,
    check_scattered,
    read_distributions,
)
from dataset_builder.verifying.files import check_card, check_files, check_rows, check_schemas
from dataset_builder.verifying.outcome import Check, Verification
from dataset_builder.verifying.people import (
    Respondents,
    ResponseChecker,
    check_probe,
    check_respondents,
)
from dataset_builder.verifying.public import check_public
from dataset_builder.verifying.recount import Recount
from dataset_builder.verifying.scattered import Scattered, scattered


def verify_release(source: str | Path, *, progress: Progress = silent) -> Verification:
    """Check every invariant of a release.

    Args:
        source: folder, `ORG/NAME@tag`, or `reference`.
        progress: told what is being done.

    Returns:
        All checks with all their problems. Checks that rest on a broken one are left out.
    """
    try:
        release = open_release(source)
    except ContractError as error:
        return Verification(str(source), (Check("manifest", error.problems),))
    checks = [Check("manifest", detail=f"schema {release.manifest.schema_version}")]
    with progress("checking files"):
        checks += [check_files(release), check_card(release)]
    if not checks[1].passed:
        return Verification(str(source), tuple(checks))
    checks.append(check_schemas(release))
    if not checks[-1].passed:
        return Verification(str(source), tuple(checks))
    with progress("reading all rows"), _frugal_memory():
        checks += _check_contents(release)
    return Verification(str(source), tuple(checks))


@contextmanager
def _frugal_memory() -> Iterator[None]:
    """Let Arrow give freed memory back: its own pool keeps some hundred megabytes for later."""
    before = pa.default_memory_pool()
    pa.set_memory_pool(pa.system_memory_pool())
    try:
        yield
    finally:
        pa.set_memory_pool(before)


def _check_contents(release: Release) -> list[Check]:
    checks = [_check_codebook(release), _check_questions(release)]
    if not release.has_individuals:
        checks.append(check_rows(release, lambda *_: None))
        table = read_distributions(release)
        ordered = release.schema_major >= 2
        checks += [check_distributions(table, ordered=ordered), _check_countries(release)]
        if release.has("correlations"):
            checks.append(check_pairs(release))
        if release.manifest.public:
            checks.append(check_public(release, table))
        return checks
    if release.manifest.public:
        checks.append(check_public(release, read_distributions(release)))
    return checks + _check_individuals(release)


def _check_individuals(release: Release) -> list[Check]:
    with scattered(release) as table:
        return _check_people(release, table)


def _check_people(release: Release, table: Scattered) -> list[Check]:
    respondents = Respondents(release.table("respondents"))
    inside = check_scattered(table, ordered=release.schema_major >= 2)
    responses = ResponseChecker(release, respondents)
    recount = Recount(release, respondents, table) if inside.passed else None
    pairs = PairRecount(release, respondents) if release.has("correlations") else None

    def visit(table: str, split: str, batch: pa.RecordBatch) -> None:
        if table == "responses":
            responses.visit(split, batch)
            if recount is not None:
                recount.visit(batch)
            if pairs is not None:
                pairs.visit(batch)

    rows = check_rows(release, visit)
    checks = [rows, check_respondents(release, respondents), responses.result(), inside]
    if recount is not None:
        checks.append(recount.result())
    if pairs is not None:
        checks += [check_pairs(release), pairs.result()]
    checks += [_check_countries(release), _check_counts(release)]
    if release.has("probe"):
        checks.append(check_probe(release, respondents))
    return checks


def _check_codebook(release: Release) -> Check:
    if release.manifest.codebook_digest == codebook_digest():
        return Check("codebook", detail="the installed one")
    return Check(
        "codebook",
        detail="another one than the installed: scales are checked against the installed",
    )


def _check_questions(release: Release) -> Check:
    """`questions` lists each question and wave once, with the codebook's scale."""
    rows = release.table("questions", columns=["question_id", "wave", "codes", "level"]).to_pylist()
    keys = [(row["question_id"], row["wave"]) for row in rows]
    problems = []
    if len(set(keys)) < len(keys):
        problems.append(Problem("question-twice", "a question occurs twice", where="questions"))
    for row in rows:
        question = value_questions().get(row["question_id"])
        if question is None or question.scale is None:
            continue
        if tuple(row["codes"]) != question.scale.codes or row["level"] != question.scale.level:
            problems.append(
                Problem(
                    "scale",
                    "the scale is not that of the codebook",
                    where="questions",
                    column=row["question_id"],
                    found=str(row["codes"]),
                    allowed=str(list(question.scale.codes)),
                )
            )
    used = set(
        release.table("distributions", columns=["question_id"])["question_id"].unique().to_pylist()
    )
    lacking = sorted(used - {key[0] for key in keys})
    if lacking:
        problems.append(
            Problem(
                "question-gone",
                "distributions hold questions that the table lacks",
                where="questions",
                found=", ".join(lacking[:10]),
            )
        )
    return Check("questions", tuple(problems), f"{len(rows)} rows")


def _check_countries(release: Release) -> Check:
    """`countries` lists the countries of `distributions`, and counts the people."""
    rows = release.table("countries", columns=["country", "waves", "respondents"]).to_pylist()
    used = release.table("distributions", columns=["country"])["country"].unique().to_pylist()
    problems = []
    lacking = sorted(set(used) - {row["country"] for row in rows})
    if lacking:
        problems.append(
            Problem(
                "country-gone", "countries are missing", where="countries", found=", ".join(lacking)
            )
        )
    if release.has("respondents"):
        table = release.table("respondents", columns=["country", "wave"])
        counts = table.group_by(["country", "wave"]).aggregate([([], "count_all")]).to_pylist()
        counted_people = {(row["country"], row["wave"]): row["count_all"] for row in counts}
        stated = {
            (row["country"], wave): people
            for row in rows
            for wave, people in zip(row["waves"], row["respondents"], strict=True)
        }
        if counted_people != stated:
            problems.append(
                Problem(
                    "country-people",
                    "people per country are not those of respondents",
                    where="countries",
                )
            )
    return Check("countries", tuple(problems), f"{len(rows)} countries")


def _check_counts(release: Release) -> Check:
    """The manifest's own counts add up."""
    counts, tables = release.manifest.counts, release.manifest.tables
    problems = []
    if counts.get("people") != tables["respondents"].rows:
        problems.append(
            Problem(
                "people",
                "people are not the rows of respondents",
                where="manifest.json",
                found=str(counts.get("people")),
                allowed=str(tables["respondents"].rows),
            )
        )
    expected = tables["responses"].rows + counts.get("answers_held_out", 0)
    if counts.get("answers_valid") != expected:
        problems.append(
            Problem(
                "answers",
                "valid answers are not the rows of responses and those held out",
                where="manifest.json",
                found=str(counts.get("answers_valid")),
                allowed=str(expected),
            )
        )
    return Check("counts of the manifest", tuple(problems))
