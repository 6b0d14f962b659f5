"""Scorers on an accelerator: a random Llama of 1-3 billion parameters in bfloat16.

    PYTHONPATH=. python benchmarks/elicit_gpu.py --size 1b --items 192 --out result.json

Prints items per second and the ratios to one row per option with all logits (the way of
lm-evaluation-harness, which itself runs too where it is installed), and how far bfloat16 is
from float32 and the fast scorers from the naive one. Needs torch and transformers only.
"""

from __future__ import annotations

import argparse
import copy
import json
import time
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as functional
import transformers
from made_items import label_items, made_items
from transformers import LlamaConfig, LlamaForCausalLM

from elicitation.backends.hf.scorers import Limits, Scores, scores_of
from elicitation.backends.hf.tokens import Item

#: Shapes of known models of these sizes.
SIZES: dict[str, dict[str, int]] = {
    "tiny": {"hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 4,
             "num_attention_heads": 8, "num_key_value_heads": 4, "vocab_size": 8192},
    "1b": {"hidden_size": 2048, "intermediate_size": 8192, "num_hidden_layers": 16,
           "num_attention_heads": 32, "num_key_value_heads": 8, "vocab_size": 128256},
    "3b": {"hidden_size": 3072, "intermediate_size": 8192, "num_hidden_layers": 28,
           "num_attention_heads": 24, "num_key_value_heads": 8, "vocab_size": 128256},
}  # fmt: skip

#: Makes the logits of a random model spread about as far as those of a trained one.
HEAD_SCALE = 3.0


def random_llama(size: str, *, device: str, dtype: torch.dtype) -> Any:
    """A Llama with random weights, made on the device."""
    torch.manual_seed(0)
    config = LlamaConfig(**SIZES[size], max_position_embeddings=4096, tie_word_embeddings=False)
    with torch.device(device):
        model = LlamaForCausalLM(config)
    with torch.no_grad():
        model.lm_head.weight.mul_(HEAD_SCALE)
    return model.to(dtype).eval()


@torch.inference_mode()
def rows_with_all_logits(model: Any, items: Sequence[Item], *, rows: int) -> Scores:
    """One row per option, longest first, softmax over every position: nothing is shared."""
    flat = [(i, k, item) for i, item in enumerate(items) for k in range(len(item.options))]
    flat.sort(key=lambda one: -len(one[2].context) - len(one[2].options[one[1]]))
    scores: Scores = [[0.0] * len(item.options) for item in items]
    for start in range(0, len(flat), rows):
        chunk = flat[start : start + rows]
        lines = [(item.context + item.options[k])[:-1] for _, k, item in chunk]
        ids = torch.zeros(len(lines), max(map(len, lines)), dtype=torch.long)
        for row, line in enumerate(lines):
            ids[row, : len(line)] = torch.tensor(line)
        logits = model(ids.to(model.device), use_cache=False).logits
        logprobs = functional.log_softmax(logits.float(), dim=-1)
        for row, (i, k, item) in enumerate(chunk):
            option = torch.tensor(item.options[k], device=model.device)
            begin = len(item.context) - 1
            read = logprobs[row, begin : begin + len(option)]
            scores[i][k] = float(read.gather(1, option[:, None]).sum())
    return scores


def harness(model: Any, items: Sequence[Item], *, rows: int) -> Scores:
    """lm-evaluation-harness on the same ids."""
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=model, tokenizer=_NoTokenizer(), batch_size=rows, max_length=4096)
    requests = [
        ((str((i, k)), ""), list(item.context), list(option))
        for i, item in enumerate(items)
        for k, option in enumerate(item.options)
    ]
    answers = iter(lm._loglikelihood_tokens(requests, disable_tqdm=True))
    return [[next(answers)[0] for _ in item.options] for item in items]


class _NoTokenizer(transformers.PreTrainedTokenizerFast):
    """Stands where the harness wants a tokenizer; ids are given."""

    def __init__(self) -> None:
        from tokenizers import Tokenizer, models

        tokenizer = Tokenizer(models.WordLevel({"<pad>": 0, "<eos>": 1}, unk_token="<pad>"))
        super().__init__(tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>")


def timed(run: Callable[[Sequence[Item]], Scores], items: Sequence[Item]) -> dict[str, Any]:
    """Items per second of one run after a warm-up on a few items."""
    run(items[:8])
    _wait()
    start = time.perf_counter()
    scores = run(items)
    _wait()
    seconds = time.perf_counter() - start
    return {"items_per_second": len(items) / seconds, "seconds": seconds, "scores": scores}


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def distance(first: Scores, second: Scores) -> dict[str, float]:
    """Largest and mean difference of an option's log-probability, and of an item's shares."""
    gaps = [
        abs(a - b) for x, y in zip(first, second, strict=True) for a, b in zip(x, y, strict=True)
    ]
    moved = []
    for x, y in zip(first, second, strict=True):
        shares = [torch.softmax(torch.tensor(one, dtype=torch.float64), 0) for one in (x, y)]
        moved.append(float((shares[0] - shares[1]).abs().sum()) / 2)
    return {"max_nats": max(gaps), "mean_nats": float(np.mean(gaps)), "max_share": max(moved)}


def contenders(model: Any, rows: int, limits: Limits) -> dict[str, Callable[[Any], Scores]]:
    """Everything that is timed."""
    scorers: dict[str, Callable[[Any], Scores]] = {}
    run = partial(harness, model, rows=rows)
    try:
        run(made_items(1, vocabulary=model.config.vocab_size, rng=np.random.default_rng(1)))
    except Exception as error:
        # Not installed, or a version with other arguments: the stand-in below remains.
        print(f"lm-eval left out: {type(error).__name__}: {error}"[:200], flush=True)
    else:
        scorers["lm-eval"] = run
    scorers["rows_all_logits"] = lambda items: rows_with_all_logits(model, items, rows=rows)
    for name in ("padded", "cached", "tree"):
        scorers[name] = lambda items, name=name: scores_of(model, items, scorer=name, limits=limits)
    return scorers


def measure(arguments: argparse.Namespace) -> dict[str, Any]:
    """All measurements."""
    device = arguments.device or ("cuda" if torch.cuda.is_available() else "cpu")
    model = random_llama(arguments.size, device=device, dtype=torch.bfloat16)
    rng = np.random.default_rng(0)
    items = made_items(arguments.items, vocabulary=model.config.vocab_size, rng=rng)
    limits = Limits(batch_tokens=arguments.batch_tokens)
    result: dict[str, Any] = {
        "device": torch.cuda.get_device_name(0) if device == "cuda" else device,
        "parameters": sum(p.numel() for p in model.parameters()),
        "torch": torch.__version__,
        "transformers": transformers.__version__,
        "items": len(items),
        "options_per_item": float(np.mean([len(item.options) for item in items])),
        "context_ids": float(np.mean([len(item.context) for item in items])),
        "rows": arguments.rows,
        "batch_tokens": arguments.batch_tokens,
    }
    scores: dict[str, Scores] = {}
    for kind, asked in (("options", items), ("labels", label_items(items))):
        runs = {}
        for name, run in contenders(model, arguments.rows, limits).items():
            outcome = timed(run, asked)
            if kind == "options":
                scores[name] = outcome["scores"]
            runs[name] = outcome["items_per_second"]
        base = runs.get("lm-eval", runs["rows_all_logits"])
        ratios = {name: speed / base for name, speed in runs.items()}
        result[kind] = {"items_per_second": runs, "ratio": ratios}
        _print_table(kind, runs, ratios)
    result["distance"] = _distances(model, items, scores, arguments.judged, limits)
    return result


def _distances(
    model: Any, items: Sequence[Item], scores: dict[str, Scores], judged: int, limits: Limits
) -> dict[str, Any]:
    few = items[:judged]
    naive = scores_of(model, few, scorer="naive")
    exact_model = copy.deepcopy(model).float()
    exact = scores_of(exact_model, few, scorer="naive")
    distances = {"bf16 naive - fp32 naive": distance(naive, exact)}
    for name in ("padded", "cached", "tree"):
        distances[f"bf16 {name} - bf16 naive"] = distance(scores[name][:judged], naive)
        distances[f"bf16 {name} - fp32 naive"] = distance(scores[name][:judged], exact)
        fast = scores_of(exact_model, few, scorer=name, limits=limits)
        distances[f"fp32 {name} - fp32 naive"] = distance(fast, exact)
    for name, gaps in distances.items():
        print(f"{name:28s} " + "  ".join(f"{k} {v:.2e}" for k, v in gaps.items()))
    return distances


def _print_table(kind: str, runs: dict[str, float], ratios: dict[str, float]) -> None:
    print(f"{kind}:")
    for name, speed in runs.items():
        print(f"  {name:16s} {speed:10.1f} items/s   {ratios[name]:6.1f} x", flush=True)


def main() -> None:
    """Read the command line, measure, write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--size", choices=SIZES, default="1b")
    parser.add_argument("--items", type=int, default=192)
    parser.add_argument("--judged", type=int, default=12, help="items for the distances")
    parser.add_argument("--rows", type=int, default=16, help="rows a batch of the slow ways")
    parser.add_argument("--batch-tokens", type=int, default=65536)
    parser.add_argument("--device", default="")
    parser.add_argument("--out", type=Path)
    arguments = parser.parse_args()
    result = measure(arguments)
    print(json.dumps({k: v for k, v in result.items() if k not in ("options", "labels")}, indent=1))
    if arguments.out:
        arguments.out.write_text(json.dumps(result, indent=1))


if __name__ == "__main__":
    main()
