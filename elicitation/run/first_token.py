"""What a model says first, looked at once before labels or options are scored."""

from __future__ import annotations

from dataclasses import replace

from contracts.errors import fail
from elicitation.backends.base import Backend, Request, Response, Sampling
from elicitation.backends.thinking import REMEDY, begins_thinking
from elicitation.prompts.plan import Plan
from elicitation.run.store import Store

#: Fact of a store: what the model said first, and to which call.
FIRST_TOKEN_FACT = "first_token"  # noqa: S105 - a token of a text

#: Tokens of the reply that is looked at: a tag such as <think> may be several.
_TOKENS = 8

#: Characters of it that are kept.
_EXCERPT_CHARACTERS = 80


def check_first_token(plan: Plan, backend: Backend, store: Store) -> None:
    """Let the model reply to the study's longest prompt, and refuse one that begins to think.

    Scores of labels and of options are those of the first token of a reply. The reply is noted in
    the store, and asked for once only; a failed call says nothing, and is passed over.

    Raises:
        ContractError: the reply begins with thinking.
    """
    if store.fact(FIRST_TOKEN_FACT) is not None or not len(plan):
        return
    call = plan.longest_call()
    request = replace(
        call.request,
        request_id="first-token",
        kind="generate",
        options=(),
        sampling=Sampling(max_tokens=_TOKENS),
    )
    replies: list[Response] = []

    def keep(_: Request, response: Response) -> None:
        replies.append(response)

    backend.run([request], on_response=keep)
    if not replies or replies[0].status == "error":
        return
    reply_text = replies[0].texts[0] if replies[0].texts else ""
    if begins_thinking(reply_text, replies[0].raw):
        raise fail(
            "thinks-first",
            "this model thinks before it answers, so the first token that is scored belongs to "
            "its thoughts",
            where=call.item.item_id,
            found=repr(reply_text[:_EXCERPT_CHARACTERS])
            if reply_text
            else "a reply in the field for thinking",
            column="--thinking",
            hint=REMEDY,
        )
    store.set_fact(
        FIRST_TOKEN_FACT, {"item": call.item.item_id, "said": reply_text[:_EXCERPT_CHARACTERS]}
    )
