"""Synthetic files of waves 5 and 6 in their own layout: V names, semicolons, codes of the wave."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from codebook import countries, questions, value_questions
from codebook.crosswalk import wave_variable
from codebook.respondents.demographics import demographics
from codebook.respondents.harmonised import HARMONISED, harmonised
from contracts.atomic import atomic_file
from contracts.release.manifest import Synthetic
from dataset_builder.reading.own_labels import own_labels
from dataset_builder.reading.provenance import sidecar_path
from dataset_builder.reading.waves.layout import question_recode
from dataset_builder.reading.waves.schools import SCHOOL_TYPES
from dataset_builder.synthesis.answers import draw_answers, find_traits
from dataset_builder.synthesis.earlier_waves_shares import (
    asked,
    read_wave_shares,
    wave_sizes,
    wave_templates,
)
from dataset_builder.synthesis.marginals import OPTION_SLOTS, AnswerShares
from dataset_builder.synthesis.people import draw_people
from dataset_builder.synthesis.weights import draw_weights
from dataset_builder.synthesis.writers import MISSING_LABELS

GENERATOR = "opinion-atlas synthesize 1, earlier waves"
VERSION_TEXT = "SYNTHETIC (layout of wave {wave})"
DOI_TEXT = "none: SYNTHETIC; no person answered"

#: Column of the design weight, by wave.
WEIGHTS = MappingProxyType({5: "V259", 6: "V258"})

#: How files of the survey name a wave in V1.
_FIELDWORK = MappingProxyType({5: "2005-2009", 6: "2010-2014"})

_SHARED = ("sex", "age", "education", "income_third", "marital_status", "employment")

#: Type of school that stands for an ISCED level; the readers' approximation, the other way.
_SCHOOL = MappingProxyType({0: 1, 1: 3, 2: 6, 3: 7, 4: 7, 5: 8, 6: 9, 7: 9, 8: 9})

#: Questions that Colombia asked on three points in wave 5, in columns of its own.
_VARIANTS = tuple(f"V{number}" for number in range(4, 10))
_VARIANT_SHARES = (0.6, 0.3, 0.1)
_NOT_ASKED = -4

Frame = dict[str, NDArray[np.generic]]


def write_earlier_wave(
    out: Path,
    *,
    wave: int,
    people: int | None,
    seed: int,
    progress: Callable[[int, int], None] | None,
) -> tuple[int, int, Synthetic]:
    """Write a synthetic file of wave 5 or 6, and the statement beside it.

    Args:
        out: the file, `.csv` or `.sav`.
        wave: 5 or 6.
        people: number of people, None for as many as the wave asked in these countries.
        seed: seed of all randomness.
        progress: called with (countries done, countries).

    Returns:
        People, countries, and what is made up.
    """
    sizes = wave_sizes(wave, people)
    shares = read_wave_shares(wave)
    traits = find_traits(shares)
    templates = wave_templates(wave)
    streams = np.random.default_rng([seed, wave]).spawn(len(templates))
    frames = []
    for place, (template, n, rng) in enumerate(zip(templates, sizes, streams, strict=True)):
        weight = draw_weights(n, float(shares.weight_effect[place]), rng=rng)
        persons = draw_people(template, n, languages=(), rng=rng)
        answers = draw_answers(shares, traits, place, persons, weight, rng=rng)
        frame = _frame(wave, template.wvs_code, persons.codes, answers, weight)
        if wave == 5:
            frame |= _variants(template.country, n, rng)
        frames.append(frame)
        if progress is not None:
            progress(place + 1, len(templates))
    names = _ordered(frames[0])
    whole = {name: np.concatenate([frame[name] for frame in frames]) for name in names}
    with atomic_file(out) as partial:
        if out.suffix.lower() == ".sav":
            _write_sav(partial, whole, wave)
        else:
            _write_csv(partial, whole)
    synthetic = _statement(shares, wave, seed)
    with atomic_file(sidecar_path(out)) as partial:
        partial.write_text(json.dumps(synthetic.model_dump(), indent=1) + "\n", encoding="utf-8")
    return sum(sizes), len(sizes), synthetic


def wave_codes(question_id: str, wave: int, codes: NDArray[np.int8]) -> NDArray[np.int8]:
    """Codes of wave 7 in the coding of an earlier wave."""
    turned = codes.copy()
    for old, new in question_recode(question_id, wave, timeseries=False).items():
        if new >= 0:
            turned[codes == new] = old
    return turned


def _frame(
    wave: int,
    country_code: int,
    persons: Mapping[str, NDArray[np.int64]],
    answers: NDArray[np.int8],
    weight: NDArray[np.float64],
) -> Frame:
    """All columns of a country, in no order."""
    n = len(weight)
    frame: Frame = {
        "version": np.full(n, VERSION_TEXT.format(wave=wave), object),
        "doi": np.full(n, DOI_TEXT, object),
        "V1": np.full(n, wave),
        "V2": np.full(n, country_code),
        "V3": np.arange(1, n + 1),
        WEIGHTS[wave]: weight,
    }
    place = {question: j for j, question in enumerate(value_questions())}
    for question in asked(wave):
        frame[_variable(question, wave)] = wave_codes(question, wave, answers[:, place[question]])
    for name, variable in _demographics(wave).items():
        codes = persons[HARMONISED[name].variable]
        frame[variable] = _school_types(codes) if name == "education" else codes
    return frame


def _variable(question: str, wave: int) -> str:
    variable = wave_variable(question, wave)
    assert variable is not None
    return variable


def _demographics(wave: int) -> dict[str, str]:
    """Column by harmonised demographic."""
    return {name: h.variable for name, h in harmonised(wave).items() if name in _SHARED}


def _school_types(levels: NDArray[np.int64]) -> NDArray[np.int64]:
    return np.array([_SCHOOL.get(int(level), int(level)) for level in levels], np.int64)


def _variants(country: str, n: int, rng: np.random.Generator) -> Frame:
    """V4_CO to V9_CO: three points in Colombia, not asked elsewhere."""
    drawn = rng.choice((1, 2, 3), (len(_VARIANTS), n), p=_VARIANT_SHARES)
    return {
        f"{name}_CO": drawn[i] if country == "COL" else np.full(n, _NOT_ASKED)
        for i, name in enumerate(_VARIANTS)
    }


def _ordered(frame: Frame) -> list[str]:
    """Names in the order of the file: version and doi, then by number, then by letter."""

    def key(name: str) -> tuple[int, str]:
        match = re.match(r"V(\d+)(.*)", name)
        return (int(match.group(1)), match.group(2)) if match else (0, name)

    return sorted(frame, key=lambda name: (name not in ("version", "doi"), key(name)))


def _write_csv(path: Path, columns: Frame) -> None:
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    options = pa_csv.WriteOptions(delimiter=";", quoting_style="none", quoting_header="none")
    # The separator must not stand in a text, as nothing is quoted.
    table = {n: _without_semicolon(c) if c.dtype == object else c for n, c in columns.items()}
    pa_csv.write_csv(pa.table(table), path, write_options=options)


def _without_semicolon(texts: NDArray[np.generic]) -> list[str]:
    return [str(text).replace(";", ",") for text in texts.tolist()]


def _write_sav(path: Path, columns: Frame, wave: int) -> None:
    import pyarrow as pa
    import pyreadstat

    table = pa.table({n: c.tolist() if c.dtype == object else c for n, c in columns.items()})
    labels = _value_labels(wave)
    pyreadstat.write_sav(
        table.to_pandas(),
        str(path),
        file_label=VERSION_TEXT.format(wave=wave),
        column_labels=_titles(wave),
        variable_value_labels=labels,
        missing_ranges={n: [{"lo": -5, "hi": -1}] for n in labels if n not in ("V1", "V2")},
        row_compress=True,
    )


def _titles(wave: int) -> dict[str, str]:
    titles = {_variable(q, wave): questions()[q].title for q in asked(wave)}
    return titles | {
        variable: demographics()[HARMONISED[name].variable].title
        for name, variable in _demographics(wave).items()
    }


def _value_labels(wave: int) -> dict[str, dict[int | float, str]]:
    """Labels of the options in the codes of the wave, and of the missing codes."""
    labels_by_variable: dict[str, dict[int | float, str]] = {}
    for question in asked(wave):
        scale = value_questions()[question].scale
        assert scale is not None
        codes = np.array(scale.labelled_codes, np.int8)
        turned = wave_codes(question, wave, codes).tolist()
        texts = [own_labels(question)[code] for code in scale.labelled_codes]
        labels_by_variable[_variable(question, wave)] = (
            dict(zip(turned, texts, strict=True)) | MISSING_LABELS
        )
    for name, variable in _demographics(wave).items():
        known = SCHOOL_TYPES if name == "education" else own_labels(HARMONISED[name].variable)
        if known:
            labels_by_variable[variable] = dict([*known.items(), *MISSING_LABELS.items()])
    labels_by_variable["V1"] = {wave: _FIELDWORK[wave]}
    labels_by_variable["V2"] = {c.wvs_code: c.name for c in countries().values()}
    return labels_by_variable


def _statement(shares: AnswerShares, wave: int, seed: int) -> Synthetic:
    """What is borrowed from wave 7: whole countries, single questions, all demographics."""
    known = np.array([q in asked(wave) for q in shares.questions])
    names = [_variable(q, wave) if q in asked(wave) else "" for q in shares.questions]
    asked_there = known & (shares.everyone[..., :OPTION_SLOTS].sum(axis=2) > 0)
    own = (asked_there & ~shares.borrowed).any(axis=1)
    whole = [c for c, has in zip(shares.countries, own, strict=True) if not has]
    single = [
        f"{shares.countries[i]}:{names[j]}"
        for i, j in np.argwhere(shares.borrowed & known)
        if shares.countries[i] not in whole
    ]
    variants = [f"{name}_CO" for name in _VARIANTS] if wave == 5 else []
    return Synthetic(
        seed=seed,
        generator=GENERATOR,
        borrowed_countries=sorted(whole),
        borrowed_columns=[*single, *_demographics(wave).values(), *variants],
        note=(
            f"Answers are drawn from the embedded reference's shares of wave {wave}. Countries and "
            "questions listed as borrowed (ARG:V55) take the country's shares of wave 7, or its "
            "continent's; demographics are those of wave 7 and hang together with no answer."
        ),
    )
