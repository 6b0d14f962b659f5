"""The backend for hosted models, against a real local server."""

from __future__ import annotations

import math

import pytest
from fault_proxy import spoiling
from openai_server import MODEL, Dialect, serving

from contracts.errors import ContractError
from elicitation.backends.base import Message, Request
from elicitation.backends.hub import HubBackend
from elicitation.backends.mock import MockBackend
from elicitation.backends.registry import BackendOptions
from elicitation.run.session import run_study

#: Faults that the hub's client tells apart from an answer.
FAULTS = ("drop", "half", "garbage", "cut", "html", "no-choices", "429", "500", "503")


@pytest.fixture(autouse=True)
def _online(monkeypatch):
    """The hub's client takes a local server for the network."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)


def backend(url: str, **options) -> HubBackend:
    """The test model at an endpoint."""
    return HubBackend(MODEL, BackendOptions(base_url=url, extra={"first_wait": 0.01}, **options))


def test_a_run_writes_what_the_mock_itself_would(tmp_path, plan_of):
    plan = plan_of(countries=("DEU",), questions=("Q1", "Q60", "Q241"))
    with serving(Dialect(character="messy")) as server:
        over_http = run_study(plan, backend(server.url), tmp_path / "hub")
    directly = run_study(plan, MockBackend("messy"), tmp_path / "mock")
    for one, other in zip(over_http.files, directly.files, strict=True):
        rows = [file.path.read_text().splitlines()[1:] for file in (one, other)]
        assert rows[0] == rows[1]


def test_faults_are_got_over():
    requests = [
        Request(str(i), messages=(Message("user", f'{i}\n\n1. Yes\n2. No\n{{"'),))
        for i in range(len(FAULTS))
    ]
    found = {}
    with serving() as server, spoiling(server.url, [(fault,) for fault in FAULTS]) as proxy:
        backend(proxy.url, timeout=5.0).run(
            requests, on_response=lambda request, response: found.update({request: response.status})
        )
        assert set(proxy.met) == set(FAULTS)
    assert set(found.values()) == {"ok"}
    assert len(found) == len(FAULTS)


def test_labels_outside_the_list_are_censored():
    request = Request("r", "score_labels", (Message("user", "?"),), options=("A", "B", "C"))
    found = []
    with serving(Dialect(labels="censored", listed=2)) as server:
        backend(server.url).run([request], on_response=lambda _, response: found.append(response))
    assert found[0].option_logprobs[:2] == pytest.approx([math.log(0.4), math.log(0.3)])
    assert found[0].option_logprobs[2] is None


def test_the_key_goes_to_the_server_and_nowhere_else(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "hf_secret12345")
    request = Request("r", messages=(Message("user", '1. Yes\n2. No\n{"'),))
    found = []
    with serving(Dialect(key="hf_secret12345", echo_key=True)) as server:
        backend(server.url).run([request], on_response=lambda _, response: found.append(response))
        assert server.seen[0]["headers"]["authorization"] == "Bearer hf_secret12345"
    assert "hf_secret12345" not in repr(found)
    wrong = pytest.raises(ContractError, match="the key is not accepted")
    with serving(Dialect(key="other", echo_key=True)) as server, wrong as caught:
        backend(server.url).run([request], on_response=lambda *_: None)
    assert "hf_secret12345" not in str(caught.value)


def test_offline_mode_is_told(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    request = Request("r", messages=(Message("user", "?"),))
    with pytest.raises(ContractError, match="HF_HUB_OFFLINE"):
        backend("http://127.0.0.1:9/v1").run([request], on_response=lambda *_: None)
