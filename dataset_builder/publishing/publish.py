"""Publish a release: checked, one commit, one tag, never individual rows where they can be seen."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

from contracts.errors import ContractError, Problem
from contracts.release.hub import HubRepo, RepoState
from contracts.release.manifest import MANIFEST_NAME, Manifest, manifest_text
from contracts.release.read import REFERENCE, Release, open_release
from dataset_builder.describing.card import CARD_NAME
from dataset_builder.progress import Progress, silent
from dataset_builder.publishing.gating import has_conditions
from dataset_builder.publishing.guard import (
    check_history,
    check_unreachable,
    check_visibility,
    confirm_visibility,
)
from dataset_builder.publishing.history import History
from dataset_builder.publishing.staging import Staged, Withheld, check_rule, staged_release
from dataset_builder.publishing.versions import check_versions
from dataset_builder.verifying.run import verify_release

#: Files of a repo that publishing leaves alone.
_UNTOUCHED = (".gitattributes",)

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*\Z")


@dataclass(frozen=True)
class PublishedFile:
    """A file of a published release.

    Attributes:
        path: path in the repo.
        size: bytes.
    """

    path: str
    size: int


@dataclass(frozen=True)
class Published:
    """What publishing did, or would do.

    Attributes:
        repo: `ORG/NAME`.
        tag: the tag.
        private: whether the repo is private.
        gated: whether readers are asked to accept conditions.
        commit: sha that the tag stands at; "" for a dry run.
        files: files that belong to the release.
        deleted: files of an earlier release that were taken out; empty for a dry run.
        withheld: what of the release is not published, since the repo is public.
        disclosure: what the disclosure rule does, in words; "" for a private repo.
        uploaded: whether there was a commit; False where the repo had the release already.
        tagged: whether the tag was set now.
    """

    repo: str
    tag: str
    private: bool
    gated: bool
    commit: str
    files: tuple[PublishedFile, ...]
    deleted: tuple[str, ...] = ()
    withheld: tuple[Withheld, ...] = ()
    disclosure: str = ""
    uploaded: bool = False
    tagged: bool = False


def publish_release(
    source: str | Path,
    repo: str,
    *,
    public: bool = False,
    gating: bool = True,
    tag: str = "",
    allow_differences: bool = False,
    token: str | None = None,
    endpoint: str | None = None,
    dry_run: bool = False,
    progress: Progress = silent,
) -> Published:
    """Publish a release as one commit and one tag.

    Run again after an interruption, it sends what is missing and sets the tag if that is all that
    is missing.

    Args:
        source: folder of the release, or `reference`.
        repo: `ORG/NAME` of a dataset repo; made if there is none.
        public: publish into a public repo: aggregates under disclosure control, nothing else.
        gating: ask readers of a public repo to accept conditions.
        tag: tag of the commit; `v` and the release's version by default.
        allow_differences: publish beside a public release of the same survey that was made from
            other files or with another split.
        token: token to use; else the saved one.
        endpoint: address of the Hub; else the usual one.
        dry_run: check the release and say what would be published; the Hub is not asked.
        progress: reports each step.

    Raises:
        RowsPublicError: individual rows can be read by everyone now: the repo is public although
            it holds some, or turned public during the upload.
        ContractError: the release is broken, the repo's visibility is not the one asked for, its
            history holds what must not be public, or a public release whose difference to this
            one tells of single respondents, the tag stands for something else, or the Hub
            refuses. Nothing is half-published.
    """
    release = _open(source)
    tag = tag or f"v{release.manifest.release_version}"
    _check_arguments(repo, tag)
    if public:
        check_rule(release.manifest, release.source)
    plan = Published(repo, tag, private=not public, gated=public and gating, commit="", files=())
    if dry_run:
        _check_release(source, progress)
        with staged_release(release, public=public, gating=gating, progress=progress) as staged:
            return _planned(plan, staged, None)
    hub = HubRepo(repo, token=token, endpoint=endpoint)
    state, history = _look(hub, release, public=public, progress=progress)
    if public and state is not None and not allow_differences:
        check_versions(hub, state, release.manifest)
    _check_release(source, progress)
    with staged_release(release, public=public, gating=gating, progress=progress) as staged:
        if history is not None:
            check_unreachable(history, staged.digests, repo)
        return _upload(_planned(plan, staged, state), staged, hub, state, progress)


def _open(source: str | Path) -> Release:
    if str(source) != REFERENCE and not Path(source).is_dir():
        raise ContractError(
            Problem(
                "no-release",
                f"there is no folder {source}",
                allowed="folder of a release on this machine",
                hint="Make one with: opinion-atlas build FILE --out FOLDER",
            )
        )
    return open_release(source)


def _check_arguments(repo: str, tag: str) -> None:
    problems = []
    if repo.count("/") != 1 or not all(_NAME.match(part) for part in repo.split("/")):
        problems.append(
            Problem("repo-name", f"{repo!r} is not the name of a repo", allowed="ORG/NAME")
        )
    if not _NAME.match(tag):
        problems.append(Problem("tag", f"{tag!r} is not a tag", allowed="for instance v1.0.0"))
    if problems:
        raise ContractError(problems, subject="publish")


def _check_release(source: str | Path, progress: Progress) -> None:
    verification = verify_release(source, progress=progress)
    if not verification.passed:
        raise ContractError(verification.problems, subject=f"{source} is not published")


def _look(
    hub: HubRepo, release: Release, *, public: bool, progress: Progress
) -> tuple[RepoState | None, History | None]:
    """Ask the Hub all that can refuse, before any row is read.

    Returns:
        What the repo is, None where there is none; what a public one ever held.
    """
    with progress(f"looking at {hub.name}"):
        state = hub.state()
        hub.check_write_access(state)
    check_visibility(release, hub.name, state, public=public)
    if not public or state is None:
        return state, None
    return state, check_history(hub, state, progress)


def _planned(plan: Published, staged: Staged, state: RepoState | None) -> Published:
    there = state.files if state is not None else ()
    return replace(
        plan,
        files=tuple(
            PublishedFile(path, file.stat().st_size) for path, file in sorted(staged.files.items())
        ),
        deleted=tuple(f for f in there if f not in staged.files and f not in _UNTOUCHED),
        withheld=staged.withheld,
        disclosure="" if plan.private else staged.manifest.disclosure.note,
    )


def _upload(
    plan: Published, staged: Staged, hub: HubRepo, state: RepoState | None, progress: Progress
) -> Published:
    """Make the repo if needed, commit what is missing, set the tag if it is missing."""
    tagged = _tagged_commit(hub, plan.tag, staged.manifest) if state is not None else ""
    if state is None:
        with progress(f"creating {hub.name}"):
            state = hub.create(private=plan.private)
    if plan.gated and not state.gated:
        with progress("turning on access conditions"):
            _gate(hub)
    files, deleted = _missing(plan, staged, hub, state, tagged=bool(tagged))
    head = state.head
    if files or deleted:
        with progress(f"uploading to {hub.name}"):
            head = _commit(plan, staged, hub, state, files, deleted)
        confirm_visibility(hub, staged.manifest, private=plan.private)
    if not tagged:
        with progress(f"setting the tag {plan.tag}"):
            hub.add_tag(plan.tag, revision=head, message=f"Release {plan.tag}")
    seen = confirm_visibility(hub, staged.manifest, private=plan.private)
    return replace(
        plan,
        private=seen.private,
        gated=seen.gated,
        commit=tagged or head,
        deleted=deleted,
        uploaded=bool(files or deleted),
        tagged=not tagged,
    )


def _gate(hub: HubRepo) -> None:
    try:
        hub.gate()
    except ContractError as error:
        problem = error.problems[0]
        if problem.code != "no-permission":
            raise
        hint = "Use a token that may change the settings of the repo, or pass --no-gating."
        raise ContractError(replace(problem, hint=hint)) from None


def _missing(
    plan: Published, staged: Staged, hub: HubRepo, state: RepoState, *, tagged: bool
) -> tuple[dict[str, Path], tuple[str, ...]]:
    """Files to send and paths to take out, so that the main branch holds the release.

    Of a release that has its tag, at most the card is sent, to add access conditions to it.
    """
    there = bool(state.head) and _text_at(hub, MANIFEST_NAME, state.head) == manifest_text(
        staged.manifest
    )
    if not tagged and (not there or plan.deleted):
        return staged.files, plan.deleted
    if plan.gated and there and not has_conditions(_text_at(hub, CARD_NAME, state.head) or ""):
        return {CARD_NAME: staged.files[CARD_NAME]}, ()
    return {}, ()


def _commit(
    plan: Published,
    staged: Staged,
    hub: HubRepo,
    state: RepoState,
    files: dict[str, Path],
    deleted: tuple[str, ...],
) -> str:
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
        files,
        message=f"Release {staged.manifest.release_version} of {staged.manifest.name}",
        parent=state.head,
        delete=deleted,
    )


def _text_at(hub: HubRepo, path: str, revision: str) -> str | None:
    return hub.text(path, revision=revision) if revision else None


def _tagged_commit(hub: HubRepo, tag: str, manifest: Manifest) -> str:
    """Commit of the tag where it stands for this very release; "" where there is no such tag.

    Raises:
        ContractError: the tag stands for something else.
    """
    commit = hub.tags().get(tag, "")
    if commit and _text_at(hub, MANIFEST_NAME, commit) != manifest_text(manifest):
        raise ContractError(
            Problem(
                "tag-taken",
                f"the tag {tag} stands for another release",
                where=hub.name,
                hint="A tag is never moved: build with another --release-version, or give --tag.",
            )
        )
    return commit
