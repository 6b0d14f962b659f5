"""Losses between a model's probabilities of the answers on offer and the shares of people."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

Kind = Literal["cross_entropy", "kl", "w1"]

#: Score of an option that only fills up a batch.
_PADDED = -1e9


def label_scores(logits: Tensor, label_ids: Tensor) -> Tensor:
    """Log-probabilities of label tokens as the next token, over the whole vocabulary.

    Args:
        logits: logits where the reply begins, shape (batch, vocabulary).
        label_ids: token of each label, shape (batch, K), negative where a row has fewer labels.

    Returns:
        Shape (batch, K), in nats; very low where there is no label.
    """
    logprobs = torch.log_softmax(logits.float(), dim=-1)
    scores = logprobs.gather(-1, label_ids.clamp_min(0))
    return scores.masked_fill(label_ids < 0, _PADDED)


def text_scores(logits: Tensor, input_ids: Tensor, is_option: Tensor) -> Tensor:
    """Log-probability of the whole text of each option.

    Args:
        logits: logits of prompts with one option each, shape (batch, K, length, vocabulary).
        input_ids: their tokens, shape (batch, K, length).
        is_option: which tokens belong to the option, shape (batch, K, length).

    Returns:
        Sums of token log-probabilities, shape (batch, K), in nats; very low for a row without a
        token of an option.
    """
    logprobs = torch.log_softmax(logits[..., :-1, :].float(), dim=-1)
    own = logprobs.gather(-1, input_ids[..., 1:, None]).squeeze(-1)
    wanted = is_option[..., 1:]
    scores = (own * wanted).sum(-1)
    return scores.masked_fill(~wanted.any(-1), _PADDED)


def option_loss(
    scores: Tensor,
    shares: Tensor,
    *,
    kind: Kind = "cross_entropy",
    renormalise: bool = True,
    weights: Tensor | None = None,
) -> Tensor:
    """Distance of a model's shares q from people's shares p, averaged over the batch.

    With q = softmax(scores) over the options (or exp(scores) where `renormalise` is off, so that
    probability on anything else costs as well):

    - `cross_entropy`: -sum p log q. At q = p it is the entropy of p, which no model goes below.
    - `kl`: sum p (log p - log q), forward Kullback-Leibler divergence; 0 at q = p. Its gradient is
      that of the cross-entropy.
    - `w1`: sum over the K - 1 cuts of |P - Q| / (K - 1), P and Q being cumulative shares: one minus
      alignment, for ordinal scales whose options stand in the order of the scale.

    Args:
        scores: log-probabilities of the options, shape (batch, K), as `label_scores` gives them.
        shares: shares of people, shape (batch, K), adding up to 1; 0 where an option is padding.
        kind: the distance.
        renormalise: whether the options' probabilities are made to add up to 1. `w1` needs it.
        weights: weight of each row, shape (batch,); None weighs them equally.

    Returns:
        A scalar, in nats or, for `w1`, as a share of the scale's length.

    Raises:
        ValueError: no such kind, shapes that differ, or `w1` without renormalised shares.
    """
    if scores.shape != shares.shape:
        raise ValueError(f"scores {tuple(scores.shape)} and shares {tuple(shares.shape)} differ")
    if kind == "w1" and not renormalise:
        raise ValueError("w1 compares shares that add up to 1: leave renormalise on")
    logq = torch.log_softmax(scores, dim=-1) if renormalise else scores
    per_row = _per_row(logq, shares.to(logq.dtype), scores > _PADDED / 2, kind)
    if weights is None:
        return per_row.mean()
    return (per_row * weights).sum() / weights.sum()


def _per_row(logq: Tensor, shares: Tensor, offered: Tensor, kind: Kind) -> Tensor:
    if kind == "w1":
        gaps = (shares.cumsum(-1) - logq.exp().cumsum(-1)).abs() * offered
        # The last cut of a row's own options is 1 on both sides and adds nothing.
        return gaps.sum(-1) / (offered.sum(-1) - 1).clamp_min(1)
    crossed = -(shares * logq.masked_fill(~offered, 0.0)).sum(-1)
    if kind == "cross_entropy":
        return crossed
    if kind == "kl":
        return crossed + torch.special.xlogy(shares, shares).sum(-1)
    raise ValueError(f"no kind of loss {kind!r}; there are: cross_entropy, kl, w1")
