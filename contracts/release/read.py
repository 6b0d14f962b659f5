"""Open a release lazily: a folder, a Hub dataset repo, or the embedded reference."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import TYPE_CHECKING, Any

from contracts.digests import sha256_text
from contracts.errors import ContractError, Problem
from contracts.release.manifest import MANIFEST_NAME, Manifest, parse_manifest
from contracts.release.tables import (
    DISTRIBUTION_TEXTS,
    DISTRIBUTIONS,
    DISTRIBUTIONS_1,
    INDIVIDUAL_TABLES,
    MISSING_COUNT_COLUMNS,
    TABLES,
)
from contracts.versions import major_version

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.dataset as ds

    from contracts.release.disclosure import Protected


#: The name under which the embedded reference opens.
REFERENCE = "reference"


def reference_path() -> Path:
    """Folder of the embedded reference release: real aggregate answers of 57 countries."""
    return Path(str(resources.files("contracts").joinpath("reference")))


#: Text columns that are read as dictionaries on request.
_TEXTS = {
    "distributions": DISTRIBUTION_TEXTS,
    "correlations": ("country", "question_a", "question_b"),
}


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

    @property
    def schema_major(self) -> int:
        """Major version of the release's schema."""
        return major_version(self.manifest.schema_version)

    def dataset(
        self, table: str, *, split: str | None = None, encoded: Sequence[str] = ()
    ) -> ds.Dataset:
        """The table as a pyarrow dataset, not yet read, with the columns of its files.

        Args:
            table: name of the table.
            split: only the files of this split.
            encoded: text columns to read as dictionaries.
        """
        import pyarrow.dataset as ds

        files = [str(path) for path in self.files(table, split=split)]
        options = ds.ParquetReadOptions(dictionary_columns=list(encoded))
        return ds.dataset(files, format=ds.ParquetFileFormat(read_options=options))

    def table(
        self,
        name: str,
        *,
        columns: Sequence[str] | None = None,
        where: ds.Expression | None = None,
        split: str | None = None,
        encoded: bool = False,
    ) -> pa.Table:
        """Read a table, or those of its columns and rows that are asked for.

        `distributions` of schema 1.x come with the columns of the present schema.

        Args:
            name: name of the table.
            columns: columns to read; None reads all.
            where: condition on the rows.
            split: only the files of this split.
            encoded: whether the texts of `distributions` and `correlations` come as
                dictionaries, in a third of the memory.
        """
        texts = _TEXTS.get(name, ()) if encoded else ()
        if name == "distributions" and self.schema_major == 1:
            return self._distributions_1(columns, where, texts)
        return self.dataset(name, split=split, encoded=texts).to_table(
            columns=list(columns) if columns is not None else None, filter=where
        )

    def _distributions_1(
        self,
        columns: Sequence[str] | None,
        where: ds.Expression | None,
        texts: Sequence[str],
    ) -> pa.Table:
        from contracts.release.distributions import upgrade_distributions

        wanted = list(DISTRIBUTIONS.names if columns is None else columns)
        renamed = {"n_eff_kind": ("n_eff_estimated",), "missing_total": MISSING_COUNT_COLUMNS}
        needed = [old for name in wanted for old in renamed.get(name, (name,))]
        old = [name for name in texts if name in DISTRIBUTIONS_1.names]
        table = self.dataset("distributions", encoded=old).to_table(
            columns=list(dict.fromkeys(needed)), filter=where
        )
        return upgrade_distributions(table).select(wanted)

    @property
    def is_protected(self) -> bool:
        """Whether all its figures are under the present disclosure rule."""
        from contracts.release.disclosure import is_protected

        return is_protected(self.manifest)

    def protected(self) -> Release:
        """The release as strangers may see it: aggregates under disclosure control.

        A public release of the present rule is itself; of any other, `distributions` goes through
        the rule when it is read, and tables of single respondents are not there.
        """
        if self.is_protected:
            return self
        return ProtectedRelease(self.source, self.root, self.manifest)


@dataclass(frozen=True)
class ProtectedRelease(Release):
    """The public view of a release; see `Release.protected`."""

    @cached_property
    def digest(self) -> str:
        """Digest of the manifest and the rule: the figures are others than the release's own."""
        from contracts.release.disclosure import VIEW_EDITION

        return sha256_text(f"{self.manifest.digest} disclosure rule {VIEW_EDITION}")

    @property
    def is_protected(self) -> bool:
        """True."""
        return True

    @property
    def has_individuals(self) -> bool:
        """False: rows of single respondents are not part of the view."""
        return False

    def has(self, table: str) -> bool:
        """Whether the view holds `table`."""
        return table in self.manifest.tables and table not in _NOT_IN_VIEW

    def files(self, table: str, *, split: str | None = None) -> list[Path]:
        """Files of a table whose rows are public as they are.

        Raises:
            ContractError: the view has no such files.
        """
        if table in (*_NOT_IN_VIEW, *_PROTECTED_TABLES):
            raise ContractError(
                Problem(
                    "no-table",
                    f"files of table {table!r} are no part of the public view of a release",
                    where=self.source,
                    allowed="questions, countries; distributions and correlations as tables",
                )
            )
        return super().files(table, split=split)

    def table(
        self,
        name: str,
        *,
        columns: Sequence[str] | None = None,
        where: ds.Expression | None = None,
        split: str | None = None,
        encoded: bool = False,
    ) -> pa.Table:
        """Read a table, or those of its columns and rows that are asked for."""
        if name not in _PROTECTED_TABLES:
            return super().table(name, columns=columns, where=where, split=split)
        import pyarrow as pa

        table = self.published.table if name == "distributions" else self.correlations
        if where is not None:
            table = table.filter(where)
        if columns is not None:
            table = table.select(list(columns))
        if encoded or name == "correlations":
            return table
        plain = [DISTRIBUTIONS.field(column) for column in table.column_names]
        return table.cast(pa.schema(plain))

    @cached_property
    def published(self) -> Protected:
        """Public rows of `distributions`, texts as dictionaries, and what was held back."""
        import pyarrow.compute as pc

        from contracts.release.disclosure import SLOTS, protect_distributions
        from contracts.release.distributions import sort_distributions

        release = Release(self.source, self.root, self.manifest)
        groups = sorted({group for _, group in SLOTS})
        exact = release.table("distributions", where=pc.field("group").isin(groups), encoded=True)
        protected = protect_distributions(exact.unify_dictionaries(), dominated=self._dominated)
        return protected._replace(table=sort_distributions(protected.table))

    @cached_property
    def correlations(self) -> pa.Table:
        """Public rows of `correlations`."""
        from contracts.release.correlations import EVERYONE, protect_correlations

        release = Release(self.source, self.root, self.manifest)
        exact = release.table("distributions", where=EVERYONE)
        pairs = release.table("correlations")
        return protect_correlations(pairs, exact, dominated=self._dominated)

    @cached_property
    def _dominated(self) -> frozenset[tuple[int, str]]:
        """Waves and countries whose weights would tell of one respondent."""
        from contracts.release.dominance import dominated_places

        release = Release(self.source, self.root, self.manifest)
        if not release.has("respondents"):
            return frozenset()
        return dominated_places(release.table("respondents", columns=["wave", "country", "weight"]))


#: Tables of texts rest on exact figures.
_NOT_IN_VIEW = (*INDIVIDUAL_TABLES, "soft", "tasks")

#: Tables that go through the disclosure rule when they are read.
_PROTECTED_TABLES = ("distributions", "correlations")


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
                "tables": "protected" if release.is_protected else "exact",
            }
        )
    )
