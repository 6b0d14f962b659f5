"""Backends over HTTP in a web server: their own key, no redirects, an end from outside."""

from __future__ import annotations

import threading

import pytest
from openai_server import MODEL, Dialect, serving
from redirecting import redirecting

from contracts.errors import ContractError
from elicitation.backends.hub import HubBackend
from elicitation.backends.openai.http import OpenAIBackend
from elicitation.backends.registry import BackendOptions
from elicitation.run.runner import STOPPED
from elicitation.run.session import run_study

KEY = "zebra42violin77lantern"
OTHER = "anotherkeyofthemachine"
BACKENDS = (OpenAIBackend, HubBackend)


@pytest.fixture(autouse=True)
def _online(monkeypatch):
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", False)
    monkeypatch.setenv("HF_TOKEN", OTHER)
    monkeypatch.setenv("OPENAI_API_KEY", OTHER)


def options(url: str, **more) -> BackendOptions:
    """Options of a quick client."""
    return BackendOptions(base_url=url, extra={"first_wait": 0.01}, **more)


@pytest.mark.parametrize("kind", BACKENDS)
def test_a_key_of_ones_own_is_sent_and_shown_nowhere(kind, tmp_path, plan_of):
    plan = plan_of(countries=("DEU",), questions=("Q1", "Q60"), steer=("none",))
    given = options("http://localhost/v1", key=KEY)
    assert KEY not in repr(given)
    with serving(Dialect(key=KEY, echo_key=True)) as server:
        run_study(plan, kind(MODEL, options(server.url, key=KEY)), tmp_path / "run")
        sent = {call["headers"]["authorization"] for call in server.seen}
    assert sent == {f"Bearer {KEY}"}
    for path in (tmp_path / "run").rglob("*"):
        if path.is_file():
            assert KEY.encode() not in path.read_bytes()


@pytest.mark.parametrize("kind", BACKENDS)
def test_a_refused_key_is_taken_out_of_the_message(kind, tmp_path, plan_of):
    plan = plan_of(countries=("DEU",), questions=("Q1",), steer=("none",))
    with (
        serving(Dialect(key="right", echo_key=True)) as server,
        pytest.raises(ContractError, match="key is not accepted") as caught,
    ):
        run_study(plan, kind(MODEL, options(server.url, key=KEY)), tmp_path / "run")
    assert KEY not in str(caught.value)


@pytest.mark.parametrize("kind", BACKENDS)
def test_redirects_are_refused_where_that_is_asked(kind, tmp_path, plan_of):
    plan = plan_of(countries=("DEU",), questions=("Q1",), steer=("none",))
    with serving() as inner, redirecting(inner.url) as outer:
        followed = run_study(plan, HubBackend(MODEL, options(outer, key=KEY)), tmp_path / "follow")
        assert followed.progress.statuses["ok"] == 1
        before = len(inner.seen)
        backend = kind(MODEL, options(outer, key=KEY, redirects=False))
        with pytest.raises(ContractError, match="HTTP 307"):
            run_study(plan, backend, tmp_path / "refuse")
        assert len(inner.seen) == before


@pytest.mark.parametrize("kind", BACKENDS)
def test_a_stop_from_another_thread_ends_even_a_long_wait(kind, tmp_path, plan_of):
    plan = plan_of(countries=("DEU",), questions=("Q1", "Q60", "Q241"), steer=("none",))
    stop = threading.Event()
    # Were the wait not cut short, the calls would be answered in the end, and counted as made.
    with serving(Dialect(delay=8.0)) as server:
        backend = kind(MODEL, options(server.url, key=KEY, stop=stop, timeout=90.0))
        if kind is OpenAIBackend:
            server.dialect.delay = 0.0
            backend.capabilities()
            server.dialect.delay = 8.0
        threading.Timer(0.3, stop.set).start()
        session = run_study(plan, backend, tmp_path / "run", stop=stop)
    assert session.progress.stopped == STOPPED
    assert session.progress.made == 0


def test_a_model_that_no_provider_serves_ends_the_run(tmp_path, plan_of):
    plan = plan_of(countries=("DEU",), questions=("Q1",), steer=("none",))
    backend = HubBackend("org/model", BackendOptions(key="no-token-of-the-hub"))
    with pytest.raises(ContractError, match="auto-router"):
        run_study(plan, backend, tmp_path / "run")
