"""Versions of the file formats; readers take this major version and the one before it."""

from __future__ import annotations

from contracts.errors import ContractError, Problem

#: Version of the predictions files, reports and records that this version of the project writes.
SCHEMA_VERSION = "1.0"

#: Version of the releases that this version of the project writes.
RELEASE_SCHEMA_VERSION = "2.0"


def major_version(version: str) -> int:
    """Major part of a schema version; 0 where it is unreadable."""
    major = version.split(".")[0]
    return int(major) if major.isdigit() else 0


def check_schema_version(stated_version: str, *, where: str, current: str = SCHEMA_VERSION) -> None:
    """Accept the current major version and the previous one.

    Args:
        found: the version that the file states.
        where: the file, for the message.
        current: the version that this project writes for that kind of file.

    Raises:
        ContractError: the version is unreadable, newer, or too old.
    """
    here = major_version(current)
    allowed = [f"{major}.x" for major in (here - 1, here) if major > 0]
    major = major_version(stated_version)
    if major > 0 and here - 1 <= major <= here:
        return
    raise ContractError(
        Problem(
            "schema-version",
            "the file's schema version cannot be read",
            where=where,
            column="schema_version",
            found=repr(stated_version),
            allowed=", ".join(allowed),
            hint="Update opinion-atlas if the file is newer, else write the file again.",
        )
    )
