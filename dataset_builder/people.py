"""What is known of each person, ready to stand in a row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from codebook import countries
from codebook.questions import MissingKind
from codebook.respondents.demographics import demographics, texts
from codebook.respondents.harmonised import HARMONISED, ON_REQUEST_VARIABLES
from contracts.release.tables import MAIN_DEMOGRAPHICS, RESPONDENTS, SPLITS
from dataset_builder.design_effects.clusters import SurveyDesign, survey_design
from dataset_builder.positions import look_up
from dataset_builder.survey import Survey

#: Raw variables behind the demographics that are given out on request only.
SENSITIVE_VARIABLES: Mapping[str, tuple[str, ...]] = {
    "religion": ("Q289", "Q289CS9"),
    "ethnicity": ("Q290",),
    "party": ("Q223",),
}


@dataclass(frozen=True)
class TextColumn:
    """A column of text with few distinct values: index into `values` per person, -1 for null."""

    index: NDArray[np.int32]
    values: pa.Array

    def take(self, people: NDArray[np.integer]) -> TextColumn:
        """The column of some people."""
        return TextColumn(self.index[people], self.values)

    def repeat(self, counts: NDArray[np.integer]) -> pa.Array:
        """Every person's text `counts` times, dictionary-encoded."""
        index = np.repeat(self.index, counts)
        mask = index < 0
        return pa.DictionaryArray.from_arrays(
            pa.array(index, mask=mask if mask.any() else None), self.values
        )


@dataclass(frozen=True)
class People:
    """The people of one survey with their split and their columns.

    Attributes:
        survey: where they come from.
        split: int8, shape (n,): index into `SPLITS`, -1 for people left out.
        text: text columns by name: country, the main demographics, those asked for.
        codes: raw codes by variable, int32, shape (n,).
        seed: seed of the order in which clusters and strata are numbered.
    """

    survey: Survey
    split: NDArray[np.int8]
    text: Mapping[str, TextColumn]
    codes: Mapping[str, NDArray[np.int32]]
    seed: int = 0

    @cached_property
    def design(self) -> SurveyDesign:
        """Clusters and strata of the respondents whom the release holds."""
        return survey_design(self.survey, self.split >= 0, seed=self.seed)

    @property
    def design_notes(self) -> list[str]:
        """Why countries have no design, a sentence per reason."""
        return self.design.notes(self.survey.countries, wave=self.survey.wave)

    @cached_property
    def answers(self) -> NDArray[np.int8]:
        """Raw codes stored person by person, shape (n, questions)."""
        return np.ascontiguousarray(self.survey.answers)

    @cached_property
    def positions(self) -> NDArray[np.int8]:
        """Positions of the answers, -1 where there is none, stored person by person."""
        return look_up(self.survey.answers, self.survey.questions)

    def of_split(self, split: int) -> NDArray[np.intp]:
        """Numbers of the people in a split, in the order of the file."""
        return np.flatnonzero(self.split == split)


def harmonised_index(survey: Survey, name: str) -> NDArray[np.int8]:
    """Category of each person, -1 where unknown; all -1 where the file lacks the variable."""
    known = HARMONISED[name]
    codes = survey.demographics.get(known.variable)
    if codes is None:
        return np.full(len(survey), -1, np.int8)
    return known.recode(codes)


def describe_people(
    survey: Survey, split: NDArray[np.int8], *, include: Sequence[str] = (), seed: int = 0
) -> People:
    """Everything that rows need to know of the people of one survey.

    Args:
        survey: the people.
        split: index into `SPLITS`, -1 for people left out, shape (n,).
        include: names of `ON_REQUEST_VARIABLES` that are asked for.
        seed: seed of the order in which clusters and strata are numbered.
    """
    columns = {"country": TextColumn(survey.country.astype(np.int32), pa.array(survey.countries))}
    for name in MAIN_DEMOGRAPHICS:
        index = harmonised_index(survey, name).astype(np.int32)
        columns[name] = TextColumn(index, pa.array(HARMONISED[name].categories))
    for name in include:
        columns[name] = _on_request(survey, name)
    hidden = {
        variable
        for name in ON_REQUEST_VARIABLES
        if name not in include
        for variable in SENSITIVE_VARIABLES[name]
    }
    codes = {v: c for v, c in survey.demographics.items() if v in demographics()}
    if "party" in include and "Q223" in survey.demographics:
        codes["Q223"] = survey.demographics["Q223"]
    shown = {v: c for v, c in codes.items() if v not in hidden}
    return People(survey, split, columns, shown, seed)


def _on_request(survey: Survey, name: str) -> TextColumn:
    """Religion, ethnic group or party as text; null where there is none."""
    codes = survey.demographics.get(HARMONISED[name].variable)
    if codes is None:
        return TextColumn(np.full(len(survey), -1, np.int32), pa.array([], pa.string()))
    if not HARMONISED[name].open_list:
        index = harmonised_index(survey, name).astype(np.int32)
        return TextColumn(index, pa.array(HARMONISED[name].categories))
    distinct, place = np.unique(codes, return_inverse=True)
    labels = texts(HARMONISED[name].variable, distinct)
    index = np.where(distinct >= 0, np.arange(distinct.size), -1)[place]
    return TextColumn(index.astype(np.int32), pa.array(labels.tolist(), pa.string()))


def _design_columns(people: People, retained_rows: NDArray[np.intp]) -> dict[str, pa.Array]:
    """Cluster and stratum of the respondents in a release; null where a country has no design."""
    cluster = np.full(len(people.survey), -1, np.int32)
    stratum = cluster.copy()
    for country in range(len(people.survey.countries)):
        design = people.design.of(country)
        if design is not None:
            here = np.flatnonzero((people.survey.country == country) & (people.split >= 0))
            cluster[here] = design.cluster
            stratum[here] = design.stratum[design.cluster]
    none = cluster[retained_rows] < 0
    return {
        "cluster": pa.array(cluster[retained_rows], mask=none),
        "stratum": pa.array(stratum[retained_rows], mask=none),
    }


def respondents_table(people: People, variables: Sequence[str]) -> pa.Table:
    """Rows of `respondents`, the people left out left out.

    Args:
        people: the people of one survey.
        variables: raw variables to give, in order; -5 (missing) where the survey lacks one.
    """
    survey = people.survey
    retained_rows = np.flatnonzero(people.split >= 0)
    once = np.ones(len(retained_rows), np.int64)
    continents = [countries()[country].continent for country in survey.countries]
    fixed = {
        "respondent_id": pa.array(survey.respondent_id[retained_rows]),
        "interview_id": pa.array(survey.interview_id[retained_rows]),
        "wave": pa.array(np.full(len(retained_rows), survey.wave, np.int8)),
        "continent": pa.array(continents).take(pa.array(survey.country[retained_rows])),
        "weight": pa.array(survey.weight[retained_rows]),
        **_design_columns(people, retained_rows),
        "split": pa.array(SPLITS).take(pa.array(people.split[retained_rows])),
    }
    fixed |= {
        name: column.take(retained_rows).repeat(once).dictionary_decode()
        for name, column in people.text.items()
    }
    order = [*RESPONDENTS.names, *(name for name in people.text if name not in RESPONDENTS.names)]
    missing = np.full(len(survey), MissingKind.MISSING, np.int32)
    raw = {v: pa.array(people.codes.get(v, missing)[retained_rows], pa.int32()) for v in variables}
    return pa.table({**{name: fixed[name] for name in order}, **raw})
