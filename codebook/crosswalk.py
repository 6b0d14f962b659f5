"""Which variable of waves 5 and 6 and of the time-series file asks a question of wave 7.

A name alone is not enough: codes differ between waves, and the time-series file has codes of
its own. Every entry holds the recodes, and per wave how far answers can be compared, and why.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Literal

from codebook.questions import MissingKind, questions
from codebook.resources import read_csv
from codebook.respondents.harmonised import whole_codes

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray

Grade = Literal["identical", "recoded", "reworded", "scale changed"]

#: Where a variable stands: the file of one wave, or the time-series file of all waves.
Source = Literal[5, 6, 7, "timeseries"]

#: Grades from the best comparable to the least.
GRADES: tuple[Grade, ...] = ("identical", "recoded", "reworded", "scale changed")


@dataclass(frozen=True)
class Comparability:
    """How far the answers of an earlier wave can be compared with those of wave 7, and why."""

    grade: Grade
    reason: str


@dataclass(frozen=True)
class CrosswalkEntry:
    """A question of wave 7 in the earlier waves.

    Attributes:
        question_id: wave 7 name. `Q33_3`, `Q34_3` and `Q35_3` are the three-point versions
            of Q33 to Q35, which have five points and no counterpart in waves 5 and 6.
        variables: variable by wave, in the files of single waves; 7 is always there.
        timeseries: variable of the time-series file by wave.
        recodes: by source, code there -> code of wave 7, None where wave 7 has no such answer;
            codes that are not listed are the same.
        comparability: by wave 5 and 6, against wave 7.
        checked: `data` where codes were compared with data of several countries, `labels`
            where only the labels of both waves were.
    """

    question_id: str
    variables: Mapping[int, str]
    timeseries: Mapping[int, str]
    recodes: Mapping[Source, Mapping[int, int | None]] = field(repr=False)
    comparability: Mapping[int, Comparability]
    checked: Literal["data", "labels"]

    @property
    def in_all_waves(self) -> bool:
        """Whether waves 5, 6 and 7 all asked it."""
        return {5, 6, 7} <= set(self.variables)


@dataclass(frozen=True)
class CrosswalkException:
    """A country whose answers in one wave differ from what the crosswalk says.

    `kind` is `not comparable` (leave the answers out) or `doubtful` (say so).
    """

    country: str
    wave: int
    question_ids: tuple[str, ...]
    kind: Literal["not comparable", "doubtful"]
    note: str


def _parse_recode(text: str) -> Mapping[int, int | None]:
    pairs = (item.split(">") for item in text.split())
    return MappingProxyType({int(old): int(new) if new else None for old, new in pairs})


def _entry(row: Mapping[str, str]) -> CrosswalkEntry:
    variables = {w: row[f"wave{w}"] for w in (5, 6) if row[f"wave{w}"]}
    by_wave = {5: row["timeseries_wave5"] or row["timeseries"], 6: row["timeseries"]}
    sources: tuple[tuple[Source, str], ...] = (
        (5, row["recode5"]),
        (6, row["recode6"]),
        ("timeseries", row["recode_timeseries"]),
    )
    return CrosswalkEntry(
        question_id=row["question_id"],
        variables=MappingProxyType({**variables, 7: row["question_id"]}),
        timeseries=MappingProxyType({**by_wave, 7: row["timeseries"]}),
        recodes=MappingProxyType({source: _parse_recode(text) for source, text in sources if text}),
        comparability=MappingProxyType(
            {
                w: Comparability(row[f"grade{w}"], row[f"reason{w}"])  # type: ignore[arg-type]
                for w in variables
            }
        ),
        checked="data" if row["checked"] == "data" else "labels",
    )


@cache
def crosswalk() -> Mapping[str, CrosswalkEntry]:
    """All questions of wave 7 that wave 5 or wave 6 asked, in questionnaire order."""
    rows = read_csv("data/crosswalk.csv")
    return MappingProxyType({row["question_id"]: _entry(row) for row in rows})


@cache
def exceptions() -> tuple[CrosswalkException, ...]:
    """Countries and waves that the crosswalk does not hold for."""
    return tuple(
        CrosswalkException(
            country=row["country"],
            wave=int(row["wave"]),
            question_ids=tuple(row["questions"].split()),
            kind="doubtful" if row["kind"] == "doubtful" else "not comparable",
            note=row["note"],
        )
        for row in read_csv("data/crosswalk_exceptions.csv")
    )


def exception_of(question_id: str, wave: int, country: str) -> CrosswalkException | None:
    """What the crosswalk does not hold for in a country's answers to a question, else None."""
    for exception in exceptions():
        if (exception.country, exception.wave) == (
            country,
            wave,
        ) and question_id in exception.question_ids:
            return exception
    return None


def wave_variable(question_id: str, wave: int, *, timeseries: bool = False) -> str | None:
    """Name of the variable that holds a question, None where the wave did not ask it.

    Args:
        question_id: wave 7 name.
        wave: 5, 6 or 7.
        timeseries: the name in the time-series file rather than in the file of the wave. That
            of a question which only wave 7 asked is not known here: None.

    Raises:
        KeyError: the wave or the question is unknown.
    """
    _check(question_id, wave)
    entry = crosswalk().get(question_id)
    if entry is None:
        return question_id if wave == 7 and not timeseries else None
    if wave not in entry.variables:
        return None
    return entry.timeseries[wave] if timeseries else entry.variables[wave]


def recode_to_wave7(
    question_id: str, wave: int, codes: ArrayLike, *, timeseries: bool = False
) -> NDArray[np.int64]:
    """Codes of an earlier wave in the terms of wave 7.

    Args:
        question_id: wave 7 name.
        wave: 5, 6 or 7.
        codes: raw codes of the source, any shape. Missing codes (-5..-1) stay as they are;
            NaN becomes -5.
        timeseries: whether the codes are those of the time-series file.

    Returns:
        int64 array of the same shape. Answers that wave 7 did not offer become -5; a number
        that is not whole becomes `codebook.respondents.harmonised.NO_CODE`, which no scale allows.

    Raises:
        KeyError: the wave or the question is unknown, or the wave did not ask it.
    """
    import numpy as np

    if wave_variable(question_id, wave, timeseries=timeseries) is None:
        raise KeyError(f"wave {wave} did not ask {question_id}, or its variable is not known")
    raw = np.asarray(codes)
    source_codes = whole_codes(raw)
    if raw.dtype.kind == "f":
        source_codes = np.where(np.isnan(raw), int(MissingKind.MISSING), source_codes)
    source: Source = "timeseries" if timeseries else wave  # type: ignore[assignment]
    entry = crosswalk().get(question_id)
    recode = entry.recodes.get(source, {}) if entry else {}
    recoded = source_codes.copy()
    for old, new in recode.items():
        recoded[source_codes == old] = int(MissingKind.MISSING) if new is None else new
    return recoded


def _check(question_id: str, wave: int) -> None:
    if wave not in (5, 6, 7):
        raise KeyError(f"wave {wave} is not known; there are: 5, 6, 7")
    if question_id not in crosswalk() and question_id not in questions():
        raise KeyError(
            f"{question_id!r} is no question of wave 7; ids run from Q1 to Q290, and Q234A"
        )
