"""Whether what was loaded is the model that the folder holds, and reads from left to right."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import torch

from contracts.errors import ContractError, fail

#: Names of weights that a message lists.
_LISTED = 5

#: Largest change of an earlier token's log-probabilities by a later token, in nats: with 32 bits,
#: and with 16, where the order of adding up shows.
_CHANGE_32_BIT, _CHANGE_16_BIT = 1e-3, 0.3

#: Ids of the text that is read twice.
_READ = 12

#: Architectures whose weights make no sense as a causal language model, by the end of their name.
_OTHER_HEADS = (
    "ForSequenceClassification",
    "ForTokenClassification",
    "ForQuestionAnswering",
    "ForMaskedLM",
    "ForMultipleChoice",
)


def check_adapter(folder: Path) -> None:
    """Refuse a folder that holds an adapter (PEFT) without the model that it belongs to.

    Raises:
        ContractError: it does.
    """
    about = folder / "adapter_config.json"
    if not about.is_file() or (folder / "config.json").is_file():
        return
    try:
        base = json.loads(about.read_text(encoding="utf-8")).get("base_model_name_or_path")
    except (ValueError, AttributeError, OSError):
        base = None
    raise fail(
        "adapter-alone",
        f"the folder holds an adapter (PEFT) of {base or 'a model that it does not name'}, not a "
        "model",
        where=str(folder),
        hint="Merge it first: PeftModel.from_pretrained(model, folder).merge_and_unload()"
        ".save_pretrained(other), the tokenizer too; then take hf:other.",
    )


def check_weights(name: str, config: Any, info: Mapping[str, Any]) -> None:
    """Refuse a model of which weights are missing or do not fit: random ones stand there instead.

    Args:
        name: the model.
        config: its configuration.
        info: what `from_pretrained` says with `output_loading_info`.

    Raises:
        ContractError: weights are missing, have another shape, or belong to another architecture.
    """
    missing = sorted(map(str, info.get("missing_keys", ())))
    mismatched = sorted(str(_first(key)) for key in info.get("mismatched_keys", ()))
    unexpected = sorted(map(str, info.get("unexpected_keys", ())))
    kinds = [str(kind) for kind in getattr(config, "architectures", None) or ()]
    other = [kind for kind in kinds if kind.endswith(_OTHER_HEADS)]
    encoder = [key for key in unexpected if key.startswith(("encoder.", "model.encoder."))]
    if other or encoder:
        raise fail(
            "no-causal-model",
            f"the files hold a {', '.join(kinds) or 'model of another kind'}, of which a causal "
            "language model would be only a part",
            where=name,
            found=_shown(unexpected) or None,
            hint="Take a model that continues text, such as those of the class ...ForCausalLM.",
        )
    if missing or mismatched:
        parts = [
            f"{len(keys)} {what}: {_shown(keys)}"
            for keys, what in (
                (missing, "missing"),
                (mismatched, "of another shape"),
                (unexpected, "that the model does not know"),
            )
            if keys
        ]
        raise fail(
            "random-weights",
            "the files do not hold all weights of the model; random ones would answer in their "
            "place",
            where=name,
            found="; ".join(parts),
            hint="Save the whole model again with save_pretrained (without a prefix such as "
            "module.), or name the repository that it came from.",
        )


def _first(key: Any) -> Any:
    return key[0] if isinstance(key, tuple | list) else key


def _shown(keys: Collection[str]) -> str:
    more = f" and {len(keys) - _LISTED} more" if len(keys) > _LISTED else ""
    return ", ".join(list(keys)[:_LISTED]) + more


def check_vocabulary(name: str, model: Any, tokenizer: Any) -> None:
    """Refuse a tokenizer with ordinary tokens that the model has no vector for.

    Raises:
        ContractError: it has some.
    """
    rows = int(model.get_input_embeddings().num_embeddings)
    special = set(tokenizer.all_special_ids)
    beyond = [
        token
        for token, number in tokenizer.get_vocab().items()
        if number >= rows and number not in special
    ]
    if beyond:
        raise fail(
            "larger-tokenizer",
            f"the tokenizer has {len(beyond)} tokens that the model has no vector for",
            where=name,
            found=_shown(sorted(beyond)),
            allowed=f"token ids below {rows}",
            hint="Take the tokenizer that the model was saved with, or call "
            "model.resize_token_embeddings before training and saving.",
        )


@torch.inference_mode()
def check_causality(name: str, model: Any) -> None:
    """Refuse a model whose prediction behind a text depends on what comes later.

    The same beginning is read with two different ends; every scorer but the naive one takes it
    for granted that this changes nothing, and the naive one would give wrong numbers.

    Raises:
        ContractError: it does depend, or the model gives no numbers.
    """
    rows = int(model.get_input_embeddings().num_embeddings)
    device = model.get_input_embeddings().weight.device
    ids = torch.arange(_READ).remainder(max(rows - 1, 1)).to(device)
    other = ids.clone()
    other[-1] = (ids[-1] + 1) % rows
    try:
        logits = [model(input_ids=one[None]).logits[0, : _READ - 1] for one in (ids, other)]
    except Exception as error:
        raise _unreadable(name, error) from error
    first, second = (one.float().log_softmax(-1) for one in logits)
    if not torch.isfinite(first).all():
        raise fail(
            "no-numbers",
            "the model's probabilities are no numbers (NaN or infinite)",
            where=name,
            hint="Its weights are damaged, or its number type is too small: try --dtype float32.",
        )
    change = float((first - second).abs().max())
    wide = model.dtype in (torch.float32, torch.float64)
    if change > (_CHANGE_32_BIT if wide else _CHANGE_16_BIT):
        raise fail(
            "not-causal",
            "the model reads what comes later as well (as BERT does), so it says no probability "
            "of a next token",
            where=name,
            found=f"an earlier token's log-probabilities changed by {change:.2g} nats",
            hint="Take a causal language model.",
        )


def _unreadable(name: str, error: Exception) -> ContractError:
    return fail(
        "cannot-run-model",
        "the model cannot read a text of a few tokens",
        where=name,
        found=f"{type(error).__name__}: {error}".splitlines()[0][:300],
        hint="Check that the folder is whole and that this version of transformers knows it.",
    )
