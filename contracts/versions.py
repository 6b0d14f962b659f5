"""Versions of the file formats; readers take this major version and the one before it."""

from __future__ import annotations

from contracts.errors import ContractError, Problem

#: Version of every file that this release of the project writes.
SCHEMA_VERSION = "1.0"


def check_schema_version(found: str, *, where: str) -> None:
    """Accept the present major version and the previous one.

    Raises:
        ContractError: the version is unreadable, newer, or too old.
    """
    here = int(SCHEMA_VERSION.split(".")[0])
    allowed = [f"{major}.x" for major in (here - 1, here) if major > 0]
    major = found.split(".")[0]
    if major.isdigit() and here - 1 <= int(major) <= here and int(major) > 0:
        return
    raise ContractError(
        Problem(
            "schema-version",
            "the file's schema version cannot be read",
            where=where,
            column="schema_version",
            found=repr(found),
            allowed=", ".join(allowed),
            hint="Update opinion-atlas if the file is newer, else write the file anew.",
        )
    )
