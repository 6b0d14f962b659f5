"""A tiny chat model that has learned the forms of replies: random weights, taught for seconds.

What it says means nothing, but it says it in the form that each method asks for, so that whole
runs end in scores.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import torch
from tiny_models import bpe_tokenizer, tiny_model

from elicitation.backends.hf.tokens import Encoder
from elicitation.prompts.plan import Call

#: Steps of teaching, replies of a step, and the pace.
STEPS, BATCH, PACE = 200, 3, 5e-3


def fitting_reply(call: Call, rng: random.Random) -> str:
    """A reply of the form that a call asks for, drawn at random."""
    labels = [option.label for option in call.shown.options]
    if call.shown.reader == "shares":
        rest = 60 // (len(labels) - 1)
        pairs = (f'"{label}": {40 if label == labels[0] else rest}' for label in labels)
        return f"{{{', '.join(pairs)}}}"
    if call.shown.reader == "rating":
        return f'{{"explanation": "So it is.", "score": {rng.choice(labels)}}}'
    if call.shown.reader == "sequence":
        return " ".join(rng.choice(labels) for _ in range(call.shown.wanted))
    return rng.choice(labels)


def save_taught_model(folder: Path, calls: Sequence[Call], *, seed: int = 0) -> Path:
    """Teach a tiny model to reply in the forms of some calls, and save it with its tokenizer.

    Args:
        folder: where to.
        calls: chats, each taught equally often.
        seed: of weights and replies.
    """
    tokenizer = bpe_tokenizer(chat=True)
    model = tiny_model("llama", vocabulary=len(tokenizer), seed=seed, initializer_range=0.05)
    encoder = Encoder(tokenizer)
    contexts = [list(encoder.context(call.request)) for call in calls]
    rng = random.Random(seed)
    forms = sorted({call.shown.reader for call in calls})
    optimiser = torch.optim.AdamW(model.parameters(), lr=PACE)
    model.train()
    for step in range(STEPS):
        for group in optimiser.param_groups:
            group["lr"] = PACE * min(1.0, (step + 1) / 20) * (1 - step / STEPS)
        form = forms[step % len(forms)]
        alike = [i for i, call in enumerate(calls) if call.shown.reader == form]
        rows = [rng.choice(alike) for _ in range(BATCH)]
        replies = [tokenizer(fitting_reply(calls[i], rng))["input_ids"] for i in rows]
        texts = [
            contexts[i] + reply + [encoder.end_of_turn]
            for i, reply in zip(rows, replies, strict=True)
        ]
        ids = torch.zeros(len(rows), max(map(len, texts)), dtype=torch.long)
        wanted = torch.full_like(ids, -100)
        for row, (i, text) in enumerate(zip(rows, texts, strict=True)):
            ids[row, : len(text)] = torch.tensor(text)
            start = len(contexts[i])
            wanted[row, start : len(text)] = torch.tensor(text[start:])
        loss = model(input_ids=ids, labels=wanted).loss
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimiser.step()
    model.eval()
    model.generation_config.eos_token_id = [2, encoder.end_of_turn]
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder
