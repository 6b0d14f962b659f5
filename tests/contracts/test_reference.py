"""The embedded reference: real aggregates, checked by a second road."""

from __future__ import annotations

import json

import numpy as np
import pyarrow.compute as pc
import pytest

from codebook import codebook_digest, countries, question_set, value_questions
from contracts.digests import sha256_file
from contracts.errors import ContractError
from contracts.release import REFERENCE, open_release
from contracts.release_writer import table_row_digest
from contracts.tables import AGGREGATE_TABLES, MISSING_COUNT_COLUMNS, schema_problems

#: People who named each answer to Q1 in Chile, counted by hand in the country's own file.
CHILE_Q1 = [933, 55, 12, 0]


@pytest.fixture(scope="module")
def release():
    return open_release(REFERENCE)


@pytest.fixture(scope="module")
def rows(release):
    return release.table("distributions").to_pandas()


def test_holds_aggregates_only(release) -> None:
    assert tuple(sorted(release.manifest.tables)) == tuple(sorted(AGGREGATE_TABLES))
    assert release.manifest.public
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


def test_counts_of_one_cell(rows) -> None:
    cell = rows[(rows.wave == 7) & (rows.country == "CHL") & (rows.question_id == "Q1")]
    cell = cell[cell.group == ""].sort_values("position")
    assert cell.n.tolist() == CHILE_Q1
    assert cell.unweighted_share.tolist() == pytest.approx([0.933, 0.055, 0.012, 0.0])
    shares = cell.weight_sum.to_numpy() / cell.weight_sum.sum()
    assert cell.weighted_share.to_numpy() == pytest.approx(shares, abs=1e-6)
    assert cell.n_eff.tolist() == [433.0] * 4
    assert not cell.n_eff_estimated.any()


def test_cells_are_whole(rows) -> None:
    questions = value_questions()
    cells = rows.groupby(["wave", "country", "group", "question_id"], sort=False)
    sizes = cells.size().reset_index(name="size")
    expected = sizes.question_id.map(lambda q: questions[q].scale.size)
    assert (sizes["size"] == expected).all()
    assert (cells.n.sum() == cells.n_valid.first()).all()
    codes = rows[["question_id", "code", "position"]].drop_duplicates()
    assert len(codes) == sum(questions[q].scale.size for q in set(rows.question_id))
    for row in codes.itertuples():
        assert questions[row.question_id].scale.codes[row.position] == row.code


def test_shares_sum_to_one_or_are_null(rows) -> None:
    totals = rows.groupby(["wave", "country", "group", "question_id"], sort=False).agg(
        share=("weighted_share", lambda s: s.sum(min_count=1)), n_valid=("n_valid", "first")
    )
    answered = totals.n_valid > 0
    assert totals.share[answered].to_numpy() == pytest.approx(1.0, abs=1e-6)
    assert totals.share[~answered].isna().all()


def test_effective_n_never_exceeds_n(rows) -> None:
    assert (rows.n_eff <= rows.n_valid + 1e-6).all()
    p = rows.weighted_share.to_numpy(float)
    usable = rows.n_eff.to_numpy() > 0
    se = np.sqrt(p * (1 - p) / np.where(usable, rows.n_eff, np.nan))
    assert rows.se.to_numpy()[usable] == pytest.approx(se[usable], abs=1e-5, nan_ok=True)


def test_missing_kinds_stay_apart(rows) -> None:
    """Andorra's Q254: 526 said that they are no nationals; one gave no answer."""
    cell = rows[(rows.country == "AND") & (rows.question_id == "Q254") & (rows.group == "")]
    counts = {name: int(cell[name].iloc[0]) for name in MISSING_COUNT_COLUMNS}
    assert counts["off_scale_count"] == 526
    assert counts["no_answer_count"] == 1
    assert counts["dont_know_count"] == 0
    assert int(cell.n_valid.iloc[0]) == 477


def test_not_asked_is_no_zero(rows) -> None:
    """Egypt did not ask 37 questions: nobody answered, and no share is zero."""
    egypt = rows[(rows.wave == 7) & (rows.country == "EGY") & (rows.group == "")]
    not_asked = egypt[(egypt.n_valid == 0) & (egypt.not_asked_count > 0)]
    assert not_asked.question_id.nunique() >= 30
    assert not_asked.weighted_share.isna().all()
    assert (not_asked.not_asked_count == 1200).all()


def test_groups_add_up_to_everyone(rows) -> None:
    """Where sex is known for all, women and men sum to the country's count."""
    cell = rows[(rows.wave == 7) & (rows.country == "BRA") & (rows.question_id == "Q46")]
    by_sex = cell[cell.group.str.startswith("sex=")].groupby("code").n.sum()
    everyone = cell[cell.group == ""].set_index("code").n
    assert by_sex.to_dict() == everyone.to_dict()


def test_no_small_group(rows) -> None:
    groups = rows[(rows.group != "") & (rows.n_valid > 0)]
    assert groups.n_valid.min() >= 30


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
