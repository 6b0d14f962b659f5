"""What the tests of publishing share: one writer's account, repos on the local Hub, their state."""

from __future__ import annotations

import json
from pathlib import Path

from hub_server import Account, HubServer, HubState, Repo, add_commit

from contracts.release.disclosure import RULE_VERSION
from contracts.release.manifest import MANIFEST_NAME
from dataset_builder.publishing.publish import Published, publish_release

TOKEN = "hf_writer"
STRANGER = "hf_stranger"
REPO = "atlas/values"

ACCOUNTS = {
    TOKEN: Account("writer", ("atlas",)),
    STRANGER: Account("stranger"),
    "hf_reader": Account("reader", ("atlas",), role="read"),
    "hf_member": Account("member", reads=("atlas",)),
    "hf_contributor": Account("contributor", ("atlas",), settings=False),
}


def publish(hub: HubServer, folder: Path, repo: str = REPO, **options: object) -> Published:
    """Publish to the local Hub as the writer."""
    return publish_release(folder, repo, **{"token": TOKEN, "endpoint": hub.url, **options})  # type: ignore[arg-type]


def snapshot(state: HubState) -> object:
    """What anybody could see of the repos: visibility, trees, refs, tags."""
    return {
        name: (
            repo.private,
            repo.gated,
            [(commit.sha, sorted(commit.files)) for commit in repo.commits],
            sorted(repo.refs),
            dict(repo.tags),
        )
        for name, repo in state.repos.items()
    }


def large(files: dict[str, bytes]) -> frozenset[str]:
    """Those of the files that the Hub keeps in the storage of large files."""
    return frozenset(path for path in files if path.endswith(".parquet"))


def release_content(folder: Path, **manifest: object) -> dict[str, bytes]:
    """The files of a release, with changes to the top level of its manifest."""
    files = {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }
    files[MANIFEST_NAME] = json.dumps(json.loads(files[MANIFEST_NAME]) | manifest).encode()
    return files


def protected_content(folder: Path, **manifest: object) -> dict[str, bytes]:
    """The files of a public release under the present disclosure rule."""
    disclosure = {"applied": True, "rule_version": RULE_VERSION}
    return release_content(folder, **({"disclosure": disclosure} | manifest))


def commit(repo: Repo, files: dict[str, bytes], title: str = "Release") -> str:
    """Put files in place of those of the main branch; return the commit's sha."""
    first = repo.commits[0].files
    return add_commit(repo, title, {**first, **files}, large(files)).sha


def public_repo(hub: HubServer, folder: Path, name: str = REPO) -> Repo:
    """A public repo with one protected release, 0.9.0."""
    repo = hub.state.add_repo(name, private=False)
    repo.tags["v0.9.0"] = commit(repo, protected_content(folder, release_version="0.9.0"))
    return repo
