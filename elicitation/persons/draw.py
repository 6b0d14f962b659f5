"""Personas: whom a model is to answer as, drawn country by country."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from codebook.respondents.describe import DEMOGRAPHIC_SETS, ON_REQUEST_COLUMNS, person_texts
from codebook.respondents.harmonised import GROUP_VARIABLES, HARMONISED, group_name
from contracts.digests import sha256_text
from contracts.errors import fail
from contracts.release.read import Release
from elicitation.persons.margins import fitted_models
from elicitation.study.conditions import Target
from elicitation.study.study import Study

#: What metadata says of where personas come from.
SOURCES: Mapping[str, str] = {
    "fitted": "drawn from a model of each country's demographics fitted to the release's "
    "{margins}; no respondent is copied",
    "respondents": "demographics of single respondents of the release, drawn by their weights",
}


def persona_variables(demographics: str) -> tuple[str, ...]:
    """Variables of groups that a set of demographics tells, in the codebook's order."""
    if not demographics:
        return ()
    names = {name for column in DEMOGRAPHIC_SETS[demographics] for name in column}  # type: ignore[index]
    return tuple(name for name in GROUP_VARIABLES if name in names)


def personas_text(study: Study, release: Release) -> str:
    """How the personas of a study were drawn, for metadata."""
    rows = release.has("respondents")
    margins = "two-way margins" if rows else "published group sizes"
    text = SOURCES[study.personas].format(margins=margins)
    names: Sequence[str] = persona_variables(study.demographics)
    if study.personas == "respondents" and study.demographics:
        sets = DEMOGRAPHIC_SETS[study.demographics]  # type: ignore[index]
        names = [columns[-1] for columns in sets if "country" not in columns]
    described = ", ".join(("country", *names, *study.on_request))
    known = ", as far as the release holds them" if names else ""
    return f"{study.persons} per country, {text}; described by: {described}{known}"


def draw_personas(
    release: Release, study: Study, languages: Mapping[str, str]
) -> Mapping[str, tuple[Target, ...]]:
    """The personas of every country, the same for every language.

    Args:
        release: the people.
        study: a study of persons.
        languages: language of each country's prompts.

    Returns:
        Country -> targets. A country's personas do not depend on which others are asked.
    """
    draw = _respondents if study.personas == "respondents" else _fitted
    drawn = draw(release, study)
    return {
        country: _targets(country, drawn[country], study, languages[country])
        for country in study.countries
    }


class _Drawn:
    """Personas of one country: columns that describe them, and the group that each belongs to."""

    def __init__(self, columns: Mapping[str, Any], groups: Sequence[str]) -> None:
        self.columns = columns
        self.groups = groups


def _rng(study: Study, country: str) -> np.random.Generator:
    return np.random.default_rng([study.seed, int(sha256_text(f"personas {country}")[:8], 16)])


def _fitted(release: Release, study: Study) -> dict[str, _Drawn]:
    variables = persona_variables(study.demographics)
    models = fitted_models(release, variables, study.countries, wave=study.wave)
    drawn_by_country = {}
    for country, model in models.items():
        people = model.draw(study.persons, _rng(study, country))
        columns = {name: [person[name] for person in people] for name in model.variables}
        drawn_by_country[country] = _Drawn(columns, [group_name(person) for person in people])
    return drawn_by_country


def _respondents(release: Release, study: Study) -> dict[str, _Drawn]:
    """Respondents drawn by weight: each once, as long as there are enough."""
    import pyarrow as pa
    import pyarrow.compute as pc

    variables = persona_variables(study.demographics)
    have = set(release.dataset("respondents").schema.names)
    described = _described(study, have)
    columns = list(dict.fromkeys(["country", "weight", *described, *variables]))
    where = (pc.field("wave") == study.wave) & pc.field("country").isin(list(study.countries))
    table = release.table("respondents", columns=columns, where=where)
    country = np.array(table["country"].to_pylist(), dtype=object)
    drawn_by_country = {}
    for name in study.countries:
        rows = np.flatnonzero(country == name)
        if not len(rows):
            raise fail(
                "no-people",
                f"the release holds no respondents of {name} in wave {study.wave}",
                where=release.source,
                column="--countries",
            )
        weight = table["weight"].to_numpy()[rows]
        rng, many = _rng(study, name), study.persons > len(rows)
        chosen = rng.choice(rows, study.persons, replace=many, p=weight / weight.sum())
        part = table.take(pa.array(chosen))
        members = [part[variable].to_pylist() for variable in variables]
        groups = [
            group_name(
                {
                    variable: category
                    for variable, category in zip(variables, person, strict=True)
                    if category in HARMONISED[variable].categories
                }
            )
            for person in (zip(*members, strict=True) if variables else [()] * study.persons)
        ]
        drawn_by_country[name] = _Drawn({column: part[column] for column in described}, groups)
    return drawn_by_country


def _described(study: Study, have: set[str]) -> list[str]:
    """Columns of respondents that describe them, beside the country."""
    sets = DEMOGRAPHIC_SETS[study.demographics] if study.demographics else ()  # type: ignore[index]
    wanted = [*sets, *(column for name in study.on_request for column in ON_REQUEST_COLUMNS[name])]
    names = [name for columns in wanted for name in columns if name in have]
    return [name for name in dict.fromkeys(names) if name not in ("B_COUNTRY", "country")]


def _targets(country: str, drawn: _Drawn, study: Study, language: str) -> tuple[Target, ...]:
    texts = person_texts(
        {"country": [country] * study.persons, **drawn.columns},
        form="sentence",
        demographics="remote" if study.demographics == "remote" else "main",
        on_request=study.on_request,
        language=language,
    )
    width = len(str(study.persons))
    return tuple(
        Target(country, group, person=str(text), person_id=f"{country}-{number:0{width}d}")
        for number, (group, text) in enumerate(zip(drawn.groups, texts, strict=True), start=1)
    )
