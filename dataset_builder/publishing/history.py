"""Read all that a repo ever held, and say whether it may be public.

Whoever can read a repo can read every commit of it: a file that was deleted from the main branch
stays readable by the sha of its commit or by a tag. So every commit behind every branch, tag and
pull request is looked at, one request each, and the storage of large files on top, which still
lists what a rewritten history no longer reaches.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from contracts.errors import ContractError, Problem
from contracts.release.hub import HubRepo, RepoState
from contracts.release.hub_history import (
    HubCommit,
    HubFile,
    HubRef,
    StoredObject,
    read_commits,
    read_files,
    read_refs,
    read_storage,
)
from contracts.release.manifest import MANIFEST_NAME
from dataset_builder.progress import Progress
from dataset_builder.publishing.exposure import (
    DESCRIPTIONS,
    Finding,
    individual_name,
    judge_commit,
    judge_converted,
    read_manifest,
)
from dataset_builder.publishing.hints import new_repo_hint

#: Commits that are looked at; one request each.
MAX_COMMITS = 1_000

#: Title of the commit that the Hub makes with a repo.
FIRST_TITLE = "initial commit"

#: That commit is made with the repo: one that is much younger stands for a history that is gone.
FIRST_WITHIN = timedelta(hours=1)

#: Errors that pass, or that are not about the history.
_OTHER_ERRORS = ("no-connection", "rate-limit", "no-login", "offline")


@dataclass(frozen=True)
class ExposedFile:
    """A finding and the commit that it stands in.

    Attributes:
        finding: what is wrong.
        place: the commit and the names that stand at it: `v1.0.0 (commit 0123abcd)`.
    """

    finding: Finding
    place: str


@dataclass
class History:
    """What a repo ever held, as far as it matters here.

    Attributes:
        found: all reasons to refuse.
        reachable: sha256 of all large files of all commits.
        unreachable: large files that no commit reaches.
        tables: tables of the releases in it.
    """

    exposed: list[ExposedFile] = field(default_factory=list)
    reachable: set[str] = field(default_factory=set)
    unreachable: list[StoredObject] = field(default_factory=list)
    tables: set[str] = field(default_factory=set)


def read_history(hub: HubRepo, state: RepoState, progress: Progress) -> History:
    """Look at every commit of a repo, and at its storage.

    Args:
        hub: the repo.
        state: what the Hub says of it.
        progress: reports how many commits were read.

    Raises:
        ContractError: the history cannot be read as a whole.
    """
    try:
        with progress(f"reading the history of {hub.name}") as report:
            reader = _Reader(hub, state)
            commits = reader.commits()
            for number, (commit, converted) in enumerate(commits.items()):
                reader.look_at(commit, converted=converted)
                report(number + 1, len(commits))
            reader.look_at_storage()
    except ContractError as error:
        raise _unread(error, hub.name) from None
    return reader.history


def _unread(error: ContractError, repo: str) -> ContractError:
    problem = error.problems[0]
    if problem.code in _OTHER_ERRORS or problem.code.startswith("history-"):
        return error
    return ContractError(
        Problem(
            "history-unread",
            "what the repo ever held cannot be read, so nothing was published into it: "
            f"{problem.message}",
            where=problem.where,
            hint="Use a token that may see the settings of the repo, or a new repo. "
            + new_repo_hint(repo),
        )
    )


class _Reader:
    """Walks over the commits of a repo; each file list and manifest is read once."""

    def __init__(self, hub: HubRepo, state: RepoState) -> None:
        self._hub = hub
        self._state = state
        self._names: dict[str, list[str]] = {}
        self._files: dict[str, tuple[HubFile, ...]] = {}
        self._manifests: dict[str, Mapping[str, Any] | None] = {}
        self.history = History()

    def commits(self) -> dict[str, bool]:
        """Sha of every commit -> whether the Hub made it of the files of the main branch.

        Those of the Hub come last: they are judged by the releases of the others.
        """
        commits: dict[str, bool] = {}
        for ref in sorted(read_refs(self._hub), key=lambda ref: ref.converted):
            name = ref.name.removeprefix("refs/heads/").removeprefix("refs/tags/")
            self._names.setdefault(ref.commit, []).append(name)
            if ref.commit in commits:
                continue
            listed = read_commits(self._hub, ref.commit)
            if not ref.converted:
                self._check_first(ref, listed)
            for commit in listed:
                commits.setdefault(commit.sha, ref.converted)
            if len(commits) > MAX_COMMITS:
                raise ContractError(
                    Problem(
                        "history-long",
                        "the repo has too long a history to be looked at commit by commit",
                        where=self._hub.name,
                        found=f"more than {MAX_COMMITS:,} commits",
                        hint=new_repo_hint(self._hub.name),
                    )
                )
        return commits

    def _check_first(self, ref: HubRef, listed: tuple[HubCommit, ...]) -> None:
        """The oldest commit is the one that the Hub made with the repo, else some are gone."""
        reason = ""
        if not listed:
            reason = "has no commit"
        elif listed[-1].title != FIRST_TITLE or self._holds_data(listed[-1]):
            reason = "does not begin with the commit that the Hub makes with a repo"
        elif self._state.created and listed[-1].created > self._state.created + FIRST_WITHIN:
            reason = "begins later than the repo was made"
        if reason:
            text = f"{ref.name} {reason}: its history was squashed or rewritten"
            self._add(Finding("unknown", "", text), listed[-1].sha if listed else ref.commit)

    def _holds_data(self, commit: HubCommit) -> bool:
        return any(file.path not in DESCRIPTIONS for file in self._files_of(commit.sha))

    def _files_of(self, commit: str) -> tuple[HubFile, ...]:
        if commit not in self._files:
            self._files[commit] = read_files(self._hub, commit)
        return self._files[commit]

    def look_at(self, commit: str, *, converted: bool) -> None:
        """Judge the files of a commit."""
        files = self._files_of(commit)
        self.history.reachable.update(file.sha256 for file in files if file.sha256)
        for finding in self._judge(commit, files, converted=converted):
            self._add(finding, commit)

    def _judge(
        self, commit: str, files: tuple[HubFile, ...], *, converted: bool
    ) -> Iterator[Finding]:
        if converted:
            return judge_converted(files, self.history.tables)
        manifest = self._manifest(commit, files)
        tables = (manifest or {}).get("tables")
        if isinstance(tables, Mapping):
            self.history.tables.update(tables)
        return judge_commit(files, manifest)

    def _manifest(self, commit: str, files: tuple[HubFile, ...]) -> Mapping[str, Any] | None:
        blob = next((file.blob for file in files if file.path == MANIFEST_NAME), "")
        if blob and blob not in self._manifests:
            text = self._hub.text(MANIFEST_NAME, revision=commit)
            self._manifests[blob] = read_manifest(text or "")
        return self._manifests.get(blob)

    def look_at_storage(self) -> None:
        """Large files that no commit reaches: of a history that was rewritten, or uncommitted."""
        for stored in read_storage(self._hub):
            if stored.digests & self.history.reachable:
                continue
            name = individual_name(stored.path)
            if name:
                self._add(Finding("rows", stored.path, name), "")
            else:
                self.history.unreachable.append(stored)

    def _add(self, finding: Finding, commit: str) -> None:
        names = ", ".join(self._names.get(commit, ()))
        place = f"commit {commit[:8]}" if commit else "the storage of large files"
        self.history.exposed.append(ExposedFile(finding, f"{names} ({place})" if names else place))
