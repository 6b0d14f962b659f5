"""What a repo on the Hub ever held: its refs, the commits behind them, the files of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from contracts.errors import ContractError, Problem
from contracts.release.hub import MAIN, REPO_TYPE, HubRepo, hub_errors

#: Full name of the main branch.
MAIN_REF = f"refs/heads/{MAIN}"

#: Refs that the Hub itself makes of the files of the main branch, for its viewer.
CONVERTED = "refs/convert/"


@dataclass(frozen=True)
class HubRef:
    """A name for a commit.

    Attributes:
        name: the whole name: `refs/heads/main`, `refs/tags/v1.0.0`, `refs/pr/1`, ...
        commit: sha of the commit.
    """

    name: str
    commit: str

    @property
    def converted(self) -> bool:
        """Whether the Hub made it of the files of the main branch."""
        return self.name.startswith(CONVERTED)


@dataclass(frozen=True)
class HubCommit:
    """A commit.

    Attributes:
        sha: its name.
        title: first line of its message.
        created: when it was made.
    """

    sha: str
    title: str
    created: datetime


@dataclass(frozen=True)
class HubFile:
    """A file of a commit.

    Attributes:
        path: path in the repo.
        blob: git's name of the content; the same content has the same name.
        sha256: of the content where it lies in the storage of large files, else "".
    """

    path: str
    blob: str
    sha256: str = ""


@dataclass(frozen=True)
class StoredObject:
    """An object in the storage of large files, reachable from a commit or not.

    Attributes:
        path: a path that it had; "" where none is known.
        digests: the Hub's names of the object; one is the sha256 of its content.
    """

    path: str
    digests: frozenset[str]


@contextmanager
def _reading(repo: str, doing: str) -> Iterator[None]:
    with hub_errors(repo, doing):
        try:
            yield
        except (KeyError, TypeError) as error:
            raise ContractError(
                Problem(
                    "hub-error",
                    f"cannot {doing}: the Hub's answer lacks what it should say ({error!r})",
                    where=repo,
                )
            ) from None


def read_refs(repo: HubRepo) -> tuple[HubRef, ...]:
    """Branches (the main one first), tags, pull requests, and what the Hub made of the files.

    Raises:
        ContractError: they cannot be read.
    """
    with _reading(repo.name, "list branches and tags"):
        repo_refs = repo.api.list_repo_refs(
            repo.name, repo_type=REPO_TYPE, include_pull_requests=True
        )
    listed = [
        *repo_refs.branches,
        *repo_refs.tags,
        *(repo_refs.pull_requests or ()),
        *repo_refs.converts,
    ]
    refs = [HubRef(ref.ref, ref.target_commit) for ref in listed]
    return tuple(sorted(refs, key=lambda ref: ref.name != MAIN_REF))


def read_commits(repo: HubRepo, revision: str) -> tuple[HubCommit, ...]:
    """The commits behind a revision, the newest first.

    Raises:
        ContractError: they cannot be read.
    """
    with _reading(repo.name, f"list the commits of {revision}"):
        commits = repo.api.list_repo_commits(repo.name, repo_type=REPO_TYPE, revision=revision)
    return tuple(HubCommit(one.commit_id, one.title, one.created_at) for one in commits)


def read_files(repo: HubRepo, revision: str) -> tuple[HubFile, ...]:
    """All files of a commit.

    Raises:
        ContractError: they cannot be read.
    """
    from huggingface_hub.hf_api import RepoFile

    with _reading(repo.name, f"list the files of {revision}"):
        listed = list(
            repo.api.list_repo_tree(
                repo.name, repo_type=REPO_TYPE, revision=revision, recursive=True
            )
        )
    files = [entry for entry in listed if isinstance(entry, RepoFile)]
    return tuple(
        HubFile(file.path, file.blob_id, file.lfs.sha256 if file.lfs else "") for file in files
    )


def read_storage(repo: HubRepo) -> tuple[StoredObject, ...]:
    """The storage of large files, objects that no commit reaches any more included.

    Raises:
        ContractError: it cannot be read; the Hub shows it only to who may write to the repo.
    """
    with _reading(repo.name, "list the storage of large files"):
        lfs_files = list(repo.api.list_lfs_files(repo.name, repo_type=REPO_TYPE))
    return tuple(
        StoredObject(file.filename or "", frozenset((file.file_oid, file.oid)))
        for file in lfs_files
    )
