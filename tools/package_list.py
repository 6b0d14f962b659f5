"""Packages and what each is for, as a page: `python -m tools.package_list > docs/packages.md`."""

from __future__ import annotations

import ast
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

#: From what all others import to what imports all others.
ORDER = (
    "codebook",
    "contracts",
    "dataset_builder",
    "elicitation",
    "scoring",
    "space",
    "opinion_atlas",
    "tools",
)

_HEAD = """# Packages

Made by `python -m tools.package_list` from the first line of each package's docstring; do not
edit. From what all others import to what imports all others; [architecture.md](architecture.md)
says which may import which, and where a change belongs.
"""


def packages_markdown() -> str:
    """One table for each top-level package, with all packages below it."""
    parts = [_HEAD]
    for top in ORDER:
        parts += [f"## {top}\n", _purpose(ROOT / top) + "\n"]
        below = sorted(
            path.parent for path in (ROOT / top).rglob("__init__.py") if path.parent.name != top
        )
        if below:
            rows = [f"| `{path.relative_to(ROOT)}` | {_purpose(path)} |" for path in below]
            parts.append("\n".join(["| package | what it is for |", "|---|---|", *rows]) + "\n")
    return "\n".join(parts)


def _purpose(package: Path) -> str:
    tree = ast.parse((package / "__init__.py").read_text(encoding="utf-8"))
    return (ast.get_docstring(tree) or "").partition("\n")[0].replace("|", r"\|")


if __name__ == "__main__":
    sys.stdout.write(packages_markdown())
