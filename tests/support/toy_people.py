"""A small release with single persons, all of them in its probe."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

import codebook
from contracts.release.manifest import Manifest, SplitRecipe, Synthetic
from contracts.release.read import Release, open_release
from contracts.release.tables import PROBE, RESPONDENTS, RESPONSES
from contracts.release.write import write_manifest, write_tables

FIRST_ID = 1000


def toy_people(root: Path, answers: Mapping[str, list[int]]) -> Release:
    """Write a release: `answers` holds, by question, the raw code of each person in turn."""
    root.mkdir(parents=True)
    respondents, responses, probe = [], [], []
    for number in range(max(map(len, answers.values()))):
        common = {"respondent_id": number + 1, "wave": 7, "country": "DEU"}
        place = {"continent": "Europe", "settlement": "urban", "education": "tertiary"}
        interview = {"interview_id": FIRST_ID + number}
        respondents.append(common | place | interview | {"weight": 1.0, "split": "test"})
        for question_id, codes in answers.items():
            if number >= len(codes):
                continue
            scale = codebook.questions()[question_id].scale
            row = common | {
                "question_id": question_id,
                "answer_code": codes[number],
                "answer_position": scale.codes.index(codes[number]),
                "weight": 1.0,
            }
            responses.append(row)
            probe.append(row | place | interview)
    tables = {
        "respondents": _table(respondents, RESPONDENTS),
        "responses": _table(responses, RESPONSES),
        "probe": _table(probe, PROBE),
    }
    manifest = Manifest(
        name="toy",
        release_version="1",
        builder_version="1",
        synthetic=Synthetic(note="made up for a test"),
        waves=[7],
        sources=[],
        codebook_digest=codebook.codebook_digest(),
        tables=write_tables(root, tables),
        split=SplitRecipe(recipe="none"),
    )
    write_manifest(root, manifest)
    return open_release(root)


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    names = schema.names
    return pa.Table.from_pylist([{n: row.get(n) for n in names} for row in rows], schema=schema)
