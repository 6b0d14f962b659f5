"""What `.ci/readme` runs is what the README tells a newcomer to type."""

from __future__ import annotations

from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_the_two_commands_of_the_readme_are_found() -> None:
    loader = SourceFileLoader("ci_readme", str(ROOT / ".ci" / "readme"))
    spec = spec_from_loader(loader.name, loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    demo, test = module.commands(ROOT / "README.md")
    assert demo.split()[0] == "./scripts/demo"
    assert test.split()[0] == "./scripts/test"
