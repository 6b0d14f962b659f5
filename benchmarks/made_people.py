"""A made-up release with single persons and a probe of 8,280 answers, for measurements."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

import codebook
from codebook import CONTINENTS, countries
from codebook.respondents.harmonised import HARMONISED
from contracts.release.manifest import Manifest, SplitRecipe, Synthetic
from contracts.release.read import Release, open_release
from contracts.release.tables import PROBE, RESPONDENTS, RESPONSES
from contracts.release.write import write_manifest, write_tables

#: 36 questions x 46 cells x 5 people.
RATINGS = 8280
CELLS, PEOPLE_PER_CELL = 46, 40


def made_release(root: Path) -> Release:
    """Forty people in each of 46 cells, each asked the 36 questions of the probe."""
    rng = np.random.default_rng(0)
    settlements, levels = (HARMONISED[name].categories for name in ("settlement", "education"))
    cells = [(c, s, e) for c in CONTINENTS for s in settlements for e in levels][:CELLS]
    home = {continent: _country(continent) for continent in CONTINENTS}
    people = [
        {
            "respondent_id": 1 + row * PEOPLE_PER_CELL + number,
            "interview_id": 1_000_001 + row * PEOPLE_PER_CELL + number,
            "wave": 7,
            "country": home[continent],
            "continent": continent,
            "settlement": settlement,
            "education": education,
            "weight": 1.0,
            "split": "test",
        }
        for row, (continent, settlement, education) in enumerate(cells)
        for number in range(PEOPLE_PER_CELL)
    ]
    answers = [
        row for name in codebook.question_set("probe") for row in _answers(name, people, rng)
    ]
    root.mkdir(parents=True, exist_ok=True)
    tables = {
        "respondents": _table(people, RESPONDENTS),
        "responses": _table(answers, RESPONSES),
        "probe": _table([row for row in answers if row["number"] < 5], PROBE),
    }
    manifest = Manifest(
        name="made up",
        release_version="1",
        builder_version="1",
        synthetic=Synthetic(note="random answers of nobody"),
        waves=[7],
        sources=[],
        codebook_digest=codebook.codebook_digest(),
        tables=write_tables(root, tables),
        split=SplitRecipe(recipe="none"),
    )
    write_manifest(root, manifest)
    return open_release(root)


def made_ratings(release: Release) -> Iterator[dict[str, Any]]:
    """A rating on the scale for every answer of the probe."""
    rng = np.random.default_rng(1)
    probe = release.table("probe", columns=["interview_id", "question_id"])
    for row in probe.to_pylist():
        codes = codebook.questions()[row["question_id"]].worldvaluesbench_codes()
        yield {
            "question_id": row["question_id"],
            "participant": row["interview_id"],
            "score": int(rng.choice(codes)),
        }


def _country(continent: str) -> str:
    return next(c.country for c in countries().values() if c.continent == continent)


def _answers(name: str, people: list[dict[str, Any]], rng: np.random.Generator) -> list[dict]:
    scale = codebook.questions()[name].scale
    assert scale is not None
    places = rng.integers(0, scale.size, len(people))
    return [
        person
        | {
            "question_id": name,
            "answer_code": scale.codes[place],
            "answer_position": int(place),
            "number": (person["respondent_id"] - 1) % PEOPLE_PER_CELL,
        }
        for person, place in zip(people, places.tolist(), strict=True)
    ]


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    return pa.Table.from_pylist(
        [{n: row.get(n) for n in schema.names} for row in rows], schema=schema
    )
