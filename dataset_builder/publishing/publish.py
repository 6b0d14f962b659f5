"""Publish a release: checked, one commit, one tag, never microdata where it can be seen."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.errors import ContractError, Problem
from contracts.hub import HubRepo, RepoState
from contracts.manifest import MANIFEST_NAME, Manifest, manifest_text
from contracts.release import Release, open_release
from contracts.tables import INDIVIDUAL_TABLES
from dataset_builder.card import CARD_NAME
from dataset_builder.croissant import CROISSANT_NAME
from dataset_builder.progress import Progress, silent
from dataset_builder.publishing.public import make_public
from dataset_builder.verifying.run import verify_release

#: Why rows of single persons are not made public.
WHY_PRIVATE = (
    "the World Values Survey's terms forbid to redistribute its data files, and rows of single "
    "persons could identify somebody"
)

#: Files of a repo that publishing leaves alone.
_KEPT_FILES = (".gitattributes",)

_TAG = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


@dataclass(frozen=True)
class Published:
    """What publishing did, or would do.

    Attributes:
        repo: `ORG/NAME`.
        tag: the tag.
        private: whether the repo is private.
        commit: sha that the tag stands at; "" for a dry run.
        files: files that belong to the release.
        deleted: files of an earlier release that were taken out.
        withheld: tables that stayed here, since the repo is public.
        uploaded: whether there was a commit; False where the repo had the release already.
        tagged: whether the tag was set now.
    """

    repo: str
    tag: str
    private: bool
    commit: str
    files: tuple[str, ...]
    deleted: tuple[str, ...] = ()
    withheld: tuple[str, ...] = ()
    uploaded: bool = False
    tagged: bool = False


def publish_release(
    source: str | Path,
    repo: str,
    *,
    public: bool = False,
    tag: str = "",
    token: str | None = None,
    endpoint: str | None = None,
    dry_run: bool = False,
    progress: Progress = silent,
) -> Published:
    """Publish a release as one commit and one tag.

    Run again after an interruption, it sends what is missing and sets the tag if that is all that
    is missing.

    Args:
        source: folder of the release.
        repo: `ORG/NAME` of a dataset repo; made if there is none.
        public: publish into a public repo: aggregates under disclosure control, nothing else.
        tag: tag of the commit; `v` and the release's version by default.
        token: token to use; else the saved one.
        endpoint: address of the Hub; else the usual one.
        dry_run: look, and change nothing.
        progress: told what is being done.

    Raises:
        ContractError: the release is broken, the repo's visibility is not the one asked for, rows
            of single persons would be seen, the tag stands for something else, or the Hub
            refuses. Nothing is half-published.
    """
    release = open_release(source)
    tag = tag or f"v{release.manifest.release_version}"
    _check_arguments(repo, tag)
    _check_release(source, progress)
    hub = HubRepo(repo, token=token, endpoint=endpoint)
    with progress(f"looking at {repo}"):
        hub.check_login()
        state = hub.state()
    _check_visibility(release, repo, state, public=public)
    with _staged(release, public=public, progress=progress) as staged:
        _check_staged(staged, public=public)
        plan = _plan(release, staged, repo, state, tag=tag, public=public)
        return plan if dry_run else _upload(plan, staged, hub, state, progress)


def _plan(
    release: Release,
    staged: Release,
    repo: str,
    state: RepoState | None,
    *,
    tag: str,
    public: bool,
) -> Published:
    files = release_files(staged)
    there = state.files if state is not None else ()
    return Published(
        repo=repo,
        tag=tag,
        private=not public,
        commit="",
        files=tuple(sorted(files)),
        deleted=tuple(f for f in there if f not in files and f not in _KEPT_FILES),
        withheld=tuple(n for n in INDIVIDUAL_TABLES if release.has(n) and not staged.has(n)),
    )


def _check_arguments(repo: str, tag: str) -> None:
    problems = []
    if repo.count("/") != 1 or not all(_TAG.match(part) for part in repo.split("/")):
        problems.append(Problem("repo-name", f"{repo!r} is no name of a repo", allowed="ORG/NAME"))
    if not _TAG.match(tag):
        problems.append(Problem("tag", f"{tag!r} is no tag", allowed="for instance v1.0.0"))
    if problems:
        raise ContractError(problems, subject="publish")


def _check_release(source: str | Path, progress: Progress) -> None:
    found = verify_release(source, progress=progress)
    if not found.passed:
        raise ContractError(found.problems, subject=f"{source} is not published")


def _check_visibility(
    release: Release, repo: str, state: RepoState | None, *, public: bool
) -> None:
    """Refuse where the repo that is there is not what was asked for."""
    if state is None or state.private != public:
        return
    if public:
        raise ContractError(
            Problem(
                "visibility",
                "the repo is private, and --public was asked for",
                where=repo,
                hint="Publish with --private, or make the repo public in its settings first.",
            )
        )
    rows = [name for name in INDIVIDUAL_TABLES if release.has(name)]
    reason = f": {', '.join(rows)} would be seen by all, yet {WHY_PRIVATE}" if rows else ""
    raise ContractError(
        Problem(
            "microdata" if rows else "visibility",
            f"the repo is public, and --private was asked for{reason}",
            where=repo,
            hint="Give the name of a private repo, or pass --public to publish aggregates alone.",
        )
    )


@contextmanager
def _staged(release: Release, *, public: bool, progress: Progress) -> Iterator[Release]:
    """The release as it is to be published: itself, or its public face in a temporary folder."""
    if not public or (release.manifest.public and not release.has_individuals):
        yield release
        return
    with tempfile.TemporaryDirectory(prefix="opinion-atlas-") as folder:
        out = Path(folder) / "public"
        with progress("applying disclosure control"):
            make_public(release, out)
        yield open_release(out)


def _check_staged(staged: Release, *, public: bool) -> None:
    """The last gate before anything leaves: no row of a person in what is to be public."""
    if not public:
        return
    manifest = staged.manifest
    rows = [name for name in INDIVIDUAL_TABLES if name in manifest.tables]
    if rows or not manifest.public or not manifest.disclosure.applied:
        raise ContractError(
            Problem(
                "microdata",
                f"not fit for a public repo, since {WHY_PRIVATE}",
                where=staged.source,
                found=", ".join(rows),
            )
        )
    problems = verify_release(staged.root).problems
    if problems:
        raise ContractError(problems, subject="the public aggregates")


def release_files(release: Release) -> dict[str, Path]:
    """Path in the repo -> file here, of all that belongs to a release and nothing else."""
    names = [file.path for entry in release.manifest.tables.values() for file in entry.files]
    names += [CARD_NAME, MANIFEST_NAME]
    if (release.root / CROISSANT_NAME).is_file():
        names.append(CROISSANT_NAME)
    return {name: release.root / name for name in names}


def _upload(
    plan: Published, staged: Release, hub: HubRepo, state: RepoState | None, progress: Progress
) -> Published:
    """Make the repo if needed, commit what is missing, set the tag if it is missing."""
    tagged = _tagged_commit(hub, plan.tag, staged.manifest) if state is not None else ""
    if tagged:
        return replace(plan, commit=tagged, deleted=())
    if state is None:
        with progress(f"creating {hub.name}"):
            state = hub.create(private=plan.private)
    commit, uploaded = state.head, False
    if _manifest_at(hub, state.head) != manifest_text(staged.manifest) or plan.deleted:
        with progress(f"uploading to {hub.name}"):
            commit = _commit(plan, staged, hub, state)
        uploaded = True
    with progress(f"setting the tag {plan.tag}"):
        hub.add_tag(plan.tag, revision=commit, message=f"Release {plan.tag}")
    return replace(plan, commit=commit, uploaded=uploaded, tagged=True)


def _commit(plan: Published, staged: Release, hub: HubRepo, state: RepoState) -> str:
    seen = hub.state()
    if seen is None or seen.private != plan.private:
        raise ContractError(
            Problem(
                "visibility",
                "the repo's visibility changed in the meantime; nothing was uploaded",
                where=hub.name,
            )
        )
    return hub.commit(
        release_files(staged),
        message=f"Release {staged.manifest.release_version} of {staged.manifest.name}",
        parent=state.head,
        delete=plan.deleted,
    )


def _manifest_at(hub: HubRepo, revision: str) -> str | None:
    return hub.text(MANIFEST_NAME, revision=revision) if revision else None


def _tagged_commit(hub: HubRepo, tag: str, manifest: Manifest) -> str:
    """Commit of the tag where it stands for this very release; "" where there is no such tag.

    Raises:
        ContractError: the tag stands for something else.
    """
    commit = hub.tags().get(tag, "")
    if commit and _manifest_at(hub, commit) != manifest_text(manifest):
        raise ContractError(
            Problem(
                "tag-taken",
                f"the tag {tag} stands for another release",
                where=hub.name,
                hint="A tag is never moved: build with another --release-version, or give --tag.",
            )
        )
    return commit
