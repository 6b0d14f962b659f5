"""Replies in batches; what is drawn for one request does not depend on the others."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from transformers import LogitsProcessor, LogitsProcessorList

from elicitation.backends.base import Sampling
from elicitation.backends.hf.forward import input_device
from elicitation.backends.hf.tokens import Ids


class Draw(NamedTuple):
    """One reply to be drawn.

    Attributes:
        owner: index of its request.
        context: ids of the context.
        sampling: how it is drawn.
        seed: seed of this draw; None for one that need not be repeatable.
    """

    owner: int
    context: Ids
    sampling: Sampling
    seed: int | None


class Reply(NamedTuple):
    """One reply.

    Attributes:
        ids: its ids, without what ended it.
        text: its text, up to a stop text.
        ended: whether it came to its end, before or at `max_tokens`.
    """

    ids: Ids
    text: str
    ended: bool


def draws_of(owner: int, context: Ids, sampling: Sampling, *, seed: int | None) -> list[Draw]:
    """The replies of one request: all alike where they are greedy.

    Args:
        owner: index of the request.
        context: ids of its context.
        sampling: how its replies are drawn.
        seed: the request's own (`Request.draw_seed`): another one for each repeat and context.
    """
    greedy = sampling.temperature == 0
    count = 1 if greedy else sampling.n
    return [Draw(owner, context, sampling, _seed(seed, number)) for number in range(count)]


def _seed(seed: int | None, number: int) -> int | None:
    if seed is None:
        return None
    return int.from_bytes(hashlib.sha256(f"{seed} {number}".encode()).digest()[:8], "big") >> 1


class OwnDraws(LogitsProcessor):  # type: ignore[misc]
    """Adds Gumbel noise from each row's own generator, so that the greatest logit is a draw.

    The index of max_i(log p_i - log e_i), with e_i = -log(u_i), is distributed as p.
    Temperature and top-p come first. A row with temperature 0 is left as it is.
    """

    def __init__(self, draws: Sequence[Draw]) -> None:
        self._draws = draws
        self._generators = [_generator(draw.seed) for draw in draws]

    def __call__(self, input_ids: Any, scores: Any) -> Any:  # noqa: ARG002
        """Scores of shape (rows, vocabulary) with noise."""
        noisy_scores = scores.float()
        for row, draw in enumerate(self._draws):
            if draw.sampling.temperature > 0:
                noisy_scores[row] = self._noisy(noisy_scores[row], row)
        return noisy_scores

    def _noisy(self, scores: Any, row: int) -> Any:
        sampling = self._draws[row].sampling
        scores = scores / sampling.temperature
        if sampling.top_p < 1:
            scores = _within_top_p(scores, sampling.top_p)
        uniform = torch.rand(scores.shape, generator=self._generators[row], dtype=torch.float64)
        tiny = torch.finfo(torch.float64).tiny
        exponential = (-torch.log(uniform.clamp_min(tiny))).clamp_min(tiny)
        return scores - torch.log(exponential).to(scores.device, scores.dtype)


def _generator(seed: int | None) -> torch.Generator:
    generator = torch.Generator()
    if seed is None:
        generator.seed()
    else:
        generator.manual_seed(seed)
    return generator


def _within_top_p(scores: Any, top_p: float) -> Any:
    """The fewest tokens whose probabilities add up to `top_p`; all others are shut out."""
    ordered, order = scores.sort(descending=True)
    before = ordered.softmax(-1).cumsum(-1) - ordered.softmax(-1)
    shut = torch.zeros_like(scores, dtype=torch.bool).scatter(-1, order, before >= top_p)
    return scores.masked_fill(shut, float("-inf"))


@torch.inference_mode()
def generate(model: Any, encoder: Any, draws: Sequence[Draw], *, ends: set[int]) -> list[Reply]:
    """Replies to draws with the same `max_tokens` and `stop`, padded on the left.

    Args:
        model: a causal language model.
        encoder: decodes ids (`elicitation.backends.hf.tokens.Encoder`).
        draws: what to draw.
        ends: ids that end a reply.
    """
    sampling = draws[0].sampling
    pad = min(ends) if ends else 0
    width = max(len(draw.context) for draw in draws)
    ids = torch.full((len(draws), width), pad, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for row, draw in enumerate(draws):
        ids[row, width - len(draw.context) :] = torch.tensor(draw.context)
        mask[row, width - len(draw.context) :] = 1
    device = input_device(model)
    stops: dict[str, Any] = {}
    if sampling.stop:
        stops = {"stop_strings": list(sampling.stop), "tokenizer": encoder.tokenizer}
    out = model.generate(
        input_ids=ids.to(device),
        attention_mask=mask.to(device),
        max_new_tokens=sampling.max_tokens,
        do_sample=False,
        num_beams=1,
        temperature=None,
        top_p=None,
        top_k=None,
        eos_token_id=sorted(ends) or None,
        pad_token_id=pad,
        logits_processor=LogitsProcessorList([OwnDraws(draws)]),
        **stops,
    )
    return [reply_of(encoder, row, sampling, ends) for row in out[:, width:].tolist()]


def reply_of(encoder: Any, ids: list[int], sampling: Sampling, ends: set[int]) -> Reply:
    """The reply that ids make, cut at the first id or stop text that ends it."""
    end = next((i for i, token in enumerate(ids) if token in ends), None)
    reply_ids = ids if end is None else ids[:end]
    text = encoder.decode(reply_ids)
    cuts = [text.index(stop) for stop in sampling.stop if stop in text]
    ended = end is not None or bool(cuts)
    return Reply(tuple(reply_ids), text[: min(cuts)] if cuts else text, ended)
