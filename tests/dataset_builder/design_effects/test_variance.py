"""Variances under a cluster design: by hand, and against the package svy."""

from __future__ import annotations

import numpy as np
import pytest

from dataset_builder.design_effects.cells import (
    Respondents,
    clustered_precision,
    design_figures,
    effective_n_of_few_clusters,
    intra_cluster_correlation,
)
from dataset_builder.design_effects.clusters import CountryDesign
from dataset_builder.design_effects.variance import design_effective_n, taylor_variance


def test_one_stratum_by_hand() -> None:
    """Three clusters with shares of yes 0 of 2, 1 of 2, 2 of 2: p = 1/2, T = 6.

    z = (0 - 1) / 6, (1 - 1) / 6, (2 - 1) / 6; sum of squares 2/36; times 3/2 gives 1/12. Positions
    are 0 and 1, so the mean is the share of the second option and has its variance.
    """
    totals = np.array([[[[2.0, 0.0]]], [[[1.0, 1.0]]], [[[0.0, 2.0]]]])
    found = taylor_variance(totals, np.zeros(3, int))
    assert found.shares[0, 0] == pytest.approx([1 / 12, 1 / 12])
    assert found.mean[0, 0] == pytest.approx(1 / 12)


def test_strata_and_a_single_cluster_by_hand() -> None:
    """Strata {a, b} and {c}: z as above, -1/6, 0 and 1/6.

    First stratum: mean -1/12, deviations 1/12 twice, 2/144 times 2/1 = 1/36. The single cluster is
    centred at the mean over all clusters, 0: (1/6)^2 = 1/36. Together 1/18.
    """
    totals = np.array([[[[2.0, 0.0]]], [[[1.0, 1.0]]], [[[0.0, 2.0]]]])
    found = taylor_variance(totals, np.array([0, 0, 1]))
    assert found.shares[0, 0] == pytest.approx([1 / 18, 1 / 18])


def test_single_respondents_as_clusters_give_the_textbook_variance() -> None:
    """Equal weights, a cluster each: V = p (1 - p) / (n - 1)."""
    chosen = np.arange(50) < 20
    totals = np.stack([~chosen, chosen], axis=1).astype(float)[:, None, None, :]
    found = taylor_variance(totals, np.zeros(50, int))
    assert found.shares[0, 0, 1] == pytest.approx(0.4 * 0.6 / 49)


def test_effective_n_is_kish_over_the_design_effect() -> None:
    """V(mean) = 1/12 with p = 1/2: s^2 / V = (1/4) 12 = 3; nominal (1/4 + 1/4) / (2/12) = 3."""
    totals = np.array([[[[2.0, 0.0]]], [[[1.0, 1.0]]], [[[0.0, 2.0]]]])
    variance = taylor_variance(totals, np.zeros(3, int))
    for ordinal in (True, False):
        found = design_effective_n(
            np.array([[[0.5, 0.5]]]),
            variance,
            ordinal=np.array([ordinal]),
            kish=np.array([[6.0]]),
        )
        assert found.item() == pytest.approx(3.0)


def test_where_all_answer_alike_kish_stands() -> None:
    totals = np.tile([[[[2.0, 0.0]]]], (12, 1, 1, 1))
    variance = taylor_variance(totals, np.zeros(12, int))
    found = design_effective_n(
        np.array([[[1.0, 0.0]]]), variance, ordinal=np.array([True]), kish=np.array([[24.0]])
    )
    assert found.item() == 24.0


def test_correlation_and_few_clusters_are_inverse() -> None:
    """effect 3 with 10 per cluster: rho = 2/9; with 4 per cluster 1 + 3 rho = 5/3."""
    rho = intra_cluster_correlation(
        np.array([300.0]), np.array([100.0]), np.array([300]), np.array([30])
    )
    assert rho.item() == pytest.approx(2 / 9)
    found = effective_n_of_few_clusters(np.array([30.0]), np.array([32]), np.array([8]), rho)
    assert found.item() == pytest.approx(30 / (5 / 3))


def _population(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    n, clusters = 1200, 60
    cluster = np.sort(rng.integers(0, clusters, n))
    stratum = np.arange(clusters) % 7
    stratum[5] = 99  # a stratum of one cluster
    pull = rng.normal(0, 1, clusters)[cluster]
    position = np.clip(np.rint(2 + pull + rng.normal(0, 1, n)), 0, 4).astype(np.int8)
    return {
        "cluster": cluster,
        "stratum": np.unique(stratum, return_inverse=True)[1],
        "weight": rng.lognormal(0, 0.5, n),
        "group": rng.integers(0, 3, n),
        "position": position,
    }


@pytest.mark.parametrize("seed", [1, 2])
def test_equal_to_svy(seed: int) -> None:
    """Means and shares of everyone and of groups, with strata and a single-cluster stratum."""
    import polars as pl
    import svy

    made = _population(seed)
    frame = pl.DataFrame(
        {
            "mean": made["position"].astype(float),
            "code": made["position"].astype(int),
            "weight": made["weight"],
            "psu": made["cluster"],
            "stratum": made["stratum"][made["cluster"]],
            "group": made["group"],
        }
    )
    design = svy.Design(stratum="stratum", psu="psu", wgt="weight", singleton="center")
    estimation = svy.Sample(frame, design).estimation
    mean_se = estimation.mean("mean", by="group").to_polars().sort("group")["se"].to_numpy()
    share_se = estimation.prop("code", by="group").to_polars().sort("group", "code")
    share_se = share_se["se"].to_numpy().reshape(3, 5)
    width = 5
    figures = design_figures(
        CountryDesign(made["cluster"].astype(np.int32), made["stratum"].astype(np.int32)),
        Respondents(np.zeros(1200, int), made["group"], made["weight"], made["position"][:, None]),
        groups=3,
        splits={"all": (0,)},
        width=width,
        ordinal=np.array([True]),
        kish=np.ones((1, 3, 1)),
    )
    shares, errors = _by_group(made, width)
    for group in range(3):
        positions = np.arange(width)
        spread = shares[group] @ positions**2 - (shares[group] @ positions) ** 2
        assert figures.se[0, group, 0] == pytest.approx(share_se[group], abs=1e-6)
        assert figures.n_eff[0, group, 0] == pytest.approx(spread / mean_se[group] ** 2, rel=1e-6)
        assert errors[group] == pytest.approx(mean_se[group], abs=1e-6)


def test_one_huge_weight_is_no_precision() -> None:
    """A respondent with nearly all weight: shares are theirs alone, and clusters cannot tell."""
    made = _population(3)
    made["weight"][7] = 1e6
    kish = float(made["weight"].sum() ** 2 / (made["weight"] ** 2).sum())
    found, _ = clustered_precision(
        CountryDesign(made["cluster"].astype(np.int32), made["stratum"].astype(np.int32)),
        Respondents(
            np.zeros(1200, int), np.zeros(1200, int), made["weight"], made["position"][:, None]
        ),
        splits={"all": (0,)},
        ordinal=np.array([True]),
        kish=np.full((1, 1, 1), kish),
        n=np.full((1, 1, 1), 1200),
        width=5,
        rho=None,
    )
    assert found.kind.item() == "assumed"
    assert found.n_eff.item() == pytest.approx(kish)
    assert kish < 1.01
    assert np.isnan(found.se).all()


def _by_group(made: dict[str, np.ndarray], width: int) -> tuple[np.ndarray, np.ndarray]:
    """Shares of each group, and standard errors of its mean."""
    totals = np.zeros((60, 3, 1, width))
    np.add.at(totals, (made["cluster"], made["group"], 0, made["position"]), made["weight"])
    shares = totals.sum(axis=0)[:, 0]
    found = taylor_variance(totals, made["stratum"])
    return shares / shares.sum(axis=1, keepdims=True), np.sqrt(found.mean[:, 0])
