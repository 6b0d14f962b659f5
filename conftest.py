"""Examples in docstrings (`pytest --doctest-modules PACKAGE`) run in a folder of their own."""

from __future__ import annotations

import pytest
from _pytest.doctest import DoctestItem


@pytest.fixture(autouse=True)
def _folder_of_examples(request: pytest.FixtureRequest) -> None:
    """Files that an example writes are not left in the checkout."""
    if isinstance(request.node, DoctestItem):
        monkeypatch = request.getfixturevalue("monkeypatch")
        monkeypatch.chdir(request.getfixturevalue("tmp_path"))
