"""The static site and the downloads: complete, self-contained, harmless."""

from __future__ import annotations

import csv
import io
import json
import re

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from contracts.errors import ContractError
from space.board.facts import read_facts
from space.board.files.download import board_download, csv_text
from space.board.page import plain_rows, read_board
from space.board.query import parse_query
from space.server.static_site import board_payload, export_board


@pytest.fixture(scope="module")
def site(sample_store, tmp_path_factory):
    """An exported static site."""
    folder = tmp_path_factory.mktemp("site") / "board"
    export_board(sample_store, folder)
    return folder


def test_the_site_has_a_page_for_every_row(site, sample_store) -> None:
    names = {path.relative_to(site).as_posix() for path in site.rglob("*") if path.is_file()}
    assert {"index.html", "data.js", "board.js", "board.css", "board.json"} <= names
    for row in board_payload(sample_store)["rows"]:
        assert f"rows/{row['row_id']}.html" in names


def test_the_first_page_holds_every_name_without_scripts(site, samples) -> None:
    page = (site / "index.html").read_text()
    for name in samples.MODELS:
        escaped = name.replace("<", "&lt;").replace(">", "&gt;")
        assert f">{escaped}</a>" in page
    assert "What the scores do not mean" in page


def test_nothing_is_fetched_from_elsewhere(site) -> None:
    for path in site.rglob("*"):
        if path.suffix in (".html", ".css", ".js") and path.name != "data.js":
            text = path.read_text()
            assert not re.search(r"""(?:src|href)=["']?(?:https?:)?//""", text), path.name
            assert "@import" not in text, path.name
            assert "fetch(" not in text, path.name


def test_names_cannot_become_markup_or_scripts(site) -> None:
    for path in site.rglob("*.html"):
        text = path.read_text()
        assert "<b>sneaky" not in text, path.name
        assert "<script>alert" not in text, path.name
    data = (site / "data.js").read_text()
    assert "</script" not in data


def test_data_is_the_same_as_json(site) -> None:
    data = (site / "data.js").read_text()
    loaded = json.loads(data.removeprefix("window.BOARD = ").rstrip().removesuffix(";"))
    again = json.loads((site / "board.json").read_text())
    assert [row["row_id"] for row in loaded["rows"]] == [row["row_id"] for row in again["rows"]]
    assert loaded["about"] == again["about"]


def test_an_existing_folder_is_left_alone(site, sample_store) -> None:
    with pytest.raises(ContractError, match="exists already"):
        export_board(sample_store, site)


def page_of(store, link: str):
    """A page of the board for a permalink."""
    facts = read_facts(store)
    return read_board(store, parse_query(link, known=facts.known)), facts


@pytest.mark.parametrize("link", ["", "kind=model&country=DEU&sort=-country:DEU", "q=heron"])
def test_downloads_hold_exactly_what_is_shown(sample_store, link: str) -> None:
    page, facts = page_of(sample_store, link)
    shown = [row["row_id"] for row in page.rows]
    found = json.loads(board_download(page, facts, kind="json").content)
    assert [row["row_id"] for row in found["rows"]] == shown
    assert found["about"]["query"] == page.query.permalink()
    assert found["about"]["releases"] == ["reference 2.2.0"]
    lines = list(
        csv.DictReader(io.StringIO(board_download(page, facts, kind="csv").content.decode()))
    )
    assert [line["row_id"] for line in lines] == shown
    table = pq.read_table(pa.BufferReader(board_download(page, facts, kind="parquet").content))
    assert table["row_id"].to_pylist() == shown
    assert json.loads(table.schema.metadata[b"opinion_atlas"])["query"] == page.query.permalink()
    for line, row, flat in zip(lines, page.rows, plain_rows(page), strict=True):
        assert float(line["alignment"]) == row["cells"]["alignment"]["estimate"]
        assert float(line["alignment_low"]) == flat["alignment_low"]
        assert line["scorer_version"] == row["scorer_version"]
        assert line["release_digest"] == row["release_digest"]


def test_missing_scores_are_empty_not_zero(sample_store) -> None:
    page, facts = page_of(sample_store, "")
    text = board_download(page, facts, kind="csv").content.decode()
    assert all(line["judgments_r"] == "" for line in csv.DictReader(io.StringIO(text)))


def test_csv_runs_no_formula() -> None:
    text = csv_text([{"name": "=1+1", "number": -0.5}, {"name": "plain", "number": None}])
    assert list(csv.reader(io.StringIO(text))) == [
        ["name", "number"],
        ["'=1+1", "-0.5"],
        ["plain", ""],
    ]
    assert csv_text([]) == ""
