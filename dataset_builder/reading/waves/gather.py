"""The people of each wave of a file, block by block, and what they become."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from codebook import country_by_wvs_code
from codebook.countries import WAVES
from contracts.errors import Problem, fail
from dataset_builder.reading.assembly import TEXT_ROLES, Assembly
from dataset_builder.reading.blocks import Block, Progress, TabularFile, Wanted
from dataset_builder.reading.coding import UNKNOWN, Coder
from dataset_builder.reading.direction import renumbered
from dataset_builder.reading.formats.whole_file import problems_of, refuse
from dataset_builder.reading.relatives import upper_names
from dataset_builder.reading.rows import refuse_names_among_rows, without_blank_rows
from dataset_builder.reading.waves.layout import wave_coders, wave_layout
from dataset_builder.reading.waves.sources import Source
from dataset_builder.reading.waves.surveys import make_survey
from dataset_builder.survey import Survey


@dataclass
class Gathered:
    """What has been read of a file so far.

    Attributes:
        parts: the people of each wave.
        rows: row of each of them in the file, by wave.
        other_waves: people of waves that are not read, by wave.
        unknown_countries: people of countries that the codebook lacks, by the survey's code.
        row_count: rows read.
        blank_rows: rows without a country or any answer.
    """

    parts: Mapping[int, Assembly]
    rows: dict[int, list[NDArray[np.int64]]] = field(default_factory=dict)
    other_waves: Counter[int] = field(default_factory=Counter)
    unknown_countries: Counter[int] = field(default_factory=Counter)
    row_count: int = 0
    blank_rows: int = 0

    def add(self, block: Block, wave: NDArray[np.int64], country: NDArray[np.int64]) -> None:
        """Take in a block; `wave` and `country` are the codes of its rows.

        A country that is blank or no code at all is left for the assembly to refuse.
        """
        codes = np.array(sorted(country_by_wvs_code()), np.int64)
        known = np.isin(country, codes) | (country < 0)
        strangers = ~known & np.isin(wave, list(self.parts))
        self.other_waves.update(wave[~np.isin(wave, list(self.parts))].tolist())
        self.unknown_countries.update(country[strangers].tolist())
        for number, assembly in self.parts.items():
            here = np.flatnonzero((wave == number) & known)
            if here.size:
                columns = {
                    place: block.columns[place].take(pa.array(here))
                    for place in assembly.layout.columns()
                }
                assembly.add(Block(rows=int(here.size), columns=columns, done=block.done))
                self.rows.setdefault(number, []).append(here + self.row_count)
        self.row_count += block.rows


def read_waves(
    file: TabularFile,
    path: Path,
    source: Source,
    *,
    allow_unknown: bool,
    progress: Progress | None,
) -> list[Survey]:
    """Read an opened file of waves 5, 6 or many whole; see `read_surveys`."""
    parts = {}
    for wave in source.waves:
        layout = wave_layout(file.headers, wave, source, where=path.name)
        where = f"{path.name}, people of wave {wave} alone" if source.timeseries else path.name
        coders = wave_coders(layout, wave, source, file.value_labels)
        parts[wave] = Assembly(layout=layout, where=where, coders=coders)
    gathered = Gathered(parts)
    any_layout = next(iter(parts.values())).layout
    place = _wave_place(file, source)
    home = any_layout.roles["country"]
    questions = {
        column: part.coders[question]
        for part in parts.values()
        for question, column in part.layout.questions.items()
    }
    content = _content(parts)
    for block in file.blocks(_wanted(parts, place)):
        people, left_out = without_blank_rows(block, [home], content)
        refuse_names_among_rows(
            people, file.headers, questions, country=home, above=gathered.row_count, where=path.name
        )
        gathered.blank_rows += left_out
        waves = _waves_of(file, people, place, source, where=path.name)
        gathered.add(people, waves, _codes(file, people, home, "B_COUNTRY"))
        if progress is not None:
            progress(block.done, file.total)
    _refuse_empty(gathered, source, where=path.name)
    _refuse_problems(gathered, file.headers, allow_unknown=allow_unknown, where=path.name)
    return [
        make_survey(
            assembly,
            file,
            path,
            wave=wave,
            source=source,
            row_number=np.concatenate(gathered.rows[wave]),
            left_out=_left_out(gathered),
        )
        for wave, assembly in parts.items()
        if assembly.rows
    ]


def _content(parts: Mapping[int, Assembly]) -> set[int]:
    """Columns of answers, demographics and weights of all waves."""
    content_columns: set[int] = set()
    for part in parts.values():
        layout = part.layout
        content_columns |= {*layout.questions.values(), *layout.demographics.values()}
        content_columns |= {layout.roles["weight"]} if "weight" in layout.roles else set()
    return content_columns


def _wave_place(file: TabularFile, source: Source) -> int | None:
    names = upper_names(file.headers)
    name = source.roles["wave"][0]
    return names.index(name) if name in names else None


def _wanted(parts: Mapping[int, Assembly], wave: int | None) -> Wanted:
    layouts = [part.layout for part in parts.values()]
    text = {layout.roles[r] for layout in layouts for r in TEXT_ROLES if r in layout.roles}
    text |= {wave} if wave is not None else set()
    small = {place for layout in layouts for place in layout.questions.values()} - text
    whole = {place for layout in layouts for place in layout.columns()} - small - text
    return Wanted(small=frozenset(small), whole=frozenset(whole), text=frozenset(text))


def _codes(file: TabularFile, block: Block, place: int, variable: str) -> NDArray[np.int64]:
    mirror = renumbered(variable, file.value_labels.get(place, {}))
    coder = Coder(variable, frozenset(), strict=False, numbers=True, mirror=mirror)
    return coder.code(block.columns[place])[0]


def _waves_of(
    file: TabularFile, block: Block, place: int | None, source: Source, *, where: str
) -> NDArray[np.int64]:
    """Wave of each row; a file of one wave must hold that wave alone."""
    if place is None:
        return np.full(block.rows, source.waves[0], np.int64)
    wave = _codes(file, block, place, "A_WAVE")
    wrong = np.unique(wave[~np.isin(wave, source.waves)])
    if wrong.size and not source.timeseries:
        raise fail(
            "wrong-wave",
            "the file holds people of another wave",
            where=where,
            column=source.roles["wave"][0],
            found=", ".join("text" if c == UNKNOWN else str(c) for c in wrong[:5]),
            allowed=str(source.waves[0]),
            hint="Take the file of a single wave, or the time series.",
        )
    return wave


def _refuse_empty(gathered: Gathered, source: Source, *, where: str) -> None:
    if gathered.rows:
        return
    if not gathered.row_count:
        raise fail("no-rows", "the file has column names but no people", where=where)
    raise fail(
        "no-people",
        "nobody in the file is of a wave and country that are read",
        where=where,
        found="; ".join(_left_out(gathered)),
        allowed=f"people of wave {', '.join(map(str, source.waves))}",
    )


def _refuse_problems(
    gathered: Gathered, headers: Sequence[str], *, allow_unknown: bool, where: str
) -> None:
    """Raise one error of all that is wrong in all waves, with variables named as in the file."""
    by_wave = [
        [_named(problem, part, headers) for problem in problems_of([part], allow_unknown)]
        for part in gathered.parts.values()
    ]
    refuse([problem for problems in by_wave for problem in problems], where=where)


def _named(problem: Problem, assembly: Assembly, headers: Sequence[str]) -> Problem:
    """The problem with the name that its variable has in the file."""
    roles = assembly.layout.roles
    own = {"B_COUNTRY": roles["country"]}
    own |= {"W_WEIGHT": roles["weight"]} if "weight" in roles else {}
    if problem.column in own:
        return replace(problem, column=headers[own[problem.column]].strip())
    columns = {**assembly.layout.questions, **assembly.layout.demographics}
    place = columns.get(problem.column or "")
    if place is None:
        return problem
    return replace(problem, column=f"{headers[place].strip()} (asks {problem.column})")


def _left_out(gathered: Gathered) -> tuple[str, ...]:
    notes = []
    if gathered.blank_rows:
        notes.append(
            f"{gathered.blank_rows} rows without a country or any answer were passed over (blank "
            "lines, notes below the table)."
        )
    if gathered.other_waves:
        counts = ", ".join(f"{w}: {n}" for w, n in sorted(gathered.other_waves.items()))
        notes.append(
            f"People of waves other than {', '.join(map(str, WAVES))} were left out ({counts})."
        )
    if gathered.unknown_countries:
        counts = ", ".join(f"{c}: {n}" for c, n in sorted(gathered.unknown_countries.items()))
        notes.append(f"People of countries the codebook lacks were left out ({counts}).")
    return tuple(notes)
