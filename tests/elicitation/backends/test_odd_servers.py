"""Servers that differ from the usual one: parameters, bodies, ends of replies, refusals."""

from __future__ import annotations

import json

import pytest
from odd_server import SHARES, chat, is_probe, odd, refusing

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from elicitation.backends.base import Message, Request, Sampling
from elicitation.backends.openai.http import OpenAIBackend
from elicitation.backends.registry import BackendOptions
from elicitation.run.session import run_study

SAMPLING = Sampling(max_tokens=50, temperature=0.5, seed=3, stop=("END",))


def backend(url: str, **options) -> OpenAIBackend:
    """A model of such a server; nothing waits long."""
    given = {"attempts": 3, "extra": {"first_wait": 0.01}, **options}
    return OpenAIBackend("odd", BackendOptions(base_url=url, **given))


def ask(asked: OpenAIBackend, *, count: int = 1, sampling: Sampling = SAMPLING):
    """Responses to so many chats."""
    requests = [
        Request(str(i), messages=(Message("user", f"{i}?"),), sampling=sampling)
        for i in range(count)
    ]
    found = {}
    asked.run(requests, on_response=lambda request, r: found.update({request.request_id: r}))
    return [found[str(i)] for i in range(count)]


def test_the_other_name_of_the_token_limit_is_taken_and_remembered():
    behave = refusing("max_tokens", how="openai", among=lambda body: "max_tokens" in body)
    with odd(behave) as server:
        asked = backend(server.url, concurrency=1)
        found = ask(asked, count=3)
    assert [response.texts for response in found] == [(SHARES,)] * 3
    assert [body["max_completion_tokens"] for body in server.asked] == [50] * 3
    assert asked.environment()["parameters"] == {"max_tokens": "max_completion_tokens"}


def test_a_bound_of_the_token_limit_is_an_error_not_another_name():
    said = {"error": {"message": "max_tokens is too large: 50. Supports at most 8 tokens"}}
    with odd(lambda body: chat() if is_probe(body) else (400, said)) as server:
        (found,) = ask(backend(server.url))
    assert found.status == "error"
    assert "max_tokens is too large" in found.error
    assert len(server.asked) == 1


@pytest.mark.parametrize("how", ["openai", "mistral", "litellm", "words"])
@pytest.mark.parametrize("name", ["temperature", "seed", "stop"])
def test_a_parameter_that_is_refused_is_left_out_and_noted(how, name):
    behave = refusing(name, how=how, among=lambda body: name in body)
    with odd(behave) as server:
        asked = backend(server.url, concurrency=1)
        found = ask(asked, count=2)
    assert [response.status for response in found] == ["ok", "ok"]
    assert asked.environment()["parameters"] == {"dropped": [name]}
    kept = {"temperature", "seed", "stop"} - {name}
    assert all(kept <= set(body) and name not in body for body in server.asked[-2:])
    assert len([body for body in server.bodies if name in body]) == 1


def test_a_stop_text_that_the_server_does_not_take_ends_the_reply_here():
    def behave(body):
        if "stop" in body:
            return 400, {"error": {"message": "Unsupported parameter: 'stop'", "param": "stop"}}
        return chat("yes END and more")

    with odd(behave) as server:
        (found,) = ask(backend(server.url))
    assert found.texts == ("yes ",)


def test_predictions_say_which_parameters_were_really_used(tmp_path, plan_of):
    plan = plan_of(method="verbalized", steer=("none",), questions=("Q1",))
    behave = refusing("temperature", how="openai", among=lambda body: "temperature" in body)
    with odd(behave) as server:
        session = run_study(plan, backend(server.url), tmp_path)
    decoding = read_predictions(session.files[0].path).meta.decoding
    assert decoding["temperature"] is None
    assert decoding["dropped"] == ["temperature"]
    assert decoding["max_tokens"] == 256


def test_the_body_of_a_refusal_is_shown():
    with odd(lambda body: chat() if is_probe(body) else (400, {"odd": "no tools here"})) as server:
        (found,) = ask(backend(server.url))
    assert "no tools here" in found.error


PARTS = [{"type": "thinking", "thinking": [{"type": "text", "text": "1: 99"}]},
         {"type": "text", "text": '{"1": 60,'}, {"type": "text", "text": ' "2": 40}'}]  # fmt: skip


def test_a_reply_in_parts_is_their_text_without_the_thinking():
    with odd(lambda _: chat(PARTS)) as server:
        (found,) = ask(backend(server.url))
    assert found.texts == ('{"1": 60, "2": 40}',)


FAILED = {
    "choices-error": {"choices": [{"error": {"code": 502}, "message": {"content": "half"}}]},
    "finish-error": chat("half", reason="error"),
    "finish-abort": chat("half", reason="abort"),
    "no-message": {"choices": [{"finish_reason": "stop"}]},
    "error-alone": {"error": {"message": "overloaded"}},
}


@pytest.mark.parametrize("name", FAILED)
def test_a_failure_inside_http_200_is_tried_again(name):
    tries = []

    def behave(body):
        if is_probe(body):
            return chat()
        tries.append(body)
        return FAILED[name] if len(tries) < 3 else chat()

    with odd(behave) as server:
        (found,) = ask(backend(server.url))
    assert (found.status, found.texts, len(tries)) == ("ok", (SHARES,), 3)


@pytest.mark.parametrize("name", FAILED)
def test_a_failure_inside_http_200_is_never_an_answer(name):
    with odd(lambda body: chat() if is_probe(body) else FAILED[name]) as server:
        (found,) = ask(backend(server.url))
    assert found.status == "error"
    assert not found.texts


@pytest.mark.parametrize(
    ("reason", "status"),
    [
        ("stop", "ok"), ("length", "truncated"), ("max_tokens", "truncated"),
        ("MAX_TOKENS", "truncated"), ("SAFETY", "refused"), ("content_filter", "refused"),
        ("refusal", "refused"), (None, "ok"),
    ],
)  # fmt: skip
def test_ends_of_replies(reason, status):
    with odd(lambda body: chat() if is_probe(body) else chat(reason=reason)) as server:
        (found,) = ask(backend(server.url))
    assert found.status == status


def test_no_credit_ends_the_run():
    said = {"error": {"message": "Insufficient credits"}}
    with odd(lambda body: chat() if is_probe(body) else (402, said)) as server:
        asked = backend(server.url, concurrency=1)
        with pytest.raises(ContractError, match=r"no credit left.*Insufficient credits"):
            ask(asked, count=5)
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (403, {"error": {"message": "Input was flagged", "metadata": {"reasons": ["violence"]}}}),
        (400, {"error": {"code": "content_filter", "message": "filtered by our policy"}}),
        (400, {"error": {"innererror": {"code": "ResponsibleAIPolicyViolation"}}}),
    ],
)
def test_a_filter_refuses_one_prompt_and_ends_no_run(status, said):
    def behave(body):
        first = not is_probe(body) and body["messages"][0]["content"] == "0?"
        return (status, said) if first else chat()

    with odd(behave) as server:
        found = ask(backend(server.url), count=3)
    assert [response.status for response in found] == ["refused", "ok", "ok"]
    assert f"HTTP {status}" in found[0].error


def test_a_withheld_prompt_is_a_refusal_in_the_predictions(tmp_path, plan_of):
    plan = plan_of(method="verbalized", steer=("none",), questions=("Q1", "Q2"))
    said = {"error": {"code": "content_filter"}}
    with odd(lambda body: chat() if is_probe(body) else (400, said)) as server:
        (file,) = run_study(plan, backend(server.url), tmp_path).files
    assert file.statuses == {"refused": 2}
    cells = read_predictions(file.path).cells
    assert cells.column("status").to_pylist() == ["refused", "refused"]


@pytest.mark.parametrize(
    ("usage", "counts"),
    [
        ({"prompt_tokens": "12", "completion_tokens": "7"}, (12, 7)),
        ({"prompt_tokens": None, "completion_tokens": "many"}, (None, None)),
        ("none", (None, None)),
    ],
)
def test_odd_counts_of_tokens(usage, counts):
    with odd(lambda _: chat() | {"usage": usage}) as server:
        (found,) = ask(backend(server.url))
    assert (found.prompt_tokens, found.completion_tokens) == counts


def test_a_server_that_always_streams_is_read():
    def event(**fields):
        return "data: " + json.dumps(fields) + "\n\n"

    stream = (
        event(choices=[{"index": 0, "delta": {"role": "assistant"}}])
        + event(choices=[{"index": 0, "delta": {"content": '{"1": 60,'}}])
        + event(choices=[{"index": 0, "delta": {"content": ' "2": 40}'}, "finish_reason": "stop"}])
        + event(choices=[], usage={"prompt_tokens": 5, "completion_tokens": 9})
        + "data: [DONE]\n\n"
    )
    with odd(lambda _: stream) as server:
        (found,) = ask(backend(server.url))
    assert (found.status, found.texts) == ("ok", ('{"1": 60, "2": 40}',))
    assert found.completion_tokens == 9


@pytest.mark.parametrize(
    ("more", "note"),
    [
        ({"reasoning_content": 'Let me see. {"1": 60, "2": 40}'}, "only-thinking"),
        ({"reasoning": "Let me see."}, "only-thinking"),
        ({"tool_calls": [{"function": {"name": "answer"}}]}, "tool-calls"),
    ],
)
def test_an_empty_reply_says_where_the_answer_sat(tmp_path, plan_of, more, note):
    plan = plan_of(method="verbalized", steer=("none",), questions=("Q1",), reask=False)
    with odd(lambda body: chat() if is_probe(body) else chat(None, **more)) as server:
        (file,) = run_study(plan, backend(server.url), tmp_path).files
    assert file.statuses["invalid"] == 1
    assert file.notes[note] == 1


def test_no_server_there_and_no_such_name_are_told_apart_at_once():
    with pytest.raises(
        ContractError, match=r"nothing listens at 127\.0\.0\.1:9 .connection refused"
    ):
        backend("http://127.0.0.1:9/v1").capabilities()
    with pytest.raises(ContractError, match=r"known by the name nowhere\.invalid"):
        backend("http://nowhere.invalid/v1").capabilities()


def test_a_passing_failure_of_a_probe_ends_the_start_with_that_failure():
    told = pytest.raises(ContractError, match=r"HTTP 503.*still loading.*nothing is lost")
    with odd(lambda _: (503, {"error": {"message": "still loading"}})) as server, told:
        backend(server.url).capabilities()


def test_a_run_goes_on_after_a_probe_that_failed(tmp_path, plan_of):
    """Answers that were kept are found again however the probe of label scores ends."""
    plan = plan_of(method="verbalized", steer=("none",), questions=("Q1", "Q2", "Q3"))
    state = {"down": False}

    def behave(body):
        down = state["down"] and "logprobs" in body
        return (500, {"error": {"message": "no"}}) if down else chat()

    with odd(behave) as server:
        run_study(plan, backend(server.url), tmp_path)
        made = len(server.asked)
        state["down"] = True
        again = run_study(plan, backend(server.url), tmp_path)
    assert (again.progress.made, again.progress.reused, len(server.asked)) == (0, 3, made)
