"""Correlations: which pairs there are, and the same figures once more from the rows on disk."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from codebook import question_set
from contracts.release.correlations import pair_problems, question_places
from contracts.release.read import Release
from contracts.release.text_column import index_of
from dataset_builder.positions import NO_POSITION
from dataset_builder.tables.correlations import pair_correlations
from dataset_builder.tables.tabulate import ordinal_questions
from dataset_builder.verifying.outcome import Check, counted, gathered
from dataset_builder.verifying.people import Respondents

#: How far a stored correlation may lie from the one of the rows: it is in single precision.
_TOLERANCE = 1e-6


def check_pairs(release: Release) -> Check:
    """Each pair stands once, of two ordinal questions in questionnaire order."""
    table = release.table("correlations", encoded=True)
    return Check("correlations", tuple(pair_problems(table)), f"{table.num_rows:,} pairs")


class PairRecount:
    """Correlations from `responses` and `respondents` alone.

    Args:
        release: a private release.
        respondents: its respondents.
    """

    def __init__(self, release: Release, respondents: Respondents) -> None:
        self._release = release
        self._respondents = respondents
        names = question_set("all")
        ordinal = ordinal_questions(names)
        self._questions = [name for name, fits in zip(names, ordinal, strict=True) if fits]
        shape = (respondents.table.num_rows, len(self._questions))
        self._positions = np.full(shape, NO_POSITION, np.int8)

    def visit(self, batch: pa.RecordBatch) -> None:
        """Take the answers of one batch of `responses`."""
        person = self._respondents.rows(batch.column("respondent_id").to_numpy())
        place = pc.index_in(batch.column("question_id"), value_set=pa.array(self._questions))
        question = pc.fill_null(place, -1).to_numpy(zero_copy_only=False)
        good = (person >= 0) & (question >= 0)
        position = batch.column("answer_position").to_numpy()
        self._positions[person[good], question[good]] = position[good]

    def result(self) -> Check:
        """Compare with the table `correlations`.

        Answers to questions that nobody trains on stand in test alone: their pairs cannot be made
        again.
        """
        held = set(self._release.manifest.split.held_out_questions)
        wrong = dict.fromkeys(_WRONG, 0)
        compared = 0
        country = np.array(self._respondents.table["country"].to_pylist(), dtype=object)
        wave = self._respondents.column("wave")
        weight = self._respondents.column("weight").astype(float)
        table = self._release.table("correlations", encoded=True)
        stated = _runs(table)
        for one in sorted({*zip(wave.tolist(), country.tolist(), strict=True)}):
            chosen = (wave == one[0]) & (country == one[1])
            pairs = pair_correlations(self._positions[chosen], weight[chosen])
            slices = [table.slice(*run) for run in stated.get(one, [(0, 0)])]
            rows = pa.concat_tables(slices)
            first, second = (
                question_places(rows[name], self._questions)
                for name in ("question_a", "question_b")
            )
            known = np.array([name not in held for name in self._questions])
            sure = (first >= 0) & (second >= 0) & known[first] & known[second]
            first, second = first[sure], second[sure]
            n, r = rows["n"].to_numpy()[sure], rows["r"].to_numpy()[sure]
            wrong["n"] += int((pairs.n[first, second] != n).sum())
            wrong["r"] += int((~(np.abs(pairs.r[first, second] - r) <= _TOLERANCE)).sum())
            there = np.isfinite(np.triu(pairs.r, 1)) & np.triu(np.ones_like(pairs.r, bool), 1)
            there &= known[:, None] & known[None, :]
            there[first, second] = False
            wrong["gone"] += int(there.sum())
            compared += len(first)
        problems = gathered(
            *(
                counted(f"pair-{code}", _WRONG[code], count, where="correlations")
                for code, count in wrong.items()
            )
        )
        return Check("correlations made again", problems, f"{compared:,} pairs compared")


def _runs(table: pa.Table) -> dict[tuple[int, str], list[tuple[int, int]]]:
    """Where the rows of each wave and country stand: start and length of every run."""
    country, countries = index_of(table["country"])
    place = table["wave"].to_numpy().astype(np.int64) * max(len(countries), 1) + country
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    lengths = np.diff(starts, append=len(place))
    runs: dict[tuple[int, str], list[tuple[int, int]]] = {}
    for start, length in zip(starts.tolist(), lengths.tolist(), strict=True):
        wave, number = divmod(int(place[start]), len(countries))
        runs.setdefault((wave, countries[number]), []).append((start, length))
    return runs


_WRONG = {
    "n": "n is not the number of respondents who answered both questions",
    "r": "r is not the weighted correlation of their positions",
    "gone": "the table lacks pairs that respondents answered",
}
