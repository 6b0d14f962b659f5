"""The command as a newcomer meets it: looking first, access conditions, exit codes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import huggingface_hub.constants
import pytest
import yaml
from hub_server import HubServer, HubState
from publish_samples import REPO, STRANGER, TOKEN, public_repo, publish, snapshot

from contracts.errors import ContractError
from contracts.release.manifest import MANIFEST_NAME
from contracts.release.read import open_release
from dataset_builder.describing.card import CARD_NAME, card_configs, front_matter
from dataset_builder.publishing.gating import CONDITIONS, has_conditions, with_conditions
from dataset_builder.publishing.publish import publish_release
from dataset_builder.verifying.run import verify_release

# The Hub client itself still calls httpx in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


def command(folder: Path, *options: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`opinion-atlas publish`, with no login and no network unless the environment gives them."""
    inherited = {k: v for k, v in os.environ.items() if not k.startswith("HF_")}
    return subprocess.run(
        [sys.executable, "-m", "opinion_atlas.app", "publish", str(folder), *options],
        env=inherited | {"COLUMNS": "200", "HF_HOME": str(folder.parent / "hf-home")} | environment,
        capture_output=True,
        text=True,
        check=False,
    )


def online(hub: HubServer) -> dict[str, str]:
    """Environment of a writer on the local Hub."""
    return {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_DISABLE_XET": "1"}


def test_dry_run_without_login_and_network(hub: HubServer, release_folder: Path) -> None:
    """Neither a token nor a reachable Hub: the endpoint is a port on which nothing listens."""
    hub.__exit__()
    done = command(
        release_folder,
        "--repo",
        REPO,
        "--public",
        "--dry-run",
        HF_ENDPOINT=hub.url,
        HF_HUB_OFFLINE="1",
    )
    assert done.returncode == 0, done.stderr
    said = " ".join(done.stdout.split())
    assert f"would publish: {REPO} (public, with access conditions), tag v1.0.0, 9 files" in said
    assert "distributions/data-00000-of-00001.parquet" in said
    assert "left out: responses (143,835 rows), respondents (600 rows), probe (" in said
    assert "rows): the World Values Survey's terms forbid redistributing" in said
    assert "cells of distributions: too few valid answers" in said
    assert "all that its history ever held" in said
    assert "hf auth login" in said
    assert hub.state.requests == {}


@pytest.mark.parametrize("public", [False, True])
def test_dry_run_lists_what_is_published(
    hub: HubServer, release_folder: Path, *, public: bool
) -> None:
    plan = publish(hub, release_folder, public=public, dry_run=True, token=None)
    assert hub.state.requests == {}
    assert hub.state.repos == {}
    done = publish(hub, release_folder, public=public)
    sizes = {path: len(content) for path, content in hub.state.repos[REPO].head.files.items()}
    del sizes[".gitattributes"]
    assert {file.path: file.size for file in plan.files} == sizes
    assert (plan.private, plan.gated, plan.tag) == (done.private, done.gated, done.tag)
    assert plan.withheld == done.withheld
    left_out = " ".join(item.name for item in plan.withheld)
    assert all((name in left_out) == public for name in ("responses", "respondents", "probe"))


def test_dry_run_as_json(release_folder: Path) -> None:
    done = command(release_folder, "--repo", REPO, "--dry-run", "--json")
    found = json.loads(done.stdout)
    assert (found["dry_run"], found["private"], found["repo"]) == (True, True, REPO)
    assert {"path": MANIFEST_NAME, "size": (release_folder / MANIFEST_NAME).stat().st_size} in (
        found["files"]
    )


def test_dry_run_of_a_broken_release(release_folder: Path, tmp_path: Path) -> None:
    (tmp_path / MANIFEST_NAME).write_bytes((release_folder / MANIFEST_NAME).read_bytes())
    with pytest.raises(ContractError, match="is not published"):
        publish_release(tmp_path, REPO, dry_run=True)


def test_a_source_that_is_no_folder() -> None:
    """A path that looks like ORG/NAME is not looked for on the Hub."""
    with pytest.raises(ContractError, match=r"\[no-release\] there is no folder my/release"):
        publish_release("my/release", REPO, dry_run=True)


def test_a_public_repo_gets_access_conditions(hub: HubServer, release_folder: Path) -> None:
    """The setting stands before the first file does, and the card holds the form."""
    seen = []
    hub.state.before_commit = lambda state: seen.append(state.repos[REPO].gated)
    done = publish(hub, release_folder, public=True)
    assert done.gated
    assert seen == ["auto"]
    card = hub.state.repos[REPO].head.files[CARD_NAME].decode()
    front = front_matter(card)
    assert front["extra_gated_fields"]["Affiliation"] == "text"
    assert any("non-profit" in field for field in front["extra_gated_fields"])
    assert any("cite" in field for field in front["extra_gated_fields"])
    assert "non-profit" in front["extra_gated_prompt"]
    assert {entry["config_name"] for entry in front["configs"]} == {
        "questions",
        "distributions",
        "correlations",
        "countries",
        "tasks",
    }


def test_no_gating(hub: HubServer, release_folder: Path) -> None:
    done = publish(hub, release_folder, public=True, gating=False)
    assert not done.gated
    repo = hub.state.repos[REPO]
    assert repo.gated is False
    assert not has_conditions(repo.head.files[CARD_NAME].decode())


def test_a_private_repo_has_no_conditions(hub: HubServer, release_folder: Path) -> None:
    assert not publish(hub, release_folder).gated
    assert hub.state.repos[REPO].gated is False
    assert not has_conditions(hub.state.repos[REPO].head.files[CARD_NAME].decode())


def test_manual_approval_stays(hub: HubServer, public_folder: Path) -> None:
    repo = public_repo(hub, public_folder)
    repo.gated = "manual"
    assert publish(hub, public_folder, public=True).gated
    assert repo.gated == "manual"


def test_conditions_without_the_right_to_set_them(hub: HubServer, public_folder: Path) -> None:
    with pytest.raises(ContractError, match=r"cannot turn on access conditions.*--no-gating"):
        publish(hub, public_folder, public=True, token="hf_contributor")
    assert list(hub.state.repos[REPO].head.files) == [".gitattributes"]
    assert hub.state.repos[REPO].tags == {}


def test_conditions_are_added_to_a_release_that_is_there(
    hub: HubServer, public_folder: Path
) -> None:
    first = publish(hub, public_folder, public=True, gating=False)
    again = publish(hub, public_folder, public=True)
    repo = hub.state.repos[REPO]
    assert (again.uploaded, again.tagged, again.commit) == (True, False, first.commit)
    assert has_conditions(repo.head.files[CARD_NAME].decode())
    before = snapshot(hub.state)
    assert not publish(hub, public_folder, public=True).uploaded
    assert snapshot(hub.state) == before


def test_a_reader_has_to_accept_the_conditions(
    hub: HubServer, public_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(hub, public_folder, public=True)
    monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.url)
    template = hub.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(huggingface_hub.constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    with pytest.raises(ContractError, match="accept them on its page"):
        open_release(f"{REPO}@v1.0.0", token=STRANGER)
    assert open_release(f"{REPO}@v1.0.0", token=TOKEN).manifest.public


def test_the_card_stays_what_it_was(public_folder: Path) -> None:
    card = (public_folder / CARD_NAME).read_text()
    gated = with_conditions(card)
    assert card_configs(gated) == card_configs(card)
    assert front_matter(gated) == dict(front_matter(card)) | CONDITIONS
    assert gated.split("---\n", 2)[2] == card.split("---\n", 2)[2]
    assert with_conditions(gated) == gated
    assert with_conditions("no front matter") == "no front matter"
    assert yaml.safe_load(yaml.safe_dump(CONDITIONS)) == CONDITIONS


def test_conditions_of_the_owner_stay(public_folder: Path) -> None:
    card = (public_folder / CARD_NAME).read_text()
    own = card.replace("---\n", "---\nextra_gated_prompt: ask me\n", 1)
    assert with_conditions(own) == own


def test_a_gated_card_passes_verify(hub: HubServer, release_folder: Path, tmp_path: Path) -> None:
    """What is published is verified where it is downloaded."""
    publish(hub, release_folder, public=True)
    for path, content in hub.state.repos[REPO].head.files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes(content)
    assert verify_release(tmp_path).problems == ()


@pytest.mark.parametrize("change", [{"applied": False}, {"rule_version": "1"}])
def test_a_public_release_of_an_earlier_rule(
    hub: HubServer, public_folder: Path, tmp_path: Path, change: dict[str, object]
) -> None:
    folder = tmp_path / "old"
    shutil.copytree(public_folder, folder)
    path = folder / MANIFEST_NAME
    manifest = json.loads(path.read_text())
    manifest["disclosure"] |= change
    path.write_text(json.dumps(manifest))
    with pytest.raises(ContractError, match=r"\[withdrawn\].*under an earlier disclosure rule"):
        publish(hub, folder, public=True)
    assert hub.state.repos == {}


def test_exit_codes_and_messages(hub: HubServer, release_folder: Path) -> None:
    """Private, then opened, then --public; 2 for a refusal, 1 while rows are public."""
    done = command(release_folder, "--repo", REPO, **online(hub))
    assert done.returncode == 0, done.stderr
    assert "never make this repo public" in " ".join(done.stdout.split())
    refused = command(release_folder, "--repo", REPO, "--public", **online(hub))
    assert refused.returncode == 2
    assert "a private repo never becomes a public one" in refused.stderr
    hub.state.repos[REPO].private = False
    for options in (["--public"], ["--private"]):
        loud = command(release_folder, "--repo", REPO, *options, **online(hub))
        assert loud.returncode == 1
        assert "INDIVIDUAL DATA ARE PUBLIC NOW" in loud.stderr
        assert f"hf repos delete {REPO} --type dataset" in loud.stderr
        assert "Traceback" not in loud.stderr
    assert hub.state.repos[REPO].tags == {"v1.0.0": hub.state.repos[REPO].head.sha}
    found = command(release_folder, "--repo", REPO, "--public", "--json", **online(hub))
    assert found.returncode == 1
    assert json.loads(found.stdout)["problems"][0]["code"] == "history-rows"


def test_exit_code_of_a_repo_that_turns_public(hub: HubServer, release_folder: Path) -> None:
    hub.state.add_repo(REPO, private=True)

    def open_repo(state: HubState) -> None:
        state.repos[REPO].private = False

    hub.state.after["commit"] = open_repo
    loud = command(release_folder, "--repo", REPO, **online(hub))
    assert loud.returncode == 1
    assert "turned public while the release was being uploaded" in loud.stderr
    assert hub.state.repos[REPO].tags == {}


def test_without_a_login(hub: HubServer, release_folder: Path) -> None:
    done = command(release_folder, "--repo", REPO, HF_ENDPOINT=hub.url)
    assert done.returncode == 2
    assert "hf auth login" in done.stderr
