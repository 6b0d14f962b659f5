"""A release of a file with clusters: columns, figures, manifest, and what `verify` finds."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from made_surveys import make_survey

from contracts.release.read import open_release
from contracts.release.tables import RESPONDENTS
from dataset_builder.build import build_release
from dataset_builder.design_effects.variance import taylor_variance
from dataset_builder.options import BuildOptions
from dataset_builder.survey import Survey
from dataset_builder.verifying.run import verify_release


@pytest.fixture(scope="module")
def clustered() -> Survey:
    """Clusters in two countries; one cluster each for hundreds in the third."""
    survey = make_survey(people=900, clusters=30)
    assert survey.psu is not None
    survey.psu[survey.country == 2] = 77
    return survey


@pytest.fixture(scope="module")
def folder(clustered: Survey, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("clustered") / "release"
    build_release([clustered], out, BuildOptions(cells=True))
    return out


def test_respondents_carry_numbers_that_are_not_the_codes(clustered: Survey, folder: Path) -> None:
    table = open_release(folder).table("respondents")
    assert table.schema.field("cluster").type == RESPONDENTS.field("cluster").type == pa.int32()
    rows = table.to_pandas()
    for number, country in enumerate(clustered.countries):
        own = rows[rows["country"] == country]
        if number == 2:
            assert own["cluster"].isna().all()
            assert own["stratum"].isna().all()
            continue
        assert sorted(own["cluster"].unique()) == list(range(30))
        assert sorted(own["stratum"].unique()) == list(range(4))
        row = {one: place for place, one in enumerate(clustered.respondent_id.tolist())}
        codes = clustered.psu[[row[one] for one in own["respondent_id"]]]
        pairs = set(zip(own["cluster"], codes, strict=True))
        assert len(pairs) == 30


def test_cells_of_countries_with_clusters_are_of_the_design(
    clustered: Survey, folder: Path
) -> None:
    """One cell counted here from the survey itself; and clustering costs precision."""
    table = open_release(folder).table("distributions")
    kinds = table.filter(pc.equal(table["split"], "all")).to_pandas()
    everyone = kinds[(kinds["group"] == "") & (kinds["position"] == 0)]
    by_country = everyone.groupby("country")
    assert set(by_country.get_group("DEU")["n_eff_kind"]) == {"design"}
    assert set(by_country.get_group("JPN")["n_eff_kind"]) == {"kish"}
    clusters = by_country["n_eff"].median()
    assert clusters["DEU"] < clusters["JPN"]

    here = clustered.country == 0
    _, cluster = np.unique(clustered.psu[here], return_inverse=True)
    _, first = np.unique(cluster, return_index=True)
    stratum = np.unique(clustered.region[here][first], return_inverse=True)[1]
    answers = clustered.answers[here, clustered.questions.index("Q1")]
    totals = np.zeros((30, 1, 1, 4))
    valid = (answers >= 1) & (answers <= 4)
    np.add.at(totals, (cluster[valid], 0, 0, answers[valid] - 1), clustered.weight[here][valid])
    variance = taylor_variance(totals, stratum)
    rows = kinds[(kinds["country"] == "DEU") & (kinds["question_id"] == "Q1")]
    rows = rows[rows["group"] == ""].sort_values("position")
    found = dict(zip(rows["code"], rows["se"], strict=True))
    assert [found[code] for code in (1, 2, 3, 4)] == pytest.approx(
        np.sqrt(variance.shares[0, 0]).tolist(), rel=1e-5
    )
    shares = rows["weighted_share"].to_numpy().astype(float)
    positions = np.arange(4)
    spread = shares @ positions**2 - (shares @ positions) ** 2
    assert rows["n_eff"].iloc[0] == pytest.approx(spread / variance.mean[0, 0], rel=1e-4)


def test_the_manifest_says_where_design_effects_come_from(folder: Path) -> None:
    manifest = open_release(folder).manifest
    assert "2 of 3 countries, 2 with regions as strata" in manifest.design_effects
    assert any(
        "JPN follow Kish, clustering ignored: fewer than 10 clusters" in note
        for note in manifest.notes
    )


def test_a_public_release_has_neither_clusters_nor_strata(folder: Path, tmp_path: Path) -> None:
    from dataset_builder.publishing.public import make_public

    make_public(open_release(folder), tmp_path / "public")
    release = open_release(tmp_path / "public")
    for name in release.manifest.tables:
        assert not {"cluster", "stratum"} & set(release.table(name).column_names)
    assert "design" in pc.unique(release.table("distributions")["n_eff_kind"]).to_pylist()
    assert release.manifest.design_effects == open_release(folder).manifest.design_effects
    assert verify_release(tmp_path / "public").passed


def test_verify_counts_the_design_again(folder: Path) -> None:
    found = verify_release(folder)
    assert found.passed, found


@pytest.mark.parametrize("fault", ["cluster", "stratum", "partly"])
def test_verify_finds_other_clusters(folder: Path, tmp_path: Path, fault: str) -> None:
    copy = tmp_path / "r"
    shutil.copytree(folder, copy)
    path = copy / "respondents" / "data-00000-of-00001.parquet"
    table = pq.read_table(path)
    name = "stratum" if fault == "stratum" else "cluster"
    numbers = table.column(name).to_pylist()
    given = [place for place, number in enumerate(numbers) if number is not None]
    for place in given[:1] if fault == "partly" else given[:150:2]:
        numbers[place] = None if fault == "partly" else (numbers[place] + 1) % 3
    column = pa.array(numbers, pa.int32())
    table = table.set_column(table.column_names.index(name), name, column)

    codes = _recount_codes(copy, table)
    assert (
        codes
        >= {
            "cluster": {"recount-n_eff", "recount-se"},
            "stratum": {"stratum"},
            "partly": {"cluster", "recount-n_eff_kind"},
        }[fault]
    )


@pytest.mark.parametrize(
    ("column", "change"),
    [("n_eff", lambda found: found * 0.97), ("se", lambda found: found * 1.05)],
)
def test_verify_finds_another_precision_of_a_single_cell(
    folder: Path, tmp_path: Path, column: str, change: Callable[[float], float]
) -> None:
    copy = tmp_path / "r"
    shutil.copytree(folder, copy)
    path = next((copy / "distributions").glob("*.parquet"))
    table = pq.read_table(path)
    keys = ("country", "group", "question_id")
    first = next(row for row in table.to_pylist() if row["n_eff_kind"] == "design")
    numbers = [
        change(row[column]) if all(row[key] == first[key] for key in keys) else row[column]
        for row in table.select([*keys, column]).to_pylist()
    ]
    kind = table.schema.field(column).type
    place = table.column_names.index(column)
    table = table.set_column(place, table.schema.field(place), pa.array(numbers, kind))
    pq.write_table(table, path)
    respondents = pq.read_table(copy / "respondents" / "data-00000-of-00001.parquet")
    assert f"recount-{column}" in _recount_codes(copy, respondents)


def _recount_codes(folder: Path, respondents: pa.Table) -> set[str]:
    """Problems that a recount finds, the respondents being those of the table."""
    from dataset_builder.verifying.people import Respondents, check_respondents
    from dataset_builder.verifying.recount import Recount
    from dataset_builder.verifying.scattered import scattered

    release, people = open_release(folder), Respondents(respondents)
    with scattered(release) as distributions:
        recount = Recount(release, people, distributions)
        for batch in release.dataset("responses").to_batches():
            recount.visit(batch)
        checks = [check_respondents(release, people), recount.result()]
    return {problem.code for check in checks for problem in check.problems}
