"""Open a release lazily: a folder, a Hub dataset repo, or the embedded reference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.errors import ContractError, Problem
from contracts.manifest import MANIFEST_NAME, Manifest, parse_manifest
from contracts.tables import TABLES

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

#: The name under which the embedded reference opens.
REFERENCE = "reference"


def reference_path() -> Path:
    """Folder of the embedded reference release: real aggregate answers of 57 countries."""
    return Path(str(resources.files("contracts").joinpath("reference")))


@dataclass(frozen=True)
class Release:
    """An opened release; tables are read when they are asked for.

    Attributes:
        source: what it was opened by (a path, `ORG/NAME@tag`, or `reference`).
        root: the folder that holds it.
        manifest: its manifest.
    """

    source: str
    root: Path
    manifest: Manifest

    @cached_property
    def digest(self) -> str:
        """sha256 of the manifest; it names the release in reports."""
        return self.manifest.digest

    @property
    def has_individuals(self) -> bool:
        """Whether the release holds rows of single persons."""
        return "respondents" in self.manifest.tables

    def has(self, table: str) -> bool:
        """Whether the release holds `table`."""
        return table in self.manifest.tables

    def files(self, table: str, *, split: str | None = None) -> list[Path]:
        """Parquet files of a table, of one split if asked for.

        Raises:
            ContractError: the release has no such table, or a file of it is gone.
        """
        if table not in self.manifest.tables:
            have = ", ".join(self.manifest.tables)
            raise ContractError(
                Problem(
                    "no-table",
                    f"the release has no table {table!r}",
                    where=self.source,
                    found=have,
                    allowed=", ".join(TABLES),
                    hint="Tables with single persons exist only in a release built from survey "
                    "files: opinion-atlas build FILE --out RELEASE"
                    if table in TABLES
                    else "",
                )
            )
        names = [entry.path for entry in self.manifest.tables[table].files]
        if split is not None:
            names = [name for name in names if Path(name).name.startswith(f"{split}-")]
        paths = [self.root / name for name in names]
        gone = [str(path) for path in paths if not path.exists()]
        if gone:
            raise ContractError(
                Problem(
                    "file-gone",
                    f"files of table {table!r} are missing",
                    where=self.source,
                    found=", ".join(gone),
                    hint="Build or download the release again.",
                )
            )
        return paths

    def dataset(self, table: str, *, split: str | None = None) -> ds.Dataset:
        """The table as a pyarrow dataset, not yet read."""
        import pyarrow.dataset as ds

        files = [str(path) for path in self.files(table, split=split)]
        return ds.dataset(files, format="parquet")

    def table(
        self,
        name: str,
        *,
        columns: Sequence[str] | None = None,
        where: ds.Expression | None = None,
        split: str | None = None,
    ) -> pa.Table:
        """Read a table, or those of its columns and rows that are asked for."""
        return self.dataset(name, split=split).to_table(
            columns=list(columns) if columns is not None else None, filter=where
        )


def open_release(source: str | Path, *, token: str | None = None) -> Release:
    """Open a release.

    Args:
        source: a folder, `ORG/NAME` or `ORG/NAME@tag` of a Hub dataset repo, or `reference`.
        token: token for a private repo; else the one that `hf auth login` saved.

    Raises:
        ContractError: there is no release at that place, or it cannot be read.
    """
    name = str(source)
    if name == REFERENCE:
        return _open_folder(name, reference_path())
    folder = Path(name)
    if folder.exists():
        return _open_folder(name, folder)
    if _is_repo_name(name):
        return _open_folder(name, _download(name, token=token))
    raise ContractError(
        Problem(
            "no-release",
            f"there is no release at {name}",
            allowed="a folder with a manifest.json, ORG/NAME@tag, or 'reference'",
            hint="Make one with: opinion-atlas build FILE --out FOLDER",
        )
    )


def _open_folder(source: str, root: Path) -> Release:
    path = root / MANIFEST_NAME
    if not path.is_file():
        raise ContractError(
            Problem(
                "no-manifest",
                f"{root} holds no {MANIFEST_NAME}, so it is no release",
                hint="Make one with: opinion-atlas build FILE --out FOLDER",
            )
        )
    manifest = parse_manifest(path.read_text(encoding="utf-8"), where=str(path))
    return Release(source=source, root=root, manifest=manifest)


def _is_repo_name(name: str) -> bool:
    repo = name.partition("@")[0]
    parts = repo.split("/")
    return len(parts) == 2 and all(parts) and not name.startswith((".", "/", "~"))


def _download(name: str, *, token: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    repo, _, tag = name.partition("@")
    try:
        folder = snapshot_download(repo, repo_type="dataset", revision=tag or None, token=token)
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        first_line = str(error).strip().splitlines()[0] if str(error).strip() else repr(error)
        raise ContractError(
            Problem(
                "no-repo",
                f"cannot open dataset repo {repo} at {tag or 'its main branch'}: {first_line}",
                hint="Check the name and the tag. A private repo needs a login (hf auth login); "
                "where a repo has access conditions, log in and accept them on its page.",
            )
        ) from None
    return Path(folder)


def release_summary(release: Release) -> dict[str, Any]:
    """Name, version, digest, waves and nature of a release, as reports quote it."""
    manifest = release.manifest
    return json.loads(
        json.dumps(
            {
                "name": manifest.name,
                "version": manifest.release_version,
                "digest": release.digest,
                "waves": manifest.waves,
                "synthetic": manifest.synthetic is not None,
                "public": manifest.public,
                "individuals": release.has_individuals,
            }
        )
    )
