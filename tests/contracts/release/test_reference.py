"""The embedded reference: real aggregates under disclosure control."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.compute as pc
import pytest

from codebook import codebook_digest, countries, question_set, value_questions
from contracts.digests import sha256_file
from contracts.errors import ContractError
from contracts.release.read import REFERENCE, open_release
from contracts.release.tables import (
    AGGREGATE_TABLES,
    MISSING_COUNT_COLUMNS,
    REQUIRED_TABLES,
    schema_problems,
)
from contracts.release.write import table_row_digest
from dataset_builder.verifying.run import verify_release


@pytest.fixture(scope="module")
def release():
    return open_release(REFERENCE)


@pytest.fixture(scope="module")
def rows(release):
    return release.table("distributions").to_pandas()


def test_holds_aggregates_only(release) -> None:
    assert set(REQUIRED_TABLES) <= set(release.manifest.tables) <= set(AGGREGATE_TABLES)
    assert release.manifest.public
    assert release.is_protected
    assert not release.has_individuals
    with pytest.raises(ContractError, match="no table 'responses'"):
        release.table("responses")


def test_files_and_rows_are_those_of_the_manifest(release) -> None:
    for name, entry in release.manifest.tables.items():
        for file in entry.files:
            assert sha256_file(release.root / file.path) == file.sha256
        table = release.table(name)
        assert table.num_rows == entry.rows
        assert schema_problems(name, table.schema) == []
        assert table_row_digest([("data", [table])]) == entry.row_digest


def test_was_made_with_this_codebook(release) -> None:
    assert release.manifest.codebook_digest == codebook_digest()


def test_countries_and_waves(release, rows) -> None:
    wave7 = set(rows[rows.wave == 7].country)
    assert len(wave7) == 57
    assert not wave7 & {"CAN", "CHN", "GBR", "HKG", "IDN", "NLD", "TUR", "IND", "UZB"}
    for wave in (5, 6):
        assert rows[rows.wave == wave].country.nunique() == 10
    assert set(rows.country) <= set(countries())
    assert release.manifest.waves == [5, 6, 7]


def test_verify_finds_nothing(release) -> None:
    outcome = verify_release(REFERENCE)
    assert outcome.passed, outcome.problems
    assert "disclosure control" in {check.name for check in outcome.checks}


def test_figures_of_one_cell(rows) -> None:
    """Chile's Q1: shares of the country's published table, within what rounding moves them."""
    cell = rows[(rows.wave == 7) & (rows.country == "CHL") & (rows.question_id == "Q1")]
    cell = cell[cell.group == ""].sort_values("position")
    assert (cell.n % 5 == 0).all()
    assert cell.n_valid.tolist() == [1000] * 4
    assert cell.unweighted_share.to_numpy(float) == pytest.approx([0.93, 0.06, 0.01, 0], abs=0.01)
    assert cell.n_eff_kind.unique().tolist() == ["assumed"]  # Chile's file names no clusters


def test_kinds_of_effective_sizes(rows) -> None:
    """Thailand's clusters are known, Australia's sample is unclustered, groups are estimated."""
    everyone = rows[(rows.wave == 7) & (rows.group == "") & (rows.question_id == "Q46")]
    kinds = everyone.groupby("country").n_eff_kind.first()
    assert (kinds["THA"], kinds["AUS"], kinds["CHL"]) == ("design", "kish", "assumed")
    assert set(rows[rows.group != ""].n_eff_kind) == {"assumed"}
    assert set(rows[rows.wave < 7].n_eff_kind) == {"assumed"}


def test_cells_are_whole(rows) -> None:
    questions = value_questions()
    coded = rows[rows.code.notna()]
    keys = ["split", "wave", "country", "group", "question_id"]
    cells = coded.groupby(keys, sort=False)
    sizes = cells.size().reset_index(name="size")
    expected = sizes.question_id.map(lambda q: questions[q].scale.size)
    assert (sizes["size"] == expected).all()
    apart = (cells.n.sum() - cells.n_valid.first()).abs()
    assert (apart <= 2 * cells.size() + 2).all()
    codes = coded[["question_id", "code", "position"]].drop_duplicates()
    assert len(codes) == sum(questions[q].scale.size for q in set(coded.question_id))
    for row in codes.itertuples():
        assert questions[row.question_id].scale.codes[int(row.position)] == row.code
    without = rows[rows.code.isna()]
    assert not without.duplicated(keys).any()
    assert set(without.flag) == {"not-asked"}
    assert set(without.group) == {""}


def test_shares_sum_to_one_but_for_their_decimals(rows) -> None:
    totals = rows[rows.code.notna()].groupby(
        ["split", "wave", "country", "group", "question_id"], sort=False
    )
    for name in ("weighted_share", "unweighted_share"):
        apart = (totals[name].sum() - 1).abs()
        assert (apart <= 0.0005 * totals.size() + 1e-6).all()


def test_effective_n_follows_from_n_and_gives_errors(rows) -> None:
    """Unequal weights alone never raise n_eff; strata may, and so may chance in few clusters."""
    kish = rows.n_eff_kind == "kish"
    assert (rows.n_eff[kish] <= rows.n_valid[kish] + 1e-6).all()
    assert (rows.n_eff <= 3 * rows.n_valid).all()
    assert (rows.n_eff <= rows.n_valid).mean() > 0.95
    p = rows.weighted_share.to_numpy(float)
    usable = rows.n_eff.to_numpy() > 0
    se = np.sqrt(p * (1 - p) / np.where(usable, rows.n_eff, np.nan))
    assert rows.se.to_numpy()[usable] == pytest.approx(se[usable], abs=1e-5, nan_ok=True)


def test_missing_answers_are_one_number_for_everyone(rows) -> None:
    assert rows[list(MISSING_COUNT_COLUMNS)].isna().all(axis=None)
    assert rows[rows.group != ""].missing_total.isna().all()
    everyone = rows[(rows.group == "") & rows.code.notna()]
    assert (everyone.missing_total % 5 == 0).all()


def test_not_asked_is_no_zero(rows) -> None:
    """Egypt did not ask some 37 questions: nobody answered, and no share is zero."""
    egypt = rows[(rows.wave == 7) & (rows.country == "EGY") & (rows.flag == "not-asked")]
    assert egypt.question_id.nunique() >= 30
    assert (egypt.n_valid == 0).all()
    assert egypt[["code", "weighted_share", "missing_total"]].isna().all(axis=None)


def test_groups_add_up_to_everyone_but_for_rounding(rows) -> None:
    """Where sex is known for all, women and men sum to the country's count."""
    cell = rows[(rows.wave == 7) & (rows.country == "BRA") & (rows.question_id == "Q46")]
    by_sex = cell[cell.group.str.startswith("sex=")].groupby("code").n.sum()
    everyone = cell[cell.group == ""].set_index("code").n
    assert ((by_sex - everyone).abs() <= 5).all()


def test_no_small_group(rows) -> None:
    assert rows[(rows.group == "") & rows.code.notna()].n_valid.min() >= 30
    assert rows[rows.group != ""].n_valid.min() >= 50


def test_correlations(release) -> None:
    """Each pair once, in the order of the questionnaire, in published figures."""
    table = release.table("correlations").to_pandas()
    # One respondent's weight stands out in Chile.
    assert table.country.nunique() == 55
    assert "CHL" not in set(table.country)
    order = {name: number for number, name in enumerate(value_questions())}
    first, second = table.question_a.map(order), table.question_b.map(order)
    assert (first < second).all()
    assert not table.duplicated(["country", "question_a", "question_b"]).any()
    assert table.n.isna().all()
    assert table.r.abs().max() <= 1
    # Importance of family and of friends hang together everywhere they are compared.
    pair = table[(table.question_a == "Q1") & (table.question_b == "Q2")]
    assert (pair.r >= -0.05).all()


def test_no_weighted_figure_leans_to_one_respondent(rows) -> None:
    """With weights, options that Chile's heaviest respondent chose showed in tables of the groups
    and of everyone alike: the same ones, question by question."""
    chile = rows[(rows.country == "CHL") & (rows.wave == 7) & rows.code.notna()]
    assert len(chile) > 5000
    assert (chile.weighted_share == chile.unweighted_share).all()
    assert set(chile.n_eff_kind) == {"assumed"}
    weighted = rows[(rows.country == "USA") & rows.code.notna()]
    assert (weighted.weighted_share != weighted.unweighted_share).any()


def test_question_sets_are_there(release, rows) -> None:
    asked = set(rows[rows.wave == 7].question_id)
    for name in ("worldvaluesbench", "alignment", "common75", "probe"):
        assert set(question_set(name)) <= asked, name
    questions = release.table("questions", where=pc.field("wave") == 7)
    assert set(questions["question_id"].to_pylist()) == asked


def test_manifest_names_no_path(release) -> None:
    text = json.dumps(release.manifest.model_dump(mode="json"))
    assert "/" not in "".join(source.name for source in release.manifest.sources)
    assert "Haerpfer" in text
