"""A synthetic file looks as the survey would ship it, and says what it is."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from codebook import countries
from contracts.errors import ContractError
from dataset_builder.synthesis import synthesize
from dataset_builder.synthesis.template import (
    columns,
    country_sizes,
    country_templates,
    demographic_marginals,
)
from dataset_builder.synthesis.weights import draw_weights, rescaling_weight

PEOPLE = 6_000


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("twin") / "twin.csv"
    synthesize(path, people=PEOPLE, seed=4)
    return path


@pytest.fixture(scope="module")
def table(path: Path) -> pl.DataFrame:
    return pl.read_csv(path, infer_schema_length=None)


def test_version_5_sizes() -> None:
    """94,278 people of 64 countries; Uruguay in rows 91,641 to 92,640."""
    templates = country_templates()
    assert len(templates) == 64
    assert sum(country_sizes(None)) == 94_278
    names = [t.country for t in templates]
    before = sum(t.people for t in templates[: names.index("URY")])
    assert (before, templates[names.index("URY")].people) == (91_641, 1_000)
    assert {t.country for t in templates} <= set(countries())


@pytest.mark.parametrize("people", [128, 1_000, 9_428, 94_278, 200_000])
def test_scaled_sizes(people: int) -> None:
    sizes = np.array(country_sizes(people))
    assert sizes.sum() == people
    assert sizes.min() >= 2
    full = np.array([t.people for t in country_templates()])
    exact = 2 + (people - 128) * full / full.sum()
    assert np.all(np.abs(sizes - exact) < 1)


def test_columns_are_those_of_the_file(path: Path, table: pl.DataFrame) -> None:
    with path.open(encoding="utf-8") as handle:
        header = next(csv.reader(handle))
    assert len(header) == 606
    assert header == [column.name for column in columns()]
    assert header[:3] == ["version", "doi", "A_WAVE"]
    assert len(table) == PEOPLE
    for column in columns():
        if column.kind == "whole":
            assert table.schema[column.name] == pl.Int64, column.name
            assert table[column.name].null_count() == 0, column.name


def test_ranges_are_those_declared(table: pl.DataFrame) -> None:
    """Codes stay within what the file of version 5.0 holds, where they are no national codes."""
    for column in columns():
        if column.kind == "text" or np.isnan(column.high) or column.high > 900:
            continue
        numbers = table[column.name].drop_nulls()
        if len(numbers):
            assert numbers.max() <= max(column.high, 103), column.name
            assert numbers.min() >= min(column.low, -9999 if column.low < -900 else -5), column.name


def test_synthetic_stands_in_every_row(path: Path, table: pl.DataFrame) -> None:
    assert table["version"].str.starts_with("SYNTHETIC").all()
    assert table["doi"].str.contains("SYNTHETIC").all()
    statement = json.loads((path.parent / f"{path.name}.synthetic.json").read_text())
    assert statement["seed"] == 4
    assert statement["borrowed_countries"] == ["CAN", "CHN", "GBR", "HKG", "IDN", "NLD", "TUR"]
    borrowed = set(statement["borrowed_columns"])
    assert {"USA:Q33", "USA:Q34", "USA:Q35"} <= borrowed
    assert {"polity", "N_TOWN", "Q291G1", "Q289CS9"} <= borrowed
    assert not {"Q1", "Q260", "W_WEIGHT", "A_YEAR", "Q33_3"} & borrowed


def test_uruguay_shares_one_interview_id(table: pl.DataFrame) -> None:
    uruguay = table.filter(pl.col("B_COUNTRY_ALPHA") == "URY")
    assert uruguay["D_INTERVIEW"].unique().to_list() == [858069901]
    others = table.filter(pl.col("B_COUNTRY_ALPHA") != "URY")
    assert others["D_INTERVIEW"].is_unique().all()
    assert table["S007"].is_unique().all()


def test_northern_ireland(table: pl.DataFrame) -> None:
    ulster = table.filter(pl.col("B_COUNTRY_ALPHA") == "NIR")
    assert ulster["B_COUNTRY"].unique().to_list() == [909]
    assert ulster["polity"].null_count() == len(ulster)


def test_not_asked_is_all_or_nothing(table: pl.DataFrame) -> None:
    """Per country and question, save Northern Ireland's Q271; Egypt was not asked 37 questions."""
    numbered = [c.name for c in columns() if c.name.startswith("Q") and c.name[1:].isdigit()]
    counted = table.group_by("B_COUNTRY_ALPHA").agg(
        (pl.col(numbered) == -4).sum(), pl.len().alias("people")
    )
    partly = [
        (row["B_COUNTRY_ALPHA"], name)
        for row in counted.to_dicts()
        for name in numbered
        if 0 < row[name] < row["people"] and int(name[1:]) < 260
    ]
    assert partly == []
    egypt = next(row for row in counted.to_dicts() if row["B_COUNTRY_ALPHA"] == "EGY")
    not_asked = [n for n in numbered if int(n[1:]) < 260 and n != "Q223" and egypt[n]]
    assert 30 <= len(not_asked) <= 40


def test_weights_have_the_shape_of_real_ones(table: pl.DataFrame) -> None:
    weights = table.group_by("B_COUNTRY_ALPHA").agg(
        pl.col("W_WEIGHT").mean().alias("mean"),
        pl.col("W_WEIGHT").std().alias("sd"),
        pl.col("S018").n_unique().alias("kinds"),
        (pl.col("S018").first() * pl.len()).alias("total"),
    )
    assert weights["mean"].is_between(0.95, 1.05).all()
    constant = weights.filter(pl.col("sd") == 0)
    assert 20 <= len(constant) <= 45
    assert "CHL" not in constant["B_COUNTRY_ALPHA"]
    assert (weights["kinds"] == 1).all()
    totals = dict(weights.select("B_COUNTRY_ALPHA", "total").iter_rows())
    assert totals["SRB"] == pytest.approx(867, abs=0.01)
    assert totals["DEU"] == pytest.approx(1000, abs=0.01)


def test_drawn_weights_have_the_design_effect() -> None:
    """Kish: n / n_eff = n sum(w^2) / sum(w)^2."""
    weights = draw_weights(200_000, 1.6, rng=np.random.default_rng(0))
    effect = len(weights) * (weights**2).sum() / weights.sum() ** 2
    assert effect == pytest.approx(1.6, rel=0.03)
    assert weights.mean() == pytest.approx(1, abs=1e-6)
    assert np.all(draw_weights(5, 1.0, rng=np.random.default_rng(0)) == 1)
    assert rescaling_weight("AND", 1004) == pytest.approx(1000 / 1004, abs=1e-7)


def test_dates_and_codes_hang_together(table: pl.DataFrame) -> None:
    dated = table.filter(pl.col("J_INTDATE") > 0)
    assert (dated["J_INTDATE"] // 10_000 == dated["A_YEAR"]).all()
    months = dated["J_INTDATE"] // 100
    assert ((dated["FW_START"] <= months) & (months <= dated["FW_END"])).all()
    aged = table.filter(pl.col("Q262") > 0)
    assert (aged["A_YEAR"] - aged["Q262"] == aged["Q261"]).all()
    assert aged["Q262"].min() >= 18
    assert ((aged["X003R2"] == 1) == (aged["Q262"] < 30)).all()
    assert ((aged["X003R2"] == 3) == (aged["Q262"] >= 50)).all()
    member = table.filter(pl.col("Q94") >= 0)
    assert ((member["Q94"] > 0) == (member["Q94R"] == 1)).all()
    assert table.filter(pl.col("Q33") == 4)["Q33_3"].unique().to_list() == [2]


def test_second_choices_differ_from_first(table: pl.DataFrame) -> None:
    for first, second in (("Q152", "Q153"), ("Q154", "Q155"), ("Q156", "Q157")):
        both = table.filter((pl.col(first) > 0) & (pl.col(second) > 0))
        assert (both[first] == both[second]).mean() < 0.002
        assert len(table.filter((pl.col(first) < 0) & (pl.col(second) > 0))) < 0.01 * PEOPLE


def test_text_is_not_ascii(path: Path) -> None:
    assert not path.read_text(encoding="utf-8").isascii()


def test_demographics_follow_the_marginals(table: pl.DataFrame) -> None:
    """Pooled over countries, |z| < 1.96 for 90 to 99 % of the codes of closed variables."""
    scores: list[float] = []
    for variable in ("Q260", "Q273", "Q275", "Q279", "Q288", "H_URBRURAL", "G_TOWNSIZE", "Q289"):
        known = demographic_marginals()[variable]
        for country, marginal in known.items():
            drawn = table.filter(pl.col("B_COUNTRY_ALPHA") == country)[variable].to_numpy()
            share = marginal.people / marginal.people.sum()
            for code, p in zip(marginal.codes, share, strict=True):
                if len(drawn) * p >= 5 and len(drawn) * (1 - p) >= 5 and code < 99_999:
                    error = np.sqrt(p * (1 - p) / len(drawn))
                    scores.append(((drawn == code).mean() - p) / error)
    assert len(scores) > 1_000
    assert 0.93 < np.mean(np.abs(scores) < 1.96) < 0.97


def test_the_seed_decides(tmp_path: Path) -> None:
    for name, seed in (("a.csv", 1), ("b.csv", 1), ("c.csv", 2)):
        synthesize(tmp_path / name, people=200, seed=seed)
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()
    assert (tmp_path / "a.csv").read_bytes() != (tmp_path / "c.csv").read_bytes()


@pytest.mark.parametrize(
    ("name", "options", "match"),
    [
        ("a.xlsx", {}, "cannot write a survey file named"),
        ("a.csv", {"people": 100}, "64 countries cannot have 100 people"),
        ("a.csv", {"wave": 4}, "the layout of this wave is not known"),
    ],
)
def test_refusals_leave_nothing(
    name: str, options: dict[str, int], match: str, tmp_path: Path
) -> None:
    with pytest.raises(ContractError, match=match):
        synthesize(tmp_path / name, **options)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(ContractError, match="cannot write"):
        synthesize(tmp_path / "file" / "a.csv", people=200)
