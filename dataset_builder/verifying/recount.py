"""Count the answers once more, from the long rows on disk, and compare with `distributions`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from codebook import question_set
from codebook.respondents.harmonised import parse_group
from contracts.release.distributions import kish_effective_n
from contracts.release.read import Release
from contracts.release.tables import MISSING_COUNT_COLUMNS, SPLITS
from contracts.release.text_column import index_of
from dataset_builder.positions import WIDTH
from dataset_builder.tables.tabulate import DISTRIBUTION_SPLITS
from dataset_builder.verifying.design import DesignRecount
from dataset_builder.verifying.distributions import (
    SHARE_TOLERANCE,
    STORED_TOLERANCE,
)
from dataset_builder.verifying.outcome import Check, counted, gathered
from dataset_builder.verifying.people import Respondents
from dataset_builder.verifying.scattered import Scattered


@dataclass
class _Cut:
    """One set of variables that groups are made of.

    Attributes:
        groups: names of the groups.
        index: group of each respondent, -1 for none.
    """

    groups: list[str]
    index: NDArray[np.intp]


class _Tally(NamedTuple):
    """What was counted of one cut in one place, by split of `distributions` and group.

    Attributes:
        n, weight: shape (splits, groups, questions, positions).
        squared: sums of squared weights, shape (splits, groups, questions).
        people: people whether they answered or not, shape (splits, groups).
    """

    n: NDArray[np.int64]
    weight: NDArray[np.float64]
    squared: NDArray[np.float64]
    people: NDArray[np.int64]


class Recount:
    """Counts from `responses` and `respondents` alone: every cell by an independent method.

    Answers are taken in as a table of respondents by questions, one byte each; cells are counted
    a country at a time, so that memory does not grow with the number of cells.
    """

    def __init__(self, release: Release, respondents: Respondents, table: Scattered) -> None:
        """Take the release, its respondents and its table `distributions`."""
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
        self._design = DesignRecount(respondents.table, self._part, self._place, self._questions)
        self.table = table
        self._answers = 0
        # Everyone first: groups in few clusters rest on everyone's intra-cluster correlation.
        self._cuts = sorted(self._make_cuts(), key=lambda cut: cut.groups != [""])

    def _make_cuts(self) -> list[_Cut]:
        names = self.table.texts["group"]
        by_variables: dict[tuple[str, ...], list[str]] = {}
        for name in names:
            by_variables.setdefault(tuple(parse_group(name)), []).append(name)
        return [self._make_cut(variables, groups) for variables, groups in by_variables.items()]

    def _make_cut(self, variables: tuple[str, ...], groups: list[str]) -> _Cut:
        columns = [self._respondents.table.column(v).to_pylist() for v in variables]
        number = {tuple(parse_group(group).values()): i for i, group in enumerate(groups)}
        people = self._respondents.table.num_rows
        keys = zip(*columns, strict=True) if columns else [()] * people
        return _Cut(groups, np.array([number.get(key, -1) for key in keys], np.intp))

    def visit(self, batch: pa.RecordBatch) -> None:
        """Take in the rows of one batch of `responses`."""
        person = self._respondents.rows(batch.column("respondent_id").to_numpy())
        name = batch.column("question_id").dictionary_encode()
        numbers = np.array([self._number.get(q, -1) for q in name.dictionary.to_pylist()])
        question = numbers[name.indices.to_numpy()]
        position = batch.column("answer_position").to_numpy().astype(np.intp)
        good = (person >= 0) & (question >= 0) & (position >= 0) & (position < WIDTH)
        self._design.visit(person[good], question[good], position[good])
        self._answers += int(good.sum())

    def result(self) -> Check:
        """Compare the counts with the table `distributions`."""
        wrong = dict.fromkeys(_WRONG, 0)
        # Answers that one respondent gives twice to a question have one place between them.
        wrong["n"] += self._answers - int((self._design.position < WIDTH).sum())
        compared = 0
        for table in self.table.by_country():
            for cut in self._cuts:
                rows = self._rows_of(cut, table)
                for place in np.flatnonzero(np.bincount(rows["place"])).tolist():
                    here = rows["place"] == place
                    self._compare(cut, place, {k: v[here] for k, v in rows.items()}, wrong)
                compared += len(rows["n"])
        problems = gathered(
            *(
                counted(f"recount-{code}", _WRONG[code], count, where="distributions")
                for code, count in wrong.items()
            )
        )
        return Check("distributions counted again", problems, f"{compared:,} rows compared")

    def _tally(self, cut: _Cut, place: int) -> _Tally:
        """Count the answers of one place's respondents."""
        here = np.flatnonzero((self._place == place) & (cut.index >= 0) & (self._part >= 0))
        groups, questions = len(cut.groups), len(self._questions)
        domain = self._part[here] * groups + cut.index[here]
        domains = len(SPLITS) * groups
        person, question = np.nonzero(self._design.position[here] < WIDTH)
        cell = domain[person] * questions + question
        flat = cell * WIDTH + self._design.position[here[person], question]
        weight = self._weight[here][person]
        size = domains * questions
        shape = (len(SPLITS), groups, questions)
        counts = (
            np.bincount(flat, minlength=size * WIDTH).reshape(*shape, WIDTH),
            np.bincount(flat, weight, minlength=size * WIDTH).reshape(*shape, WIDTH),
            np.bincount(cell, weight**2, minlength=size).reshape(shape),
            np.bincount(domain, minlength=domains).reshape(shape[:2]),
        )
        parts = [list(one) for one in DISTRIBUTION_SPLITS.values()]
        return _Tally(
            *(np.stack([one[numbers].sum(axis=0) for numbers in parts]) for one in counts)
        )

    def _compare(
        self, cut: _Cut, place: int, rows: dict[str, NDArray[Any]], wrong: dict[str, int]
    ) -> None:
        """Compare the rows of one place."""
        tally = self._tally(cut, place)
        cell = (rows["split"], rows["group"], rows["question"])
        option = (*cell, rows["position"])
        wrong["n"] += int((tally.n[option] != rows["n"]).sum())
        wrong["weight"] += _differ(tally.weight[option], rows["weight_sum"])
        wrong["people"] += int((tally.people[cell[:2]] != rows["all"]).sum())
        n, weight = tally.n.sum(axis=-1), tally.weight.sum(axis=-1)
        kish = kish_effective_n(weight, tally.squared)
        recounted = self._design.precision(place, cut.index, kish, n)
        kind, stated = recounted.kind[cell], rows["kind"]
        # What few clusters are assumed to be rests on training answers, which are not there.
        sure = ~(rows["held"] & (kind == "assumed"))
        wrong["n_eff_kind"] += int((kind != stated)[sure].sum())
        same = sure & (kind == stated)
        wrong["n_eff"] += _differ(recounted.n_eff[cell][same], rows["n_eff"][same])
        off = np.abs(recounted.se[option] - rows["se"]) > SHARE_TOLERANCE
        wrong["se"] += int((off & same & (kind == "design")).sum())

    def _rows_of(self, cut: _Cut, table: pa.Table) -> dict[str, NDArray[Any]]:
        """Rows of `distributions` that belong to a cut, questions that nobody trains on apart."""
        group, names = index_of(table.column("group"))
        number = {name: i for i, name in enumerate(cut.groups)}
        of_cut = np.array([number.get(name, -1) for name in names])[group]
        question, ids = index_of(table.column("question_id"))
        held = np.array([name in self._held for name in ids])[question]
        split, splits = index_of(table.column("split"))
        in_test = np.array([name == "test" for name in splits])[split]
        known = list(DISTRIBUTION_SPLITS)
        of_split = np.array([known.index(name) for name in splits], np.intp)
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
            "split": of_split[split[chosen]],
            "position": position.to_numpy().astype(np.intp),
            "n": table.column("n").to_numpy(),
            "weight_sum": table.column("weight_sum").to_numpy(),
            "n_eff": table.column("n_eff").to_numpy(),
            "kind": np.array(kinds, dtype=object)[kind],
            "se": table.column("se").to_numpy(),
            "held": held[chosen],
            "all": everyone,
        }


def _differ(recounted: NDArray[np.float64], stated: NDArray[np.float64]) -> int:
    return int((~np.isclose(recounted, stated, rtol=STORED_TOLERANCE, atol=1e-9)).sum())


_WRONG = {
    "n": "n is not the number of such rows of responses",
    "weight": "weight_sum is not the sum of these people's weights",
    "n_eff": "n_eff is neither that of clusters, strata and weights nor, without clusters, "
    "(sum w)^2 / sum w^2 of those who answered",
    "n_eff_kind": "n_eff_kind does not follow from the clusters of the table respondents",
    "se": "se is not the standard error under the design",
    "people": "valid, off-scale and missing answers do not add up to the people of the cell",
}
