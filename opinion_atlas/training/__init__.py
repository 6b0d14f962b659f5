"""Training on survey answers: rows, a loss over the answers on offer, rewards.

Importing this package loads neither torch nor datasets; each name is imported when it is used.

- `rows`, `dataset`: training rows of a release, one by one, without a file in between.
- `option_loss`, `label_scores`, `text_scores`: losses between a model's shares and the people's.
- `OptionCollator`, `OptionTrainer`: batches of `soft` rows, and a trainer with that loss.
- `share_reward`: a reward for TRL's GRPO trainer.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

_PLACES = {
    "OptionCollator": "collator",
    "OptionTrainer": "trainer",
    "dataset": "streams",
    "label_scores": "losses",
    "option_loss": "losses",
    "rows": "streams",
    "share_reward": "rewards",
    "text_scores": "losses",
}

__all__ = [
    "OptionCollator",
    "OptionTrainer",
    "dataset",
    "label_scores",
    "option_loss",
    "rows",
    "share_reward",
    "text_scores",
]


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
