"""Stage a folder that is a whole Hugging Face Space, list it, upload it."""

from __future__ import annotations

import re
import shutil
import tempfile
import warnings
from collections.abc import Mapping, Sequence
from importlib import metadata, resources
from pathlib import Path
from typing import Any, NamedTuple

from huggingface_hub import SpaceCardData

from contracts.atomic import atomic_folder
from contracts.digests import pretty_json, sha256_file
from contracts.errors import fail
from contracts.release.hub import hub_errors
from contracts.release.read import open_release
from space.board.version import STAMP_NAME, current_scorer_version, project_version
from space.server.thumbnail import THUMBNAIL_NAME, write_thumbnail

#: Packages that the app needs, and what each leaves out.
PACKAGES = ("codebook", "contracts", "elicitation", "scoring", "space")

#: What the app imports; versions are those of this environment.
REQUIREMENTS = (
    "gradio",
    "pydantic",
    "numpy",
    "scipy",
    "pandas",
    "pyarrow",
    "huggingface_hub",
    "filelock",
    "tenacity",
    "json-repair",
    "rich",
    "xxhash",
)

#: Tags by which the Hub's lists of leaderboards find the Space.
TAGS = (
    "leaderboard",
    "submission:semiautomatic",
    "test:public",
    "judge:auto",
    "modality:text",
    "eval:generation",
    "opinions",
    "world-values-survey",
)

#: Models of the board that the card links to; more make the card unreadable.
MOST_MODELS = 100

#: Where a bucket is mounted, and the folders in it.
MOUNT = "/data"
VOLUME_VARIABLES = {
    "OPINION_ATLAS_STORE": f"{MOUNT}/store",
    "OPINION_ATLAS_PRIVATE": f"{MOUNT}/private",
}

_MODEL = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*\Z", re.ASCII)

APP = '''"""The Space: the board over the store that it ships, or over that of a mounted volume."""

import os
import shutil
from pathlib import Path

os.environ.setdefault("GRADIO_ANALYTICS_ENABLED", "False")

from space.server.serve import serve

if __name__ == "__main__":
    here = Path(__file__).resolve().parent
    store = os.environ.get("OPINION_ATLAS_STORE", str(here / "store"))
    if not store.startswith("hub:") and not (Path(store) / "reports").is_dir():
        # The first start on a volume: it begins with what the Space ships.
        if (here / "store").is_dir():
            shutil.copytree(here / "store", store, dirs_exist_ok=True)
    serve(
        store,
        release=os.environ.get("OPINION_ATLAS_RELEASE", "reference"),
        host="0.0.0.0",
        port=int(os.environ.get("PORT", "7860")),
        fill=True,
        open_browser=False,
    )
'''

README = """# Opinion Atlas

Whose values does a language model reflect? The board scores language models' answers to the
World Values Survey against those of people in {countries} countries, with intervals, baselines
and what the scores do not mean.

Code: Apache-2.0. The aggregates of the survey may be used for non-commercial purposes, with
citation; see the About page.
"""


class Staged(NamedTuple):
    """A file of a staged Space: its path in it and its size in bytes."""

    path: str
    size: int


def space_settings(
    *,
    repo: str = "",
    datasets: Sequence[str] = (),
    models: Sequence[str] = (),
    oauth: bool = True,
) -> Mapping[str, Any]:
    """The YAML heading of the Space's README.

    Args:
        repo: the Space, for the address of its picture; "" for none.
        datasets: Hub datasets to link to.
        models: Hub models to link to.
        oauth: whether visitors log in with their Hub account.
    """
    settings: dict[str, Any] = {
        "title": "Opinion Atlas",
        "emoji": "\N{WORLD MAP}",
        "colorFrom": "blue",
        "colorTo": "gray",
        "sdk": "gradio",
        "sdk_version": metadata.version("gradio"),
        "python_version": "3.11",
        "app_file": "app.py",
        "pinned": False,
        "license": "other",
        "license_name": "apache-2.0-and-wvs-noncommercial",
        "short_description": "Whose values does a language model reflect?",
        "tags": list(TAGS),
    }
    if repo:
        address = f"https://huggingface.co/spaces/{repo}/resolve/main/{THUMBNAIL_NAME}"
        settings["thumbnail"] = address
    if models:
        settings["models"] = list(models)
    if oauth:
        settings |= {"hf_oauth": True, "hf_oauth_scopes": ["inference-api"]}
    if datasets:
        settings["datasets"] = list(datasets)
    return settings


def requirements_text() -> str:
    """The Space's requirements: what the app imports, pinned to what runs here."""
    extras = {"gradio": "gradio[oauth]"}
    names = [f"{extras.get(name, name)}=={metadata.version(name)}" for name in REQUIREMENTS]
    return "\n".join(sorted(names)) + "\n"


def stage_space(
    out: str | Path,
    *,
    store: Path | None = None,
    repo: str = "",
    datasets: Sequence[str] = (),
    replace: bool = False,
) -> list[Staged]:
    """Write a folder that is a whole Space, in one step.

    Args:
        out: the folder.
        repo: the Space that it will be, ORG/NAME, for the address of its picture.
        store: a store to ship, index included, so that the first start has nothing to score;
            without one the Space scores the baselines when it starts.
        datasets: names of Hub datasets that the Space links to.
        replace: whether a folder that is there may be replaced.

    Returns:
        The files, by path.

    Raises:
        ContractError: the folder is there already, or cannot be written to.
    """
    with atomic_folder(out, replace=replace) as folder:
        for package in PACKAGES:
            _copy_package(package, folder / package)
        models = hub_models(store) if store is not None else ()
        settings = space_settings(repo=repo, datasets=datasets, models=models)
        heading = SpaceCardData(**settings).to_yaml()
        readme = f"---\n{heading}\n---\n\n{README.format(countries=57)}"
        (folder / "README.md").write_text(readme, encoding="utf-8")
        (folder / "requirements.txt").write_text(requirements_text(), encoding="utf-8")
        (folder / "app.py").write_text(APP, encoding="utf-8")
        write_thumbnail(folder / THUMBNAIL_NAME, open_release("reference"))
        if store is not None:
            _copy_store(store, folder / "store")
        stamp = {
            "version": project_version(),
            "scorer_version": current_scorer_version(),
            "files": {one.path: sha256_file(folder / one.path) for one in _files(folder)},
        }
        (folder / "space" / STAMP_NAME).write_text(pretty_json(stamp), encoding="utf-8")
        return _files(folder)


def hub_models(store: Path) -> tuple[str, ...]:
    """Models of a store's rows that are named as on the Hub, sorted; at most `MOST_MODELS`."""
    from space.board.store import open_store

    opened = open_store(store)
    opened.ensure_index()
    with opened.connect() as db:
        rows = db.execute(
            "SELECT DISTINCT model FROM rows WHERE kind = 'model' AND synthetic = 0 ORDER BY model"
        )
        model_names = [model for (model,) in rows if _MODEL.match(model or "")]
    return tuple(model_names[:MOST_MODELS])


def _copy_package(name: str, target: Path) -> None:
    source = Path(str(resources.files(name)))
    shutil.copytree(
        source, target, ignore=shutil.ignore_patterns("__pycache__", "*.pyc", STAMP_NAME)
    )


def _copy_store(store: Path, target: Path) -> None:
    if not (store / "reports").is_dir():
        raise fail(
            "no-store", f"there is no store at {store}", allowed="a folder with reports/*.json"
        )
    shutil.copytree(store, target, ignore=shutil.ignore_patterns("archive", ".partial-*"))


def _files(folder: Path) -> list[Staged]:
    file_paths = [path for path in folder.rglob("*") if path.is_file()]
    return sorted(
        Staged(path.relative_to(folder).as_posix(), path.stat().st_size) for path in file_paths
    )


def listing(files: Sequence[Staged]) -> str:
    """The files of a staged Space by top folder, with sizes, for people."""
    groups: dict[str, list[Staged]] = {}
    for file in files:
        groups.setdefault(file.path.split("/")[0] if "/" in file.path else ".", []).append(file)
    lines = [
        f"{name}: {len(group)} files, {sum(file.size for file in group) / 1e6:.2f} MB"
        for name, group in groups.items()
    ]
    return "\n".join([*lines, *(f"  {file.path} ({file.size:,} bytes)" for file in files)])


def upload_space(folder: str | Path, repo: str, *, private: bool, token: str | None = None) -> str:
    """Create the Space if needed and upload the staged folder in one commit.

    Args:
        folder: from `stage_space`.
        repo: `ORG/NAME`.
        private: whether a Space that is made now is private.
        token: token; else the one that `hf auth login` saved.

    Returns:
        Address of the Space.

    Raises:
        ContractError: the Hub refuses; the message says why.
    """
    from huggingface_hub import HfApi
    from huggingface_hub.errors import HfHubHTTPError

    api = HfApi(token=token)
    try:
        made = api.create_repo(
            repo, repo_type="space", space_sdk="gradio", private=private, exist_ok=True
        )
        with warnings.catch_warnings():
            # The embedded reference belongs to the app, though it is a data file.
            warnings.filterwarnings("ignore", message="It seems that you are about to commit")
            api.upload_folder(
                folder_path=folder,
                repo_id=repo,
                repo_type="space",
                commit_message=f"Deploy Opinion Atlas {project_version()}",
                delete_patterns=[f"{package}/**" for package in PACKAGES],
            )
    except HfHubHTTPError as error:
        first = str(error).strip().splitlines()[0]
        raise fail(
            "hub-refused",
            f"the Hub did not take the Space {repo}: {first}",
            hint="Free accounts may not create Gradio Spaces; the static board needs none: "
            "opinion-atlas board --export FOLDER",
        ) from None
    return str(made)


def mount_bucket(repo: str, bucket: str, *, token: str | None = None) -> None:
    """Make a private bucket if needed, mount it in the Space, and keep the board's folders in it.

    Args:
        repo: the Space, which is there.
        bucket: `ORG/NAME` of the bucket.
        token: token; else the one that `hf auth login` saved.

    Raises:
        ContractError: the Hub refuses; the message says why.
    """
    from huggingface_hub import HfApi, Volume

    api = HfApi(token=token)
    with hub_errors(bucket, "create the bucket"):
        api.create_bucket(bucket, private=True, exist_ok=True)
    with hub_errors(repo, "mount the bucket"):
        api.set_space_volumes(repo, [Volume(type="bucket", source=bucket, mount_path=MOUNT)])
        for name, path in VOLUME_VARIABLES.items():
            api.add_space_variable(repo, name, path)


def deploy(
    repo: str,
    *,
    out: Path,
    store: Path | None,
    datasets: Sequence[str] = (),
    bucket: str = "",
    private: bool = True,
    dry_run: bool = False,
) -> None:
    """Stage a Space in `out`, list it, and upload it unless `dry_run`.

    With `bucket`, a private bucket of this name is made and mounted, and the board's folders lie in
    it: what visitors submit outlasts a restart.

    Without a store the published answers and the reference's baselines are shipped, so that the
    Space's first start has nothing to compute.
    """
    with tempfile.TemporaryDirectory() as folder:
        files = stage_space(
            out,
            store=store or _baselines(Path(folder)),
            repo=repo,
            datasets=datasets,
            replace=True,
        )
    print(listing(files))
    made_up = synthetic_rows(store) if store else []
    if made_up:
        print(
            f"{len(made_up)} reports are scored on synthetic people; the board lists them only "
            f"when asked for: {', '.join(made_up[:10])}{' ...' if len(made_up) > 10 else ''}"
        )
    total = sum(file.size for file in files) / 1e6
    print(f"{len(files)} files, {total:.1f} MB, staged in {out}")
    if dry_run:
        mount_note = f", with the bucket {bucket} mounted at {MOUNT}" if bucket else ""
        print(f"Nothing was uploaded. Without --dry-run this goes to the Space {repo}{mount_note}.")
        return
    print(f"Uploaded to {upload_space(out, repo, private=private)}")
    if bucket:
        mount_bucket(repo, bucket)
        print(f"Mounted the bucket {bucket} at {MOUNT}; submissions and runs are stored in it.")


def synthetic_rows(store: Path) -> list[str]:
    """Ids of a store's reports that are scored on made-up people."""
    from space.board.store import open_store

    with open_store(store).connect() as db:
        id_rows = db.execute("SELECT row_id FROM rows WHERE synthetic = 1 ORDER BY row_id")
        return [row_id for (row_id,) in id_rows]


def _baselines(folder: Path) -> Path:
    from space.server.serve import prepare_store

    return prepare_store(str(folder / "store"), release="reference", fill=True).root
