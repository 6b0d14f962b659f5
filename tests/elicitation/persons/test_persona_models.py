"""Models of demographics: fitted to margins, resting on no small cell, personas drawn from them."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from codebook import codebook_digest
from codebook.respondents.harmonised import HARMONISED
from contracts.errors import ContractError
from contracts.release.manifest import Manifest, SplitRecipe
from contracts.release.read import Release, open_release
from contracts.release.tables import MAIN_DEMOGRAPHICS, RESPONDENTS
from contracts.release.write import write_manifest, write_tables
from elicitation.persons.draw import draw_personas
from elicitation.persons.fit import LEAST_RESPONDENTS, counted, fit_margins, one_way
from elicitation.persons.margins import fitted_models
from elicitation.prompts.plan import Plan
from elicitation.study.options import StudyOptions
from elicitation.study.resolve import make_study

PEOPLE = 1500


def private_release(root) -> Release:
    """Made-up respondents of Germany: most women are young, most men old; three live rurally and
    have tertiary education."""
    random = np.random.default_rng(5)
    female = random.random(PEOPLE) < 0.6
    young = random.random(PEOPLE) < np.where(female, 0.8, 0.2)
    rural = random.random(PEOPLE) < 0.3
    educated = (random.random(PEOPLE) < 0.4) & ~rural
    educated[np.flatnonzero(rural)[:3]] = True
    facts = {
        "country": ["DEU"] * PEOPLE,
        "sex": np.where(female, "female", "male").tolist(),
        "age": np.where(young, "16-29", "50+").tolist(),
        "education": np.where(educated, "tertiary", "lower secondary").tolist(),
        "settlement": np.where(rural, "rural", "urban").tolist(),
    }
    columns = {
        "respondent_id": pa.array(range(PEOPLE), pa.int32()),
        "interview_id": pa.array(range(276070001, 276070001 + PEOPLE), pa.int64()),
        "wave": pa.array([7] * PEOPLE, pa.int8()),
        "continent": pa.array(["Europe"] * PEOPLE),
        "weight": pa.array(np.where(female, 2.0, 1.0)),
        "cluster": pa.nulls(PEOPLE, pa.int32()),
        "stratum": pa.nulls(PEOPLE, pa.int32()),
        "split": pa.array(["test"] * PEOPLE),
        **{name: pa.array([None] * PEOPLE, pa.string()) for name in MAIN_DEMOGRAPHICS},
        **{name: pa.array(values, pa.string()) for name, values in facts.items()},
    }
    people = pa.table([columns[name] for name in RESPONDENTS.names], schema=RESPONDENTS)
    manifest = Manifest(
        name="made up", release_version="1", builder_version="0", waves=[7], sources=[],
        codebook_digest=codebook_digest(), tables=write_tables(root, {"respondents": people}),
        split=SplitRecipe(recipe="none"),
    )  # fmt: skip
    write_manifest(root, manifest)
    return open_release(root)


@pytest.fixture(scope="module")
def private(tmp_path_factory) -> Release:
    return private_release(tmp_path_factory.mktemp("private"))


def test_one_way_margins_alone_give_independence() -> None:
    shares = (np.array([0.3, 0.7]), np.array([0.2, 0.5, 0.3]))
    margins = [one_way((2, 3), axis, share * 50) for axis, share in enumerate(shares)]
    np.testing.assert_allclose(fit_margins((2, 3), margins), np.outer(*shares), atol=1e-9)


def test_two_way_margins_are_met_and_nothing_else_is_assumed() -> None:
    """A chain: the third depends on the first through the second alone, p(a) p(b|a) p(c|b)."""
    first = np.array([[0.3, 0.1], [0.2, 0.4]])
    second = np.array([[0.35, 0.15], [0.05, 0.45]])
    counts = (1e6 * first).astype(int), (1e6 * second).astype(int)
    margins = [
        counted((2, 2, 2), axes, count, count.astype(float))
        for axes, count in zip(((0, 1), (1, 2)), counts, strict=True)
    ]
    joint = fit_margins((2, 2, 2), margins)
    expected = first[:, :, None] * (second / second.sum(axis=1, keepdims=True))[None]
    np.testing.assert_allclose(joint, expected, atol=1e-8)


@given(
    counts=st.lists(st.integers(0, 90), min_size=4, max_size=4),
)
@settings(max_examples=200, deadline=None)
def test_no_figure_rests_on_fewer_than_thirty(counts: list[int]) -> None:
    table = np.array(counts).reshape(2, 2)
    if not table.sum():
        return
    margin = counted((2, 2), (0, 1), table, table.astype(float))
    sizes = np.bincount(margin.part.ravel(), table.ravel())
    assert len(sizes) == 1 or sizes.min() >= LEAST_RESPONDENTS
    np.testing.assert_allclose(margin.shares, sizes / sizes.sum())


def test_public_releases_give_margins_of_their_groups(reference) -> None:
    model = fitted_models(reference, ("sex", "age"), ("BRA",), wave=7)["BRA"]
    assert model.variables == ("sex", "age")
    where = (pc.field("country") == "BRA") & (pc.field("wave") == 7) & (pc.field("split") == "all")
    where &= pc.field("question_id") == "Q1"
    table = reference.table("distributions", where=where).to_pandas()
    sizes = table.groupby("group", observed=True).n_valid.first()
    women = sizes["sex=female"] / (sizes["sex=female"] + sizes["sex=male"])
    place = model.categories[0].index("female")
    assert model.shares[place].sum() == pytest.approx(women, abs=0.01)
    assert model.shares.sum() == pytest.approx(1)


def test_private_releases_give_weighted_margins_of_pairs(private) -> None:
    variables = ("sex", "age", "education", "settlement")
    model = fitted_models(private, variables, ("DEU",), wave=7)["DEU"]
    frame = private.table("respondents").to_pandas()
    joint = model.shares
    pairs = joint.sum(axis=(2, 3))
    for a, sex in enumerate(HARMONISED["sex"].categories):
        for b, age in enumerate(HARMONISED["age"].categories):
            here = frame.weight[(frame.sex == sex) & (frame.age == age)].sum() / frame.weight.sum()
            assert pairs[a, b] == pytest.approx(here, abs=0.002)
    # Three people alone are educated and rural: no persona is made from so few.
    educated = HARMONISED["education"].categories.index("tertiary")
    rural = HARMONISED["settlement"].categories.index("rural")
    cell = frame.weight[(frame.education == "tertiary") & (frame.settlement == "rural")]
    assert len(cell) == 3
    found = joint[:, :, educated, rural].sum()
    assert found != pytest.approx(cell.sum() / frame.weight.sum(), abs=1e-4)


def study_of(release: Release, *, remote: bool = False, allowed: bool = False, **options):
    chosen = StudyOptions(protocol="persons", **{"questions": ("trust",), **options})
    return make_study(chosen, release, chat=True, remote=remote, allow_remote_microdata=allowed)


def test_a_countrys_personas_do_not_depend_on_the_other_countries(reference) -> None:
    drawn = [
        draw_personas(
            reference,
            study_of(reference, countries=countries, persons=40),
            dict.fromkeys(countries, "en"),
        )["JPN"]
        for countries in (("DEU", "JPN"), ("JPN",))
    ]
    assert drawn[0] == drawn[1]
    assert len({target.person_id for target in drawn[0]}) == 40
    assert all(target.person.startswith("You are a ") for target in drawn[0])
    assert all("Japan" in target.person for target in drawn[0])


def test_another_seed_draws_others(reference) -> None:
    drawn = [
        draw_personas(
            reference, study_of(reference, countries=("JPN",), persons=40, seed=seed), {"JPN": "en"}
        )["JPN"]
        for seed in (0, 1)
    ]
    assert [one.group for one in drawn[0]] != [one.group for one in drawn[1]]


def test_the_group_is_what_the_prompt_says(private) -> None:
    for source in ("fitted", "respondents"):
        study = study_of(private, countries=("DEU",), persons=300, personas=source)
        targets = draw_personas(private, study, {"DEU": "en"})["DEU"]
        for target in targets:
            assert ("a woman" in target.person) == ("sex=female" in target.group)
            assert ("rural" in target.person) == ("settlement=rural" in target.group)
        women = np.mean(["sex=female" in target.group for target in targets])
        assert women == pytest.approx(0.75, abs=0.08)  # weighted: 0.6 * 2 / (0.6 * 2 + 0.4)


def test_respondents_are_taken_once_each_and_their_ids_stay(private) -> None:
    study = study_of(private, countries=("DEU",), persons=PEOPLE, personas="respondents")
    plan = Plan(study, private)
    targets = plan.personas(plan.conditions[0])
    frame = private.table("respondents").to_pandas()
    women = sum("sex=female" in target.group for target in targets)
    assert women == (frame.sex == "female").sum()
    call = plan.call(next(plan.items(plan.conditions[0])))
    assert "27607" not in str(call.request.identity()) + call.item.item_id


def test_models_on_other_machines_are_told_country_settlement_and_education(private) -> None:
    study = study_of(private, countries=("DEU",), persons=30, remote=True)
    targets = draw_personas(private, study, {"DEU": "en"})["DEU"]
    assert study.demographics == "remote"
    assert not any("woman" in t.person or "aged" in t.person or "sex=" in t.group for t in targets)
    assert any("urban" in target.person for target in targets)
    with pytest.raises(ContractError, match="only country, settlement and education"):
        study_of(private, countries=("DEU",), remote=True, demographics="main")
    study = study_of(private, countries=("DEU",), remote=True, allowed=True, demographics="main")
    assert study.demographics == "main"


def test_without_demographics_the_country_alone_is_named(reference) -> None:
    study = study_of(reference, countries=("JPN",), persons=2, demographics="none")
    targets = draw_personas(reference, study, {"JPN": "en"})["JPN"]
    assert [(t.group, t.person) for t in targets] == [("", "You are a person living in Japan.")] * 2


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"method": "verbalized"}, "one answer to each question"),
        ({"steer": ("none",)}, "described in the prompt"),
        ({"groups": ("sex=female",)}, "drawn together"),
        ({"repeats": 2}, "asked each question once"),
        ({"countries": ("none",)}, "drawn from the people of a country"),
        ({"persons": 0}, "out of range; found 0"),
        ({"demographics": "all"}, "no room for all demographics"),
        ({"personas": "respondents"}, "holds no respondents"),
        ({"on_request": ("party",)}, "sex, age, education and settlement only"),
    ],
)
def test_what_does_not_go_with_persons_is_refused(reference, options, message) -> None:
    with pytest.raises(ContractError, match=message):
        study_of(reference, **options)


def test_options_of_persons_are_refused_elsewhere(reference) -> None:
    options = StudyOptions(persons=30, personas="fitted", conversation=True)
    with pytest.raises(ContractError, match="belongs to the protocol persons") as error:
        make_study(options, reference, chat=True, remote=False)
    columns = [problem.column for problem in error.value.problems]
    assert columns == ["--persons", "--personas", "--conversation"]
