"""Blocks of a file put together into a `Survey`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from codebook import country_by_wvs_code
from codebook.missing import MissingKind
from contracts.errors import fail
from contracts.manifest import SourceFile, Synthetic
from dataset_builder.reading.blocks import Block, Progress, TabularFile, Wanted
from dataset_builder.reading.coding import (
    UNKNOWN,
    Coder,
    demographic_coder,
    number_of_text,
    question_coder,
)
from dataset_builder.reading.direction import direction_of
from dataset_builder.reading.identity import identity_notes, respondent_ids
from dataset_builder.reading.layout import Layout, find_layout
from dataset_builder.reading.provenance import synthetic_source
from dataset_builder.reading.unlisted import UnlistedCodes
from dataset_builder.reading.variables import ON_REQUEST, WAVE
from dataset_builder.survey import Survey

_TEXT_ROLES = ("weight", "version", "country_alpha", "wave", "study")
_ID_ROLES = ("person", "interview")


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
    versions: dict[str, int] = field(default_factory=dict)
    unlisted: UnlistedCodes = field(default_factory=UnlistedCodes)
    rows: int = 0

    def add(self, block: Block) -> None:
        """Take in a block."""
        self._check_wave(block)
        country = self._country(block)
        self.country.append(country)
        self.answers.append(self._answers(block, country))
        for variable, place in self.layout.demographics.items():
            codes = self._coded(variable, block.columns[place], country)
            kept = np.where(codes == UNKNOWN, int(MissingKind.MISSING), codes)
            self.demographics.setdefault(variable, []).append(self._small(variable, kept))
        for role in _ID_ROLES:
            if role in self.layout.roles:
                coder = self.coders[role]
                codes, _ = coder.code(block.columns[self.layout.roles[role]])
                kept = np.where(codes == UNKNOWN, int(MissingKind.MISSING), codes)
                self.ids.setdefault(role, []).append(kept)
        self._weights(block)
        self._versions(block)
        self.rows += block.rows

    def _coded(
        self, variable: str, column: pa.Array, country: NDArray[np.int64]
    ) -> NDArray[np.int64]:
        coder = self.coders[variable]
        codes, found = coder.code(column)
        if found is not None:
            self.unlisted.add(coder, found, country)
            if coder.strict:
                codes = np.array(codes, dtype=np.int64)
                codes[found.rows] = int(MissingKind.MISSING)
        return codes

    def _answers(self, block: Block, country: NDArray[np.int64]) -> NDArray[np.int8]:
        answers = np.empty((block.rows, len(self.layout.questions)), np.int8, order="F")
        for j, (question, place) in enumerate(self.layout.questions.items()):
            answers[:, j] = self._coded(question, block.columns[place], country)
        return answers

    def _small(self, variable: str, codes: NDArray[np.int64]) -> NDArray[np.int32]:
        if codes.size and (codes.min() < -(2**31) or codes.max() >= 2**31):
            raise fail(
                "code-too-large",
                f"{variable} holds a code beyond 32 bits",
                where=self.where,
                column=variable,
                found=str(max(codes.max(), -codes.min())),
            )
        return codes.astype(np.int32)

    def _country(self, block: Block) -> NDArray[np.int64]:
        roles = self.layout.roles
        role = "country" if "country" in roles else "country_alpha"
        codes, found = self.coders["B_COUNTRY"].code(block.columns[roles[role]])
        if found is not None:
            raise fail(
                "unknown-country",
                "the file holds a country that the codebook lacks",
                where=self.where,
                row=self.rows + int(found.rows[0]) + 2,
                column="B_COUNTRY",
                found=", ".join([*found.texts, *map(str, found.codes)][:5]),
                allowed="the survey's country codes, ISO3 codes or names in the codebook",
                hint="Correct the file, or add the country to codebook/data/countries.csv.",
            )
        if codes.size and codes.min() < 0:
            raise fail(
                "no-country",
                "a person has no country",
                where=self.where,
                row=self.rows + int(np.flatnonzero(codes < 0)[0]) + 2,
                column="B_COUNTRY",
                found=str(codes.min()),
            )
        return codes.astype(np.int64)

    def _check_wave(self, block: Block) -> None:
        if "wave" not in self.layout.roles:
            return
        codes, _ = self.coders["A_WAVE"].code(block.columns[self.layout.roles["wave"]])
        wrong = np.unique(codes[codes != WAVE])
        if wrong.size:
            raise fail(
                "wrong-wave",
                "the file holds people of another wave",
                where=self.where,
                column="A_WAVE",
                found=", ".join(str(c) for c in wrong[:5]),
                allowed=str(WAVE),
                hint="Take the wave 7 file, or keep only its rows with A_WAVE = 7.",
            )

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
        bad = np.flatnonzero(~(np.isfinite(weights) & (weights >= 0)))
        if bad.size:
            raise fail(
                "bad-weight",
                "a design weight is blank, negative or no number",
                where=self.where,
                row=self.rows + int(bad[0]) + 2,
                column="W_WEIGHT",
                found=str(column[int(bad[0])].as_py()),
                allowed="a number of zero or more, or 'No weighting'",
                count=int(bad.size),
                hint="Correct the file; a file without the column gives everyone weight 1.",
            )
        self.weight.append(weights.astype(np.float64))

    def _versions(self, block: Block) -> None:
        if "version" in self.layout.roles:
            column = block.columns[self.layout.roles["version"]]
            for text in column.unique().to_pylist():
                if text is not None:
                    self.versions.setdefault(str(text), len(self.versions))


def read_tabular(
    file: TabularFile, path: Path, *, allow_unknown: bool, progress: Progress | None
) -> Survey:
    """Read an opened file whole.

    Raises:
        ContractError: see `dataset_builder.reading.read_survey`.
    """
    layout = find_layout(file.headers, where=path.name)
    assembly = Assembly(layout=layout, where=path.name, coders=_coders(layout, file))
    for block in file.blocks(_wanted(layout)):
        assembly.add(block)
        if progress is not None:
            progress(block.done, file.total)
    if not assembly.rows:
        raise fail("no-rows", "the file has column names but no people", where=path.name)
    if not allow_unknown:
        assembly.unlisted.refuse(where=path.name, coders=assembly.coders, name=_country_name)
    return _survey(assembly, file, path)


def _coders(layout: Layout, file: TabularFile) -> dict[str, Coder]:
    coders = {
        question: question_coder(
            question,
            mirror=direction_of(
                question,
                value_labels=file.value_labels.get(place, {}),
                inverted=question in layout.inverted,
                header=file.headers[place],
            ),
        )
        for question, place in layout.questions.items()
    }
    coders |= {v: demographic_coder(v) for v in layout.demographics}
    coders.setdefault("B_COUNTRY", demographic_coder("B_COUNTRY"))
    coders["A_WAVE"] = Coder("A_WAVE", frozenset({WAVE}), strict=False)
    coders |= {role: Coder(role, frozenset(), strict=False, numbers=True) for role in _ID_ROLES}
    return coders


def _wanted(layout: Layout) -> Wanted:
    text = {layout.roles[r] for r in _TEXT_ROLES if r in layout.roles}
    small = set(layout.questions.values()) - text
    whole = set(layout.columns()) - small - text
    return Wanted(small=frozenset(small), whole=frozenset(whole), text=frozenset(text))


def _country_name(code: int) -> str:
    return country_by_wvs_code()[code].country


def _survey(assembly: Assembly, file: TabularFile, path: Path) -> Survey:
    countries, country = _country_index(np.concatenate(assembly.country))
    ids = {role: np.concatenate(parts) for role, parts in assembly.ids.items()}
    answers = _stacked(assembly.answers, len(assembly.layout.questions))
    assembly.answers.clear()
    demographics = {v: np.concatenate(parts) for v, parts in assembly.demographics.items()}
    respondent_id, id_source = respondent_ids(
        ids.get("person"), ids.get("interview"), assembly.rows
    )
    interview = ids.get("interview", np.full(assembly.rows, int(MissingKind.MISSING), np.int64))
    notes = identity_notes(
        ids.get("person"), ids.get("interview"), [answers, *demographics.values()]
    )
    synthetic, note = synthetic_source(path, tuple(assembly.versions))
    return Survey(
        source=_source(assembly, file, path, id_source=id_source, synthetic=synthetic),
        wave=WAVE,
        respondent_id=respondent_id,
        interview_id=interview,
        country=country,
        countries=countries,
        weight=np.concatenate(assembly.weight),
        answers=answers,
        questions=tuple(assembly.layout.questions),
        demographics=demographics,
        row_number=np.arange(assembly.rows, dtype=np.int64),
        unlisted=assembly.unlisted.listing(_country_name),
        notes=(*_notes(assembly), *notes, *note),
        synthetic=synthetic,
    )


def _stacked(blocks: list[NDArray[np.int8]], width: int) -> NDArray[np.int8]:
    stacked = np.empty((sum(len(b) for b in blocks), width), np.int8, order="F")
    start = 0
    for block in blocks:
        stacked[start : start + len(block)] = block
        start += len(block)
    return stacked


def _country_index(codes: NDArray[np.int64]) -> tuple[tuple[str, ...], NDArray[np.int16]]:
    distinct, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty(len(order), np.int16)
    rank[order] = np.arange(len(order), dtype=np.int16)
    return tuple(_country_name(int(distinct[i])) for i in order), rank[inverse]


def _notes(assembly: Assembly) -> list[str]:
    notes = []
    if "weight" not in assembly.layout.roles:
        notes.append("The file has no design weight; everyone has weight 1.")
    turned = [q for q in assembly.layout.questions if assembly.coders[q].mirror]
    if turned:
        notes.append(
            "The file is an inverted release; these questions were turned back to the "
            f"questionnaire's direction: {', '.join(turned)}."
        )
    return notes


def _source(
    assembly: Assembly,
    file: TabularFile,
    path: Path,
    *,
    id_source: str,
    synthetic: Synthetic | None,
) -> SourceFile:
    layout = assembly.layout
    labels = [v for v, c in assembly.coders.items() if c.used_labels]
    detected = dict(file.detected)
    detected["columns"] = str(len(file.headers))
    detected["headers"] = layout.header_style
    detected["answers"] = "labels and codes" if labels else "codes"
    if any(c.used_decimals for c in assembly.coders.values()):
        detected["numbers"] = "with decimals (-3.0)"
    turned = [q for q in layout.questions if assembly.coders[q].mirror]
    detected["direction"] = "inverted, turned back" if turned else "questionnaire"
    detected["questions"] = str(len(layout.questions))
    detected["demographics"] = str(len(set(layout.demographics) - set(ON_REQUEST)))
    detected["respondent ids"] = id_source
    detected["weight"] = _weight_name(file, layout)
    detected["countries"] = str(len(np.unique(np.concatenate(assembly.country))))
    if synthetic is not None:
        detected["synthetic"] = "yes"
    return SourceFile(
        name=path.name,
        sha256=file.sha256(),
        survey=f"WVS wave {WAVE}" + (" (SYNTHETIC)" if synthetic is not None else ""),
        survey_version=", ".join(assembly.versions),
        rows=assembly.rows,
        detected=detected,
    )


def _weight_name(file: TabularFile, layout: Layout) -> str:
    place: Mapping[str, int] = layout.roles
    return str(file.headers[place["weight"]]).strip() if "weight" in place else "none"
