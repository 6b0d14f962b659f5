"""The gate between a release and a repo: what may not be seen never gets where it can be seen."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from contracts.errors import ContractError, Problem
from contracts.release.hub import HubRepo, RepoState
from contracts.release.manifest import MANIFEST_NAME, Manifest
from contracts.release.read import Release
from contracts.release.tables import INDIVIDUAL_TABLES
from dataset_builder.progress import Progress
from dataset_builder.publishing.exposure import (
    INDIVIDUAL_NAMES,
    KINDS,
    Kind,
    individual_name,
    is_protected,
)
from dataset_builder.publishing.hints import WHY_PRIVATE, at_once, delete_command, new_repo_hint
from dataset_builder.publishing.history import ExposedFile, History, read_history

#: Places and files that one problem names.
_SHOWN = 3


class RowsPublicError(ContractError):
    """Individual rows can be read by everyone now; the command line exits with 1."""


def check_visibility(release: Release, repo: str, state: RepoState | None, *, public: bool) -> None:
    """Refuse where the visibility of the repo is not the one that was asked for.

    Raises:
        RowsPublicError: a public repo holds individual rows.
        ContractError: the repo is private and `public` was asked for, or the other way round.
    """
    if state is None or state.private != public:
        return
    if public:
        raise ContractError(
            Problem(
                "visibility",
                "the repo is private, and --public was asked for; whoever opens a repo opens its "
                "whole history, so a private repo never becomes a public one",
                where=repo,
                hint=new_repo_hint(repo),
            )
        )
    exposed = sorted({name for name in map(individual_name, state.files) if name})
    if exposed:
        raise RowsPublicError(
            Problem(
                "rows-public",
                "the repo is public, and individual rows stand in it: everyone can read them now",
                where=repo,
                found=", ".join(exposed),
                hint=at_once(repo, "publish into a new repo under another name"),
            )
        )
    rows = [name for name in INDIVIDUAL_TABLES if release.has(name)]
    reason = f": {', '.join(rows)} would be seen by everyone, yet {WHY_PRIVATE}" if rows else ""
    raise ContractError(
        Problem(
            "microdata" if rows else "visibility",
            f"the repo is public, and --private was asked for{reason}",
            where=repo,
            hint="Give the name of a private repo, or of a new one, or pass --public to publish "
            "the aggregates alone.",
        )
    )


def check_history(hub: HubRepo, state: RepoState, progress: Progress) -> History:
    """Refuse to publish into a public repo whose history holds what must not be public.

    Raises:
        RowsPublicError: a commit of it holds individual rows.
        ContractError: it holds a release that is not public or that is withdrawn, something that
            cannot be judged, or it cannot be read.
    """
    history = read_history(hub, state, progress)
    problems = [
        _history_problem(kind, findings, hub.name)
        for kind in KINDS
        if (findings := [one for one in history.exposed if one.finding.kind == kind])
    ]
    subject = f"nothing was published into {hub.name}"
    if problems and problems[0].code == "history-rows":
        # The repo has to go: what else is wrong with it does not matter.
        raise RowsPublicError(problems[0], subject=subject)
    if problems:
        raise ContractError(problems, subject=subject)
    return history


def check_unreachable(history: History, digests: Sequence[str], repo: str) -> None:
    """Refuse where the storage holds large files of a history that is gone.

    What an interrupted upload of this very release left there is fine.

    Raises:
        ContractError: there are such files.
    """
    gone = [one.path or "?" for one in history.unreachable if not one.digests & set(digests)]
    if gone:
        raise ContractError(
            Problem(
                "history-unknown",
                "large files are stored that no commit reaches: the history was rewritten, and "
                "what it held cannot be judged",
                where=repo,
                found=_few(gone),
                hint=new_repo_hint(repo),
            )
        )


#: Kind of finding -> what is wrong with the repo.
_WRONG: Mapping[Kind, str] = {
    "rows": "individual rows stand in the repo's history, and the repo is public: everyone can "
    "read them now",
    "private-release": "the history of this public repo holds a release that is not public",
    "withdrawn": "the repo holds a release that was made before the present disclosure rule and "
    "is withdrawn: its exact counts let single answers be worked out",
    "unknown": "what the repo ever held cannot be judged",
}


def _history_problem(kind: Kind, findings: Sequence[ExposedFile], repo: str) -> Problem:
    places = list(dict.fromkeys(one.place for one in findings))
    reasons = list(dict.fromkeys(one.finding.reason for one in findings))
    paths = list(dict.fromkeys(one.finding.path for one in findings if one.finding.path))
    # A manifest that cannot be read is why the files beside it cannot be judged.
    paths.sort(key=lambda path: path != MANIFEST_NAME)
    unknown = kind == "unknown"
    return Problem(
        f"history-{kind}",
        _WRONG[kind] + (f": {_few(reasons, ' / ')}" if unknown else ""),
        where=f"{repo}, {places[0]}" + (f" and {len(places) - 1} more" if places[1:] else ""),
        found=_few(paths if unknown else reasons),
        hint=_history_hint(kind, repo),
    )


def _history_hint(kind: Kind, repo: str) -> str:
    if kind == "rows":
        return at_once(repo, new_repo_hint(repo))
    if kind == "unknown":
        return new_repo_hint(repo)
    return (
        "Deleting files or adding a release leaves it readable: its owner has to delete the repo "
        f"({delete_command(repo)}). {new_repo_hint(repo)}"
    )


def _few(names: Sequence[str], separator: str = ", ") -> str:
    more = len(names) - _SHOWN
    shown = separator.join(names[:_SHOWN])
    return f"{shown} and {more} more" if more > 0 else shown


def exposed_by(manifest: Manifest) -> list[str]:
    """What of a release must not be seen by everyone; empty where it is fit to be public."""
    rows = [name for name in manifest.tables if name in INDIVIDUAL_NAMES]
    if rows or is_protected(manifest.model_dump(mode="json")):
        return rows
    return ["distributions with exact counts"]


def confirm_visibility(hub: HubRepo, manifest: Manifest, *, private: bool) -> RepoState:
    """Look once more, after the commit, whether what must not be seen can be seen.

    Raises:
        RowsPublicError: the repo turned public while the release was being uploaded.
        ContractError: the Hub does not say whether it is private.
    """
    try:
        seen = hub.state()
    except ContractError as error:
        problem = error.problems[0]
        raise ContractError(
            Problem(
                "unconfirmed",
                "the release was committed, but the repo's visibility could not be looked at "
                f"again: {problem.message}",
                where=hub.name,
                hint="Look at its page, and run the same command again.",
            )
        ) from None
    if seen is None:
        raise ContractError(
            Problem(
                "unconfirmed",
                "the release was committed, but the repo cannot be seen any more: it was moved or "
                "deleted in the meantime",
                where=hub.name,
            )
        )
    exposed = exposed_by(manifest) if private else []
    if exposed and not seen.private:
        raise RowsPublicError(
            Problem(
                "rows-public",
                "the repo turned public while the release was being uploaded: everyone can read "
                "individual data now",
                where=hub.name,
                found=", ".join(exposed),
                hint=at_once(hub.name, "publish into a new private repo under another name"),
            )
        )
    return seen
