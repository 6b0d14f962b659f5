"""The backend for OpenAI-compatible servers, against a real local server."""

from __future__ import annotations

import math
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from fault_proxy import FAULTS, spoiling
from openai_server import (
    FIRST_TOKENS,
    MODEL,
    Dialect,
    next_logprob,
    serving,
    tokens_of,
)

from contracts.errors import ContractError
from elicitation.backends import http_run
from elicitation.backends.base import Message, Request, Sampling
from elicitation.backends.http_run import retry_after_seconds
from elicitation.backends.openai.http import OpenAIBackend
from elicitation.backends.registry import BackendOptions
from elicitation.run.limits import Limits
from elicitation.run.session import run_study
from elicitation.run.store import Store

FAST = {"first_wait": 0.01}


def backend(url: str, **options) -> OpenAIBackend:
    """The test model at a server."""
    return OpenAIBackend(MODEL, BackendOptions(base_url=url, extra=FAST, **options))


def ask(asked: OpenAIBackend, requests: list[Request]) -> dict[str, object]:
    """Responses by request id."""
    found = {}
    asked.run(
        requests, on_response=lambda request, response: found.update({request.request_id: response})
    )
    return found


def chats(count: int) -> list[Request]:
    """Different chats."""
    return [
        Request(str(i), messages=(Message("user", f'{i}\n\n1. Yes\n2. No\n{{"'),))
        for i in range(count)
    ]


def test_what_a_server_can_do_is_found_out():
    for labels in ("exact", "constrained", "censored", "none"):
        with serving(Dialect(labels=labels)) as server:
            able = backend(server.url).capabilities()
            assert (able.chat, able.plain, able.label_logprobs) == (True, True, labels)
    with serving(Dialect(chat=False)) as server:
        able = backend(server.url).capabilities()
        assert (able.chat, able.plain) == (False, True)


def test_exact_scores_are_those_of_the_model_for_chats_and_texts():
    with serving(Dialect(labels="exact")) as server:
        asked = backend(server.url)
        requests = [
            Request("chat", "score_labels", (Message("user", "?"),), options=("A", "B", "C")),
            Request("plain", "score_labels", prompt="Answer:", options=(" A", " B", " Z")),
        ]
        found = ask(asked, requests)
    expected = [math.log(FIRST_TOKENS[label]) for label in "ABC"]
    assert found["chat"].option_logprobs == pytest.approx(expected)
    assert found["plain"].option_logprobs == pytest.approx([*expected[:2], -20.0])
    assert found["chat"].logprobs_kind == "exact"


def test_labels_of_several_tokens_are_scored_by_the_rule_of_local_models():
    with serving(Dialect(labels="exact")) as server:
        chat = Request("chat", "score_labels", (Message("user", "?"),), options=("1", "10", "2"))
        plain = Request("plain", "score_labels", prompt="Answer:", options=(" 1", " 2", " 3"))
        found = ask(backend(server.url), [chat, plain])
    # The space that the numbers share is a token of its own: it belongs to the context.
    expected = [path_score("Answer: ", label) for label in "123"]
    assert found["plain"].option_logprobs == pytest.approx(expected)
    assert "counts to the context" in found["plain"].raw["notes"][0]
    # "10" begins with "1": its probability is taken off.
    context = "<user>?~\n<assistant>"
    one, ten, two = (path_score(context, label) for label in ("1", "10", "2"))
    assert found["chat"].option_logprobs == pytest.approx(
        [math.log(math.exp(one) - math.exp(ten)), ten, two]
    )
    assert "less that of longer labels" in found["chat"].raw["notes"][0]


def path_score(context: str, path: str) -> float:
    """Sum of the log-probabilities along a path, one token after the other."""
    begun, whole = tokens_of(context), tokens_of(context + path)
    steps = range(len(begun), len(whole))
    return sum(next_logprob(whole[:step], whole[step]) for step in steps)


@pytest.mark.parametrize(("terminator", "ended"), [("end", "~"), ("newline", "\n"), ("none", "")])
def test_whole_options_are_scored_along_their_tokens(terminator, ended):
    options = ("Agree", "Agree strongly", "Disagree")
    chat = Request("c", "score_options", (Message("user", "?"),), "", options, terminator)
    with serving(Dialect(labels="exact")) as server:
        asked = backend(server.url)
        assert asked.capabilities().option_logprobs == "exact"
        before = len(server.seen)
        found = ask(asked, [chat])["c"]
        nodes = [call for call in server.seen[before:] if call["path"].endswith("completions")]
    expected = [path_score("<user>?~\n<assistant>", option + ended) for option in options]
    assert found.option_logprobs == pytest.approx(expected)
    # The trie: "Agree" is shared, and each of its nodes is asked once.
    paths = {tuple(option + ended)[:i] for option in options for i in range(len(option + ended))}
    assert len(nodes) == len(paths)


def test_whole_options_behind_plain_text():
    options = (" Agree", " Agree strongly")
    plain = [
        Request(t, "score_options", (), "Answer:", options, t)  # type: ignore[arg-type]
        for t in ("newline", "end")
    ]
    with serving(Dialect(labels="exact")) as server:
        found = ask(backend(server.url), plain)
    expected = [path_score("Answer:", f"{option}\n") for option in options]
    assert found["newline"].option_logprobs == pytest.approx(expected)
    assert "--terminator newline" in found["end"].error


def test_without_exact_scores_there_are_no_whole_options():
    with serving(Dialect(labels="censored")) as server:
        assert backend(server.url).capabilities().option_logprobs == "none"


def test_constrained_scores_are_renormalised_and_say_so():
    with serving(Dialect(labels="constrained")) as server:
        request = Request("r", "score_labels", (Message("user", "?"),), options=("A", "B"))
        found = ask(backend(server.url), [request])["r"]
    assert found.logprobs_kind == "constrained"
    assert [math.exp(score) for score in found.option_logprobs] == pytest.approx([4 / 7, 3 / 7])


def test_a_label_outside_the_list_is_censored_not_zero():
    with serving(Dialect(labels="censored", listed=2)) as server:
        request = Request("r", "score_labels", (Message("user", "?"),), options=("A", "B", "C"))
        found = ask(backend(server.url), [request])["r"]
    assert found.option_logprobs[:2] == pytest.approx([math.log(0.4), math.log(0.3)])
    assert found.option_logprobs[2] is None


def test_sampling_parameters_arrive_and_nothing_else_does():
    sampling = Sampling(max_tokens=7, temperature=0.5, top_p=0.9, seed=3, stop=("\n",), n=2)
    with serving() as server:
        request = Request("secret-id", messages=(Message("user", '1. Yes\n{"'),), sampling=sampling)
        found = ask(backend(server.url), [request])["secret-id"]
        body = server.asked[0]
    assert len(found.texts) == 2
    assert body == {
        "model": MODEL,
        "messages": [{"role": "user", "content": '1. Yes\n{"'}],
        "max_tokens": 7,
        "temperature": 0.5,
        "top_p": 0.9,
        "seed": request.draw_seed,
        "stop": ["\n"],
        "n": 2,
    }


def test_every_repeat_draws_with_a_seed_of_its_own(tmp_path, plan_of):
    plan = plan_of(method="sampling", steer=("none",), questions=("Q1", "Q2"), repeats=5)
    seeds = []
    for name in "ab":
        with serving() as server:
            run_study(plan, backend(server.url), tmp_path / name)
            seeds.append(sorted(body["seed"] for body in server.asked))
    assert seeds[0] == seeds[1]
    assert len(set(seeds[0])) == 10
    assert all(0 <= seed < 2**31 for seed in seeds[0])


def test_every_fault_is_met_and_got_over():
    tries = [(fault,) for fault in FAULTS] + [("500", "drop", "429"), ()]
    with serving() as server, spoiling(server.url, tries) as proxy:
        found = ask(backend(proxy.url, timeout=3.0, concurrency=8), chats(len(tries)))
    assert {response.status for response in found.values()} == {"ok"}
    assert set(proxy.met) == set(FAULTS)
    assert sum(proxy.tries.values()) == len(FAULTS) + 3 + len(tries)
    assert set((+proxy.passed).values()) == {1}


def test_a_call_that_never_succeeds_is_an_error_and_ends_no_run():
    with serving() as server, spoiling(server.url, [("500",) * 9, ()]) as proxy:
        found = ask(backend(proxy.url, attempts=3), chats(2))
        assert max(proxy.tries.values()) == 3
    assert sorted(response.status for response in found.values()) == ["error", "ok"]
    assert any("HTTP 500" in response.error for response in found.values())


def test_no_server_and_wrong_key_say_so():
    with pytest.raises(ContractError, match="does not answer as 'tiny'"):
        backend("http://127.0.0.1:9/v1").capabilities()
    wrong = pytest.raises(ContractError, match="the key is not accepted")
    with serving(Dialect(key="right")) as server, wrong:
        backend(server.url, key="sk-of-another-account").capabilities()
    lacking = pytest.raises(ContractError, match=r"none is set.*OPENAI_API_KEY")
    with serving(Dialect(key="right")) as server, lacking:
        backend(server.url).capabilities()


def test_the_rate_is_kept(monkeypatch):
    """Each try gets a slot of its own, 60 s / rate after the one before."""
    waited = []

    async def wait(self, seconds):
        waited.append(round(seconds, 6))

    monkeypatch.setattr(http_run, "time", SimpleNamespace(monotonic=lambda: 1000.0))
    monkeypatch.setattr(http_run.HttpRun, "_sleep", wait)
    with serving() as server:
        asked = backend(server.url, requests_per_minute=1200)
        asked.capabilities()
        waited.clear()
        ask(asked, chats(11))
    assert waited == [round(number * 60 / 1200, 6) for number in range(1, 11)]


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250"}, 0.25),
        ({"retry-after": "-1"}, 0.0),
        ({"retry-after": "99999"}, 300.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0.0),
        ({}, None),
    ],
)
def test_retry_after(headers, seconds):
    assert retry_after_seconds(headers) == seconds


def test_an_exception_of_the_taker_ends_the_run_after_what_is_under_way():
    with serving(Dialect(delay=0.05)) as server:
        asked = backend(server.url, concurrency=4)
        taken = []

        def take(request, response):
            taken.append(request.request_id)
            if len(taken) == 1:
                raise RuntimeError("enough")

        with pytest.raises(RuntimeError, match="enough"):
            asked.run(chats(100), on_response=take)
        assert 1 <= len(taken) <= 4


def test_keys_are_in_no_file_log_or_error(tmp_path, monkeypatch, plan_of, capfd):
    key = "sk-verysecret1234567890"
    monkeypatch.setenv("OPENAI_API_KEY", key)
    plan = plan_of(steer=("none",), questions=("Q1", "Q2"))
    with serving(Dialect(key=key, echo_key=True)) as server:
        run_study(plan, backend(server.url), tmp_path)
        assert all(call["headers"]["authorization"] == f"Bearer {key}" for call in server.seen)
    refused = pytest.raises(ContractError, match="not accepted")
    with serving(Dialect(key="other", echo_key=True)) as server, refused as caught:
        backend(server.url).capabilities()
    in_url = pytest.raises(ContractError, match="may hold no user and password")
    with in_url as also_caught:
        backend(f"http://user:{key}@127.0.0.1:9/v1")
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    said = "".join(capfd.readouterr())
    errors = f"{caught.value} {also_caught.value}"
    for text in (written, errors.encode(), said.encode()):
        assert key.encode() not in text
    assert b"[key removed]" in written


def test_a_run_over_http_writes_what_the_mock_itself_would(tmp_path, plan_of):
    from elicitation.backends.mock import MockBackend

    plan = plan_of(countries=("DEU", "JPN"), questions=("Q1", "Q60", "Q241"))
    with serving(Dialect(character="messy")) as server:
        over_http = run_study(plan, backend(server.url), tmp_path / "http")
    directly = run_study(plan, MockBackend("messy"), tmp_path / "mock")
    for one, other in zip(over_http.files, directly.files, strict=True):
        rows = [file.path.read_text().splitlines()[1:] for file in (one, other)]
        assert rows[0] == rows[1]


def test_budget_stop_and_going_on(tmp_path, plan_of):
    plan = plan_of(steer=("none",), questions=("Q1", "Q2", "Q3", "Q4"))
    with serving() as server:
        first = run_study(plan, backend(server.url), tmp_path, limits=Limits(max_calls=3))
        assert first.progress.made == 3
        assert "--max-calls" in first.progress.stopped
        second = run_study(plan, backend(server.url), tmp_path)
        assert (second.progress.reused, second.progress.made) == (3, 1)
        assert len(server.asked) == 4
    price = Limits(max_cost=1e-9, prompt_price=1.0)
    with serving() as server:
        dear = run_study(plan, backend(server.url, concurrency=1), tmp_path / "b", limits=price)
        assert dear.progress.made == 1


def test_interrupt_keeps_what_came_back(tmp_path, plan_of):
    import os
    import signal

    plan = plan_of(steer=("none",), questions=("alignment",))
    with serving(Dialect(delay=0.05)) as server:

        def stop() -> None:
            while len(server.asked) < 10:  # on a busy machine, too
                time.sleep(0.01)
            os.kill(os.getpid(), signal.SIGINT)

        threading.Thread(target=stop, daemon=True).start()
        with pytest.raises(KeyboardInterrupt, match="stopped by the user"):
            run_study(plan, backend(server.url, concurrency=2), tmp_path)
        with Store(Path(tmp_path) / "calls.sqlite") as store:
            kept = store.counts()["ok"]
        assert 0 < kept < len(plan)
        assert kept == len(server.asked)
        rest = run_study(plan, backend(server.url, concurrency=16), tmp_path)
        assert rest.progress.made == len(plan) - kept
        assert len(server.asked) == len(plan)
