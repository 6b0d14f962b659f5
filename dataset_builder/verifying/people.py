"""Rows of single persons: ids, splits, codes, what is held out."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from codebook import countries, question_set
from codebook.respondents.harmonised import HARMONISED
from contracts.errors import Problem
from contracts.release.interview_ids import ambiguous_ids
from contracts.release.read import Release
from contracts.release.tables import MAIN_DEMOGRAPHICS, SPLITS
from dataset_builder.positions import position_table
from dataset_builder.verifying.design import design_faults
from dataset_builder.verifying.outcome import Check, counted, gathered


@dataclass
class Respondents:
    """The table `respondents`, ready to be looked up by id.

    Attributes:
        table: the table.
        ids: sorted ids.
        order: row of each sorted id.
    """

    table: pa.Table
    ids: NDArray[np.int64] = field(init=False)
    order: NDArray[np.intp] = field(init=False)

    def __post_init__(self) -> None:
        ids = self.table.column("respondent_id").to_numpy()
        self.order = np.argsort(ids, kind="stable")
        self.ids = ids[self.order]

    def rows(self, ids: NDArray[np.integer]) -> NDArray[np.intp]:
        """Row of each id, -1 where there is none."""
        if not len(self.ids):
            return np.full(len(ids), -1, np.intp)
        place = np.minimum(np.searchsorted(self.ids, ids), len(self.ids) - 1)
        return np.where(self.ids[place] == ids, self.order[place], -1)

    def column(self, name: str) -> NDArray[np.generic]:
        """A column as numpy, nulls of text as None."""
        return self.table.column(name).to_numpy()


def check_respondents(release: Release, respondents: Respondents) -> Check:
    """Ids are unique, weights positive, splits and continents those that they must be."""
    where = "respondents"
    table = respondents.table
    weight = respondents.column("weight").astype(float)
    split = respondents.column("split")
    country = table.column("country").to_pylist()
    partly, crossing = design_faults(table)
    wrong_continent = sum(
        c not in countries() or countries()[c].continent != continent
        for c, continent in zip(country, table.column("continent").to_pylist(), strict=True)
    )
    problems = [
        *counted(
            "id-twice",
            "the same respondent_id occurs twice",
            int((np.diff(respondents.ids) == 0).sum()),
            where=where,
        ),
        *counted(
            "weight",
            "the weight is negative or not finite",
            int((~np.isfinite(weight) | (weight < 0)).sum()),
            where=where,
        ),
        *counted(
            "split",
            f"the split is none of {', '.join(SPLITS)}",
            int((~np.isin(split.astype(str), SPLITS)).sum()),
            where=where,
        ),
        *counted(
            "continent",
            "country and continent do not belong together",
            wrong_continent,
            where=where,
        ),
        *counted(
            "cluster",
            "some respondents of a country have a cluster, others have none",
            partly,
            where=where,
        ),
        *counted("stratum", "the cluster lies in several strata", crossing, where=where),
        *_category_problems(table),
    ]
    people = {name: int((split == name).sum()) for name in SPLITS}
    if people != {name: release.manifest.split.people.get(name, 0) for name in SPLITS}:
        problems.append(
            Problem(
                "split-people",
                "people per split are not those of the manifest",
                where=where,
                found=str(people),
                allowed=str(release.manifest.split.people),
            )
        )
    held = np.isin(np.array(country, dtype=str), release.manifest.split.held_out_countries)
    problems += counted(
        "leak-country",
        "people of held-out countries are not in test",
        int((held & (split != "test")).sum()),
        where=where,
    )
    return Check("respondents", tuple(problems), f"{table.num_rows:,} people")


def _category_problems(table: pa.Table) -> list[Problem]:
    problems = []
    for name in MAIN_DEMOGRAPHICS:
        categories = set(pc.unique(table.column(name)).to_pylist()) - {None}
        unknown = sorted(categories - set(HARMONISED[name].categories))
        if unknown:
            problems.append(
                Problem(
                    "category",
                    "no such category",
                    where="respondents",
                    column=name,
                    found=", ".join(unknown),
                    allowed=", ".join(HARMONISED[name].categories),
                )
            )
    return problems


class ResponseChecker:
    """Looks at the rows of `responses`, batch by batch."""

    def __init__(self, release: Release, respondents: Respondents) -> None:
        self._respondents = respondents
        self._held = set(release.manifest.split.held_out_questions)
        self._split = np.array(
            [SPLITS.index(s) if s in SPLITS else -1 for s in respondents.column("split")], np.int8
        )
        self._country = respondents.table.column("country").combine_chunks().dictionary_encode()
        self._weight = respondents.column("weight").astype(np.float32)
        self._wave = respondents.column("wave")
        self._tables: dict[str, NDArray[np.int8]] = {}
        self._last: dict[str, tuple[int, int]] = {}
        self.wrong: dict[str, int] = {}
        self.rows = 0

    def _add(self, code: str, count: int) -> None:
        if count:
            self.wrong[code] = self.wrong.get(code, 0) + int(count)

    def visit(self, split: str, batch: pa.RecordBatch) -> None:
        """Check one batch."""
        self.rows += batch.num_rows
        person = self._respondents.rows(batch.column("respondent_id").to_numpy())
        self._add("unknown-person", int((person < 0).sum()))
        known = person >= 0
        person = person[known]
        self._add("two-splits", int((self._split[person] != SPLITS.index(split)).sum()))
        country = batch.column("country").dictionary_encode()
        lookup = pc.index_in(country.dictionary, self._country.dictionary)
        places = pc.fill_null(lookup, -1).to_numpy()[country.indices.to_numpy()][known]
        self._add("country", int((places != self._country.indices.to_numpy()[person]).sum()))
        weight = batch.column("weight").to_numpy()[known]
        self._add("weight", int((weight != self._weight[person]).sum()))
        self._add("wave", int((batch.column("wave").to_numpy()[known] != self._wave[person]).sum()))
        self._visit_answers(split, batch)

    def _visit_answers(self, split: str, batch: pa.RecordBatch) -> None:
        question = batch.column("question_id").dictionary_encode()
        names = question.dictionary.to_pylist()
        index = question.indices.to_numpy()
        tables = np.stack([self._table(name) for name in names])
        codes = batch.column("answer_code").to_numpy()
        inside = codes == codes.astype(np.int8)
        expected = np.where(inside, tables[index, codes.astype(np.int8).view(np.uint8)], -1)
        position = batch.column("answer_position").to_numpy()
        self._add("position", int(((expected != position) | (expected < 0)).sum()))
        if split != "test":
            held = np.array([name in self._held for name in names])
            self._add("leak-question", int(held[index].sum()))
        self._visit_order(split, batch, np.array([_ORDER.get(n, -1) for n in names])[index])

    def _table(self, question_id: str) -> NDArray[np.int8]:
        if question_id not in self._tables:
            known = question_id in _ORDER
            self._tables[question_id] = (
                position_table(question_id) if known else np.full(256, -1, np.int8)
            )
        return self._tables[question_id]

    def _visit_order(self, split: str, batch: pa.RecordBatch, question: NDArray[np.intp]) -> None:
        """A person's rows stand together, questions in order: so no answer occurs twice."""
        ids = batch.column("respondent_id").to_numpy().astype(np.int64)
        if not len(ids):
            return
        if split in self._last:
            before = self._last[split]
            ids = np.concatenate([[before[0]], ids])
            question = np.concatenate([[before[1]], question])
        same = ids[1:] == ids[:-1]
        self._add("answer-twice", int((same & (question[1:] <= question[:-1])).sum()))
        self._last[split] = (int(ids[-1]), int(question[-1]))

    def result(self) -> Check:
        """What was found in all batches."""
        problems = [
            problem
            for code, count in self.wrong.items()
            for problem in counted(code, _RESPONSES_WRONG[code], count, where="responses")
        ]
        return Check("responses", tuple(problems), f"{self.rows:,} answers")


def _order() -> dict[str, int]:
    return {question: i for i, question in enumerate(question_set("all"))}


_ORDER = _order()

_RESPONSES_WRONG = {
    "unknown-person": "the respondent is not in the table respondents",
    "two-splits": "the respondent belongs to another split",
    "country": "the country is not that of the respondent",
    "weight": "the weight is not that of the respondent",
    "wave": "the wave is not that of the respondent",
    "position": "the position is not that of the code on the question's scale",
    "leak-question": "an answer to a held-out question stands outside of test",
    "answer-twice": "a person's questions are not in rising order, or one occurs twice",
}


def check_probe(release: Release, respondents: Respondents) -> Check:
    """People of the probe are in test and can be named; five per cell and question, nobody twice.

    An interview id names a person only where no other respondent of the wave bears it.
    """
    table = release.table("probe")
    person = respondents.rows(table.column("respondent_id").to_numpy())
    split = respondents.column("split")
    per_cell = table.group_by(["question_id", "continent", "settlement", "education"]).aggregate(
        [("respondent_id", "count"), ("respondent_id", "count_distinct")]
    )
    sizes = per_cell.column("respondent_id_count").to_numpy()
    distinct = per_cell.column("respondent_id_count_distinct").to_numpy()
    where = "probe"
    return Check(
        "probe",
        gathered(
            counted(
                "unknown-person",
                "the respondent is not in the table respondents",
                int((person < 0).sum()),
                where=where,
            ),
            counted(
                "probe-split",
                "people of the probe are not in test",
                int((split[person[person >= 0]] != "test").sum()),
                where=where,
            ),
            counted(
                "probe-ambiguous",
                "the interview id belongs to more than one respondent, so no rating can name them; "
                "build the release again",
                _unnamed(table, respondents),
                where=where,
            ),
            counted(
                "probe-cell",
                "a cell does not hold five different people",
                int(((sizes != 5) | (distinct != 5)).sum()),
                where=where,
            ),
        ),
        f"{table.num_rows:,} rows",
    )


def _unnamed(probe: pa.Table, respondents: Respondents) -> int:
    """Rows of the probe whose interview id several respondents of its wave bear."""
    interview, wave = (respondents.column(name) for name in ("interview_id", "wave"))
    ids, waves = (probe.column(name).to_numpy() for name in ("interview_id", "wave"))
    return sum(
        int(np.isin(ids[waves == one], ambiguous_ids(interview[wave == one])).sum())
        for one in np.unique(waves)
    )
