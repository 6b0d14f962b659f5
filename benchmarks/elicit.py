"""How fast options are scored, next to lm-evaluation-harness: same model, same items, one run.

`python benchmarks/elicit.py [--smoke] [--assert]` makes random models of about 7 million
parameters (float32, one thread) and items of the survey's own texts with contexts of about 890
tokens that share long beginnings, and prints items per second of processor time and ratios:

* whole options by cached rows, in every family;
* whole options by the packed tree, where it applies;
* option letters as the next token.

Both sides start from text, and have the same model object, texts, number type and one thread. The
harness scores a part of the items, for it shares nothing between items; its batch size is the
faster one of two, ours is the default of `--batch-tokens`. Every score is compared with the
harness's. `--assert` fails where a ratio is missed; `--smoke` asserts no time, but fails where a
score is another one. `elicit_client.py` measures plan, resume and client.
"""

from __future__ import annotations

import argparse
import logging
import os
import sys
import time
import warnings
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

os.environ.setdefault("HF_HUB_OFFLINE", "1")
sys.path.insert(0, str(Path(__file__).parents[1]))

import torch

from codebook import question_set
from codebook.render import question as render
from elicitation.backends.base import Request
from elicitation.backends.hf.backend import HfBackend
from elicitation.backends.hf.loading import Loaded
from elicitation.backends.registry import BackendOptions
from tests.support.tiny_models import FAMILIES, bpe_tokenizer, corpus, tiny_model

#: What has to be reached, as ratios to lm-evaluation-harness.
CACHED_RATIO, TREE_RATIO, LABEL_RATIO = 6.0, 20.0, 8.0

#: Largest difference from the harness's log-probabilities, in nats.
TOLERANCE = 1e-3

#: Tokens that all contexts share, and that the items of one group share besides.
COMMON, GROUP = 640, 160

#: Batch sizes of the harness; the faster one counts.
HARNESS_BATCHES = (1, 8)

#: Items of a group: a third of the questions that a real study asks under one head.
GROUP_ITEMS = 48

#: Size of the models: about 7 million parameters with 8192 tokens.
SIZE = {
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 4,
    "num_attention_heads": 8,
    "num_key_value_heads": 4,
    "initializer_range": 0.05,
}
CHANGES: dict[str, dict[str, Any]] = {
    "gpt2": {"n_embd": 256, "n_layer": 6, "n_head": 8, "initializer_range": 0.05},
    "mistral": {**SIZE, "sliding_window": 256},
    "gemma3": {**SIZE, "head_dim": 32, "sliding_window": 256},
    "qwen3": {**SIZE, "head_dim": 32},
}
VOCABULARY = 8192


class Rate(NamedTuple):
    """One measurement.

    Attributes:
        items_per_second: of processor time.
        scores: log-probabilities of the options, by item.
        batch: how much was computed at once.
    """

    items_per_second: float
    scores: list[tuple[float, ...]]
    batch: str


def requests_of(count: int, tokenizer: Any) -> list[Request]:
    """Items of the survey's texts; 6.2 options an item."""
    asked = [render.render_question(q) for q in question_set("alignment")]
    by_size = {size: [q for q in asked if len(q.options) == size] for size in (4, 5, 10)}
    sizes = (4, 10, 5, 4, 10, 4, 5, 4, 10, 5)
    common = _cut(tokenizer, corpus(), COMMON, 0)
    requests = []
    turns: Counter[int] = Counter()
    for index in range(count):
        group = _cut(tokenizer, corpus(), GROUP, 1 + index // GROUP_ITEMS)
        pool = by_size[sizes[index % len(sizes)]]
        # A question comes once in a group.
        question = pool[turns[id(pool)] % len(pool)]
        turns[id(pool)] += 1
        requests.append(
            Request(
                f"item{index}",
                "score_options",
                prompt=f"{common}\n\n{group}\n\n{question.text}\nAnswer:",
                options=tuple(
                    f" {option.text}" if option.text != option.label else f" {option.label}"
                    for option in question.options
                ),
                terminator="newline",
            )
        )
    return requests


def label_requests(requests: Sequence[Request]) -> list[Request]:
    """The same contexts, after which a letter follows a bracket: one token each."""
    return [
        Request(
            r.request_id,
            "score_labels",
            prompt=f"{r.prompt} (",
            options=tuple("ABCDEFGHIJ"[: len(r.options)]),
        )
        for r in requests
    ]


def _cut(tokenizer: Any, texts: Sequence[str], size: int, turn: int) -> str:
    """Texts from the `turn`-th on, cut to about `size` tokens."""
    start = turn * 37 % len(texts)
    text = "\n\n".join((*texts[start:], *texts[:start])[:200])
    ids = tokenizer(text, add_special_tokens=False)["input_ids"][:size]
    return str(tokenizer.decode(ids))


def ours(model: Any, tokenizer: Any, requests: Sequence[Request], scorer: str) -> Rate:
    """Our backend, from text to scores."""
    options = BackendOptions(device="cpu", dtype="float32", scorer=scorer)
    backend = HfBackend(Loaded(model, tokenizer, "random", "0"), options)
    logprobs_by_id: dict[str, tuple[float, ...]] = {}

    def keep(request: Request, response: Any) -> None:
        if response.status != "ok":
            raise RuntimeError(f"{request.request_id}: {response.error}")
        logprobs_by_id[request.request_id] = response.option_logprobs

    backend.run(requests[:2], on_response=keep)  # its own check, before the clock starts
    used = backend.environment()["scorer_used"]
    if used != scorer:
        raise RuntimeError(f"{scorer} was given up for {used}: {backend.capabilities().notes}")
    start = time.process_time()
    backend.run(requests, on_response=keep)
    seconds = time.process_time() - start
    batch = f"{options.batch_tokens} tokens"
    return Rate(len(requests) / seconds, [logprobs_by_id[r.request_id] for r in requests], batch)


def harness(model: Any, tokenizer: Any, requests: Sequence[Request]) -> Rate:
    """lm-evaluation-harness on the same texts, at the faster of two batch sizes."""
    return max(
        (_harness(model, tokenizer, requests, size) for size in HARNESS_BATCHES),
        key=lambda rate: rate.items_per_second,
    )


def side_by_side(
    model: Any,
    tokenizer: Any,
    requests: Sequence[Request],
    judged: int,
    scorers: Sequence[str],
    rounds: int,
) -> dict[str, Rate]:
    """Both sides in turn, some rounds; each one's best, for others may be at work meanwhile."""
    best: dict[str, Rate] = {}
    for _ in range(rounds):
        rates = {"harness": harness(model, tokenizer, requests[:judged])}
        rates |= {name: ours(model, tokenizer, requests, name) for name in scorers}
        for name, rate in rates.items():
            if name not in best or rate.items_per_second > best[name].items_per_second:
                best[name] = rate
    return best


def _harness(model: Any, tokenizer: Any, requests: Sequence[Request], batch: int) -> Rate:
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    lm = HFLM(pretrained=model, tokenizer=tokenizer, batch_size=batch, device="cpu")
    ending = {"score_options": "\n", "score_labels": ""}
    instances = [
        Instance("loglikelihood", {}, (r.prompt, option + ending[r.kind]), k)
        for r in requests
        for k, option in enumerate(r.options)
    ]
    start = time.process_time()
    answers = iter(lm.loglikelihood(instances, disable_tqdm=True))
    seconds = time.process_time() - start
    scores = [tuple(next(answers)[0] for _ in r.options) for r in requests]
    return Rate(len(requests) / seconds, scores, f"{batch} rows")


def distance(first: Sequence[tuple[float, ...]], second: Sequence[tuple[float, ...]]) -> float:
    """Largest difference of log-probabilities of the items that both have."""
    pairs = zip(first, second, strict=False)
    return max(abs(a - b) for x, y in pairs for a, b in zip(x, y, strict=True))


class Table:
    """Prints measurements, and remembers what was missed."""

    def __init__(self) -> None:
        self.missed: list[str] = []
        self.wrong: list[str] = []
        print(
            f"{'items per second':34s} {'harness':>10s} {'ours':>10s} {'ratio':>8s} {'goal':>6s} "
            f"{'nats':>9s}  batches"
        )

    def add(self, name: str, base: Rate, rate: Rate, goal: float) -> None:
        """One line: items per second of both sides, ratio, goal, distance."""
        ratio = rate.items_per_second / base.items_per_second
        apart = distance(base.scores, rate.scores)
        print(
            f"{name:34s} {base.items_per_second:10.2f} {rate.items_per_second:10.1f} "
            f"{ratio:7.1f}x {goal:5.0f}x {apart:9.1e}  {base.batch}; {rate.batch}",
            flush=True,
        )
        if ratio < goal:
            self.missed.append(f"{name}: {ratio:.1f}x, not {goal:.0f}x")
        if not apart < TOLERANCE:
            self.wrong.append(f"{name}: {apart:.1e} nats from the harness")


def measure(families: Sequence[str], count: int, judged: int, rounds: int) -> Table:
    """All measurements, printed one by one."""
    tokenizer = bpe_tokenizer(vocabulary=VOCABULARY)
    requests = requests_of(count, tokenizer)
    sizes = [len(tokenizer(r.prompt)["input_ids"]) for r in requests]
    options = [len(r.options) for r in requests]
    print(
        f"{count} items ({judged} for the harness), contexts of {sum(sizes) / count:.0f} tokens, "
        f"{sum(options) / count:.1f} options, {torch.get_num_threads()} thread, "
        f"best of {rounds} rounds"
    )
    table = Table()
    for family in families:
        model = tiny_model(family, vocabulary=VOCABULARY, **CHANGES.get(family, SIZE))
        scorers = ["cached"] if family in ("mistral", "gemma3") else ["cached", "tree"]
        best = side_by_side(model, tokenizer, requests, judged, scorers, rounds)
        for name, goal in zip(scorers, (CACHED_RATIO, TREE_RATIO), strict=False):
            table.add(f"{family}, whole options, {name}", best["harness"], best[name], goal)
        if family == families[0]:
            labels = label_requests(requests)
            best = side_by_side(model, tokenizer, labels, judged, ["tree"], rounds)
            table.add(f"{family}, letters", best["harness"], best["tree"], LABEL_RATIO)
    return table


def main() -> int:
    """Read the command line, measure; 1 where a goal was missed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--smoke", action="store_true", help="few items, one family; no time counts"
    )
    parser.add_argument("--assert", dest="check", action="store_true", help="1 where too slow")
    parser.add_argument("--family", choices=tuple(FAMILIES), action="append")
    parser.add_argument("--rounds", type=int, default=2, help="times that both sides are timed")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    logging.disable(logging.WARNING)
    torch.set_num_threads(1)
    families = arguments.family or (("llama",) if arguments.smoke else tuple(FAMILIES))
    size = (48, 1, 1) if arguments.smoke else (192, 4, arguments.rounds)
    table = measure(families, *size)
    missed = [] if arguments.smoke else table.missed
    for line in (*table.wrong, *missed):
        print(f"missed: {line}")
    return 1 if table.wrong or (missed and arguments.check) else 0


if __name__ == "__main__":
    sys.exit(main())
