"""Count the answers once more, from the long rows on disk, and compare with `distributions`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from codebook import question_set
from codebook.respondents.harmonised import parse_group
from contracts.release.distributions import kish_effective_n
from contracts.release.read import Release
from contracts.release.tables import MISSING_COUNT_COLUMNS, SPLITS
from dataset_builder.design_effects.cells import Precision
from dataset_builder.positions import WIDTH
from dataset_builder.tabulate import DISTRIBUTION_SPLITS
from dataset_builder.verifying.design import DesignRecount
from dataset_builder.verifying.distributions import (
    SHARE_TOLERANCE,
    STORED_TOLERANCE,
    by_country,
    index_of,
    read_distributions,
)
from dataset_builder.verifying.outcome import Check, counted, gathered
from dataset_builder.verifying.people import Respondents


@dataclass
class _Cut:
    """One set of variables that groups are made of.

    Attributes:
        groups: names of the groups.
        index: group of each respondent, -1 for none.
        n, weight: per part x place x group x question x position, flat.
        squared: per part x place x group x question, flat.
    """

    groups: list[str]
    index: NDArray[np.intp]
    n: NDArray[np.int64]
    weight: NDArray[np.float64]
    squared: NDArray[np.float64]


class Recount:
    """Counts from `responses` and `respondents` alone: every cell by an independent method."""

    def __init__(self, release: Release, respondents: Respondents) -> None:
        self._respondents = respondents
        self._held = set(release.manifest.split.held_out_questions)
        self._questions = list(question_set("all"))
        self._number = {name: i for i, name in enumerate(self._questions)}
        split = respondents.column("split")
        self._part = np.array([SPLITS.index(s) if s in SPLITS else -1 for s in split], np.intp)
        self._weight = respondents.column("weight").astype(float)
        country, self._countries = index_of(respondents.table.column("country"))
        wave = respondents.column("wave").astype(np.int64)
        self._waves = np.unique(wave).tolist()
        self._place = np.searchsorted(self._waves, wave) * len(self._countries) + country
        self._places = len(self._waves) * len(self._countries)
        self._design = DesignRecount(respondents.table, self._part, self._place, self._questions)
        self.table = read_distributions(release)
        # Everyone first: groups in few clusters rest on everyone's intra-cluster correlation.
        self._cuts = sorted(self._make_cuts(), key=lambda cut: cut.groups != [""])

    def _make_cuts(self) -> list[_Cut]:
        _, names = index_of(self.table.column("group"))
        by_variables: dict[tuple[str, ...], list[str]] = {}
        for name in names:
            by_variables.setdefault(tuple(parse_group(name)), []).append(name)
        return [self._make_cut(variables, groups) for variables, groups in by_variables.items()]

    def _make_cut(self, variables: tuple[str, ...], groups: list[str]) -> _Cut:
        columns = [self._respondents.table.column(v).to_pylist() for v in variables]
        number = {tuple(parse_group(group).values()): i for i, group in enumerate(groups)}
        people = self._respondents.table.num_rows
        keys = zip(*columns, strict=True) if columns else [()] * people
        index = np.array([number.get(key, -1) for key in keys], np.intp)
        cells = len(SPLITS) * self._places * len(groups) * len(self._questions)
        return _Cut(
            groups=groups,
            index=index,
            n=np.zeros(cells * WIDTH, np.int64),
            weight=np.zeros(cells * WIDTH),
            squared=np.zeros(cells),
        )

    def visit(self, batch: pa.RecordBatch) -> None:
        """Count the rows of one batch of `responses`."""
        person = self._respondents.rows(batch.column("respondent_id").to_numpy())
        name = batch.column("question_id").dictionary_encode()
        numbers = np.array([self._number.get(q, -1) for q in name.dictionary.to_pylist()])
        question = numbers[name.indices.to_numpy()]
        position = batch.column("answer_position").to_numpy().astype(np.intp)
        good = (person >= 0) & (question >= 0) & (position >= 0) & (position < WIDTH)
        person, question, position = person[good], question[good], position[good]
        self._design.visit(person, question, position)
        for cut in self._cuts:
            self._add(cut, person, question, position)

    def _add(
        self,
        cut: _Cut,
        person: NDArray[np.intp],
        question: NDArray[np.intp],
        position: NDArray[np.intp],
    ) -> None:
        inside = (cut.index[person] >= 0) & (self._part[person] >= 0)
        person, question, position = person[inside], question[inside], position[inside]
        if not len(person):
            return
        cell = self._cell(cut, self._part[person], self._place[person], cut.index[person], question)
        flat = cell * WIDTH + position
        # Only the stretch that the batch touches: people come country by country.
        start = int(flat.min())
        cell_start = int(cell.min())
        weight = self._weight[person]
        n = np.bincount(flat - start)
        cut.n[start : start + len(n)] += n
        cut.weight[start : start + len(n)] += np.bincount(flat - start, weight)
        squared = np.bincount(cell - cell_start, weight**2)
        cut.squared[cell_start : cell_start + len(squared)] += squared

    def _cell(
        self,
        cut: _Cut,
        part: NDArray[np.intp],
        place: NDArray[np.intp],
        group: NDArray[np.intp],
        question: NDArray[np.intp],
    ) -> NDArray[np.intp]:
        joint = (part * self._places + place) * len(cut.groups) + group
        return joint * len(self._questions) + question

    def result(self) -> Check:
        """Compare the counts with the table `distributions`."""
        wrong = dict.fromkeys(_WRONG, 0)
        compared = 0
        for table in by_country(self.table):
            for cut in self._cuts:
                compared += self._compare(cut, table, wrong)
        problems = gathered(
            *(
                counted(f"recount-{code}", _WRONG[code], count, where="distributions")
                for code, count in wrong.items()
            )
        )
        return Check("distributions counted again", problems, f"{compared:,} rows compared")

    def _precision(self, cut: _Cut, place: int) -> Precision:
        """Effective sample sizes of a cut's cells in one place."""
        shape = (len(SPLITS), self._places, len(cut.groups), len(self._questions))
        n = cut.n.reshape(*shape, WIDTH)[:, place].sum(axis=-1)
        weight = cut.weight.reshape(*shape, WIDTH)[:, place].sum(axis=-1)
        squared = cut.squared.reshape(shape)[:, place]
        by_split = [
            [grid[list(parts)].sum(axis=0) for parts in DISTRIBUTION_SPLITS.values()]
            for grid in (n, weight, squared)
        ]
        n, weight, squared = map(np.stack, by_split)
        return self._design.precision(place, cut.index, kish_effective_n(weight, squared), n)

    def _compare_precision(
        self, cut: _Cut, rows: dict[str, NDArray[Any]], wrong: dict[str, int]
    ) -> None:
        """Compare n_eff, its kind and standard errors, a place at a time."""
        splits = list(DISTRIBUTION_SPLITS)
        number = np.array([splits.index(name) for name in rows["split"]], np.intp)
        for place in np.unique(rows["place"]).tolist():
            found = self._precision(cut, place)
            here = np.flatnonzero(rows["place"] == place)
            cell = (number[here], rows["group"][here], rows["question"][here])
            kind, stated = found.kind[cell], rows["kind"][here]
            # What few clusters are assumed to be rests on training answers, which are not there.
            sure = ~(rows["held"][here] & (kind == "assumed"))
            wrong["n_eff_kind"] += int((kind != stated)[sure].sum())
            same = sure & (kind == stated)
            wrong["n_eff"] += _differ(found.n_eff[cell][same], rows["n_eff"][here][same])
            se = found.se[(*cell, rows["position"][here])]
            off = np.abs(se - rows["se"][here]) > SHARE_TOLERANCE
            wrong["se"] += int((off & same & (kind == "design")).sum())

    def _compare(self, cut: _Cut, table: pa.Table, wrong: dict[str, int]) -> int:
        rows = self._rows_of(cut, table)
        place, group, question = rows["place"], rows["group"], rows["question"]
        self._compare_precision(cut, rows, wrong)
        for split, parts in DISTRIBUTION_SPLITS.items():
            chosen = np.flatnonzero(rows["split"] == split)
            if not len(chosen):
                continue
            cells = [
                self._cell(
                    cut, np.full(len(chosen), p), place[chosen], group[chosen], question[chosen]
                )
                for p in parts
            ]
            flats = [cell * WIDTH + rows["position"][chosen] for cell in cells]
            n = np.sum([cut.n[flat] for flat in flats], axis=0)
            weight = np.sum([cut.weight[flat] for flat in flats], axis=0)
            wrong["n"] += int((n != rows["n"][chosen]).sum())
            wrong["weight"] += _differ(weight, rows["weight_sum"][chosen])
            people = self._people(cut, parts)[place[chosen], group[chosen]]
            wrong["people"] += int((people != rows["all"][chosen]).sum())
        return len(rows["n"])

    def _rows_of(self, cut: _Cut, table: pa.Table) -> dict[str, NDArray[Any]]:
        """Rows of `distributions` that belong to a cut, questions that nobody trains on apart."""
        group, names = index_of(table.column("group"))
        number = {name: i for i, name in enumerate(cut.groups)}
        of_cut = np.array([number.get(name, -1) for name in names])[group]
        question, ids = index_of(table.column("question_id"))
        held = np.array([name in self._held for name in ids])[question]
        split, splits = index_of(table.column("split"))
        in_test = np.array([name == "test" for name in splits])[split]
        # Answers to held-out questions stand in test alone, so only those can be counted again.
        chosen = np.flatnonzero((of_cut >= 0) & (~held | in_test))
        table = table.take(pa.array(chosen))
        country, countries = index_of(table.column("country"))
        places = np.array([self._countries.index(c) for c in countries], np.intp)
        wave = np.searchsorted(self._waves, table.column("wave").to_numpy())
        counts = ["n_valid", *MISSING_COUNT_COLUMNS]
        everyone = np.sum([table.column(name).to_numpy() for name in counts], axis=0)
        # A row without a code stands for a cell that nobody answered: its first option has none.
        position = pc.fill_null(table.column("position"), 0)
        kind, kinds = index_of(table.column("n_eff_kind"))
        return {
            "place": wave * len(self._countries) + places[country],
            "group": of_cut[chosen],
            "question": np.array([self._number[name] for name in ids])[question[chosen]],
            "split": np.array(splits, dtype=object)[split[chosen]],
            "position": position.to_numpy().astype(np.intp),
            "n": table.column("n").to_numpy(),
            "weight_sum": table.column("weight_sum").to_numpy(),
            "n_eff": table.column("n_eff").to_numpy(),
            "kind": np.array(kinds, dtype=object)[kind],
            "se": table.column("se").to_numpy(),
            "held": held[chosen],
            "all": everyone,
        }

    def _people(self, cut: _Cut, parts: tuple[int, ...]) -> NDArray[np.int64]:
        """People per place and group, answered or not."""
        inside = np.isin(self._part, parts) & (cut.index >= 0)
        joint = self._place[inside] * len(cut.groups) + cut.index[inside]
        counts = np.bincount(joint, minlength=self._places * len(cut.groups))
        return counts.reshape(self._places, len(cut.groups))


def _differ(found: NDArray[np.float64], stated: NDArray[np.float64]) -> int:
    return int((~np.isclose(found, stated, rtol=STORED_TOLERANCE, atol=1e-9)).sum())


_WRONG = {
    "n": "n is not the number of such rows of responses",
    "weight": "weight_sum is not the sum of these people's weights",
    "n_eff": "n_eff is neither that of clusters, strata and weights nor, without clusters, "
    "(sum w)^2 / sum w^2 of those who answered",
    "n_eff_kind": "n_eff_kind does not follow from the clusters of the table respondents",
    "se": "se is not the standard error under the design",
    "people": "valid, off-scale and missing answers do not add up to the people of the cell",
}
