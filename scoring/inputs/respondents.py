"""Single persons of a release: who they are and what they answered, as arrays."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from codebook import CONTINENTS
from codebook.respondents.harmonised import HARMONISED, NO_CODE
from contracts.errors import fail
from contracts.release.interview_ids import ambiguous_ids
from contracts.release.read import Release

_CELL_VARIABLES = ("continent", "settlement", "education")


@dataclass(frozen=True)
class People:
    """N persons of one wave.

    Attributes:
        interview_ids: ids by which rating files name people, rising, shape (N,).
        ambiguous: ids that more than one person bears.
        cells: number of each person's demographic cell, shape (N,); the last number of
            `cell_names` stands for people with an unknown demographic.
        cell_names: names of the cells, `continent=Asia;education=tertiary;settlement=urban`.
        codes: raw answer codes, shape (N, Q); `NO_CODE` where there is none.
        sampled: whose answers to which questions the release's probe holds, shape (N, Q); all
            false where it has none.
    """

    interview_ids: NDArray[np.int64]
    ambiguous: NDArray[np.int64]
    cells: NDArray[np.int64]
    cell_names: tuple[str, ...]
    codes: NDArray[np.int16]
    sampled: NDArray[np.bool_]

    def rows(self, participants: NDArray[np.int64]) -> NDArray[np.int64]:
        """Row of each participant, -1 for one that the release does not know."""
        if not len(self.interview_ids):
            return np.full(len(participants), -1, np.int64)
        place = np.searchsorted(self.interview_ids, participants)
        place = np.minimum(place, len(self.interview_ids) - 1)
        return np.where(self.interview_ids[place] == participants, place, -1)


def need_individuals(release: Release) -> None:
    """Check that the release holds single persons.

    Raises:
        ContractError: it holds aggregates only; the message names the local commands.
    """
    if release.has_individuals and release.has("responses"):
        return
    raise fail(
        "needs-individuals",
        "ratings are compared with the answers of single persons, which this release does not hold",
        where=release.source,
        found=", ".join(release.manifest.tables),
        allowed="a release with the tables respondents and responses",
        hint="Build one from the survey's file and score against it on your own machine: "
        "opinion-atlas build FILE --out RELEASE, then opinion-atlas score PREDICTIONS "
        "--release RELEASE",
    )


def cell_names() -> tuple[str, ...]:
    """Names of the 48 cells continent x settlement x education, and one for unknown."""
    settlements, levels = (HARMONISED[name].categories for name in ("settlement", "education"))
    return (
        *(
            f"continent={continent};education={level};settlement={settlement}"
            for continent in CONTINENTS
            for settlement in settlements
            for level in levels
        ),
        "unknown",
    )


def read_people(
    release: Release, question_ids: tuple[str, ...], *, wave: int, source: str, split: str = "all"
) -> People:
    """Persons and their answers.

    Args:
        release: a release with single persons.
        question_ids: the questions wanted, in order.
        wave: the wave.
        source: table that the answers come from: `probe` (the sampled answers only) or
            `responses`.
        split: `all`, or the only split whose people count.
    """
    where = pc.field("wave") == wave
    if split != "all":
        where &= pc.field("split") == split
    table = release.table(
        "respondents",
        columns=["respondent_id", "interview_id", *_CELL_VARIABLES],
        where=where,
    )
    interviews = table["interview_id"].to_numpy()
    order = np.argsort(interviews, kind="stable")
    interviews = interviews[order]
    repeated = ambiguous_ids(interviews)
    respondents = table["respondent_id"].to_numpy()[order].astype(np.int64)
    codes = read_codes(release, respondents, question_ids, wave, source)
    sampled = np.zeros(codes.shape, bool)
    if release.has("probe"):
        asked = read_codes(release, respondents, question_ids, wave, "probe")
        # Probes of older releases hold people whose id names nobody: no rating can be theirs.
        sampled = (asked != NO_CODE) & ~np.isin(interviews, repeated)[:, None]
    if source == "probe":
        codes[~sampled] = NO_CODE
    return People(
        interview_ids=interviews,
        ambiguous=repeated,
        cells=_cells(table)[order],
        cell_names=cell_names(),
        codes=codes,
        sampled=sampled,
    )


def _cells(table: pa.Table) -> NDArray[np.int64]:
    settlements, levels = (HARMONISED[name].categories for name in ("settlement", "education"))
    parts = [
        pc.fill_null(pc.index_in(_text(table[name]), value_set=pa.array(names)), -1).to_numpy()
        for name, names in (
            ("continent", CONTINENTS),
            ("settlement", settlements),
            ("education", levels),
        )
    ]
    continent, settlement, level = (part.astype(np.int64) for part in parts)
    cell = (continent * len(settlements) + settlement) * len(levels) + level
    known = (continent >= 0) & (settlement >= 0) & (level >= 0)
    return np.where(known, cell, len(CONTINENTS) * len(settlements) * len(levels))


def _text(column: pa.ChunkedArray) -> pa.ChunkedArray:
    return column.cast(pa.string())


def read_codes(
    release: Release,
    respondents: NDArray[np.int64],
    question_ids: tuple[str, ...],
    wave: int,
    source: str,
) -> NDArray[np.int16]:
    """Raw codes by person (in the order of `respondents`) and question, read batch by batch."""
    codes = np.full((len(respondents), len(question_ids)), NO_CODE, np.int16)
    order = np.argsort(respondents)
    ordered = respondents[order]
    names = pa.array(question_ids, pa.string())
    where = (pc.field("wave") == wave) & pc.field("question_id").isin(question_ids)
    scanner = release.dataset(source).scanner(
        columns=["respondent_id", "question_id", "answer_code"], filter=where
    )
    for batch in scanner.to_batches():
        if not batch.num_rows:
            continue
        people = batch.column("respondent_id").to_numpy().astype(np.int64)
        place = np.minimum(np.searchsorted(ordered, people), len(ordered) - 1)
        question = pc.index_in(batch.column("question_id").cast(pa.string()), value_set=names)
        answer_codes = pc.fill_null(batch.column("answer_code"), int(NO_CODE)).to_numpy()
        known = ordered[place] == people
        codes[order[place[known]], question.to_numpy()[known]] = answer_codes[known]
    return codes
