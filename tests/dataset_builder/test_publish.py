"""Publishing through the real client, against a local server that speaks the Hub's API."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import huggingface_hub.constants
import pyarrow.parquet as pq
import pytest
from hub_server import Account, HubServer, HubState, Repo, add_commit

from contracts.errors import ContractError
from contracts.manifest import MANIFEST_NAME
from contracts.release import open_release
from contracts.tables import INDIVIDUAL_TABLES
from dataset_builder.build import build_release
from dataset_builder.publishing.publish import publish_release
from dataset_builder.survey import Survey

# The Hub client itself still calls httpx in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

TOKEN = "hf_writer"
REPO = "atlas/values"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_DISABLE_XET", True)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "cache"))
    with HubServer() as server:
        server.state.accounts = {
            TOKEN: Account("writer", ("atlas",)),
            "hf_stranger": Account("stranger"),
        }
        yield server


def publish(hub: HubServer, folder: Path, repo: str = REPO, **options: object):
    return publish_release(folder, repo, token=TOKEN, endpoint=hub.url, **options)  # type: ignore[arg-type]


def snapshot(state: HubState) -> object:
    """What anybody could see of the repos: visibility, trees, tags."""
    return {
        name: (repo.private, [(c.sha, sorted(c.files)) for c in repo.commits], dict(repo.tags))
        for name, repo in state.repos.items()
    }


def test_a_new_private_repo_gets_one_commit_and_one_tag(
    hub: HubServer, release_folder: Path
) -> None:
    done = publish(hub, release_folder)
    repo = hub.state.repos[REPO]
    assert repo.private
    assert done.private
    assert len(repo.commits) == 2  # the Hub's own first commit, and ours
    assert repo.tags == {"v1.0.0": repo.head.sha} == {done.tag: done.commit}
    on_disk = {
        p.relative_to(release_folder).as_posix(): p.read_bytes()
        for p in release_folder.rglob("*")
        if p.is_file()
    }
    published = {k: v for k, v in repo.head.files.items() if k != ".gitattributes"}
    assert published == on_disk
    assert {p for p in published if p.endswith(".parquet")} == set(repo.head.lfs)


def test_publishing_again_changes_nothing(hub: HubServer, release_folder: Path) -> None:
    first = publish(hub, release_folder)
    before = snapshot(hub.state)
    again = publish(hub, release_folder)
    assert snapshot(hub.state) == before
    assert (again.uploaded, again.tagged, again.commit) == (False, False, first.commit)


def test_a_missing_tag_is_added_on_the_next_run(hub: HubServer, release_folder: Path) -> None:
    hub.state.faults["tag"] = [500]
    with pytest.raises(ContractError, match=r"cannot set the tag v1\.0\.0.*HTTP 500"):
        publish(hub, release_folder)
    repo = hub.state.repos[REPO]
    assert repo.tags == {}
    commits = len(repo.commits)
    again = publish(hub, release_folder)
    assert len(repo.commits) == commits
    assert (again.uploaded, again.tagged) == (False, True)
    assert repo.tags == {"v1.0.0": repo.head.sha}


def test_a_broken_upload_publishes_nothing_and_is_resumed(
    hub: HubServer, release_folder: Path
) -> None:
    # Two objects arrive; from then on the storage refuses, past all retries of the client.
    hub.state.faults["lfs-put"] = [*[None] * 2, *[403] * 50]  # type: ignore[list-item]
    with pytest.raises(ContractError, match="cannot upload the files"):
        publish(hub, release_folder)
    repo = hub.state.repos[REPO]
    assert list(repo.head.files) == [".gitattributes"]
    assert repo.tags == {}
    arrived = set(hub.state.objects)
    assert 0 < len(arrived) < 8
    hub.state.faults.clear()
    sent_before = hub.state.requests["lfs_put"]
    publish(hub, release_folder)
    sent = hub.state.requests["lfs_put"] - sent_before
    assert sent == len(set(hub.state.objects) - arrived)
    assert repo.tags == {"v1.0.0": repo.head.sha}


def test_a_dropped_connection_is_retried(hub: HubServer, release_folder: Path) -> None:
    hub.state.faults["lfs-put"] = ["drop"]
    publish(hub, release_folder)
    assert hub.state.repos[REPO].tags


def test_a_commit_in_between_is_a_conflict(hub: HubServer, release_folder: Path) -> None:
    repo = hub.state.add_repo(REPO, private=True)

    def meddle(state: HubState) -> None:
        add_commit(state.repos[REPO], "somebody else", dict(repo.head.files))
        state.before_commit = None

    hub.state.before_commit = meddle
    with pytest.raises(ContractError, match="somebody else committed in the meantime"):
        publish(hub, release_folder)
    assert [c.message for c in repo.commits] == ["initial commit", "somebody else"]
    assert repo.tags == {}


def test_without_permission_or_login(hub: HubServer, release_folder: Path) -> None:
    with pytest.raises(ContractError, match=r"the token may not do this.*rights to create"):
        publish_release(release_folder, REPO, token="hf_stranger", endpoint=hub.url)
    with pytest.raises(ContractError, match="token is missing or not valid"):
        publish_release(release_folder, REPO, token="hf_unknown", endpoint=hub.url)
    assert hub.state.repos == {}


def test_an_unreachable_hub(hub: HubServer, release_folder: Path) -> None:
    hub.__exit__()
    with pytest.raises(ContractError, match="no-connection"):
        publish(hub, release_folder)


def test_public_publishes_aggregates_alone(hub: HubServer, release_folder: Path) -> None:
    done = publish(hub, release_folder, public=True)
    repo = hub.state.repos[REPO]
    assert not repo.private
    assert done.withheld == INDIVIDUAL_TABLES
    folders = {path.split("/")[0] for path in repo.head.files if "/" in path}
    assert folders == {"questions", "countries", "distributions"}
    for path, content in repo.head.files.items():
        if path.endswith(".parquet"):
            names = pq.read_schema(io.BytesIO(content)).names
            assert not {"respondent_id", "interview_id"} & set(names)
    table = pq.read_table(io.BytesIO(repo.head.files["distributions/data-00000-of-00001.parquet"]))
    assert min(table.column("n_valid").to_pylist()) >= 30
    # Nothing of a person went to the storage either.
    assert len(hub.state.objects) == 3


def test_private_rows_never_go_to_a_public_repo(hub: HubServer, release_folder: Path) -> None:
    hub.state.add_repo(REPO, private=False)
    before = snapshot(hub.state)
    with pytest.raises(ContractError, match="forbid to redistribute"):
        publish(hub, release_folder)
    assert snapshot(hub.state) == before
    assert hub.state.objects == {}


class _Turning(Repo):
    """A repo that its owner opens to all after the first two requests looked at it."""

    looks = 0

    def __getattribute__(self, name: str) -> object:
        if name != "private":
            return super().__getattribute__(name)
        _Turning.looks += 1
        return _Turning.looks <= 4


def test_a_repo_that_turns_public_in_between(hub: HubServer, release_folder: Path) -> None:
    made = hub.state.add_repo(REPO, private=True)
    hub.state.repos[REPO] = _Turning(private=True, commits=made.commits)
    with pytest.raises(ContractError, match="visibility changed"):
        publish(hub, release_folder)
    assert hub.state.objects == {}


def test_public_into_a_private_repo_is_refused(hub: HubServer, release_folder: Path) -> None:
    hub.state.add_repo(REPO, private=True)
    with pytest.raises(ContractError, match="the repo is private, and --public was asked for"):
        publish(hub, release_folder, public=True)


def test_a_tag_is_never_moved(
    hub: HubServer, release_folder: Path, survey: Survey, tmp_path: Path
) -> None:
    publish(hub, release_folder)
    other = tmp_path / "other"
    build_release([survey], other, seed=1)
    before = snapshot(hub.state)
    with pytest.raises(ContractError, match=r"the tag v1\.0\.0 stands for another release"):
        publish(hub, other)
    assert snapshot(hub.state) == before
    done = publish(hub, other, tag="v1.0.1")
    tags = hub.state.repos[REPO].tags
    assert set(tags) == {"v1.0.0", "v1.0.1"}
    assert tags["v1.0.1"] == done.commit != tags["v1.0.0"]


def test_files_of_an_earlier_release_are_taken_out(hub: HubServer, release_folder: Path) -> None:
    repo = hub.state.add_repo(REPO, private=True)
    add_commit(repo, "old", {**repo.head.files, "responses/old.parquet": b"old"})
    done = publish(hub, release_folder)
    assert done.deleted == ("responses/old.parquet",)
    assert "responses/old.parquet" not in repo.head.files
    assert ".gitattributes" in repo.head.files
    assert len(repo.commits) == 3


def test_a_broken_release_is_not_published(hub: HubServer, survey: Survey, tmp_path: Path) -> None:
    folder = tmp_path / "broken"
    build_release([survey], folder)
    with (folder / "probe" / "data-00000-of-00001.parquet").open("ab") as handle:
        handle.write(b"x")
    with pytest.raises(ContractError, match="is not published"):
        publish(hub, folder)
    assert hub.state.repos == {}


def test_dry_run_changes_nothing(hub: HubServer, release_folder: Path) -> None:
    plan = publish(hub, release_folder, dry_run=True)
    assert MANIFEST_NAME in plan.files
    assert hub.state.repos == {}


@pytest.mark.parametrize("repo", ["values", "a/b/c", "a b/c", "/x"])
def test_names_that_are_no_repo(repo: str, release_folder: Path) -> None:
    with pytest.raises(ContractError, match="is no name of a repo"):
        publish_release(release_folder, repo)


def test_what_was_published_opens_as_a_release(
    hub: HubServer, release_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(hub, release_folder)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.url)
    monkeypatch.setattr(
        huggingface_hub.constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        hub.url + "/{repo_id}/resolve/{revision}/{filename}",
    )
    opened = open_release(f"{REPO}@v1.0.0", token=TOKEN)
    here = open_release(release_folder)
    assert opened.digest == here.digest
    assert opened.table("probe").equals(here.table("probe"))


def test_the_command(hub: HubServer, release_folder: Path, tmp_path: Path) -> None:
    environment = {
        **os.environ,
        "HF_HUB_OFFLINE": "0",
        "HF_HUB_DISABLE_XET": "1",
        "HF_ENDPOINT": hub.url,
        "HF_TOKEN": TOKEN,
        "HF_HOME": str(tmp_path / "home"),
    }
    command = [sys.executable, "-m", "opinion_atlas.app", "publish", str(release_folder)]
    done = subprocess.run(  # noqa: PLW1510
        [*command, "--repo", REPO, "--public"], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "kept back: responses, respondents, probe" in " ".join(done.stdout.split())
    refused = subprocess.run(  # noqa: PLW1510
        [*command, "--repo", REPO, "--private"], env=environment, capture_output=True, text=True
    )
    assert refused.returncode == 2
    assert "forbid to redistribute" in refused.stderr
    assert "Traceback" not in refused.stderr
