"""Models of a country's demographics from what a release holds.

A public release (the reference too) holds how many respondents each group has: the margin of every
variable. A private one holds respondents, of whom all pairs of variables are counted.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations

import numpy as np

from codebook.respondents.harmonised import HARMONISED
from contracts.release.read import Release
from elicitation.persons.fit import Margin, PersonaModel, counted, one_way, persona_model


def fitted_models(
    release: Release, variables: Sequence[str], countries: Sequence[str], *, wave: int
) -> Mapping[str, PersonaModel]:
    """A model for each country, of those of the variables that the release holds for it.

    Args:
        release: the people.
        variables: harmonised variables wanted.
        countries: ISO3 codes.
        wave: the wave of the people.
    """
    if release.has("respondents"):
        return _from_respondents(release, variables, countries, wave=wave)
    return _from_groups(release, variables, countries, wave=wave)


def _from_groups(
    release: Release, variables: Sequence[str], countries: Sequence[str], *, wave: int
) -> Mapping[str, PersonaModel]:
    """Margins of each variable, from the valid answers of its groups."""
    sizes = _group_sizes(release, countries, wave=wave)
    models = {}
    for country in countries:
        categories: dict[str, tuple[str, ...]] = {}
        amounts: list[np.ndarray] = []
        for variable in variables:
            own = sizes.get(country, {}).get(variable, {})
            there = tuple(name for name in HARMONISED[variable].categories if name in own)
            if there:
                categories[variable] = there
                amounts.append(np.array([own[name] for name in there]))
        shape = tuple(len(names) for names in categories.values())
        margins = [one_way(shape, axis, amount) for axis, amount in enumerate(amounts)]
        models[country] = persona_model(categories, margins)
    return models


def _group_sizes(
    release: Release, countries: Sequence[str], *, wave: int
) -> dict[str, dict[str, dict[str, float]]]:
    """Country -> variable -> category -> mean number of valid answers.

    The mean is over the questions for which most groups of the variable are published, so that a
    group left out of some of them does not look smaller or larger.
    """
    import pyarrow.compute as pc

    where = (pc.field("wave") == wave) & (pc.field("split") == "all") & (pc.field("group") != "")
    where &= pc.field("country").isin(list(countries)) & (pc.field("n_valid") > 0)
    columns = ["country", "group", "question_id", "n_valid"]
    table = release.table("distributions", columns=columns, where=where)
    cells = table.group_by(["country", "group", "question_id"]).aggregate([("n_valid", "max")])
    by_question: dict[tuple[str, str], dict[str, dict[str, int]]] = {}
    names = ("country", "group", "question_id", "n_valid_max")
    for country, group, question, n_valid in zip(
        *(cells[name].to_pylist() for name in names), strict=True
    ):
        if ";" in group:
            continue
        variable, _, category = group.partition("=")
        own = by_question.setdefault((country, variable), {})
        own.setdefault(question, {})[category] = n_valid
    group_sizes: dict[str, dict[str, dict[str, float]]] = {}
    for (country, variable), questions in by_question.items():
        most = max(map(len, questions.values()))
        whole = [one for one in questions.values() if len(one) == most]
        group_sizes.setdefault(country, {})[variable] = {
            category: float(np.mean([one.get(category, 0) for one in whole]))
            for category in sorted({category for one in whole for category in one})
        }
    return group_sizes


def _from_respondents(
    release: Release, variables: Sequence[str], countries: Sequence[str], *, wave: int
) -> Mapping[str, PersonaModel]:
    """Margins of all pairs of variables, weighted, over those who answered all of them."""
    import pyarrow.compute as pc

    where = (pc.field("wave") == wave) & pc.field("country").isin(list(countries))
    table = release.table("respondents", columns=["country", "weight", *variables], where=where)
    country = np.array(table["country"].to_pylist(), dtype=object)
    weight = table["weight"].to_numpy()
    places = {
        name: np.array(
            [_place(name, category) for category in table[name].to_pylist()], dtype=np.int64
        )
        for name in variables
    }
    return {
        name: _counted_model(
            {variable: codes[country == name] for variable, codes in places.items()},
            weight[country == name],
        )
        for name in countries
    }


def _place(variable: str, category: str | None) -> int:
    known = HARMONISED[variable].categories
    return known.index(category) if category in known else -1


def _counted_model(places: Mapping[str, np.ndarray], weight: np.ndarray) -> PersonaModel:
    """The model of one country's respondents; a variable that most did not answer is left out."""
    asked = {name: codes for name, codes in places.items() if 2 * (codes >= 0).sum() > len(codes)}
    whole = np.all([codes >= 0 for codes in asked.values()], axis=0) if asked else ()
    known = {name: codes[whole] for name, codes in asked.items()}
    categories = {name: HARMONISED[name].categories for name in known}
    shape = tuple(len(names) for names in categories.values())
    alone = [(axis,) for axis in range(len(shape))]
    pairs: list[tuple[int, ...]] = [*combinations(range(len(shape)), 2)] or list(alone)
    columns = list(known.values())
    margins: list[Margin] = []
    for axes in pairs:
        small = tuple(shape[axis] for axis in axes)
        cell = np.ravel_multi_index(tuple(columns[axis] for axis in axes), small)
        size = int(np.prod(small))
        counts = np.bincount(cell, minlength=size).reshape(small)
        amounts = np.bincount(cell, weight[whole], minlength=size).astype(float).reshape(small)
        margins.append(counted(shape, axes, counts, amounts))
    return persona_model(categories, margins)
