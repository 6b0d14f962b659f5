"""The tables `questions` and `countries` of a release, from the codebook."""

from __future__ import annotations

from collections.abc import Mapping

import pyarrow as pa

import codebook
from codebook import MISSING_CODES, Question
from codebook.countries import HOFSTEDE_DIMENSIONS
from contracts.tables import COUNTRIES, QUESTIONS


def questions_table(
    variables: Mapping[int, Mapping[str, str]],
    *,
    labels: Mapping[str, Mapping[int, str]],
    stems: Mapping[str, str],
    comparability: Mapping[tuple[str, int], tuple[str, str]] | None = None,
) -> pa.Table:
    """One row per question and wave.

    Args:
        variables: wave -> question id -> name of the variable in that wave's file.
        labels: scale id -> code -> English label.
        stems: question id -> English wording.
        comparability: (question id, wave) -> grade and reason, against wave 7.
    """
    grades = comparability or {}
    known = codebook.questions()
    rows = []
    for wave in sorted(variables, reverse=True):
        for question_id in (q for q in known if q in variables[wave]):
            grade, reason = grades.get((question_id, wave), ("", ""))
            row = _question_row(known[question_id], labels, stems)
            row |= {
                "wave": wave,
                "variable": variables[wave][question_id],
                "comparability": grade or ("identical" if wave == 7 else ""),
                "comparability_reason": reason,
            }
            rows.append(row)
    return pa.Table.from_pylist(rows, schema=QUESTIONS)


def _question_row(
    question: Question, labels: Mapping[str, Mapping[int, str]], stems: Mapping[str, str]
) -> dict[str, object]:
    scale = question.scale
    named = labels.get(scale.scale_id, {}) if scale else {}
    codes = list(scale.codes) if scale else []
    return {
        "question_id": question.question_id,
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
        "wording_en": stems.get(question.question_id, ""),
    }


def countries_table(respondents: Mapping[str, Mapping[int, int]]) -> pa.Table:
    """One row per country.

    Args:
        respondents: ISO3 code -> wave -> number of people.
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
            "respondents": [respondents[code][wave] for wave in waves],
            "resource_level": country.hofstede.resource_level if country.hofstede else None,
        }
        for name in HOFSTEDE_DIMENSIONS:
            row[f"hofstede_{name}"] = country.hofstede.scores[name] if country.hofstede else None
        rows.append(row)
    return pa.Table.from_pylist(rows, schema=COUNTRIES)
