"""Who a visitor of the page is, and what the page does with what it is told."""

from __future__ import annotations

from types import SimpleNamespace

import gradio as gr
import pytest
from public_space import SPACE
from runs_house import (
    ANNA,
    HOME_QUICK,
    HOME_VISITOR,
    KEY,
    PUBLIC_QUICK,
    house,
    hub_choice,
    server_choice,
    started,
    wait_for,
)

from contracts.errors import ContractError
from elicitation.backends.mock import MockBackend
from space.pages.running.form import METHODS_OF, country_choices, method_choices, protocol_updates
from space.pages.running.show import ago, duration, quote_html, view_html
from space.pages.running.visitor import key_of, visitor_of


def request(client: str, host: str, **headers: str) -> SimpleNamespace:
    """A request as gradio hands it over."""
    return SimpleNamespace(client=SimpleNamespace(host=client), headers={"host": host, **headers})


@pytest.mark.parametrize(
    ("client", "host", "headers", "at_home"),
    [
        ("127.0.0.1", "127.0.0.1:7860", {}, True),
        ("::1", "localhost:7860", {}, True),
        ("127.0.0.1", "[::1]:7860", {}, True),
        # Another machine of the network.
        ("192.168.1.7", "192.168.1.2:7860", {}, False),
        # A page of somewhere else that points its own name here.
        ("127.0.0.1", "evil.example:7860", {}, False),
        # By way of a proxy: whoever is behind it.
        ("127.0.0.1", "localhost:7860", {"x-forwarded-for": "203.0.113.7"}, False),
        ("127.0.0.1", "localhost:7860", {"forwarded": "for=203.0.113.7"}, False),
        ("", "localhost", {}, False),
        ("127.0.0.1", "", {}, False),
    ],
)
def test_at_home_is_who_sits_at_this_machine(client, host, headers, at_home):
    found = visitor_of(request(client, host, **headers), None, HOME_QUICK)
    assert found.at_home is at_home
    assert visitor_of(request(client, host, **headers), None, PUBLIC_QUICK).at_home is False


def test_an_account_comes_from_the_login_alone(monkeypatch):
    for name, text in SPACE.items():
        monkeypatch.setenv(name, text)
    profile = gr.OAuthProfile(
        {"name": "Anna", "preferred_username": "anna", "profile": "", "picture": ""}
    )
    asked = request("10.0.0.1", "x", **{"x-forwarded-for": "198.51.100.1, 8.8.8.8"})
    found = visitor_of(asked, profile, PUBLIC_QUICK)
    assert (found.account, found.address) == ("anna", "10.0.0.1")


def test_a_public_server_takes_the_key_of_the_login_whatever_was_typed():
    token = gr.OAuthToken(token=KEY, scope="", expires_at=0)
    assert key_of("typed", token, PUBLIC_QUICK).reveal() == KEY
    assert not key_of("typed", None, PUBLIC_QUICK)
    assert key_of("typed", token, HOME_QUICK).reveal() == "typed"
    assert key_of("", token, HOME_QUICK).reveal() == KEY


def test_somebody_of_the_network_starts_nothing(tmp_path, reference):
    runs = house(tmp_path, reference, opener=lambda *_: MockBackend("steady"))
    found = visitor_of(request("192.168.1.7", "192.168.1.2"), None, runs.rules)
    with pytest.raises(ContractError, match="needs a login"):
        runs.start(server_choice("http://localhost:1/v1"), key_of(KEY, None, runs.rules), found)
    assert runs.list(found) == []
    runs.close()


def test_estimates_of_strangers_are_limited(tmp_path, reference):
    runs = house(tmp_path, reference, rules=PUBLIC_QUICK)
    for _ in range(60):
        runs.first_quote(hub_choice(sample=1), ANNA)
    with pytest.raises(ContractError, match=r"again|limit|many"):
        runs.first_quote(hub_choice(sample=1), ANNA)
    runs.close()


def test_the_estimate_says_what_it_costs(tmp_path, reference):
    runs = house(tmp_path, reference)
    choice = server_choice("http://localhost:1/v1", price_in=3.0)
    quote = runs.quote(choice, HOME_VISITOR)
    page = quote_html(quote, most=100)
    assert "data-calls='6'" in page
    assert f"{quote.estimate.cost:,.2f}" in page
    assert "ask less" not in page
    assert "ask less" in quote_html(quote, most=5)
    runs.close()


def test_a_run_that_waits_says_how_many_come_first(tmp_path, reference):
    import threading

    held = threading.Event()

    class Slow(MockBackend):
        def run(self, requests, *, on_response):
            held.wait(60)
            super().run(requests, on_response=on_response)

    runs = house(tmp_path, reference, opener=lambda *_: Slow("steady"))
    ids = [started(runs, server_choice("http://localhost:1/v1", seed=i)) for i in range(4)]
    wait_for(runs, ids[1], "running")
    assert "(it is the next)" in view_html(runs.view(ids[2], HOME_VISITOR))
    assert "(1 before it)" in view_html(runs.view(ids[3], HOME_VISITOR))
    held.set()
    wait_for(runs, ids[3], "finished", seconds=120)
    runs.close()


def test_each_protocol_fills_the_form(reference):
    for protocol, methods in METHODS_OF.items():
        updates = protocol_updates(protocol, reference)
        assert [name for _, name in method_choices(protocol)["choices"]] == list(methods)
        assert updates[3]["visible"] is (protocol == "advice")
    countries = dict(country_choices(reference, "alignment"))
    assert countries["Germany"] == "DEU"
    assert len(country_choices(reference, "advice")) == 37


@pytest.mark.parametrize(
    ("seconds", "said"), [(0, "0 s"), (59.6, "1 min 0 s"), (3700, "1 h 1 min"), (-5, "0 s")]
)
def test_durations_in_words(seconds, said):
    assert duration(seconds) == said


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(5, "just now"), (125, "2 min ago"), (7300, "2 h 1 min ago"), (200_000, "2 days ago")],
)
def test_how_long_ago_in_words(seconds, said):
    assert ago(seconds) == said
