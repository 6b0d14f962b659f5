"""Who is in train, validation and test."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from contracts.errors import fail
from contracts.release.manifest import SplitRecipe
from contracts.release.tables import SPLITS
from dataset_builder.options import DEFAULT_KEY, FRACTIONS
from dataset_builder.survey import Survey

TRAIN, VALIDATION, TEST = range(len(SPLITS))

#: In no split: the recipe leaves this person out of the release.
DROPPED = -1

#: D_INTERVIEW that all 1,000 people of Uruguay bear in version 5.0; WorldValuesBench drops it.
AMBIGUOUS_INTERVIEW = 858069901

_HASH_BYTES = 8


def hash_split(
    survey: Survey, *, key: str = DEFAULT_KEY, held_out_countries: Collection[str] = ()
) -> NDArray[np.int8]:
    """Split each country's people by a keyed hash of their stable id.

    A person's place depends on key, wave, country and id alone, so that a later version of the
    file, with people added or rows reordered, moves nobody.

    Args:
        survey: the people.
        key: key of the hash, at most 64 bytes in UTF-8.
        held_out_countries: ISO3 codes whose people are all in test.

    Returns:
        int8, shape (n,): index into `SPLITS`.

    Formula: u = blake2b-64(key, "wave:country:id") / 2^64; train where u < 0.70, validation
    where u < 0.85, else test.
    """
    digester = hashlib.blake2b(key=key.encode("utf-8"), digest_size=_HASH_BYTES)
    prefixes = []
    for country in survey.countries:
        prefixed = digester.copy()
        prefixed.update(f"{survey.wave}:{country}:".encode())
        prefixes.append(prefixed)
    buffer = bytearray()
    for place, person in zip(survey.country.tolist(), survey.respondent_id.tolist(), strict=True):
        hashed = prefixes[place].copy()
        hashed.update(str(person).encode())
        buffer += hashed.digest()
    uniform = np.frombuffer(bytes(buffer), dtype=">u8").astype(np.float64) / 2.0**64
    bounds = np.cumsum([FRACTIONS[name] for name in SPLITS])[:-1]
    split = np.searchsorted(bounds, uniform, side="right").astype(np.int8)
    return _hold_out(survey, split, held_out_countries)


def worldvaluesbench_split(
    survey: Survey, *, held_out_countries: Collection[str] = ()
) -> NDArray[np.int8]:
    """The split of WorldValuesBench, which depends on the row order of the file.

    People with the ambiguous interview id are dropped; the row numbers that are left, gaps kept,
    are shuffled by `random.seed(0)`; the first int(0.7 n) are train, the next int(0.15 n) test,
    the rest validation. On version 5.0: 65,294, 13,991 and 13,993 of 93,278 people.

    Returns:
        int8, shape (n,): index into `SPLITS`, or `DROPPED`.
    """
    retained_indices = np.flatnonzero(survey.interview_id != AMBIGUOUS_INTERVIEW)
    order = np.argsort(survey.row_number[retained_indices], kind="stable")
    place = dict(
        zip(
            survey.row_number[retained_indices[order]].tolist(),
            retained_indices[order].tolist(),
            strict=True,
        )
    )
    rows = list(place)
    random.Random(0).shuffle(rows)  # noqa: S311 - the recipe prescribes this generator
    n_train, n_test = int(0.7 * len(rows)), int(0.15 * len(rows))
    split = np.full(len(survey), DROPPED, np.int8)
    shuffled = np.array([place[row] for row in rows], np.int64)
    split[shuffled[:n_train]] = TRAIN
    split[shuffled[n_train : n_train + n_test]] = TEST
    split[shuffled[n_train + n_test :]] = VALIDATION
    return _hold_out(survey, split, held_out_countries)


def _hold_out(
    survey: Survey, split: NDArray[np.int8], countries: Collection[str]
) -> NDArray[np.int8]:
    held = np.array([country in countries for country in survey.countries], bool)
    split[held[survey.country] & (split != DROPPED)] = TEST
    return split


def split_people(surveys: Sequence[Survey], recipe: SplitRecipe) -> list[NDArray[np.int8]]:
    """The split of every survey's people under `recipe`.

    Raises:
        ContractError: `worldvaluesbench` is asked for and there is not exactly one wave 7 file.
    """
    held = recipe.held_out_countries
    if recipe.recipe == "hash":
        return [hash_split(s, key=recipe.key, held_out_countries=held) for s in surveys]
    if len(surveys) != 1 or surveys[0].wave != 7:
        source_names = ", ".join(f"{s.source.name} (wave {s.wave})" for s in surveys)
        raise fail(
            "split-recipe",
            "the split worldvaluesbench depends on the row order of one pooled file of wave 7",
            found=source_names,
            hint="Give that file alone, or use --split hash.",
        )
    return [worldvaluesbench_split(surveys[0], held_out_countries=held)]
