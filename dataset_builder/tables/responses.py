"""The long table: one row per answered (person, question), written chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from codebook.questions import MissingKind
from contracts.release.tables import LEAN_COLUMNS, RESPONSES, ROW_DEMOGRAPHICS, SPLITS
from contracts.release.write import ROW_GROUP_ROWS, TableWriter
from dataset_builder.people import People
from dataset_builder.positions import NO_POSITION
from dataset_builder.progress import Report
from dataset_builder.splits import TEST
from dataset_builder.tables.mixing import mixed, name_keys


@dataclass(frozen=True)
class Layout:
    """Which columns a row has, in order; further text columns and raw codes follow."""

    fixed: tuple[str, ...] = tuple(RESPONSES.names)
    text: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()

    @property
    def text_columns(self) -> tuple[str, ...]:
        """Columns that repeat a person's text."""
        of_person = ("country", *ROW_DEMOGRAPHICS)
        return (*(name for name in self.fixed if name in of_person), *self.text)


#: The columns of the config `lean` alone, for measurements.
LEAN_LAYOUT = Layout(fixed=LEAN_COLUMNS)

#: Columns of a row where no demographics are wanted.
WITHOUT_DEMOGRAPHICS = tuple(name for name in RESPONSES.names if name not in ROW_DEMOGRAPHICS)


#: Files of each split: enough for the workers of a data loader and the nodes of a training run.
FILES = MappingProxyType({"train": 24, "validation": 16, "test": 16})

#: Fewest people of a file.
_PEOPLE_OF_A_FILE = 50


def file_counts(everyone: Sequence[People]) -> dict[str, int]:
    """Number of files of each split; fewer for a small survey."""
    files_by_split = {}
    for number, split in enumerate(SPLITS):
        total = sum(len(people.of_split(number)) for people in everyone)
        files_by_split[split] = max(1, min(FILES[split], total // _PEOPLE_OF_A_FILE))
    return files_by_split


def spread_people(people: People, split: int, *, files: int) -> list[NDArray[np.intp]]:
    """The people of a split for each of its files, by a hash of wave, country and id.

    Neighbours in a file are of unrelated countries, so that the buffer of a streaming shuffle
    holds many of them; a later version of the survey moves nobody to another file.
    """
    survey = people.survey
    persons = people.of_split(split)
    country = name_keys(survey.countries)[survey.country[persons]]
    drawn = mixed(country, survey.respondent_id[persons], survey.wave)
    file = (drawn >> np.uint64(32)) % np.uint64(files)
    order = np.lexsort((persons, drawn, file))
    bounds = np.searchsorted(file[order], np.arange(1, files, dtype=np.uint64))
    return np.split(persons[order], bounds)


def response_batches(
    people: People,
    split: int,
    *,
    layout: Layout,
    held_out_questions: Sequence[str] = (),
    rows: int = ROW_GROUP_ROWS,
    persons: NDArray[np.intp] | None = None,
) -> Iterator[pa.Table]:
    """Rows of one split, people in the order given, questions in that of the codebook.

    Args:
        people: the people of one survey.
        split: index into `SPLITS`.
        persons: numbers of the people; None takes all of the split in the order of the file.
        layout: columns of a row.
        held_out_questions: ids that only the test split holds.
        rows: about how many rows a batch may have at most.
    """
    survey = people.survey
    held = () if split == TEST else held_out_questions
    question_indices = [j for j, question in enumerate(survey.questions) if question not in held]
    if not question_indices:
        return
    names = pa.array([survey.questions[j] for j in question_indices])
    step = max(1, rows // len(question_indices))
    if persons is None:
        persons = people.of_split(split)
    for start in range(0, len(persons), step):
        block = persons[start : start + step]
        answers, positions = people.answers[block], people.positions[block]
        if held:
            answers, positions = answers[:, question_indices], positions[:, question_indices]
        yield _rows(people, block, answers, positions, names, layout)


def _rows(
    people: People,
    block: NDArray[np.intp],
    answers: NDArray[np.int8],
    positions: NDArray[np.int8],
    names: pa.Array,
    layout: Layout,
) -> pa.Table:
    survey = people.survey
    valid = positions != NO_POSITION
    counts = np.count_nonzero(valid, axis=1)
    question = np.broadcast_to(np.arange(len(names), dtype=np.int16), valid.shape)[valid]
    columns: dict[str, pa.Array] = {
        "respondent_id": pa.array(np.repeat(survey.respondent_id[block], counts)),
        "question_id": pa.DictionaryArray.from_arrays(pa.array(question), names),
        "answer_code": pa.array(answers[valid].astype(np.int16)),
    }
    if "answer_position" in layout.fixed:
        columns["answer_position"] = pa.array(positions[valid])
    if "wave" in layout.fixed:
        columns["wave"] = pa.array(np.full(len(question), survey.wave, np.int8))
    if "weight" in layout.fixed:
        columns["weight"] = pa.array(np.repeat(survey.weight[block].astype(np.float32), counts))
    for name in layout.text_columns:
        columns[name] = people.text[name].take(block).repeat(counts)
    for variable in layout.codes:
        # A file of an earlier wave lacks most of the variables of wave 7.
        own = people.codes.get(variable)
        codes = np.full(len(block), MissingKind.MISSING, np.int32) if own is None else own[block]
        columns[variable] = pa.array(np.repeat(codes, counts))
    return pa.table({name: columns[name] for name in (*layout.fixed, *layout.text, *layout.codes)})


def write_responses(
    writer: TableWriter,
    everyone: Sequence[People],
    *,
    layout: Layout,
    held_out_questions: Sequence[str] = (),
    progress: Report | None = None,
) -> None:
    """Write the long rows of all surveys, file by file; a person's rows stand together.

    Args:
        writer: writer of the table, made with the `parts` of `file_counts`.
        everyone: the people of each survey.
        layout: columns of a row.
        held_out_questions: ids that only the test split holds.
        progress: told how many of the people are written.
    """
    total = sum(int((people.split >= 0).sum()) for people in everyone)
    done = 0
    files = file_counts(everyone)
    for number, split in enumerate(SPLITS):
        spread = [spread_people(people, number, files=files[split]) for people in everyone]
        for part in range(files[split]):
            for people, of_file in zip(everyone, spread, strict=True):
                batches = response_batches(
                    people,
                    number,
                    layout=layout,
                    held_out_questions=held_out_questions,
                    persons=of_file[part],
                )
                for batch in batches:
                    writer.write(batch, split=split, part=part)
                done += len(of_file[part])
            if progress is not None:
                progress(done, total)
