"""Publishing through the real client, against a local server that speaks the Hub's API."""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
from pathlib import Path

import huggingface_hub.constants
import pyarrow.parquet as pq
import pytest
from hub_server import HubServer, HubState, add_commit
from publish_samples import REPO, STRANGER, TOKEN, publish, snapshot

from contracts.errors import ContractError
from contracts.release.manifest import MANIFEST_NAME
from contracts.release.read import open_release
from dataset_builder.build import build_release
from dataset_builder.options import BuildOptions
from dataset_builder.publishing.guard import RowsPublicError
from dataset_builder.publishing.publish import publish_release
from dataset_builder.survey import Survey

# The Hub client itself still calls httpx in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


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
        add_commit(state.repos[REPO], "someone else", dict(repo.head.files))
        state.before_commit = None

    hub.state.before_commit = meddle
    with pytest.raises(ContractError, match="another commit was made in the meantime"):
        publish(hub, release_folder)
    assert [c.message for c in repo.commits] == ["initial commit", "someone else"]
    assert repo.tags == {}


def test_without_permission_or_login(hub: HubServer, release_folder: Path) -> None:
    with pytest.raises(ContractError, match="account stranger may not create repos in atlas"):
        publish(hub, release_folder, token=STRANGER)
    with pytest.raises(ContractError, match="the token may only read"):
        publish(hub, release_folder, token="hf_reader")
    with pytest.raises(ContractError, match="token is missing or not valid"):
        publish(hub, release_folder, token="hf_unknown")
    assert hub.state.repos == {}
    hub.state.add_repo(REPO, private=False)
    with pytest.raises(ContractError, match=r"cannot write to the repo.*HTTP 403"):
        publish(hub, release_folder, token=STRANGER, public=True)


@pytest.mark.parametrize("token", ["hf_reader", "hf_member", STRANGER, "hf_unknown"])
def test_access_is_checked_before_rows_are_read(
    hub: HubServer, release_folder: Path, tmp_path: Path, token: str
) -> None:
    """A release whose tables are gone: reading them first would fail for another reason."""
    shutil.copy(release_folder / MANIFEST_NAME, tmp_path)
    with pytest.raises(ContractError, match=r"\[(no-permission|no-login)\]"):
        publish(hub, tmp_path, token=token)
    with pytest.raises(ContractError, match="is not published"):
        publish(hub, tmp_path)


def test_an_unreachable_hub(hub: HubServer, release_folder: Path) -> None:
    hub.__exit__()
    with pytest.raises(ContractError, match="no-connection"):
        publish(hub, release_folder)


def test_public_publishes_aggregates_alone(hub: HubServer, release_folder: Path) -> None:
    done = publish(hub, release_folder, public=True)
    repo = hub.state.repos[REPO]
    assert not repo.private
    names = [item.name.split(" (")[0] for item in done.withheld]
    assert names[:3] == ["responses", "respondents", "probe"]
    assert all("redistributing" in item.reason for item in done.withheld[:3])
    folders = {path.split("/")[0] for path in repo.head.files if "/" in path}
    assert folders == {"questions", "countries", "distributions", "correlations", "tasks"}
    for path, content in repo.head.files.items():
        if path.endswith(".parquet"):
            names = pq.read_schema(io.BytesIO(content)).names
            assert not {"respondent_id", "interview_id"} & set(names)
    table = pq.read_table(io.BytesIO(repo.head.files["distributions/data-00000-of-00001.parquet"]))
    answered = table.filter(table.column("code").is_valid())
    assert min(answered.column("n_valid").to_pylist()) >= 30
    # Nothing of a person went to the storage either.
    assert len(hub.state.objects) == len(folders)


def test_private_rows_never_go_to_a_public_repo(hub: HubServer, release_folder: Path) -> None:
    hub.state.add_repo(REPO, private=False)
    before = snapshot(hub.state)
    with pytest.raises(ContractError, match="forbid redistributing"):
        publish(hub, release_folder)
    assert snapshot(hub.state) == before
    assert hub.state.objects == {}


def test_a_repo_that_turns_public_before_the_upload(hub: HubServer, release_folder: Path) -> None:
    hub.state.add_repo(REPO, private=True)
    hub.state.after["refs"] = open_repo
    with pytest.raises(ContractError, match="visibility changed"):
        publish(hub, release_folder)
    assert hub.state.objects == {}
    assert hub.state.repos[REPO].tags == {}


def open_repo(state: HubState) -> None:
    """What the owner does in the settings."""
    state.repos[REPO].private = False


@pytest.mark.parametrize(("after", "tags"), [("commit", set()), ("tag", {"v1.0.0"})])
def test_a_repo_that_turns_public_during_the_upload(
    hub: HubServer, release_folder: Path, after: str, tags: set[str]
) -> None:
    hub.state.add_repo(REPO, private=True)
    hub.state.after[after] = open_repo
    with pytest.raises(RowsPublicError, match="everyone can read individual data now") as caught:
        publish(hub, release_folder)
    assert set(hub.state.repos[REPO].tags) == tags
    assert f"hf repos settings {REPO} --type dataset --private" in str(caught.value)
    assert f"hf repos delete {REPO} --type dataset" in str(caught.value)


def test_a_visibility_that_cannot_be_confirmed(hub: HubServer, release_folder: Path) -> None:
    hub.state.add_repo(REPO, private=True)

    def break_down(state: HubState) -> None:
        state.faults["info"] = [500]

    hub.state.after["commit"] = break_down
    with pytest.raises(ContractError, match=r"\[unconfirmed\] .*was committed"):
        publish(hub, release_folder)
    assert hub.state.repos[REPO].tags == {}
    assert publish(hub, release_folder).tagged


def test_public_aggregates_in_a_repo_that_turns_public(hub: HubServer, public_folder: Path) -> None:
    """Nothing individual is in it, so that nothing is exposed; what is true is reported."""
    hub.state.add_repo(REPO, private=True)
    hub.state.after["tag"] = open_repo
    assert not publish(hub, public_folder).private


def test_public_into_a_private_repo_is_refused(hub: HubServer, release_folder: Path) -> None:
    hub.state.add_repo(REPO, private=True)
    with pytest.raises(ContractError, match="the repo is private, and --public was asked for") as e:
        publish(hub, release_folder, public=True)
    assert "a private repo never becomes a public one" in str(e.value)
    assert f"--repo {REPO}-public --public" in str(e.value)


def test_a_tag_is_never_moved(
    hub: HubServer, release_folder: Path, survey: Survey, tmp_path: Path
) -> None:
    publish(hub, release_folder)
    other = tmp_path / "other"
    build_release([survey], other, BuildOptions(seed=1))
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


@pytest.mark.parametrize("repo", ["values", "a/b/c", "a b/c", "/x"])
def test_names_that_are_no_repo(repo: str, release_folder: Path) -> None:
    with pytest.raises(ContractError, match="is not the name of a repo"):
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
    assert "left out: responses (143,835 rows), respondents (600 rows), probe (" in " ".join(
        done.stdout.split()
    )
    refused = subprocess.run(  # noqa: PLW1510
        [*command, "--repo", REPO, "--private"], env=environment, capture_output=True, text=True
    )
    assert refused.returncode == 2
    assert "forbid redistributing" in refused.stderr
    assert "Traceback" not in refused.stderr
