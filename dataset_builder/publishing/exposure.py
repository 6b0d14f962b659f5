"""Whether what a commit holds may be public; nothing here asks the Hub.

A file of a public repo is fit to be there where it is a description (card, licence, figure), or
where the manifest of its own commit lists it with the same sha256, that manifest is of a public
release under the present disclosure rule, and its table has no row per respondent. Whatever else
stands there is a reason to refuse: individual rows, a release that is not public, a withdrawn
release, or a file that cannot be judged.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Literal

from contracts.release.disclosure import RULE_VERSION
from contracts.release.hub_history import HubFile
from contracts.release.manifest import MANIFEST_NAME
from contracts.release.tables import AGGREGATE_TABLES, INDIVIDUAL_TABLES
from dataset_builder.describing.card import CARD_NAME, LEAN_CONFIG
from dataset_builder.describing.croissant import CROISSANT_NAME
from dataset_builder.tables.tasks import EVAL_NAME

#: Tables and configs with a row per respondent or per answer of one.
INDIVIDUAL_NAMES = (*INDIVIDUAL_TABLES, LEAN_CONFIG)

#: What is wrong, from the gravest to the least.
Kind = Literal["rows", "private-release", "withdrawn", "unknown"]
KINDS: tuple[Kind, ...] = ("rows", "private-release", "withdrawn", "unknown")

#: Files of a repo that describe it.
DESCRIPTIONS = (
    ".gitattributes",
    ".gitignore",
    "LICENSE",
    "NOTICE",
    CARD_NAME,
    MANIFEST_NAME,
    CROISSANT_NAME,
    EVAL_NAME,
)
_DESCRIBING_SUFFIXES = (".md", ".cff", ".bib", ".png", ".svg", ".jpg", ".jpeg", ".gif", ".webp")

#: Formats in which survey files are handed out.
_SURVEY_SUFFIXES = (".sav", ".zsav", ".por", ".dta", ".sas7bdat", ".rds", ".rdata")


@dataclass(frozen=True)
class Finding:
    """A reason for which a repo must not be public, or cannot be added to.

    Attributes:
        kind: what is wrong.
        path: the file.
        reason: what is wrong with it, in a few words.
    """

    kind: Kind
    path: str
    reason: str


def is_protected(manifest: Mapping[str, Any]) -> bool:
    """Whether a manifest is that of a public release under the present disclosure rule.

    Args:
        manifest: a manifest as read from JSON, of any schema version.
    """
    disclosure = manifest.get("disclosure")
    return (
        manifest.get("public") is True
        and isinstance(disclosure, Mapping)
        and disclosure.get("rule_version") == RULE_VERSION
    )


def read_manifest(text: str) -> Mapping[str, Any] | None:
    """A manifest of any schema version; None where the text is no JSON object."""
    try:
        parsed = json.loads(text)
    except ValueError:
        return None
    return parsed if isinstance(parsed, dict) else None


def individual_name(path: str) -> str:
    """Name of the table of individual rows that a path belongs to, "" for none.

    `responses/train-00000-of-00016.parquet`, `data/respondents.csv` and `Probe_v2/x.json` belong
    to one, `docs/probe.md` does not.
    """
    parts = PurePosixPath(path.lower()).parts
    file = parts[-1] if parts else ""
    if file.endswith(_SURVEY_SUFFIXES):
        return "a survey file"
    names = list(parts[:-1]) + ([] if _describes(file) else [file])
    for name in names:
        first = name.replace("_", "-").replace(".", "-").split("-")[0]
        if first in INDIVIDUAL_NAMES:
            return first
    return ""


def _describes(path: str) -> bool:
    lower = path.lower()
    return lower in {name.lower() for name in DESCRIPTIONS} or lower.endswith(_DESCRIBING_SUFFIXES)


def judge_commit(files: Iterable[HubFile], manifest: Mapping[str, Any] | None) -> Iterator[Finding]:
    """All that is wrong with the files of one commit.

    Args:
        files: the files.
        manifest: its `manifest.json`; None where it has none, or one that cannot be read.
    """
    listed = dict(_listed(manifest or {}))
    for file in files:
        name = individual_name(file.path)
        if name:
            yield Finding("rows", file.path, name)
        elif file.path == MANIFEST_NAME:
            yield from judge_manifest(manifest)
        elif not _describes(file.path) and (
            not file.sha256 or listed.get(file.path) != file.sha256
        ):
            yield Finding(
                "unknown", file.path, "not a file of the release whose manifest stands beside it"
            )


def judge_manifest(manifest: Mapping[str, Any] | None) -> Iterator[Finding]:
    """All that a manifest says against being public."""
    if manifest is None:
        yield Finding("unknown", MANIFEST_NAME, "a manifest that cannot be read")
        return
    tables = manifest.get("tables")
    for name in tables if isinstance(tables, Mapping) else ():
        individual = individual_name(str(name))
        if individual:
            yield Finding("rows", MANIFEST_NAME, individual)
        elif name not in AGGREGATE_TABLES:
            yield Finding("unknown", MANIFEST_NAME, f"a table {str(name)[:60]!r} of no known kind")
    version = manifest.get("release_version", "of unknown version")
    if manifest.get("public") is not True:
        yield Finding("private-release", MANIFEST_NAME, f"release {version}")
    elif not is_protected(manifest):
        yield Finding("withdrawn", MANIFEST_NAME, f"release {version}")


def judge_converted(files: Iterable[HubFile], tables: Iterable[str]) -> Iterator[Finding]:
    """What is wrong with files that the Hub made of those of the main branch.

    Its viewer puts each config into a folder of the config's name.

    Args:
        files: the files.
        tables: tables of the public releases that the repo holds.
    """
    allowed = set(tables)
    for file in files:
        name = individual_name(file.path)
        if name:
            yield Finding("rows", file.path, name)
        elif not _describes(file.path) and file.path.split("/")[0] not in allowed:
            yield Finding("unknown", file.path, "made by the Hub of files that are not there now")


def _listed(manifest: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Path and sha256 of the files that a manifest lists; entries of another shape are left out."""
    tables = manifest.get("tables")
    for entry in tables.values() if isinstance(tables, Mapping) else ():
        files = entry.get("files") if isinstance(entry, Mapping) else None
        for file in files if isinstance(files, list) else ():
            if isinstance(file, Mapping) and isinstance(file.get("path"), str):
                yield file["path"], str(file.get("sha256", ""))
