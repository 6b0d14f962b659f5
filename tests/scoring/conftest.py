"""Small releases and predictions, written and read as real ones are."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

import codebook
from contracts.predictions.meta import Kind, PredictionsMeta
from contracts.predictions.read import Predictions, read_predictions, write_predictions
from contracts.release.distributions import Cells, distribution_table
from contracts.release.manifest import Manifest, SplitRecipe, Synthetic
from contracts.release.read import Release, open_release
from contracts.release.tables import PROBE, RESPONDENTS, RESPONSES
from contracts.release.write import write_manifest, write_tables

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

#: (wave, country, group, question) -> counts per option in scale order, or (counts, weights).
Counts = Mapping[tuple[int, str, str, str], Any]


def distributions(counts: Counts, *, n_eff: float | None = None) -> pa.Table:
    """The table `distributions` of these cells; n_eff is n unless given."""
    keys = list(counts)
    pairs = [value if isinstance(value, tuple) else (value, value) for value in counts.values()]
    width = max(len(pair[0]) for pair in pairs)
    grids = np.zeros((2, len(keys), width))
    for row, pair in enumerate(pairs):
        for side in range(2):
            grids[side, row, : len(pair[side])] = pair[side]
    total = grids[0].sum(axis=1)
    return distribution_table(
        Cells(
            split=["all"] * len(keys),
            wave=np.array([key[0] for key in keys]),
            country=[key[1] for key in keys],
            group=[key[2] for key in keys],
            question_id=[key[3] for key in keys],
            counts=grids[0].astype(int),
            weights=grids[1],
            n_eff=total if n_eff is None else np.full(len(keys), n_eff),
            n_eff_kind=np.full(len(keys), "kish", dtype=object),
            se=np.full(grids[0].shape, np.nan),
            missing=np.zeros((len(keys), 6), int),
            flag=[""] * len(keys),
        )
    )


def write_release(root: Path, tables: Mapping[str, pa.Table], *, waves: Iterable[int]) -> Release:
    """A release of these tables, opened."""
    root.mkdir(parents=True, exist_ok=True)
    manifest = Manifest(
        name="toy",
        release_version="1",
        builder_version="1",
        synthetic=Synthetic(note="made up for a test"),
        waves=sorted(waves),
        sources=[],
        codebook_digest=codebook.codebook_digest(),
        tables=write_tables(root, tables),
        split=SplitRecipe(recipe="none"),
    )
    write_manifest(root, manifest)
    return open_release(root)


@pytest.fixture
def toy_release(tmp_path: Path) -> Callable[..., Release]:
    """Make a release of aggregates from counts."""

    def make(counts: Counts, *, n_eff: float | None = None, name: str = "toy") -> Release:
        table = distributions(counts, n_eff=n_eff)
        return write_release(
            tmp_path / name, {"distributions": table}, waves={key[0] for key in counts}
        )

    return make


@pytest.fixture
def toy_predictions(tmp_path: Path) -> Callable[..., Predictions]:
    """Write records to a file and read it back."""

    def make(
        records: Iterable[Mapping[str, Any]], kind: Kind = "distribution", **meta: Any
    ) -> Predictions:
        path = tmp_path / f"predictions-{len(list(tmp_path.iterdir()))}.jsonl"
        write_predictions(path, records, meta=PredictionsMeta(**meta), kind=kind)
        return read_predictions(path)

    return make


def shares_record(
    question_id: str, shares: Sequence[float], *, country: str = "", group: str = ""
) -> dict[str, Any]:
    """A record of shares given in the codebook's scale order."""
    scale = codebook.questions()[question_id].scale
    assert scale is not None
    return {
        "question_id": question_id,
        "country": country,
        "group": group,
        "shares": dict(zip(scale.codes, shares, strict=True)),
    }


@pytest.fixture
def record() -> Callable[..., dict[str, Any]]:
    """`shares_record`."""
    return shares_record


# Single persons

#: interview id, settlement, education, question -> raw code. All live in Germany.
Person = tuple[int, str, str, Mapping[str, int]]


@pytest.fixture
def people_release(tmp_path: Path) -> Callable[..., Release]:
    """Make a release with single persons; those of `probe` ids are its probe."""

    def make(people: Sequence[Person], *, probe: Sequence[int] = ()) -> Release:
        respondents, responses, sampled = [], [], []
        for number, (interview, settlement, education, answers) in enumerate(people, start=1):
            common = {"respondent_id": number, "wave": 7, "country": "DEU"}
            place = {"continent": "Europe", "settlement": settlement, "education": education}
            respondents.append(
                common | place | {"interview_id": interview, "weight": 1.0, "split": "test"}
            )
            for question_id, code in answers.items():
                scale = codebook.questions()[question_id].scale
                assert scale is not None
                row = common | {
                    "question_id": question_id,
                    "answer_code": code,
                    "answer_position": scale.codes.index(code) if code in scale.codes else -1,
                    "weight": 1.0,
                }
                responses.append(row)
                if interview in probe:
                    sampled.append(row | place | {"interview_id": interview})
        tables = {
            "respondents": _table(respondents, RESPONDENTS),
            "responses": _table(responses, RESPONSES),
        }
        if probe:
            tables["probe"] = _table(sampled, PROBE)
        return write_release(tmp_path / f"people-{len(people)}-{len(probe)}", tables, waves=[7])

    return make


def _table(rows: list[dict[str, Any]], schema: pa.Schema) -> pa.Table:
    names = schema.names
    return pa.Table.from_pylist([{n: row.get(n) for n in names} for row in rows], schema=schema)
