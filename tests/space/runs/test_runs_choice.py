"""What may be chosen for a run, and what may not: addresses on a public server above all."""

from __future__ import annotations

from typing import get_args

import pytest
from runs_house import HOME_QUICK, PUBLIC_QUICK, house, hub_choice, server_choice

from contracts.errors import ContractError
from contracts.release.read import open_release
from space.pages.running.form import FIELDS, SERVER, choice_of
from space.runs.choice import PROVIDERS, RunChoice, check_choice, plan_of, sampled_questions
from space.runs.rules import HOME, PUBLIC, rules_here
from space.runs.service import Visitor

URLS = (
    "http://127.0.0.1:8000/v1",
    "http://169.254.169.254/latest/meta-data",
    "https://example.org/v1",
    "http://[::1]:7860",
    "file:///etc/passwd",
)

#: Names that would lead huggingface_hub or a path elsewhere.
SMUGGLED = (
    "http://127.0.0.1:8000/v1",
    "https://example.org/model",
    "HTTP://example.org/x",
    "//example.org/x",
    "org/../../../api/whoami",
    "org/..",
    "../x",
    "org/model/../../x",
    "org/model?x=1",
    "org/model#x",
    "org/model:groq",
    "org/mo del",
    "org/model\n",
    "user@example.org/x",
    "org\\model",
    "org/%2e%2e",
    "model",
    "",
    "o" * 97 + "/m",
)


@pytest.mark.parametrize("url", URLS)
def test_no_address_is_taken_on_a_public_server(url):
    with pytest.raises(ContractError, match="at no address of a visitor's"):
        check_choice(server_choice(url), PUBLIC)
    with pytest.raises(ContractError, match="at no address of a visitor's"):
        check_choice(hub_choice(base_url=url), PUBLIC)


@pytest.mark.parametrize("rules", [PUBLIC, HOME])
@pytest.mark.parametrize("name", SMUGGLED)
def test_a_model_of_the_hub_has_a_plain_name(name, rules):
    with pytest.raises(ContractError, match="no name of a model on the Hub"):
        check_choice(RunChoice(model=name), rules)


@pytest.mark.parametrize("name", ["org/model", "meta-llama/Llama-3.1-8B-Instruct", "a_b/c.d-e"])
def test_names_of_the_hub_are_taken(name):
    check_choice(RunChoice(model=name), PUBLIC)


@pytest.mark.parametrize("provider", ["http://127.0.0.1", "auto/../x", "", "evil", "groq?x"])
def test_a_provider_is_one_of_those_there_are(provider):
    with pytest.raises(ContractError, match="no such provider"):
        check_choice(RunChoice(model="org/model", provider=provider), PUBLIC)


def test_the_providers_are_those_of_the_installed_client_that_take_chats():
    from huggingface_hub.inference._providers import PROVIDERS as INSTALLED

    chatting = {name for name, tasks in INSTALLED.items() if "conversational" in tasks}
    assert set(PROVIDERS) == {"auto", *chatting}


def test_at_home_a_server_is_taken_and_its_address_checked():
    check_choice(server_choice("http://localhost:8000/v1"), HOME)
    for url in ("file:///etc/passwd", "ftp://x/y", "http://user:pass@localhost/v1", "", "x"):
        with pytest.raises(ContractError, match=r"no address of a server|user and password"):
            check_choice(server_choice(url), HOME)
    with pytest.raises(ContractError, match="no name of a model"):
        check_choice(
            RunChoice(where="server", model="http://x/y", base_url="http://localhost/v1"), HOME
        )


@pytest.mark.parametrize(("name", "said"), [("SPACE_ID", "a/b"), ("OPINION_ATLAS_PUBLIC", "1")])
def test_the_environment_makes_a_server_public_whatever_is_asked_for(name, said, monkeypatch):
    for other in ("SPACE_ID", "OPINION_ATLAS_PUBLIC"):
        monkeypatch.delenv(other, raising=False)
    assert rules_here() is HOME
    assert rules_here(public=True) is PUBLIC
    monkeypatch.setenv(name, said)
    assert rules_here(public=False) is PUBLIC


def test_problems_come_all_at_once():
    choice = RunChoice(
        model="x", provider="y", method="rating", countries=(), languages=(), budget=1.0
    )
    with pytest.raises(ContractError, match="provider") as caught:
        check_choice(choice, PUBLIC)
    codes = {problem.code for problem in caught.value.problems}
    assert codes == {
        "model-name", "provider", "method", "no-countries", "no-language", "no-prices",
    }  # fmt: skip


def test_hosted_models_score_no_whole_options():
    choice = RunChoice(model="org/m", protocol="judgments", method="option_likelihood")
    with pytest.raises(ContractError, match="score no whole options"):
        check_choice(choice, HOME)


def test_a_sample_is_drawn_once_and_for_all():
    choice = hub_choice(sample=20)
    drawn = sampled_questions(choice)
    assert len(set(drawn)) == 20
    assert drawn == sampled_questions(hub_choice(sample=20))
    assert drawn != sampled_questions(hub_choice(sample=20, seed=1))
    every = sampled_questions(hub_choice(sample=0))
    assert list(drawn) == [question for question in every if question in drawn]


def test_every_drawn_question_is_asked():
    plan = plan_of(hub_choice(sample=25), open_release("reference"))
    assert len(plan) == 25


@pytest.mark.parametrize("protocol", ["alignment", "judgments", "advice"])
def test_no_prompt_describes_a_person(protocol):
    choice = hub_choice(protocol=protocol, sample=2, steering=(), approaches=())
    plan = plan_of(choice, open_release("reference"))
    assert plan.study.demographics == ""
    assert all(call.item.target.participant is None for call in plan)


def test_the_form_says_a_choice():
    said = dict.fromkeys(FIELDS)
    said |= {
        "where": SERVER, "model": " tiny ", "base_url": "http://localhost:1/v1 ",
        "provider": "groq", "protocol": "advice", "method": "forced_choice",
        "steering": ["none"], "approaches": ["persona"], "countries": ["DEU"],
        "languages": ["en"], "sample": 3, "budget": 0,
    }  # fmt: skip
    choice = choice_of(tuple(said[name] for name in FIELDS))
    assert (choice.model, choice.base_url) == ("tiny", "http://localhost:1/v1")
    assert (choice.provider, choice.steering) == ("auto", ())
    assert choice.budget is None
    said["sample"] = -1
    with pytest.raises(ContractError, match="sample"):
        choice_of(tuple(said[name] for name in FIELDS))


def test_the_form_of_a_public_server_cannot_be_talked_into_an_address(tmp_path):
    """The choice is checked where it is used, whatever a page's raw request says."""
    runs = house(tmp_path, open_release("reference"), rules=PUBLIC_QUICK)
    visitor = Visitor(account="anna")
    for choice in (server_choice(URLS[0]), hub_choice(base_url=URLS[0])):
        with pytest.raises(ContractError, match="at no address"):
            runs.quote(choice, visitor)
        with pytest.raises(ContractError, match="at no address"):
            runs.start(choice, object(), visitor)
    assert list(runs.book.folder.iterdir()) == []
    runs.close()


def test_a_run_started_at_home_is_not_resumed_in_public(tmp_path):
    """A folder that moves to a public server brings no address along."""
    release = open_release("reference")
    home = house(tmp_path, release, rules=HOME_QUICK)
    record = home.book.create(server_choice(URLS[0]), account="anna", holder="x")
    home.book.change(record.id, {"state": "stopped"})
    home.close()
    public = house(tmp_path, release, rules=PUBLIC_QUICK)
    with pytest.raises(ContractError, match="at no address"):
        public.resume(record.id, object(), Visitor(account="anna"))
    public.close()


def test_states_are_told_in_words():
    from space.pages.running.show import STATES
    from space.runs.record import State

    assert set(STATES) == set(get_args(State)) - {"deleted"}
