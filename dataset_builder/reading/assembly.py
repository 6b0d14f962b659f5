"""Blocks of a file, checked and put together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from codebook.questions import MissingKind
from contracts.errors import Problem
from dataset_builder.reading.blocks import Block
from dataset_builder.reading.coding import (
    UNKNOWN,
    Coder,
    number_of_text,
)
from dataset_builder.reading.layout import Layout
from dataset_builder.reading.row_problems import RowProblems, shown_entry
from dataset_builder.reading.rows import refuse_names_among_rows, without_blank_rows
from dataset_builder.reading.unlisted import UnlistedCodes
from dataset_builder.reading.variables import WAVE

TEXT_ROLES = ("weight", "version", "doi", "country_alpha", "wave")
ID_ROLES = ("person", "interview")
#: Codes without a list of their own, or labels: only which respondents share one matters.
DESIGN_ROLES = ("psu", "region")

#: Numbers of texts start here, above all codes of the survey.
_FIRST_TEXT = 1 << 60


@dataclass
class Assembly:
    """What has been read of a file so far."""

    layout: Layout
    where: str
    coders: dict[str, Coder]
    answers: list[NDArray[np.int8]] = field(default_factory=list)
    demographics: dict[str, list[NDArray[np.int32]]] = field(default_factory=dict)
    ids: dict[str, list[NDArray[np.int64]]] = field(default_factory=dict)
    country: list[NDArray[np.int64]] = field(default_factory=list)
    weight: list[NDArray[np.float64]] = field(default_factory=list)
    provenance: dict[str, dict[str, int]] = field(
        default_factory=lambda: {"version": {}, "doi": {}}
    )
    unlisted: UnlistedCodes = field(default_factory=UnlistedCodes)
    design: dict[str, list[NDArray[np.int64]]] = field(default_factory=dict)
    row_problems: RowProblems = field(default_factory=RowProblems)
    rows: int = 0
    blank_rows: int = 0
    _texts: dict[str, int] = field(default_factory=dict, repr=False)

    def add(self, block: Block) -> None:
        """Take in a block."""
        self._check_wave(block)
        country = self._country(block)
        self.country.append(country)
        self.answers.append(self._answers(block, country))
        for variable, place in self.layout.demographics.items():
            codes = self._coded(variable, block.columns[place], country)
            stored_codes = np.where(codes == UNKNOWN, int(MissingKind.MISSING), codes)
            self.demographics.setdefault(variable, []).append(self._small(stored_codes))
        for role in ID_ROLES:
            if role in self.layout.roles:
                coder = self.coders[role]
                codes, _ = coder.code(block.columns[self.layout.roles[role]])
                stored_codes = np.where(codes == UNKNOWN, int(MissingKind.MISSING), codes)
                self.ids.setdefault(role, []).append(stored_codes)
        for role in DESIGN_ROLES:
            if role in self.layout.roles:
                codes = self._numbered(block.columns[self.layout.roles[role]])
                self.design.setdefault(role, []).append(codes)
        self._weights(block)
        self._versions(block)
        self.rows += block.rows

    def add_people(self, block: Block, headers: Sequence[str], *, above: int) -> None:
        """Take in a block as the file has it: rows that hold nobody are left out or refused.

        Args:
            block: some rows.
            headers: headers of all columns.
            above: rows of the file above the block.

        Raises:
            ContractError: a row holds names of columns.
        """
        layout = self.layout
        country = [layout.roles[r] for r in ("country", "country_alpha") if r in layout.roles]
        content = {*layout.questions.values(), *layout.demographics.values()}
        if "weight" in layout.roles:
            content.add(layout.roles["weight"])
        block, left_out = without_blank_rows(block, country, content)
        refuse_names_among_rows(
            block,
            headers,
            {place: self.coders[question] for question, place in layout.questions.items()},
            country=country[0],
            above=above,
            where=self.where,
        )
        self.blank_rows += left_out
        if block.rows:
            self.add(block)

    def joined_design(self, role: str) -> NDArray[np.int64] | None:
        """Codes of a design variable of all rows; None where the file has none."""
        return np.concatenate(self.design[role]) if role in self.design else None

    def _numbered(self, column: pa.Array) -> NDArray[np.int64]:
        """Codes as they are, texts numbered, -5 for blanks."""
        blank = int(MissingKind.MISSING)
        if not pa.types.is_dictionary(column.type):
            numbers = pc.fill_null(column.cast(pa.float64()), blank)
            return numbers.to_numpy(zero_copy_only=False).astype(np.int64)
        known = np.array([*map(self._number, column.dictionary.to_pylist()), blank], np.int64)
        place = column.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)
        return known[place]

    def _number(self, text: str | None) -> int:
        number = number_of_text(text) if text is not None else np.nan
        if np.isfinite(number):
            return int(number)
        if text is None or not text.strip():
            return int(MissingKind.MISSING)
        return self._texts.setdefault(text.strip(), _FIRST_TEXT + len(self._texts))

    def _coded(
        self, variable: str, column: pa.Array, country: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        coder = self.coders[variable]
        codes, unlisted = coder.code(column)
        if unlisted is not None:
            self.unlisted.add(coder, unlisted, country)
            if coder.strict:
                codes = np.array(codes, dtype=np.int64)
                codes[unlisted.rows] = int(MissingKind.MISSING)
        return codes

    def _answers(self, block: Block, country: NDArray[np.int64]) -> NDArray[np.int8]:
        answers = np.empty((block.rows, len(self.layout.questions)), np.int8, order="F")
        for j, (question, place) in enumerate(self.layout.questions.items()):
            answers[:, j] = self._coded(question, block.columns[place], country)
        return answers

    def _small(self, codes: NDArray[np.int64]) -> NDArray[np.int32]:
        """Codes of a demographic in 32 bits; those beyond were listed as no codes."""
        fits = np.abs(codes) < 2**31
        return np.where(fits, codes, int(MissingKind.MISSING)).astype(np.int32)

    def _country(self, block: Block) -> NDArray[np.int64]:
        """The country's code of everyone; one that is unknown is kept for the final message."""
        roles = self.layout.roles
        role = "country" if "country" in roles else "country_alpha"
        column = block.columns[roles[role]]
        codes, unlisted = self.coders["B_COUNTRY"].code(column)
        blank = np.flatnonzero((codes < 0) & (codes != UNKNOWN))
        self._note_rows(
            Problem(
                "no-country",
                "a person has no country",
                column="B_COUNTRY",
                allowed="the survey's code or the name of a country",
            ),
            blank,
            column,
        )
        if unlisted is not None and "B_COUNTRY" not in self.layout.demographics:
            self.unlisted.add(self.coders["B_COUNTRY"], unlisted, codes)
        return codes.astype(np.int64)

    def _check_wave(self, block: Block) -> None:
        if "wave" not in self.layout.roles:
            return
        column = block.columns[self.layout.roles["wave"]]
        codes, _ = self.coders["A_WAVE"].code(column)
        self._note_rows(
            Problem(
                "wrong-wave",
                "the file holds people of another wave",
                column="A_WAVE",
                allowed=str(WAVE),
                hint="Take the wave 7 file, or keep only its rows with A_WAVE = 7.",
            ),
            np.flatnonzero(codes != WAVE),
            column,
        )

    def _note_rows(self, problem: Problem, rows: NDArray[np.intp], column: pa.Array) -> None:
        """Count rows of the block that have a problem; `column` holds what was found there."""
        if rows.size:
            first = replace(
                problem,
                where=self.where,
                row=self.rows + self.blank_rows + int(rows[0]) + 2,
                count=int(rows.size),
            )
            entries = column.take(pa.array(rows)).unique().to_pylist()
            self.row_problems.add(first, [shown_entry(entry) for entry in entries])

    def _weights(self, block: Block) -> None:
        if "weight" not in self.layout.roles:
            self.weight.append(np.ones(block.rows))
            return
        column = block.columns[self.layout.roles["weight"]]
        if pa.types.is_dictionary(column.type):
            known = np.array([*map(number_of_text, column.dictionary.to_pylist()), np.nan])
            place = column.indices.fill_null(len(known) - 1).to_numpy(zero_copy_only=False)
            weights = known[place]
        else:
            weights = column.cast(pa.float64()).to_numpy(zero_copy_only=False)
        weights = weights.astype(np.float64)
        self._note_rows(
            Problem(
                "bad-weight",
                "a design weight is blank, negative or no number",
                column="W_WEIGHT",
                allowed="a number of zero or more, or 'No weighting'",
                hint="Correct the file; a file without the column gives everyone weight 1.",
            ),
            np.flatnonzero(~(np.isfinite(weights) & (weights >= 0))),
            column,
        )
        self.weight.append(weights)

    def _versions(self, block: Block) -> None:
        """Keep the texts that say which version the file is, and where it is published."""
        for role, texts in self.provenance.items():
            if role in self.layout.roles:
                for text in block.columns[self.layout.roles[role]].unique().to_pylist():
                    if text is not None:
                        texts.setdefault(str(text), len(texts))
