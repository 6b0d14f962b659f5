"""The twin's clusters: as many and as much alike as those of the real files."""

from __future__ import annotations

import numpy as np
import pytest

from codebook import value_questions
from contracts.release.distributions import kish_effective_n
from contracts.release.read import open_release
from dataset_builder.design_effects.cells import Respondents, clustered_precision
from dataset_builder.design_effects.clusters import CountryDesign, country_design
from dataset_builder.positions import WIDTH, look_up
from dataset_builder.synthesis.answers import draw_answers, find_traits
from dataset_builder.synthesis.clusters import country_designs, draw_clusters
from dataset_builder.synthesis.marginals import read_answer_shares
from dataset_builder.synthesis.people import draw_people
from dataset_builder.synthesis.template import country_templates
from dataset_builder.synthesis.weights import draw_weights
from dataset_builder.tables.tabulate import ordinal_questions


def drawn_effect(country: str) -> float:
    """Median over questions of Kish's n_eff over that of the design, as a build finds it."""
    shares = read_answer_shares()
    place = shares.countries.index(country)
    template = country_templates()[place]
    n = template.people
    rng = np.random.default_rng(11)
    weight = draw_weights(n, float(shares.weight_effect[place]), rng=rng)
    clusters = draw_clusters(country, n, n, rng=rng)
    assert clusters.cluster is not None
    people = draw_people(template, n, languages=[], rng=rng)
    answers = draw_answers(shares, find_traits(shares), place, people, weight, clusters, rng=rng)
    columns = look_up(answers, tuple(value_questions()), columns=True)
    design = country_design(clusters.cluster, clusters.region, rng=rng)
    assert isinstance(design, CountryDesign)
    assert design.clusters == country_designs()[7, country].clusters
    valid = columns < WIDTH
    kish = kish_effective_n(weight @ valid, weight**2 @ valid)[None, None]
    found, _ = clustered_precision(
        design,
        Respondents(np.zeros(n, int), np.zeros(n, int), weight, columns),
        splits={"all": (0,)},
        ordinal=ordinal_questions(tuple(value_questions())),
        kish=kish,
        n=valid.sum(axis=0)[None, None],
        width=WIDTH,
        rho=None,
    )
    there = found.n_eff > 0
    return float(np.median(kish[there] / found.n_eff[there]))


@pytest.mark.parametrize("country", ["THA", "RUS", "SVK", "TWN"])
def test_design_effects_are_those_of_the_reference(country: str) -> None:
    stated = open_release("reference").manifest.kish_over_n_eff["7"][country]
    assert drawn_effect(country) == pytest.approx(stated, rel=0.2)


def test_a_small_twin_has_clusters_of_the_same_size() -> None:
    rng = np.random.default_rng(0)
    found = draw_clusters("RUS", 1810, 181, rng=rng)
    assert found.cluster is not None
    assert len(np.unique(found.cluster)) == 13


def test_where_the_survey_names_no_clusters_the_twin_has_none() -> None:
    assert draw_clusters("AUS", 1813, 200, rng=np.random.default_rng(0)).cluster is None
