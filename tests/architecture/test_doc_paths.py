"""Files, folders and pages that the documents name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.support.doc_blocks import PAGES, ROOT

TOP = {path.name for path in ROOT.iterdir() if path.is_dir()}


def named_paths(page: Path) -> set[str]:
    """Paths in backticks that begin with a folder of the repository."""
    spans = re.findall(r"`([\w./-]+)`", page.read_text(encoding="utf-8"))
    return {span for span in spans if "/" in span and span.split("/")[0] in TOP}


def links(page: Path) -> set[str]:
    """Local targets of links, without their headings."""
    targets = re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8"))
    return {target.partition("#")[0] for target in targets if ":" not in target} - {""}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_paths_that_a_page_names_exist(page: Path) -> None:
    absent = {
        name
        for name in named_paths(page)
        if not (ROOT / name).exists() and not list(ROOT.glob(f"{name}.*"))
    }
    assert {
        name for name in absent if "LANGUAGE" not in name and not re.search(r"[/_]xx\b", name)
    } == set()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_links_lead_somewhere(page: Path) -> None:
    assert {target for target in links(page) if not (page.parent / target).exists()} == set()


def test_every_page_of_the_documents_is_in_their_index() -> None:
    listed = links(ROOT / "docs" / "README.md")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages - listed == set()
