"""Plans: what is asked, of whom, in which order, and what may leave the machine."""

from __future__ import annotations

import itertools
import json

import pyarrow.compute as pc
import pytest

from codebook import question_set, value_questions
from codebook.questions import few_shot_ids
from codebook.respondents.describe import person_texts
from codebook.wordings.wording import languages, wording
from contracts.errors import ContractError
from elicitation.backends.call_key import CallKeys
from elicitation.backends.registry import open_backend
from elicitation.prompts.examples import form_examples, largest_remainders, shares_text
from elicitation.prompts.plan import Plan
from elicitation.prompts.prompts import rendered, shuffled_codes
from elicitation.run.session import condition_facts
from elicitation.study.conditions import Variant, VariantError, parse_variant
from elicitation.study.methods import METHODS
from elicitation.study.study import study_json


def test_length_is_the_number_of_calls_in_every_condition(plan_of):
    plan = plan_of(
        steer=("none", "persona", "few-shot"),
        countries=("DEU", "USA", "JPN"),
        vary=("default", "shuffled", "examples=3"),
        repeats=2,
    )
    assert len(plan) == sum(1 for _ in plan)
    for condition in plan.conditions:
        assert plan.size(condition) == sum(1 for _ in plan.calls(condition))


def test_counts_follow_from_questions_countries_and_examples(plan_of):
    plan = plan_of(countries=("DEU", "USA"))
    sizes = {condition.name: plan.size(condition) for condition in plan.conditions}
    asked = {*question_set("alignment"), *question_set("cultural-map")}
    default = len(asked - set(few_shot_ids()))
    assert default == 148
    assert sizes == {
        "none_en": default,
        "persona_en": 2 * default,
        "few-shot_en": len(asked - set(few_shot_ids("DEU"))) + default,
    }


def test_a_plan_is_the_same_each_time_and_its_ids_are_unique(plan_of):
    options = {"countries": ("DEU", "USA"), "vary": ("default", "shuffled+letters")}
    one, other = (list(plan_of(**options)) for _ in range(2))
    assert one == [call._replace(item=a.item) for call, a in zip(other, one, strict=True)]
    assert [c.request for c in one] == [c.request for c in other]
    assert len({call.item.item_id for call in one}) == len(one)


def test_different_prompts_have_different_keys(plan_of):
    keys = CallKeys({"model": "m"})
    calls = list(plan_of(countries=("DEU", "USA"), questions=("Q1", "Q2", "Q3")))
    texts = {call.request.messages[0].content for call in calls}
    assert len({keys.key(call.request) for call in calls}) == len(texts) == len(calls)


def test_no_question_is_asked_where_its_answer_is_shown(plan_of):
    for call in plan_of(countries=("DEU", "JPN")):
        stem = wording("en").stems[call.item.question_id]
        assert call.request.messages[0].content.count(stem) == 1


@pytest.mark.parametrize("shares", ["weighted", "unweighted"])
def test_few_shot_prompts_show_the_release_s_shares(plan_of, reference, shares):
    plan = plan_of(
        countries=("DEU",), steer=("few-shot",), questions=("Q1",), few_shot_shares=shares
    )
    text = next(iter(plan)).request.messages[0].content
    where = (pc.field("country") == "DEU") & (pc.field("wave") == 7) & (pc.field("group") == "")
    table = reference.table("distributions", where=where & (pc.field("question_id") == "Q150"))
    share = dict(zip(table["code"].to_pylist(), table[f"{shares}_share"].to_pylist(), strict=True))
    total = share[1] + share[2]
    shown = {k: round(100 * share[int(k)] / total, 1) for k in "12"}
    assert json.dumps(shown) in text
    assert plan.shown_questions(plan.conditions[0]) == tuple(
        key for key in value_questions() if key in few_shot_ids("DEU")
    )


def test_which_shares_were_shown_is_recorded_where_any_were(plan_of):
    said = {}
    for shares in ("weighted", "unweighted"):
        plan = plan_of(
            countries=("DEU",),
            steer=("none", "few-shot"),
            few_shot_shares=shares,
            questions=("Q1",),
        )
        facts = condition_facts(plan, open_backend("mock:steady"), {}, {})
        said[shares] = facts["few-shot_en"]["meta"]["extra"]["few_shot_shares"]
        assert "few_shot_shares" not in facts["none_en"]["meta"]["extra"]
        # A run that was begun before the option existed goes on.
        assert ("few_shot_shares" in study_json(plan.study)) == (shares == "unweighted")
    assert said == {"weighted": "weighted", "unweighted": "unweighted"}


def test_few_shot_needs_real_answers(plan_of):
    plan = plan_of(countries=("CHN",), steer=("few-shot",), allow_unscored=True)
    with pytest.raises(ContractError, match=r"no-examples.*CHN"):
        list(plan)


def test_shuffled_options_keep_their_codes(plan_of):
    for call in plan_of(vary=("shuffled",), steer=("none",)):
        options = call.shown.options
        default = rendered(call.item.question_id, wording("en"), "options", Variant(), "numbers", 0)
        assert {(o.label, o.code, o.text) for o in options} == set(map(tuple, default.options))
        assert [o.code for o in options] != [o.code for o in default.options]


def test_reversed_scale_binds_labels_anew(plan_of):
    call = next(iter(plan_of(vary=("reversed-scale",), questions=("Q1",), steer=("none",))))
    assert [(o.label, o.code) for o in call.shown.options] == [
        ("1", 4),
        ("2", 3),
        ("3", 2),
        ("4", 1),
    ]
    assert "1. Not at all important" in call.request.messages[0].content


def test_shuffles_differ_from_the_scale_and_are_repeatable():
    orders = {tuple(shuffled_codes(f"Q{i}", (1, 2, 3, 4), seed=0)) for i in range(200)}
    assert (1, 2, 3, 4) not in orders
    assert (4, 3, 2, 1) not in orders
    assert len(orders) == 22
    assert shuffled_codes("Q1", (1, 2), seed=0) == [2, 1]
    assert shuffled_codes("Q1", (1, 2, 3), seed=5) == shuffled_codes("Q1", (1, 2, 3), seed=5)


def test_own_language_asks_each_country_in_its_own(plan_of):
    from codebook.wordings.wording import languages

    spoken = "es" if "es" in languages() else "en"
    country = "CHL" if spoken == "es" else "USA"
    plan = plan_of(languages=("own",), countries=(country,), steer=("none",), questions=("Q1",))
    call = next(iter(plan))
    assert wording(spoken).stems["Q1"] in call.request.messages[0].content
    assert call.item.target.country == country
    assert wording(spoken).countries[country] not in call.request.messages[0].content


def test_groups_are_named_and_everyone_is_not(plan_of):
    plan = plan_of(
        steer=("persona",), countries=("DEU",), questions=("Q1",), groups=("sex", "everyone")
    )
    by_group = {c.item.target.group: c.request.messages[0].content for c in plan}
    assert set(by_group) == {"", "sex=female", "sex=male"}
    assert "woman" in by_group["sex=female"]
    assert "woman" not in by_group[""]


@pytest.mark.parametrize("language", languages())
def test_groups_are_told_in_every_language_by_every_method(plan_of, language):
    group = "age=16-29;settlement=urban"
    columns = {"country": ["JPN"], "age": ["16-29"], "settlement": ["urban"]}
    (told,) = person_texts(columns, form="sentence", frame="group", language=language)
    for method in METHODS.values():
        if "persona" not in method.steerings:
            continue
        plan = plan_of(
            method=method.name, orders=1, steer=("persona",), countries=("JPN",), questions=("Q1",),
            groups=(group,), languages=(language,), repeats=1,
        )  # fmt: skip
        (call,) = plan
        assert call.request.messages[0].content.startswith(f"{told}\n\n")


def test_base_models_get_plain_text_and_options_with_a_space(plan_of):
    plan = plan_of(
        chat=False, method="option_likelihood", steer=("persona",), countries=("DEU",),
        questions=("Q1",),
    )  # fmt: skip
    request = next(iter(plan)).request
    assert request.messages == ()
    assert request.prompt.endswith("In Germany, Answer:")
    assert request.options[0] == " Very important"
    assert request.terminator == "end"
    generated = next(iter(plan_of(chat=False, steer=("none",), questions=("Q1",)))).request
    assert generated.sampling.stop == ("\n",)


def test_repeats_of_sampling_are_different_calls(plan_of):
    calls = list(plan_of(method="sampling", steer=("none",), questions=("Q1",)))
    assert len(calls) == 30
    assert {call.request.sampling.temperature for call in calls} == {1.0}
    keys = CallKeys({})
    assert len({keys.key(call.request) for call in calls}) == 30


def test_ratings_of_nobody_are_drawn_as_the_authors_draw_them(plan_of):
    plan = plan_of(protocol="worldvaluesbench", questions=("Q1",))
    assert len(plan) == 230
    assert next(iter(plan)).request.sampling.temperature == 0.7


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"protocol": "horoscope"}, "unknown value for --protocol"),
        ({"method": "guess"}, r"--method.*'guess'"),
        ({"steer": ("bribe",)}, r"--steer.*'bribe'"),
        ({"method": "sampling", "steer": ("few-shot",)}, "knows no steering few-shot"),
        ({"countries": ("XYZ",)}, r"--countries.*'XYZ'"),
        ({"questions": ("Q999",)}, r"--questions.*'Q999'"),
        ({"languages": ("tlh",)}, r"--languages.*'tlh'"),
        ({"vary": ("upside-down",)}, "no variant 'upside-down'"),
        ({"groups": ("sex=robot",), "steer": ("persona",)}, r"--groups.*robot"),
        ({"groups": ("sex=female",)}, "a group is described to the model"),
        ({"repeats": 0}, "made at least once"),
        ({"temperature": 3.0}, "temperature is out of range"),
        ({"method": "rating", "demographics": "shoe-size"}, r"--demographics.*shoe-size"),
        ({"protocol": "advice", "questions": ("love",)}, "no such dilemma or dimension"),
        ({"protocol": "advice", "approach": ("charm",)}, r"--approach.*'charm'"),
    ],
)
def test_what_does_not_exist_or_go_together_is_refused(plan_of, options, message):
    with pytest.raises(ContractError, match=message):
        plan_of(**options)


def test_all_problems_are_told_at_once(plan_of):
    with pytest.raises(ContractError, match="study: 4 problems") as caught:
        plan_of(countries=("XYZ", "ABC"), languages=("tlh",), repeats=0)
    assert len(caught.value.problems) == 4


@pytest.mark.parametrize("name", ["default", "shuffled+letters", "examples=3+example-shares=9"])
def test_variants_have_names(name):
    assert parse_variant(name).name == name


@pytest.mark.parametrize("name", ["", "letters+numbers", "examples=9", "examples=0", "shuffled+x"])
def test_wrong_variants_are_refused(name):
    with pytest.raises(VariantError, match="variant"):
        parse_variant(name)


def test_shown_percentages_sum_to_100():
    for example in form_examples(count=5, seed=3):
        question = rendered(example.question_id, wording("en"), "options", Variant(), "numbers", 0)
        said = json.loads(shares_text(question, example.shares))
        assert sum(round(10 * share) for share in said.values()) == 1000
        assert list(said) == [option.label for option in question.options]


def test_largest_remainders_by_hand():
    # 1/3 each of 10: floors 3, 3, 3; the first gets the one that is left.
    assert largest_remainders([1 / 3, 1 / 3, 1 / 3], 10) == [4, 3, 3]
    assert largest_remainders([0.15, 0.25, 0.6], 10) == [2, 2, 6]


def test_other_example_shares_are_other_shares_of_the_same_questions():
    one, other = form_examples(count=5, seed=0), form_examples(count=5, seed=1)
    assert [e.question_id for e in one] == [e.question_id for e in other] == list(few_shot_ids())
    assert all(a.shares != b.shares for a, b in zip(one, other, strict=True))


def test_shards_share_out_the_plan(plan_of):
    plan = plan_of(steer=("none",), questions=("Q1", "Q2", "Q3", "Q4", "Q5"))
    assert sum(plan.sharded_size((k, 3)) for k in (1, 2, 3)) == len(plan)


def test_iterating_draws_no_more_than_is_looked_at(plan_of):
    plan = plan_of(countries=("all",))
    first = list(itertools.islice(plan, 2))
    assert [call.item.question_id for call in first] == ["Q1", "Q2"]


def test_the_study_is_json_and_back(plan_of):
    study = plan_of(countries=("DEU",), vary=("letters",)).study
    again = type(study).model_validate_json(study.model_dump_json())
    assert again == study
    assert len(Plan(again, plan_of().release)) > 0
