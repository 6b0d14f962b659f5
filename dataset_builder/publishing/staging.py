"""What of a release is to be published: its files, its card, and what stays here and why."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.errors import ContractError, Problem
from contracts.release.disclosure import RULE_VERSION
from contracts.release.manifest import MANIFEST_NAME, Manifest
from contracts.release.read import Release, open_release
from contracts.release.tables import AGGREGATE_TABLES
from dataset_builder.describing.card import CARD_NAME
from dataset_builder.describing.croissant import CROISSANT_NAME
from dataset_builder.progress import Progress
from dataset_builder.publishing.exposure import INDIVIDUAL_NAMES
from dataset_builder.publishing.gating import with_conditions
from dataset_builder.publishing.hints import WHY_PRIVATE
from dataset_builder.publishing.public import make_public
from dataset_builder.tables.tasks import EVAL_NAME
from dataset_builder.verifying.run import verify_release


@dataclass(frozen=True)
class Withheld:
    """Something of a release that is not published.

    Attributes:
        name: what it is.
        reason: why it is not published.
    """

    name: str
    reason: str


@dataclass(frozen=True)
class Staged:
    """What is to be published.

    Attributes:
        release: the release itself, or its public face.
        files: path in the repo -> file here, of all that belongs to it and nothing else.
        withheld: what is not published.
    """

    release: Release
    files: dict[str, Path]
    withheld: tuple[Withheld, ...] = ()

    @property
    def manifest(self) -> Manifest:
        """Manifest of what is to be published."""
        return self.release.manifest

    @property
    def digests(self) -> list[str]:
        """sha256 of the files of all tables."""
        return [file.sha256 for entry in self.manifest.tables.values() for file in entry.files]


@contextmanager
def staged_release(
    release: Release, *, public: bool, gating: bool, progress: Progress
) -> Iterator[Staged]:
    """The release as it is to be published, as long as the context lasts.

    Args:
        release: a verified release.
        public: its public face: aggregates under disclosure control, made in a temporary folder
            unless the release is that already.
        gating: add access conditions to the card of a public face.
        progress: reports each step.

    Raises:
        ContractError: what was made is not fit to be public.
    """
    if not public:
        yield Staged(release, release_files(release))
        return
    with tempfile.TemporaryDirectory(prefix="opinion-atlas-") as name:
        folder = Path(name)
        face = release
        if not release.manifest.public or release.has_individuals:
            with progress("applying disclosure control"):
                make_public(release, folder / "public")
            face = replace(open_release(folder / "public"), source=release.source)
            _check_made(face)
        check_public(face)
        files = release_files(face)
        if gating:
            files[CARD_NAME] = folder / CARD_NAME
            card = (face.root / CARD_NAME).read_text(encoding="utf-8")
            files[CARD_NAME].write_text(with_conditions(card), encoding="utf-8")
        yield Staged(face, files, _withheld(release, face.manifest))


def release_files(release: Release) -> dict[str, Path]:
    """Path in the repo -> file here, of all that belongs to a release and nothing else."""
    names = [file.path for entry in release.manifest.tables.values() for file in entry.files]
    names += [CARD_NAME, MANIFEST_NAME]
    names += [name for name in (CROISSANT_NAME, EVAL_NAME) if (release.root / name).is_file()]
    return {name: release.root / name for name in names}


def check_rule(manifest: Manifest, source: str) -> None:
    """Refuse a public release that was made under an earlier disclosure rule.

    Raises:
        ContractError: it was.
    """
    if not manifest.public:
        return
    stated = manifest.disclosure.rule_version if manifest.disclosure.applied else ""
    if stated != RULE_VERSION:
        raise ContractError(
            Problem(
                "withdrawn",
                "the public release was made under an earlier disclosure rule; such releases are "
                "withdrawn, since their exact counts let single answers be worked out",
                where=source,
                found=f"rule {stated}" if stated else "no version of the rule",
                allowed=f"rule {RULE_VERSION}",
                hint="Build it again from the survey file: opinion-atlas build FILE --public "
                "--out RELEASE",
            )
        )


def _check_made(face: Release) -> None:
    problems = verify_release(face.root).problems
    if problems:
        raise ContractError(problems, subject="the public aggregates")


def check_public(face: Release) -> None:
    """The last gate before anything leaves: no individual row, and the present disclosure rule.

    Raises:
        ContractError: what is to be public must not be.
    """
    manifest = face.manifest
    rows = [name for name in manifest.tables if name not in AGGREGATE_TABLES]
    if rows or not manifest.public:
        raise ContractError(
            Problem(
                "microdata",
                f"not fit for a public repo, since {WHY_PRIVATE}",
                where=face.source,
                found=", ".join(rows),
            )
        )
    check_rule(manifest, face.source)


def _withheld(release: Release, published: Manifest) -> tuple[Withheld, ...]:
    """What the public face of a release leaves out, and why."""
    withheld = [
        Withheld(
            f"{name} ({entry.rows:,} rows)",
            WHY_PRIVATE if name in INDIVIDUAL_NAMES else "not under the disclosure rule",
        )
        for name, entry in release.manifest.tables.items()
        if name not in published.tables
    ]
    if release.manifest.public:
        return tuple(withheld)
    control = published.disclosure
    withheld += [
        Withheld(f"{count:,} cells of distributions", reason)
        for count, reason in (
            (control.cells_suppressed, "too few valid answers"),
            (control.cells_suppressed_secondary, "they would give other cells away"),
        )
        if count
    ]
    return tuple(withheld)
