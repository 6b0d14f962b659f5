"""A trainer whose loss is the distance between the model's answer shares and people's."""

from __future__ import annotations

from typing import Any

import torch
from transformers import Trainer

from opinion_atlas.training.losses import Kind, label_scores, option_loss


class OptionTrainer(Trainer):  # type: ignore[misc]
    """`transformers.Trainer` with `option_loss` on batches of `OptionCollator`.

    Set `remove_unused_columns=False` in its arguments: the collator needs the rows' texts.

    Args:
        kind: see `option_loss`.
        renormalise: see `option_loss`.
    """

    def __init__(
        self, *args: Any, kind: Kind = "cross_entropy", renormalise: bool = True, **options: Any
    ) -> None:
        super().__init__(*args, **options)
        self._kind, self._renormalise = kind, renormalise

    def compute_loss(
        self,
        model: Any,
        inputs: dict[str, torch.Tensor],
        return_outputs: bool = False,
        **_: Any,
    ) -> Any:
        """Loss of a batch; only the logits where the replies begin are computed."""
        mask = inputs["attention_mask"]
        places = (mask.cumsum(-1) - 1).clamp_min(0)
        outputs = model(
            input_ids=inputs["input_ids"],
            attention_mask=mask,
            position_ids=places,
            use_cache=False,
            logits_to_keep=1,
        )
        scores = label_scores(outputs.logits[:, -1], inputs["label_ids"])
        loss = option_loss(scores, inputs["shares"], kind=self._kind, renormalise=self._renormalise)
        return (loss, outputs) if return_outputs else loss
