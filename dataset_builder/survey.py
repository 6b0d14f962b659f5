"""One survey file in the terms of wave 7: what the readers give and the builder takes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from contracts.release.manifest import CodeCount, SourceFile, Synthetic


@dataclass(frozen=True)
class UnknownShare:
    """Answers of a country to a question that the codebook cannot read.

    Attributes:
        question_id: the question.
        country: ISO3 code.
        unknown: answers with codes or labels that the codebook lacks.
        answers: these and the valid ones.
        withheld: whether they are so many that all answers of the cell are given up.
    """

    question_id: str
    country: str
    unknown: int
    answers: int
    withheld: bool


@dataclass(frozen=True)
class Survey:
    """The people of one survey file and all they said.

    Attributes:
        source: name, digest, version, size of the file, and what was detected in it.
        wave: wave of the survey.
        respondent_id: int32, shape (n,), unique: S007, else D_INTERVIEW where that is unique, else
            the row number.
        interview_id: int64, shape (n,): D_INTERVIEW, -5 where the file has none. Not unique:
            in version 5.0 all 1,000 people of Uruguay bear the same one.
        country: int16, shape (n,): index into `countries`.
        countries: ISO3 codes (NIR for Northern Ireland) in order of appearance.
        weight: float64, shape (n,): design weight; 1 where the file has none.
        answers: int8, shape (n, len(questions)): raw codes of wave 7; -1..-5 are the kinds of
            missing. Stored column by column (Fortran order).
        questions: ids of the value questions that the file holds, in questionnaire order.
        demographics: int32 arrays, shape (n,), of raw codes by variable of wave 7: the 42 and
            Q223 (party, given out on request only); a variable that the file lacks is no key.
        row_number: int64, shape (n,): 0-based row in the file.
        unlisted: codes that the codebook lacks, kept or set missing.
        unknown_shares: what unlisted codes took from value questions, by country; the answers
            of withheld cells are missing.
        notes: what a user should know, a sentence each.
        synthetic: what is made up, None for a real file.
        psu: int64, shape (n,): raw code of the primary sampling unit (cluster of interviews),
            negative where missing; None where the file has none.
        region: int64 likewise: raw code of the region.
    """

    source: SourceFile
    wave: int
    respondent_id: NDArray[np.int32]
    interview_id: NDArray[np.int64]
    country: NDArray[np.int16]
    countries: tuple[str, ...]
    weight: NDArray[np.float64]
    answers: NDArray[np.int8]
    questions: tuple[str, ...]
    demographics: Mapping[str, NDArray[np.int32]]
    row_number: NDArray[np.int64]
    unlisted: tuple[CodeCount, ...] = ()
    unknown_shares: tuple[UnknownShare, ...] = ()
    notes: tuple[str, ...] = ()
    synthetic: Synthetic | None = None
    psu: NDArray[np.int64] | None = None
    region: NDArray[np.int64] | None = None

    def __len__(self) -> int:
        """Number of people."""
        return len(self.respondent_id)

    def withheld(self, country: str) -> frozenset[str]:
        """Questions whose answers were given up in a country, as its codes are unknown."""
        cells = self.unknown_shares
        return frozenset(c.question_id for c in cells if c.withheld and c.country == country)
