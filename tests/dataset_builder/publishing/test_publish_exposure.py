"""What may stand in a public repo, judged from paths and manifests alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.release.disclosure import RULE_VERSION
from contracts.release.hub_history import HubFile
from contracts.release.tables import AGGREGATE_TABLES, INDIVIDUAL_TABLES
from dataset_builder.publishing.exposure import (
    INDIVIDUAL_NAMES,
    individual_name,
    is_protected,
    judge_commit,
    read_manifest,
)

PROTECTED = {
    "public": True,
    "release_version": "1.0.0",
    "disclosure": {"applied": True, "rule_version": RULE_VERSION},
    "tables": {"distributions": {"files": [{"path": "distributions/a.parquet", "sha256": "aa"}]}},
}


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("responses/train-00000-of-00016.parquet", "responses"),
        ("data/respondents.csv", "respondents"),
        ("Probe_v2/x.json", "probe"),
        ("a/b/c/lean/x", "lean"),
        ("sft-train.jsonl", "sft"),
        ("preference/README.md", "preference"),
        ("grpo.parquet", "grpo"),
        ("raw/F00010738-WVS_Wave_7.SAV", "a survey file"),
        ("docs/probe.md", ""),
        ("respondents.png", ""),
        ("distributions/data-00000-of-00001.parquet", ""),
        ("tasks/responses_to_x/a", "responses"),
        ("leaning/a.parquet", ""),
        ("", ""),
    ],
)
def test_paths_of_individual_tables(path: str, name: str) -> None:
    assert individual_name(path) == name


def test_all_tables_are_known() -> None:
    for name in INDIVIDUAL_TABLES:
        assert name in INDIVIDUAL_NAMES
        assert individual_name(f"{name}/train-00000-of-00001.parquet") == name
    for name in AGGREGATE_TABLES:
        assert individual_name(f"{name}/data-00000-of-00001.parquet") == ""


@pytest.mark.parametrize(
    "change",
    [
        {"public": False},
        {"public": "true"},
        {"public": 1},
        {"disclosure": {"applied": True}},
        {"disclosure": {"rule_version": ""}},
        {"disclosure": {"rule_version": int(RULE_VERSION)}},
        {"disclosure": RULE_VERSION},
        {"disclosure": None},
    ],
)
def test_manifests_without_protection(change: dict[str, object]) -> None:
    assert is_protected(PROTECTED)
    assert not is_protected(PROTECTED | change)


def kinds(files: list[HubFile], manifest: object) -> set[str]:
    """Kinds of the findings."""
    return {found.kind for found in judge_commit(files, manifest)}  # type: ignore[arg-type]


def test_a_release_is_judged_by_the_manifest_beside_it() -> None:
    manifest = HubFile("manifest.json", "b")
    shares = HubFile("distributions/a.parquet", "b", "aa")
    card = HubFile("README.md", "b")
    assert kinds([manifest, shares, card], PROTECTED) == set()
    assert kinds([manifest, shares], PROTECTED | {"public": False}) == {"private-release"}
    assert kinds([manifest, shares], PROTECTED | {"disclosure": {}}) == {"withdrawn"}
    assert kinds([manifest, shares], None) == {"unknown"}
    assert kinds([shares], None) == {"unknown"}
    assert kinds([card], None) == set()
    assert kinds([HubFile("distributions/a.parquet", "b", "bb")], PROTECTED) == {"unknown"}
    # Not in the storage of large files: the content has no sha256 to compare.
    assert kinds([HubFile("distributions/a.parquet", "b")], PROTECTED) == {"unknown"}
    assert kinds([HubFile("responses/a.parquet", "b", "aa")], PROTECTED) == {"rows"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)


@given(
    st.dictionaries(
        st.sampled_from(["public", "disclosure", "tables", "release_version"]), JSON, max_size=4
    )
)
def test_no_manifest_breaks_the_judgement(manifest: dict[str, object]) -> None:
    """Whatever a manifest holds: a data file that it does not list is never fit to be public."""
    files = [HubFile("manifest.json", "b"), HubFile("x/a.parquet", "b", "aa")]
    assert "unknown" in kinds(files, manifest)
    assert not is_protected(manifest)


@pytest.mark.parametrize("text", ["", "{", "[]", "1", "null", '"x"'])
def test_texts_that_are_no_manifest(text: str) -> None:
    assert read_manifest(text) is None


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("Respondents", "rows"),
        ("responses_v2", "rows"),
        ("persons", "unknown"),
        ("microdata", "unknown"),
    ],
)
def test_tables_of_a_manifest_that_no_public_release_has(table: str, kind: str) -> None:
    """A manifest that calls itself protected vouches only for tables that can be public."""
    entry = {"files": [{"path": "figures/data.parquet", "sha256": "bb"}]}
    manifest = PROTECTED | {"tables": {table: entry}}
    files = [HubFile("manifest.json", "0", ""), HubFile("figures/data.parquet", "1", "bb")]
    assert kind in {found.kind for found in judge_commit(files, manifest)}
