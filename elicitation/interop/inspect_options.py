"""Probabilities of answers that inspect_ai does not generate: those of the prompt's own tokens.

Servers such as vLLM return the log-probability of every token of a prompt (`prompt_logprobs`).
An answer that stands at the end of the prompt is scored by the tokens that it adds to it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from inspect_ai.model import (
    ChatMessage,
    ChatMessageAssistant,
    ChatMessageSystem,
    ChatMessageUser,
    GenerateConfig,
    Model,
)
from inspect_ai.model import Logprob as TokenLogprob

from contracts.errors import fail

#: Says to a server that the last message is to be continued, not answered.
_CONTINUE = {"add_generation_prompt": False, "continue_final_message": True}


async def option_logprobs(
    model: Model, system: Sequence[str], prompt: str, options: Sequence[str], *, chat: bool
) -> list[float]:
    """Log-probability of each option as the continuation of a prompt.

    l_k = sum over the tokens that prompt and option have beyond the prompt alone, as
    lm-evaluation-harness counts them.

    Args:
        model: a model whose server returns `prompt_logprobs`.
        system: system messages before the prompt (of a chat).
        prompt: the prompt; of a chat, the user's message.
        options: the options.
        chat: whether the chat template is applied, the option being the assistant's message;
            else prompt and option are one text, and the model has to be one of a text
            completion end point (`vllm-completions/`, `openai-api-completions/`).

    Raises:
        ContractError: the server returns no such probabilities, or its chat template changes
            the answer.
    """
    context = await _prompt_tokens(model, _messages(system, prompt, "", chat=chat), chat=False)
    logprobs = []
    for option in options:
        asked = _messages(system, prompt, option, chat=chat)
        whole = await _prompt_tokens(model, asked, chat=chat)
        tail = whole[len(context) :]
        _check_tail(model, tail, option)
        logprobs.append(math.fsum(token.logprob for token in tail))
    return logprobs


def _messages(system: Sequence[str], prompt: str, option: str, *, chat: bool) -> list[ChatMessage]:
    if not chat:
        return [ChatMessageUser(content=prompt + option)]
    before = [ChatMessageSystem(content=text) for text in system]
    turns: list[ChatMessage] = [*before, ChatMessageUser(content=prompt)]
    return [*turns, ChatMessageAssistant(content=option)] if option else turns


async def _prompt_tokens(
    model: Model, messages: list[ChatMessage], *, chat: bool
) -> list[TokenLogprob]:
    """The prompt's tokens with their log-probabilities.

    Args:
        model: the model.
        messages: the messages.
        chat: whether the last message is an answer to be continued.
    """
    # What is generated is thrown away, so nothing is said of how it is drawn.
    config = GenerateConfig(max_tokens=1, prompt_logprobs=1, extra_body=_CONTINUE if chat else None)
    output = await model.generate(messages, config=config)
    choice = output.choices[0] if output.choices else None
    if choice is None or choice.prompt_logprobs is None or not choice.prompt_logprobs.content:
        raise fail(
            "no-prompt-logprobs",
            "the model gives no probabilities of its prompt, by which whole answers are scored",
            where=str(model),
            allowed="vllm/, vllm-completions/, openai-api/ or openai-api-completions/ with a "
            "server that has prompt_logprobs, such as vLLM",
            hint="Take --to lm-eval, or a method that reads a reply.",
        )
    return list(choice.prompt_logprobs.content)


def _check_tail(model: Model, tail: Sequence[TokenLogprob], option: str) -> None:
    """That what was scored ends as the option does: templates may trim what they are given."""
    text = "".join(token.token for token in tail)
    if tail and (not option.endswith("\n") or text.endswith(("\n", "\u010a"))):
        return
    raise fail(
        "template-trims",
        "the chat template changes the answer that is scored",
        where=str(model),
        found=repr(text),
        allowed=repr(option),
        hint="Export with --terminator none.",
    )
