"""The page of packages names every package and what it is for."""

from __future__ import annotations

import re

import pytest

from tools.package_list import ORDER, ROOT, packages_markdown


def test_the_page_is_what_the_docstrings_say() -> None:
    page = (ROOT / "docs" / "packages.md").read_text(encoding="utf-8")
    assert page == packages_markdown(), "python -m tools.package_list > docs/packages.md"


@pytest.mark.parametrize("top", ORDER)
def test_every_package_says_what_it_is_for(top: str) -> None:
    section = packages_markdown().split(f"## {top}\n")[1].split("\n## ")[0]
    below = {
        str(path.parent.relative_to(ROOT))
        for path in (ROOT / top).rglob("__init__.py")
        if path.parent.name != top
    }
    rows = dict(re.findall(r"^\| `([a-z_/]+)` \| (.*) \|$", section, flags=re.MULTILINE))
    assert rows.keys() == below
    assert all(len(purpose) > 20 and purpose.endswith((".", "?")) for purpose in rows.values())


def test_no_folder_with_code_is_no_package() -> None:
    """Code that no package holds would be on no page."""
    lost = {
        str(path.parent.relative_to(ROOT))
        for top in ORDER
        for path in (ROOT / top).rglob("*.py")
        if not (path.parent / "__init__.py").exists()
    }
    assert lost == set()
