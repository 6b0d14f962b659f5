"""Baselines against the same numbers made by another road."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.stats import wasserstein_distance

from codebook import countries, value_questions
from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from contracts.release.read import open_release
from scoring.baselines.distributions import (
    BASELINES,
    NEAREST_MINIMUM,
    NotPossibleError,
    nearest_countries,
    previous_wave_answer,
    read_surveys,
    write_baselines,
)
from scoring.inputs.geometry import build_geometry
from scoring.inputs.survey import Survey


@pytest.fixture(scope="module")
def release():
    return open_release("reference")


@pytest.fixture(scope="module")
def people(release) -> pd.DataFrame:
    """Shares by (wave, country, question, code) straight from the published ones."""
    table = release.table("distributions").to_pandas()
    table = table[(table.split == "all") & (table.group == "") & table.code.notna()]
    table = table.assign(weighted_share=table.weighted_share.astype(float).round(3))
    cell = table.groupby(["wave", "country", "question_id"]).weighted_share.transform("sum")
    return table[cell > 0].assign(share=table.weighted_share / cell)


@pytest.fixture(scope="module")
def written(release, tmp_path_factory: pytest.TempPathFactory):
    folder = tmp_path_factory.mktemp("baselines")
    return {entry.name: entry for entry in write_baselines(release, folder)}


def shares_of(written, name: str) -> dict[tuple[str, str], list[float]]:
    return read_shares(written[name].path)


@cache
def read_shares(path: Path) -> dict[tuple[str, str], list[float]]:
    read = read_predictions(path)
    assert read.tolerated == {}
    assert read.notices == ()
    assert read.cells is not None
    return {
        (row["country"], row["question_id"]): row["shares"]
        for row in read.cells.to_pylist()
        if row["status"] == "ok"
    }


def test_every_baseline_of_the_reference_is_written_and_says_what_it_is(written, release) -> None:
    assert list(written) == [*(b.name for b in BASELINES), "uniform-ratings", "majority-ratings"]
    for name in ("uniform-ratings", "majority-ratings"):
        assert (written[name].path, written[name].records) == (None, 0)
        assert written[name].reason == "the release holds no single persons to rate"
    for baseline in BASELINES:
        read = read_predictions(written[baseline.name].path)
        assert (read.meta.baseline, read.meta.uses_survey) == (True, baseline.uses_survey)
        assert (read.meta.release, read.meta.wave) == (release.digest, 7)
        assert read.rows == written[baseline.name].records > 0


def test_uniform_gives_every_option_the_same_share(written) -> None:
    shares = shares_of(written, "uniform")
    assert {country for country, _ in shares} == {""}
    assert len(shares) == len(value_questions())
    for (_, question_id), found in shares.items():
        scale = value_questions()[question_id].scale
        assert scale is not None
        assert found == pytest.approx([1 / scale.size] * scale.size)


def test_majority_is_the_worlds_most_frequent_option(written, people) -> None:
    shares = shares_of(written, "majority")
    now = people[people.wave == 7]
    mean = now.groupby(["question_id", "code"]).share.mean()  # a country counts once
    for (_, question_id), found in shares.items():
        scale = value_questions()[question_id].scale
        assert scale is not None
        assert scale.codes[int(np.argmax(found))] == mean[question_id].idxmax()
        assert sorted(found)[-1] == 1.0
        assert sum(found) == 1.0


def test_world_average_leaves_the_country_out_and_counts_countries_once(written, people) -> None:
    shares = shares_of(written, "world-average")
    now = people[people.wave == 7]
    for country, question_id in (("CHL", "Q1"), ("EGY", "Q46"), ("USA", "Q119"), ("NIR", "Q240")):
        rows = now[(now.question_id == question_id) & (now.country != country)]
        mean = rows.groupby("code").share.mean()
        scale = value_questions()[question_id].scale
        assert scale is not None
        assert shares[country, question_id] == pytest.approx([mean[c] for c in scale.codes])


def test_world_average_of_a_question_that_the_country_was_not_asked(written, people) -> None:
    # The USA sample lacks Q33; the others' mean is an answer all the same.
    assert people[(people.country == "USA") & (people.question_id == "Q33")].empty
    assert ("USA", "Q33") in shares_of(written, "world-average")


def test_continent_average_takes_the_other_countries_of_the_continent(written, people) -> None:
    shares = shares_of(written, "continent-average")
    now = people[(people.wave == 7) & (people.question_id == "Q1")]
    # Oceania has two countries: each is the other's average.
    for country, other in (("AUS", "NZL"), ("NZL", "AUS")):
        own = now[now.country == other].set_index("code").share
        assert shares[country, "Q1"] == pytest.approx([own[c] for c in (1, 2, 3, 4)])
    others = [
        c for c in now.country.unique() if countries()[c].continent == "Africa" and c != "KEN"
    ]
    mean = now[now.country.isin(others)].groupby("code").share.mean()
    assert shares["KEN", "Q1"] == pytest.approx([mean[c] for c in (1, 2, 3, 4)])


def test_a_baseline_that_answers_for_no_country_is_skipped_with_the_reason(
    release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the continent's average where every country of a release is alone on its continent."""
    monkeypatch.setattr("scoring.baselines.distributions.continent_of", lambda country: country)
    (left_out,) = write_baselines(release, tmp_path, names=("continent-average",))
    assert left_out.path is None
    assert left_out.reason == "it has an answer for no country of the release"


def test_nearest_country_by_brute_force(written, people) -> None:
    country, question_id = "URY", "Q164"
    now = people[people.wave == 7]
    grid = {
        key: rows.share.to_numpy()
        for key, rows in now.sort_values("position").groupby(["country", "question_id"])
    }
    mean: dict[str, float] = {}
    for other in sorted(set(now.country) - {country}):
        if (other, question_id) not in grid:
            continue
        distances = [
            distance(grid[country, q], grid[other, q], ordinal=question.scale.is_ordinal)
            for q, question in value_questions().items()
            if q != question_id and (country, q) in grid and (other, q) in grid
        ]
        if len(distances) >= NEAREST_MINIMUM:
            mean[other] = float(np.mean(distances))
    nearest = min(mean, key=mean.__getitem__)
    found = shares_of(written, "nearest-country")[country, question_id]
    assert found == pytest.approx(grid[nearest, question_id].tolist())
    # The formula used above, against the oracle.
    one, two = grid[country, question_id], grid[nearest, question_id]
    place = np.arange(len(one))
    oracle = wasserstein_distance(place, place, one, two) / (len(one) - 1)
    assert distance(one, two, ordinal=True) == pytest.approx(oracle)


def distance(first: np.ndarray, second: np.ndarray, *, ordinal: bool) -> float:
    if not ordinal:
        return float(np.abs(first - second).sum() / 2)
    return float(np.abs(np.cumsum(first - second)[:-1]).sum() / (len(first) - 1))


def toy(shares: list[list[list[float]]], names: tuple[str, ...], ids: tuple[str, ...]) -> Survey:
    array = np.array(shares, float)
    answered = ~np.isnan(array[..., 0])
    return Survey(
        countries=names,
        geometry=build_geometry(ids),
        shares=array,
        n=answered * 100.0,
        n_eff=answered * 100.0,
        pooled=np.nan_to_num(array),
    )


def test_nearest_is_chosen_without_the_question_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scoring.baselines.distributions.NEAREST_MINIMUM", 2)
    # Two-option questions. ARG and BRA agree on Q139 and Q140, ARG and CHL on Q141 alone.
    survey = toy(
        [
            [[0.0, 1.0], [0.0, 1.0], [1.0, 0.0]],
            [[0.0, 1.0], [0.0, 1.0], [0.0, 1.0]],
            [[1.0, 0.0], [1.0, 0.0], [1.0, 0.0]],
        ],
        ("ARG", "BRA", "CHL"),
        ("Q139", "Q140", "Q141"),
    )
    # For Q141 only Q139 and Q140 count: BRA, though it answers Q141 the other way.
    assert nearest_countries(survey)[0, 2] == 1


def test_nearest_needs_enough_common_questions_and_an_answer() -> None:
    survey = toy([[[0.5, 0.5]], [[0.5, 0.5]]], ("ARG", "BRA"), ("Q139",))
    assert nearest_countries(survey).tolist() == [[-1], [-1]]


def test_previous_wave_is_the_latest_one_that_has_the_cell(written, people, release) -> None:
    shares = shares_of(written, "previous-wave")
    sixth = people[people.wave == 6].groupby(["country", "question_id"])
    fifth = people[people.wave == 5].groupby(["country", "question_id"])
    now = set(people[people.wave == 7].country)
    for (country, question_id), found in shares.items():
        source = sixth if (country, question_id) in sixth.groups else fifth
        rows = source.get_group((country, question_id)).sort_values("position")
        assert found == pytest.approx(rows.share.to_list(), abs=1e-9)
    wanted = {key for key in {*sixth.groups, *fifth.groups} if key[0] in now}
    assert set(shares) == wanted


def test_previous_wave_is_skipped_with_the_reason(release, tmp_path: Path) -> None:
    survey, _ = read_surveys(release, 7)
    with pytest.raises(NotPossibleError, match="no earlier wave"):
        previous_wave_answer(survey, [])
    (entry,) = write_baselines(release, tmp_path, wave=5, names=("previous-wave",))
    assert (entry.path, entry.reason) == (None, "the release holds no earlier wave")
    assert list(tmp_path.iterdir()) == []


def test_unknown_names_are_refused_before_anything_is_written(release, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match=r"unknown-baseline.*found 'best'; allowed: uniform"):
        write_baselines(release, tmp_path, names=("uniform", "best"))
    assert list(tmp_path.iterdir()) == []


def test_a_wave_that_the_release_lacks_is_refused(release, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="no answers of wave 3"):
        write_baselines(release, tmp_path, wave=3)


def test_every_format_holds_the_same(release, tmp_path: Path) -> None:
    tables = []
    for suffix in (".jsonl", ".csv", ".tsv", ".parquet"):
        (entry,) = write_baselines(release, tmp_path / suffix, names=("uniform",), suffix=suffix)
        assert entry.path is not None
        cells = read_predictions(entry.path).cells
        assert cells is not None
        tables.append(cells)
    assert all(table.equals(tables[0]) for table in tables)
