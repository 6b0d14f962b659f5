"""A release that says it is public, and holds what was never under the disclosure rule."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from hub_server import HubServer
from publish_samples import publish

from contracts.digests import sha256_file
from contracts.errors import ContractError
from contracts.release.manifest import parse_manifest
from contracts.release.read import open_release
from contracts.release.tables import SOFT, TASKS
from contracts.release.write import table_row_digest
from dataset_builder.build import write_descriptions
from dataset_builder.verifying.run import verify_release

Change = Callable[[dict], object]


@pytest.fixture
def face(public_folder: Path, tmp_path: Path) -> Path:
    """A public release to be broken."""
    shutil.copytree(public_folder, tmp_path / "face")
    return tmp_path / "face"


def describe(folder: Path, change: Change) -> None:
    """Change the manifest; card and other descriptions follow, as a builder writes them."""
    manifest = json.loads((folder / "manifest.json").read_text())
    change(manifest)
    write_descriptions(folder, parse_manifest(json.dumps(manifest), where="test"))


def put(folder: Path, name: str, table: pa.Table) -> None:
    """Write a table and list it in the manifest."""
    path = folder / name / "data-00000-of-00001.parquet"
    path.parent.mkdir(exist_ok=True)
    pq.write_table(table, path, store_schema=False)
    file = {
        "path": path.relative_to(folder).as_posix(),
        "rows": table.num_rows,
        "size": path.stat().st_size,
        "sha256": sha256_file(path),
    }
    digest = table_row_digest([("data", [pq.read_table(path)])])
    entry = {"rows": table.num_rows, "row_digest": digest, "files": [file]}
    describe(folder, lambda manifest: manifest["tables"].update({name: entry}))


def codes(folder: Path) -> set[str]:
    return {problem.code for problem in verify_release(folder).problems}


def target_row(folder: Path) -> dict:
    """A training text whose target is a published cell of its release."""
    table = open_release(folder).table("distributions")
    first = table.filter(pc.field("code").is_valid()).slice(0, 1).to_pylist()[0]
    cell = ("split", "wave", "country", "group", "question_id")
    same = table.filter(
        pc.and_(
            pc.equal(table["question_id"], first["question_id"]),
            pc.and_(
                pc.equal(table["country"], first["country"]),
                pc.and_(pc.equal(table["split"], first["split"]), pc.equal(table["group"], "")),
            ),
        )
    ).to_pylist()
    assert {tuple(row[name] for name in cell) for row in same} == {tuple(first[n] for n in cell)}
    about = {name: first[name] for name in cell[1:]} | {"language": "en"}
    return about | {
        "shares": [row["weighted_share"] for row in same],
        "n_eff": first["n_eff"],
        "prompt": "Which?",
        "options": [],
        "input": "Which?",
        "choices": [],
        "target": "A",
    }


@pytest.mark.parametrize("name", ["distributions", "countries", "questions"])
def test_columns_beside_the_schema(face: Path, name: str) -> None:
    table = open_release(face).table(name)
    exact = pa.array(range(table.num_rows), pa.int32())
    put(face, name, table.append_column("exact_n", exact))
    assert codes(face) == {"private-column"}


def test_wordings_are_no_such_columns(face: Path) -> None:
    table = open_release(face).table("questions")
    put(face, "questions", table.append_column("wording_xx", table["wording_en"]))
    assert codes(face) == set()


@pytest.mark.parametrize(("name", "schema"), [("soft", SOFT), ("tasks", TASKS)])
def test_targets_are_published_shares(face: Path, name: str, schema: pa.Schema) -> None:
    row = target_row(face)
    put(face, name, pa.Table.from_pylist([row], schema))
    assert codes(face) == set()
    one_person = row | {"shares": [1.0] + [0.0] * (len(row["shares"]) - 1)}
    nowhere = row | {"group": "sex=female & age=50+"}
    for wrong in (one_person, nowhere, row | {"shares": None}):
        put(face, name, pa.Table.from_pylist([row, wrong], schema))
        assert codes(face) == {"private-target"}


def test_an_effective_size_that_is_not_the_published_one(face: Path) -> None:
    row = target_row(face)
    put(face, "soft", pa.Table.from_pylist([row | {"n_eff": row["n_eff"] + 1}], SOFT))
    assert codes(face) == {"private-target"}


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda m: m["counts"].update(people=601), "exact-count"),
        (lambda m: m["split"]["people"].update(train=421), "exact-count"),
        (
            lambda m: m["unlisted_codes"].append({"variable": "Q1", "code": "9", "count": 1}),
            "unlisted-codes",
        ),
    ],
)
def test_exact_numbers_in_the_manifest(face: Path, change: Change, code: str) -> None:
    describe(face, change)
    assert codes(face) == {code}


def test_exact_numbers_of_respondents_by_country(face: Path) -> None:
    table = open_release(face).table("countries")
    rows = [row | {"respondents": [n + 1 for n in row["respondents"]]} for row in table.to_pylist()]
    put(face, "countries", pa.Table.from_pylist(rows, table.schema))
    assert "exact-count" in codes(face)


@pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")
@pytest.mark.parametrize("name", ["soft", "tasks"])
def test_such_a_release_is_not_published(hub: HubServer, face: Path, name: str) -> None:
    row = target_row(face) | {"shares": [1.0]}
    schema = {"soft": SOFT, "tasks": TASKS}[name]
    put(face, name, pa.Table.from_pylist([row], schema))
    with pytest.raises(ContractError, match="shares are not those of a published cell"):
        publish(hub, face, public=True)
    assert hub.state.repos == {}
