"""Made-up synthetic respondents of every country of the reference, as a predictions file."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from codebook import value_questions
from codebook.batteries import battery_questions
from contracts.predictions.meta import PredictionsMeta
from contracts.predictions.source import PARQUET_META_KEY
from contracts.release.read import open_release

#: Answers of a whole benchmark file.
ANSWERS = 1_000_000


def made_persons(path: Path, *, answers: int = ANSWERS, common: float = 0.3, seed: int = 0) -> int:
    """Write a Parquet file of persons whose answers share one factor.

    Args:
        path: where to.
        answers: least number of answers; all countries of wave 7 have as many persons each.
        common: correlation of what lies behind a person's answers to any two questions.
        seed: of the draws.

    Returns:
        Number of answers.
    """
    table = open_release("reference").table("countries", columns=["country", "waves"])
    countries = [row["country"] for row in table.to_pylist() if 7 in row["waves"]]
    questions = battery_questions()
    persons = -(-answers // (len(countries) * len(questions)))
    rng = np.random.default_rng(seed)
    size = len(countries) * persons
    factor = rng.normal(size=(size, 1))
    noise = rng.normal(size=(size, len(questions)))
    latent = np.sqrt(common) * factor + np.sqrt(1 - common) * noise
    codes = np.empty(latent.shape, np.int64)
    for column, name in enumerate(questions):
        scale = value_questions()[name].scale
        assert scale is not None
        ends = np.quantile(latent[:, column], np.arange(1, scale.size) / scale.size)
        codes[:, column] = np.array(scale.codes)[np.searchsorted(ends, latent[:, column])]
    names = np.array([f"{country}-{n:04d}" for country in countries for n in range(persons)])
    sexes = np.array(["sex=male", "sex=female"])[np.arange(size) % 2]
    meta = PredictionsMeta(name="made up", model="made/up", method="sampling", steering="persona")
    columns = {
        "person_id": np.repeat(names, len(questions)),
        "country": np.repeat(np.repeat(countries, persons), len(questions)),
        "group": np.repeat(sexes, len(questions)),
        "question_id": np.tile(np.array(questions), size),
        "code": codes.ravel(),
    }
    written = pa.table(columns).replace_schema_metadata(
        {PARQUET_META_KEY: json.dumps(meta.model_dump(mode="json"))}
    )
    pq.write_table(written, path)
    return written.num_rows
