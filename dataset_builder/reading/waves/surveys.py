"""Assembled rows of one wave as a `Survey`, with what does not compare taken out."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codebook.crosswalk import exceptions
from codebook.questions import MissingKind
from dataset_builder.reading.assembly import Assembly
from dataset_builder.reading.blocks import TabularFile
from dataset_builder.reading.formats.whole_file import country_index, country_name, stacked
from dataset_builder.reading.identity import equal_rows, respondent_ids
from dataset_builder.reading.provenance import synthetic_source
from dataset_builder.reading.source_file import source_file
from dataset_builder.reading.unknown_share import unknown_notes, unknown_shares, withhold
from dataset_builder.reading.variables import variable_name
from dataset_builder.reading.waves.identity import wave_respondent_ids
from dataset_builder.reading.waves.layout import VARIANT
from dataset_builder.reading.waves.sources import Source
from dataset_builder.survey import Survey


def make_survey(
    assembly: Assembly,
    file: TabularFile,
    path: Path,
    *,
    wave: int,
    source: Source,
    row_number: NDArray[np.int64],
    left_out: tuple[str, ...],
) -> Survey:
    """The survey of one wave.

    Args:
        assembly: its rows.
        file: the file they come from.
        path: where that is.
        wave: the wave.
        source: what the file is.
        row_number: row in the file of each person, shape (n,).
        left_out: notes about people who are left out.
    """
    country_code = np.concatenate(assembly.country)
    countries, country = country_index(country_code)
    questions = tuple(assembly.layout.questions)
    answers = stacked(assembly.answers, len(questions))
    demographics = {v: np.concatenate(parts) for v, parts in assembly.demographics.items()}
    demographics["B_COUNTRY"] = country_code.astype(np.int32)
    ids = {role: np.concatenate(parts) for role, parts in assembly.ids.items()}
    respondent_id, id_source = _respondent_ids(country_code, wave, ids)
    shares = unknown_shares(assembly.unlisted, answers, questions, country, countries, country_name)
    withhold(shares, answers, questions, country, countries)
    exception_notes = _take_out(answers, questions, wave, countries, country)
    synthetic, mark = synthetic_source(
        path, versions=assembly.provenance["version"], dois=assembly.provenance["doi"]
    )
    survey_notes = _notes(assembly, file, wave, source)
    if twins := equal_rows([answers, *demographics.values()]):
        survey_notes.append(
            f"Wave {wave}: {twins} rows equal an earlier one in every answer and demographic "
            "read; they are kept."
        )
    return Survey(
        source=source_file(
            assembly,
            file,
            path,
            wave=wave,
            seen=_seen(assembly, source),
            id_source=id_source,
            synthetic=synthetic,
        ),
        wave=wave,
        respondent_id=respondent_id,
        interview_id=ids.get("interview", np.full(len(country), int(MissingKind.MISSING))),
        country=country,
        countries=countries,
        weight=np.concatenate(assembly.weight),
        answers=answers,
        questions=questions,
        demographics=demographics,
        row_number=row_number,
        unlisted=assembly.unlisted.listing(country_name),
        unknown_shares=shares,
        notes=(
            *unknown_notes(shares, wave=wave),
            *left_out,
            *survey_notes,
            *exception_notes,
            *mark,
        ),
        synthetic=synthetic,
        psu=assembly.joined_design("psu"),
        region=assembly.joined_design("region"),
    )


def _respondent_ids(
    country_code: NDArray[np.int64], wave: int, ids: dict[str, NDArray[np.int64]]
) -> tuple[NDArray[np.int32], str]:
    """Ids of wave 7 are those of its own file, S007, where they are unique."""
    if wave == 7 and "person" in ids:
        person_ids, origin = respondent_ids(ids["person"], None, len(country_code))
        if origin == "S007":
            return person_ids, origin
    return wave_respondent_ids(country_code, wave, ids.get("interview"))


def _take_out(
    answers: NDArray[np.int8],
    questions: tuple[str, ...],
    wave: int,
    countries: tuple[str, ...],
    country: NDArray[np.int16],
) -> list[str]:
    """Set answers that do not compare to -5, in place; a note for each exception met."""
    notes = []
    for known in exceptions():
        if known.wave != wave or known.country not in countries:
            continue
        columns = np.array([questions.index(q) for q in known.question_ids if q in questions], int)
        people = np.flatnonzero(country == countries.index(known.country))
        block = answers[np.ix_(people, columns)]
        if not (block >= 0).any():
            continue
        named = ", ".join(questions[c] for c in columns)
        if known.kind == "not comparable":
            answers[np.ix_(people, columns)] = np.where(
                block >= 0, np.int8(MissingKind.MISSING), block
            )
            notes.append(
                f"{known.country}, wave {wave}: answers to {named} were left out. {known.note}."
            )
        else:
            notes.append(f"{known.country}, wave {wave}: {named} are doubtful. {known.note}.")
    return notes


def _notes(assembly: Assembly, file: TabularFile, wave: int, source: Source) -> list[str]:
    notes = []
    if "weight" not in assembly.layout.roles:
        notes.append(f"The file of wave {wave} has no design weight; everyone has weight 1.")
    if "Q275" in assembly.layout.demographics:
        notes.append(
            f"Education of wave {wave} in the {source.title} file is a type of school; Q275 holds "
            "the ISCED level nearest to it, an approximation."
        )
    variants = sorted({n for n in map(variable_name, file.headers) if VARIANT.fullmatch(n.upper())})
    if variants:
        notes.append(
            f"Questions that a country of wave {wave} asked in a way of its own are not read: "
            f"{', '.join(variants)}."
        )
    return notes


def _seen(assembly: Assembly, source: Source) -> dict[str, str]:
    """What the manifest says of files of these layouts alone."""
    layout = assembly.layout
    recoded = [q for q in layout.questions if assembly.coders[q].mirror]
    return {
        "layout": source.title,
        "recoded to wave 7": ", ".join(recoded) or "none",
        "demographics": str(len(layout.demographics)),
    }
