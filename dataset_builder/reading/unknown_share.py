"""How much of a question's answers the codebook cannot read, and what then becomes of the rest.

Counting unknown codes as missing takes an option away: the shares that are left would be those of
another scale. Beyond `MOST_UNKNOWN` of the answers, a country's question is therefore given up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from codebook.questions import MissingKind
from dataset_builder.reading.unlisted import UnlistedCodes
from dataset_builder.survey import UnknownShare

#: Share of a country's answers to a question that may hold unknown codes before all are given up.
MOST_UNKNOWN = 0.02


def unknown_shares(
    unlisted: UnlistedCodes,
    answers: NDArray[np.int8],
    questions: Sequence[str],
    country: NDArray[np.int16],
    countries: Sequence[str],
    name: Callable[[int], str],
) -> tuple[UnknownShare, ...]:
    """The value questions that hold unknown codes, by country.

    Args:
        unlisted: codes and labels that the codebook lacks.
        answers: raw codes, shape (n, len(questions)); unknown ones are missing already.
        questions: the questions.
        country: index into `countries`, shape (n,).
        countries: ISO3 codes.
        name: ISO3 code of the survey's code of a country.

    Returns:
        An entry per question and country, in the order of the file.
    """
    unknown_counts: dict[tuple[str, str], int] = {}
    for (variable, place, _, _), count in unlisted.counts.items():
        if variable in questions:
            key = variable, name(place)
            unknown_counts[key] = unknown_counts.get(key, 0) + count
    entries = []
    for (question, home), unknown in unknown_counts.items():
        here = country == countries.index(home)
        valid = int((answers[here, questions.index(question)] >= 0).sum())
        entries.append(
            UnknownShare(
                question_id=question,
                country=home,
                unknown=unknown,
                answers=valid + unknown,
                withheld=unknown > MOST_UNKNOWN * (valid + unknown),
            )
        )
    entries.sort(key=lambda e: (questions.index(e.question_id), countries.index(e.country)))
    return tuple(entries)


def withhold(
    shares: Sequence[UnknownShare],
    answers: NDArray[np.int8],
    questions: Sequence[str],
    country: NDArray[np.int16],
    countries: Sequence[str],
) -> None:
    """Set the answers that are given up to "missing" (-5), in place; kinds of missing stay."""
    for entry in shares:
        if entry.withheld:
            here = np.flatnonzero(country == countries.index(entry.country))
            column = questions.index(entry.question_id)
            codes = answers[here, column]
            answers[here, column] = np.where(codes >= 0, np.int8(MissingKind.MISSING), codes)


def unknown_notes(shares: Sequence[UnknownShare], *, wave: int) -> list[str]:
    """What a user must know of them: a sentence per question, the questions given up first.

    Shares are in whole percent: notes stand in public releases, too, and must not count people.
    """
    return [
        *(
            f"WITHHELD: {question} of wave {wave} has no answers in {where}, as codes or labels "
            f"that the codebook lacks hold more than {MOST_UNKNOWN:.0%} of them (share of the "
            "answers in brackets). Its rows bear the flag unknown-codes, and it is not scored "
            "there."
            for question, where in _by_question(shares, withheld=True)
        ),
        *(
            f"{question} of wave {wave}: codes or labels that the codebook lacks count as missing "
            f"in {where} (share of the answers in brackets)."
            for question, where in _by_question(shares, withheld=False)
        ),
    ]


def _by_question(shares: Sequence[UnknownShare], *, withheld: bool) -> list[tuple[str, str]]:
    listed: dict[str, list[str]] = {}
    for entry in shares:
        if entry.withheld == withheld:
            listed.setdefault(entry.question_id, []).append(f"{entry.country} ({_percent(entry)})")
    return [(question, ", ".join(places)) for question, places in listed.items()]


def _percent(entry: UnknownShare) -> str:
    percent = round(100 * entry.unknown / entry.answers)
    return f"{percent} %" if percent else "less than 1 %"
