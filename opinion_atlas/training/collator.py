"""Batches of `soft` rows: token ids, label tokens and target shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from elicitation.backends.base import Message, Request
from elicitation.backends.hf.tokens import Encoder


class OptionCollator:
    """Turns rows of the table `soft` into a batch for `OptionTrainer`.

    Prompts become tokens by the code that `elicit hf:` asks by: the chat template where the
    tokenizer has one, plain text otherwise. They are padded on the left, so that every reply
    begins behind the last position.

    Args:
        tokenizer: a tokenizer of transformers.
        template_options: further arguments of the chat template.

    Raises:
        ValueError: on a row whose labels are not one token each.
    """

    def __init__(
        self, tokenizer: Any, *, template_options: Mapping[str, Any] | None = None
    ) -> None:
        self._encoder = Encoder(tokenizer, template_options=template_options)
        pad_id = tokenizer.pad_token_id
        self._pad = tokenizer.eos_token_id if pad_id is None else pad_id

    def __call__(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, torch.Tensor]:
        """`input_ids`, `attention_mask`, `label_ids` (-100: no option), `shares`, `n_eff`."""
        items = [self.tokens(row["prompt"], [o["label"] for o in row["options"]]) for row in rows]
        length = max(len(context) for context, _ in items)
        width = max(len(labels) for _, labels in items)
        lacking = [length - len(context) for context, _ in items]
        return {
            "input_ids": torch.tensor(
                [[self._pad] * n + context for n, (context, _) in zip(lacking, items, strict=True)]
            ),
            "attention_mask": torch.tensor([[0] * n + [1] * (length - n) for n in lacking]),
            "label_ids": torch.tensor([ids + [-100] * (width - len(ids)) for _, ids in items]),
            "shares": torch.tensor(
                [[*row["shares"], *[0.0] * (width - len(row["shares"]))] for row in rows]
            ),
            "n_eff": torch.tensor([float(row.get("n_eff") or 0.0) for row in rows]),
        }

    def tokens(self, prompt: str, labels: Sequence[str]) -> tuple[list[int], list[int]]:
        """Tokens of a prompt and of each label behind it."""
        chat = self._encoder.has_chat
        request = Request(
            request_id="",
            kind="score_labels",
            messages=(Message("user", prompt),) if chat else (),
            prompt="" if chat else prompt,
            options=tuple(labels if chat else (f" {label}" for label in labels)),
        )
        item = self._encoder.label_item(request).item
        if any(len(option) > 1 for option in item.options):
            raise ValueError(f"the labels {', '.join(labels)} are not one token each")
        return list(item.context), [option[0] for option in item.options]
