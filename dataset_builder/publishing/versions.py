"""Two public releases of one survey side by side: their difference tells of single respondents.

The disclosure rule protects one release. Where a respondent was added, corrected or taken out
between two, the counts that moved are theirs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from contracts.errors import ContractError, Problem
from contracts.release.hub import HubRepo, RepoState
from contracts.release.manifest import MANIFEST_NAME, Manifest, parse_manifest
from dataset_builder.publishing.hints import new_repo_hint


def check_versions(hub: HubRepo, state: RepoState, manifest: Manifest) -> None:
    """Refuse to publish beside a release of the same survey with other rows or another split.

    Looked at are the main branch and all tags of a public repo.

    Raises:
        ContractError: there is such a release.
    """
    reasons = {
        place: why for place, old in _manifests(hub, state) if (why := differing(old, manifest))
    }
    if not reasons:
        return
    places = list(reasons)
    raise ContractError(
        Problem(
            "differing-versions",
            "the repo holds a public release of the same survey that was made from other files or "
            "with another split; whoever compares the two can tell most answers of a respondent "
            "who was added, changed or taken out in between",
            where=f"{hub.name}, {places[0]}"
            + (f" and {len(places) - 1} more" if places[1:] else ""),
            found=reasons[places[0]],
            allowed="one public release of a survey",
            hint="Delete the earlier release with its repo, and publish into a new one: "
            f"{new_repo_hint(hub.name)} If hundreds of respondents of every country differ, pass "
            "--allow-differences.",
        ),
        subject=f"nothing was published into {hub.name}",
    )


def differing(old: Manifest, new: Manifest) -> str:
    """In what two releases of the same survey differ; "" where they tell nothing together."""
    before, after = _sources(old), _sources(new)
    surveys = sorted(name for name in before.keys() & after.keys() if before[name] != after[name])
    if surveys:
        return f"files of {', '.join(surveys)}"
    if not before.keys() & after.keys():
        return ""
    recipes = [one.split.model_dump(exclude={"people"}) for one in (old, new)]
    return "" if recipes[0] == recipes[1] else "split"


def _sources(manifest: Manifest) -> Mapping[str, frozenset[str]]:
    """Digests of a release's files by survey."""
    names = {source.survey for source in manifest.sources}
    return {
        name: frozenset(one.sha256 for one in manifest.sources if one.survey == name)
        for name in names
    }


def _manifests(hub: HubRepo, state: RepoState) -> Iterator[tuple[str, Manifest]]:
    """Where manifests stand, the main branch first; those of releases that are no more read were
    judged with the repo's history."""
    places = {"main": state.head, **{f"tag {name}": sha for name, sha in hub.tags().items()}}
    seen: set[str] = set()
    for place, commit in places.items():
        text = hub.text(MANIFEST_NAME, revision=commit) if commit and commit not in seen else None
        seen.add(commit)
        if text is None:
            continue
        try:
            yield place, parse_manifest(text, where=place)
        except ContractError:
            continue
