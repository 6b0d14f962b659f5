"""Whole prompts of every method, word for word.

After a change that is meant: raise the method's version in `elicitation/study/methods.py` and
write the files again with `UPDATE_PROMPTS=1 pytest tests/elicitation/prompts/test_prompts.py`.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from codebook.dilemmas.sets import project_set
from codebook.wordings.wording import languages, wording
from elicitation.commands.terminal import prompt_text
from elicitation.prompts.advice import advice_prompt
from elicitation.study.conditions import Condition, Target
from elicitation.study.methods import METHODS

FOLDER = Path(__file__).parent / "texts"

#: Name -> options of a study and the number of the call that is looked at.
CASES = {
    "verbalized-none": {"steer": ("none",)},
    "verbalized-persona": {"steer": ("persona",), "countries": ("JPN",)},
    "verbalized-few-shot": {"steer": ("few-shot",), "countries": ("DEU",)},
    "verbalized-group": {
        "steer": ("persona",), "countries": ("BRA",), "groups": ("age=16-29;sex=female",),
    },
    "verbalized-plain": {"steer": ("none",), "chat": False, "vary": ("examples=3",)},
    "verbalized-varied": {"steer": ("none",), "vary": ("shuffled+letters+examples=3",)},
    "rating-none": {"protocol": "worldvaluesbench"},
    "option-likelihood-persona": {"protocol": "judgments", "countries": ("DEU",)},
    "option-likelihood-plain": {"protocol": "judgments", "countries": ("DEU",), "chat": False},
    "option-likelihood-none": {"protocol": "judgments", "steer": ("none",)},
    "label-likelihood-persona": {
        "method": "label_likelihood", "steer": ("persona",), "countries": ("DEU",),
    },
    "label-likelihood-numbers": {
        "method": "label_likelihood", "steer": ("none",), "vary": ("numbers",),
    },
    "sequence-persona": {"method": "sequence", "steer": ("persona",), "countries": ("DEU",)},
    "sampling-none": {"method": "sampling", "steer": ("none",)},
    "forced-choice-persona": {
        "method": "forced_choice", "steer": ("persona",), "countries": ("DEU",),
    },
}  # fmt: skip


def held(name: str, text: str) -> str:
    """The text on file; written again where asked for."""
    path = FOLDER / f"{name}.txt"
    if os.environ.get("UPDATE_PROMPTS"):
        FOLDER.mkdir(exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    return path.read_text(encoding="utf-8").removesuffix("\n")


@pytest.mark.parametrize("name", CASES)
def test_prompt_is_as_on_file(plan_of, name):
    options = {"questions": ("Q1",), **CASES[name]}
    plan = plan_of(**options)
    text = prompt_text(next(iter(plan)))
    assert f"{plan.study.prompt_version}\n\n{text}" == held(
        name, f"{plan.study.prompt_version}\n\n{text}"
    )


def test_every_method_has_a_prompt_on_file():
    shown = {path.read_text().split("\n", 1)[0] for path in FOLDER.glob("*.txt")}
    assert {method.prompt_version for method in METHODS.values()} <= shown


def test_a_described_person_is_told_in_full():
    from codebook.respondents.describe import person_texts
    from elicitation.prompts.prompts import rating_head, rating_tail, rendered
    from elicitation.study.conditions import Variant

    columns = {"B_COUNTRY": [156], "H_URBRURAL": [1], "Q275": [3]}
    person = str(person_texts(columns, demographics="remote")[0])
    target = Target("CHN", "", 1, person)
    question = rendered("Q1", wording("en"), "rating", Variant(), "numbers", 0)
    texts = wording("en")
    text = f"{rating_head(texts, target)}\n\n{rating_tail(texts, target, question)}"
    assert text == held("rating-described", text)


@pytest.mark.parametrize("order", ["as-written", "swapped"])
@pytest.mark.parametrize("approach", ["persona", "none"])
def test_advice_is_asked_in_both_orders(approach, order):
    condition = Condition(approach=approach)
    prompt = advice_prompt("ind-01", condition, Target("DEU"), texts=project_set("en"), order=order)
    told = [option.text for option in prompt.shown.options]
    assert prompt.tail.index(f"Should I {told[0]} or {told[1]}?") > 0
    assert ("Germany" in prompt.text) == (approach == "persona")
    assert {option.code for option in prompt.shown.options} == {"high", "low"}


def test_swapping_binds_the_sides_to_their_options():
    one, other = (
        advice_prompt(
            "ind-01", Condition(approach="none"), Target(), texts=project_set("en"), order=order
        )
        for order in ("as-written", "swapped")
    )
    sides = [{o.text: o.code for o in prompt.shown.options} for prompt in (one, other)]
    assert sides[0] == sides[1]
    assert [o.text for o in one.shown.options] == [o.text for o in other.shown.options][::-1]


@pytest.mark.parametrize("language", languages())
def test_every_method_has_a_prompt_in_every_language(plan_of, language):
    for method in METHODS.values():
        steer = tuple(s for s in method.steerings if s != "few-shot")
        plan = plan_of(
            method=method.name, steer=steer, languages=(language,), countries=("USA",),
            questions=("Q1", "Q149", "Q241"),
        )  # fmt: skip
        for condition in plan.conditions:
            calls = list(plan.sampled_calls(condition))
            assert calls
            assert all("{" not in c.request.messages[0].content.split('{"')[0] for c in calls)


def test_no_prompt_names_a_respondent(plan_of):
    plan = plan_of(countries=("DEU",), questions=("Q1",))
    for call in plan:
        assert "participant" not in str(call.request.identity())
