"""All 606 columns of a synthetic file, country by country."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from codebook import countries, value_questions
from dataset_builder.reading.labels import listed_codes
from dataset_builder.synthesis.clusters import Clusters
from dataset_builder.synthesis.derived import derived_columns, tell_choices_apart
from dataset_builder.synthesis.fieldwork import fieldwork_columns
from dataset_builder.synthesis.filler import Filler, constant_text
from dataset_builder.synthesis.people import People
from dataset_builder.synthesis.template import CountryTemplate, columns, language_letters
from dataset_builder.synthesis.weights import rescaling_weight

#: The version column of a synthetic file.
VERSION_TEXT = "SYNTHETIC (modelled on 5-0-0)"
DOI_TEXT = "none: SYNTHETIC; no person answered"

#: Regional organisation that Q82 was about, by continent.
_ORGANISATIONS = {
    "Africa": "Q82_AFRICANUNION",
    "Asia": "Q82_ASEAN",
    "Europe": "Q82_EU",
    "North America": "Q82_OAS",
    "Oceania": "Q82_APEC",
    "South America": "Q82_MERCOSUR",
}

_CHOICES = (("Q152", "Q153"), ("Q154", "Q155"), ("Q156", "Q157"))
_BIRTH_LETTERS = {"X002_02B": "Q266", "V002A_01": "Q267", "V001A_01": "Q268"}
_NOT_ASKED = -4

#: The one D_INTERVIEW of all people of Uruguay in version 5.0.
_URUGUAY_INTERVIEW = 858_069_901


#: The columns of one country's people by name, in the order of the file: numbers, or text as
#: objects; NaN and "" are blank.
CountryFrame = Mapping[str, NDArray[np.generic]]


def country_columns(
    template: CountryTemplate,
    people: People,
    answers: NDArray[np.int8],
    weight: NDArray[np.float64],
    clusters: Clusters,
    filler: Filler,
    *,
    rng: np.random.Generator,
) -> CountryFrame:
    """All columns of one country.

    Args:
        template: the country.
        people: its people.
        answers: their answers to the value questions, shape (n, questions).
        weight: their design weights.
        clusters: where the interviews took place.
        filler: draws what nothing is known about.
        rng: source of randomness.
    """
    n = len(weight)
    known_columns: dict[str, NDArray[np.generic]] = dict(people.codes)
    known_columns |= {q: answers[:, j] for j, q in enumerate(value_questions())}
    for first, second in _CHOICES:
        pair = known_columns[first], known_columns[second]
        known_columns[second] = tell_choices_apart(*pair, rng=rng)  # type: ignore[arg-type]
    known_columns |= _identity(template, n)
    fieldwork = fieldwork_columns(template, clusters, n, rng=rng)
    filler.used.update([*fieldwork, "Q289CS9"])
    known_columns |= fieldwork
    known_columns["W_WEIGHT"] = weight
    known_columns["S018"] = np.full(n, rescaling_weight(template.country, n))
    known_columns |= _copies(template, known_columns, n)
    whole = {k: np.asarray(v, np.int64) for k, v in known_columns.items() if v.dtype.kind == "i"}
    known_columns |= derived_columns(whole)
    known_columns["Q289CS9"] = _detailed_religion(whole["Q289"], rng)
    filled = {}
    for column in columns():
        if column.name in known_columns:
            filled[column.name] = known_columns[column.name]
        else:
            filled[column.name] = filler.fill(column, template, n, rng=rng)
    return filled


def _identity(template: CountryTemplate, n: int) -> dict[str, NDArray[np.generic]]:
    """Ids and names; Uruguay's people all bear one D_INTERVIEW, as in version 5.0."""
    number = np.arange(1, n + 1, dtype=np.int64)
    interview = template.wvs_code * 1_000_000 + 70_000 + number
    person = interview if template.country == "NIR" else interview + 650_000
    if template.country == "URY":
        interview = np.full(n, _URUGUAY_INTERVIEW)
    return {
        "version": constant_text(VERSION_TEXT, n),
        "doi": constant_text(DOI_TEXT, n),
        "A_WAVE": np.full(n, 7),
        "A_YEAR": np.full(n, template.year),
        "A_STUDY": np.full(n, 2),
        "B_COUNTRY": np.full(n, template.wvs_code),
        "B_COUNTRY_ALPHA": constant_text(template.country, n),
        "C_COW_NUM": np.full(n, template.cow_number),
        "C_COW_ALPHA": constant_text(template.cow_letters, n),
        "D_INTERVIEW": interview,
        "S007": person,
        "S025": np.full(n, template.wvs_code * 10_000 + template.year),
    }


def _copies(
    template: CountryTemplate, known_columns: Mapping[str, NDArray[np.generic]], n: int
) -> dict[str, NDArray[np.generic]]:
    """Columns that repeat another, whole or in letters."""
    copies: dict[str, NDArray[np.generic]] = {
        "Q223_ABREV": known_columns["Q223"],
        "Q223_LOCAL": known_columns["Q223"],
        "LNGE_ISO": _letters(known_columns["S_INTLANGUAGE"], language_letters()),
    }
    for column in columns():
        if column.name.startswith("Q82_"):
            own = column.name == _ORGANISATIONS[template.continent]
            copies[column.name] = known_columns["Q82"] if own else np.full(n, _NOT_ASKED)
    letters = {c.wvs_code: c.iso2 or c.country for c in countries().values()}
    for name, source in _BIRTH_LETTERS.items():
        copies[name] = _letters(known_columns[source], letters)
    return copies


def _letters(codes: NDArray[np.generic], letters: Mapping[int, str]) -> NDArray[np.generic]:
    distinct, place = np.unique(codes, return_inverse=True)
    texts = np.array([letters.get(int(c), str(c)) or str(c) for c in distinct], object)
    return texts[place]


def _detailed_religion(groups: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.int64]:
    """A detailed denomination of everyone's major group; its first digit is the group."""
    detailed = groups.copy()
    for group in range(1, 10):
        listed = [c for c in sorted(listed_codes("Q289CS9")) if str(c).startswith(str(group))]
        choices: Sequence[int] = [c for c in listed if c >= 10_000_000] or listed
        here = np.flatnonzero(groups == group)
        if here.size and choices:
            detailed[here] = rng.choice(choices[:3], here.size)
    return detailed
