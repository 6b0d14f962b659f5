"""The probe: a stratified sample of answers after WorldValuesBench."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from codebook import CONTINENTS, countries, question_set, questions
from codebook.respondents.harmonised import HARMONISED
from contracts.release.interview_ids import ambiguous_ids
from contracts.release.tables import PROBE, SPLITS
from dataset_builder.people import People, harmonised_index
from dataset_builder.positions import NO_POSITION, byte_of, look_up
from dataset_builder.splits import TEST

#: The wave whose people are sampled: that of WorldValuesBench.
PROBE_WAVE = 7

#: People drawn per cell and question; a cell needs strictly more valid answers than this.
PER_CELL = 5


def cell_index(people: People) -> NDArray[np.int64]:
    """Cell continent x settlement x education of each person, -1 where one is unknown."""
    survey = people.survey
    settlement = harmonised_index(survey, "settlement").astype(np.int64)
    education = harmonised_index(survey, "education").astype(np.int64)
    places = [CONTINENTS.index(countries()[country].continent) for country in survey.countries]
    continent = np.array(places, np.int64)[survey.country]
    sizes = (len(HARMONISED["settlement"].categories), len(HARMONISED["education"].categories))
    cell = (continent * sizes[0] + settlement) * sizes[1] + education
    return np.where((settlement >= 0) & (education >= 0), cell, -1)


def draw(
    cells: NDArray[np.int64], answered: NDArray[np.bool_], *, rng: np.random.Generator
) -> NDArray[np.intp]:
    """Five people of every cell in which strictly more than five answered.

    Args:
        cells: cell of each person, -1 for none, shape (n,).
        answered: who gave a valid answer, shape (n,).
        rng: source of the draws.

    Returns:
        Numbers of the people drawn, cell by cell, each cell's in rising order.
    """
    drawn = []
    able = np.flatnonzero(answered & (cells >= 0))
    for cell in np.unique(cells[able]):
        members = able[cells[able] == cell]
        if len(members) > PER_CELL:
            drawn.append(np.sort(rng.choice(members, PER_CELL, replace=False)))
    return np.concatenate(drawn) if drawn else np.empty(0, np.intp)


def nameless_ids(everyone: Sequence[People], *, wave: int) -> NDArray[np.int64]:
    """Interview ids that name nobody: borne by several respondents of a wave, in any survey."""
    ids = [p.survey.interview_id[p.split >= 0] for p in everyone if p.survey.wave == wave]
    return ambiguous_ids(np.concatenate(ids) if ids else [])


def probe_table(
    people: People, *, nameless: NDArray[np.int64], rng: np.random.Generator
) -> pa.Table:
    """Rows of `probe`: 36 questions x up to 48 cells x 5 people of the test split.

    A valid answer is one that WorldValuesBench does not blank. Cells are six continents x
    urban or rural x four levels of education (ISCED 0-1, 2, 3-5, 6-8).

    Args:
        people: the people of one survey.
        nameless: ids of `nameless_ids`; respondents who bear one are not drawn, since no rating
            could name them.
        rng: source of the draws.
    """
    survey = people.survey
    wanted = [q for q in question_set("probe") if q in survey.questions]
    able = (people.split == TEST) & ~np.isin(survey.interview_id, nameless)
    cells = np.where(able, cell_index(people), -1)
    parts = []
    for question_id in wanted:
        codes = survey.answers[:, survey.questions.index(question_id)]
        recoded = _recoded(codes, question_id)
        chosen = draw(cells, recoded >= 0, rng=rng)
        parts.append(_rows(people, question_id, chosen, codes, recoded))
    return pa.concat_tables(parts) if parts else PROBE.empty_table()


def _recoded(codes: NDArray[np.int8], question_id: str) -> NDArray[np.int16]:
    """WorldValuesBench's code of each answer, -1 where it is missing or blanked."""
    question = questions()[question_id]
    assert question.scale is not None
    table = np.full(256, -1, np.int16)
    for code in question.scale.codes:
        recoded = question.worldvaluesbench_recode.get(code, code)
        table[byte_of(code)] = -1 if recoded is None else recoded
    return table[codes.view(np.uint8)]


def _texts(values: Sequence[str], index: NDArray[np.integer]) -> pa.Array:
    return pa.array(values, pa.string()).take(pa.array(index))


def _rows(
    people: People,
    question_id: str,
    chosen: NDArray[np.intp],
    codes: NDArray[np.int8],
    recoded: NDArray[np.int16],
) -> pa.Table:
    survey = people.survey
    places = [countries()[country].continent for country in survey.countries]
    position = look_up(codes[chosen][:, None], [question_id])[:, 0]
    assert (position != NO_POSITION).all()
    assert set(people.split[chosen].tolist()) <= {SPLITS.index("test")}
    columns = {
        "respondent_id": survey.respondent_id[chosen],
        "interview_id": survey.interview_id[chosen],
        "wave": np.full(len(chosen), survey.wave, np.int8),
        "country": _texts(survey.countries, survey.country[chosen]),
        "continent": _texts(places, survey.country[chosen]),
        "question_id": _texts([question_id], np.zeros(len(chosen), np.int8)),
        "answer_code": codes[chosen].astype(np.int16),
        "answer_position": position,
        "worldvaluesbench_code": recoded[chosen],
    }
    for name in ("settlement", "education"):
        columns[name] = _texts(HARMONISED[name].categories, harmonised_index(survey, name)[chosen])
    return pa.table([columns[name] for name in PROBE.names], schema=PROBE)
