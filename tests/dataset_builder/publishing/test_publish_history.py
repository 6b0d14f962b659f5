"""Attacks on the promise that a public repo never held an individual row, anywhere in its history.

Every refusal is checked for what it must not do: nothing is committed, no tag appears, no setting
changes, nothing is sent to the storage, and no message advises to open a private repo.
"""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hub_server import Commit, HubServer, HubState, Repo
from publish_samples import (
    REPO,
    commit,
    large,
    protected_content,
    public_repo,
    publish,
    release_content,
    snapshot,
)

from contracts.errors import ContractError
from contracts.release.manifest import MANIFEST_NAME
from contracts.release.tables import REQUIRED_TABLES
from dataset_builder.publishing import history
from dataset_builder.publishing.guard import RowsPublicError

# The Hub client itself still calls httpx in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

ROWS = "responses/train-00000-of-00001.parquet"
SHARES = "distributions/data-00000-of-00001.parquet"


def refused(hub: HubServer, folder: Path, match: str, *, exposed: bool = False) -> str:
    """Publish with --public; return the message of the refusal, after which all is as before."""
    before, objects = snapshot(hub.state), dict(hub.state.objects)
    with pytest.raises(ContractError, match=match) as caught:
        publish(hub, folder, public=True, tag="v9.9.9")
    assert isinstance(caught.value, RowsPublicError) == exposed
    assert snapshot(hub.state) == before
    assert hub.state.objects == objects
    message = str(caught.value)
    assert f"--repo {REPO}-public --public" in message
    assert "settings first" not in message
    return message


def line(repo: Repo, files: dict[str, bytes], sha: str = "a" * 40) -> list[Commit]:
    """The commits of a ref that branches off the first commit of a repo."""
    for path in large(files):
        repo.stored.setdefault("0" * 63 + "1", (path, 1))
    return [repo.commits[0], Commit(sha, "elsewhere", files, large(files))]


def test_a_private_repo_that_its_owner_opened(hub: HubServer, release_folder: Path) -> None:
    """Private publish, the owner opens the repo, then --public: the rows are public by then."""
    publish(hub, release_folder)
    hub.state.repos[REPO].private = False
    message = refused(hub, release_folder, "everyone can read them now", exposed=True)
    assert "responses, respondents, probe" in message or "probe, respondents" in message
    assert "v1.0.0" in message
    assert f"hf repos settings {REPO} --type dataset --private" in message
    assert f"hf repos delete {REPO} --type dataset" in message
    # The private command on it says the same.
    with pytest.raises(RowsPublicError, match=r"\[rows-public\].*everyone can read them now"):
        publish(hub, release_folder)


def test_an_old_tag_still_serves_rows(hub: HubServer, release_folder: Path) -> None:
    """The main branch was cleaned; who knows the tag reads the rows all the same."""
    publish(hub, release_folder)
    repo = hub.state.repos[REPO]
    repo.private = False
    commit(repo, {}, "Delete everything")
    assert sorted(repo.head.files) == [".gitattributes"]
    message = refused(hub, release_folder, r"v1\.0\.0 \(commit", exposed=True)
    assert "history-rows" in message


def test_an_old_commit_still_serves_rows(
    hub: HubServer, release_folder: Path, public_folder: Path
) -> None:
    """No tag, no branch: the sha of the commit is enough. Public content on top changes nothing."""
    repo = hub.state.add_repo(REPO, private=False)
    commit(repo, release_content(release_folder), "oops")
    commit(repo, {}, "Delete everything")
    commit(repo, protected_content(public_folder))
    refused(hub, release_folder, "individual rows stand in the repo's history", exposed=True)


@pytest.mark.parametrize("path", [ROWS, "lean/train.parquet", "data/sft_train.jsonl", "wvs7.sav"])
@pytest.mark.parametrize("ref", ["refs/heads/old", "refs/pr/1", "refs/convert/parquet"])
def test_rows_in_another_ref(hub: HubServer, public_folder: Path, ref: str, path: str) -> None:
    repo = public_repo(hub, public_folder)
    repo.refs[ref] = line(repo, {path: b"rows"})
    message = refused(hub, public_folder, "individual rows stand", exposed=True)
    assert ref.removeprefix("refs/heads/") in message


def test_rows_of_a_moved_tag(hub: HubServer, release_folder: Path, public_folder: Path) -> None:
    """The branch was rewritten, and one tag holds the commit."""
    repo = hub.state.add_repo(REPO, private=False)
    repo.tags["v0.1.0"] = commit(repo, release_content(release_folder), "oops")
    commit(repo, {}, "Delete everything")
    repo.squash("initial commit", created=repo.created)
    refused(hub, public_folder, r"v0\.1\.0 \(commit", exposed=True)


def test_rows_that_only_the_storage_still_has(
    hub: HubServer, release_folder: Path, public_folder: Path
) -> None:
    """A squash with the title and the date of a first commit: the storage gives it away."""
    repo = hub.state.add_repo(REPO, private=False)
    commit(repo, release_content(release_folder), "oops")
    commit(repo, {}, "Delete everything")
    repo.squash("initial commit", created=repo.created)
    assert [sorted(one.files) for one in repo.commits] == [[".gitattributes"]]
    message = refused(hub, public_folder, "storage of large files", exposed=True)
    assert "responses" in message


@pytest.mark.parametrize(
    ("title", "age", "reason"),
    [
        ("Super-squash branch 'main' using huggingface_hub", 0, "does not begin with the commit"),
        ("initial commit", 30, "begins later than the repo was made"),
    ],
)
def test_a_squashed_history(
    hub: HubServer, public_folder: Path, title: str, age: int, reason: str
) -> None:
    repo = hub.state.add_repo(REPO, private=False)
    repo.created -= timedelta(days=age)
    commit(repo, {"notes.md": b"nothing"})
    commit(repo, {}, "Delete everything")
    repo.squash(title, created=datetime.now(UTC))
    message = refused(hub, public_folder, reason)
    assert "[history-unknown]" in message


def test_a_first_commit_with_data(hub: HubServer, public_folder: Path) -> None:
    repo = hub.state.add_repo(REPO, private=False)
    commit(repo, protected_content(public_folder))
    repo.squash("initial commit", created=repo.created)
    refused(hub, public_folder, "does not begin with the commit")


def test_large_files_that_no_commit_reaches(hub: HubServer, public_folder: Path) -> None:
    """Exact shares of a history that is gone, or an interrupted upload of this very release."""
    repo = public_repo(hub, public_folder)
    repo.stored["f" * 64] = (SHARES, 10)
    refused(hub, public_folder, "large files are stored that no commit reaches")
    del repo.stored["f" * 64]
    manifest = json.loads((public_folder / MANIFEST_NAME).read_text())
    for path, digest in files_of(manifest):
        repo.stored[digest] = (path, 10)
    assert publish(hub, public_folder, public=True).uploaded


def files_of(manifest: dict) -> list[tuple[str, str]]:
    """Path and sha256 of all files of a manifest."""
    return [
        (file["path"], file["sha256"])
        for entry in manifest["tables"].values()
        for file in entry["files"]
    ]


@pytest.mark.parametrize(
    "disclosure",
    [
        {"applied": True},
        {"applied": True, "rule_version": ""},
        {"applied": True, "rule_version": "1"},
        None,
    ],
)
@pytest.mark.parametrize("cleaned", [False, True])
def test_a_withdrawn_release(
    hub: HubServer, public_folder: Path, disclosure: object, *, cleaned: bool
) -> None:
    repo = hub.state.add_repo(REPO, private=False)
    repo.tags["v0.1.0"] = commit(repo, release_content(public_folder, disclosure=disclosure))
    if cleaned:
        commit(repo, protected_content(public_folder))
    message = refused(hub, public_folder, r"\[history-withdrawn\]")
    assert "v0.1.0" in message
    assert f"hf repos delete {REPO} --type dataset" in message


@pytest.mark.parametrize("public", [False, None, "true", 1])
def test_a_release_that_is_not_public(hub: HubServer, public_folder: Path, public: object) -> None:
    repo = hub.state.add_repo(REPO, private=False)
    commit(repo, protected_content(public_folder, public=public))
    refused(hub, public_folder, r"\[history-private-release\]")


def test_rows_under_an_innocent_path(hub: HubServer, public_folder: Path) -> None:
    """The manifest names the table."""
    repo = hub.state.add_repo(REPO, private=False)
    tables = json.loads((public_folder / MANIFEST_NAME).read_text())["tables"]
    tables["responses"] = {"files": [{"path": "data/a.parquet", "sha256": "0"}]}
    commit(repo, protected_content(public_folder, tables=tables))
    refused(hub, public_folder, "individual rows", exposed=True)


@pytest.mark.parametrize(
    "files",
    [
        {"data/x.parquet": b"x"},
        {"distributions/more.parquet": b"x"},
        {SHARES: b"other bytes than those of the manifest"},
        {"notes.txt": b"x"},
        {MANIFEST_NAME: b"{"},
        {MANIFEST_NAME: b"[]"},
    ],
)
def test_files_that_cannot_be_judged(
    hub: HubServer, public_folder: Path, files: dict[str, bytes]
) -> None:
    repo = public_repo(hub, public_folder)
    commit(repo, protected_content(public_folder) | files)
    commit(repo, protected_content(public_folder))
    message = refused(hub, public_folder, r"\[history-unknown\]")
    assert next(iter(files)) in message


def test_aggregates_without_a_manifest(hub: HubServer, public_folder: Path) -> None:
    repo = hub.state.add_repo(REPO, private=False)
    files = protected_content(public_folder)
    del files[MANIFEST_NAME]
    commit(repo, files)
    refused(hub, public_folder, r"\[history-unknown\]")


@pytest.mark.parametrize("kind", ["commits", "tree", "lfs-files", "refs"])
def test_a_history_that_cannot_be_read(hub: HubServer, public_folder: Path, kind: str) -> None:
    public_repo(hub, public_folder)
    hub.state.faults[kind] = [403]
    refused(hub, public_folder, r"\[history-unread\].*cannot be read")


def test_a_storage_that_the_token_may_not_see(hub: HubServer, public_folder: Path) -> None:
    public_repo(hub, public_folder)
    with pytest.raises(ContractError, match=r"\[history-unread\].*may see the settings"):
        publish(hub, public_folder, public=True, token="hf_contributor")


def test_a_history_too_long_to_be_read(
    hub: HubServer, public_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repo = public_repo(hub, public_folder)
    for number in range(4):
        commit(repo, protected_content(public_folder) | {"n.md": b"%d" % number})
    monkeypatch.setattr(history, "MAX_COMMITS", 5)
    refused(hub, public_folder, r"\[history-long\]")


def test_history_is_checked_before_rows_are_read(
    hub: HubServer, release_folder: Path, tmp_path: Path
) -> None:
    publish(hub, release_folder)
    hub.state.repos[REPO].private = False
    (tmp_path / MANIFEST_NAME).write_bytes((release_folder / MANIFEST_NAME).read_bytes())
    refused(hub, tmp_path, "individual rows stand", exposed=True)


def test_another_release_into_a_clean_public_repo(hub: HubServer, public_folder: Path) -> None:
    """All kinds of refs, pages of two entries, and what the Hub converted: nothing to refuse."""
    repo = public_repo(hub, public_folder)
    commit(repo, protected_content(public_folder) | {"docs/probe.md": b"about the probe"})
    repo.tags["docs"] = repo.head.sha
    repo.refs["refs/heads/drafts"] = repo.commits[:2]
    repo.refs["refs/pr/1"] = line(repo, {"README.md": b"better words"})
    converted = {f"{table}/data/0000.parquet": b"x" for table in REQUIRED_TABLES}
    repo.refs["refs/convert/parquet"] = [Commit("c" * 40, "Update parquet", converted)]
    repo.stored.clear()
    for one in repo.commits:
        for path in one.lfs:
            repo.stored.setdefault(_sha256(one.files[path]), (path, 1))
    hub.state.page = 2
    done = publish(hub, public_folder, public=True)
    assert done.uploaded
    assert set(repo.tags) == {"v0.9.0", "docs", "v1.0.0"}
    assert repo.tags["v1.0.0"] == repo.head.sha == done.commit


def _sha256(content: bytes) -> str:
    import hashlib

    return hashlib.sha256(content).hexdigest()


def test_each_commit_is_looked_at_once(hub: HubServer, public_folder: Path) -> None:
    repo = public_repo(hub, public_folder)
    for number in range(5):
        sha = commit(repo, protected_content(public_folder) | {"n.md": b"%d" % number})
        repo.tags[f"n{number}"] = sha
    commits = len(repo.commits)
    before = hub.state.requests.copy()
    publish(hub, public_folder, public=True)
    asked = hub.state.requests - before
    assert asked["tree"] == commits
    # Tags whose commit stands on the main branch cost nothing more.
    assert asked["commits"] == 1
    assert asked["lfs_files"] == 1


def test_the_first_public_release(hub: HubServer, public_folder: Path) -> None:
    """A repo that was just made, here or on the website, has a history that can be judged."""
    hub.state.add_repo(REPO, private=False)
    assert publish(hub, public_folder, public=True).tagged
    publish(hub, public_folder, "atlas/new", public=True)
    assert not hub.state.repos["atlas/new"].private


def test_a_tag_that_appears_meanwhile_is_not_overwritten(
    hub: HubServer, public_folder: Path
) -> None:
    repo = public_repo(hub, public_folder)

    def tag(state: HubState) -> None:
        state.repos[REPO].tags["v1.0.0"] = repo.commits[0].sha

    hub.state.after["lfs_files"] = tag
    with pytest.raises(ContractError, match="stands for another release"):
        publish(hub, public_folder, public=True)
    assert repo.tags["v1.0.0"] == repo.commits[0].sha
