"""Models with a recurrent state instead of a cache of keys fall back to `padded`, and are exact."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
transformers = pytest.importorskip("transformers")

from elicitation.backends.hf.choosing import ScorerChoice  # noqa: E402
from elicitation.backends.hf.scorers import (  # noqa: E402
    DEFAULT_LIMITS,
    largest_distance,
    scores_of,
)
from elicitation.backends.hf.tokens import Item  # noqa: E402

pytestmark = [
    pytest.mark.models,
    pytest.mark.filterwarnings("ignore"),  # of transformers, about kernels that are not installed
]

VOCABULARY = 300
_SPECIAL = {"vocab_size": VOCABULARY, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
_SIZES = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 4,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}

#: Configuration class and fields of a tiny model.
HYBRIDS: dict[str, tuple[str, dict[str, Any]]] = {
    "jamba": (
        "JambaConfig",
        {
            **_SIZES,
            "num_experts": 2,
            "num_experts_per_tok": 1,
            "attn_layer_period": 2,
            "attn_layer_offset": 1,
            "mamba_d_state": 8,
            "mamba_dt_rank": 4,
        },
    ),
    "lfm2": ("Lfm2Config", {**_SIZES, "layer_types": ["conv", "full_attention"] * 2}),
    "falcon-mamba": (
        "FalconMambaConfig",
        {"hidden_size": 32, "state_size": 8, "num_hidden_layers": 3},
    ),
}


def tiny(name: str) -> Any:
    """A random model whose predictions are far from uniform."""
    kind, fields = HYBRIDS[name]
    torch.manual_seed(0)
    config = getattr(transformers, kind)(**_SPECIAL, **fields)
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for weights in model.parameters():
            if weights.ndim > 1:
                weights.mul_(3.0)
    return model


@pytest.mark.parametrize("name", HYBRIDS)
def test_hybrids_are_scored_in_padded_batches(name: str) -> None:
    rng = np.random.default_rng(0)

    def ids(size: int) -> tuple[int, ...]:
        return tuple(int(i) for i in rng.integers(3, VOCABULARY, size))

    head = ids(70)
    items = [Item(head + ids(10), tuple(ids(size) for size in (1, 3, 5, 2))) for _ in range(3)]
    model = tiny(name)
    choice = ScorerChoice(model, "auto", DEFAULT_LIMITS)
    assert choice.scorer(items) == "padded"
    assert any("The scorer cached was given up" in note for note in choice.notes())
    naive = scores_of(model, items, scorer="naive")
    assert largest_distance(scores_of(model, items, scorer="padded"), naive) < 1e-4
    assert min(min(row) for row in naive) < -10, "the models are too uniform to tell errors"
