"""Two public releases of one survey: what their difference tells, and that it is refused."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hub_server import HubServer
from made_surveys import make_survey
from publish_samples import REPO, publish, snapshot

from contracts.errors import ContractError
from contracts.release.manifest import Manifest
from contracts.release.read import open_release
from dataset_builder.build import build_release
from dataset_builder.options import BuildOptions
from dataset_builder.publishing.versions import differing
from dataset_builder.survey import Survey

# The Hub client itself still calls httpx in the old way.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")

#: Whom the second file lacks.
GONE = 7


def without(survey: Survey, person: int) -> Survey:
    """The survey as its file would be without one respondent."""
    rest = np.delete(np.arange(len(survey)), person)
    source = survey.source.model_copy(update={"sha256": "1" * 64, "rows": len(rest)})
    return replace(
        survey,
        source=source,
        respondent_id=survey.respondent_id[rest],
        interview_id=survey.interview_id[rest],
        country=survey.country[rest],
        weight=survey.weight[rest],
        answers=np.asfortranarray(survey.answers[rest]),
        demographics={name: codes[rest] for name, codes in survey.demographics.items()},
        row_number=survey.row_number[rest],
    )


@pytest.fixture(scope="module")
def survey() -> Survey:
    made = make_survey(people=1000, names=("DEU",), seed=3, synthetic=False)
    return replace(made, weight=np.ones(len(made)))


@pytest.fixture(scope="module")
def folders(survey: Survey, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Public releases of the survey, of one respondent less, and with another split."""
    root = tmp_path_factory.mktemp("versions")
    public = BuildOptions(public=True)
    again = replace(public, release_version="1.1.0")
    build_release([survey], root / "first", public)
    build_release([without(survey, GONE)], root / "less", again)
    build_release([survey], root / "split", replace(again, hold_out_countries=("DEU",)))
    build_release([survey], root / "again", again)
    return {name: root / name for name in ("first", "less", "split", "again")}


def test_a_difference_of_one_respondent_is_an_interview(folders, survey) -> None:
    """Why it is refused: counts that moved are those of the respondent who went."""
    keys = ["split", "group", "question_id", "code"]
    before, after = (
        open_release(folders[name]).table("distributions").to_pandas().dropna(subset=["code"])
        for name in ("first", "less")
    )
    both = before.merge(after, on=keys, suffixes=("", "_after"))
    moved = both[(both.n != both.n_after) & (both.split == "all")]
    codes = moved.groupby("question_id", observed=True).code.agg(set)
    told = {str(name): next(iter(found)) for name, found in codes.items() if len(found) == 1}
    right = [survey.answers[GONE, survey.questions.index(name)] == told[name] for name in told]
    assert all(right)
    assert len(right) > len(survey.questions) / 3


@pytest.mark.parametrize(("second", "why"), [("less", "files of WVS wave 7"), ("split", "split")])
def test_a_differing_release_is_refused(hub: HubServer, folders, second: str, why: str) -> None:
    publish(hub, folders["first"], public=True)
    before = snapshot(hub.state)
    with pytest.raises(ContractError, match="differing-versions") as error:
        publish(hub, folders[second], public=True)
    assert error.value.problems[0].found == why
    assert "--allow-differences" in error.value.problems[0].hint
    assert snapshot(hub.state) == before
    # Nor is it enough that the main branch holds no release any more: the tag does.
    repo = hub.state.repos[REPO]
    repo.commits.append(replace(repo.commits[0], sha="e" * 40))
    with pytest.raises(ContractError, match=r"differing-versions.*tag v1\.0\.0"):
        publish(hub, folders[second], public=True)


def test_it_may_be_allowed(hub: HubServer, folders) -> None:
    publish(hub, folders["first"], public=True)
    done = publish(hub, folders["less"], public=True, allow_differences=True)
    assert done.uploaded
    assert set(hub.state.repos[REPO].tags) == {"v1.0.0", "v1.1.0"}


def test_the_same_files_again_are_no_difference(hub: HubServer, folders) -> None:
    publish(hub, folders["first"], public=True)
    assert publish(hub, folders["again"], public=True).uploaded


def test_private_releases_may_differ(hub: HubServer, folders, survey, tmp_path: Path) -> None:
    """Who reads a private repo has the rows anyway."""
    build_release([survey], tmp_path / "one", BuildOptions())
    build_release([without(survey, GONE)], tmp_path / "two", BuildOptions(release_version="1.1.0"))
    publish(hub, tmp_path / "one")
    assert publish(hub, tmp_path / "two").uploaded


def test_another_wave_beside_is_no_difference(folders) -> None:
    def with_waves(manifest: Manifest, *waves: int) -> Manifest:
        sources = [
            manifest.sources[0].model_copy(update={"survey": f"WVS wave {wave}"}) for wave in waves
        ]
        return manifest.model_copy(update={"sources": sources})

    first = open_release(folders["first"]).manifest
    assert differing(with_waves(first, 7), with_waves(first, 6, 7)) == ""
    assert differing(with_waves(first, 6), with_waves(first, 7)) == ""
    less = open_release(folders["less"]).manifest
    assert differing(with_waves(first, 6, 7), with_waves(less, 5, 7)) == "files of WVS wave 7"
