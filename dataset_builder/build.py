"""Survey files into a release: read, split, write every table, say everything in the manifest."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from contracts.atomic import atomic_folder, write_text
from contracts.errors import ContractError, Problem
from contracts.release.codebook_tables import countries_table, questions_table
from contracts.release.correlations import protect_correlations
from contracts.release.disclosure import protect_distributions
from contracts.release.dominance import Place, is_dominated
from contracts.release.manifest import Disclosure, Manifest, TableEntry
from contracts.release.write import (
    AGGREGATE_ROW_GROUP_ROWS,
    TableWriter,
    write_manifest,
    write_tables,
)
from dataset_builder.describing.card import CARD_NAME, card_text
from dataset_builder.describing.croissant import CROISSANT_NAME, croissant_text
from dataset_builder.manifest import BUILT_TABLES, PUBLIC_TABLES, make_manifest, split_recipe
from dataset_builder.options import DEFAULT_BUILD, BuildOptions
from dataset_builder.output import check_release_folder
from dataset_builder.people import People, describe_people, respondents_table
from dataset_builder.progress import Progress, Report, silent
from dataset_builder.sources import read_sources
from dataset_builder.splits import split_people
from dataset_builder.survey import Survey
from dataset_builder.tables.correlations import correlation_batches
from dataset_builder.tables.distribution_order import DistributionSorter
from dataset_builder.tables.probe import PROBE_WAVE, nameless_ids, probe_table
from dataset_builder.tables.responses import (
    WITHOUT_DEMOGRAPHICS,
    Layout,
    file_counts,
    write_responses,
)
from dataset_builder.tables.tabulate import check_codes, distribution_batches
from dataset_builder.tables.tasks import EVAL_NAME, eval_text, tasks_table
from dataset_builder.tables.tasks import TABLE as TASKS


def build_release(
    sources: Sequence[str | Path | Survey],
    out: str | Path,
    options: BuildOptions = DEFAULT_BUILD,
    *,
    force: bool = False,
    progress: Progress = silent,
) -> Manifest:
    """Make a release folder; it appears whole or not at all.

    Args:
        sources: survey files (or surveys already read); each wave and country in one of them.
        out: folder to make.
        options: what the release holds and how it is split.
        force: whether an older folder at `out` may be replaced.
        progress: told what is being done.

    Returns:
        The manifest, as written.

    Raises:
        ContractError: a file or an option is wrong, or the folder cannot be written.
    """
    options.check()
    check_release_folder(out, force=force)
    surveys = read_sources(sources, allow_unknown=options.allow_unknown, progress=progress)
    everyone = prepare(surveys, options)
    with atomic_folder(out, replace=force) as partial:
        return _write(partial, everyone, options, progress)


def plan_release(
    options: BuildOptions,
    sources: Sequence[str | Path | Survey],
    *,
    progress: Progress = silent,
) -> dict[str, Any]:
    """What `build_release` would write, found without writing anything.

    Returns:
        Name, version, sources, counts, split and tables, as the manifest will say them.

    Raises:
        ContractError: a file or an option is wrong.
    """
    options.check()
    surveys = read_sources(sources, allow_unknown=options.allow_unknown, progress=progress)
    everyone = prepare(surveys, options)
    manifest = make_manifest(everyone, options, {}, Disclosure()).model_dump(mode="json")
    tables = PUBLIC_TABLES if options.public else BUILT_TABLES
    wanted = ("name", "release_version", "public", "waves", "sources", "counts", "split", "notes")
    return {key: manifest[key] for key in wanted} | {"tables": list(tables)}


def prepare(surveys: Sequence[Survey], options: BuildOptions) -> list[People]:
    """Split and describe the people of all surveys.

    Raises:
        ContractError: an option names what the files lack, or a code is on no scale.
    """
    _check_held_out(surveys, options)
    splits = split_people(surveys, split_recipe(options))
    everyone = [
        describe_people(survey, split, include=options.include, seed=options.seed)
        for survey, split in zip(surveys, splits, strict=True)
    ]
    for people in everyone:
        check_codes(people)
    return everyone


def _check_held_out(surveys: Sequence[Survey], options: BuildOptions) -> None:
    asked = {question for survey in surveys for question in survey.questions}
    there = {country for survey in surveys for country in survey.countries}
    problems = [
        Problem("held-out", f"no file holds {kind} {name!r}", hint="Check the spelling.")
        for kind, names, known in (
            ("question", options.hold_out_questions, asked),
            ("country", options.hold_out_countries, there),
        )
        for name in names
        if name not in known
    ]
    if problems:
        raise ContractError(problems, subject="--hold-out")


def _write(
    root: Path, everyone: Sequence[People], options: BuildOptions, progress: Progress
) -> Manifest:
    tables: dict[str, TableEntry] = {}
    if not options.public:
        tables |= _write_individuals(root, everyone, options, progress)
    with progress("counting answers") as report:
        effects: dict[str, dict[str, float]] = {}
        tables["distributions"], disclosure = _write_distributions(
            root, everyone, options, report, effects
        )
    with progress("correlating answers") as report:
        tables |= _write_correlations(root, everyone, options, report)
    tables |= write_tables(
        root,
        {
            "questions": _questions(everyone),
            "countries": _countries(everyone, public=options.public),
            **(_tasks(root, tables["distributions"]) if options.public else {}),
        },
    )
    manifest = make_manifest(everyone, options, tables, disclosure)
    manifest = manifest.model_copy(update={"kish_over_n_eff": effects})
    write_descriptions(root, manifest)
    return manifest


def write_descriptions(root: Path, manifest: Manifest) -> None:
    """Write card, Croissant metadata, `eval.yaml` where there are tasks, and, last, the manifest of
    a release whose tables stand."""
    write_text(root / CARD_NAME, card_text(manifest, root))
    write_text(root / CROISSANT_NAME, croissant_text(manifest, root))
    if TASKS in manifest.tables:
        write_text(root / EVAL_NAME, eval_text(manifest))
    write_manifest(root, manifest)


def _layout(everyone: Sequence[People], options: BuildOptions) -> Layout:
    if options.demographics == "none":
        return Layout(fixed=WITHOUT_DEMOGRAPHICS, text=options.include)
    if options.demographics == "main":
        return Layout(text=options.include)
    return Layout(text=options.include, codes=_variables(everyone))


def _variables(everyone: Sequence[People]) -> tuple[str, ...]:
    """Raw demographics that any of the surveys has, in the order of the first that has them."""
    return tuple(dict.fromkeys(variable for people in everyone for variable in people.codes))


def _write_individuals(
    root: Path, everyone: Sequence[People], options: BuildOptions, progress: Progress
) -> dict[str, TableEntry]:
    responses = TableWriter(root, "responses", parts=file_counts(everyone))
    with progress("writing responses") as report:
        write_responses(
            responses,
            everyone,
            layout=_layout(everyone, options),
            held_out_questions=options.hold_out_questions,
            progress=report,
        )
        entries = {"responses": responses.close()}
    variables = _variables(everyone)
    with progress("writing respondents and probe"):
        respondents = TableWriter(root, "respondents")
        probe = TableWriter(root, "probe")
        nameless = nameless_ids(everyone, wave=PROBE_WAVE)
        for people in everyone:
            respondents.write(respondents_table(people, variables))
            if people.survey.wave == PROBE_WAVE:
                rng = np.random.default_rng(options.seed)
                probe.write(probe_table(people, nameless=nameless, rng=rng))
        entries["respondents"] = respondents.close()
        entries["probe"] = probe.close()
    return {name: entry for name, entry in entries.items() if entry.files}


def _write_distributions(
    root: Path,
    everyone: Sequence[People],
    options: BuildOptions,
    report: Report,
    effects: dict[str, dict[str, float]],
) -> tuple[TableEntry, Disclosure]:
    """Write `distributions`; `effects` takes Kish's n_eff over n_eff by wave and country."""
    total = Disclosure()
    sorter = DistributionSorter()
    for number, people in enumerate(everyone):
        report(number, len(everyone))
        own = effects.setdefault(str(people.survey.wave), {})
        dominated = _dominated(people) if options.public else frozenset()
        for country in distribution_batches(people, cells=options.cells, effects=own):
            if options.public:
                country, held_back = protect_distributions(country, dominated=dominated)
                total = add_disclosure(total, held_back)
            sorter.add(country)
    writer = TableWriter(root, "distributions")
    for table in sorter.tables(at_least=AGGREGATE_ROW_GROUP_ROWS):
        writer.write(table)
    return writer.close(), total


def _write_correlations(
    root: Path, everyone: Sequence[People], options: BuildOptions, report: Report
) -> dict[str, TableEntry]:
    """Write `correlations`, country by country; no table where no pair is left."""
    writer = TableWriter(root, "correlations")
    for number, people in enumerate(everyone):
        report(number, len(everyone))
        dominated = _dominated(people) if options.public else frozenset()
        for exact, counts in correlation_batches(people):
            shown = exact
            if options.public:
                shown = protect_correlations(exact, counts, dominated=dominated)
            if shown.num_rows:
                writer.write(shown)
    entry = writer.close()
    return {"correlations": entry} if entry.files else {}


def _dominated(people: People) -> frozenset[Place]:
    """Countries of a survey whose weights would tell of one respondent."""
    survey = people.survey
    retained = people.split >= 0
    return frozenset(
        (survey.wave, country)
        for number, country in enumerate(survey.countries)
        if is_dominated(survey.weight[retained & (survey.country == number)])
    )


def add_disclosure(one: Disclosure, other: Disclosure) -> Disclosure:
    """Disclosure control of two parts of a table, taken together."""
    return other.model_copy(
        update={
            "cells_suppressed": one.cells_suppressed + other.cells_suppressed,
            "cells_suppressed_secondary": one.cells_suppressed_secondary
            + other.cells_suppressed_secondary,
        }
    )


def _tasks(root: Path, written: TableEntry) -> dict[str, pa.Table]:
    """The tasks of `distributions` as it was written, under the disclosure rule; none of a release
    whose cells are all held back."""
    everyone = (pc.field("split") == "all") & (pc.field("group") == "")
    parts = [pq.read_table(root / file.path, filters=everyone) for file in written.files]
    tasks = tasks_table(pa.concat_tables(parts))
    return {TASKS: tasks} if tasks.num_rows else {}


def _questions(everyone: Sequence[People]) -> pa.Table:
    asked: dict[int, set[str]] = {}
    for people in everyone:
        asked.setdefault(people.survey.wave, set()).update(people.survey.questions)
    return questions_table(asked)


def _countries(everyone: Sequence[People], *, public: bool) -> pa.Table:
    people_of: dict[str, dict[int, int]] = {}
    for people in everyone:
        survey = people.survey
        counts = np.bincount(survey.country[people.split >= 0], minlength=len(survey.countries))
        for country, count in zip(survey.countries, counts.tolist(), strict=True):
            if count:
                people_of.setdefault(country, {})[survey.wave] = count
    return countries_table(people_of, rounded=public)
