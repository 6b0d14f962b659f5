"""Models that think before they answer: options that switch it, and signs that it happens."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from contracts.errors import fail
from elicitation.backends.registry import BackendOptions

#: Names under which chat templates know the switch; a template ignores those it does not know.
_SWITCHES = ("enable_thinking", "thinking")

#: What opens a thinking block, and what closes one.
_OPENS = re.compile(r"<think(?:ing)?>|\[THINK\]|<\|channel\|>\s*analysis|<seed:think>|◁think▷")
_CLOSES = re.compile(r"</think(?:ing)?>|\[/THINK\]|<\|channel\|>\s*final|</seed:think>|◁/think▷")

#: What a chat template mentions whose model can think.
_MENTIONS = re.compile(r"enable_thinking|reasoning_effort|\bthinking\b|" + _OPENS.pattern)

#: Fields of a reply's message in which servers put the thinking.
THINKING_FIELDS = ("reasoning_content", "reasoning", "thinking")

#: What to do where a model thinks before the first token that is scored.
REMEDY = (
    "Take --thinking off where the model has such a switch, or a method that reads whole replies "
    "(--method verbalized or sampling, with a higher --max-tokens)."
)


def template_options(options: BackendOptions) -> dict[str, Any]:
    """Arguments of the chat template: those given one by one, and the switch of thinking.

    Raises:
        ContractError: one is not written KEY=VALUE.
    """
    arguments: dict[str, Any] = dict(options.extra.get("template_options", {}))
    for pair in options.template_option:
        key, equals, text = pair.partition("=")
        if not equals or not key.isidentifier():
            raise fail(
                "bad-template-option",
                "an argument of the chat template is written KEY=VALUE",
                column="--template-option",
                found=repr(pair),
                allowed="for instance enable_thinking=false",
            )
        arguments[key] = _literal(text)
    if options.thinking != "default":
        arguments = dict.fromkeys(_SWITCHES, options.thinking == "on") | arguments
    return arguments


def hf_template_options(options: BackendOptions) -> dict[str, Any]:
    """The same for a local model, whose template takes the effort as well."""
    arguments = template_options(options)
    if options.reasoning_effort:
        arguments = {"reasoning_effort": options.reasoning_effort} | arguments
    return arguments


def _literal(text: str) -> Any:
    """A JSON value where the text is one, else the text itself."""
    try:
        return json.loads(text)
    except ValueError:
        return text


def extra_body(options: BackendOptions) -> dict[str, Any]:
    """Further fields of every request to a server.

    Raises:
        ContractError: the text is no JSON object.
    """
    if not options.extra_body:
        return {}
    try:
        parsed = json.loads(options.extra_body)
    except ValueError:
        parsed = None
    if not isinstance(parsed, dict):
        raise fail(
            "bad-extra-body",
            "further fields of a request are a JSON object",
            column="--extra-body",
            found=repr(options.extra_body[:80]),
            allowed='for instance {"top_k": 20}',
        )
    return parsed


def request_fields(options: BackendOptions) -> dict[str, Any]:
    """What a chat request to a server holds besides: template arguments, effort, extra fields."""
    fields: dict[str, Any] = {}
    if arguments := template_options(options):
        fields["chat_template_kwargs"] = arguments
    if options.reasoning_effort:
        fields["reasoning_effort"] = options.reasoning_effort
    return fields | extra_body(options)


def thinking_facts(options: BackendOptions) -> dict[str, Any]:
    """What of these options decides the answers; nothing where all have their defaults."""
    facts: dict[str, Any] = {}
    if options.thinking != "default":
        facts["thinking"] = options.thinking
    if options.reasoning_effort:
        facts["reasoning_effort"] = options.reasoning_effort
    if arguments := template_options(options):
        facts["template_options"] = arguments
    if body := extra_body(options):
        facts["extra_body"] = body
    return facts


def template_thinks(source: str, generation_prompt: str, *, thinking: str) -> bool:
    """Whether a model may think first, as far as its chat template tells.

    Args:
        source: the template.
        generation_prompt: what it puts before a reply, under the options that are used.
        thinking: on, off or default, as the user asks for.
    """
    opened, closed = _last(_OPENS, generation_prompt), _last(_CLOSES, generation_prompt)
    if opened > closed:
        return True
    if closed >= 0 or thinking == "off":
        return False
    return bool(_MENTIONS.search(source))


def _last(pattern: re.Pattern[str], text: str) -> int:
    return max((match.start() for match in pattern.finditer(text)), default=-1)


def begins_thinking(text: str, raw: Mapping[str, Any]) -> bool:
    """Whether a reply begins with thinking, in its text or in a field of its message."""
    if _OPENS.match(text.lstrip()):
        return True
    return any(reply_field(raw, name) for name in THINKING_FIELDS)


def reply_field(raw: Mapping[str, Any], name: str) -> Any:
    """A field of the first choice's message, None where there is none."""
    choices = raw.get("choices")
    first = choices[0] if isinstance(choices, list) and choices else None
    message = first.get("message") if isinstance(first, Mapping) else None
    return message.get(name) if isinstance(message, Mapping) else None
