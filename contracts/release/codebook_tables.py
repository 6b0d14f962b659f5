"""The tables `questions` and `countries` of a release, from the codebook."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pyarrow as pa

import codebook
from codebook import MISSING_CODES, Question
from codebook.countries import HOFSTEDE_DIMENSIONS
from codebook.crosswalk import crosswalk
from codebook.wordings.wording import languages, wording
from contracts.release.disclosure import round_count
from contracts.release.tables import COUNTRIES, QUESTIONS

#: Wave whose names and scales are the codebook's own.
_OWN_WAVE = 7


def questions_schema() -> pa.Schema:
    """Schema of `questions`: the fixed columns and the wording in every other language there is."""
    schema = QUESTIONS
    for language in languages():
        if f"wording_{language}" not in schema.names:
            schema = schema.append(pa.field(f"wording_{language}", pa.string()))
    return schema


def questions_table(asked: Mapping[int, Collection[str]]) -> pa.Table:
    """One row per question and wave, in the questionnaire's order.

    Args:
        asked: wave -> ids of the questions that were asked in it.
    """
    known = codebook.questions()
    rows = [
        _question_row(known[question_id], wave)
        for wave in sorted(asked, reverse=True)
        for question_id in known
        if question_id in asked[wave]
    ]
    return pa.Table.from_pylist(rows, schema=questions_schema())


def _question_row(question: Question, wave: int) -> dict[str, object]:
    scale = question.scale
    named = wording("en").labels.get(scale.scale_id, {}) if scale else {}
    codes = list(scale.codes) if scale else []
    return {
        "question_id": question.question_id,
        "wave": wave,
        "title": question.title,
        "category": question.category,
        "scale_id": scale.scale_id if scale else "",
        "level": scale.level if scale else "",
        "codes": codes,
        "labels": [named.get(code, str(code)) for code in codes],
        "off_scale_codes": list(scale.off_scale) if scale else [],
        "missing_codes": list(MISSING_CODES),
        "orientation": question.orientation,
        "memberships": sorted(question.memberships),
        **_across_waves(question.question_id, wave),
        **{
            f"wording_{language}": wording(language).stems.get(question.question_id, "")
            for language in languages()
        },
    }


def _across_waves(question_id: str, wave: int) -> dict[str, str]:
    """Name of the variable in the wave's file, and how far it compares with wave 7."""
    entry = crosswalk().get(question_id)
    grade = entry.comparability.get(wave) if entry else None
    own = wave == _OWN_WAVE
    return {
        "variable": question_id if own or entry is None else entry.variables.get(wave, ""),
        "comparability": "identical" if own else grade.grade if grade else "",
        "comparability_reason": "" if own or grade is None else grade.reason,
    }


def countries_table(
    respondents: Mapping[str, Mapping[int, int]], *, rounded: bool = False
) -> pa.Table:
    """One row per country.

    Args:
        respondents: ISO3 code -> wave -> number of respondents.
        rounded: whether these numbers are rounded, as every count of a public release.
    """
    known = codebook.countries()
    rows = []
    for code in sorted(respondents):
        country = known[code]
        waves = sorted(respondents[code])
        row: dict[str, object] = {
            "country": code,
            "iso2": country.iso2,
            "iso_numeric": country.iso_numeric,
            "wvs_code": country.wvs_code,
            "name": country.name,
            "continent": country.continent,
            "languages": list(country.questionnaire_languages),
            "waves": waves,
            "respondents": [
                int(round_count(respondents[code][wave])) if rounded else respondents[code][wave]
                for wave in waves
            ],
            "resource_level": country.hofstede.resource_level if country.hofstede else None,
        }
        for name in HOFSTEDE_DIMENSIONS:
            row[f"hofstede_{name}"] = country.hofstede.scores[name] if country.hofstede else None
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=COUNTRIES)
