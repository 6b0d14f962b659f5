"""Models that think first: how their templates tell, and what the options send."""

from __future__ import annotations

import pytest
from odd_server import SHARES, chat, is_probe, odd

from contracts.errors import ContractError
from contracts.predictions.read import read_predictions
from elicitation.backends.base import Capabilities
from elicitation.backends.openai.http import OpenAIBackend
from elicitation.backends.registry import BackendOptions
from elicitation.backends.thinking import (
    begins_thinking,
    request_fields,
    template_options,
    template_thinks,
    thinking_facts,
)
from elicitation.run.session import check_capabilities, run_study

QWEN3 = (
    "{% if add_generation_prompt %}<|im_start|>assistant\n"
    "{% if enable_thinking is defined and enable_thinking is false %}<think>\n\n</think>\n\n"
    "{% endif %}{% endif %}"
)


@pytest.mark.parametrize(
    ("source", "prompt", "thinking", "thinks"),
    [
        ("<|user|>{{ m }}<|assistant|>", "<|assistant|>", "default", False),
        (QWEN3, "<|im_start|>assistant\n", "default", True),
        (QWEN3, "<|im_start|>assistant\n<think>\n\n</think>\n\n", "off", False),
        (QWEN3, "<|im_start|>assistant\n", "on", True),
        # R1 opens the block whatever it is told; DeepSeek 3.1 closes one that was never opened.
        ("...{{ '<think>\n' }}", "<|Assistant|><think>\n", "off", True),
        ("{% if thinking %}", "<|Assistant|></think>", "off", False),
        ("{% if thinking %}", "<|assistant|>", "off", False),
        ("Reasoning: {{ reasoning_effort }}", "<|start|>assistant", "default", True),
        ("[SYSTEM_PROMPT][THINK]", "[/INST]", "default", True),
    ],
)
def test_what_templates_tell(source, prompt, thinking, thinks):
    assert template_thinks(source, prompt, thinking=thinking) is thinks


def test_options_reach_template_and_server():
    options = BackendOptions(
        thinking="off",
        reasoning_effort="low",
        template_option=("thinking=true", "custom_instructions=Be brief.", "budget=3"),
        extra_body='{"top_k": 20}',
    )
    arguments = {
        "enable_thinking": False,
        "thinking": True,
        "custom_instructions": "Be brief.",
        "budget": 3,
    }
    assert template_options(options) == arguments
    assert request_fields(options) == {
        "chat_template_kwargs": arguments,
        "reasoning_effort": "low",
        "top_k": 20,
    }
    assert thinking_facts(options)["thinking"] == "off"
    assert thinking_facts(BackendOptions()) == {}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"template_option": ("enable_thinking",)}, "KEY=VALUE"),
        ({"template_option": ("a b=1",)}, "KEY=VALUE"),
        ({"extra_body": "[1]"}, "a JSON object"),
        ({"extra_body": "{top_k: 1}"}, "a JSON object"),
    ],
)
def test_options_of_a_wrong_form(options, words):
    with pytest.raises(ContractError, match=words):
        thinking_facts(BackendOptions(**options))


def test_beginnings_of_replies():
    assert begins_thinking("\n<think>Let me", {})
    assert begins_thinking("<|channel|>analysis<|message|>We", {})
    assert begins_thinking("", chat("", reasoning_content="Let me"))
    assert not begins_thinking("A", chat("A", reasoning_content=None))
    assert not begins_thinking("I think so", {})


@pytest.mark.parametrize("method", ["label_likelihood", "option_likelihood"])
def test_scores_of_a_thinking_model_are_refused_with_the_remedy(plan_of, method):
    able = Capabilities(option_logprobs="exact", label_logprobs="exact", thinks=True)
    with pytest.raises(ContractError, match=r"may think before it answers.*--thinking off"):
        check_capabilities(plan_of(method=method, steer=("none",)).study, able)
    check_capabilities(plan_of(method="verbalized", steer=("none",)).study, able)
    check_capabilities(plan_of(chat=False, method=method, steer=("none",)).study, able)


def backend(url: str, **options) -> OpenAIBackend:
    """A model at a server."""
    given = BackendOptions(base_url=url, extra={"first_wait": 0.01}, **options)
    return OpenAIBackend("odd", given)


def labels(body):
    """A server with lists of likely tokens, whose model thinks unless it is told not to."""
    off = body.get("chat_template_kwargs", {}).get("enable_thinking") is False
    if body.get("logprobs"):
        best = {"A": -0.5, "B": -1.2} if off else {"<think>": -1e-5, "A": -12.0, "B": -13.0}
        tops = [{"token": token, "logprob": score} for token, score in best.items()]
        answer = chat(tops[0]["token"], reason="length")
        answer["choices"][0]["logprobs"] = {"content": [{**tops[0], "top_logprobs": tops}]}
        return answer
    if is_probe(body):
        return chat("A", reason="length")
    return chat("A" if off else "<think>\nOkay, the user", reason="length")


def test_a_server_whose_model_begins_to_think_is_refused(tmp_path, plan_of):
    plan = plan_of(method="label_likelihood", steer=("none",), questions=("Q235",))
    thinks = pytest.raises(ContractError, match=r"thinks before it answers.*<think>.*--thinking")
    with odd(labels) as server, thinks:
        run_study(plan, backend(server.url), tmp_path)


def test_thinking_switched_off_is_in_the_key_and_the_predictions(tmp_path, plan_of):
    plan = plan_of(
        method="label_likelihood", steer=("none",), questions=("Q171",), min_label_mass=0.0
    )
    with odd(labels) as server:
        session = run_study(plan, backend(server.url, thinking="off"), tmp_path / "off")
        with pytest.raises(ContractError, match="a run with another backend"):
            run_study(plan, backend(server.url, thinking="on"), tmp_path / "off")
    meta = read_predictions(session.files[0].path).meta
    assert meta.decoding["thinking"] == "off"
    assert meta.extra["backend"]["template_options"] == {
        "enable_thinking": False,
        "thinking": False,
    }


def test_a_reply_after_a_thinking_field_is_read(tmp_path, plan_of):
    plan = plan_of(method="verbalized", steer=("none",), questions=("Q1",))
    reply = chat(SHARES.replace("40", '20, "3": 15, "4": 5'), reasoning_content="Let me see.")
    with odd(lambda _: reply) as server:
        (file,) = run_study(plan, backend(server.url), tmp_path).files
    assert file.statuses["ok"] == 1
